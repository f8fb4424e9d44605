"""Accounts of a run: the books must balance, and known walks must be recognised."""

import numpy as np
import pytest

from fa_teach import alignment, dynamics, init_feedback, init_network, paths, train


@pytest.fixture
def task():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(20, 4))
    return x, np.tanh(x @ rng.normal(size=(4, 3)))


def test_weight_path_takes_every_kind_of_run(task):
    """Trajectory, History and lists of networks give the same vectors."""
    net = init_network([4, 5, 3], seed=[0, 1])
    B = init_feedback(net)
    run = dynamics.iterate(net, *task, "fa", B, learning_rate=0.1, steps=4)
    history = train(
        net, task, rule="fa", feedback=B, batch_size=None, learning_rate=0.1, steps=4,
        record=["snapshot"], record_at=1,
    )  # fmt: skip
    path = paths.weight_path(run)
    np.testing.assert_array_equal(path, run.theta)
    np.testing.assert_allclose(paths.weight_path(history), path, rtol=1e-12)
    np.testing.assert_allclose(paths.weight_path(list(history.snapshots), frozen=[1]), path[..., 25:])


def test_a_run_without_snapshots_is_refused(task):
    """With a word on how to record them."""
    history = train(init_network([4, 5, 3]), task, batch_size=5, steps=2)
    with pytest.raises(ValueError, match='Record "snapshot"'):
        paths.weight_path(history)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
def test_account_of_a_flow_balances_and_is_the_integral_of_descent(task, rule):
    """Layer by layer against the integral of <g_l, u_l> by another quadrature."""
    net = init_network([4, 5, 4, 3], seed=[0, 1])
    B = init_feedback(net, direct=rule == "dfa")
    times = np.linspace(0, 2, 401)
    run = dynamics.trajectory(net, *task, rule, B, times=times)
    account = paths.descent_account(run, *task)
    assert abs(account.gap).max() < 1e-9
    terms = alignment.descent(run.network, *task, rule, B)  # (T, 2, 3)
    simpson = (terms[:-2:2] + 4 * terms[1::2] + terms[2::2]).sum(axis=0) * (times[1] - times[0]) / 3
    np.testing.assert_allclose(account.by_layer[-1], simpson, atol=1e-6)
    np.testing.assert_allclose(account.share.sum(axis=-1), 1)
    assert account.times[-1] == 2


def test_account_balances_to_third_order_of_the_steps(task):
    """Midpoint rule: halving steps over the same time lessens the whole error four times."""
    net = init_network([4, 5, 3], seed=1)
    B = init_feedback(net)
    gaps = []
    for steps in (50, 100, 200):
        run = dynamics.iterate(net, *task, "fa", B, learning_rate=2 / steps, steps=steps)
        gaps.append(abs(paths.descent_account(run, *task, nodes=1).gap[-1]))
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.2)
    assert gaps[1] / gaps[2] == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("rule", ["fa", "redrawn"])
def test_account_of_stochastic_training_balances(task, rule):
    """Any run of training, minibatches and changing feedback included, without knowing the rule."""
    net = init_network([4, 5, 3], seed=range(3))
    history = train(
        net, task, rule=rule, batch_size=5, learning_rate=0.05, steps=60, record=["snapshot"], record_at=1
    )
    account = paths.descent_account(history, *task)
    assert account.by_layer.shape == (61, 3, 2)
    assert abs(account.gap).max() < 1e-5
    assert abs(paths.descent_account(history, *task, nodes=4).gap).max() < 1e-10
    assert (account.fall[-1] > 0).all()


def test_account_sees_a_layer_that_works_against(task):
    """With feedback against the weights the hidden layer raises the loss, the output layer lowers it."""
    net = init_network([4, 5, 3], seed=1)
    run = dynamics.trajectory(net, *task, "fa", init_feedback(net, angle=180), times=0.3)
    account = paths.descent_account(run, *task)
    assert account.by_layer[-1, 0] < 0 < account.by_layer[-1, 1]
    assert "layer 1 -" in repr(account)


def test_chunks_change_nothing(task, monkeypatch):
    """They are for memory alone."""
    net = init_network([4, 5, 3], seed=[0, 1])
    run = dynamics.iterate(net, *task, "bp", learning_rate=0.1, steps=10)
    whole = paths.descent_account(run, *task), paths.orthogonal_fraction(run, *task)
    monkeypatch.setattr(paths, "CHUNK_BYTES", 1)
    parts = paths.descent_account(run, *task), paths.orthogonal_fraction(run, *task)
    np.testing.assert_allclose(parts[0].by_layer, whole[0].by_layer, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(parts[1], whole[1], atol=1e-12)


def test_exponents_of_known_walks():
    """A random walk has 1, straight motion 2, white noise around a point 0."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2000, 3, 40))
    walk = paths.mean_squared_displacement(noise.cumsum(axis=0))
    np.testing.assert_allclose(walk.exponent, 1, atol=0.1)
    np.testing.assert_allclose(walk.squared[0], 40, rtol=0.05)
    line = paths.mean_squared_displacement(np.outer(np.arange(100.0), rng.normal(size=5)))
    assert line.exponent == pytest.approx(2)
    still = paths.mean_squared_displacement(noise)
    np.testing.assert_allclose(still.exponent, 0, atol=0.02)


@pytest.mark.parametrize(("lags", "word"), [([1], "lags"), ([0, 2], "lag"), ([1, 500], "lag")])
def test_lags_are_checked(lags, word):
    """They must lie within the run, and be at least two."""
    with pytest.raises(ValueError, match=word):
        paths.mean_squared_displacement(np.zeros((20, 3)), lags=lags)


@pytest.mark.parametrize("lags", [[1.5, 2.7], 3, "12"])
def test_lags_are_whole_numbers(lags):
    """Nothing is rounded in silence."""
    with pytest.raises(TypeError, match="lag"):
        paths.mean_squared_displacement(np.zeros((20, 3)), lags=lags)


def test_runs_that_cannot_be_measured_are_refused(task):
    """Each with the reason."""
    x, t = task
    net = init_network([4, 5, 3])
    B = init_feedback(net)
    uneven = dynamics.trajectory(net, x, t, "fa", B, times=[0, 1, 2, 4, 8])
    with pytest.raises(ValueError, match="equal intervals; got intervals from 1 to 4"):
        paths.mean_squared_displacement(uneven)
    with pytest.raises(ValueError, match="frozen must be empty"):
        paths.mean_squared_displacement(np.zeros((20, 3)), frozen=[1])
    with pytest.raises(ValueError, match="T at least 3"):
        paths.mean_squared_displacement(np.zeros((2, 3)))
    with pytest.raises(TypeError, match="run must be a sequence of networks"):
        paths.descent_account(net, x, t)
    with pytest.raises(TypeError, match="run must hold networks; got int"):
        paths.descent_account([1, 2], x, t)
    with pytest.raises(ValueError, match="networks of one shape"):
        paths.descent_account([net, init_network([4, 7, 3])], x, t)
    with pytest.raises(ValueError, match="frozen layer"):
        paths.orthogonal_fraction([net, net], x, t, frozen=[9])


def test_redrawn_feedback_walks_and_fixed_feedback_moves_straight(task):
    """Hidden weights, small steps: feedback redrawn at each step is a walk, fixed feedback is not."""
    net = init_network([4, 30, 3], seed=range(5))
    exponent = {}
    for rule in ("bp", "fa", "redrawn"):
        history = train(
            net, task, rule=rule, batch_size=None, learning_rate=0.002, steps=64,
            record=["snapshot"], record_at=1,
        )  # fmt: skip
        exponent[rule] = paths.mean_squared_displacement(history, frozen=[2]).exponent
    assert (abs(exponent["redrawn"] - 1) < 0.15).all()
    assert (exponent["fa"] > 1.9).all()
    assert (exponent["bp"] > 1.9).all()


def test_orthogonal_fraction(task):
    """None for steepest descent; of the hidden layer with feedback at an angle, what the layer's cosine says."""
    net = init_network([4, 5, 3], seed=[1, 2])
    B = init_feedback(net)
    run = dynamics.iterate(net, *task, "bp", learning_rate=0.1, steps=3)
    np.testing.assert_allclose(paths.orthogonal_fraction(run, *task), 0, atol=1e-12)
    run = dynamics.iterate(net, *task, "fa", B, learning_rate=0.1, steps=3)
    start = run.theta[0]
    cosines = alignment.total_gradient_alignment(dynamics.from_vector(net, start), *task, "fa", B)
    np.testing.assert_allclose(paths.orthogonal_fraction(run, *task)[0], 1 - cosines**2, atol=1e-10)
    hidden = alignment.gradient_alignment(net, *task, "fa", B)[..., 0]
    fraction = paths.orthogonal_fraction(run, *task, frozen=[2])[0]
    np.testing.assert_allclose(fraction, 1 - hidden**2, atol=1e-10)
    assert (fraction > 0.1).all()
