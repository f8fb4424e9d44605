"""The benchmarks compare like with like: what is timed side by side computes the same numbers."""

import itertools
import re
import sys

import numpy as np
import pytest

import fa_teach as fa
from benchmarks import __main__ as benchmarks
from benchmarks import cases, steps, timing
from benchmarks.timing import Pairs
from fa_teach.feedback import as_rule, backward, outer
from fa_teach.network import forward, targets

SIZES = [[5, 4, 3], [6, 5, 4, 3]]
TINY = {"repeats": 2, "block": 0.001}


def test_pytorch_trains_to_the_same_weights():
    """A comparison of speeds means something only if both do the same arithmetic, the small last batch included."""
    torch = pytest.importorskip("torch")
    from benchmarks import pytorch

    assert (
        torch.get_default_dtype() == torch.float32
    )  # the tensors take the problem's number type all the same
    for sizes in SIZES:
        p = steps.problem(sizes, 8, batches=3)
        training = pytorch.Training(p)
        training(7)  # two epochs of three batches, and one step more
        trained = steps.train(p, 7)
        for ours, theirs in zip(trained.weights, training.model.weights, strict=True):
            assert np.allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-12)
        for ours, theirs in zip(trained.biases, training.model.biases, strict=True):
            assert np.allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-12)
        assert not np.allclose(trained.weights[0], p.network.weights[0], atol=1e-3), "nothing was learned"


@pytest.mark.parametrize("sizes", SIZES)
def test_floor_is_the_products_of_a_step(sizes):
    """It leaves out no matrix product, nor tanh, and adds none: pre-activations, errors and updates follow."""
    p = steps.problem(sizes, 8, batches=3)
    floor = steps.Floor(p, tanh=True)
    for out in (*floor.results, *(h for _, h in floor.tanh)):
        out[:] = np.nan
    floor(1)
    index = next(steps.batches(p))
    x, t = targets(p.network, p.x[index], p.labels[index])
    run = forward(p.network, x)
    deltas = backward(p.network, run, t, as_rule("fa"), p.feedback)
    update = outer(p.network, run, deltas)
    slopes = [1 - h * h for h in run.h[1:]]
    depth = p.network.depth
    forwards, backwards, updates = np.split(np.arange(3 * depth - 1), [depth, 2 * depth - 1])
    assert len(floor.results) == 3 * depth - 1
    for i, a, c in zip(forwards, run.a, p.network.biases, strict=True):
        assert np.allclose(floor.results[i] + c, a)
    for i, delta, slope in zip(backwards, deltas[:-1], slopes, strict=True):
        assert np.allclose(floor.results[i] * slope, delta)
    for (_, activity), h in zip(floor.tanh, run.h[1:], strict=True):
        assert np.allclose(activity, h)
    for i, u in zip(updates, update.weights, strict=True):
        assert np.allclose(floor.results[i], u)


def test_members_together_and_one_after_another_end_alike():
    """The ensemble is not faster by doing less: each member ends where it ends alone."""
    together, alone = cases.members(steps.problem([5, 4, 3], 8, batches=3), 4)
    nets = steps.train(together, 7)
    for i, net in enumerate(cases.one_after_another(alone, 7)):
        for ours, theirs in zip(nets.member(i).weights, net.weights, strict=True):
            assert np.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_spectrum_is_that_of_a_numerical_jacobian():
    """The timed spectrum is the right one: sums of its powers are traces of a Jacobian by central differences."""
    sizes, samples = [4, 3, 2], 9
    eigenvalues = cases.spectrum(sizes, samples)
    p = steps.problem(sizes, samples + 3, batches=1)
    assert len(p.x) == samples
    theta = fa.dynamics.to_vector(p.network)

    def update(vector):
        net = fa.dynamics.from_vector(p.network, vector)
        u = fa.pseudo_gradient(net, p.x, p.labels, "fa", p.feedback)
        return -np.concatenate([array.ravel() for array in (*u.weights, *u.biases)])

    def flat(vector):  # the same order as `update`'s
        net = fa.dynamics.from_vector(p.network, vector)
        return np.concatenate([array.ravel() for array in (*net.weights, *net.biases)])

    order = flat(np.arange(theta.size, dtype=float)).astype(int)
    columns = [(update(theta + d) - update(theta - d)) / 2e-5 for d in 1e-5 * np.eye(theta.size)[order]]
    numerical = np.stack(columns, axis=1)
    for power in (1, 2, 3):
        trace = np.trace(np.linalg.matrix_power(numerical, power))
        assert np.isclose((eigenvalues**power).sum(), trace, rtol=1e-6)


def test_the_ratio_is_the_median_over_pairs(monkeypatch):
    """Each ratio is of two blocks that ran one after the other, and one disturbed pair moves the median little."""
    pairs = Pairs([1.0, 2.0, 30.0], [2.0, 4.0, 6.0])
    assert pairs.ratio == 0.5
    assert pairs.spread == (0.5, 2.75)
    log = []
    clock = itertools.count()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: float(next(clock)))
    timed = timing.by_turns(
        lambda n: log.append("a"), lambda n: log.append("b"), repeats=3, block=0, at_least=4
    )
    assert log[4:] == [
        "a",
        "b",
        "b",
        "a",
        "a",
        "b",
    ]  # after a run of each to warm up and one to see how long it takes
    assert timed == Pairs([0.25] * 3, [0.25] * 3)  # one tick for four steps


def test_rows_say_whether_the_target_was_met():
    """A ratio is held against its limit; where there is no other, our seconds are; without a limit, nothing is."""
    assert cases.compare("", Pairs([1.0, 1.0], [4.0, 4.0]), 0.25).met
    assert not cases.compare("", Pairs([1.1, 1.1], [4.0, 4.0]), 0.25).met
    assert cases.Row("", 9.0, 10.0).met
    assert not cases.Row("", 11.0, 10.0).met
    assert cases.Row("", 11.0, None).met
    texts = [
        benchmarks.line(cases.Row("x", 11.0, 10.0)),
        benchmarks.line(cases.Row("x", 2e-5, 0.25, 1e-4, 0.2, (0.1, 0.3))),
        benchmarks.line(cases.Row("x", 2e-5, None, 1e-5, 2.0, (1.9, 2.1))),
    ]
    assert re.split(r"\s{2,}", texts[0]) == ["x", "11 s", "< 10 s", "NO"]
    assert re.split(r"\s{2,}", texts[1]) == ["x", "20 µs", "100 µs", "0.20", "0.10 to 0.30", "<= 0.25", "yes"]
    assert re.split(r"\s{2,}", texts[2]) == ["x", "20 µs", "10 µs", "2.00", "1.90 to 2.10"]


def test_every_case_runs():
    """None of the rows breaks unseen when the library changes."""
    rows = [
        cases.against_floor([5, 4, 3], 8, 1.0, dtype="float32", **TINY),
        cases.tanh_alone([5, 4, 3], 8, dtype="float64", **TINY),
        cases.ensemble([5, 4, 3], 8, 1.0, count=3, dtype="float64", **TINY),
        cases.jacobian_spectrum([5, 4, 3], 8, 1.0),
    ]
    assert all(row.ours > 0 for row in rows)
    pytest.importorskip("torch")
    assert cases.against_pytorch([5, 4, 3], 8, 1.0, dtype="float32", **TINY).ratio > 0


def test_tanh_is_what_two_floors_differ_in(monkeypatch):
    """The row would say nothing if both had it, or the other one."""
    monkeypatch.setattr(cases, "by_turns", lambda ours, other, **k: (len(ours.tanh), len(other.tanh)))
    monkeypatch.setattr(cases, "compare", lambda name, pairs, limit: pairs)
    assert cases.tanh_alone([5, 4, 3], 8, dtype="float64", **TINY) == (1, 0)


def test_without_torch_it_says_how_to_get_it_and_goes_on(monkeypatch, capsys):
    """PyTorch is large and optional: what does not need it is measured all the same."""
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(benchmarks, "prepare", lambda threads: None)
    monkeypatch.setattr(cases, "against_floor", lambda *a, **k: cases.Row("floor", 1.0, 2.0))
    monkeypatch.setattr(
        cases, "tanh_alone", lambda *a, **k: cases.Row("tanh", 1.0, None, 0.5, 2.0, (2.0, 2.0))
    )
    monkeypatch.setattr(cases, "ensemble", lambda *a, **k: cases.Row("ensemble", 1.0, 2.0))
    monkeypatch.setattr(cases, "jacobian_spectrum", lambda *a: cases.Row("spectrum", 1.0, 2.0))
    benchmarks.main(["--repeats", "2"])
    shown = capsys.readouterr().out
    assert 'pip install -e ".[bench]"' in shown
    assert [name in shown for name in ("floor", "tanh", "ensemble", "spectrum")] == [True] * 4


def test_sweep_gives_what_single_runs_give(monkeypatch, capsys):
    """joblib only shares out the work: scales and seeds stay where they belong, and the bar ends full."""
    joblib = pytest.importorskip("joblib")
    from benchmarks import sweep

    bars = []
    monkeypatch.setattr(sweep, "tqdm", lambda **k: bars.append(Bar(**k)) or bars[-1])
    scales = [0.1, 2.0]
    with joblib.parallel_config(backend="threading", n_jobs=2):
        results = sweep.sweep(scales, 3, epochs=1, together=2)
    assert results.shape == (2, 3)
    data, test = fa.datasets.digits()
    for i, scale in enumerate(scales):
        for seed in range(3):
            net = fa.init_network([64, 32, 10], loss="cross_entropy", scale=scale, seed=seed)
            run = fa.train(net, data, rule="fa", epochs=1, record=[], record_at=[0])
            assert results[i, seed] == fa.accuracy(run.network, test.x, test.t)
    assert (bars[0].n, bars[0].total) == (4, 4)
    monkeypatch.setattr(sweep, "SCALES", scales)
    sweep.main(["--jobs", "1", "--seeds", "2", "--epochs", "1"])
    assert capsys.readouterr().out.count("weights ×") == 2


class Bar:
    """What `sweep` uses of a tqdm bar."""

    def __init__(self, *, total, desc):
        self.total, self.n = total, 0

    def update(self, n):
        self.n += n

    def close(self):
        pass
