"""The spectrum explorer: its arrays against the general code, which knows nothing of linear networks."""

import numpy as np
import pytest

from fa_teach import dynamics, linear
from fa_teach.explorers.spectrum import (
    FATES,
    HORIZONS,
    SWEEP,
    Spectrum,
    eigenvalues,
    kick,
    kicked,
    solution,
    turning,
)

POINTS = [(outputs, seed) for outputs in ("3", "1") for seed in ("1", "5", "6")]


def feedback(W, angle, seed):
    return linear.turn_feedback(W, angle, seed=int(seed))


def general(A, W, T, B):
    data = linear.as_data(T)
    return linear.as_network(A, W), data.x, data.t, "fa", (B,)


def complex_of(pairs):
    return pairs @ np.array([1, 1j])


@pytest.mark.parametrize(("outputs", "seed"), POINTS)
@pytest.mark.parametrize("angle", [0.0, 60.0, 90.0, 145.0, 180.0])
def test_eigenvalues_are_those_of_the_general_jacobian(outputs, seed, angle):
    """Twenty or thirty weights, differentiated numerically; all that is not 0 must be what is drawn."""
    A, W, T = solution(outputs, seed)
    np.testing.assert_allclose(W @ A, T, atol=1e-12)
    B = feedback(W, angle, seed)
    cosine = (W.T * B).sum() / np.linalg.norm(W) / np.linalg.norm(B)
    assert cosine == pytest.approx(np.cos(np.deg2rad(angle)))
    found = np.linalg.eigvals(dynamics.jacobian(*general(A, W, T, B)))
    arrays = eigenvalues(angle, outputs, seed)
    drawn = complex_of(arrays["eigenvalues"])
    assert len(drawn) == 3 * int(outputs)
    found = found[np.argsort(-abs(found))]
    apart = abs(drawn[:, None] - found[: len(drawn)])
    assert apart.min(axis=0).max() < 1e-4
    assert apart.min(axis=1).max() < 1e-4
    assert abs(found[len(drawn) :]).max(initial=0) < 1e-4
    assert arrays["rate"] == pytest.approx(found[: len(drawn)].real.max(), abs=1e-4)
    assert arrays["right"] == (found[: len(drawn)].real > 1e-3).sum()


@pytest.mark.parametrize(("outputs", "seed"), POINTS)
def test_criteria_over_all_angles(outputs, seed):
    """Stability by the sign of the spectrum, alignment by gradient and update of the worst error."""
    arrays = turning(outputs, seed)
    A, W, _ = solution(outputs, seed)
    for k, angle in enumerate(SWEEP):
        one = eigenvalues(float(angle), outputs, seed)
        assert arrays["stability"][k] == pytest.approx(-one["rate"])
        assert arrays["alignment"][k] == pytest.approx(float(one["alignment_criterion"]))
        B = feedback(W, angle, seed)
        M = linear.worst_error(A, W, B).M
        inner = ((W.T @ M) * (B @ M)).sum() + ((M @ A.T) ** 2).sum()
        assert arrays["alignment"][k] == pytest.approx(inner)
        at_this_angle = complex_of(arrays["ways"])[k * 5 * len(one["eigenvalues"]) :][
            : len(one["eigenvalues"])
        ]
        np.testing.assert_allclose(at_this_angle, complex_of(one["eigenvalues"]))
    assert arrays["stability"][0] > 0 > arrays["stability"][-1]
    assert (arrays["alignment"] <= arrays["stability"] + 1e-9).all()
    if outputs == "1":  # the theorem of chapter 5: with one output the two are the same
        np.testing.assert_allclose(arrays["alignment"], arrays["stability"])
    else:
        assert ((arrays["stability"] > 0) & (arrays["alignment"] < 0)).any() or seed == "6"


@pytest.mark.parametrize("outputs", ["3", "1"])
@pytest.mark.parametrize(("angle", "step"), [(45.0, 0.05), (90.0, 0.1), (135.0, 0.02), (0.0, 0.12)])
def test_the_kick_by_the_general_code(outputs, angle, step):
    """A real eigenvector of the numerical Jacobian, or the plane of a pair; then the same steps by the general rule."""
    seed = "1"
    A, W, T = solution(outputs, seed)
    (A_1, W_1, B), eigenvalue, _ = kick(angle, step, outputs, seed)
    field = dynamics.update_field(*general(A, W, T, B))
    theta = np.concatenate([A_1.ravel(), W_1.ravel()])
    v = theta - field.theta
    assert np.linalg.norm(v) == pytest.approx(1e-3)
    J = dynamics.jacobian(*general(A, W, T, B))
    square = J @ (J @ v) - 2 * eigenvalue.real * (J @ v) + abs(eigenvalue) ** 2 * v
    np.testing.assert_allclose(square, 0, atol=1e-6)
    values = np.linalg.eigvals(J)
    assert abs(1 + step * eigenvalue) == pytest.approx(
        abs(1 + step * values[abs(values) > 1e-4]).max(), abs=1e-5
    )

    arrays = kicked(angle, step, outputs, seed)
    every = int(arrays["steps"]) // 60
    for frame in range(8):
        M = theta[A.size :].reshape(W.shape) @ theta[: A.size].reshape(A.shape) - T
        assert arrays["error"][frame] == pytest.approx(np.log10(np.linalg.norm(M)), abs=1e-6)
        for _ in range(every):
            theta = theta + step * field(theta)


@pytest.mark.parametrize(("outputs", "seed"), POINTS)
@pytest.mark.parametrize("angle", [0.0, 50.0, 90.0, 105.0, 180.0])
@pytest.mark.parametrize("step", [0.02, 0.1, 0.2])
def test_what_becomes_of_a_kick(outputs, seed, angle, step):
    """A small error follows its eigenvalue; a run can settle only where its steps are stable."""
    arrays = kicked(angle, step, outputs, seed)
    spectrum = complex_of(eigenvalues(angle, outputs, seed)["eigenvalues"])
    factors = abs(1 + step * spectrum)
    np.testing.assert_array_equal(arrays["inside"], factors < 1)
    assert arrays["outside"] == (factors >= 1).sum()
    assert arrays["factor"] == pytest.approx(factors.max())
    assert abs(complex_of(arrays["leading"]) - spectrum).min() < 1e-9
    error, predicted = arrays["error"], arrays["predicted"]
    assert np.isfinite(error[0])
    small = np.isfinite(error) & np.isfinite(predicted) & (error < -2.5) & (np.arange(61) < 10)
    first = np.argmin(small) if not small.all() else 10  # until it is large for the first time
    np.testing.assert_allclose(error[:first], predicted[:first], atol=0.1)
    fate = FATES[int(arrays["fate"])]
    if fate == "forgotten":
        assert factors.max() < 1
    if fate == "settles":
        assert factors.max() > 1
        assert (abs(1 + step * complex_of(arrays["end"])) < 1 + 1e-6).all()
        assert arrays["moved"] > 0
        assert np.nanmin(error) < -3.5
    else:
        assert arrays["moved"] == 0
    if fate == "lost":
        assert np.isnan(error[-1])
        assert np.nanmax(error) > 0
    assert arrays["steps"] in HORIZONS


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "Unstable: growth rate +0.25, 2 of 9 eigenvalues on the right, 4 outside the disc; "),
        ({"angle": 30.0}, "steps of 0.10 are small enough; alignment positive for every error: yes."),
        ({"angle": 60.0}, "Stable: slowest rate −1.50, and steps of 0.10 are small enough; alignment positive for"),
        ({"angle": 60.0}, "every error: no. A small kick is forgotten."),
        ({"angle": 0.0, "step": 0.12}, "but steps of 0.12 are too large: 1 of 9 eigenvalues outside the disc"),
        ({"angle": 180.0, "step": 0.02}, "the network settles at another solution, 8.3 away."),
        ({"angle": 180.0, "step": 0.1}, "the network is lost, its steps are too large."),
        ({"outputs": "1", "step": 0.05}, "Stable: slowest rate −0.21"),
    ],
)  # fmt: skip
def test_words(values, expected):
    assert expected in Spectrum(**values).words
