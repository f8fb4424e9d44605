"""The dynamics of a rule: its field, Jacobian, kernel and flow, each against an independent oracle."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from fa_teach import alignment, dynamics, forward, init_feedback, init_network, train
from fa_teach.feedback import RULES, Rule, pseudo_gradient
from fa_teach.fixed_points import fixed_point, leading_eigenvalues
from fa_teach.network import loss
from fa_teach.training import DivergenceWarning

ANALYTIC = ["identity", "tanh", "logistic", "erf"]
B1 = (np.array([[1.0]]),)


def small(rng, *, activation="tanh", loss="squared", sizes=(3, 5, 4, 2), n=6, **options):
    net = init_network(sizes, activation=activation, loss=loss, seed=options.pop("seed", 3), **options)
    if net.biases:  # zero biases would hide mistakes
        theta = dynamics.to_vector(net)
        net = dynamics.from_vector(net, theta + 0.1 * rng.normal(size=theta.shape))
    x = rng.normal(size=(n, sizes[0]))
    t = rng.integers(0, sizes[-1], n) if loss == "cross_entropy" else rng.normal(size=(n, sizes[-1]))
    return net, x, t


def chain(w1, w2):
    """The two-weight network."""
    net = init_network([1, 1, 1], activation="identity", bias=False)
    return dynamics.from_vector(net, np.stack(np.broadcast_arrays(w1, w2), axis=-1).astype(float))


def differences(f, theta, h=1e-5):
    """Central differences of fourth order, one direction at a time: shares no code with the library."""
    columns = []
    for e in np.eye(len(theta)):
        d1, d2 = (f(theta + k * h * e) - f(theta - k * h * e) for k in (1, 2))
        columns.append((8 * d1 - d2) / (12 * h))
    return np.stack(columns, axis=-1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# -- Vectors and field --------------------------------------------------------------------------


def test_vector_order_is_as_documented(rng):
    """W_1 row by row, c_1, W_2, c_2: figures and saved vectors rely on it."""
    net, _, _ = small(rng, sizes=(3, 4, 2))
    parts = [net.weights[0].ravel(), net.biases[0], net.weights[1].ravel(), net.biases[1]]
    np.testing.assert_array_equal(dynamics.to_vector(net), np.concatenate(parts))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("frozen", [(), (1,), (2, 3)])
@pytest.mark.parametrize("seed", [0, [0, 1], [[0, 1, 2], [3, 4, 5]]])
def test_vector_round_trip(bias, frozen, seed):
    """from_vector undoes to_vector, for ensembles and frozen layers, real and complex."""
    net = init_network([3, 4, 3, 2], bias=bias, seed=seed)
    theta = dynamics.to_vector(net, frozen=frozen)
    back = dynamics.from_vector(net, theta * (1 + 1j), frozen=frozen)
    for l, (W, V) in enumerate(zip(net.weights, back.weights, strict=True), start=1):
        np.testing.assert_array_equal(V, W if l in frozen else W * (1 + 1j))
    np.testing.assert_array_equal(dynamics.to_vector(back, frozen=frozen), theta * (1 + 1j))


@pytest.mark.parametrize("rule", RULES)
def test_field_is_minus_the_pseudo_gradient(rng, rule):
    """The field must be the rule that training uses, for every rule."""
    net, x, t = small(rng)
    B = init_feedback(net, direct=RULES[rule].direct)
    u = pseudo_gradient(net, x, t, rule, B)
    parts = [p.ravel() for pair in zip(u.weights, u.biases, strict=True) for p in pair]
    f = dynamics.update_field(net, x, t, rule, B)
    np.testing.assert_allclose(f(dynamics.to_vector(net)), -np.concatenate(parts), rtol=1e-12, atol=1e-15)


def test_steps_agree_with_training(rng):
    """iterate takes the full-batch steps that train takes, with weight decay and a frozen layer."""
    net, x, t = small(rng)
    options = {"learning_rate": 0.1, "steps": 5, "weight_decay": 0.05, "frozen": [2]}
    B = init_feedback(net)
    run = dynamics.iterate(net, x, t, "fa", B, **options)
    history = train(net, (x, t), rule="fa", feedback=B, batch_size=None, **options)
    np.testing.assert_allclose(dynamics.to_vector(run.end), dynamics.to_vector(history.network), rtol=1e-12)


def test_single_precision_is_raised_to_double(rng):
    """A float32 network must not give a float32 Jacobian, whose spectrum would be noise."""
    net, x, t = small(rng, dtype=np.float32)
    J = dynamics.jacobian(net, x, t, "fa", init_feedback(net))
    assert J.dtype == np.float64


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda net, x, t: dynamics.from_vector(net, np.zeros(3)), "theta"),
        (lambda net, x, t: dynamics.to_vector(net, frozen=[1, 2, 3]), "frozen"),
        (lambda net, x, t: dynamics.to_vector(net, frozen=[4]), "frozen"),
        (lambda net, x, t: dynamics.update_field(net, x, t, "fa"), "feedback"),
        (lambda net, x, t: dynamics.jacobian(net, x, t, "bp", method="forward"), "method"),
        (lambda net, x, t: dynamics.jvp(net, x, t, "bp", v=np.zeros(3)), "v must"),
        (
            lambda net, x, t: dynamics.trajectory(net, x, t, "bp", times=[1, 1]),
            "times must rise; got 1 after 1",
        ),
        (lambda net, x, t: dynamics.trajectory(net, x, t, "bp", times=0), "times must be .* got 0"),
        (
            lambda net, x, t: dynamics.trajectory(net, x, t, "bp", times=[[1, 2]]),
            r"times .* got shape \(1, 2\)",
        ),
        (lambda net, x, t: dynamics.update_field(net, x, t, "bp", weight_decay=-1), "weight_decay"),
        (lambda net, x, t: dynamics.output_jacobian(net, x[:, :2]), "x must"),
    ],
)
def test_errors_name_the_argument(rng, call, word):
    """Every refusal says which argument was wrong."""
    net, x, t = small(rng)
    with pytest.raises(ValueError, match=word):
        call(net, x, t)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda net: dynamics.to_vector(net, frozen=1), "frozen must be a sequence"),
        (lambda net: dynamics.from_vector(net, ["a"] * 54), "theta must hold numbers"),
        (lambda net: dynamics.from_vector(net, [[1.0, 2.0], [3.0]]), "theta must be an array"),
    ],
)
def test_what_is_no_number_or_no_list_is_refused(rng, call, word):
    """In the library's words, not in NumPy's."""
    with pytest.raises(TypeError, match=word):
        call(small(rng)[0])


# -- Jacobians ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "loss", "rule"),
    list(itertools.product(ANALYTIC, ["squared", "cross_entropy"], RULES)),
)
def test_jacobian_against_differences(rng, activation, loss, rule):
    """Every analytic activation, loss and rule: exact against differences of fourth order."""
    net, x, t = small(rng, activation=activation, loss=loss, sizes=(3, 4, 3, 2), n=5)
    B = init_feedback(net, direct=RULES[rule].direct)
    J = dynamics.jacobian(net, x, t, rule, B, weight_decay=0.02)
    f = dynamics.update_field(net, x, t, rule, B, weight_decay=0.02)
    np.testing.assert_allclose(J, differences(f, f.theta, h=1e-3), atol=2e-10)


@pytest.mark.parametrize("rule", ["bp", "fa"])
def test_jacobian_of_relu_away_from_kinks(rng, rule):
    """The complex step keeps the mask of the real part, so it is exact on each linear piece."""
    net, x, t = small(rng, activation="relu")
    B = init_feedback(net)
    f = dynamics.update_field(net, x, t, rule, B)
    J = dynamics.jacobian(net, x, t, rule, B)
    np.testing.assert_allclose(J, differences(f, f.theta, h=1e-6), atol=1e-8)
    np.testing.assert_allclose(J, dynamics.jacobian(net, x, t, rule, B, method="central"), atol=1e-8)


def test_central_differences_where_complex_numbers_do_not_pass(rng):
    """A rule with a norm in it has a wrong complex step; the documented alternative is right."""

    def carriers(net, B):
        norms = [np.sqrt((abs(W) ** 2).sum(axis=(-2, -1), keepdims=True)) for W in net.weights[1:]]
        return [b * norm for b, norm in zip(B, norms, strict=True)]

    scaled = Rule(name="scaled", carriers=carriers)
    net, x, t = small(rng)
    B = init_feedback(net)
    f = dynamics.update_field(net, x, t, scaled, B)
    J = dynamics.jacobian(net, x, t, scaled, B, method="central")
    np.testing.assert_allclose(J, differences(f, f.theta, h=1e-3), atol=1e-8)
    v = np.ones(J.shape[-1])
    for wrong in (
        lambda: dynamics.jacobian(net, x, t, scaled, B),
        lambda: dynamics.jvp(net, x, t, scaled, B, v=v),
        lambda: leading_eigenvalues(net, x, t, scaled, B),
        lambda: fixed_point(net, x, t, scaled, B),
    ):
        with pytest.raises(ValueError, match="carriers of rule 'scaled' must let complex weights pass"):
            wrong()


def test_a_sign_is_no_complex_number(rng):
    """The sign of W + ih is not that of W: refused for a rule of one's own, right for the library's."""
    net, x, t = small(rng)
    signs = Rule(
        name="signs",
        carriers=lambda net, _: [np.sign(W.mT) for W in net.weights[1:]],
        uses_feedback=False,
    )
    with pytest.raises(ValueError, match="no abs, sign or norm"):
        dynamics.jacobian(net, x, t, signs, ())
    signs = replace(signs, carriers=lambda net, _: [np.sign(W.mT.real) for W in net.weights[1:]])
    J = dynamics.jacobian(net, x, t, signs, ())
    np.testing.assert_allclose(J, dynamics.jacobian(net, x, t, signs, (), method="central"), atol=1e-8)


def test_jacobian_of_backpropagation_is_symmetric(rng):
    """Minus the Hessian: symmetric, with a real spectrum; feedback alignment's is neither."""
    net, x, t = small(rng)
    J = dynamics.jacobian(net, x, t, "bp")
    assert abs(J - J.T).max() < 1e-14
    assert abs(np.linalg.eigvals(J).imag).max() < 1e-12
    J = dynamics.jacobian(net, x, t, "fa", init_feedback(net))
    assert abs(J - J.T).max() > 1e-2


@pytest.mark.parametrize("seed", [4, [4, 5], [[0, 1, 2], [3, 4, 5]]])
def test_jacobian_of_an_ensemble_is_its_members(rng, seed):
    """Leading axes change nothing, data of each member's own included."""
    net = init_network([3, 4, 2], seed=seed)
    x, t = rng.normal(size=(*net.ensemble, 7, 3)), rng.normal(size=(*net.ensemble, 7, 2))
    B = init_feedback(net)
    J = dynamics.jacobian(net, x, t, "fa", B)
    v = rng.normal(size=J.shape[:-1])
    Jv = dynamics.jvp(net, x, t, "fa", B, v=v)
    for index in np.ndindex(net.ensemble):
        alone = dynamics.jacobian(net.member(*index), x[index], t[index], "fa", tuple(b[index] for b in B))
        np.testing.assert_allclose(J[index], alone, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(Jv[index], alone @ v[index], rtol=1e-10, atol=1e-14)


def test_jacobian_does_not_depend_on_blocks(rng, monkeypatch):
    """Blocks of samples and chunks of directions are for speed alone; weight decay is counted once."""
    net, x, t = small(rng, n=101)
    B = init_feedback(net)
    whole = dynamics.jacobian(net, x, t, "fa", B, weight_decay=0.3)
    monkeypatch.setattr(dynamics, "SMALL_PRODUCT", 1)
    monkeypatch.setattr(dynamics, "CHUNK_BYTES", 1)
    parts = dynamics.jacobian(net, x, t, "fa", B, weight_decay=0.3)
    np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-15)


def test_frozen_layers_are_left_out(rng):
    """The Jacobian with a frozen layer is a block of the whole."""
    net, x, t = small(rng, sizes=(3, 4, 3, 2))
    B = init_feedback(net)
    J = dynamics.jacobian(net, x, t, "fa", B)
    keep = np.r_[0:16, 31:39]  # without layer 2, 4 to 3
    part = dynamics.jacobian(net, x, t, "fa", B, frozen=[2])
    np.testing.assert_allclose(part, J[np.ix_(keep, keep)], rtol=1e-12, atol=1e-15)


def test_jacobian_vector_products(rng):
    """jvp is the Jacobian times v, for many vectors at once."""
    net, x, t = small(rng)
    B = init_feedback(net)
    J = dynamics.jacobian(net, x, t, "fa", B)
    v = rng.normal(size=(4, J.shape[-1]))
    np.testing.assert_allclose(dynamics.jvp(net, x, t, "fa", B, v=v), v @ J.T, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(("w1", "b"), [(2.0, 1.0), (-0.5, 1.0), (-1.5, 1.0), (0.7, -2.0)])
def test_eigenvalues_of_the_smallest_network(w1, b):
    """At w1 w2 = 1 they are 0 and -(w1² + b w2), in stable and unstable cases alike."""
    net = chain(w1, 1 / w1)
    J = dynamics.jacobian(net, [[1.0]], [[1.0]], "fa", (np.array([[b]]),))
    expected = sorted([0, -(w1**2 + b / w1)])
    np.testing.assert_allclose(sorted(np.linalg.eigvals(J).real), expected, atol=1e-12)


def linear_solution(rng, white):
    """A 4-3-2 linear network whose error is zero, its data and feedback."""
    net = init_network([4, 3, 2], activation="identity", bias=False, seed=5)
    x = rng.normal(size=(40, 4))
    x = x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / 40)).T  # now x.T @ x / 40 = 1
    if not white:
        x = x @ rng.normal(size=(4, 4))
    A, W = net.weights
    B = init_feedback(net, seed=8)
    return net, x, x @ (W @ A).T, A, W, B


def nonzero(eigenvalues, count):
    """The `count` largest in modulus, in an order that a pair can be compared by."""
    largest = eigenvalues[np.argsort(-abs(eigenvalues))[:count]]
    return np.sort_complex(np.round(largest, 9))


def test_spectrum_of_a_linear_network_with_any_covariance(rng):
    """Non-zero eigenvalues are those of M -> -(W B M S + M S A'A), written here as a Kronecker product."""
    net, x, t, A, W, (B,) = linear_solution(rng, white=False)
    S = x.T @ x / len(x)
    operator = np.kron(W @ B, S) + np.kron(np.eye(2), (S @ A.T @ A).T)  # on M row by row
    J = dynamics.jacobian(net, x, t, "fa", (B,))
    np.testing.assert_allclose(
        nonzero(np.linalg.eigvals(J), 8), nonzero(-np.linalg.eigvals(operator), 8), atol=1e-7
    )
    assert np.sort(abs(np.linalg.eigvals(J)))[-9] < 1e-9


def test_spectrum_of_a_linear_network_with_white_inputs(rng):
    """For white inputs the eigenvalues are -(λ_i(WB) + μ_j(A'A))."""
    net, x, t, A, W, (B,) = linear_solution(rng, white=True)
    sums = np.linalg.eigvals(W @ B)[:, None] + np.linalg.eigvalsh(A.T @ A)
    J = dynamics.jacobian(net, x, t, "fa", (B,))
    np.testing.assert_allclose(nonzero(np.linalg.eigvals(J), 8), nonzero(-sums.ravel(), 8), atol=1e-7)


# -- The kernel ---------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_true_output_jacobian(rng, activation):
    """Against differences of the outputs."""
    net, x, _ = small(rng, activation=activation)

    def outputs(theta):
        return forward(dynamics.from_vector(net, theta), x).y.ravel()

    oracle = differences(outputs, dynamics.to_vector(net), h=1e-5)
    np.testing.assert_allclose(dynamics.output_jacobian(net, x), oracle, atol=1e-8)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "sign_symmetry", "output_only"])
@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
@pytest.mark.parametrize("seed", [2, [2, 3, 4]])
def test_alignment_is_the_quadratic_form_of_the_kernel(rng, rule, loss, seed):
    """u = J_rule' δ / n, and <g, u> = δ' K δ / n: the scaling by samples is part of the claim."""
    net, x, t = small(rng, loss=loss, seed=seed)
    B = init_feedback(net, direct=RULES[rule].direct)
    field = dynamics.update_field(net, x, t, rule, B)
    delta = dynamics.output_error(net, x, t)
    J_rule = dynamics.output_jacobian(net, x, rule, B)
    np.testing.assert_allclose((delta[..., None, :] @ J_rule)[..., 0, :] / 6, -field(field.theta), atol=1e-14)
    K = dynamics.residual_kernel(net, x, rule, B)
    form = (delta[..., None, :] @ K @ delta[..., None])[..., 0, 0] / 6
    np.testing.assert_allclose(form, alignment.descent(net, x, t, rule, B).sum(axis=-1), rtol=1e-10)


def test_kernel_moves_the_outputs(rng):
    """ẏ = -K δ along the flow: the transpose of K would have the same quadratic form and spectrum."""
    net, x, t = small(rng)
    B = init_feedback(net)
    f = dynamics.update_field(net, x, t, "fa", B)
    ahead, behind = (forward(dynamics.from_vector(net, f.theta + h * f(f.theta)), x).y for h in (1e-5, -1e-5))
    moved = (ahead - behind).ravel() / 2e-5
    K = dynamics.residual_kernel(net, x, "fa", B)
    np.testing.assert_allclose(moved, -K @ dynamics.output_error(net, x, t), atol=1e-8)


def test_kernel_of_backpropagation_is_symmetric_and_positive(rng):
    """The neural tangent kernel; feedback alignment's is not symmetric."""
    net, x, _ = small(rng)
    K = dynamics.residual_kernel(net, x)
    assert abs(K - K.T).max() < 1e-14
    assert np.linalg.eigvalsh(K).min() > -1e-14
    K = dynamics.residual_kernel(net, x, "fa", init_feedback(net))
    assert abs(K - K.T).max() > 1e-2


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
def test_spectrum_of_the_kernel_is_that_of_the_jacobian(rng, rule):
    """At zero error, whatever the nonlinearity, the kernel holds all the eigenvalues that are not zero."""
    net, x, _ = small(rng, sizes=(3, 4, 2), n=4)
    B = init_feedback(net, direct=RULES[rule].direct)
    J = dynamics.jacobian(net, x, forward(net, x).y, rule, B)
    K = dynamics.residual_kernel(net, x, rule, B)
    np.testing.assert_allclose(nonzero(np.linalg.eigvals(-J), 8), nonzero(np.linalg.eigvals(K), 8), atol=1e-7)
    assert np.sort(abs(np.linalg.eigvals(J)))[-9] < 1e-9


# -- Flow and steps -----------------------------------------------------------------------------


def test_flow_against_an_exact_solution():
    """A linear layer relaxes as exp(-t): to the tolerance asked for."""
    net = dynamics.from_vector(init_network([1, 1], bias=False), [3.0])
    run = dynamics.trajectory(net, [[1.0]], [[1.0]], "bp", times=[0, 0.1, 1, 5], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(run.theta[:, 0], 1 + 2 * np.exp(-run.times), rtol=1e-9)


def test_flow_against_scipy(rng):
    """An independent integrator, a nonlinear network."""
    integrate = pytest.importorskip("scipy.integrate")
    net, x, t = small(rng)
    B = init_feedback(net)
    run = dynamics.trajectory(net, x, t, "fa", B, times=[0, 1, 3, 10])
    f = dynamics.update_field(net, x, t, "fa", B)
    solved = integrate.solve_ivp(
        lambda _, theta: f(theta), (0, 10), f.theta, method="DOP853", t_eval=run.times, rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(run.theta, solved.y.T, atol=1e-7)


def test_order_of_the_integrator():
    """A wrong coefficient would still converge, but slower: the error must follow the tolerance."""
    net = chain(-1.5, 0.3)
    ends = [
        dynamics.trajectory(net, [[1.0]], [[1.0]], "fa", B1, times=[2.0], rtol=r, atol=r).theta[0]
        for r in (1e-5, 1e-7, 1e-12)
    ]
    errors = [abs(end - ends[-1]).max() for end in ends[:-1]]
    assert errors[0] < 1e-4
    assert errors[1] < 1e-6
    steps = []
    for r in (1e-5, 1e-10):  # of order 5, 10^5 times less error costs 10 times the steps
        count = []
        f = dynamics.update_field(net, [[1.0]], [[1.0]], "fa", B1)

        def counted(theta, f=f, count=count):
            count.append(1)
            return f(theta)

        dynamics.integrate(counted, f.theta, np.array([2.0]), rtol=r, atol=r, max_steps=10_000)
        steps.append(len(count))
    assert 4 < steps[1] / steps[0] < 16


def test_members_go_where_they_would_go_alone(rng):
    """Each member has its own step: company, even a bad one, changes nothing."""
    net = init_network([3, 4, 2], seed=[0, 1, 2], scale=[1.0, 1.0, 8.0])
    x, t = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
    B = init_feedback(net)
    run = dynamics.trajectory(net, x, t, "fa", B, times=[0.5, 4])
    for i in range(3):
        alone = dynamics.trajectory(net.member(i), x, t, "fa", (B[0][i],), times=[0.5, 4])
        np.testing.assert_allclose(run.theta[:, i], alone.theta, rtol=1e-9, atol=1e-12)


def test_conserved_quantity_of_the_smallest_network(rng):
    """w1² - 2 b w2 along FA's flow, from many starts; the gradient flow does not conserve it."""
    b = 0.7
    w = rng.uniform(-3, 3, (2, 50))
    net = chain(*w)
    run = dynamics.trajectory(net, [[1.0]], [[1.0]], "fa", (np.array([[b]]),), times=[0, 0.3, 1, 20])
    kept = run.theta[..., 0] ** 2 - 2 * b * run.theta[..., 1]
    np.testing.assert_allclose(kept, np.broadcast_to(kept[0], kept.shape), atol=1e-6)
    run = dynamics.trajectory(net, [[1.0]], [[1.0]], "bp", times=[0, 20])
    changed = run.theta[..., 0] ** 2 - 2 * b * run.theta[..., 1]
    assert abs(changed[1] - changed[0]).max() > 0.1


def test_conserved_matrix_of_linear_networks(rng):
    """AA' - (BW + W'B') along FA's flow, with inputs that are not white."""
    net, x, t, *_, B = linear_solution(rng, white=False)
    run = dynamics.trajectory(net, x, t + rng.normal(size=t.shape), "fa", B, times=[0, 0.2, 1, 5])
    A, W = run.network.weights
    kept = A @ A.mT - (B[0] @ W + (B[0] @ W).mT)
    assert abs(run.theta[-1] - run.theta[0]).max() > 0.1
    np.testing.assert_allclose(kept, np.broadcast_to(kept[0], kept.shape), atol=1e-6)


def test_four_thousand_starts_of_the_smallest_network(rng):
    """Science.md §2: all converge, all end stable, about 23 % with their hidden layer anti-aligned."""
    net = chain(*rng.uniform(-3, 3, (2, 4000)))
    run = dynamics.trajectory(net, [[1.0]], [[1.0]], "fa", B1, times=[200.0], rtol=1e-5, atol=1e-8)
    w1, w2 = np.moveaxis(run.theta[0], -1, 0)
    assert (abs(w1 * w2 - 1) < 1e-4).all()
    assert (w1**2 + w2 > 0).all()
    assert 0.20 < (w2 < 0).mean() < 0.26


def test_network_of_all_times(rng):
    """Time is one more axis of the ensemble, so that measures of a run are one call."""
    net, x, t = small(rng, seed=[0, 1])
    B = init_feedback(net)
    run = dynamics.trajectory(net, x, t, "fa", B, times=[0, 1, 2])
    values = loss(run.network, x, t)
    assert values.shape == (3, 2)
    np.testing.assert_array_equal(values[-1], loss(run.end, x, t))
    assert alignment.gradient_alignment(run.network, x, t, "fa", B).shape == (3, 2, 3)


def test_blow_up_in_finite_time():
    """θ' = θ² from 1 has no solution beyond time 1, and from -1 it has one for ever."""
    start = np.array([[1.0], [-1.0]])
    path, last, stopped_at, diverged = dynamics.integrate(
        lambda theta: theta**2, start, np.array([0.5, 2.0]), rtol=1e-8, atol=1e-10, max_steps=10_000
    )
    assert diverged.tolist() == [True, False]
    np.testing.assert_allclose(path[0], [[2.0], [-2 / 3]], rtol=1e-6)
    np.testing.assert_allclose(path[1], [[np.nan], [-1 / 3]], rtol=1e-6)
    assert stopped_at[0] == pytest.approx(1.0, abs=1e-6)
    assert np.isnan(stopped_at[1])
    assert np.isfinite(last).all()


def test_blow_up_is_reported(monkeypatch):
    """A member that goes too far ends in NaN, with a warning, while the others go on."""
    monkeypatch.setattr(dynamics, "FAR", 2.0)
    net = dynamics.from_vector(init_network([1, 1], bias=False), [[1.0], [1.5]])
    with pytest.warns(DivergenceWarning, match="1 of 2 members blew up"):
        run = dynamics.trajectory(net, [[1.0]], [[[1.2]], [[3.0]]], "bp", times=[0, 0.1, 5])
    assert run.diverged.tolist() == [False, True]
    assert np.isfinite(run.theta[:, 0]).all()
    assert np.isnan(run.theta[-1, 1]).all()
    assert 0.1 < run.stopped_at[1] < 5
    assert "1 diverged" in repr(run)


def test_running_out_of_steps_is_reported(rng):
    """Not a blow-up, and said so."""
    net, x, t = small(rng)
    with pytest.warns(DivergenceWarning, match="ran out of max_steps"):
        run = dynamics.trajectory(net, x, t, "bp", times=[100.0], max_steps=3)
    assert not run.diverged
    assert np.isnan(run.theta).all()


def test_divergence_of_steps_is_reported():
    """A step too large: NaN from there on, for that member alone."""
    net = chain([2.0, 2.0], [0.6, 0.6])
    with pytest.warns(DivergenceWarning, match="1 of 2"):
        run = dynamics.iterate(net, [[1.0]], [[1.0]], "fa", B1, learning_rate=[0.1, 5.0], steps=60)
    assert np.isfinite(run.theta[:, 0]).all()
    gone = int(run.stopped_at[1])  # the first step that is too far
    assert np.isfinite(run.theta[:gone, 1]).all()
    assert np.isnan(run.theta[gone:, 1]).all()


def test_kolen_pollack_in_weights_alone(rng):
    """The example of update_field's notes: W' - B stays, so steps with D held are Kolen-Pollack's own."""
    net, x, t = small(rng, sizes=(3, 4, 2))
    B = init_feedback(net)
    reduced = Rule(
        name="reduced", carriers=lambda net, D: [W.mT - d for W, d in zip(net.weights[1:], D, strict=True)]
    )
    D = tuple(W.mT - b for W, b in zip(net.weights[1:], B, strict=True))
    run = dynamics.iterate(net, x, t, reduced, D, learning_rate=0.1, steps=20)
    history = train(
        net, (x, t), rule="kolen_pollack", feedback=B, batch_size=None, learning_rate=0.1, steps=20
    )
    np.testing.assert_allclose(dynamics.to_vector(run.end), dynamics.to_vector(history.network), rtol=1e-10)


@pytest.mark.slow
def test_jacobian_is_fast_enough(rng):
    """A 64-10-10 network on 1,437 samples: its spectrum in ten seconds of computing, however busy the machine."""
    net = init_network([64, 10, 10], seed=0)
    x, t = rng.normal(size=(1437, 64)), rng.integers(0, 10, 1437)
    start = time.process_time()
    J = dynamics.jacobian(net, x, t, "fa", init_feedback(net))
    np.linalg.eigvals(J)
    assert time.process_time() - start < 10
