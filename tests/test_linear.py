"""Linear networks: spectrum, alignment and bottleneck, against differences, simulation and plain loops."""

import numpy as np
import oracles
import pytest

from fa_teach import chain, dynamics, fixed_points, linear, total_gradient_alignment
from fa_teach import descent as layer_descent
from fa_teach import loss as network_loss

SIZES = [(4, 3, 2), (3, 4, 2), (2, 3, 4), (5, 2, 2), (3, 3, 3), (4, 2, 1), (3, 1, 2), (4, 2, 3)]


def covariance(n, seed=0):
    X = np.random.default_rng(seed).normal(size=(2 * n, n))
    return X.T @ X / (2 * n) + 0.2 * np.eye(n)


def flow(A, W, B, T, S):
    """The flow once more."""
    E = (W @ A - T) @ S
    return -B @ E, -E @ A.swapaxes(-1, -2)


def simulate(A, W, B, T, S, *, time, step=0.01):
    """Classical Runge-Kutta with a fixed step."""
    for _ in range(round(time / step)):
        a1, w1 = flow(A, W, B, T, S)
        a2, w2 = flow(A + step / 2 * a1, W + step / 2 * w1, B, T, S)
        a3, w3 = flow(A + step / 2 * a2, W + step / 2 * w2, B, T, S)
        a4, w4 = flow(A + step * a3, W + step * w3, B, T, S)
        A = A + step / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        W = W + step / 6 * (w1 + 2 * w2 + 2 * w3 + w4)
    return A, W


def flat(A, W):
    return np.concatenate([A.ravel(), W.ravel()])


def differences(A, W, B, T, S, h=1e-6):
    """Jacobian of the flow by central differences."""

    def f(theta):
        return flat(*flow(theta[: A.size].reshape(A.shape), theta[A.size :].reshape(W.shape), B, T, S))

    theta = flat(A, W)
    return np.stack([(f(theta + h * d) - f(theta - h * d)) / (2 * h) for d in np.eye(theta.size)], axis=-1)


def matched(found, expected):
    """Largest distance between two sets of complex numbers, each paired with its nearest."""
    found, left, worst = list(found), list(expected), 0.0
    for z in sorted(found, key=abs, reverse=True):
        nearest = min(range(len(left)), key=lambda i: abs(left[i] - z))
        worst = max(worst, abs(left.pop(nearest) - z))
    return worst


def point(sizes, seed=0):
    return linear.Point(*(array[0] for array in linear.random_points(sizes, points=1, seed=seed)))


# -- The flow ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SIZES)
def test_it_is_the_librarys_own_network(sizes):
    """Velocity, Jacobian, loss and layer terms are those of the general library, with coloured inputs."""
    A, W, B = point(sizes)
    T, S = np.random.default_rng(1).normal(size=(sizes[2], sizes[0])), covariance(sizes[0])
    net, data = linear.as_network(A, W), linear.as_data(T, sigma=S)
    np.testing.assert_allclose(data.x.T @ data.x / len(data), S, atol=1e-12)
    assert linear.loss(A, W, T=T, sigma=S) == pytest.approx(network_loss(net, data.x, data.t))
    for rule in ("fa", "bp"):
        field = dynamics.update_field(net, data.x, data.t, rule, (B,))
        velocity = linear.velocity(A, W, B, T=T, sigma=S, rule=rule)
        np.testing.assert_allclose(flat(*velocity), field(field.theta), atol=1e-11)
    J = linear.jacobian(A, W, B, T=T, sigma=S)
    np.testing.assert_allclose(J, dynamics.jacobian(net, data.x, data.t, "fa", (B,)), atol=1e-10)
    np.testing.assert_allclose(J, differences(A, W, B, T, S), atol=1e-6)
    M = W @ A - T
    terms = layer_descent(net, data.x, data.t, "fa", (B,))
    np.testing.assert_allclose(linear.descent(A, W, B, M=M, sigma=S), terms, atol=1e-10)


def test_the_chain_is_the_smallest_linear_network():
    """The two closed forms say the same about 1-1-1."""
    w = chain.fixed_point(np.array([-2.0, -0.5, -0.1, 0.3, 2.0]), t=1.5)
    A, W, B = w[:, :1, None], w[:, 1:, None], np.full((5, 1, 1), 0.8)
    s, c = linear.stability(A, W, B), chain.stability(w, t=1.5, b=0.8)
    np.testing.assert_allclose(s.criterion, c.criterion)
    np.testing.assert_allclose(s.eigenvalues[:, 0], c.eigenvalues[:, 1])
    np.testing.assert_allclose(s.critical_step, c.critical_step)
    assert list(s.verdict) == list(c.verdict)
    np.testing.assert_allclose(linear.conserved(A, W, B)[:, 0, 0], chain.invariant(w, b=0.8))


@pytest.mark.parametrize("sizes", SIZES)
def test_the_conserved_matrix_is_conserved(sizes):
    """For inputs of any covariance, while the weights move a long way."""
    A, W, B = point(sizes, seed=3)
    T, S = np.random.default_rng(1).normal(size=(sizes[2], sizes[0])), covariance(sizes[0], seed=2)
    before = linear.conserved(A, W, B)
    A1, W1 = simulate(A, W, B, T, S, time=0.5, step=0.002)
    assert np.linalg.norm(A1 - A) + np.linalg.norm(W1 - W) > 0.3
    np.testing.assert_allclose(linear.conserved(A1, W1, B), before, atol=1e-7)
    np.testing.assert_allclose(before, before.T)


def test_small_weights_align_because_of_what_is_conserved():
    """From nearly zero, BW + WᵀBᵀ grows to AAᵀ: positive semidefinite, so that no eigenvalue of WB goes negative."""
    rng = np.random.default_rng(4)
    T, B = rng.normal(size=(2, 3)), rng.normal(size=(4, 2))
    A, W = simulate(np.zeros((4, 3)), np.zeros((2, 4)), B, T, np.eye(3), time=60)
    assert np.linalg.norm(W @ A - T) < 1e-6
    np.testing.assert_allclose(B @ W + W.T @ B.T, A @ A.T, atol=1e-9)
    assert linear.stability(A, W, B, T=W @ A).verdict == "stable"
    assert (W.T * B).sum() > 0


# -- Stability ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("white", [True, False])
def test_the_spectrum_theorem(sizes, white):
    """Non-zero spectrum of the Jacobian = spectrum of the residual operator = formula; stable and unstable."""
    n0, n1, n2 = sizes
    S = np.eye(n0) if white else covariance(n0)
    unreachable = max(n2 - n1, 0) * max(n0 - n1, 0)
    seen = set()
    for seed in range(12):
        A, W, B = point(sizes, seed)
        full = np.linalg.eigvals(differences(A, W, B, W @ A, S))
        assert np.sort(abs(full))[: n1 * (n0 + n2) - n2 * n0 + unreachable].max(initial=0) < 1e-4
        operator = np.linalg.eigvals(-linear.residual_operator(A, W, B, sigma=S))
        size = abs(operator).max()
        formula = linear.spectrum(A, W, B, sigma=S)
        assert len(formula) == n0 * n2 - unreachable
        assert matched(np.r_[formula, np.zeros(unreachable)], operator) < 1e-7 * size
        largest = full[np.argsort(-abs(full))[: len(formula)]]
        assert matched(largest, formula) < 1e-5 * size
        if white:
            lam, mu = np.linalg.eigvals(W @ B), np.linalg.eigvalsh(A.T @ A)
            sums = -(lam[:, None] + mu).ravel()
            assert matched(sums, operator) < 1e-7 * size
        verdict = linear.stability(A, W, B, sigma=S).verdict
        assert verdict == ("stable" if formula.real.max() < 0 else "unstable")
        general = fixed_points.stability(
            linear.as_network(A, W), *_pair(linear.as_data(W @ A, sigma=S)), "fa", (B,)
        )
        assert general.verdict == verdict
        mine = linear.stability(A, W, B, sigma=S).critical_step
        np.testing.assert_allclose(mine, general.critical_step, rtol=1e-5)
        if white:
            assert (linear.criterion(A, W, B) > 0) == (verdict == "stable")
        seen.add(verdict)
    assert seen == {"stable", "unstable"}


def _pair(data):
    return data.x, data.t


def test_the_operator_is_the_map_it_stands_for():
    """Rows, columns and transposes, entry by entry."""
    A, W, B = point((4, 3, 2))
    S, M = covariance(4), np.random.default_rng(0).normal(size=(2, 4))
    by_matrix = (linear.residual_operator(A, W, B, sigma=S) @ M.ravel()).reshape(2, 4)
    np.testing.assert_allclose(by_matrix, W @ B @ M @ S + M @ S @ A.T @ A)


def test_the_spectral_theorem_holds_for_a_matrix_without_a_basis_of_eigenvectors():
    """WB defective: the formula still gives the eigenvalues."""
    A, W, B = np.diag([1.0, 2.0]), np.eye(2), np.array([[0.5, 3.0], [0.0, 0.5]])
    S = covariance(2)
    operator = np.linalg.eigvals(-linear.residual_operator(A, W, B, sigma=S))
    assert matched(linear.spectrum(A, W, B, sigma=S), operator) < 1e-6


def test_coloured_inputs_matter_only_for_complex_eigenvalues():
    """With real ones the criterion is exact for any inputs; with complex ones it is sufficient."""
    checked, differ = 0, 0
    for seed in range(300):
        A, W, B = point((3, 4, 2), seed)
        S = np.diag([0.05, 1.0, 20.0]) + 0.01 * covariance(3, seed)
        stable = linear.stability(A, W, B, sigma=S).verdict == "stable"
        positive = linear.criterion(A, W, B) > 0
        if np.isrealobj(np.linalg.eigvals(W @ B)):
            assert stable == positive
            checked += 1
        else:
            assert stable or not positive
            differ += stable and not positive
    assert checked > 50
    assert differ > 0  # stable although the criterion is negative


def test_a_kicked_unstable_point_leaves_at_the_predicted_rate():
    """And a stable one returns at the rate predicted, in the flow with coloured inputs."""
    seen = set()
    for seed in range(12):
        A, W, B = point((3, 4, 2), seed)
        T, S = W @ A, covariance(3)
        eigenvalues = linear.spectrum(A, W, B, sigma=S)
        if abs(eigenvalues[0].imag) > 0 or eigenvalues[0].real - eigenvalues[1].real < 0.1 * abs(
            eigenvalues[0]
        ):
            continue
        rate = eigenvalues[0].real
        vals, vecs = np.linalg.eig(differences(A, W, B, T, S))
        slow = vecs[:, np.argmin(abs(vals - rate))].real * 1e-7
        A1, W1 = A + slow[: A.size].reshape(A.shape), W + slow[A.size :].reshape(W.shape)
        time = 2.0 / abs(rate)
        A2, W2 = simulate(A1, W1, B, T, S, time=time, step=time / 1000)
        growth = np.log(np.linalg.norm(W2 @ A2 - T) / np.linalg.norm(W1 @ A1 - T)) / time
        assert growth == pytest.approx(rate, rel=1e-3)
        seen.add(rate > 0)
    assert seen == {True, False}


def test_steps_are_stable_up_to_the_critical_one():
    """2 Re λ/|λ|², with complex eigenvalues too."""
    tested = 0
    for seed in range(40):
        A, W, B = point((3, 4, 2), seed)
        s = linear.stability(A, W, B)
        if s.verdict != "stable" or np.isrealobj(np.linalg.eigvals(W @ B)):
            continue
        K = linear.residual_operator(A, W, B)
        for factor, radius_is in ((0.999, np.less), (1.001, np.greater)):
            assert radius_is(abs(np.linalg.eigvals(np.eye(6) - factor * s.critical_step * K)).max(), 1)
        tested += 1
    assert tested > 3


def test_a_point_with_an_error_gets_no_verdict():
    """What is not without error is reported as such."""
    A, W, B = point((4, 3, 2))
    s = linear.stability(A, W, B, T=W @ A + 1e-3)
    assert s.verdict == "not a zero-error point"
    assert np.isnan(s.eigenvalues).all()
    assert np.isnan(s.critical_step)
    assert linear.stability(A, W, 0 * B).verdict == "undecided"
    unstable = linear.stability(A, W, -np.linalg.pinv(W))
    assert (unstable.verdict, unstable.critical_step) == ("unstable", 0.0)


# -- Alignment ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SIZES)
def test_the_form_gives_the_alignment_of_every_error(sizes):
    """Q against the gradients themselves; its smallest eigenvalue is a minimum; inputs change no sign."""
    A, W, B = point(sizes, seed=5)
    S, rng = covariance(sizes[0]), np.random.default_rng(6)
    Q = linear.alignment_form(A, W, B, sigma=S)
    np.testing.assert_allclose(Q, Q.T, atol=1e-12)
    worst = linear.worst_error(A, W, B, sigma=S)
    assert np.linalg.norm(worst.M) == pytest.approx(1)
    for M in [*rng.normal(size=(20, sizes[2], sizes[0])), worst.M]:
        fa = flat(*flow(A, W, B, W @ A - M, S))
        bp = flat(*flow(A, W, W.T, W @ A - M, S))
        assert M.ravel() @ Q @ M.ravel() == pytest.approx(fa @ bp, abs=1e-10)
        assert linear.descent(A, W, B, M=M, sigma=S).sum() == pytest.approx(fa @ bp, abs=1e-10)
        assert fa @ bp / np.linalg.norm(M) ** 2 >= worst.value - 1e-10
    assert fa @ bp == pytest.approx(worst.value, abs=1e-10)
    data = linear.as_data(W @ A - worst.M, sigma=S)
    cosine = total_gradient_alignment(linear.as_network(A, W), data.x, data.t, "fa", (B,))
    assert worst.cosine == pytest.approx(cosine, abs=1e-9)
    if sizes[1] >= min(sizes[0], sizes[2]):
        assert np.sign(worst.value) == np.sign(linear.alignment_criterion(A, W, B))
    white = linear.worst_error(A, W, B)
    assert white.value == pytest.approx(linear.alignment_criterion(A, W, B), abs=1e-10)


def test_with_one_output_alignment_for_every_error_is_stability():
    """The paper's thesis, exact; for inputs of any covariance."""
    for sizes in [(4, 3, 1), (2, 5, 1), (3, 3, 1)]:
        p = linear.random_points(sizes, points=300)
        np.testing.assert_allclose(linear.criterion(*p), linear.alignment_criterion(*p), atol=1e-12)
        S = covariance(sizes[0])
        s = linear.stability(*p, sigma=S)
        assert 30 < (s.verdict == "stable").sum() < 270
        lowest = np.linalg.eigvalsh(linear.alignment_form(*p, sigma=S))[:, 0]
        aligned = lowest > -1e-12 * abs(lowest).max() if sizes[1] < sizes[0] else lowest > 0
        np.testing.assert_array_equal(aligned, s.verdict == "stable")


def test_the_census_of_one_output_and_of_many():
    """None misaligned with one output, nearly all with many."""
    one, many = linear.census((4, 5, 1), points=400), linear.census((5, 6, 5), points=4000)
    assert one.stable > 100
    assert one.stable_misaligned == 0
    assert many.stable > 20
    assert many.stable_misaligned > 0.8 * many.stable


def test_with_several_outputs_alignment_is_sufficient_and_not_necessary():
    """Counts over random points, as the book quotes them: a quarter stable, half of these misaligned somewhere."""
    counts = [linear.census((4, 3, 2), points=200, seed=seed) for seed in range(40)]
    stable = np.array([c.stable for c in counts])
    misaligned = np.array([c.stable_misaligned for c in counts])
    assert all(c.unstable_aligned == 0 for c in counts)
    assert 45 < stable.mean() < 55
    assert 21 < misaligned.mean() < 29
    assert stable.min() <= 43 <= stable.max()
    assert misaligned.min() <= 24 <= misaligned.max()
    gap = linear.criterion(*linear.random_points((4, 3, 2))) - linear.alignment_criterion(
        *linear.random_points((4, 3, 2))
    )
    assert gap.min() > -1e-12
    for outputs in (2, 3, 4):
        c = linear.census((3, 5, outputs), points=500)
        assert c.stable_misaligned > 0
        assert c.unstable_aligned == 0


def test_where_wb_is_normal_the_two_criteria_are_one():
    """Non-normality is the whole difference: with B = Wᵀ, or a rotation of it, there is none."""
    rng = np.random.default_rng(7)
    A, W = rng.normal(size=(4, 3)), np.linalg.qr(rng.normal(size=(4, 2)))[0].T
    for angle in (0.3, 2.0, 3.0):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        B = W.T @ turn
        assert linear.criterion(A, W, B) == pytest.approx(linear.alignment_criterion(A, W, B))


@pytest.mark.parametrize("sizes", [(4, 3, 2), (3, 4, 2), (2, 4, 3)])
def test_a_stable_point_that_goes_uphill_from_some_error(sizes):
    """The example: kicked in the worst direction the loss rises, then falls to zero."""
    A, W, B = linear.misaligned_stable_point(sizes, seed=1)
    assert linear.stability(A, W, B).verdict == "stable"
    worst = linear.worst_error(A, W, B)
    assert worst.value < 0
    assert worst.cosine < 0
    T = W @ A - 1e-4 * worst.M  # the target moves, so that M is that error
    before = linear.loss(A, W, T=T)
    A1, W1 = simulate(A, W, B, T, np.eye(sizes[0]), time=1e-3, step=1e-4)
    rise = (linear.loss(A1, W1, T=T) - before) / 1e-3
    assert rise == pytest.approx(-worst.value * 1e-8, rel=0.02)
    slowest = -linear.spectrum(A, W, B)[0].real
    A1, W1 = simulate(A, W, B, T, np.eye(sizes[0]), time=12 / slowest)
    assert linear.loss(A1, W1, T=T) < 1e-3 * before
    with oracles.refused("points"):
        linear.misaligned_stable_point((4, 3, 1), points=200)


# -- Points ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SIZES)
def test_zero_error_points_have_none(sizes):
    """Whatever is wider; a target of deficient rank fits where its rank does."""
    n0, n1, n2 = sizes
    rng = np.random.default_rng(8)
    rank = min(sizes)
    T = rng.normal(size=(n2, rank)) @ rng.normal(size=(rank, n0))
    A, W = linear.zero_error_point(T, n1, seed=range(4), scale=0.7)
    assert A.shape == (4, n1, n0)
    assert W.shape == (4, n2, n1)
    np.testing.assert_allclose(W @ A, np.broadcast_to(T, (4, n2, n0)), atol=1e-9)
    assert np.linalg.norm(A[0] - A[1]) > 0.1
    one = linear.zero_error_point(T, n1, seed=2, scale=0.7)
    np.testing.assert_array_equal(A[2], one[0])
    B = rng.normal(size=(n1, n2))
    assert set(linear.stability(A, W, B, T=T).verdict) <= {"stable", "unstable"}


def test_a_narrow_layer_has_no_point_without_error():
    """Non-existent points are reported, not returned."""
    with oracles.refused("hidden"):
        linear.zero_error_point(np.eye(3), 2)
    A, W = linear.zero_error_point(np.diag([2.0, 1.0, 0.0]), 2)
    np.testing.assert_allclose(W @ A, np.diag([2.0, 1.0, 0.0]), atol=1e-12)


def test_feedback_turns_from_the_transpose_to_its_negative():
    """Stable at 0°, unstable at 180°, and the criterion falls on the way."""
    rng = np.random.default_rng(9)
    T = rng.normal(size=(2, 2))
    A, W = linear.zero_error_point(T, 4, seed=3, scale=0.5)
    degrees = np.linspace(0, 180, 37)
    B = linear.turn_feedback(W, degrees, seed=1)
    np.testing.assert_allclose(B[0], W.T)
    np.testing.assert_allclose(B[-1], -W.T, atol=1e-12)
    cosines = (B * W.T).sum(axis=(-2, -1)) / np.linalg.norm(W) ** 2
    np.testing.assert_allclose(cosines, np.cos(np.deg2rad(degrees)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.matrix_rank(B.reshape(37, -1)), 2)
    s = linear.stability(A, W, B)
    assert s.verdict[0] == "stable"
    assert s.criterion[0] > s.criterion[-1]
    assert s.eigenvalues.shape == (37, 4)
    assert linear.turn_feedback(W, 30.0).shape == (4, 2)


# -- Full rank, and the bottleneck -------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(3, 2, 2), (3, 4, 2), (2, 3, 3)])
def test_with_feedback_of_full_column_rank_only_global_minima_are_fixed(sizes):
    """Wherever the flow settles, there is no error, and the true gradient vanishes too."""
    n0, n1, n2 = sizes
    T = np.linalg.svd(np.random.default_rng(10).normal(size=(n2, n0)), full_matrices=False)
    T = 1.5 * T[0] @ T[2]  # equal singular values, for speed
    S, (A, W, B) = covariance(n0), linear.random_points(sizes, points=40, seed=2)
    A, W = simulate(0.3 * A, 0.3 * W, B, T, S, time=60)
    update, gradient = (linear.velocity(A, W, B, T=T, sigma=S, rule=rule) for rule in ("fa", "bp"))
    settled = (np.hypot(*(np.linalg.norm(u, axis=(1, 2)) for u in update))) < 1e-7
    assert settled.mean() > 0.5  # the others are on their way
    assert linear.loss(A, W, T=T, sigma=S)[settled].max() < 1e-10
    assert max(abs(g[settled]).max() for g in gradient) < 1e-4
    with oracles.refused("B"):
        linear.bottleneck(T, np.ones((n1, n2)))


@pytest.mark.parametrize("white", [True, False])
def test_the_bottleneck_settles_where_the_closed_form_says(white):
    """3-1-2: update < 1e-12 while the true gradient is not zero, loss above the optimum, found by simulation too."""
    rng = np.random.default_rng(0)
    T, B = rng.normal(size=(20, 2, 3)), rng.normal(size=(20, 1, 2))
    S = np.eye(3) if white else covariance(3)
    p = linear.bottleneck(T, B, sigma=S)
    assert (p.update_norm < 1e-12).all()
    assert (p.gradient_norm > 1e-3).all()
    assert (p.loss > p.optimal_loss).all()
    assert (p.verdict == "stable").all()
    A, W = 0.1 * rng.normal(size=(20, 1, 3)), 0.1 * rng.normal(size=(20, 2, 1))
    A, W = simulate(A, W, B, T, S, time=60)
    fa, bp = (linear.velocity(A, W, B, T=T, sigma=S, rule=rule) for rule in ("fa", "bp"))
    settled = np.hypot(*(np.linalg.norm(u, axis=(1, 2)) for u in fa)) < 1e-9
    assert settled.mean() > 0.3  # the others are on their way
    np.testing.assert_allclose((W @ A)[settled], (p.W @ p.A)[settled], atol=1e-6)
    np.testing.assert_allclose(linear.loss(A, W, T=T, sigma=S)[settled], p.loss[settled], atol=1e-7)
    assert (np.hypot(*(np.linalg.norm(g, axis=(1, 2)) for g in bp))[settled] > 1e-3).all()


@pytest.mark.parametrize("sizes", [(3, 1, 2), (4, 2, 3), (5, 2, 4), (2, 2, 3)])
def test_the_spectrum_of_a_bottleneck(sizes):
    """Its fixed points come in a family; the choice in it decides stability, and the eigenvalues are right for each."""
    n0, n1, n2 = sizes
    rng = np.random.default_rng(11)
    T, B, S = rng.normal(size=(n2, n0)), rng.normal(size=(n1, n2)), covariance(n0)
    for gauge, verdict in ((np.eye(n1), "stable"), (-np.eye(n1), None), (rng.normal(size=(n1, n1)), None)):
        p = linear.bottleneck(T, B, sigma=S, gauge=gauge)
        assert p.update_norm < 1e-10
        full = np.linalg.eigvals(differences(p.A, p.W, B, T, S))
        assert len(p.eigenvalues) == len(full) - n1**2
        assert matched(np.r_[p.eigenvalues, np.zeros(n1**2)], full) < 1e-3
        largest = full[np.argsort(-abs(full))[: len(p.eigenvalues)]]
        assert matched(largest, p.eigenvalues) < 1e-5 * abs(full).max()
        assert p.verdict == ("stable" if largest.real.max() < 0 else "unstable")
        assert verdict in {None, p.verdict}
        data = linear.as_data(T, sigma=S)
        general = fixed_points.stability(linear.as_network(p.A, p.W), data.x, data.t, "fa", (B,))
        assert general.verdict == p.verdict
        assert general.extremum == (n1 >= min(n0, n2))  # then T has no more than rank n_1
        np.testing.assert_allclose(general.critical_step, p.critical_step, rtol=1e-4)
        assert p.loss == pytest.approx(linear.bottleneck(T, B, sigma=S).loss)
    if n1 < n0:
        assert linear.bottleneck(T, B, sigma=S, gauge=-np.eye(n1)).verdict == "unstable"


def test_a_factorisation_of_rank_2():
    """20×20: with a decaying spectrum far above the optimum, with equal singular values exactly there."""
    rng = np.random.default_rng(12)
    U, V = (np.linalg.qr(rng.normal(size=(20, 20)))[0] for _ in range(2))
    values = 4 * np.exp(-np.arange(20) / 5)
    B = rng.normal(size=(5, 2, 20)) / np.sqrt(20)
    decaying = linear.bottleneck(U * values @ V.T, B)
    assert decaying.update_norm.max() < 1e-10
    assert decaying.gradient_norm.min() > 1
    np.testing.assert_allclose(decaying.optimal_loss, 0.5 * (values[2:] ** 2).sum())
    assert (decaying.loss / decaying.optimal_loss).min() > 1.2
    assert (decaying.loss < 0.5 * (values**2).sum()).all()
    equal = linear.bottleneck(2 * U @ V.T, B)
    np.testing.assert_allclose(equal.loss, equal.optimal_loss)
    np.testing.assert_allclose(equal.gradient_norm, 0, atol=1e-10)
    assert (equal.verdict == "stable").all()
    A, W = simulate(
        0 * equal.A[0] + 0.01, 0 * equal.W[0], B[0], U * values @ V.T, np.eye(20), time=60, step=0.02
    )
    assert linear.loss(A, W, T=U * values @ V.T) == pytest.approx(decaying.loss[0], rel=1e-4)


def test_the_optimal_loss_is_what_backpropagation_cannot_beat():
    """Against the truncated decomposition, with weighted inputs, and against many random maps of that rank."""
    rng = np.random.default_rng(13)
    T, S = rng.normal(size=(4, 5)), covariance(5)
    best = linear.optimal_loss(T, 2, sigma=S)
    values, vectors = np.linalg.eigh(S)
    root = vectors * np.sqrt(values) @ vectors.T
    U, s, V = np.linalg.svd(T @ root)
    kept = U[:, :2] * s[:2] @ V[:2] @ np.linalg.inv(root)
    assert linear.loss(np.eye(5), kept, T=T, sigma=S) == pytest.approx(best)
    for _ in range(200):
        A = rng.normal(size=(2, 5))
        W = T @ S @ A.T @ np.linalg.inv(A @ S @ A.T)
        assert linear.loss(A, W, T=T, sigma=S) >= best - 1e-12
    assert linear.optimal_loss(T, 4, sigma=S) == pytest.approx(0, abs=1e-20)


# -- Ensembles and errors ----------------------------------------------------------------------


def test_ensembles_are_their_members():
    """Every function over a leading axis, each member as if alone, with weights and inputs of its own."""
    p = linear.random_points((4, 3, 2), points=6)
    S = np.stack([covariance(4, seed) for seed in range(6)])
    T = np.random.default_rng(0).normal(size=(6, 2, 4))

    def same(together, alone):
        for i in range(6):
            np.testing.assert_allclose(np.asarray(together)[i], alone(i), atol=1e-9)

    for f in (linear.spectrum, linear.residual_operator, linear.alignment_form):
        same(f(*p, sigma=S), lambda i, f=f: f(p.A[i], p.W[i], p.B[i], sigma=S[i]))
    for f in (linear.criterion, linear.alignment_criterion, linear.conserved):
        same(f(*p), lambda i, f=f: f(p.A[i], p.W[i], p.B[i]))
    same(
        linear.jacobian(*p, T=T, sigma=S),
        lambda i: linear.jacobian(p.A[i], p.W[i], p.B[i], T=T[i], sigma=S[i]),
    )
    same(
        linear.descent(*p, M=T, sigma=S),
        lambda i: linear.descent(p.A[i], p.W[i], p.B[i], M=T[i], sigma=S[i]),
    )
    same(
        linear.worst_error(*p, sigma=S).M, lambda i: linear.worst_error(p.A[i], p.W[i], p.B[i], sigma=S[i]).M
    )
    same(linear.stability(*p).critical_step, lambda i: linear.stability(p.A[i], p.W[i], p.B[i]).critical_step)
    B = np.random.default_rng(1).normal(size=(6, 1, 2))
    for name in ("A", "W", "loss", "eigenvalues", "critical_step"):
        same(
            getattr(linear.bottleneck(T, B, sigma=S), name),
            lambda i, name=name: getattr(linear.bottleneck(T[i], B[i], sigma=S[i]), name),
        )
    assert linear.as_data(T, sigma=S).x.shape == (6, 4, 4)
    assert linear.as_network(p.A, p.W).ensemble == (6,)
    # one network, many feedbacks; many networks, one feedback
    assert linear.spectrum(p.A[0], p.W[0], p.B).shape == (6, 8)
    assert linear.jacobian(p.A, p.W[0], p.B[0], T=T[0]).shape == (6, 18, 18)
    assert linear.stability(p.A[0], p.W[0], p.B, T=p.W[0] @ p.A[0]).verdict.shape == (6,)


A, W, B, T = np.ones((3, 4)), np.ones((2, 3)), np.ones((3, 2)), np.ones((2, 4))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("A", lambda: linear.criterion(np.ones(3), W, B)),
        ("A", lambda: linear.criterion("A", W, B)),
        ("W", lambda: linear.criterion(A, W.T, B)),
        ("B", lambda: linear.spectrum(A, W, W)),
        ("B", lambda: linear.velocity(A, W, T=T)),
        ("B", lambda: linear.conserved(A, W, B * np.nan)),
        ("T", lambda: linear.loss(A, W, T=T.T)),
        ("T", lambda: linear.optimal_loss(np.ones(3), 1)),
        ("M", lambda: linear.descent(A, W, B, M=T.T)),
        ("sigma", lambda: linear.spectrum(A, W, B, sigma=np.eye(3))),
        ("sigma", lambda: linear.spectrum(A, W, B, sigma=np.triu(np.ones((4, 4))))),
        ("sigma", lambda: linear.spectrum(A, W, B, sigma=np.ones((4, 4)))),
        ("sigma", lambda: linear.spectrum(A, W, B, sigma=-np.eye(4))),
        ("A", lambda: linear.spectrum(np.ones((5, 3, 4)), np.ones((6, 2, 3)), B)),
        ("rule", lambda: linear.velocity(A, W, B, T=T, rule="dfa")),
        ("tolerance", lambda: linear.stability(A, W, B, tolerance=-1)),
        ("sizes", lambda: linear.random_points((1, 2))),
        ("sizes", lambda: linear.census((4, 1, 2))),
        ("points", lambda: linear.census(points=0)),
        ("hidden", lambda: linear.zero_error_point(T, 0)),
        ("T", lambda: linear.zero_error_point(np.ones((2, 3, 4)), 3)),
        ("scale", lambda: linear.zero_error_point(T, 3, scale=0)),
        ("degrees", lambda: linear.turn_feedback(W, 190)),
        ("W", lambda: linear.turn_feedback(np.ones((2, 3, 4)), 10)),
        ("rank", lambda: linear.optimal_loss(T, -1)),
        ("B", lambda: linear.bottleneck(T, np.ones((1, 3)))),
        ("rank", lambda: linear.bottleneck(0 * T, np.ones((1, 2)))),
        ("gauge", lambda: linear.bottleneck(T, np.ones((1, 2)), gauge=[[0.0]])),
        ("gauge", lambda: linear.bottleneck(T, np.ones((1, 2)), gauge=np.eye(2))),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(name, call):
    """Argument, what was expected, what came."""
    with oracles.refused(name):
        call()
