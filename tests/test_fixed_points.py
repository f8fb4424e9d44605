"""Fixed points and their stability: what is computed must be what happens when the point is kicked."""

from dataclasses import replace

import numpy as np
import pytest

from fa_teach import Rule, dynamics, forward, init_feedback, init_network, pseudo_gradient
from fa_teach import fixed_points as fp
from fa_teach.network import loss

B1 = (np.array([[1.0]]),)
ONE = [[1.0]]


def chain(w1, w2):
    """The two-weight network."""
    net = init_network([1, 1, 1], activation="identity", bias=False)
    return dynamics.from_vector(net, np.stack(np.broadcast_arrays(w1, w2), axis=-1).astype(float))


def linear_task(rng, sizes, n=40, seed=0):
    net = init_network(sizes, activation="identity", bias=False, seed=seed)
    x = rng.normal(size=(n, sizes[0]))
    return net, x, x @ rng.normal(size=(sizes[0], sizes[-1]))


@pytest.fixture
def rng():
    return np.random.default_rng(1)


# -- Verdicts -----------------------------------------------------------------------------------


def test_hyperbola_of_the_smallest_network():
    """The verdict is the sign of w1² + b w2 along the whole hyperbola, the unstable stretch included."""
    w1 = np.concatenate([np.linspace(-3, -1.02, 30), np.linspace(-0.98, -0.1, 30), np.linspace(0.1, 3, 30)])
    point = fp.stability(chain(w1, 1 / w1), ONE, ONE, "fa", B1)
    rate = w1**2 + 1 / w1
    assert point.converged.all()
    assert (point.verdict == np.where(rate > 0, "stable", "unstable")).all()
    np.testing.assert_allclose(point.slowest_rate, rate, atol=1e-10)
    assert (point.neutral_count == 1).all()
    np.testing.assert_allclose(point.critical_step, np.where(rate > 0, 2 / rate, 0), atol=1e-9)
    assert (fp.stability(chain(w1, 1 / w1), ONE, ONE, "bp").verdict == "stable").all()


def test_end_of_the_unstable_stretch_is_undecided():
    """At w1 = -1 both eigenvalues are zero: linear terms do not tell, and the result must say so."""
    point = fp.stability(chain(-1.0, -1.0), ONE, ONE, "fa", B1)
    assert point.verdict == "undecided"
    assert np.isnan(point.slowest_rate)
    assert np.isnan(point.critical_step)


def test_saddle_of_the_gradient_is_no_fixed_point_of_feedback_alignment():
    """The origin: unstable for backpropagation, not at rest for feedback alignment."""
    assert fp.stability(chain(0, 0), ONE, ONE, "bp").verdict == "unstable"
    point = fp.stability(chain(0, 0), ONE, ONE, "fa", B1)
    assert not point.converged
    assert repr(point).startswith("FixedPoint(not a fixed point: update norm 1;")


def test_a_pair_that_only_turns_is_undecided():
    """Eigenvalues ±iω are not neutral, and not stable either."""
    point = fp.stability(chain(2.0, 0.5), ONE, ONE, "fa", B1)
    turning = replace(
        point,
        eigenvalues=np.array([1j, -1j]),
        neutral=np.array([False, False]),
        jacobian=np.array([[0.0, 1.0], [-1.0, 0.0]]),
    )
    assert turning.verdict == "undecided"
    assert np.isnan(turning.critical_step)


def test_words_of_the_result():
    """The repr says in words what was computed."""
    assert repr(fp.stability(chain(2.0, 0.5), ONE, ONE, "fa", B1)) == (
        "FixedPoint(stable; slowest rate 4.5; 1 neutral direction; critical step 0.44; loss 0)"
    )
    ensemble = fp.stability(chain([2.0, -0.5, 0.0], [0.5, -2.0, 0.0]), ONE, ONE, "fa", B1)
    assert repr(ensemble) == "FixedPoint(3 points: 1 not a fixed point, 1 stable, 1 unstable)"
    assert repr(ensemble.member(1)) == repr(fp.stability(chain(-0.5, -2.0), ONE, ONE, "fa", B1))


def test_backpropagations_solutions_are_unstable_under_random_feedback(rng):
    """Science.md §4: 8 of 8 exact solutions of a linear task; under backpropagation all are stable."""
    net, x, t = linear_task(rng, [10, 6, 5], seed=range(8))
    solved = fp.fixed_point(net, x, t, "bp")
    assert (solved.verdict == "stable").all()
    B = init_feedback(net, seed=range(100, 108))
    point = fp.stability(solved.network, x, t, "fa", B)
    assert point.converged.all()
    assert (point.verdict == "unstable").all()
    aligned = tuple(W.mT for W in solved.network.weights[1:])
    assert (fp.stability(solved.network, x, t, "fa", aligned).verdict == "stable").all()


# -- Verdicts against what happens --------------------------------------------------------------


@pytest.mark.parametrize(("angle", "grows"), [(30.0, False), (180.0, True)])
def test_a_kick_grows_or_fades_at_the_predicted_rate(rng, angle, grows):
    """Along an eigenvector the logarithm of the distance is a straight line with slope Re μ."""
    net = init_network([3, 4, 2], seed=3, bias=False, scale=2.0)
    x = rng.normal(size=(40, 3))
    t = forward(net, x).y
    B = init_feedback(net, angle=angle, seed=2)
    point = fp.stability(net, x, t, "fa", B)
    assert point.verdict == ("unstable" if grows else "stable")
    real = abs(point.eigenvalues.imag) < 1e-9
    mode = int(np.flatnonzero(real & ~point.neutral)[0 if grows else -1])
    mu = point.eigenvalues[mode].real
    assert (mu > 0) == grows
    times = np.linspace(0, 3 / abs(mu), 16)
    run = dynamics.trajectory(
        fp.kick(point, size=1e-5, mode=mode), x, t, "fa", B, times=times, rtol=1e-10, atol=1e-15
    )
    distance = np.linalg.norm(run.theta - dynamics.to_vector(net), axis=-1)
    slope = np.polyfit(times, np.log(distance), 1)[0]
    assert slope == pytest.approx(mu, rel=0.01)


def test_unstable_point_of_the_smallest_network_is_left_and_stable_one_returned_to():
    """From a kick across the hyperbola: error grows by e^1.75 in unit time, or fades by e^-4.5."""
    for w, rate in (([-0.5, -2.0], 1.75), ([2.0, 0.5], -4.5)):
        point = fp.stability(chain(*w), ONE, ONE, "fa", B1)
        run = dynamics.trajectory(
            fp.kick(point, size=1e-6, mode=0 if rate > 0 else 1),
            ONE, ONE, "fa", B1, times=[0, 1], rtol=1e-10, atol=1e-15,
        )  # fmt: skip
        error = abs(run.theta.prod(axis=-1) - 1)
        assert np.log(error[1] / error[0]) == pytest.approx(rate, rel=1e-3)


def test_steps_around_the_critical_size(rng):
    """Just below it a kicked point returns, just above it leaves, complex eigenvalues included."""
    found = {"real": 0, "complex": 0}
    net, x, t = linear_task(rng, [4, 6, 3], seed=range(30))
    B = init_feedback(net, scale=1.5, seed=range(50, 80))
    points = fp.fixed_point(net, x, t, "fa", B)
    for i in np.flatnonzero(points.verdict == "stable"):
        point = points.member(i)
        critical = float(point.critical_step)
        rates = point.rates
        binding = int(np.nanargmin(2 * rates.real / abs(rates) ** 2))
        kind = "complex" if abs(rates[binding].imag) > 1e-6 else "real"
        if found[kind] >= 2:
            continue
        found[kind] += 1
        feedback = (B[0][i],)
        for factor, verdict in ((0.97, "stable"), (1.03, "unstable")):
            assert point.verdict_at(factor * critical) == verdict
            kicked = fp.kick(point, size=1e-9, mode=binding)
            run = dynamics.iterate(kicked, x, t, "fa", feedback, learning_rate=factor * critical, steps=120)
            losses = loss(run.network, x, t)
            assert (losses[-1] > 2 * losses[0]) == (verdict == "unstable")
    assert found["real"] == 2
    assert found["complex"] >= 1


# -- The search ---------------------------------------------------------------------------------


def test_search_on_the_smallest_network(rng):
    """It ends where the parabola meets the hyperbola; w1³ - c w1 - 2bt = 0 is the oracle."""
    w = rng.uniform(-3, 3, (2, 40))
    point = fp.fixed_point(chain(*w), ONE, ONE, "fa", B1)
    assert (point.verdict == "stable").all()
    end = dynamics.to_vector(point.network)
    np.testing.assert_allclose(end.prod(axis=-1), 1, atol=1e-9)
    c = w[0] ** 2 - 2 * w[1]
    np.testing.assert_allclose(end[:, 0] ** 3 - c * end[:, 0] - 2, 0, atol=1e-3)
    assert (point.update_norm < 1e-9).all()


def test_newton_alone_finds_unstable_points():
    """With time 0 the flow has no say."""
    start = chain(-0.52, -1.97)
    assert fp.fixed_point(start, ONE, ONE, "fa", B1, time=0).verdict == "unstable"
    assert fp.fixed_point(start, ONE, ONE, "fa", B1).verdict == "stable"


def test_bottleneck_rests_where_the_gradient_does_not_vanish(rng):
    """Science.md §3: 3-1-2 settles above the optimum; the rule's norm and the gradient's differ."""
    net, x, t = linear_task(rng, [3, 1, 2], seed=range(8))
    point = fp.fixed_point(net, x, t, "fa", init_feedback(net))
    assert point.converged.all()
    assert (point.verdict == "stable").all()
    assert (point.update_norm < 1e-10).all()
    g = pseudo_gradient(point.network, x, t, "bp")
    norm = np.sqrt(sum((part**2).sum(axis=(-2, -1)) for part in g.weights))
    np.testing.assert_allclose(point.gradient_norm, norm, rtol=1e-9)
    assert (norm > 0.02).all()
    assert (norm > 0.1).sum() >= 6
    assert not point.extremum.any()
    assert "no extremum of the loss" in repr(point.member(0))
    best = fp.fixed_point(net, x, t, "bp")
    assert best.extremum.all()
    assert (point.loss > best.loss.min() + 1e-3).all()


def test_full_column_rank_rests_only_at_extrema(rng):
    """Hidden width at least the number of outputs: zero error, wherever it starts."""
    net, x, t = linear_task(rng, [5, 6, 3], seed=range(8))
    point = fp.fixed_point(net, x, t, "fa", init_feedback(net))
    assert (point.verdict == "stable").all()
    assert point.extremum.all()
    assert (point.loss < 1e-20).all()
    assert (point.neutral_count == 5 * 6 + 6 * 3 - 5 * 3).all()


@pytest.mark.parametrize("rule", ["bp", "fa"])
@pytest.mark.parametrize("time", [0, 100])
@pytest.mark.parametrize("steps", [10, 60, 1000])
def test_no_fixed_point_where_weights_run_to_infinity(rng, rule, time, steps):
    """Cross-entropy on separable data: u fades to nothing, and still nothing is returned as converged."""
    net = init_network([2, 3, 2], loss="cross_entropy", seed=range(4))
    x = np.concatenate([rng.normal(size=(10, 2)) + 4, rng.normal(size=(10, 2)) - 4])
    labels = np.repeat([0, 1], 10)
    point = fp.fixed_point(net, x, labels, rule, init_feedback(net), time=time, steps=steps)
    assert not point.converged.any()
    assert (point.verdict == "not a fixed point").all()
    assert np.isnan(point.critical_step).all()


def test_with_weight_decay_the_same_task_has_a_fixed_point(rng):
    """Decay keeps the weights finite; the true gradient is that of loss plus decay."""
    net = init_network([2, 3, 2], loss="cross_entropy", seed=range(4))
    x = np.concatenate([rng.normal(size=(10, 2)) + 4, rng.normal(size=(10, 2)) - 4])
    labels = np.repeat([0, 1], 10)
    point = fp.fixed_point(net, x, labels, "bp", weight_decay=0.01)
    assert (point.verdict == "stable").all()
    assert (point.gradient_norm < 1e-9).all()


def test_a_flow_that_blows_up_is_not_converged(monkeypatch):
    """Reported, with a finite state."""
    monkeypatch.setattr(dynamics, "FAR", 2.0)
    net = dynamics.from_vector(init_network([1, 1], bias=False), [[1.0], [1.5]])
    point = fp.fixed_point(net, ONE, [[[1.2]], [[3.0]]], "bp")
    assert point.converged.tolist() == [True, False]
    assert np.isfinite(dynamics.to_vector(point.network)).all()


def test_a_flow_stuck_at_a_kink_ends_in_an_honest_no(monkeypatch):
    """Backpropagation with ReLU runs into a kink, where the field points back from both sides."""
    monkeypatch.setattr(fp, "MAX_STEPS", 1500)
    x, t = np.random.default_rng(0).normal(size=(5, 3)), np.random.default_rng(1).normal(size=(5, 2))
    net = init_network([3, 8, 2], activation="relu", seed=0)
    point = fp.fixed_point(net, x, t, "bp", time=1e6)
    assert point.verdict == "not a fixed point"
    assert point.update_norm > 1e-3


@pytest.mark.parametrize("rtol", [0, -1])
def test_search_refuses_an_impossible_tolerance(rtol):
    """Which would make the flow seem to blow up."""
    with pytest.raises(ValueError, match="rtol must be"):
        fp.fixed_point(chain(1.0, 1.0), [[1.0]], [[2.0]], "bp", rtol=rtol)


def test_search_stops_short_when_told_to(rng):
    """Without time or steps enough, the start is returned for what it is."""
    net, x, t = linear_task(rng, [3, 4, 2])
    assert not fp.fixed_point(net, x, t, "bp", time=0, steps=0).converged
    assert not fp.fixed_point(net, x, t, "bp", time=0.1, steps=0).converged


def test_search_crosses_slow_directions():
    """Rates over four powers of ten: neither the flow in its time nor Newton's method alone gets there."""
    rng = np.random.default_rng(0)
    net = init_network([4, 3, 2], activation="identity", bias=False, seed=range(20))
    x = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4))
    t = x @ rng.normal(size=(4, 2))
    point = fp.fixed_point(net, x, t, "fa", init_feedback(net), time=30)
    assert (point.verdict == "stable").all()
    assert (point.neutral_count == 10).all()


def test_nonlinear_search(rng):
    """A tanh network with more weights than data: stable points with zero error and the right count."""
    net = init_network([2, 8, 1], seed=range(4))
    x = rng.normal(size=(5, 2))
    point = fp.fixed_point(net, x, np.sin(2 * x[:, :1]), "fa", init_feedback(net))
    assert point.converged.all()
    assert (point.loss < 1e-15).all()
    assert (point.neutral_count == 33 - 5).all()


def test_result_of_an_ensemble_is_its_members(rng):
    """A member of a search is the search of that member."""
    net, x, t = linear_task(rng, [3, 4, 2], seed=range(3))
    B = init_feedback(net)
    point = fp.fixed_point(net, x, t, "fa", B)
    for i in range(3):
        alone = fp.fixed_point(net.member(i), x, t, "fa", (B[0][i],))
        a, b = point.member(i), alone
        np.testing.assert_allclose(
            dynamics.to_vector(a.network), dynamics.to_vector(b.network), rtol=1e-5, atol=1e-7
        )
        assert a.verdict == b.verdict
        assert a.slowest_rate == pytest.approx(float(b.slowest_rate), rel=1e-4)


# -- Large networks -----------------------------------------------------------------------------


@pytest.mark.parametrize("which", fp.WHICH)
@pytest.mark.parametrize("seed", [0, [0, 1]])
def test_leading_eigenvalues(rng, which, seed):
    """Arnoldi's method against the whole spectrum, at an unstable point with many neutral directions."""
    net, x, t = linear_task(rng, [6, 8, 4], seed=seed)
    point = fp.fixed_point(net, x, t, "bp")
    B = init_feedback(net, angle=180)
    whole = fp.stability(point.network, x, t, "fa", B).eigenvalues
    order = np.argsort(-(whole.real if which == "rightmost" else abs(whole)), axis=-1)
    expected = np.take_along_axis(whole, order, axis=-1)[..., :2]
    values, residuals = fp.leading_eigenvalues(
        point.network, x, t, "fa", B, count=2, which=which, dimension=60
    )
    np.testing.assert_allclose(values.real, expected.real, atol=1e-6)
    np.testing.assert_allclose(abs(values.imag), abs(expected.imag), atol=1e-6)
    assert (residuals < 1e-5).all()


def test_residuals_tell_when_eigenvalues_are_not_resolved(rng):
    """Too small a space: the number returned is wrong, and its residual says so."""
    net, x, t = linear_task(rng, [6, 8, 4])
    _, residuals = fp.leading_eigenvalues(net, x, t, "bp", count=1, which="rightmost", dimension=2)
    assert residuals[0] > 1e-3


def test_search_with_a_rule_that_complex_numbers_do_not_pass():
    """Backpropagation with ``|W|`` for ``W``: the spectrum of the point found is that of ``|w₂|`` as feedback."""
    absolute = Rule(
        name="abs", carriers=lambda net, B: [abs(W.mT) for W in net.weights[1:]], uses_feedback=False
    )
    point = fp.fixed_point(chain(-2.0, -1.0), ONE, ONE, absolute, method="central")
    w1, w2 = dynamics.to_vector(point.network)
    assert point.verdict == "stable"
    np.testing.assert_allclose(point.slowest_rate, w1**2 + abs(w2) * w2, rtol=1e-6)
    with pytest.raises(ValueError, match="method must be"):
        fp.fixed_point(chain(1.0, 1.0), ONE, ONE, "bp", method="forward")
    with pytest.raises(ValueError, match="method must be"):
        fp.stability(chain(1.0, 1.0), ONE, ONE, "bp", method="forward")


def test_step_sizes_that_do_not_fit_the_ensemble_are_refused():
    """In one sentence."""
    points = fp.stability(chain([1.0, 2.0, 4.0], [1.0, 0.5, 0.25]), ONE, ONE, "fa", B1)
    assert points.verdict_at(0.01).shape == (3,)
    with pytest.raises(ValueError, match="learning_rate must broadcast with the ensemble"):
        points.verdict_at([0.1, 0.2])


def test_too_many_parameters_are_refused():
    """With a word on what to use instead, before memory runs out."""
    net = init_network([100, 100, 10])
    with pytest.raises(ValueError, match="leading_eigenvalues"):
        fp.stability(net, np.ones((1, 100)), np.ones((1, 10)), "bp")
