"""The two-weight network: what is known in closed form against simulation, quadrature and finite differences."""

import numpy as np
import oracles
import pytest
from scipy.integrate import quad, solve_ivp

from fa_teach import chain, descent, dynamics, fixed_points, loss, total_gradient_alignment

SIGNS = [(1.0, 1.0), (2.0, -0.5), (-1.5, 0.7), (-0.8, -2.0)]  # (t, b): every pair of signs


def flow(w, t, b):
    """The flow once more, from the rule: the error times what carries it, times the input."""
    error = w[..., 0] * w[..., 1] - t
    return np.stack([-error * b, -error * w[..., 0]], axis=-1)


def simulate(w, t, b, *, time=60.0, step=0.01, watch=None):
    """Classical Runge-Kutta with a fixed step; `watch` sees every state."""
    for _ in range(round(time / step)):
        k1 = flow(w, t, b)
        k2 = flow(w + step / 2 * k1, t, b)
        k3 = flow(w + step / 2 * k2, t, b)
        k4 = flow(w + step * k3, t, b)
        w = w + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        if watch is not None:
            watch(w)
    return w


def differences(f, w, h=1e-6):
    """Jacobian by central differences."""
    return np.stack([(f(w + h * d) - f(w - h * d)) / (2 * h) for d in np.eye(2)], axis=-1)


def starts(n=4000, seed=0, size=3.0):
    return np.random.default_rng(seed).uniform(-size, size, (n, 2))


def mixed(n=3000, seed=1):
    """Starts, each with its own target and feedback of either sign."""
    rng = np.random.default_rng(seed)
    return starts(n, seed), rng.uniform(-2, 2, n), rng.uniform(-2, 2, n)


# -- The flow ----------------------------------------------------------------------------------


def test_the_chain_is_the_librarys_own_network():
    """Theory is only about this library if its field, Jacobian, loss and alignment are those of 1-1-1."""
    w = starts(40)
    net = chain.as_network(w)
    for t, b in SIGNS:
        x, target, B = [[1.0]], [[t]], (np.array([[b]]),)
        for rule in ("fa", "bp"):
            field = dynamics.update_field(net, x, target, rule, B)
            np.testing.assert_allclose(chain.velocity(w, t=t, b=b, rule=rule), field(w), atol=1e-12)
            J = dynamics.jacobian(net, x, target, rule, B)
            np.testing.assert_allclose(chain.jacobian(w, t=t, b=b, rule=rule), J, atol=1e-12)
        np.testing.assert_allclose(chain.loss(w, t=t), loss(net, x, target), atol=1e-12)
        cosines = total_gradient_alignment(net, x, target, "fa", B)
        np.testing.assert_allclose(chain.total_alignment(w, b=b), cosines, atol=1e-12)
        e = t - w.prod(axis=-1)
        np.testing.assert_allclose(chain.residual(w, t=t), e)
        inner = descent(net, x, target, "fa", B).sum(axis=-1)
        np.testing.assert_allclose(e**2 * chain.criterion(w, b=b), inner, atol=1e-11)


def test_jacobian_against_differences_away_from_fixed_points():
    """The trace is minus the criterion everywhere; the Jacobian is no Hessian."""
    w = starts(20)
    J = np.array([differences(lambda v: flow(v, 1.3, -0.6), p) for p in w])
    np.testing.assert_allclose(chain.jacobian(w, t=1.3, b=-0.6), J, atol=1e-7)
    np.testing.assert_allclose(np.trace(J, axis1=-2, axis2=-1), -chain.criterion(w, b=-0.6), atol=1e-7)


@pytest.mark.parametrize(("t", "b"), SIGNS)
def test_the_invariant_is_conserved_and_the_parabola_carries_it(t, b):
    """Every trajectory is a parabola: known before it is simulated."""
    w = starts(200)
    C = chain.invariant(w, b=b)
    end = simulate(w, t, b, time=3, step=0.002)
    assert abs(end - w).max() > 1  # something moved
    np.testing.assert_allclose(chain.invariant(end, b=b), C, atol=1e-6)
    np.testing.assert_allclose(chain.parabola(C, end[:, 0], b=b), end, atol=1e-6)


def test_backpropagation_conserves_another_hyperbola():
    """w₁² - w₂², along backpropagation's flow only."""
    w = starts(50)
    dw = chain.velocity(w, t=1.0, rule="bp")
    assert abs(2 * (w[:, 0] * dw[:, 0] - w[:, 1] * dw[:, 1])).max() < 1e-12
    moved = w + 1e-7 * dw
    np.testing.assert_allclose(chain.invariant(moved, rule="bp"), chain.invariant(w, rule="bp"), atol=1e-9)


# -- Fixed points and their stability ----------------------------------------------------------


def test_fixed_points_against_a_general_root_finder():
    """One, two or three on each parabola, and none invented."""
    rng = np.random.default_rng(3)
    n = 500
    C, t, b = rng.uniform(-5, 9, n), rng.uniform(-2, 2, n), rng.choice([-1, 1], n) * rng.uniform(0.1, 2, n)
    found = chain.fixed_points(C, t=t, b=b)
    counts = set()
    for points, c, ti, bi in zip(found, C, t, b, strict=True):
        roots = np.roots([1, 0, -c, -2 * bi * ti])
        real = np.sort(roots[abs(roots.imag) < 1e-9].real)
        mine = points[~np.isnan(points[:, 0])]
        np.testing.assert_allclose(mine[:, 0], real, atol=1e-7)
        np.testing.assert_allclose(flow(mine, ti, bi), 0, atol=1e-10)
        np.testing.assert_allclose(chain.invariant(mine, b=bi), c, atol=1e-10)
        counts.add(len(mine))
        if len(mine) == 3:
            verdicts = chain.stability(mine, t=ti, b=bi).verdict
            assert list(verdicts) == ["stable", "unstable", "stable"]
    assert counts == {1, 3}


@pytest.mark.parametrize(("t", "b"), SIGNS)
def test_spectrum_of_stable_and_unstable_points(t, b):
    """Formula, finite differences and the general library agree along the whole hyperbola."""
    w1 = np.concatenate([-np.geomspace(0.2, 3, 25), np.geomspace(0.2, 3, 25)])
    w = chain.fixed_point(w1, t=t)
    s = chain.stability(w, t=t, b=b)
    numeric = np.sort([np.linalg.eigvals(differences(lambda v: flow(v, t, b), p)).real for p in w], axis=-1)
    np.testing.assert_allclose(np.sort(s.eigenvalues, axis=-1), numeric, atol=1e-6)
    assert set(s.verdict) == {"stable", "unstable"}
    point = fixed_points.stability(chain.as_network(w), [[1.0]], [[t]], "fa", (np.array([[b]]),))
    assert (point.verdict == s.verdict).all()
    np.testing.assert_allclose(s.critical_step, point.critical_step, rtol=1e-6)


@pytest.mark.parametrize(("t", "b"), [*SIGNS, (0.0, 1.0), (1.0, 0.0)])
def test_the_unstable_stretch(t, b):
    """Between 0 and -∛(bt), whatever the signs; empty where bt = 0."""
    low, high = chain.unstable_stretch(t=t, b=b)
    if b * t > 0:
        assert (low, high) == (pytest.approx(-((b * t) ** (1 / 3))), 0.0)
    elif b * t < 0:
        assert (low, high) == (0.0, pytest.approx((-b * t) ** (1 / 3)))
    else:
        assert low == high == 0
    w1 = np.concatenate([-np.geomspace(0.01, 4, 200), np.geomspace(0.01, 4, 200)])
    w = chain.fixed_point(w1, t=t)
    trace = np.array([np.trace(differences(lambda v: flow(v, t, b), p, 1e-5)) for p in w])
    clear = abs(trace) > 1e-4
    np.testing.assert_array_equal((trace > 0)[clear], ((low < w1) & (w1 < high))[clear])
    if b * t != 0:
        assert (trace > 0).sum() > 20


@pytest.mark.parametrize(("t", "b"), SIGNS)
def test_the_tangent_point_is_reached_from_one_side_and_left_on_the_other(t, b):
    """Marginal, as its verdict says; and its parabola touches and crosses where it should."""
    touch = chain.tangent_point(t=t, b=b)
    assert chain.stability(touch, t=t, b=b).verdict == "marginal"
    assert np.isnan(chain.stability(touch, t=t, b=b).critical_step)
    C = chain.invariant(touch, b=b)
    assert C == pytest.approx(3 * np.cbrt(b * t) ** 2)
    points = chain.fixed_points(C, t=t, b=b)[:, 0]
    root = np.cbrt(b * t)
    np.testing.assert_allclose(points, np.sort([-root, -root, 2 * root]), rtol=1e-12)
    slope_of_parabola, slope_of_hyperbola = touch[0] / b, -t / touch[0] ** 2
    assert slope_of_parabola == pytest.approx(slope_of_hyperbola)
    outside, inside = chain.parabola(C, touch[0] * np.array([1.3, 0.7]), b=b)
    np.testing.assert_allclose(chain.endpoint(outside, t=t, b=b), touch, rtol=1e-9)
    np.testing.assert_allclose(chain.endpoint(inside, t=t, b=b)[0], 2 * root, rtol=1e-9)
    late = chain.trajectory(outside, [0.0, 1e3, 1e6], t=t, b=b)  # it creeps: the distance falls like 1/time
    distance = abs(late[:, 0] - touch[0])
    assert distance[2] < 1e-4
    assert 500 < distance[1] / distance[2] < 2000
    simulated = simulate(outside, t, b, time=30)
    np.testing.assert_allclose(simulated, chain.trajectory(outside, [30.0], t=t, b=b)[0], atol=1e-6)


def test_an_anti_aligned_hidden_layer_can_be_stable():
    """The example the book opens with: w₁ = -1.5, b = t = 1."""
    w = chain.fixed_point(-1.5, t=1.0)
    s = chain.stability(w)
    assert s.verdict == "stable"
    assert round(float(w[1]), 2) == -0.67
    assert round(float(s.criterion), 2) == 1.58
    net = chain.as_network(w + np.array([1e-3, 0]))
    hidden, output = descent(net, [[1.0]], [[1.0]], "fa", (np.array([[1.0]]),))
    assert hidden < 0 < output


def test_what_is_not_a_fixed_point_is_not_called_one():
    """The saddle of the loss is none of feedback alignment; a point of the plane is none either."""
    origin = chain.stability([0.0, 0.0], t=1.0, b=0.5)
    assert origin.verdict == "not a fixed point"
    assert np.isnan(origin.eigenvalues).all()
    assert np.isnan(origin.critical_step)
    s = chain.stability([0.0, 0.0], t=1.0, rule="bp")
    assert (s.verdict, list(s.eigenvalues), s.critical_step) == ("unstable", [-1.0, 1.0], 0.0)
    numeric = np.linalg.eigvals(dynamics.jacobian(chain.as_network([0.0, 0.0]), [[1.0]], [[1.0]], "bp"))
    assert sorted(numeric.real) == [-1.0, 1.0]
    assert chain.stability([2.0, 0.5 + 1e-6]).verdict == "not a fixed point"
    assert np.isnan(chain.fixed_point(0.0, t=1.0)).all()
    assert np.isnan(chain.fixed_point(0.0, t=0.0)).all()
    assert np.isnan(chain.tangent_point(t=[0.0, 1.0], b=[1.0, 0.0])).all()


@pytest.mark.parametrize(("t", "b"), SIGNS)
def test_a_kicked_unstable_point_leaves_at_the_predicted_rate(t, b):
    """The eigenvalue is a speed that can be measured."""
    w = chain.fixed_point(-0.5 * np.cbrt(b * t), t=t)
    rate = chain.stability(w, t=t, b=b).eigenvalues[1]
    assert rate > 0
    direction = np.array([b, w[0]])  # along the parabola
    kicked = w + 1e-7 * direction
    time = 5 / rate
    left = simulate(kicked, t, b, time=time, step=time / 2000)
    growth = np.log(np.linalg.norm(left - w) / np.linalg.norm(kicked - w)) / time
    assert growth == pytest.approx(rate, rel=1e-4)
    end = chain.endpoint(kicked, t=t, b=b)
    np.testing.assert_allclose(simulate(kicked, t, b, time=60 / min(rate, 1)), end, atol=1e-6)
    assert chain.stability(end, t=t, b=b).verdict == "stable"
    other = chain.endpoint(w - 1e-7 * direction, t=t, b=b)
    assert np.sign(other[0]) == -np.sign(end[0])


def test_a_step_size_above_the_critical_one_loses_a_stable_point():
    """Discrete steps return below 2/(w₁² + b w₂) and leave above, however small the kick."""
    w = chain.fixed_point(np.array([-1.5, 0.5, 1.0, 2.0]))
    s = chain.stability(w)
    for factor, returns in ((0.97, True), (1.03, False)):
        here, left = w + 1e-6, np.zeros(4, bool)
        for _ in range(400):
            left |= abs(here.prod(axis=-1) - 1) > 0.01
            steps = factor * s.critical_step[:, None] * flow(here, 1.0, 1.0)
            here = here + np.where(left[:, None], 0, steps)
        assert (left == (not returns)).all()
        assert not returns or abs(here.prod(axis=-1) - 1).max() < 1e-9
    assert (chain.stability(chain.fixed_point([-0.9, -0.1])).critical_step == 0).all()


# -- Where a start ends ------------------------------------------------------------------------


def test_endpoints_of_thousands_of_starts_against_simulation():
    """Targets and feedback of both signs; who is still on the way is slow, and they are few."""
    w, t, b = mixed()
    end = chain.endpoint(w, t=t, b=b)
    np.testing.assert_allclose(end.prod(axis=-1), t, atol=1e-9)
    late = simulate(w, t, b, time=40)
    arrived = np.linalg.norm(flow(late, t, b), axis=-1) < 1e-9
    assert arrived.mean() > 0.9
    np.testing.assert_allclose(late[arrived], end[arrived], atol=1e-5)
    assert (np.linalg.norm(late - end, axis=-1) <= np.linalg.norm(w - end, axis=-1) + 1e-9).mean() > 0.99
    np.testing.assert_array_equal(chain.basin(w, t=t, b=b), np.sign(end[:, 0]))
    unfinished = chain.trajectory(w[~arrived], [40.0], t=t[~arrived], b=b[~arrived])[:, 0]
    np.testing.assert_allclose(unfinished, late[~arrived], atol=1e-5)


def test_the_fractions_the_book_quotes():
    """4,000 starts in [-3, 3]²: all converge, all to positive criterion; 23 % end with b w₂ < 0, 28 % go uphill."""
    w = np.stack([starts(seed=seed) for seed in range(20)])
    end = chain.endpoint(w)
    assert abs(end.prod(axis=-1) - 1).max() < 1e-12
    assert (chain.criterion(end) > 0).all()
    assert (chain.stability(end).verdict == "stable").all()
    anti, up = (end[..., 1] < 0).mean(axis=1), chain.goes_uphill(w).mean(axis=1)
    assert anti.mean() == pytest.approx(0.229, abs=0.004)
    assert up.mean() == pytest.approx(0.279, abs=0.004)
    for share in (anti, up):
        assert 0.003 < share.std() < 0.012  # of 4,000 draws


@pytest.mark.slow
@pytest.mark.parametrize(("t", "b"), [(1.0, 1.0), (1.0, -0.6)])
def test_the_same_fractions_by_simulation(t, b):
    """Nothing of the closed form in it: converge, criterion, uphill."""
    w = starts(2000, seed=11)
    before, rose = 0.5 * (t - w.prod(axis=-1)) ** 2, np.zeros(len(w), bool)

    def watch(v):
        nonlocal before
        now = 0.5 * (t - v.prod(axis=-1)) ** 2
        rose[now > before + 1e-13] = True
        before = now

    late = simulate(w, t, b, time=30, watch=watch)
    slow = np.linalg.norm(flow(late, t, b), axis=-1) > 1e-3  # those that passed near the watershed
    assert slow.mean() < 0.01
    late[slow] = simulate(late[slow], t, b, time=300)
    assert (np.linalg.norm(flow(late, t, b), axis=-1) < 1e-3).all()
    assert (late[:, 0] ** 2 + b * late[:, 1] > 0).all()
    up = chain.goes_uphill(w, t=t, b=b)
    assert (rose != up).mean() < 0.005  # a rise shorter than a step goes unseen
    assert not (rose & ~up).any()


def test_basins_change_at_the_separatrices_and_nowhere_near_by():
    """A step across either curve leads to the other branch; a step along it does not."""
    for t, b in SIGNS:
        s = chain.separatrices(t=t, b=b, points=60)
        np.testing.assert_allclose(s.arc.prod(axis=-1), t)
        touch = chain.tangent_point(t=t, b=b)
        np.testing.assert_allclose(s.arc[0], touch)
        np.testing.assert_allclose(s.parabola[-1], touch)
        C = chain.invariant(touch, b=b)
        np.testing.assert_allclose(chain.invariant(s.parabola, b=b), C, atol=1e-12)
        assert (chain.stability(s.arc[1:], t=t, b=b).verdict == "unstable").all()
        across = np.stack([np.full(59, b), s.arc[1:, 0]], axis=-1) * 1e-3
        sides = [chain.basin(s.arc[1:] + sign * across, t=t, b=b) for sign in (1, -1)]
        assert (sides[0] == -sides[1]).all()
        shift = np.array([0, 1e-3])
        sides = [chain.basin(s.parabola[:-1] + sign * shift, t=t, b=b) for sign in (1, -1)]
        assert (sides[0] == -sides[1]).all()
        other_half = chain.parabola(C, -s.parabola[:-1, 0], b=b)
        for sign in (1, -1):
            assert (chain.basin(other_half + sign * shift, t=t, b=b) == np.sign(2 * np.cbrt(b * t))).all()


def test_separatrices_stay_in_view():
    """What is drawn fits the picture that was asked for."""
    for t, b in SIGNS:
        s = chain.separatrices(t=t, b=b, reach=4.0)
        assert abs(s.arc).max() <= 4 + 1e-12
        assert abs(s.parabola[:, 0]).max() <= 4 + 1e-12
        assert abs(s.parabola[0, 0]) == pytest.approx(4)
    zero = chain.separatrices(t=0.0, b=2.0)
    assert (zero.arc[:, 0] == 0).all()
    assert (zero.arc[:, 1] <= 0).all()
    np.testing.assert_allclose(chain.invariant(zero.parabola, b=2.0), 0, atol=1e-12)


def test_a_start_on_a_fixed_point_stays_even_on_an_unstable_one():
    """Rounding is not a kick."""
    for t, b in SIGNS:
        w = chain.fixed_point(np.array([-2.0, -0.3, -0.01, 0.01, 0.3, 2.0]), t=t)
        np.testing.assert_allclose(chain.endpoint(w, t=t, b=b), w, rtol=1e-12)
        assert not chain.goes_uphill(w, t=t, b=b).any()
        path = chain.trajectory(w, [0.0, 1.0, 1e4], t=t, b=b)
        np.testing.assert_allclose(path, np.repeat(w[:, None], 3, axis=1), rtol=1e-12)


@pytest.mark.parametrize("symmetry", ["first", "second"])
def test_the_two_mirror_images(symmetry):
    """(w₁, t) or (w₂, t, b) may change sign together; so (w₁, w₂, b) may: b of the other sign, the other branch."""
    w, t, b = mixed(500)
    flip = np.array([-1, 1] if symmetry == "first" else [1, -1])
    end = chain.endpoint(w * flip, t=-t, b=b if symmetry == "first" else -b)
    np.testing.assert_allclose(end, chain.endpoint(w, t=t, b=b) * flip, atol=1e-9)


# -- When it gets there ------------------------------------------------------------------------

CASES = {
    "one root": ([0.0, 0.0], 1.0, 1.0),
    "one root, C < 0": ([0.3, 2.5], 1.0, 0.5),
    "three roots, upper": ([0.2, -2.5], 1.0, 1.0),
    "three roots, lower": ([-0.7, -2.5], 1.0, 1.0),
    "three roots, from outside": ([3.0, 1.0], 1.0, 1.0),
    "b < 0": ([0.5, 2.5], 1.0, -1.0),
    "t = 0": ([1.0, 2.0], 0.0, 1.0),
    "t = 0, three roots": ([0.1, -2.0], 0.0, 1.0),
    "touching, to the crossing": ([-0.5, (0.25 - 3) / 2], 1.0, 1.0),
    "touching, to the contact": ([-2.0, 0.5], 1.0, 1.0),
    "triple root": ([2.0, 2.0], 0.0, 1.0),
    "nearly touching": ([-2.0, 0.5 - 1e-6], 1.0, 1.0),
}


@pytest.mark.parametrize("name", CASES)
def test_time_against_quadrature(name):
    """Partial fractions in every constellation of roots."""
    w, t, b = CASES[name]
    w = np.array(w)
    C = chain.invariant(w, b=b)
    end = chain.endpoint(w, t=t, b=b)[0]
    for share in (0.1, 0.5, 0.9, 0.999):
        target = w[0] + share * (end - w[0])
        by_quadrature, _ = quad(lambda v: 1 / (b * (t - v * (v * v - C) / (2 * b))), w[0], target, limit=500)
        assert chain.time_to(w, target, t=t, b=b) == pytest.approx(by_quadrature, rel=1e-6)
    assert chain.time_to(w, end, t=t, b=b) == np.inf
    assert chain.time_to(w, w[0], t=t, b=b) == 0
    assert np.isnan(chain.time_to(w, end + 0.1 * (end - w[0]), t=t, b=b))
    assert np.isnan(chain.time_to(w, w[0] - 0.1 * (end - w[0]), t=t, b=b))


@pytest.mark.parametrize("name", CASES)
def test_trajectory_against_a_solver(name):
    """The closed form in time, without steps."""
    w, t, b = CASES[name]
    times = np.array([0.0, 0.05, 0.3, 1.0, 3.0, 12.0])
    run = solve_ivp(
        lambda _, v: flow(v, t, b), (0, 12), w, t_eval=times, rtol=1e-11, atol=1e-12, method="DOP853"
    )
    np.testing.assert_allclose(chain.trajectory(w, times, t=t, b=b), run.y.T, atol=1e-7)


def test_trajectories_of_an_ensemble_are_those_of_its_members():
    """Arrays of starts, targets and feedback, each member as if alone."""
    w, t, b = mixed(30)
    times = [0.0, 0.5, 2.0]
    together = chain.trajectory(w, times, t=t, b=b)
    assert together.shape == (30, 3, 2)
    alone = [chain.trajectory(*args, t=ti, b=bi) for *args, ti, bi in zip(w, [times] * 30, t, b, strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-12)
    np.testing.assert_allclose(together[:, 0], w, atol=1e-12)
    assert chain.trajectory(w[0], times, b=b).shape == (30, 3, 2)
    assert chain.endpoint(w[:, None], b=b).shape == (30, 30, 2)
    for f in (chain.endpoint, chain.basin, chain.goes_uphill, chain.velocity, chain.jacobian):
        each = [f(wi, t=ti, b=bi) for wi, ti, bi in zip(w, t, b, strict=True)]
        np.testing.assert_allclose(f(w, t=t, b=b), each, atol=1e-12)


# -- Degenerate cases --------------------------------------------------------------------------


def test_without_feedback_only_the_output_layer_learns():
    """b = 0: w₁ stays, w₂ goes to t/w₁, exponentially; from w₁ = 0 nothing moves, with all its error."""
    w = starts(50)
    end = chain.endpoint(w, t=2.0, b=0.0)
    np.testing.assert_allclose(end, np.stack([w[:, 0], 2 / w[:, 0]], axis=-1))
    times = np.array([0.0, 0.5, 4.0])
    path = chain.trajectory(w, times, t=2.0, b=0.0)
    np.testing.assert_allclose(path[:, 2], simulate(w, 2.0, 0.0, time=4), atol=1e-5)
    assert not chain.goes_uphill(w, t=2.0, b=0.0).any()
    stuck = np.array([0.0, 1.5])
    np.testing.assert_array_equal(chain.endpoint(stuck, t=2.0, b=0.0), stuck)
    np.testing.assert_array_equal(chain.trajectory(stuck, times, t=2.0, b=0.0), [stuck] * 3)
    s = chain.stability(stuck, t=2.0, b=0.0)
    assert (s.verdict, s.residual) == ("marginal", 2.0)
    assert chain.basin(stuck, t=2.0, b=0.0) == 0
    assert chain.stability([2.0, 1.0], t=2.0, b=0.0).verdict == "stable"
    assert np.isnan(chain.time_to([1.0, 0.0], 1.5, b=0.0))
    for refusing in (
        lambda: chain.parabola(1.0, 1.0, b=0.0),
        lambda: chain.fixed_points(1.0, b=[1.0, 0.0]),
        lambda: chain.separatrices(b=0.0),
    ):
        with oracles.refused("b"):
            refusing()


def test_the_target_zero_has_two_axes_for_a_hyperbola():
    """t = 0: the axis w₁ = 0 is stable where b w₂ > 0; everything ends somewhere on the two."""
    s = chain.stability([[0.0, 1.0], [0.0, -1.0], [1.0, 0.0], [0.0, 0.0]], t=0.0, b=1.0)
    assert list(s.verdict) == ["stable", "unstable", "stable", "marginal"]
    w = starts(400)
    end = chain.endpoint(w, t=0.0, b=1.0)
    assert abs(end.prod(axis=-1)).max() < 1e-12
    late = simulate(w, 0.0, 1.0, time=60, step=0.02)
    slow = np.linalg.norm(flow(late, 0.0, 1.0), axis=-1) > 1e-9
    assert slow.mean() < 0.1
    np.testing.assert_allclose(late[~slow], end[~slow], atol=1e-4)
    assert set(chain.basin(w, t=0.0)) == {-1, 0, 1}


def test_large_and_small_numbers_keep_their_digits():
    """Roots far apart, near each other or near zero, to rounding."""
    w = np.array([[1e4, 1e-4], [1e-6, 5.0], [-1e4, -3.0], [3.0, -1e4], [1e-8, -1e-8]])
    for t in (1e-9, 1.0, 1e6):
        for b in (1e-6, 1.0, -1e3):
            end = chain.endpoint(w, t=t, b=b)
            np.testing.assert_allclose(end.prod(axis=-1), t, rtol=1e-6)
            scale = 1 + w[:, 0] ** 2 + abs(2 * b * w[:, 1]) + end[:, 0] ** 2
            drift = chain.invariant(end, b=b) - chain.invariant(w, b=b)
            assert abs(drift / scale).max() < 1e-9


def test_the_region_uphill_is_where_the_loss_grows():
    """The sign of dℓ/dt, by a small step."""
    w = starts(500)
    for t, b in SIGNS:
        grows = chain.loss(w + 1e-7 * flow(w, t, b), t=t) > chain.loss(w, t=t)
        np.testing.assert_array_equal(grows, chain.uphill(w, b=b))
    assert np.isnan(chain.total_alignment([0.0, 0.0]))
    assert np.isnan(chain.total_alignment([0.0, 1.0], b=0.0))


# -- Errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("w", lambda: chain.velocity([1.0, 2.0, 3.0])),
        ("w", lambda: chain.endpoint(3.0)),
        ("w", lambda: chain.trajectory([[1.0]], [0.0])),
        ("w", lambda: chain.trajectory(1.0, [0.0])),
        ("w", lambda: chain.loss([np.nan, 1.0])),
        ("w", lambda: chain.criterion("ab")),
        ("w", lambda: chain.endpoint([1e60, 1.0])),
        ("w", lambda: chain.basin([1e200, 1.0])),
        ("b t", lambda: chain.endpoint([1.0, 1.0], t=1e60, b=1e60)),
        ("t", lambda: chain.endpoint([1.0, 2.0], t=np.inf)),
        ("t", lambda: chain.residual([1.0, 2.0], t="1")),
        ("b", lambda: chain.endpoint(np.ones((3, 2)), b=[1.0, 2.0])),
        ("b", lambda: chain.invariant([1.0, 2.0], b=1j)),
        ("rule", lambda: chain.velocity([1.0, 2.0], rule="dfa")),
        ("rule", lambda: chain.criterion([1.0, 2.0], rule=None)),
        ("times", lambda: chain.trajectory([1.0, 2.0], 3.0)),
        ("times", lambda: chain.trajectory([1.0, 2.0], [-1.0])),
        ("w1", lambda: chain.time_to([1.0, 2.0], [[1.0], [np.nan]])),
        ("w1", lambda: chain.fixed_point([1.0, 2.0], t=[1.0, 2.0, 3.0])),
        ("points", lambda: chain.separatrices(points=1)),
        ("reach", lambda: chain.separatrices(reach=0)),
        ("tolerance", lambda: chain.stability([1.0, 1.0], tolerance=-1)),
        ("C", lambda: chain.parabola(np.nan, 1.0)),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(name, call):
    """Argument, what was expected, what came."""
    with oracles.refused(name):
        call()


# -- The whole way -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["fa", "bp"])
@pytest.mark.parametrize(("t", "b"), SIGNS)
def test_the_whole_way_against_the_general_codes_flow(t, b, rule):
    """What explorers draw is never simulated: at its own times it must be where the simulated flow is."""
    w = starts(8, seed=3)
    way = chain.path(w, t=t, b=b, rule=rule, points=30)
    assert way.w.shape == (8, 30, 2)
    np.testing.assert_array_equal(way.w[:, 0], w)
    assert (np.diff(way.time[:, :-1]) > 0).all()
    assert np.isposinf(way.time[:, -1]).all()
    for start, states, times in zip(w, way.w, way.time, strict=True):
        soon = times < 40
        run = dynamics.trajectory(
            chain.as_network(start), [[1.0]], [[t]], rule, (np.array([[b]]),), times=times[soon]
        )
        np.testing.assert_allclose(run.theta, states[soon], atol=2e-6)
    if rule == "fa":
        np.testing.assert_allclose(way.w[:, -1], chain.endpoint(w, t=t, b=b), atol=1e-12)
    np.testing.assert_allclose(chain.residual(way.w[:, -1], t=t), 0, atol=1e-12)


def test_the_way_of_backpropagation_into_the_saddle():
    """On the two lines ``w₁ = ± w₂`` the general formula is 0/0, and one of them ends at the saddle."""
    times = chain.path([0.8, -0.8], rule="bp", points=20).time[:-1]
    states = chain.path([0.8, -0.8], rule="bp", points=20).w[:-1]
    run = dynamics.trajectory(chain.as_network([0.8, -0.8]), [[1.0]], [[1.0]], "bp", times=times)
    np.testing.assert_allclose(run.theta, states, atol=1e-6)
    np.testing.assert_array_equal(chain.path([0.8, -0.8], rule="bp").w[-1], [0, 0])
    np.testing.assert_array_equal(chain.path([0.0, 0.0], rule="bp").w, np.zeros((64, 2)))
    np.testing.assert_allclose(chain.path([0.5, 0.5], rule="bp").w[-1], [1, 1])
    decay = chain.path([0.8, -0.8], t=0.0, rule="bp", points=20)
    run = dynamics.trajectory(
        chain.as_network([0.8, -0.8]), [[1.0]], [[0.0]], "bp", times=decay.time[decay.time < 50]
    )
    np.testing.assert_allclose(run.theta, decay.w[decay.time < 50], atol=1e-6)


def test_the_way_without_feedback_and_from_a_fixed_point():
    """Where nothing moves there must be neither NaN nor motion."""
    way = chain.path([[0.5, -1.0], [0.0, 1.0]], b=0.0, points=12)
    np.testing.assert_array_equal(way.w[..., 0], [[0.5] * 12, [0.0] * 12])
    np.testing.assert_allclose(way.w[:, -1, 1], [2.0, 1.0])
    exact = 2.0 - 3.0 * np.exp(-0.25 * way.time[0, :-1])
    np.testing.assert_allclose(way.w[0, :-1, 1], exact)
    for rule in ("fa", "bp"):
        way = chain.path([-0.5, -2.0], rule=rule, points=12)
        np.testing.assert_array_equal(way.w, np.tile([-0.5, -2.0], (12, 1)))
        assert (np.diff(way.time[:-1]) > 0).all()
    with pytest.raises(ValueError, match="points must be at least 3"):
        chain.path([1.0, 1.0], points=2)
