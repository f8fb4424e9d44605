"""The four alignments and the descent: signs, zero vectors, invariances, and the loss itself as the judge."""

import warnings

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fa_teach import (
    RULES,
    angle,
    cosine,
    descent,
    forward,
    gradient_alignment,
    init_feedback,
    init_network,
    loss,
    pseudo_gradient,
    signal_alignment,
    total_gradient_alignment,
    weight_alignment,
)
from fa_teach.network import ACTIVATIONS, LOSSES, Network

NAMES = list(RULES)
VECTORS = hnp.arrays(np.float64, 4, elements=st.floats(-1e3, 1e3)).filter(lambda v: np.abs(v).max() > 1e-3)


def task(n=7, n_in=4, n_out=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_in)), rng.dirichlet(np.ones(n_out), n)


def network(*, bias=True, **options):
    """Three hidden layers, biases that are not zero."""
    net = init_network([4, 6, 5, 7, 3], **{"seed": 1, "bias": bias, **options})
    rng = np.random.default_rng(9)
    return Network(
        net.weights, tuple(rng.normal(size=c.shape) for c in net.biases), net.activations, net.loss, net.seed
    )


def feedback_for(net, rule, **options):
    return init_feedback(net, direct=RULES[rule].direct, **options) if RULES[rule].uses_feedback else None


def plain_cosine(a, b):
    a, b = np.ravel(a), np.ravel(b)
    return sum(a * b) / np.sqrt(sum(a * a)) / np.sqrt(sum(b * b))


def layers(u):
    """Weights and bias of each layer as one vector."""
    biases = u.biases or [np.zeros(0)] * len(u.weights)
    return [np.concatenate([W.ravel(), c.ravel()]) for W, c in zip(u.weights, biases, strict=True)]


# -- Cosine and angle ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, 0], [2, 0], 0),
        ([1, 0], [1, 3**0.5], 60),
        ([1, 0], [0, 5], 90),
        ([1, 0], [-1, 3**0.5], 120),
        ([1, 2], [-2, -4], 180),
    ],
)
def test_angles_known_from_school(a, b, expected):
    # Signed: an absolute value would show 180° as 0°, the case that fails as the perfect one.
    np.testing.assert_allclose(angle(cosine(a, b)), expected, atol=1e-5)
    np.testing.assert_allclose(cosine(a, b), np.cos(np.deg2rad(expected)), atol=1e-15)


@given(VECTORS, VECTORS, st.floats(1e-60, 1e60), st.floats(1e-60, 1e60))
def test_cosines_do_not_depend_on_length(a, b, s, r):
    # Only the direction counts, however small or large the vectors; a negative factor turns the sign.
    np.testing.assert_allclose(cosine(s * a, r * b), cosine(a, b), atol=1e-12)
    np.testing.assert_allclose(cosine(-s * a, r * b), -cosine(a, b), atol=1e-12)
    assert abs(cosine(a, b)) <= 1
    assert cosine(a, b) == cosine(b, a)
    np.testing.assert_allclose(cosine(a, s * a), 1, atol=1e-12)


@given(VECTORS, VECTORS, st.integers(0, 10**6))
def test_cosines_do_not_depend_on_the_coordinates(a, b, seed):
    # An orthogonal map of both vectors changes no angle.
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))
    np.testing.assert_allclose(cosine(Q @ a, Q @ b), cosine(a, b), atol=1e-12)


def test_rounding_makes_no_cosine_above_one():
    # A quarter of all vectors have a cosine of 1 + 2e-16 with themselves, before it is cut.
    a = np.random.default_rng(0).normal(size=(1000, 5))
    for cosines in (cosine(a, a), cosine(a, 3 * a), -cosine(a, -a)):
        assert cosines.max() <= 1
        np.testing.assert_allclose(cosines, 1)
    assert np.isfinite(angle(cosine(a, a))).all()


def test_cosines_along_other_axes():
    # Matrices entry by entry, rows, and broadcasting of what is left.
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 3, 4)), rng.normal(size=(3, 4))
    np.testing.assert_allclose(cosine(a, b, axis=(-2, -1)), [plain_cosine(m, b) for m in a])
    np.testing.assert_allclose(cosine(a, b)[2], [plain_cosine(a[2, i], b[i]) for i in range(3)])
    np.testing.assert_allclose(cosine(a[0], b, axis=0), [plain_cosine(a[0, :, i], b[:, i]) for i in range(4)])
    with oracles.refused("b", ValueError):
        cosine([1, 2], [1, 2, 3])


def test_zero_vectors_have_no_angle_and_make_no_noise():
    # NaN, documented; a warning on the screen would only frighten. It must not spread to the others either.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_equal(cosine([[0, 0], [1, 0], [1, 1]], [[1, 0], [0, 0], [1, 1]])[:2], [np.nan] * 2)
        np.testing.assert_allclose(cosine([[0, 0], [1, 1]], [1, 1])[1], 1)
        np.testing.assert_equal(angle([np.nan, 1.0]), [np.nan, 0.0])
        assert np.isnan(cosine([np.nan, 1.0], [1.0, 1.0]))
    assert angle(1 + 1e-12) == 0  # rounding must not push a cosine out of arccos's domain
    assert angle(-1 - 1e-12) == 180


# -- The four alignments against their definitions ----------------------------------------------


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rule", NAMES)
def test_alignments_are_their_definitions(rule, bias, kind):
    # From the updates of a plain loop over samples, each number written out.
    x, t = task()
    net = network(bias=bias, loss=kind, activation=("tanh", "logistic", "erf"))
    B = feedback_for(net, rule, seed=2)
    g, u = pseudo_gradient(net, x, t), pseudo_gradient(net, x, t, rule, B)
    oracle_g, oracle_u = (oracles.update(net, x, t, r, B or ()) for r in ("bp", rule))
    for ours, (weights, biases) in ((g, oracle_g), (u, oracle_u)):
        for a, b in zip((*ours.weights, *ours.biases), (*weights, *biases), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-13)
    g, u = layers(g), layers(u)
    np.testing.assert_allclose(descent(net, x, t, rule, B), [a @ b for a, b in zip(g, u, strict=True)])
    np.testing.assert_allclose(
        total_gradient_alignment(net, x, t, rule, B), plain_cosine(np.concatenate(g), np.concatenate(u))
    )
    found = gradient_alignment(net, x, t, rule, B)
    if rule == "output_only":
        assert np.isnan(found[:-1]).all()
        assert np.isnan(weight_alignment(net, rule)).all()
        assert np.isnan(signal_alignment(net, x, t, rule)).all()
    else:
        np.testing.assert_allclose(found, [plain_cosine(a, b) for a, b in zip(g, u, strict=True)])
    np.testing.assert_allclose(found[-1], 1)


@pytest.mark.parametrize("rule", [name for name in NAMES if name != "output_only"])
def test_weight_and_signal_alignment_are_their_definitions(rule):
    # Signals sample by sample, with the rule's own δ; for direct rules the ideal matrix is the product above.
    x, t = task()
    net = network(loss="cross_entropy")
    B = feedback_for(net, rule, seed=2)
    W = net.weights
    ideal = [W[1].T, W[2].T, W[3].T]
    if rule == "dfa":
        ideal = [(W[3] @ W[2] @ W[1]).T, (W[3] @ W[2]).T, W[3].T]
    carriers = {
        "bp": lambda: ideal,
        "sign_symmetry": lambda: [np.sign(T) for T in ideal],
        "sign_symmetry_magnitudes": lambda: [np.sign(T) * np.abs(b) for T, b in zip(ideal, B, strict=True)],
    }.get(rule, lambda: B)()
    np.testing.assert_allclose(
        weight_alignment(net, rule, B), [plain_cosine(T, C) for T, C in zip(ideal, carriers, strict=True)]
    )
    angles = np.zeros((len(x), 3))
    for i in range(len(x)):
        _, deltas = oracles.sample_deltas(net, x[i], t[i], rule, B)
        for l in range(3):
            source = deltas[-1] if rule == "dfa" else deltas[l + 1]
            cos = plain_cosine(W[l + 1].T @ deltas[l + 1], carriers[l] @ source)
            angles[i, l] = np.degrees(np.arccos(np.clip(cos, -1, 1)))
    np.testing.assert_allclose(signal_alignment(net, x, t, rule, B), angles.mean(axis=0), atol=2e-6)


@pytest.mark.parametrize("rule", ["fa", "dfa"])
def test_feedback_the_wrong_way_round_shows_as_180_degrees(rule):
    # The antiparallel case must never look like the perfect one, in any of the measures.
    x, t = task()
    net = init_network([4, 6, 3], seed=range(3))
    B = init_feedback(net, angle=180, direct=rule == "dfa")
    np.testing.assert_allclose(weight_alignment(net, rule, B), -1)
    np.testing.assert_allclose(signal_alignment(net, x, t, rule, B), 180, atol=1e-5)
    np.testing.assert_allclose(gradient_alignment(net, x, t, rule, B), [[-1, 1]] * 3)
    assert (descent(net, x, t, rule, B) * [-1, 1] > 0).all()
    aligned = init_feedback(net, angle=0, scale=7.0, direct=rule == "dfa")
    np.testing.assert_allclose(weight_alignment(net, rule, aligned), 1)
    np.testing.assert_allclose(signal_alignment(net, x, t, rule, aligned), 0, atol=1e-5)
    np.testing.assert_allclose(gradient_alignment(net, x, t, rule, aligned), 1)


def test_signs_alternate_through_a_deep_network():
    # Two layers of reversed feedback cancel for the first hidden layer: the sign is that of the path.
    x, t = task()
    net = network()
    B = init_feedback(net, angle=180)
    np.testing.assert_allclose(gradient_alignment(net, x, t, "fa", B), [-1, 1, -1, 1])
    np.testing.assert_allclose(weight_alignment(net, "fa", B), [-1, -1, -1])
    np.testing.assert_allclose(signal_alignment(net, x, t, "fa", B), 180, atol=1e-5)


def test_random_feedback_meets_at_ninety_degrees():
    # In n dimensions the cosine has mean 0 and spread 1/√n: the default is "no alignment".
    net = init_network([5, 20, 10], seed=range(300))
    cosines = weight_alignment(net, "fa", init_feedback(net))[:, 0]
    assert abs(cosines.mean()) < 4 / np.sqrt(200 * 300)
    np.testing.assert_allclose(cosines.std(), 1 / np.sqrt(200), rtol=0.15)


# -- Who drives the descent ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rule", NAMES)
def test_descent_is_the_slope_of_the_loss_along_the_step(rule, bias, kind):
    # The judge is the loss: in θ̇ = -u it falls at the rate of the sum, and by layer if one layer moves alone.
    x, t = task()
    net = network(bias=bias, loss=kind)
    B = feedback_for(net, rule, seed=2)
    u = pseudo_gradient(net, x, t, rule, B)

    def loss_at(step, moving):
        weights = [
            W - step * v * (l in moving) for l, (W, v) in enumerate(zip(net.weights, u.weights, strict=True))
        ]
        biases = [
            c - step * v * (l in moving) for l, (c, v) in enumerate(zip(net.biases, u.biases, strict=True))
        ]
        return float(loss(Network(tuple(weights), tuple(biases), net.activations, net.loss), x, t))

    def slope(moving, step=1e-4):
        return (loss_at(-step, moving) - loss_at(step, moving)) / (2 * step)

    found = descent(net, x, t, rule, B)
    np.testing.assert_allclose(found.sum(), slope({0, 1, 2, 3}), rtol=1e-5)
    np.testing.assert_allclose(found, [slope({l}) for l in range(4)], rtol=1e-5, atol=1e-10)
    assert found[-1] > 0


@given(st.integers(0, 10**6))
def test_the_output_layers_term_is_never_negative(seed):
    # It is a squared norm; a hidden layer's term can have any sign (and does, in half of all cases).
    x, t = task(seed=seed)
    net = init_network([4, 6, 3], seed=seed)
    B = init_feedback(net, scale=10.0)
    found, g = descent(net, x, t, "fa", B), layers(pseudo_gradient(net, x, t))
    np.testing.assert_allclose(found[-1], g[-1] @ g[-1])
    assert (descent(net, x, t, "bp") >= 0).all()


def test_hidden_terms_have_both_signs():
    # At random feedback about half of the networks have a hidden layer that climbs.
    x, t = task()
    net = init_network([4, 6, 3], seed=range(200))
    negative = (descent(net, x, t, "fa", init_feedback(net))[:, 0] < 0).mean()
    assert 0.35 < negative < 0.65


# -- Invariances --------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_alignments_do_not_depend_on_the_size_of_the_feedback(seed, scale):
    # Within one hidden layer B only sets the size of the step; with more, each layer's cosine still ignores it.
    x, t = task(seed=seed)
    net = init_network([4, 6, 5, 3], loss="cross_entropy", seed=seed)
    B = init_feedback(net)
    scaled = tuple(scale * b for b in B)
    for measure in (gradient_alignment, signal_alignment):
        np.testing.assert_allclose(measure(net, x, t, "fa", scaled), measure(net, x, t, "fa", B), atol=1e-6)
    np.testing.assert_allclose(
        weight_alignment(net, "fa", scaled), weight_alignment(net, "fa", B), atol=1e-12
    )


@given(st.integers(0, 10**6))
def test_rotated_inputs_and_outputs_change_no_alignment(seed):
    # Squared error knows no axes: turning the inputs and the outputs (weights, targets, B with them) is free.
    x, t = task(seed=seed)
    net = network(bias=False, seed=seed)
    B = init_feedback(net)
    rng = np.random.default_rng(seed)
    Q, R = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (4, 3))
    turned = Network(
        (net.weights[0] @ Q.T, *net.weights[1:-1], R @ net.weights[-1]), (), net.activations, net.loss
    )
    turned_B = (*B[:-1], B[-1] @ R.T)
    for measure in (gradient_alignment, total_gradient_alignment, signal_alignment, descent):
        np.testing.assert_allclose(
            measure(turned, x @ Q.T, t @ R.T, "fa", turned_B),
            measure(net, x, t, "fa", B),
            rtol=1e-6,
            atol=1e-6,
        )
    np.testing.assert_allclose(
        weight_alignment(turned, "fa", turned_B), weight_alignment(net, "fa", B), atol=1e-12
    )


def test_hidden_units_of_a_linear_network_may_be_rotated():
    # The hidden space of a linear network has no axes either.
    x, t = task()
    net = init_network([4, 6, 3], activation="identity", bias=False, seed=1)
    (B,) = init_feedback(net)
    Q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))
    turned = Network((Q @ net.weights[0], net.weights[1] @ Q.T), (), net.activations)
    for measure in (gradient_alignment, signal_alignment, descent):
        np.testing.assert_allclose(
            measure(turned, x, t, "fa", (Q @ B,)), measure(net, x, t, "fa", (B,)), rtol=1e-6
        )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rule", NAMES)
def test_ensembles_have_the_alignments_of_their_members(rule, dtype):
    # Shapes (..., L), (...), (..., L-1), also with feedback that is shared.
    x, t = task()
    net = init_network([4, 6, 5, 3], scale=[[0.5], [2.0]], seed=[1, 2, 3], dtype=dtype)
    B = feedback_for(net, rule)
    tolerance = 1e-10 if dtype == np.float64 else 1e-3
    for index in np.ndindex(2, 3):
        member = net.member(*index)
        own = None if B is None else tuple(np.broadcast_to(b, (2, 3, *b.shape[-2:]))[index] for b in B)
        for measure in (gradient_alignment, total_gradient_alignment, descent, signal_alignment):
            np.testing.assert_allclose(
                measure(net, x, t, rule, B)[index],
                measure(member, x, t, rule, own),
                rtol=tolerance,
                atol=tolerance,
            )
        np.testing.assert_allclose(
            weight_alignment(net, rule, B)[index], weight_alignment(member, rule, own), rtol=tolerance
        )


# -- Nothing to compare -------------------------------------------------------------------------


@pytest.mark.parametrize("rule", NAMES)
def test_no_error_no_angle_no_warning(rule):
    # At a perfect solution all gradients vanish: NaN everywhere but in the descent, and not a word from NumPy.
    net = init_network([4, 6, 5, 3], seed=[1, 2])
    x, _ = task()
    zero = Network(tuple(0 * W for W in net.weights), net.biases, net.activations, net.loss, net.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        B = feedback_for(net, rule)
        t = np.zeros((7, 3))
        for measure in (gradient_alignment, total_gradient_alignment, signal_alignment):
            assert np.isnan(measure(zero, x, t, rule, B)).all()
        assert (descent(zero, x, t, rule, B) == 0).all()
        assert np.isnan(weight_alignment(zero, rule, B)).all()


def test_signal_alignment_averages_over_the_samples_that_have_signals():
    # Samples without an error have no signal; they must neither count as 0° or 90° nor spoil the mean.
    net = init_network([4, 6, 3], seed=1)
    B = init_feedback(net)
    x, t = task()
    t[:4] = forward(net, x).y[:4]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = signal_alignment(net, x, t, "fa", B)
    np.testing.assert_allclose(found, signal_alignment(net, x[4:], t[4:], "fa", B))
    assert not np.isclose(found, 90, atol=0.5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_hidden_layer_leaves_the_output_alone(activation):
    # The simplest network has gradient alignment 1 and no matrices to compare.
    net = init_network([4, 3], activation=activation, seed=[1, 2])
    x, t = task()
    for rule in NAMES:
        np.testing.assert_allclose(gradient_alignment(net, x, t, rule, ()), [[1], [1]])
        assert weight_alignment(net, rule, ()).shape == signal_alignment(net, x, t, rule, ()).shape == (2, 0)


# -- Bad input ----------------------------------------------------------------------------------

NET = init_network([3, 4, 2])
X, T = np.ones((5, 3)), np.zeros((5, 2))


@pytest.mark.parametrize("measure", [gradient_alignment, total_gradient_alignment, signal_alignment, descent])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("x", (np.ones((5, 4)), T, "bp")),
        ("x", (X * np.nan, T, "bp")),
        ("t", (X, np.ones((4, 2)), "bp")),
        ("labels", (X, [0, 1, 2, 0, 0], "bp")),
        ("rule", (X, T, "back")),
        ("rule", (X, T, None)),
        ("feedback", (X, T, "fa")),
        ("feedback", (X, T, "fa", (np.ones((2, 4)),))),
        ("feedback[0]", (X, T, "fa", (np.full((4, 2), np.nan),))),
    ],
)
def test_measures_name_what_is_wrong(measure, name, arguments):
    # The same sentences as from training.
    with oracles.refused(name):
        measure(NET, *arguments)


def test_cosines_and_angles_name_what_is_wrong():
    # A cosine of 2 is a mistake, and no angle of 0°; rounding is neither.
    for name, arguments, options in [
        ("a", ("x", [1.0]), {}),
        ("b", ([1.0], [[1, 2], [3]]), {}),
        ("b", ([1.0, 2.0], [1.0, 2.0, 3.0]), {}),
        ("axis", ([1.0], [1.0]), {"axis": (-2, -1)}),
    ]:
        with oracles.refused(name):
            cosine(*arguments, **options)
    for cos in (2, [0.0, -1.1], np.inf):
        with oracles.refused("cos", ValueError):
            angle(cos)
    with oracles.refused("cos", TypeError):
        angle("0.5")
    np.testing.assert_array_equal(angle([1 + 1e-9, np.nan]), [0, np.nan])


def test_weight_alignment_names_what_is_wrong():
    # It takes no data, but the same rules and feedback.
    with oracles.refused("feedback", ValueError):
        weight_alignment(NET, "fa")
    with oracles.refused("feedback", ValueError):
        weight_alignment(NET, "dfa", (np.ones((4, 3)),))
    with oracles.refused("rule", ValueError):
        weight_alignment(NET, "back")
    for rule in ("bp", "fa"):
        with oracles.refused("network", TypeError):
            weight_alignment([3, 4, 2], rule, (np.ones((4, 2)),))
