"""Training: the steps themselves, ensembles, and everything that can be asked for, against plain loops."""

import functools
import warnings
from itertools import pairwise

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fa_teach import (
    RULES,
    DivergenceWarning,
    Moment,
    Network,
    Rule,
    accuracy,
    alignment,
    descent,
    feedback,
    generator,
    gradient_alignment,
    init_feedback,
    init_network,
    loss,
    pseudo_gradient,
    signal_alignment,
    total_gradient_alignment,
    train,
    weight_alignment,
)
from fa_teach.datasets import digits, linear_map
from fa_teach.training import MEASURES, _progress_bar

ALL = list(MEASURES)
NAMES = list(RULES)
PER_LAYER = {"gradient_alignment", "weight_alignment", "signal_alignment", "descent"}
PER_LAYER |= {"weight_norm", "gradient_norm", "update_norm"}


def classes(n=23, n_in=5, n_out=3, seed=0):
    """A small task: random inputs, labels that depend on them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_in))
    return x, (x @ rng.normal(size=(n_in, n_out))).argmax(axis=1)


def one_hot(labels, n_out=3):
    return np.array([[float(label == k) for k in range(n_out)] for label in labels])


def feedback_for(net, rule, **options):
    return init_feedback(net, direct=RULES[rule].direct, **options) if RULES[rule].uses_feedback else None


def same(arrays, others, tolerance=1e-11):
    for array, other in zip(arrays, others, strict=True):
        np.testing.assert_allclose(array, other, rtol=tolerance, atol=tolerance)


def unchanged(before, after):
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


# -- The steps ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rule", NAMES)
def test_every_rule_steps_as_its_formulas_say(rule, bias):
    # The whole of training against plain loops: batches of 10, 10 and 3, a schedule, decay, three layers.
    x, labels = classes()
    activations = ("tanh", "logistic")
    kind = "cross_entropy" if bias else "squared"
    net = init_network([5, 4, 6, 3], activation=activations, loss=kind, bias=bias, seed=3)
    B = feedback_for(net, rule, seed=8)

    def rate(step):
        return 0.5 / (1 + step)

    history = train(
        net,
        (x, labels),
        rule=rule,
        feedback=B,
        steps=7,
        batch_size=10,
        shuffle=False,
        learning_rate=rate,
        weight_decay=0.05,
        record=["snapshot"],
        record_at=1,
    )
    expected = oracles.train(
        net,
        x,
        one_hot(labels),
        rule=lambda step: rule,
        feedback=B or (),
        rate=rate,
        decay=0.05,
        size=10,
        steps=7,
        noise=generator(3, "noise"),
    )
    assert len(history.snapshots) == len(expected) == 8
    for snapshot, (plain, _) in zip(history.snapshots, expected, strict=True):
        same(snapshot.weights, plain.weights)
        same(snapshot.biases, plain.biases)
    same(history.network.weights, expected[-1][0].weights)
    if B is not None:
        same(history.feedback, expected[-1][1])
    assert len(history.network.biases) == (3 if bias else 0)


@pytest.mark.parametrize(
    ("first", "second"),
    [("fa", "dfa"), ("dfa", "fa"), ("bp", "kolen_pollack"), ("kolen_pollack", "bp"), ("output_only", "fa")],
)
def test_rules_switch_in_the_middle(first, second):
    # Leaving backpropagation's solution, an experiment of the book, is a switch at a chosen step.
    x, labels = classes()
    net = init_network([5, 4, 3], loss="cross_entropy", seed=1)
    B = init_feedback(net, seed=5)  # with one hidden layer it fits FA and direct FA
    history = train(
        net,
        (x, labels),
        rule=first,
        switch={4: second},
        feedback=B,
        steps=9,
        batch_size=10,
        shuffle=False,
        learning_rate=0.3,
        weight_decay=0.1,
    )
    expected, B_end = oracles.train(
        net,
        x,
        one_hot(labels),
        rule=lambda step: first if step < 4 else second,
        feedback=B,
        rate=lambda step: 0.3,
        decay=0.1,
        size=10,
        steps=9,
    )[-1]
    same(history.network.weights, expected.weights)
    if RULES[second].uses_feedback:
        same(history.feedback, B_end)


def test_a_switch_draws_the_feedback_that_each_rule_needs():
    # FA and direct FA need matrices of different shapes in deep networks; both come from the network's seed.
    net = init_network([5, 4, 6, 3], seed=2)
    data = classes()
    both = train(net, data, rule="fa", switch={3: "dfa"}, steps=8, batch_size=5)
    middle = train(net, data, rule="fa", feedback=init_feedback(net), steps=3, batch_size=5)
    rest = train(net, data, rule="fa", switch={3: "dfa"}, steps=3, batch_size=5)
    assert unchanged(middle.network.weights, rest.network.weights)
    assert unchanged(both.feedback, init_feedback(net, direct=True))
    assert not unchanged(
        both.network.weights, train(net, data, rule="fa", steps=8, batch_size=5).network.weights
    )


def test_several_switches_and_one_at_step_zero():
    # Switches are by step, not by the order in which they are written.
    net = init_network([5, 4, 3], seed=2)
    x, labels = classes()
    B = init_feedback(net)
    history = train(
        net,
        (x, labels),
        rule="bp",
        switch={5: "output_only", 2: "bp", 0: "fa"},
        feedback=B,
        steps=8,
        batch_size=None,
    )
    sequence = ["fa", "fa", "bp", "bp", "bp", "output_only", "output_only", "output_only"]
    expected, _ = oracles.train(
        net,
        x,
        one_hot(labels),
        rule=sequence.__getitem__,
        feedback=B,
        rate=lambda step: 0.1,
        size=23,
        steps=8,
    )[-1]
    same(history.network.weights, expected.weights)


@pytest.mark.parametrize("frozen", [[1], [2], [3], [1, 3], [1, 2, 3]])
@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
def test_frozen_layers_stay_and_the_others_move(rule, frozen):
    # Layers are counted from 1, and neither weight decay nor the bias may move a frozen one.
    x, labels = classes()
    net = init_network([5, 4, 6, 3], seed=4)
    B = feedback_for(net, rule)
    history = train(
        net,
        (x, labels),
        rule=rule,
        feedback=B,
        frozen=frozen,
        steps=5,
        batch_size=10,
        shuffle=False,
        weight_decay=0.1,
    )
    expected, _ = oracles.train(
        net,
        x,
        one_hot(labels),
        rule=lambda step: rule,
        feedback=B or (),
        rate=lambda step: 0.1,
        decay=0.1,
        size=10,
        steps=5,
        frozen=frozen,
    )[-1]
    same(history.network.weights, expected.weights)
    same(history.network.biases, expected.biases)
    for l in (1, 2, 3):
        assert np.array_equal(history.network.weights[l - 1], net.weights[l - 1]) == (l in frozen)
        assert np.array_equal(history.network.biases[l - 1], net.biases[l - 1]) == (l in frozen)


def test_kolen_pollack_feedback_of_a_frozen_layer_is_frozen_too():
    # B takes the step that its W takes: where W takes none, not even decay, B must not fade away.
    net = init_network([5, 4, 6, 3], seed=4)
    B = init_feedback(net)
    history = train(
        net, classes(), rule="kolen_pollack", feedback=B, frozen=[3], steps=20, batch_size=5, weight_decay=0.1
    )
    assert np.array_equal(history.feedback[1], B[1])  # into layer 2, from layer 3
    assert not np.array_equal(history.feedback[0], B[0])


@pytest.mark.parametrize(("rate", "decay"), [(0.1, 0.5), (0.02, 0.1), (0.3, 0.0)])
def test_kolen_pollack_difference_shrinks_exactly(rate, decay):
    # Akrout et al. 2019: W - Bᵀ takes no part in learning, it only decays, as (1 - ηλ)^t.
    net = init_network([5, 4, 6, 3], seed=2)
    B = init_feedback(net, seed=9)
    history = train(
        net,
        classes(),
        rule="kolen_pollack",
        feedback=B,
        steps=40,
        batch_size=7,
        learning_rate=rate,
        weight_decay=decay,
    )
    factor = (1 - rate * decay) ** 40
    for l in (1, 2):
        start, end = net.weights[l] - B[l - 1].T, history.network.weights[l] - history.feedback[l - 1].T
        np.testing.assert_allclose(end, factor * start, rtol=1e-10, atol=1e-13)
        assert (
            np.abs(history.network.weights[l] - net.weights[l]).max() > 0.01
        )  # there was something to share


def test_weight_mirror_converges_to_the_transpose():
    # The mirror learns Wᵀ from noise alone: with W at rest, B ends at Wᵀ but for the noise of its estimate.
    net = init_network([5, 8, 6, 3], seed=range(5))
    history = train(
        net,
        classes(),
        rule=feedback.weight_mirror(rate=0.02, samples=64),
        steps=400,
        batch_size=None,
        learning_rate=0.0,
        record=["weight_alignment"],
        record_at=400,
    )
    assert np.abs(history["weight_alignment"][0]).max() < 0.8  # it did not start there
    assert history["weight_alignment"][-1].min() > 0.99
    for B, W in zip(history.feedback, net.weights[1:], strict=True):
        error = np.linalg.norm(B - W.mT, axis=(-2, -1)) / np.linalg.norm(W, axis=(-2, -1))
        assert error.max() < 0.1  # its size too, not only its direction


def test_redrawn_feedback_keeps_its_norm_and_nothing_else():
    # A new direction at every step, of the same strength: a random walk, not a growing one.
    net = init_network([5, 8, 6, 3], seed=range(6))
    seen = []
    B = init_feedback(net, scale=2.0)
    norms = [np.linalg.norm(b, axis=(-2, -1)) for b in B]

    def watch(moment: Moment):
        seen.append(moment.feedback)
        return moment.step

    train(
        net,
        classes(),
        rule="redrawn",
        feedback=B,
        steps=30,
        batch_size=None,
        record={"w": watch},
        record_at=1,
    )
    assert len(seen) == 31
    for now in seen:
        same([np.linalg.norm(b, axis=(-2, -1)) for b in now], norms)
    cosines = np.array([alignment.cosine(a[1], b[1], axis=(-2, -1)) for a, b in pairwise(seen)])
    # 180 cosines of independent 6x3 matrices: mean 0, spread 1/√18
    assert abs(cosines.mean()) < 4 / np.sqrt(18 * cosines.size)
    assert 0.18 < cosines.std() < 0.29


def test_full_batch_is_one_batch_of_everything():
    # None, and a batch as large as the data, are the same descent on the mean loss; the order cannot matter.
    x, labels = classes()
    net = init_network([5, 4, 3], seed=6)
    history = train(net, (x, labels), steps=3, batch_size=None)
    expected, _ = oracles.train(
        net, x, one_hot(labels), rule=lambda step: "bp", rate=lambda step: 0.1, size=23, steps=3
    )[-1]
    same(history.network.weights, expected.weights)
    same(train(net, (x, labels), steps=3, batch_size=23).network.weights, expected.weights)
    assert history.steps_per_epoch == 1


def drawn_samples(n, size, steps, *, rule="bp", seed=0, shuffle=True, hidden=False, **options):
    """Which samples each step saw: the inputs are the unit vectors, so a step moves one column per sample."""
    sizes = [n, 1, 1] if hidden else [n, 1]
    net = init_network(sizes, activation="identity", init="uniform", scale=0.0, bias=False, seed=seed)
    if hidden:
        net = Network((net.weights[0], net.weights[1] + 1.0), (), net.activations, net.loss, net.seed)
        options.setdefault("feedback", (np.ones((1, 1)),))
    history = train(
        net,
        (np.eye(n), np.ones((n, 1))),
        rule=rule,
        steps=steps,
        batch_size=size,
        shuffle=shuffle,
        learning_rate=1e-3,
        record=["snapshot"],
        record_at=1,
        **options,
    )
    first = np.stack([s.weights[0] for s in history.snapshots])  # (steps + 1, ..., 1, n)
    moved = np.diff(first, axis=0)[..., 0, :] != 0  # (steps, ..., n)
    return moved, history


@pytest.mark.parametrize(
    ("n", "size", "sizes"), [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (5, 1, [1] * 5), (5, 4, [4, 1])]
)
def test_an_epoch_sees_every_sample_once_and_its_last_batch_may_be_smaller(n, size, sizes):
    # A sample dropped at the end, or seen twice, changes what "one epoch" means.
    per_epoch = len(sizes)
    moved, history = drawn_samples(n, size, 4 * per_epoch)
    assert history.steps_per_epoch == per_epoch
    assert moved.sum(axis=1).tolist() == sizes * 4
    epochs = moved.reshape(4, per_epoch, n)
    assert (epochs.sum(axis=1) == 1).all()
    if n > 5 or size == 1:
        assert not all(np.array_equal(epochs[0], e) for e in epochs[1:])  # each epoch has its own order
    np.testing.assert_allclose(history.epochs, np.arange(4 * per_epoch + 1) / per_epoch)


def test_the_mean_over_a_smaller_last_batch_is_over_its_own_size():
    # Dividing by the nominal batch size would make the last samples count less.
    _, history = drawn_samples(7, 3, 3, shuffle=False)
    W = history.snapshots[-1].weights[0][0]
    np.testing.assert_allclose(W, 1e-3 * np.array([1 / 3] * 6 + [1.0]))


def test_without_shuffle_the_order_is_that_of_the_data():
    # Lillicrap's task is online: one sample after the other.
    moved, _ = drawn_samples(5, 1, 10, shuffle=False)
    assert np.array_equal(moved, np.tile(np.eye(5, dtype=bool), (2, 1)))


def test_the_order_comes_from_the_stream_of_batches():
    # The stream says what it is for: nothing else that is drawn can move the order.
    moved, _ = drawn_samples(9, 1, 18, seed=5)
    stream = generator(5, "batches")
    assert np.array_equal(moved.argmax(axis=1), [*stream.permutation(9), *stream.permutation(9)])


def test_members_have_batch_orders_of_their_own():
    # Seeds that shared one order would show too small a spread; a member must draw what its seed draws alone.
    moved, _ = drawn_samples(20, 6, 8, seed=[3, 4, 5])
    assert not np.array_equal(moved[:, 0], moved[:, 1])
    assert not np.array_equal(moved[:, 1], moved[:, 2])
    for i, seed in enumerate([3, 4, 5]):
        assert np.array_equal(moved[:, i], drawn_samples(20, 6, 8, seed=seed)[0])


@pytest.mark.parametrize("rule", [name for name in NAMES if name != "output_only"])
def test_every_rule_sees_the_same_batches(rule):
    # BP and FA differ in nothing but the feedback, whatever random numbers a rule draws for itself.
    bp, _ = drawn_samples(20, 6, 8, seed=3, hidden=True)
    other, _ = drawn_samples(20, 6, 8, seed=3, hidden=True, rule=rule)
    assert np.array_equal(bp, other)


def test_backpropagation_written_as_feedback_is_the_same_run():
    # Data, weights and batches share their streams: with Wᵀ as feedback FA *is* the BP run.
    transposes = Rule(
        name="transposes",
        carriers=lambda net, B: [W.mT for W in net.weights[1:]],
        adapt=lambda step: tuple(step.normal(*b.shape[-2:]) for b in step.feedback),
    )
    net = init_network([5, 4, 6, 3], seed=[1, 2])
    bp = train(net, classes(), epochs=3, batch_size=4)
    fa = train(net, classes(), rule=transposes, epochs=3, batch_size=4)
    assert unchanged(bp.network.weights, fa.network.weights)
    assert unchanged(bp["train_loss"], fa["train_loss"])


def test_the_seed_argument_moves_batches_and_feedback_only():
    # The same start with other batches and other feedback: that is what the argument is for.
    net = init_network([5, 4, 3], seed=1)
    data = classes()
    one, again, other = (train(net, data, rule="fa", steps=9, batch_size=5, seed=s) for s in (7, 7, 8))
    assert unchanged(one.network.weights, again.network.weights)
    assert not unchanged(one.network.weights, other.network.weights)
    assert unchanged(one.feedback, init_feedback(net, seed=7))
    default = train(net, data, rule="fa", steps=9, batch_size=5)
    assert unchanged(default.feedback, init_feedback(net, seed=1))
    assert one["train_loss"][0] == other["train_loss"][0] == default["train_loss"][0]


@pytest.mark.parametrize("rule", NAMES)
def test_the_same_seed_gives_the_same_run(rule):
    # Numbers printed in the book must come back, to the last bit.
    net = init_network([5, 4, 6, 3], seed=[1, 2])
    runs = [train(net, classes(), rule=rule, steps=12, batch_size=5, record=ALL[:1]) for _ in range(2)]
    assert unchanged(runs[0].network.weights, runs[1].network.weights)
    assert unchanged(runs[0].feedback, runs[1].feedback)
    assert unchanged(runs[0]["train_loss"], runs[1]["train_loss"])


@pytest.mark.parametrize("rule", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_nothing_that_is_given_is_changed(rule, dtype):
    # A student trains the same network twice and compares; hidden changes in place would be maddening.
    x, labels = classes()
    x, t = x.astype(dtype), one_hot(labels).astype(dtype)
    net = init_network([5, 4, 6, 3], seed=[1, 2], dtype=dtype)
    B = feedback_for(net, rule)
    rate = np.array([0.1, 0.2])  # float64 must not leak into float32
    given_arrays = [x, t, rate, *net.weights, *net.biases, *(B or ())]
    before = [array.copy() for array in given_arrays]
    history = train(
        net,
        (x, t),
        rule=rule,
        feedback=B,
        learning_rate=rate,
        weight_decay=0.1,
        steps=6,
        batch_size=None,
        test=(x, t),
        record=["train_loss", "snapshot"],
    )
    assert unchanged(before, given_arrays)
    for array in (*history.network.weights, *history.network.biases):
        assert not any(np.shares_memory(array, other) for other in given_arrays)
        assert array.dtype == dtype
    assert all(b.dtype == dtype for b in history.feedback)


def test_weights_that_are_shared_along_the_ensemble_come_apart():
    # A network with broadcast (read-only) weights is a fine start; its members must not share memory.
    one = init_network([5, 4, 3], seed=1)
    W = tuple(np.broadcast_to(w, (3, *w.shape)) for w in one.weights)
    c = tuple(np.broadcast_to(b, (3, *b.shape)) for b in one.biases)
    net = Network(W, c, one.activations, one.loss, np.arange(3))
    history = train(net, classes(), rule="fa", steps=5, batch_size=4)
    assert not np.array_equal(history.network.weights[0][0], history.network.weights[0][1])
    assert np.array_equal(net.weights[0][2], one.weights[0])


def test_a_rate_of_zero_and_zero_steps_leave_everything():
    # The two trivial cases of a sweep.
    net = init_network([5, 4, 3], seed=1)
    for options in ({"steps": 0}, {"epochs": 0}, {"steps": 4, "learning_rate": 0.0}):
        history = train(net, classes(), batch_size=5, **options)
        assert unchanged(history.network.weights, net.weights)
        assert history.steps[0] == 0


# -- Learning rates -----------------------------------------------------------------------------


def test_a_schedule_is_asked_at_each_step():
    # A one-weight network on x = 1, t = 0 multiplies its weight by 1 - η(step).
    net = Network((np.array([[2.0]]),), (), ())
    asked = []

    def rate(step):
        asked.append(step)
        return 0.1 * (step + 1)

    history = train(net, ([[1.0]], [[0.0]]), steps=4, batch_size=None, learning_rate=rate)
    assert asked == [0, 1, 2, 3]
    np.testing.assert_allclose(history.network.weights[0], [[2 * 0.9 * 0.8 * 0.7 * 0.6]])


def test_each_member_has_its_own_rate_also_by_schedule():
    # A scan over learning rates is one call.
    net = Network((np.full((3, 1, 1), 2.0),), (), ())
    rates = np.array([0.1, 0.5, 0.0])
    data = [[1.0]], [[0.0]]
    constant = train(net, data, steps=2, batch_size=None, learning_rate=rates)
    np.testing.assert_allclose(constant.network.weights[0][:, 0, 0], 2 * (1 - rates) ** 2)
    halved = train(net, data, steps=2, batch_size=None, learning_rate=lambda step: rates / 2**step)
    np.testing.assert_allclose(halved.network.weights[0][:, 0, 0], 2 * (1 - rates) * (1 - rates / 2))


def test_weight_decay_multiplies_weights_and_spares_biases():
    # With nothing to learn (x = 0, y = t) only the decay is left: W (1 - ηλ)^t, and biases stay.
    net = init_network([2, 3], seed=0)
    net = Network(net.weights, (np.array([1.0, 2.0, 3.0]),), ())
    history = train(
        net,
        (np.zeros((4, 2)), np.tile([1.0, 2.0, 3.0], (4, 1))),
        steps=10,
        batch_size=None,
        learning_rate=0.5,
        weight_decay=0.2,
    )
    np.testing.assert_allclose(history.network.weights[0], net.weights[0] * 0.9**10)
    assert np.array_equal(history.network.biases[0], net.biases[0])


# -- Ensembles ----------------------------------------------------------------------------------


def share(value, net, index, tail=0):
    """What one member gets of an array whose last `tail` axes are no ensemble axes."""
    value = np.asarray(value)
    if value.ndim == tail:
        return value
    return np.broadcast_to(value, net.ensemble + value.shape[value.ndim - tail :])[index]


def train_alone(net, data, index, **options):
    """Train one member by itself, with its own share of data, learning rate and feedback."""
    x, t = map(np.asarray, data)
    rate, B = options.pop("learning_rate", 0.1), options.pop("feedback", None)
    return train(
        net.member(*index),
        (share(x, net, index, 2), share(t, net, index, 1 if t.dtype.kind == "i" else 2)),
        learning_rate=(lambda s: share(rate(s), net, index)) if callable(rate) else share(rate, net, index),
        feedback=None if B is None else tuple(share(b, net, index, 2) for b in B),
        **options,
    )


@np.errstate(over="ignore")  # losses of a member about to diverge, as float32
def assert_members_are_networks_alone(net, data, tolerance=1e-9, **options):
    """Train the ensemble, then each member alone: the end, each record and each snapshot must agree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        together = train(net, data, **options)
        singles = {index: train_alone(net, data, index, **options) for index in np.ndindex(net.ensemble)}
    for index, alone in singles.items():
        assert together.diverged_at[index] == alone.diverged_at
        assert together.stopped_at[index] == alone.stopped_at
        mine = together.network.member(*index)
        assert alone.network.dtype == mine.dtype == net.dtype
        same(mine.weights, alone.network.weights, tolerance)
        same(mine.biases, alone.network.biases, tolerance)
        if not (
            options.get("switch") and len(alone.steps) < len(together.steps)
        ):  # it stopped with another rule
            same([share(b, net, index, 2) for b in together.feedback], alone.feedback, tolerance)
        times = len(alone.steps)
        assert np.array_equal(together.steps[:times], alone.steps)
        for name in together.records:
            part = together[name][(slice(None), *index)]
            same([part[:times]], [alone[name]], tolerance)
            rest = np.nan if alone.diverged_at >= 0 else part[times - 1]  # at rest it stays as it was
            same([part[times:]], [np.broadcast_to(rest, part[times:].shape)], tolerance)
        for ours, snapshot in zip(together.snapshots, alone.snapshots, strict=False):
            same(ours.member(*index).weights, snapshot.weights, tolerance)
    return together


@pytest.mark.parametrize("rule", NAMES)
def test_a_member_is_the_network_trained_alone(rule):
    # One code path for one network and for a hundred: every rule and every measure, over seeds.
    net = init_network([5, 4, 6, 3], loss="cross_entropy", seed=[4, 0, 9])
    assert_members_are_networks_alone(
        net,
        classes(),
        rule=rule,
        steps=15,
        batch_size=5,
        weight_decay=0.01,
        learning_rate=0.3,
        test=classes(seed=1),
        record=[*ALL, "snapshot"],
        record_at=5,
    )


@pytest.mark.parametrize("rule", NAMES)
def test_a_member_of_a_grid_is_the_network_trained_alone(rule):
    # Initial scale × seed, with a rate for each scale: the map of a later chapter, in one call.
    net = init_network([5, 4, 3], scale=[[0.1], [1.0]], seed=[4, 0, 9], activation="relu")
    assert net.ensemble == (2, 3)
    assert_members_are_networks_alone(
        net,
        classes(),
        rule=rule,
        steps=12,
        batch_size=5,
        weight_decay=0.02,
        learning_rate=np.array([[0.3], [0.05]]),
        record=ALL[:1] + ALL[2:3] + ALL[4:],
        test=classes(seed=1),
    )


def test_a_member_with_feedback_of_its_own_scale():
    # A grid of initial × feedback scales: the feedback broadcasts too.
    net = init_network([5, 4, 3], scale=[[0.1], [1.0]], seed=[4, 0, 9])
    B = init_feedback(net, scale=[[1.0], [5.0]])
    for given_feedback in (B, tuple(b[:, :1] for b in B), init_feedback(net.member(0, 0))):
        assert_members_are_networks_alone(
            net, classes(), rule="kolen_pollack", feedback=given_feedback, steps=8, batch_size=5
        )


def test_a_member_in_float32_is_the_network_trained_alone():
    # To float32's rounding, grown over the steps.
    for rule in ("fa", "weight_mirror", "redrawn", "sign_symmetry", "kolen_pollack"):
        net = init_network([5, 4, 3], loss="cross_entropy", seed=[4, 0], dtype=np.float32)
        assert_members_are_networks_alone(
            net, classes(), rule=rule, steps=12, batch_size=5, tolerance=1e-4, weight_decay=0.01
        )


def test_members_with_schedules_are_networks_trained_alone():
    # A schedule returns one rate for each member.
    net = init_network([5, 4, 3], seed=[4, 0])
    assert_members_are_networks_alone(
        net,
        classes(),
        rule="fa",
        steps=9,
        batch_size=5,
        learning_rate=lambda s: np.array([0.3, 0.1]) / (1 + s),
    )


@pytest.mark.parametrize("labels", [True, False])
def test_members_with_data_of_their_own(labels):
    # Data may have leading axes too: each member its own task, batches still by its own seed.
    parts = [classes(seed=s) for s in range(3)]
    x, t = np.stack([p[0] for p in parts]), np.stack([p[1] for p in parts])
    if not labels:
        t = np.eye(3)[t]
    net = init_network([5, 4, 3], seed=[4, 0, 9])
    assert_members_are_networks_alone(net, (x, t), rule="fa", steps=10, batch_size=5)
    assert_members_are_networks_alone(net, (x, t), rule="dfa", steps=4, batch_size=None)
    grid = init_network([5, 4, 3], scale=[[0.5], [1.0]], seed=[4, 0, 9])
    assert_members_are_networks_alone(grid, (x, t), rule="fa", steps=6, batch_size=5)
    assert_members_are_networks_alone(grid, (x[:1], t[:1]), rule="fa", steps=6, batch_size=5)


def test_one_of_inputs_and_targets_may_be_shared():
    # The same inputs with targets of each member's own teacher.
    x, _ = classes()
    t = np.random.default_rng(0).normal(size=(3, 23, 3))
    net = init_network([5, 4, 3], seed=[4, 0, 9])
    assert_members_are_networks_alone(net, (x, t), rule="fa", steps=6, batch_size=5)


RATES = np.array([0.05, 1e3, 0.1, 30.0])


@pytest.mark.parametrize("rule", NAMES)
def test_members_among_diverging_ones_are_networks_trained_alone(rule):
    # Only those that diverge stop; what they compute afterwards must not leak into the others.
    net = init_network([5, 4, 3], seed=[4, 0, 9, 2])
    history = assert_members_are_networks_alone(
        net,
        classes(),
        rule=rule,
        steps=60,
        batch_size=5,
        learning_rate=RATES,
        weight_decay=0.01,
        record_at=3,
        record=["train_loss", "weight_alignment", "weight_norm"],
    )
    assert (history.diverged_at[[1, 3]] > 0).all()
    assert (history.diverged_at[[0, 2]] == -1).all()


@pytest.mark.parametrize("rule", NAMES)
def test_members_that_have_stopped_are_networks_trained_alone(rule):
    # A stopped member is at rest: weights, and the feedback of the rules that change it.
    net = init_network([5, 4, 3], seed=[4, 0, 9, 2], loss="cross_entropy")
    history = assert_members_are_networks_alone(
        net,
        classes(),
        rule=rule,
        steps=80,
        batch_size=5,
        learning_rate=np.array([0.02, 0.5, 0.001, 0.3]),
        weight_decay=0.01,
        stop=lambda now: now["train_loss"] < 0.78,
        record=["train_loss", "weight_alignment", "weight_norm"],
        record_at=4,
    )
    assert min(history.stopped_at[[1, 3]]) > 0
    assert max(history.stopped_at[[1, 3]]) < 70
    assert history.stopped_at[2] == -1


def test_a_switch_and_frozen_layers_in_an_ensemble():
    # The features together: an ensemble in which some stop, with a frozen layer and a switch.
    net = init_network([5, 4, 6, 3], seed=[4, 0, 9])
    assert_members_are_networks_alone(
        net,
        classes(),
        rule="bp",
        switch={7: "kolen_pollack", 20: "dfa"},
        frozen=[2],
        steps=40,
        batch_size=5,
        learning_rate=np.array([0.05, 1e3, 0.1]),
        weight_decay=0.05,
        stop=lambda now: now["train_loss"] < 0.33,
        record_at=2,
    )


# -- What is recorded ---------------------------------------------------------------------------


def norms(v):
    """Length of each layer's gradient, weights and bias together."""
    pairs = zip(v.weights, v.biases, strict=True)
    return np.stack([np.sqrt((W**2).sum(axis=(-2, -1)) + (c**2).sum(axis=-1)) for W, c in pairs], axis=-1)


def test_every_measure_is_what_its_public_function_says():
    # The History and the functions must never disagree about the same network.
    data, test = classes(), classes(n=11, seed=1)
    net = init_network([5, 4, 6, 3], loss="cross_entropy", seed=[4, 0])
    for rule in NAMES:
        B = feedback_for(net, rule)
        history = train(
            net, data, rule=rule, feedback=B, steps=10, batch_size=5, test=test, record=ALL, record_at=[0]
        )
        g, u = pseudo_gradient(net, *data), pseudo_gradient(net, *data, rule, B)
        expected = {
            "train_loss": loss(net, *data),
            "test_loss": loss(net, *test),
            "train_accuracy": accuracy(net, *data),
            "test_accuracy": accuracy(net, *test),
            "gradient_alignment": gradient_alignment(net, *data, rule, B),
            "total_gradient_alignment": total_gradient_alignment(net, *data, rule, B),
            "weight_alignment": weight_alignment(net, rule, B),
            "signal_alignment": signal_alignment(net, *data, rule, B),
            "descent": descent(net, *data, rule, B),
            "weight_norm": np.stack([np.sqrt((W**2).sum(axis=(-2, -1))) for W in net.weights], axis=-1),
            "gradient_norm": norms(g),
            "update_norm": norms(u),
        }
        assert set(expected) == set(MEASURES)
        for name, value in expected.items():
            np.testing.assert_allclose(history[name][0], value, rtol=1e-12, err_msg=name)


def test_records_at_later_steps_are_those_of_the_snapshots():
    # Everything measured at a moment must be of that moment: weights, feedback and all.
    data, test = classes(), classes(n=11, seed=1)
    net = init_network([5, 4, 6, 3], seed=[4, 0])
    B = init_feedback(net)
    history = train(
        net, data, rule="fa", feedback=B, epochs=4, batch_size=5, test=test, record=["snapshot", *ALL]
    )
    assert history.steps[-1] == 20
    for n, network in enumerate(history.snapshots):
        np.testing.assert_allclose(history["test_loss"][n], loss(network, *test))
        np.testing.assert_allclose(history["signal_alignment"][n], signal_alignment(network, *data, "fa", B))
        np.testing.assert_allclose(history["descent"][n], descent(network, *data, "fa", B))
    assert unchanged(history.snapshots[0].weights, net.weights)
    assert unchanged(history.snapshots[-1].weights, history.network.weights)
    assert not np.shares_memory(history.snapshots[-1].weights[0], history.network.weights[0])


def test_shapes_of_records():
    # Documented: (times, *ensemble), with the layers last.
    for ensemble, seed, scale in [((), 0, 1.0), ((2,), [0, 1], 1.0), ((3, 2), [0, 1], [[1.0], [2.0], [3.0]])]:
        net = init_network([5, 4, 6, 3], seed=seed, scale=scale)
        history = train(
            net,
            classes(),
            rule="fa",
            steps=4,
            batch_size=5,
            record=ALL,
            test=classes(),
            record_at=[0, 4],
        )
        for name in ALL:
            layers = (
                ()
                if name not in PER_LAYER
                else (2,)
                if name in {"weight_alignment", "signal_alignment"}
                else (3,)
            )
            assert history[name].shape == (2, *ensemble, *layers), name
        assert history.diverged_at.shape == history.stopped_at.shape == ensemble
        single = train(
            init_network([5, 3], seed=seed, scale=scale),
            classes(),
            rule="fa",
            steps=2,
            record=ALL,
            test=classes(),
            batch_size=5,
            record_at=2,
        )
        assert single["weight_alignment"].shape == (2, *ensemble, 0)


@pytest.mark.parametrize(
    ("record_at", "expected"),
    [
        (4, [0, 4, 8, 10]),
        (5, [0, 5, 10]),
        (100, [0, 10]),
        ([0], [0]),
        ([7, 3, 3], [3, 7]),
        (np.array([0, 10]), [0, 10]),
        (range(9, 11), [9, 10]),
        (np.int64(6), [0, 6, 10]),
        (None, list(range(11))),
    ],
)
def test_records_are_made_when_asked_for(record_at, expected):
    # Step n is after n updates; the default and "every k steps" include the start and the end.
    net = init_network([5, 3])
    history = train(net, classes(), steps=10, batch_size=5, record_at=record_at)
    assert history.steps.tolist() == expected
    assert history["train_loss"].shape == (len(expected),)


def test_long_runs_are_recorded_about_fifty_times():
    # A default that neither floods nor misses both ends.
    steps = train(init_network([5, 3]), classes(), steps=1000, batch_size=5).steps
    assert steps[0] == 0
    assert steps[-1] == 1000
    assert len(steps) == 51


def test_recording_changes_nothing():
    # What is watched must not depend on being watched: no random number may be used up.
    net = init_network([5, 4, 3], seed=3)
    for rule in ("fa", "redrawn", "weight_mirror"):
        little = train(net, classes(), rule=rule, steps=12, batch_size=5, record=(), record_at=[12])
        much = train(
            net,
            classes(),
            rule=rule,
            steps=12,
            batch_size=5,
            record=[*ALL, "snapshot"],
            test=classes(seed=1),
            record_at=1,
        )
        assert unchanged(little.network.weights, much.network.weights)
        assert unchanged(little.feedback, much.feedback)
        assert little.records == {}


def test_the_probe_is_where_losses_and_alignments_are_measured():
    # A fixed probe makes alignments comparable and cheap.
    probe = classes(n=4, seed=7)
    net = init_network([5, 4, 3], seed=3)
    B = init_feedback(net)
    history = train(
        net,
        classes(),
        rule="fa",
        feedback=B,
        steps=6,
        batch_size=5,
        probe=probe,
        record_at=6,
        record=["train_loss", "signal_alignment", "gradient_alignment", "snapshot"],
    )
    for n, network in enumerate(history.snapshots):
        np.testing.assert_allclose(history["train_loss"][n], loss(network, *probe))
        np.testing.assert_allclose(history["signal_alignment"][n], signal_alignment(network, *probe, "fa", B))
        np.testing.assert_allclose(
            history["gradient_alignment"][n], gradient_alignment(network, *probe, "fa", B)
        )


@pytest.mark.parametrize("given_feedback", [True, False])
def test_the_probe_rule_is_the_one_whose_alignment_is_measured(given_feedback):
    # BP trains, and one watches what FA would do; the feedback that was given is the one to watch with.
    net = init_network([5, 4, 6, 3], seed=3)
    B = init_feedback(net, seed=11 if given_feedback else 3)
    history = train(
        net,
        classes(),
        rule="bp",
        probe_rule="fa",
        feedback=B if given_feedback else None,
        steps=6,
        batch_size=5,
        record_at=6,
        record=["weight_alignment", "descent", "snapshot"],
    )
    for n, network in enumerate(history.snapshots):
        np.testing.assert_allclose(history["weight_alignment"][n], weight_alignment(network, "fa", B))
        np.testing.assert_allclose(history["descent"][n], descent(network, *classes(), "fa", B))
    plain = train(net, classes(), rule="bp", steps=6, batch_size=5)
    assert unchanged(plain.network.weights, history.network.weights)


def test_measures_of_ones_own():
    # A function of the moment, by a name of one's own; the moment knows gradient and update.
    net = init_network([5, 4, 3], seed=[3, 4])
    history = train(
        net,
        classes(),
        rule="fa",
        steps=4,
        batch_size=5,
        record_at=2,
        record={
            "bias": lambda m: m.network.biases[0].sum(axis=-1),
            "step": lambda m: m.step,
            "g": lambda m: alignment.total_cosine(m.g, m.u),
        },
    )
    assert history["bias"].shape == (3, 2)
    assert (history["bias"][0] == 0).all()
    assert history["step"].tolist() == [0, 2, 4]
    expected = total_gradient_alignment(net, *classes(), "fa", init_feedback(net))
    np.testing.assert_allclose(history["g"][0], expected)


def test_unknown_records_are_named_in_the_history():
    # history["loss"] is the first thing a newcomer types.
    history = train(init_network([5, 3]), classes(), steps=1, batch_size=5)
    with oracles.refused("record"):
        history["loss"]


def test_repr_of_a_history_is_short_and_says_what_diverged():
    # What a notebook shows when a cell ends in `history`.
    net = init_network([5, 4, 3], seed=[0, 1])
    assert repr(train(net, classes(), steps=4, batch_size=5)) == "History(5 records up to step 4; train_loss)"
    with pytest.warns(DivergenceWarning):
        gone = train(net, classes(), steps=60, batch_size=5, learning_rate=[0.1, 1e4])
    assert f"1 of 2 diverged, the first at step {gone.diverged_at[1]}" in repr(gone)


# -- Stopping and diverging ---------------------------------------------------------------------


def test_a_run_stops_when_its_condition_holds():
    # Until a loss is reached: no step more, and the step is told.
    net = init_network([5, 4, 3], seed=3, loss="cross_entropy")
    full = train(net, classes(), steps=200, batch_size=5, record_at=1)
    first = int(np.argmax(full["train_loss"] < 0.7))
    assert first > 5
    asked = []

    def stop(now):
        asked.append(now)
        return now["train_loss"] < 0.7

    history = train(net, classes(), steps=200, batch_size=5, record_at=1, stop=stop)
    assert history.stopped_at == first == history.steps[-1]
    assert history.diverged_at == -1
    np.testing.assert_allclose(history["train_loss"], full["train_loss"][: first + 1])
    assert set(asked[0]) == {"train_loss"}
    never = train(net, classes(), steps=20, batch_size=5, stop=lambda now: False)
    assert never.stopped_at == -1


def test_an_ensemble_stops_when_all_have_stopped():
    # And not before; one answer for all members is broadcast.
    net = init_network([5, 4, 3], seed=[0, 1])
    history = train(net, classes(), steps=20, batch_size=5, record_at=1, stop=lambda now: True)
    assert history.steps.tolist() == [0]
    assert history.stopped_at.tolist() == [0, 0]
    calls = iter(range(100))
    history = train(
        net,
        classes(),
        steps=20,
        batch_size=5,
        record_at=1,
        stop=lambda now: np.array([True, next(calls) >= 7]),
    )
    assert history.steps[-1] == 7
    assert history.stopped_at.tolist() == [0, 7]


def test_a_single_run_that_diverges_keeps_its_history_and_says_when():
    # The most common accident of a first experiment must teach, not crash.
    net = init_network([5, 4, 3], seed=3)
    with pytest.warns(DivergenceWarning) as caught:
        history = train(net, classes(), steps=500, batch_size=5, learning_rate=50.0, record_at=1)
    (warning,) = caught
    when = int(history.diverged_at)
    assert 0 < when < 100
    assert f"The run diverged, at step {when};" in str(warning.message)
    assert "learning_rate" in str(warning.message)
    assert warning.filename == __file__  # it points at the call
    assert history.steps.tolist() == list(range(when + 1))  # stopped there, not 400 steps later
    assert np.isfinite(history["train_loss"][:when]).all()
    assert np.isnan(history["train_loss"][when])
    assert history["train_loss"][when - 1] > 1e6 * history["train_loss"][0]
    short = train(net, classes(), steps=when - 3, batch_size=5, learning_rate=50.0, record_at=1)
    np.testing.assert_allclose(history["train_loss"][: when - 2], short["train_loss"])


def test_an_ensemble_names_how_many_diverged():
    # The others have gone on to the end.
    net = init_network([5, 4, 3], seed=[4, 0, 9, 2])
    with pytest.warns(DivergenceWarning) as caught:
        history = train(net, classes(), steps=50, batch_size=5, learning_rate=RATES, record_at=1)
    (warning,) = caught
    first = history.diverged_at[history.diverged_at >= 0].min()
    assert f"2 of 4 members diverged, the first at step {first};" in str(warning.message)
    assert history.steps[-1] == 50
    values = history["train_loss"]
    assert np.isfinite(values[:, [0, 2]]).all()
    for i in (1, 3):
        when = history.diverged_at[i]
        assert np.isfinite(values[:when, i]).all()
        assert np.isnan(values[when:, i]).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", ["squared", "cross_entropy"])
@pytest.mark.parametrize("activation", ["identity", "tanh", "relu", "erf"])
def test_diverging_makes_no_other_noise(activation, kind, dtype):
    # One warning, ours: NumPy's about overflow and NaN would say nothing to a student.
    net = init_network([5, 4, 4, 3], seed=3, activation=activation, loss=kind, dtype=dtype)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = train(
            net,
            classes(),
            rule="fa",
            steps=300,
            batch_size=5,
            learning_rate=1e6,
            weight_decay=1.0,
            record=ALL,
            test=classes(),
            record_at=3,
        )
    assert history.diverged_at > 0
    assert [w.category for w in caught] == [DivergenceWarning]


def test_a_diverging_member_with_measures_of_ones_own():
    # Integers, and a number that all members share, are records too.
    net = init_network([5, 4, 3], seed=[3, 4])
    with pytest.warns(DivergenceWarning):
        history = train(
            net,
            classes(),
            steps=50,
            batch_size=5,
            learning_rate=[0.1, 1e4],
            record_at=10,
            record={"step": lambda m: m.step, "n": lambda m: np.array([1, 2])},
        )
    assert history["step"].tolist() == [0, 10, 20, 30, 40, 50]
    assert (history["n"][:, 0] == 1).all()
    assert np.isnan(history["n"][-1, 1])


# -- Known tasks --------------------------------------------------------------------------------


@functools.cache
def lillicrap(rule):
    """Lillicrap et al. (2016), the linear task: 30-20-10, one sample a step, for ten seeds."""
    seeds = np.arange(10)
    data, T = linear_map(30, 10, 2000, seed=seeds)
    net = init_network(
        [30, 20, 10], activation="identity", init="uniform", scale=0.01, bias=False, seed=seeds
    )
    B = init_feedback(net, distribution="uniform", scale=0.5)
    probe = data.x[:, :100], data.t[:, :100]

    def error(moment):  # for white inputs, exactly the expected squared error over that of silence
        W_1, W_2 = moment.network.weights
        return ((W_2 @ W_1 - T) ** 2).sum(axis=(-2, -1)) / (T**2).sum(axis=(-2, -1))

    def signal_angle(moment):
        return signal_alignment(moment.network, *probe, "fa", B)[..., 0]

    return train(
        net,
        data,
        rule=rule,
        feedback=B,
        steps=2000,
        batch_size=1,
        shuffle=False,
        learning_rate=1e-3,
        record={"error": error, "angle": signal_angle},
        record_at=[0, 300, 500, 1000, 2000],
    )


# Means and spreads over 40 seeds are .992 ± .002, .734 ± .061, .081 ± .018 for backpropagation and
# .285 ± .031, .037 ± .011, .0009 ± .0010 for FA. The mean over ten may be off by 4 / √10 spreads.
@pytest.mark.parametrize(
    ("rule", "means", "spreads"),
    [
        ("bp", [0.992, 0.734, 0.081], [0.002, 0.061, 0.018]),
        ("fa", [0.285, 0.037, 9e-4], [0.031, 0.011, 1e-3]),
    ],
)
def test_lillicraps_task_has_its_learning_curve(rule, means, spreads):
    # The book's first experiment: FA leaves the start long before backpropagation does, and ends lower.
    history = lillicrap(rule)
    error = history["error"]
    np.testing.assert_allclose(error[0], 1, atol=2e-3)
    for found, mean, spread in zip(error[2:].mean(axis=1), means, spreads, strict=True):
        assert abs(found - mean) < 4 / np.sqrt(10) * spread
    assert (np.diff(error, axis=0) < 0).all()  # each seed, each stretch


def test_lillicraps_task_aligns():
    # At first the signals are unrelated (90° ± 4° over seeds); by step 300 they meet at 27° ± 3°, for BP never.
    angles = lillicrap("fa")["angle"]
    assert abs(angles[0].mean() - 90) < 5
    assert abs(angles[1].mean() - 27.4) < 4 / np.sqrt(10) * 2.6
    assert angles[1:].max() < 45
    assert np.abs(lillicrap("bp")["angle"] - 90).max() < 20
    assert (lillicrap("fa")["error"][2:] < 0.6 * lillicrap("bp")["error"][2:]).all()


@functools.cache
def on_digits(rule, hidden=64, epochs=10, rate=0.3, seeds=3):
    """Test accuracy on the digits, by seed."""
    data, test = digits()
    net = init_network([64, hidden, 10], loss="cross_entropy", seed=range(seeds))
    history = train(
        net,
        data,
        rule=rule,
        epochs=epochs,
        learning_rate=rate,
        test=test,
        record=["test_accuracy"],
        record_at=[epochs * 41],
    )
    return history["test_accuracy"][-1]


def test_feedback_alignment_learns_digits():
    # In ten epochs, where training the output layer alone (on random features) stays clearly behind.
    assert on_digits("fa").min() >= 0.945
    assert on_digits("fa").mean() >= 0.95
    assert (on_digits("fa") > on_digits("output_only") + 0.01).all()
    assert abs(on_digits("fa") - on_digits("bp")).max() < 0.02


def test_redrawn_feedback_is_no_better_than_the_output_layer_alone():
    # A true random walk of the hidden layer carries no information: FA learns because B stays.
    fa, redrawn, output_only = (
        on_digits(rule, hidden=32, epochs=5, rate=0.1, seeds=10) for rule in ("fa", "redrawn", "output_only")
    )
    standard_error = (redrawn - output_only).std(ddof=1) / np.sqrt(10)
    assert redrawn.mean() < output_only.mean() + 2 * standard_error
    assert (fa > redrawn + 0.03).all()
    assert fa.mean() > output_only.mean() + 0.05


# -- Bad input ----------------------------------------------------------------------------------

NET = init_network([3, 4, 2], seed=[1, 2])
DATA = np.ones((5, 3)), np.zeros((5, 2))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("epochs", {"steps": None}),
        ("epochs", {"epochs": 2}),
        ("steps", {"steps": -1}),
        ("steps", {"steps": 2.5}),
        ("steps", {"steps": "3"}),
        ("epochs", {"steps": None, "epochs": -1}),
        ("epochs", {"steps": None, "epochs": 1.0}),
        ("batch_size", {"batch_size": 0}),
        ("batch_size", {"batch_size": -5}),
        ("batch_size", {"batch_size": 6}),
        ("batch_size", {"batch_size": 2.0}),
        ("batch_size", {"batch_size": "all"}),
        ("learning_rate", {"learning_rate": -0.1}),
        ("learning_rate", {"learning_rate": np.nan}),
        ("learning_rate", {"learning_rate": np.inf}),
        ("learning_rate", {"learning_rate": "fast"}),
        ("learning_rate", {"learning_rate": None}),
        ("learning_rate", {"learning_rate": [0.1, -0.1]}),
        ("learning_rate", {"learning_rate": [0.1, 0.2, 0.3]}),
        ("learning_rate", {"learning_rate": [[0.1], [0.2]]}),
        ("learning_rate", {"learning_rate": lambda step: -1.0}),
        ("learning_rate", {"learning_rate": lambda step: None}),
        ("learning_rate", {"learning_rate": lambda step: [0.1] * 3}),
        ("weight_decay", {"weight_decay": -1.0}),
        ("weight_decay", {"weight_decay": np.nan}),
        ("weight_decay", {"weight_decay": "1"}),
        ("weight_decay", {"weight_decay": [0.1, 0.2]}),
        ("frozen", {"frozen": [0]}),
        ("frozen", {"frozen": [3]}),
        ("frozen", {"frozen": [-1]}),
        ("frozen", {"frozen": 1}),
        ("frozen", {"frozen": ["first"]}),
        ("frozen", {"frozen": "12"}),
        ("rule", {"rule": "nope"}),
        ("rule", {"rule": None}),
        ("rule", {"switch": {3: "nope"}}),
        ("rule", {"probe_rule": "nope"}),
        ("switch", {"switch": {-1: "fa"}}),
        ("switch", {"switch": {1.5: "fa"}}),
        ("switch", {"switch": [3, "fa"]}),
        ("switch", {"switch": "fa"}),
        ("record", {"record": ["loss"]}),
        ("record", {"record": "loss"}),
        ("record", {"record": 3}),
        ("record", {"record": [None]}),
        ("record", {"record": {"mine": 3}}),
        ("record", {"record": {"mine": None}}),
        ("record", {"record": {"mine": lambda m: np.zeros(1 + m.step)}, "record_at": 1}),
        ("test", {"record": ["test_loss"]}),
        ("test", {"record": ["test_accuracy"]}),
        ("record_at", {"record_at": 0}),
        ("record_at", {"record_at": -2}),
        ("record_at", {"record_at": 2.5}),
        ("record_at", {"record_at": True}),
        ("record_at", {"record_at": []}),
        ("record_at", {"record_at": [9]}),
        ("record_at", {"record_at": [-1]}),
        ("record_at", {"record_at": [0.5]}),
        ("record_at", {"record_at": ["end"]}),
        ("record_at", {"record_at": "end"}),
        ("stop", {"stop": 3}),
        ("stop", {"stop": lambda now: [True, False, True]}),
        ("seed", {"seed": -1}),
        ("seed", {"seed": 0.5}),
        ("seed", {"seed": [1, 2, 3]}),
        ("seed", {"seed": "one"}),
        ("probe", {"probe": DATA[0]}),
        ("probe", {"probe": (np.ones((5, 4)), DATA[1])}),
        ("test", {"test": 3}),
        ("test", {"test": DATA * 2}),
        ("test", {"test": (DATA[0], np.zeros((4, 2)))}),
        ("test", {"test": (np.ones((0, 3)), np.ones((0, 2)))}),
    ],
)
def test_train_names_what_is_wrong(name, options):
    # Each with one sentence, before or at the step where it shows.
    with oracles.refused(name):
        train(NET, DATA, **{"steps": 4, "batch_size": 2, "progress": False, **options})


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("data", None),
        ("data", DATA[0]),
        ("data", (DATA[0],)),
        ("data", {"x": 1}),
        ("data", DATA * 2),
        ("x", (np.ones((5, 4)), DATA[1])),
        ("x", (np.full((5, 3), np.nan), DATA[1])),
        ("x", (np.ones((0, 3)), np.ones((0, 2)))),
        ("x", (np.ones((3, 5, 3)), DATA[1])),
        ("x", ([["a", "b", "c"]], [0])),
        ("t", (DATA[0], np.ones((5, 3)))),
        ("t", (DATA[0], np.ones(5))),
        ("t", (DATA[0], np.full((5, 2), np.inf))),
        ("labels", (DATA[0], [0, 1, 2, 0, 1])),
        ("labels", (DATA[0], [0, 1, -1, 0, 1])),
    ],
)
def test_data_that_does_not_fit_is_refused(name, data):
    # The message says which set is meant, and what of it.
    with oracles.refused(name) as caught:
        train(NET, data, steps=1, batch_size=None)
    assert str(caught.value).startswith("data")


def test_the_parts_of_a_split_are_not_inputs_and_targets():
    # `train(net, digits())` instead of the first of the two.
    with oracles.refused("data", TypeError) as caught:
        train(init_network([64, 10]), digits(), steps=1)
    assert "a pair of Datasets" in str(caught.value)


@pytest.mark.parametrize("answer", [None, "no", 1, 0.0])
def test_a_stop_condition_answers_yes_or_no(answer):
    # A forgotten return would never stop, and any word would stop at once.
    with oracles.refused("what stop returns", TypeError):
        train(NET, DATA, steps=1, batch_size=None, stop=lambda now: answer)


@pytest.mark.parametrize("name", ["weight_decay", "steps", "rule", "record"])
def test_an_array_in_the_place_of_an_option_stays_one_sentence(name):
    # Its repr runs over many lines; type and shape say as much.
    with oracles.refused(name) as caught:
        train(NET, DATA, **{"steps": 1, "batch_size": None, name: np.zeros((30, 30))})
    assert len(str(caught.value)) < 300


def test_a_switch_after_the_end_is_refused():
    # It would never take place, most likely because epochs were meant.
    with oracles.refused("switch step", ValueError):
        train(NET, DATA, steps=3, batch_size=None, switch={4: "fa"})


def test_one_output_has_no_accuracy_to_record():
    # The largest of one output is always right.
    for name in ("train_accuracy", "test_accuracy"):
        with oracles.refused("record", ValueError):
            data = np.ones((5, 3)), np.ones((5, 1))
            train(init_network([3, 1]), data, steps=1, batch_size=None, record=[name], test=data)


def test_what_is_no_network_cannot_be_trained():
    # Arguments in the wrong order, most likely.
    with oracles.refused("network", TypeError):
        train(DATA, NET, steps=1)
    with oracles.refused("network", TypeError):
        train(NET.weights, DATA, steps=1)


@given(
    options=st.fixed_dictionaries(
        {},
        optional={
            "steps": st.one_of(st.integers(-2, 3), st.none(), st.floats(), st.text(max_size=2)),
            "batch_size": st.one_of(st.integers(-2, 7), st.floats(), st.booleans()),
            "learning_rate": st.one_of(st.floats(), st.lists(st.floats(), max_size=3), st.text(max_size=2)),
            "weight_decay": st.one_of(st.floats(), st.text(max_size=2), st.integers()),
            "frozen": st.one_of(st.lists(st.integers(-1, 4), max_size=3), st.integers(), st.none()),
            "record_at": st.one_of(st.integers(-2, 4), st.lists(st.integers(-1, 4), max_size=3), st.floats()),
            "seed": st.one_of(st.integers(-2, 4), st.lists(st.integers(-1, 4), max_size=3), st.floats()),
            "rule": st.sampled_from([*NAMES, "nope", None, 3]),
        },
    )
)
@settings(max_examples=100)
def test_any_mixture_of_options_trains_or_is_refused_in_one_sentence(options):
    # No combination may end in a message of NumPy's or Python's.
    asked = {"steps": 3, "batch_size": 2, "record": ["train_loss", "weight_alignment"], **options}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DivergenceWarning)
        try:
            history = train(NET, DATA, **asked)
        except (TypeError, ValueError) as error:
            oracles.assert_one_sentence(error, "")
        else:
            assert history["train_loss"].shape == (len(history.steps), 2)


@pytest.mark.parametrize(("progress", "off"), [(None, True), (True, False), (False, True)])
def test_the_environment_can_turn_the_progress_bar_off(monkeypatch, progress, off):
    # The book is built with TQDM_DISABLE=1: a slow machine must not add a bar to a page. What is asked for comes first.
    monkeypatch.setenv("TQDM_DISABLE", "1")
    bar = _progress_bar(3, progress)
    disabled = bool(bar.disable)  # closing sets it, too
    bar.close()
    assert disabled is off


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_a_run_that_explodes_is_stopped_whatever_the_loss(loss):
    """The errors of cross-entropy are at most one: they would not tell."""
    data, _ = digits()
    net = init_network([64, 8, 10], loss=loss, seed=[0, 1])
    with pytest.warns(DivergenceWarning):
        history = train(net, data, rule="fa", steps=50, learning_rate=np.array([0.1, 1e300]))
    assert history.diverged_at[0] == -1
    assert 0 < history.diverged_at[1] < 5
    assert np.isfinite(history["train_loss"][:, 0]).all()
    assert np.isnan(history["train_loss"][-1, 1])


def test_default_batches_take_all_of_a_small_data_set():
    """Who gave no size must not be told that it is wrong."""
    few = np.ones((10, 3)), np.zeros((10, 2))
    net = init_network([3, 4, 2])
    by_default = train(net, few, steps=5)
    assert by_default.steps_per_epoch == 1
    whole = train(net, few, steps=5, batch_size=None)
    assert all(map(np.array_equal, by_default.network.weights, whole.network.weights))
    with pytest.raises(ValueError, match=r"batch_size must be at least 1 and at most 10; got 33\."):
        train(net, few, steps=5, batch_size=33)


def test_a_history_knows_what_it_holds():
    history = train(
        init_network([3, 4, 2]), (np.ones((10, 3)), np.zeros((10, 2))), steps=1, record=["descent"]
    )
    assert "descent" in history
    assert "train_loss" not in history
    assert list(history) == ["descent"]


def test_progress_must_be_true_or_false():
    with pytest.raises(TypeError, match=r"progress must be True or False; got 'yes'\."):
        train(init_network([3, 2]), (np.ones((4, 3)), np.zeros((4, 2))), steps=1, progress="yes")
