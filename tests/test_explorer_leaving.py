"""The explorer of chapter 6: what was recorded against runs made again, and against chapter 6's own code."""

import numpy as np
import pytest

import fa_teach as fa
from fa_teach import dynamics, fixed_points
from fa_teach.explorers.leaving import FATES, Leaving, recorded
from fa_teach.explorers.recorded import leaving as rec


def near(found, kept, tolerance=0.02):
    """Equal within what float16, other processors and a few dozen steps leave."""
    np.testing.assert_allclose(found, kept, rtol=tolerance, atol=tolerance)


def test_the_file_is_small_and_whole():
    """It is shipped with the package: all angles, frames and seeds, and every number finite."""
    assert rec.FILE.stat().st_size <= 300_000
    data = recorded()
    for name in rec.SETTINGS:
        for line in ("loss", "weights", "total", "distance"):
            assert data[f"{name}_{line}"].shape == (len(rec.ANGLES), rec.FRAMES, rec.SEEDS)
            assert np.isfinite(data[f"{name}_{line}"]).all()
        assert data[f"{name}_eigenvalues"].shape == (len(rec.ANGLES), len(rec.SHOWN), rec.POINTS, 2)


@pytest.mark.parametrize("name", rec.SETTINGS)
def test_frames(name):
    last = rec.SETTINGS[name].after
    steps = rec.frames(last)
    assert (len(steps), steps[0], steps[-1]) == (rec.FRAMES, 0, last)
    assert (np.diff(steps) > 0).all()
    assert steps[1:12].tolist() == [*range(1, 12)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "angle"), [("many", 90.0), ("few", 45.0), ("few", 180.0)])
def test_recorded_runs_are_those_of_the_library(name, angle):
    """Made again, to step 30: later, rounding of another processor may have grown large at an unstable point."""
    data, k = recorded(), rec.ANGLES.tolist().index(angle)
    again = rec.follow(name, angle=angle, last=30)
    count = len(again["loss"])
    assert count > 15
    near(np.log10(again["loss"]), data[f"{name}_loss"][k, :count], 0.05)
    for line in ("weights", "total", "distance"):
        near(again[line], data[f"{name}_{line}"][k, :count], 0.05)
    guess = rec.forecast(name, angle)
    known = data[f"{name}_forecast"][k]
    early = np.isfinite(known) & (known < 0)
    near(np.log10(guess["forecast"][early]), known[early], 0.05)
    found = rec.spectra(name, angle, seeds=(8,))
    place = rec.SHOWN.index(8)
    near(found["rate"], data[f"{name}_rate"][k, [place]])
    kept = np.isfinite(found["eigenvalues"][0, :20, 0])
    near(found["eigenvalues"][0, :20][kept], data[f"{name}_eigenvalues"][k, place, :20][kept], 0.03)


@pytest.mark.slow
def test_how_many_directions_there_are():
    """One for each weight; where no error is left, one for each output, of which each has one a digit."""
    for name in rec.SETTINGS:
        net, data = rec.solution(name)
        weights = dynamics.to_vector(net).shape[-1]
        expected = len(data.x) * data.t.shape[-1] if rec.SETTINGS[name].perfect else weights
        assert Leaving.compute(solution=name)["directions"] == expected
    assert "61 of 760 directions grow" in Leaving().words


def test_the_fastest_rate_by_another_way():
    """Products of the Jacobian with vectors find the eigenvalue that the whole Jacobian has."""
    net, data = rec.solution("many")
    B = fa.init_feedback(net, angle=120.0)
    found, _ = fixed_points.leading_eigenvalues(net, data.x, data.t, "fa", B, count=1, dimension=60)
    k = rec.ANGLES.tolist().index(120.0)
    near(found.real[list(rec.SHOWN), 0], recorded()["many_rate"][k])


def test_a_perfect_solution_is_one():
    """No error, no push: what makes it leave is the kick alone."""
    net, data = rec.solution("few")
    assert fa.loss(net, data.x, data.t).max() < 1e-20
    B = fa.init_feedback(net, angle=90.0)
    field = dynamics.update_field(net, data.x, data.t, "fa", B)
    assert abs(field(field.theta)).max() < 1e-9


def test_agreement_with_the_chapter():
    """The numbers that chapter 6 prints for 90 degrees and for 0, at the same networks."""
    arrays = Leaving.compute()
    data = recorded()
    k = rec.ANGLES.tolist().index(90.0)
    assert np.median(data["many_highest"][k]) == pytest.approx(0.25, abs=0.02)
    assert np.median(10 ** data["many_loss"][k, 0]) == pytest.approx(0.052, abs=0.003)
    assert np.median(10 ** data["many_bp_loss"][-1]) == pytest.approx(0.037, abs=0.003)
    assert arrays["start"] == pytest.approx(0.053, abs=0.003)
    assert (data["many_left"][0] < 0).all(), "with the transpose none of the ten leaves"
    assert (data["many_left"][-1] >= 0).all(), "with its negative all do"
    np.testing.assert_allclose(
        data["many_weights"][:, 0], np.cos(np.deg2rad(rec.ANGLES))[:, None] + np.zeros(10), atol=2e-3
    )


def test_answers_in_the_chapter():
    """What its answers count in the pictures, and what it says of all ten networks."""
    data, at = recorded(), rec.ANGLES.tolist().index
    left = {name: (data[f"{name}_left"] >= 0).sum(axis=1) for name in rec.SETTINGS}
    for name, counts in (("many", (0, 6, 9, 10)), ("few", (0, 6, 10, 10)), ("wide", (0, 0, 0, 8))):
        assert [left[name][at(angle)] for angle in (45.0, 60.0, 75.0, 90.0)] == list(counts)
    for name in rec.SETTINGS:
        ends, starts = data[f"{name}_weights"][:, -1], data[f"{name}_weights"][:, 0]
        assert (ends[: at(105.0) + 1] > 0).all(), "aligned up to 105 degrees"
        assert (ends[at(75.0) :] > starts[at(75.0) :]).all(), "turned towards the feedback"
        assert 1 <= (ends[at(180.0)] > 0).sum() <= 3, "and from the opposite side seldom all the way"
    quiet = data["few_highest"][at(45.0)] / 10 ** data["few_loss"][at(45.0), 0]
    assert np.flatnonzero(quiet > 1e3).tolist() == [1, 7]
    assert data["few_highest"][at(45.0)].max() < 0.01
    assert (data["few_left"][at(60.0), 1], data["few_forecast_left"][at(60.0), 1]) == (5550, 53)
    ends = 10 ** data["few_loss"][at(180.0), -1]
    assert (round(ends.min(), 2), round(ends.max(), 2)) == (0.08, 0.44)
    for network, rate, step, highest in (
        (7, 2.58, 13, 0.25),
        (1, 1.14, 38, 0.26),
        (8, 0.76, 32, 0.28),
        (2, 0.30, 89, 0.51),
    ):
        arrays = Leaving.compute(network=str(network))
        assert arrays["rate"] == pytest.approx(rate, abs=0.006)
        assert arrays["left"] == step
        assert arrays["highest"] == pytest.approx(highest, abs=0.006)


def test_fates_follow_from_the_losses():
    """The words may not contradict what is drawn."""
    for name in rec.SETTINGS:
        for angle in rec.ANGLES.tolist():
            for seed in rec.SHOWN:
                arrays = Leaving.compute(angle=angle, solution=name, network=str(seed))
                fate = FATES[int(arrays["fate"])]
                loss = 10 ** arrays["loss"]
                assert loss.max() <= arrays["highest"] * 1.01 + 1e-6
                assert (fate in {"stays", "creeps"}) == (arrays["left"] < 0)
                if fate == "stays":
                    assert loss.max() < max(1.15 * loss[0], 1e-3)
                if fate == "returns":
                    assert loss[-1] < 0.85 * loss.max()
                if fate == "elsewhere":
                    assert arrays["highest"] > 0.01
                    assert loss[-1] < 0.05
                if name == "few" and arrays["rate"] < -1e-3:
                    assert fate == "stays", "a stable point forgets a small kick"


def test_a_number_between_angles_shows_the_nearest():
    """With a kernel any angle is allowed; the words name the one that was recorded."""
    leaving = Leaving(angle=97.0)
    assert float(leaving.arrays["turned"]) == 90.0
    assert "feedback at 90°" in leaving.words
