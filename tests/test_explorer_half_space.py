"""The half-space explorer: its arrays against integrals, sampled vectors, and steps of a real gradient."""

import numpy as np
import pytest
from scipy import integrate, stats

from fa_teach.explorers.half_space import HalfSpace, all_steps, angle_density, chance, downhill, one_step

DIMENSIONS = HalfSpace.controls()["n"].grid()


@pytest.mark.parametrize("n", DIMENSIONS)
def test_density_of_angles(n):
    """By the beta distribution of the squared cosine, which knows nothing of spheres' slices."""
    size = int(n)
    arrays = chance(n)
    total, _ = integrate.quad(lambda degrees: angle_density(size, degrees), 0, 180, points=[90])
    assert total == pytest.approx(1)
    degrees = np.array([30.0, 60.0, 80.0, 85.0, 89.0])
    for angle in degrees:
        below, _ = integrate.quad(lambda x: angle_density(size, x), 0, angle, points=[0.9 * angle], limit=200)
        beta = stats.beta(0.5, (size - 1) / 2).sf(np.cos(np.deg2rad(angle)) ** 2) / 2
        assert below == pytest.approx(beta, abs=1e-9)
    spread, _ = integrate.quad(lambda x: angle_density(size, x) * (x - 90) ** 2, 0, 180, points=[90])
    assert arrays["spread"] == pytest.approx(np.sqrt(spread), rel=1e-6)
    if size >= 100:
        assert arrays["spread"] == pytest.approx(
            57.3 / np.sqrt(size), rel=0.01
        )  # the proposition of chapter 3


def test_two_dimensions_have_no_favourite():
    assert chance("2")["spread"] == pytest.approx(180 / np.sqrt(12), rel=1e-5)  # 52°, as in the chapter


@pytest.mark.parametrize("n", DIMENSIONS)
def test_sampled_vectors_follow_the_density(n):
    """The histogram is of vectors that were really drawn; they are random, not shaped to fit."""
    arrays = chance(n)
    bins = arrays["histogram"]
    width = 180 / len(bins)
    assert bins.sum() * width == pytest.approx(1)
    edges = np.linspace(0, 180, len(bins) + 1)
    fine = np.linspace(edges[:-1], edges[1:], 201)
    expected = np.trapezoid(angle_density(int(n), fine), fine, axis=0)
    noise = np.sqrt(expected * (1 - expected) / 2000)
    assert (abs(bins * width - expected) < 4.5 * noise + 1e-3).all()
    across, along = arrays["random"].T
    np.testing.assert_allclose(np.hypot(across, along), 1)
    assert abs(along).max() <= 1
    assert 0.3 < (across > 0).mean() < 0.7


@pytest.mark.parametrize(("n", "step"), [("2", 0.5), ("10", 0.5), ("10", 1.5), ("100", 0.1), ("1000", 0.05)])
def test_share_of_random_steps_that_go_downhill(n, step):
    """Count them: many random updates of a bowl in n dimensions, each as long as the gradient."""
    rng = np.random.default_rng(5)
    theta = rng.normal(size=int(n))
    theta /= np.linalg.norm(theta)
    u = rng.normal(size=(4000, int(n)))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    lower = (((theta - step * u) ** 2).sum(axis=1) < 1).mean()
    share = float(downhill(n, step)["share"])
    assert abs(lower - share) < 4 * np.sqrt(share * (1 - share) / 4000) + 1e-3


def test_no_random_step_goes_downhill_where_the_gradients_does_not():
    assert downhill("3", 2.0)["share"] == 0
    assert downhill("3", 2.2)["within"] == 0
    assert downhill("3", 0.05)["within"] == pytest.approx(90, abs=1.5)


@pytest.mark.parametrize("n", [2, 7, 50])
@pytest.mark.parametrize("angle", [0.0, 35.0, 90.0, 120.0, 180.0])
@pytest.mark.parametrize("step", [0.05, 0.7, 2.1])
def test_one_step_is_that_of_a_bowl_in_any_dimension(n, angle, step):
    """The picture is a plane, the claim is about n dimensions."""
    rng = np.random.default_rng(n)
    theta = rng.normal(size=n)
    other = rng.normal(size=n)
    other -= (other @ theta) / (theta @ theta) * theta
    other *= np.linalg.norm(theta) / np.linalg.norm(other)
    u = np.cos(np.deg2rad(angle)) * theta + np.sin(np.deg2rad(angle)) * other  # the gradient is theta
    before, after = theta @ theta / 2, ((theta - step * u) ** 2).sum() / 2
    arrays = one_step(angle, step)
    assert arrays["change"] == pytest.approx(after / before - 1)
    tiny = 1e-7
    slope = (((theta - tiny * u) ** 2).sum() / 2 - before) / tiny / before
    assert arrays["first_order"] == pytest.approx(step * slope, abs=1e-5)
    x, y = arrays["landing"]
    assert np.hypot(x, y) == pytest.approx(np.sqrt(after / before))
    assert np.hypot(x, y - 1) == pytest.approx(step)
    assert arrays["best"] == pytest.approx(one_step(0.0, step)["change"])
    curves = all_steps(angle)
    assert np.interp(step, curves["sizes"], curves["changes"]) == pytest.approx(
        float(arrays["change"]), abs=1e-3
    )


@pytest.mark.parametrize("angle", [0.0, 40.0, 85.0, 90.0, 150.0])
def test_the_limit_divides_steps_down_from_steps_up(angle):
    limit = all_steps(angle)["limit"]
    for share in (0.1, 0.9, 0.999):
        if limit > 1e-9:
            assert one_step(angle, share * limit)["change"] < 0
            assert one_step(angle, (2 - share) * limit)["change"] > 0
    if angle >= 90:
        assert limit == pytest.approx(0, abs=1e-9)
        assert one_step(angle, 1e-3)["change"] > 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"angle": 60.0, "step": 0.5}, "Downhill: at 60° from the gradient a step of 0.50 changes the loss by −25%"),
        ({"angle": 80.0, "step": 0.15}, "changes the loss by −3%; the gradient's own step, by −28%."),
        ({"angle": 60.0, "step": 1.5}, "Too far: 60° is in the useful half, but a step of 1.50 changes"),
        ({"angle": 60.0, "step": 1.5}, "Steps below 1.00 go downhill."),
        ({"angle": 60.0, "step": 1.0}, "Too far: 60°"),
        ({"angle": 90.0, "step": 0.5}, "On the edge: at 90° the slope is zero"),
        ({"angle": 120.0, "step": 0.5}, "every step raises the loss, one of size 0.50 by 75%"),
        ({"n": "1000"}, "In 1,000 dimensions a random update is at 90° ± 1.8° from the gradient: less than 1%"),
        ({"n": "2", "step": 0.05}, "at 90° ± 52.0° from the gradient: 49%"),
    ],
)  # fmt: skip
def test_words(values, expected):
    assert expected in HalfSpace(**values).words
