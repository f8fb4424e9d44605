"""The explorer *Aligned but poor*: its recorded runs against runs made now, its maps against loops over seeds."""

import numpy as np
import pytest
from browsing import PHONE

import fa_teach as fa
from fa_teach.explorers.aligned_but_poor import ALIGNED, CLEAR, AlignedButPoor, cell, controls, maps
from fa_teach.explorers.recorded import aligned_but_poor as script
from fa_teach.explorers.recorded.aligned_but_poor import (
    FINE,
    RATES,
    SCALES,
    STARTS,
    STEPS,
    STRENGTHS,
    TESTED,
    recorded,
)

SHORT = (0, 5, 10)


def where(scale, kind, rate):
    return RATES.index(rate), STARTS.index(kind), SCALES.index(scale)


@pytest.mark.parametrize(
    ("scale", "kind", "rate"),
    [(0.3, "random", 0.1), (2.0, "random", 0.01), (1.0, "fitted", 0.1), (0.1, "random", 1.0)],
)
def test_the_record_by_short_runs(scale, kind, rate):
    """Ten steps: too few for the rounding of another processor to grow."""
    strengths = (0.1, 3.0)
    now = script.measure(scale, kind, rate, strengths=strengths, steps=SHORT)
    here, columns = where(scale, kind, rate), [STRENGTHS.index(value) for value in strengths]
    times = [STEPS.index(step) for step in SHORT]
    then = {name: array[here] for name, array in recorded().items()}
    cosines = then["cosines"][columns][:, times]
    assert np.median(abs(now["cosines"] - cosines.astype(int))) <= 20
    np.testing.assert_allclose(now["cosines"] / FINE, cosines / FINE, atol=0.05)
    right = then["right"][columns][:, times].astype(int)
    assert abs(now["right"].astype(int) - right).max() <= 10
    for rule in ("right_bp", "right_output_only"):
        assert abs(now[rule].astype(int) - then[rule][times].astype(int)).max() <= 10


def test_the_record_by_a_whole_run():
    """A setting that is not sensitive, to the end."""
    now = script.measure(0.3, "random", 0.1, strengths=(3.0,))
    then = {name: array[where(0.3, "random", 0.1)] for name, array in recorded().items()}
    column = STRENGTHS.index(3.0)
    for a, b, unit, close in (
        (now["right"][0], then["right"][column], TESTED, 0.01),
        (now["cosines"][0], then["cosines"][column], FINE, 0.02),
        (now["right_bp"], then["right_bp"], TESTED, 0.01),
        (now["right_output_only"], then["right_output_only"], TESTED, 0.01),
    ):
        gap = np.median(a[-1] / unit, axis=-1) - np.median(b[-1] / unit, axis=-1)
        assert abs(gap).max() < close


def test_the_control_is_the_frozen_network():
    """Output layer only means: the same start and batches, with the hidden layers held still, whatever the rule."""
    net, B = script.start(1.0, (3.0,), "random")
    train, test = fa.datasets.digits()
    frozen = fa.train(net, train, rule="fa", feedback=B, frozen=(1, 2), steps=41, test=test, record=["test_accuracy"],
                      record_at=[41])  # fmt: skip
    then = recorded()["right_output_only"][where(1.0, "random", 0.1)][STEPS.index(41)]
    assert abs(TESTED * frozen["test_accuracy"][-1, 0] - then).max() <= 3


def test_a_fitted_start_is_aligned_and_a_random_one_is_not():
    """The proposition of chapter 8 on proportional feedback; between strangers cosines are small."""
    first = recorded()["cosines"][..., 0, :, :] / FINE  # (rates, starts, scales, strengths, layers, seeds)
    np.testing.assert_allclose(first[:, STARTS.index("fitted")], 1, atol=1e-3)
    assert abs(np.median(first[:, STARTS.index("random")], axis=-1)).max() < 0.1
    net, B = script.start(2.0, (0.1, 30.0), "fitted")
    for W, b in zip(net.weights[1:], B, strict=True):
        ratio = W / b.mT
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[..., :1, :1], ratio.shape), rtol=1e-4)


@pytest.mark.parametrize("rate", ["0.01", "0.1", "1"])
@pytest.mark.parametrize("kind", STARTS)
def test_maps_by_loops_over_seeds(rate, kind):
    """Medians, and where hidden layers help, counted seed by seed."""
    drawn, runs = maps(rate, kind), recorded()
    assert drawn["accuracy"].shape == (len(STEPS), len(SCALES), len(STRENGTHS))
    for i, scale in enumerate(SCALES):
        here = where(scale, kind, float(rate))
        for j in range(len(STRENGTHS)):
            for time in (0, 7, len(STEPS) - 1):
                right = sorted(runs["right"][here][j, time].tolist())
                assert drawn["accuracy"][time, i, j] == pytest.approx(
                    (right[4] + right[5]) / 2 / TESTED, abs=0.0051
                )
                middles = []
                for layer in runs["cosines"][here][j, time]:
                    ordered = sorted(layer.tolist())
                    middles.append((ordered[4] + ordered[5]) / 2 / FINE)
                assert drawn["alignment"][time, i, j] == pytest.approx(sum(middles) / 2, abs=0.0051)
                pairs = zip(runs["right"][here][j, time], runs["right_output_only"][here][time], strict=True)
                assert drawn["helps"][time, i, j] == (sum(a > b for a, b in pairs) >= CLEAR)


def test_a_cell_is_a_place_of_the_maps():
    """What the lines end at is what the maps say."""
    for scale, strength in (("2", "30"), ("0.1", "100"), ("8", "1")):
        one, both = cell("0.1", "random", scale, strength), maps("0.1", "random")
        i, j = SCALES.index(float(scale)), STRENGTHS.index(float(strength))
        np.testing.assert_allclose(
            one["fa"][:, 0], both["accuracy"][:, i, j], atol=0.011
        )  # halves: up or down
        middle = (one["layer1"][:, 0] + one["layer2"][:, 0]) / 2
        np.testing.assert_allclose(middle, both["alignment"][:, i, j], atol=0.011)
        for name in ("fa", "layer1", "layer2"):
            assert (one[name][:, 1] <= one[name][:, 0]).all()
            assert (one[name][:, 0] <= one[name][:, 2]).all()
    for rule in controls("0.1", "random", "2").values():
        assert rule[-1, 0] > 0.8


def test_the_presets_are_what_they_are_called():
    """What the chapter says of them: high alignment and a control that is better, and the reverse."""

    def end(name):
        values = AlignedButPoor.check(**AlignedButPoor.presets[name][1])
        arrays = AlignedButPoor.compute(**values)
        cosine = (arrays["layer1"][-1, 0] + arrays["layer2"][-1, 0]) / 2
        return (
            cosine,
            arrays["fa"][-1, 0],
            arrays["output_only"][-1, 0],
            arrays["bp"][-1, 0],
            arrays["better"],
        )

    cosine, accuracy, alone, _, better = end("aligns")
    assert cosine > 0.8
    assert accuracy > alone + 0.3
    assert better == 10
    cosine, accuracy, alone, backprop, better = end("poor")
    assert cosine > ALIGNED
    assert accuracy < alone < backprop
    assert better < CLEAR
    cosine, accuracy, alone, _, _ = end("perfect")
    assert cosine > 0.9
    assert accuracy < 0.2 < 0.7 < alone
    cosine, accuracy, alone, _, better = end("repaired")
    assert cosine > 0.9
    assert accuracy > alone + 0.3
    cosine, accuracy, alone, _, better = end("useful")
    assert abs(cosine) < 0.1
    assert accuracy > alone + 0.1
    assert better == 10
    cosine, accuracy, alone, _, _ = end("output")
    assert abs(cosine) < 0.1
    assert accuracy == pytest.approx(alone, abs=0.015)
    cosine, accuracy, _, backprop, _ = end("fails")
    assert abs(cosine) < 0.1
    assert accuracy < 0.1 < backprop


def test_the_record_is_small():
    assert script.FILE.stat().st_size < 300_000


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "Aligned but poor: weights × 2, feedback × 30, steps of 0.1."),
        ({"scale": "0.3", "strength": "3"}, "Aligned and useful: "),
        (
            {"scale": "4", "strength": "30", "start": "fitted"},
            "Aligned, of uncertain use: weights fitted to the",
        ),
        ({"scale": "2", "strength": "3", "rate": "0.01"}, "Useful without alignment: "),
        ({"scale": "2", "strength": "0.01"}, "The output layer does it alone: "),
        ({"scale": "0.1", "strength": "0.01"}, "Neither aligned nor good: "),
        ({"scale": "8", "strength": "100"}, "Weakly aligned but poor: "),
    ],
)
def test_words(values, expected):
    """One verdict of each kind; the numbers behind it are tested above."""
    assert AlignedButPoor(**values).words.startswith(expected)


# -- In the browser ------------------------------------------------------------------------------


@pytest.fixture
def page(browser, tmp_path):
    """The explorer by itself, over file://."""
    file = tmp_path / "page.html"
    file.write_text(AlignedButPoor().to_html(alone=True), encoding="utf-8")
    contexts = []

    def open_page(**options):
        contexts.append(browser.new_context(**options))
        opened = contexts[-1].new_page()
        opened.goto(file.as_uri())
        opened.locator(".fax-words").wait_for()
        return opened

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.browser
@pytest.mark.parametrize("how", ["mouse", "touch"])
def test_a_cell_is_chosen_in_either_map(page, how):
    """Both maps are one control: a press in one moves the ring in both, and changes run and words."""
    opened = page(**({"viewport": PHONE, "has_touch": True, "is_mobile": True} if how == "touch" else {}))
    for which, place, said in (
        (0, 1 * 7 + 3, "weights × 0.3, feedback × 3"),
        (1, 4 * 7 + 5, "weights × 4, feedback × 30"),
    ):
        target = opened.locator(".fax-cell").nth(which * 42 + place)
        line = opened.locator(".fax-run-fa").get_attribute("d")
        target.scroll_into_view_if_needed()
        if how == "touch":
            target.tap()
        else:
            target.click()
        assert said in opened.locator(".fax-words").text_content()
        assert opened.locator(".fax-run-fa").get_attribute("d") != line
        for ring in opened.locator(".fax-chosen").all():
            assert ring.get_attribute("aria-valuetext").startswith(said)
        assert target.locator("title").text_content().startswith(said)


@pytest.mark.browser
def test_keys_walk_on_the_maps(page):
    """Up is more weights, right is more feedback; at the border it stays."""
    opened = page()
    ring = opened.locator(".fax-chosen").nth(1)
    ring.focus()
    words = opened.locator(".fax-words")
    for key, said in (
        ("ArrowUp", "weights × 4, feedback × 30"),
        ("ArrowRight", "weights × 4, feedback × 100"),
        ("ArrowRight", "weights × 4, feedback × 100"),
        ("ArrowDown", "weights × 2, feedback × 100"),
        ("ArrowLeft", "weights × 2, feedback × 30"),
        ("Home", "weights × 2, feedback × 0.01"),
        ("PageUp", "weights × 8, feedback × 0.01"),
        ("End", "weights × 8, feedback × 100"),
        ("PageDown", "weights × 0.1, feedback × 100"),
        ("ArrowLeft", "weights × 0.1, feedback × 30"),
    ):
        opened.keyboard.press(key)
        assert said in words.text_content()
    opened.keyboard.press("ArrowLeft")
    assert opened.get_by_role("radio", name="10", exact=True).is_checked()
