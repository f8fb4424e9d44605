"""Learning rules and feedback: pseudo-gradients against plain loops, matrices against their definitions."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fa_teach import (
    RULES,
    Gradient,
    Rule,
    Step,
    cosine,
    init_feedback,
    init_network,
    pseudo_gradient,
    random_matrix,
    signal_alignment,
    train,
    weight_alignment,
    weight_mirror,
)
from fa_teach.feedback import path_transposes
from fa_teach.network import ACTIVATIONS, INITS, LOSSES, Network

NAMES = list(RULES)


def task(n=6, n_in=4, n_out=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_in)), rng.dirichlet(np.ones(n_out), n)


def close(arrays, others, tolerance=1e-12):
    for array, other in zip(arrays, others, strict=True):
        np.testing.assert_allclose(array, other, rtol=tolerance, atol=tolerance)


def feedback_for(net, rule, **options):
    return init_feedback(net, direct=RULES[rule].direct, **options) if RULES[rule].uses_feedback else None


# -- Updates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rule", NAMES)
def test_updates_are_the_formulas(rule, activation, kind):
    # Every rule × activation × loss against a loop over the samples, three hidden layers of different widths.
    x, t = task()
    for bias in (True, False):
        net = init_network([4, 6, 5, 7, 3], activation=activation, loss=kind, bias=bias, seed=1)
        B = feedback_for(net, rule, seed=2)
        u = pseudo_gradient(net, x, t, rule, B)
        weights, biases = oracles.update(net, x, t, rule, B or ())
        close(u.weights, weights)
        close(u.biases, biases)


def test_updates_differ_from_rule_to_rule():
    # If two rules gave the same update, the test above could not tell them apart.
    x, t = task()
    net = init_network([4, 6, 5, 7, 3], seed=1)
    kinds = ["bp", "fa", "dfa", "sign_symmetry", "sign_symmetry_magnitudes", "output_only"]
    first = [pseudo_gradient(net, x, t, rule, feedback_for(net, rule, seed=2)).weights[1] for rule in kinds]
    cosines = np.array([[cosine(a.ravel(), b.ravel()) for a in first] for b in first])
    assert (
        cosines[np.triu_indices(6, 1)] < 0.95
    ).sum() == 10  # the five with `output_only`, which is 0, are NaN
    assert np.isnan(cosines[-1]).all()


@pytest.mark.parametrize("rule", NAMES)
def test_the_output_layer_has_the_exact_gradient(rule):
    # "Always", says the book; the bias of the output too.
    x, t = task()
    net = init_network([4, 6, 5, 3], loss="cross_entropy", seed=[1, 2])
    g, u = pseudo_gradient(net, x, t), pseudo_gradient(net, x, t, rule, feedback_for(net, rule))
    assert np.array_equal(g.weights[-1], u.weights[-1])
    assert np.array_equal(g.biases[-1], u.biases[-1])
    assert not np.array_equal(g.weights[0], u.weights[0]) or rule == "bp"


@pytest.mark.parametrize(
    "rule", ["fa", "kolen_pollack", "weight_mirror", "redrawn", "sign_symmetry_magnitudes"]
)
@pytest.mark.parametrize("kind", LOSSES)
def test_backpropagation_is_the_case_of_transposed_weights(rule, kind):
    # B = Wᵀ turns FA into backpropagation, to the last bit.
    x, t = task()
    net = init_network([4, 6, 5, 3], loss=kind, seed=[1, 2])
    g, u = pseudo_gradient(net, x, t), pseudo_gradient(net, x, t, rule, path_transposes(net))
    close((*g.weights, *g.biases), (*u.weights, *u.biases), 1e-14)


def test_direct_feedback_is_backpropagation_in_linear_networks():
    # With B_l = (W_L ... W_{l+1})ᵀ and no slopes in between; with one hidden layer DFA and FA are one rule.
    x, t = task()
    net = init_network([4, 6, 5, 7, 3], activation="identity", seed=1)
    B = [
        (net.weights[3] @ net.weights[2] @ net.weights[1]).T,
        (net.weights[3] @ net.weights[2]).T,
        net.weights[3].T,
    ]
    close(path_transposes(net, direct=True), B)
    g, u = pseudo_gradient(net, x, t), pseudo_gradient(net, x, t, "dfa", B)
    close((*g.weights, *g.biases), (*u.weights, *u.biases))
    shallow = init_network([4, 6, 3], seed=1)
    B = init_feedback(shallow)
    fa, dfa = (pseudo_gradient(shallow, x, t, rule, B) for rule in ("fa", "dfa"))
    close((*fa.weights, *fa.biases), (*dfa.weights, *dfa.biases), 0)


def test_sign_symmetry_uses_signs_and_the_size_of_the_feedback():
    # Uniform: only signs of W and one size; with magnitudes: signs of W, magnitudes of B. B's signs never matter.
    x, t = task()
    net = init_network([4, 6, 3], seed=1)
    (B,) = init_feedback(net)
    rng = np.random.default_rng(0)
    flipped = B * rng.choice([-1, 1], B.shape)
    for rule in ("sign_symmetry", "sign_symmetry_magnitudes"):
        u, v = (pseudo_gradient(net, x, t, rule, (b,)) for b in (B, flipped))
        close(u.weights, v.weights, 1e-14)
    rescaled = Network((net.weights[0], net.weights[1] * rng.uniform(0.5, 2, (3, 6))), net.biases, ("tanh",))
    for rule in ("sign_symmetry", "sign_symmetry_magnitudes"):
        (carrier,) = RULES[rule].carriers(net, (B,))
        close([carrier], RULES[rule].carriers(rescaled, (B,)), 1e-14)
        assert np.array_equal(np.sign(carrier), np.sign(net.weights[1].T))
        np.testing.assert_allclose(np.linalg.norm(carrier), np.linalg.norm(B))


def test_the_mean_over_samples_not_the_sum():
    # A batch twice over has the same update; a sum would double the learning rate.
    x, t = task()
    net = init_network([4, 6, 3], seed=1)
    B = init_feedback(net)
    for rule in ("bp", "fa", "dfa"):
        once = pseudo_gradient(net, x, t, rule, B)
        twice = pseudo_gradient(net, np.vstack([x, x]), np.vstack([t, t]), rule, B)
        close((*once.weights, *once.biases), (*twice.weights, *twice.biases))


@given(st.floats(-5, 5), st.floats(-5, 5), st.integers(0, 10**6))
def test_updates_are_linear_in_the_feedback(a, b, seed):
    # The hidden update of a network with one hidden layer is linear in B: u(aB + bC) = a u(B) + b u(C).
    x, t = task(seed=seed)
    net = init_network([4, 6, 3], seed=seed)
    (B,), (C,) = init_feedback(net, seed=seed), init_feedback(net, seed=seed + 1)
    u = [pseudo_gradient(net, x, t, "fa", (matrix,)).weights[0] for matrix in (a * B + b * C, B, C)]
    np.testing.assert_allclose(u[0], a * u[1] + b * u[2], atol=1e-12)


def test_feedback_without_the_ensembles_axes_is_shared():
    # One feedback for all seeds, or one for each column of a grid.
    x, t = task()
    net = init_network([4, 6, 5, 3], seed=[1, 2], scale=[[1.0], [2.0], [3.0]])
    for B in (
        init_feedback(net.member(0, 0)),
        init_feedback(net, seed=[5, 6]),
        init_feedback(net, scale=[[1], [2], [3]]),
    ):
        u = pseudo_gradient(net, x, t, "fa", B)
        for index in np.ndindex(3, 2):
            own = tuple(np.broadcast_to(b, (3, 2, *b.shape[-2:]))[index] for b in B)
            alone = pseudo_gradient(net.member(*index), x, t, "fa", own)
            close([w[index] for w in u.weights], alone.weights)


# -- Rules that change their feedback -----------------------------------------------------------


def step(net, B, numbers=None, **options):
    u = pseudo_gradient(net, *task(), "fa", B)
    defaults = {"learning_rate": 0.1, "weight_decay": 0.2, "update": u, "normal": numbers}
    return Step(network=net, feedback=B, **{**defaults, **options})


def test_kolen_pollack_changes_feedback_as_the_weights_change():
    # B ← B - η(uᵀ + λB), from the updates that the weights got; nothing is changed in place.
    net = init_network([4, 6, 5, 3], seed=1)
    B = init_feedback(net, seed=2)
    before = [b.copy() for b in B]
    now = step(net, B)
    expected = oracles.changed_feedback("kolen_pollack", B, None, now.update.weights[1:], 0.1, 0.2, None)
    close(RULES["kolen_pollack"].adapt(now), expected)
    assert all(np.array_equal(a, b) for a, b in zip(before, B, strict=True))
    kept = RULES["kolen_pollack"].adapt(step(net, B, frozen=frozenset({2})))
    assert np.array_equal(kept[0], B[0])
    assert not np.array_equal(kept[1], B[1])


def test_the_weight_mirror_moves_by_the_noise_it_sent():
    # B ← (1 - rate) B + rate · mean of ξ (Wξ)ᵀ, ξ standard normal, sent through each layer alone.
    net = init_network([4, 6, 5, 3], seed=1)
    B = init_feedback(net, seed=2)
    sent = []

    def normal(n, m):
        sent.append(np.random.default_rng(len(sent)).normal(size=(n, m)))
        return sent[-1]

    adapted = weight_mirror(rate=0.3, samples=7).adapt(step(net, B, normal))
    assert [s.shape for s in sent] == [(7, 6), (7, 5)]
    for new, b, W, xi in zip(adapted, B, net.weights[1:], sent, strict=True):
        estimate = np.mean([np.outer(v, W @ v) for v in xi], axis=0)
        np.testing.assert_allclose(new, 0.7 * b + 0.3 * estimate)


def test_the_weight_mirrors_estimate_is_unbiased():
    # The mean of ξ (Wξ)ᵀ is Wᵀ: with very many noise vectors and rate 1, B is Wᵀ at once.
    net = init_network([4, 6, 5, 3], seed=1)
    rng = np.random.default_rng(0)
    adapted = weight_mirror(rate=1.0, samples=40_000).adapt(
        step(net, init_feedback(net), lambda n, m: rng.normal(size=(n, m)))
    )
    for B, W in zip(adapted, net.weights[1:], strict=True):
        # one entry's spread is at most |W_j| √2 / √samples
        assert np.abs(B - W.T).max() < 5 * np.sqrt(2 / 40_000) * np.linalg.norm(W, axis=1).max()


def test_redrawn_feedback_has_the_old_norm_and_the_new_direction():
    # Its direction is that of the new numbers, its size that of the old matrix.
    net = init_network([4, 6, 5, 3], seed=1)
    B = init_feedback(net, seed=2, scale=3.0)
    drawn = []

    def normal(n, m):
        drawn.append(np.random.default_rng(len(drawn)).normal(size=(n, m)))
        return drawn[-1]

    for new, old, numbers in zip(RULES["redrawn"].adapt(step(net, B, normal)), B, drawn, strict=True):
        np.testing.assert_allclose(np.linalg.norm(new), np.linalg.norm(old))
        np.testing.assert_allclose(cosine(new.ravel(), numbers.ravel()), 1)


def test_a_new_rule_takes_ten_lines_from_outside():
    # As the documentation promises: carriers of one's own, and feedback that changes as one likes.
    def carriers(net, B):
        return [(W.mT + b) / 2 for W, b in zip(net.weights[1:], B, strict=True)]

    def forget(now):
        assert isinstance(now.update, Gradient)
        return tuple(0.5 * b for b in now.feedback)

    mine = Rule(name="mine", carriers=carriers, adapt=forget)
    net = init_network([4, 6, 5, 3], seed=1)
    x, t = task()
    B = init_feedback(net)
    history = train(net, (x, t), rule=mine, feedback=B, steps=3, batch_size=None)
    plain, now = oracles.Plain(net), B
    for _ in range(3):
        half = [(W.T + b) / 2 for W, b in zip(plain.weights[1:], now, strict=True)]
        u, u_c = oracles.update(plain, x, t, "fa", half)
        plain.weights = [W - 0.1 * v for W, v in zip(plain.weights, u, strict=True)]
        plain.biases = [c - 0.1 * v for c, v in zip(plain.biases, u_c, strict=True)]
        now = [0.5 * b for b in now]
    close(history.network.weights, plain.weights)
    close(history.feedback, now)
    assert repr(mine) == "Rule('mine')"


# -- Feedback matrices --------------------------------------------------------------------------

ANGLES = [0, 1e-3, 30, 60, 90, 117.5, 179.9, 180]


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("degrees", ANGLES)
def test_feedback_at_an_exact_angle(degrees, direct):
    # Exact, not only in the mean: 0 is Wᵀ itself, 180 is -Wᵀ, and the norm is that of Wᵀ times the scale.
    net = init_network([4, 6, 5, 3], seed=range(4))
    feedback = init_feedback(net, angle=degrees, scale=2.0, direct=direct)
    ideal = [W.mT for W in net.weights[1:]]
    if direct:
        ideal[0] = (net.weights[2] @ net.weights[1]).mT
    for B, T in zip(feedback, ideal, strict=True):
        np.testing.assert_allclose(np.linalg.norm(B, axis=(-2, -1)), 2 * np.linalg.norm(T, axis=(-2, -1)))
        cosines = (B * T).sum(axis=(-2, -1)) / (2 * np.linalg.norm(T, axis=(-2, -1)) ** 2)
        np.testing.assert_allclose(cosines, np.cos(np.deg2rad(degrees)), atol=1e-14)
        if degrees in {0, 180}:
            np.testing.assert_allclose(B, 2 * T * (1 if degrees == 0 else -1), rtol=1e-14)


def test_each_member_may_have_its_own_angle():
    # A scan of the angle is one call; members differ in their direction across, which is random.
    net = init_network([4, 6, 3], seed=[[1]] * len(ANGLES))
    (B,) = init_feedback(net, angle=np.array(ANGLES)[:, None])
    T = net.weights[1].mT
    found = np.rad2deg(np.arccos(np.clip(cosine(B, T, axis=(-2, -1)), -1, 1)))[:, 0]
    np.testing.assert_allclose(found, ANGLES, atol=1e-5)
    (one,), (two,) = (init_feedback(net, angle=90, seed=seed) for seed in (3, 4))
    assert abs(cosine(one, two, axis=(-2, -1))).max() < 0.9


@given(st.floats(0, 180), st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_any_angle_is_met(degrees, seed, scale):
    # Also where sine and cosine are nearly zero, and for weights of any size.
    net = init_network([3, 4, 2], seed=seed, scale=scale)
    (B,) = init_feedback(net, angle=degrees)
    np.testing.assert_allclose(
        cosine(B, net.weights[1].T, axis=(-2, -1)), np.cos(np.deg2rad(degrees)), atol=1e-12
    )


def test_one_by_one_matrices_have_two_angles():
    # The chain of two weights: B is w or -w; nothing lies between, and the message says so.
    net = init_network([1, 1, 1], seed=0)
    w = net.weights[1]
    np.testing.assert_allclose(init_feedback(net, angle=0)[0], w)
    np.testing.assert_allclose(init_feedback(net, angle=180)[0], -w)
    with oracles.refused("angle", ValueError):
        init_feedback(net, angle=90)


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.82, 1.0])
def test_sparsity_is_exact(sparsity, direct):
    # The fraction of zeros is that asked for in each matrix, at places of each member's own.
    net = init_network([4, 8, 5, 10], seed=range(3))
    feedback = init_feedback(net, sparsity=sparsity, direct=direct)
    dense = init_feedback(net, direct=direct)
    for B, full in zip(feedback, dense, strict=True):
        size = B.shape[-2] * B.shape[-1]
        assert ((B == 0).sum(axis=(-2, -1)) == round(sparsity * size)).all()
        assert np.array_equal(B[B != 0], full[B != 0])  # those that stay are as they were
    if sparsity == 0.5:
        assert not np.array_equal(feedback[0][0] == 0, feedback[0][1] == 0)


@pytest.mark.parametrize("distribution", INITS)
def test_distributions_are_those_of_the_transposed_weights(distribution):
    # B_l is distributed as W_lᵀ: n_in of the layer above is the number of rows of B.
    net = init_network([3, 200, 50], seed=1)
    (B,) = init_feedback(net, distribution=distribution, scale=3.0)
    assert B.shape == (200, 50)
    spread = np.std([random_matrix(np.random.default_rng(s), 50, 200, init=distribution) for s in range(5)])
    np.testing.assert_allclose(B.std(), 3 * spread, rtol=0.03)
    if distribution == "sign":
        np.testing.assert_allclose(np.abs(B), 3 / np.sqrt(200))
    if distribution == "orthogonal":
        np.testing.assert_allclose(B.T @ B, 9 * np.eye(50), atol=1e-10)


@pytest.mark.parametrize("options", [{}, {"angle": 70}, {"sparsity": 0.3}, {"distribution": "orthogonal"}])
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_members_feedback_is_that_of_its_seed(options, direct, dtype):
    # To the last bit (to rounding at an angle), in grids, with a scale for each row.
    net = init_network([4, 6, 5, 3], scale=[[0.5], [2.0]], seed=[7, 8, 9], dtype=dtype)
    together = init_feedback(net, scale=[[1.0], [4.0]], direct=direct, **options)
    for i, j in np.ndindex(2, 3):
        alone = init_feedback(net.member(i, j), scale=[1.0, 4.0][i], direct=direct, **options)
        for B, own in zip(together, alone, strict=True):
            assert B.dtype == own.dtype == dtype
            np.testing.assert_allclose(
                np.broadcast_to(B, (2, 3, *own.shape))[i, j], own, rtol=1e-5 if dtype == np.float32 else 1e-12
            )


def test_layers_and_seeds_have_feedback_of_their_own():
    # Square layers must not repeat each other's numbers; the network's seed is the default.
    net = init_network([4, 4, 4, 4], seed=1)
    B = init_feedback(net)
    assert not np.isclose(B[0], B[1]).any()
    assert np.array_equal(B[0], init_feedback(net, seed=1)[0])
    assert not np.isclose(B[0], init_feedback(net, seed=2)[0]).any()
    assert init_feedback(init_network([3, 2])) == ()
    for direct, shapes in ((False, [(6, 5), (5, 3)]), (True, [(6, 3), (5, 3)])):
        assert [b.shape for b in init_feedback(init_network([4, 6, 5, 3]), direct=direct)] == shapes


# -- Bad input ----------------------------------------------------------------------------------

NET = init_network([3, 4, 5, 2])
DATA = np.ones((5, 3)), np.zeros((5, 2))
GOOD = init_feedback(NET)


@pytest.mark.parametrize(
    ("name", "feedback"),
    [
        ("feedback", None),
        ("feedback", 1.0),
        ("feedback", "random"),
        ("feedback", ()),
        ("feedback", GOOD[:1]),
        ("feedback", (*GOOD, GOOD[0])),
        ("feedback", GOOD[0]),
        ("feedback", (GOOD[0].T, GOOD[1])),
        ("feedback", (GOOD[1], GOOD[0])),
        ("feedback", init_feedback(NET, direct=True)),
        ("feedback", (1.0, 2.0)),
        ("feedback[1]", (GOOD[0], GOOD[1] * np.nan)),
        ("feedback[0]", (GOOD[0] + np.inf, GOOD[1])),
        ("feedback[0]", (np.stack([GOOD[0]] * 3), GOOD[1])),
        ("feedback[0]", (GOOD[0] * 1j, GOOD[1])),
        ("feedback[0]", ([[1, 2], [3]], GOOD[1])),
        ("feedback[0]", (None, GOOD[1])),
    ],
)
def test_feedback_that_does_not_fit_is_refused(name, feedback):
    # The commonest mistake with FA is a matrix that should have been transposed.
    with oracles.refused(name):
        pseudo_gradient(NET, *DATA, "fa", feedback)
    if feedback is not None:
        with oracles.refused(name):
            train(NET, DATA, rule="fa", feedback=feedback, steps=1, batch_size=None)


@pytest.mark.parametrize("carriers", [None, [], [np.ones((3, 3))] * 2, [W.T for W in NET.weights]])
def test_rules_whose_carriers_do_not_fit_are_refused(carriers):
    # Everybody's first rule of their own: a missing return, or one matrix too many.
    mine = Rule(name="mine", carriers=lambda net, B: carriers)
    for use in (
        lambda: pseudo_gradient(NET, *DATA, mine, GOOD),
        lambda: weight_alignment(NET, mine, GOOD),
        lambda: signal_alignment(NET, *DATA, mine, GOOD),
        lambda: train(NET, DATA, rule="bp", switch={1: mine}, feedback=GOOD, steps=2, batch_size=None),
    ):
        with oracles.refused("what carriers returns"):
            use()


@pytest.mark.parametrize("adapted", [None, GOOD[:1], tuple(B.T for B in GOOD)])
def test_rules_whose_feedback_no_longer_fits_are_refused(adapted):
    # One step later it would be a message of NumPy's.
    mine = Rule(name="mine", carriers=lambda net, B: B, adapt=lambda step: adapted)
    with oracles.refused("what adapt returns"):
        train(NET, DATA, rule=mine, feedback=GOOD, steps=2, batch_size=None)


def test_rules_are_made_of_functions():
    # A matrix in the place of the function that returns it.
    with oracles.refused("carriers", TypeError):
        Rule(name="mine", carriers=GOOD)
    with oracles.refused("adapt", TypeError):
        Rule(name="mine", carriers=lambda net, B: B, adapt=GOOD)


def test_an_angle_needs_a_direction_to_turn_to():
    # No random entries are left; the message says so, and does not only speak of 1x1 matrices.
    for options in ({"sparsity": 1.0}, {"distribution": "zeros"}):
        with oracles.refused("angle", ValueError) as caught:
            init_feedback(NET, angle=30, **options)
        assert "zero random matrix" in str(caught.value)


def test_direct_rules_refuse_the_other_kind_of_feedback():
    # The message tells the shapes this rule needs.
    with oracles.refused("feedback", ValueError) as caught:
        pseudo_gradient(NET, *DATA, "dfa", GOOD)
    assert "[(4, 2), (5, 2)]" in str(caught.value)
    assert "[(4, 5), (5, 2)]" in str(caught.value)


@pytest.mark.parametrize("rule", ["backprop", "FA", "", None, 3, ["fa"], np.zeros(2)])
def test_unknown_rules_are_refused(rule):
    # The message lists those there are.
    with oracles.refused("rule") as caught:
        pseudo_gradient(NET, *DATA, rule, GOOD)
    assert all(repr(known) in str(caught.value) for known in RULES)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("scale", {"scale": -1.0}),
        ("scale", {"scale": np.inf}),
        ("scale", {"scale": "big"}),
        ("scale", {"scale": [1.0, 2.0]}),
        ("distribution", {"distribution": "gauss"}),
        ("distribution", {"distribution": None}),
        ("sparsity", {"sparsity": -0.1}),
        ("sparsity", {"sparsity": 1.1}),
        ("sparsity", {"sparsity": "half"}),
        ("sparsity", {"sparsity": "0.5"}),
        ("sparsity", {"sparsity": [0.1, 0.2]}),
        ("sparsity", {"sparsity": 10**400}),
        ("angle", {"angle": -1}),
        ("angle", {"angle": 180.1}),
        ("angle", {"angle": np.nan}),
        ("angle", {"angle": [10.0, 20.0]}),
        ("angle", {"angle": "right"}),
        ("seed", {"seed": -1}),
        ("seed", {"seed": 1.5}),
        ("seed", {"seed": [1, 2]}),
    ],
)
def test_init_feedback_names_what_is_wrong(name, options):
    # One sentence each, with the range that was expected.
    with oracles.refused(name):
        init_feedback(NET, **options)


def test_zero_weights_have_no_direction_to_turn_from():
    # An angle from nothing is refused; without an angle zero weights are a fine start.
    net = init_network([3, 4, 2], init="zeros")
    with oracles.refused("angle", ValueError):
        init_feedback(net, angle=45)
    assert np.abs(init_feedback(net)[0]).max() > 0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("rate", {"rate": 0.0}),
        ("rate", {"rate": 1.5}),
        ("rate", {"rate": None}),
        ("samples", {"samples": 0}),
        ("samples", {"samples": 2.5}),
    ],
)
def test_the_weight_mirror_names_what_is_wrong(name, options):
    # A rate of 0 would never learn, and above 1 it overshoots.
    with oracles.refused(name):
        weight_mirror(**options)


@pytest.mark.parametrize("function", [init_feedback, path_transposes])
def test_what_is_no_network_has_no_feedback(function):
    # Not an AttributeError about sizes.
    with oracles.refused("network", TypeError):
        function([3, 4, 2])
