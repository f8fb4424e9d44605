"""Figures: what is in the artists is what was asked for, and nothing outside the axes given is touched."""

from __future__ import annotations

import itertools
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb

from fa_teach import RULES, History, cosine, datasets, init_network, palette, plots, train
from fa_teach.plots.lines import EndLabel


@pytest.fixture
def ax():
    """Axes of a figure of their own; afterwards no other figure may be open."""
    plt.close("all")
    figure, axes = plt.subplots()
    yield axes
    assert plt.get_fignums() == [figure.number], "a plot opened a figure although axes were given"
    figure.canvas.draw()  # everything that was added can be drawn
    plt.close(figure)


@pytest.fixture(scope="module")
def run() -> History:
    """A short run of four networks with three layers."""
    data, _ = datasets.linear_map(5, 2, 64)
    net = init_network([5, 8, 6, 2], seed=range(4))
    names = ["train_loss", "gradient_alignment", "weight_alignment", "signal_alignment"]
    return train(net, data, rule="fa", epochs=4, record=names, record_at=1, progress=False)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def end_labels(ax):
    return {label.get_text(): label for label in ax.texts if isinstance(label, EndLabel)}


# -- The palette --------------------------------------------------------------------------------

# G. M. Machado, M. M. Oliveira and L. A. F. Fernandes (2009), doi:10.1109/TVCG.2009.113: matrices for full severity,
# which act on linear RGB.
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(color, sight="normal"):
    """CIELAB (D65) of a colour as a kind of sight sees it."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(SIGHTS[sight]) @ linear, 0, 1)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    ratio = to_xyz @ linear / (to_xyz @ np.ones(3))
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(p, q):
    """CIEDE2000 between two CIELAB colours (Sharma, Wu and Dalal 2005, doi:10.1002/col.20070)."""
    (L1, a1, b1), (L2, a2, b2) = p, q
    C = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    G = 0.5 * (1 - np.sqrt(C**7 / (C**7 + 25**7)))
    a1, a2 = a1 * (1 + G), a2 * (1 + G)
    C1, C2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if C1 * C2 else 0.0
    h = (h1 + turn / 2) % 360 if C1 * C2 else h1 + h2
    L, C = (L1 + L2) / 2, (C1 + C2) / 2
    cos = [np.cos(np.radians(angle)) for angle in (h - 30, 2 * h, 3 * h + 6, 4 * h - 63)]
    T = 1 - 0.17 * cos[0] + 0.24 * cos[1] + 0.32 * cos[2] - 0.20 * cos[3]
    dL = (L2 - L1) / (1 + 0.015 * (L - 50) ** 2 / np.sqrt(20 + (L - 50) ** 2))
    dC = (C2 - C1) / (1 + 0.045 * C)
    dH = 2 * np.sqrt(C1 * C2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * C * T)
    bend = np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2))))
    return np.sqrt(dL**2 + dC**2 + dH**2 - 2 * np.sqrt(C**7 / (C**7 + 25**7)) * bend * dC * dH)


def test_colour_difference_meets_the_published_pairs():
    """The oracle of the tests below is itself right: pairs 1, 17 and 25 of Sharma's table."""
    assert difference((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert difference((50, 2.5, 0), (73, 25, -18)) == pytest.approx(27.1492, abs=1e-4)
    assert difference((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387)) == pytest.approx(
        1.2644, abs=1e-4
    )


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colors", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_rules_stay_apart_for_every_sight(colors, sight):
    """A reader who confuses red and green must still tell the rules apart."""
    rules = [rule for rule in palette.RULES if rule != "sign_symmetry_magnitudes"]  # differs by its line
    for a, b in itertools.combinations(rules, 2):
        assert difference(lab(colors[a], sight), lab(colors[b], sight)) >= 12, (a, b)
    for a, b in itertools.combinations(["bp", "fa", "dfa", "output_only"], 2):  # those of nearly every figure
        assert difference(lab(colors[a], sight), lab(colors[b], sight)) >= 18, (a, b)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colors", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_opposites_stay_apart_for_every_sight(colors, sight):
    """Stable against unstable, aligned against anti-aligned: as lines, as tints, and at the ends of the scale."""
    assert difference(lab(colors["stable"], sight), lab(colors["unstable"], sight)) >= 20
    assert difference(lab(colors["aligned"], sight), lab(colors["anti_aligned"], sight)) >= 10
    assert difference(lab(palette.DIVERGING[2], sight), lab(palette.DIVERGING[-3], sight)) >= 20


@pytest.mark.parametrize("colors", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_marks_and_words_have_contrast(colors):
    """Marks 3:1 and words 4.5:1 against the page (WCAG 1.4.11 and 1.4.3)."""
    dark = colors is palette.DARK
    for role in (*palette.RULES, "stable", "unstable", "neutral"):
        assert palette.contrast(colors[role], colors["page"]) >= 3, role
        assert palette.contrast(palette.text_color(colors[role], dark=dark), colors["page"]) >= 4.5, role
    for color in palette.layers(6, dark=dark):
        assert palette.contrast(color, colors["page"]) >= 3, color
    for ground in ("page", "aligned", "anti_aligned"):
        assert palette.contrast(colors["ink"], colors[ground]) >= 7
        assert palette.contrast(colors["muted"], colors[ground]) >= 4.2


def test_roles_are_complete():
    """Every rule of the library has a name, a colour for both pages, a line and a marker; both pages know all roles."""
    assert set(RULES) == set(palette.RULES)
    assert set(palette.LIGHT) == set(palette.DARK)
    for role in palette.NAMES:
        assert palette.LINES[role] in palette.DASHES
        assert role in palette.LIGHT
    assert set(palette.MARKERS) >= set(palette.RULES)
    assert len({palette.MARKERS[rule] for rule in palette.RULES}) == len(palette.RULES)
    assert [role for role, line in palette.LINES.items() if line == "dashed"] == ["unstable"]


def test_diverging_scale_is_neutral_and_balanced():
    """Equal magnitudes look equally strong, and zero has no hue."""
    light = [lab(color)[0] for color in palette.DIVERGING]
    assert np.hypot(*lab(palette.DIVERGING[5])[1:]) < 3
    assert np.allclose(light, light[::-1], atol=14)
    assert (np.diff(light[:6]) > 0).all()
    assert (np.diff(light[5:]) < 0).all()


def test_palette_needs_no_matplotlib():
    """The explorers import it in a kernel, and the library must stay fast to import."""
    code = "import sys, fa_teach.palette; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- Style and axes -----------------------------------------------------------------------------


def test_style_is_set_when_asked_and_can_be_put_back():
    """Importing changes nothing; `with` leaves nothing behind."""
    before = dict(mpl.rcParams)
    with plots.use_style():
        assert not mpl.rcParams["axes.spines.top"]
        assert mpl.rcParams["figure.facecolor"] == palette.LIGHT["page"]
    assert dict(mpl.rcParams) == before
    code = "import matplotlib as m; a = dict(m.rcParams); import fa_teach.plots; assert dict(m.rcParams) == a"
    subprocess.run([sys.executable, "-c", code], check=True)


GRID = ((-1.0, 1.0), (-1.0, 1.0))
CALLS = {
    "curves": lambda **k: plots.curves([0, 1], [0, 1], **k),
    "reference": lambda **k: plots.reference(0.5, **k),
    "angles": lambda **k: plots.angles([80, 90, 95], **k),
    "compass": lambda **k: plots.compass([0, 1], [1, 1], **k),
    "scatter_weights": lambda **k: plots.scatter_weights(np.ones((2, 3)), np.ones((3, 2)), **k),
    "matrix": lambda **k: plots.matrix(np.eye(3), **k),
    "images": lambda **k: plots.images(np.ones((3, 4)), **k),
    "heatmap": lambda **k: plots.heatmap([1, 2], [1], [[0.1, 0.2]], **k),
    "intervals": lambda **k: plots.intervals({"bp": [0.9, 0.8]}, **k),
    "streamlines": lambda **k: plots.streamlines(lambda x, y: (y, -x), *GRID, **k),
    "vector_field": lambda **k: plots.vector_field(lambda x, y: (y, -x), *GRID, **k),
    "sign_background": lambda **k: plots.sign_background(lambda x, y: x - y, *GRID, **k),
    "curve_by_stability": lambda **k: plots.curve_by_stability([0, 1], [0, 1], [True, False], **k),
    "fixed_points": lambda **k: plots.fixed_points([0, 1], [0, 1], [True, False], **k),
    "trajectory": lambda **k: plots.trajectory([0, 1], [0, 1], **k),
    "spectrum": lambda **k: plots.spectrum([-1, 0.5j], **k),
    "network_diagram": lambda **k: plots.network_diagram([3, 4, 2], **k),
}


@pytest.mark.parametrize("name", CALLS)
def test_draws_on_the_axes_given_and_returns_them(name, ax):
    """Composition: two plots on one axes, and never a figure nobody asked for (checked by the fixture)."""
    draw = CALLS[name]
    assert draw(ax=ax) is ax
    assert draw(ax=ax) is ax


@pytest.mark.parametrize("name", CALLS)
def test_without_axes_the_current_ones_are_used(name):
    """As in a notebook cell, where several calls make one figure."""
    plt.close("all")
    first = CALLS[name]()
    assert first is plt.gca()
    assert len(plt.get_fignums()) == 1
    plt.close("all")


@pytest.mark.parametrize("name", CALLS)
def test_unknown_options_and_wrong_axes_are_refused(name, ax):
    """A misspelt option is an error, not a silent default."""
    with pytest.raises(TypeError, match="colour"):
        CALLS[name](ax=ax, colour="red")
    with pytest.raises(TypeError, match=r"ax must be matplotlib axes; got ndarray"):
        CALLS[name](ax=np.array([ax]))


@pytest.mark.parametrize("name", CALLS)
def test_drawing_says_nothing_and_keeps_the_settings(name, ax, recwarn, caplog):
    """Whatever is written to stderr would break the build of a page."""
    before = dict(mpl.rcParams)
    CALLS[name](ax=ax)
    ax.figure.canvas.draw()
    assert not list(recwarn)
    assert not caplog.records
    assert dict(mpl.rcParams) == before


# -- Curves -------------------------------------------------------------------------------------


def test_median_and_band_over_seeds(ax):
    """The line is the median; the band has the stated percentiles; seeds on two axes count alike."""
    y = np.random.default_rng(0).normal(size=(7, 4, 5))
    plots.curves(range(7), y, ax=ax, role="fa")
    flat = y.reshape(7, 20)
    (line,) = ax.lines
    assert np.allclose(line.get_ydata(), np.median(flat, axis=1))
    assert line.get_color() == palette.LIGHT["fa"]
    (band,) = [c for c in ax.collections if isinstance(c, PolyCollection)]
    corners = band.get_paths()[0].vertices
    low, high = np.percentile(flat, [10, 90], axis=1)
    for i in range(7):
        at = corners[corners[:, 0] == i, 1]
        assert at.min() == pytest.approx(low[i])
        assert at.max() == pytest.approx(high[i])


def test_band_from_smallest_to_largest_and_members(ax):
    """The definition of the band can be chosen, and the seeds themselves be shown."""
    y = np.arange(12.0).reshape(3, 4)
    plots.curves(range(3), y, ax=ax, band=(0, 100), members=True)
    corners = ax.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == 0
    assert corners[:, 1].max() == 11
    assert len(ax.lines) == 4 + 1


def test_one_run_has_no_band(ax):
    """A band of one seed would claim a spread that nobody measured."""
    plots.curves(range(3), [1, 2, 3], ax=ax)
    plots.curves(range(3), np.ones((3, 5)), ax=ax, band=None)
    assert not ax.collections


def test_missing_values_are_left_out(ax):
    """Members that diverged are NaN: the median is over the others, and nothing is drawn where none is left."""
    y = np.array([[1.0, 2, 3], [1, np.nan, 3], [np.nan] * 3])
    plots.curves(range(3), y, ax=ax)
    assert np.array_equal(ax.lines[0].get_ydata(), [2, 2, np.nan], equal_nan=True)


def test_roles_give_line_style_and_label(ax):
    """Baselines are dotted, and a label can be replaced or left away."""
    plots.curves([0, 1], [0, 1], ax=ax, role="output_only")
    plots.curves([0, 1], [0, 2], ax=ax, role="bp", label="")
    plots.curves([0, 1], [0, 3], ax=ax, role="fa", label="mine")
    assert ax.lines[0].get_linestyle() == ":"
    assert set(end_labels(ax)) == {"output layer only", "mine"}


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([0, 1], [0, 1, 2]), {}, r"y must have shape \(2, \.\.\.\), to fit x; got \(3,\)"),
        (([0, 1], [0, np.inf]), {}, "y must be finite"),
        (([0, np.nan], [0, 1]), {}, "x must be finite"),
        (([0, 1], [0, 1]), {"role": "bq"}, "role must be one of 'bp'"),
        (([0, 1], [0, 1]), {"role": "bp", "color": "red"}, "role or color, not both"),
        (([0, 1], [0, 1]), {"color": "blurple"}, "color must be a colour"),
        (([0, 1], [0, 1]), {"band": (90, 10)}, "band must be a low and a high percentile"),
        (([0, 1], [0, 1]), {"band": (0, 101)}, "band must be"),
    ],
)
def test_bad_curves_are_refused(arguments, options, message, ax):
    """One sentence that names the argument."""
    with pytest.raises(ValueError, match=message):
        plots.curves(*arguments, ax=ax, **options)


def test_history_of_one_measure(run, ax):
    """The recorded numbers against epochs, with the axes named."""
    plots.history(run, "train_loss", ax=ax, role="fa")
    assert np.allclose(ax.lines[0].get_xdata(), run.epochs)
    assert np.allclose(ax.lines[0].get_ydata(), np.median(run["train_loss"], axis=1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "training loss")


def test_history_by_layer(run, ax):
    """One labelled line for each layer, in the colours of layers, over a line at zero."""
    plots.history(run, "gradient_alignment", ax=ax, x="steps")
    labels = end_labels(ax)
    assert list(labels) == ["layer 1", "layer 2", "layer 3"]
    for l, label in enumerate(labels.values()):
        assert label.line.get_color() == palette.layers(3)[l]
        assert np.allclose(label.line.get_ydata(), np.median(run["gradient_alignment"][..., l], axis=1))
    assert np.allclose(labels["layer 1"].line.get_xdata(), run.steps)
    assert any(np.array_equal(line.get_ydata(), [0, 0]) for line in ax.lines)


def test_history_of_one_layer(run, ax):
    """A single layer may have a rule's colour."""
    plots.history(run, "signal_alignment", ax=ax, layer=2, role="fa", label="second")
    assert end_labels(ax)["second"].line.get_color() == palette.LIGHT["fa"]
    assert any(np.array_equal(line.get_ydata(), [90, 90]) for line in ax.lines)


def test_history_of_one_network(ax):
    """The last axis is the layers' and not the seeds'."""
    data, _ = datasets.linear_map(5, 2, 64)
    names = ["weight_alignment", "train_loss"]
    run = train(
        init_network([5, 8, 6, 2]), data, rule="fa", steps=3, record=names, record_at=1, progress=False
    )
    plots.history(run, "weight_alignment", ax=ax)
    assert list(end_labels(ax)) == ["layer 1", "layer 2"]
    assert not ax.collections
    plots.history(run, "train_loss", ax=ax)


def test_bad_histories_are_refused(run, ax):
    """What was not recorded cannot be drawn; one colour is for one line."""
    with pytest.raises(ValueError, match="record must be one of"):
        plots.history(run, "test_loss", ax=ax)
    with pytest.raises(ValueError, match="layer must be"):
        plots.history(run, "gradient_alignment", ax=ax, layer=4)
    with pytest.raises(ValueError, match="not measured by layer"):
        plots.history(run, "train_loss", ax=ax, layer=1)
    with pytest.raises(ValueError, match="choose one `layer`"):
        plots.history(run, "gradient_alignment", ax=ax, role="fa")
    with pytest.raises(ValueError, match="x must be one of 'epochs', 'steps'"):
        plots.history(run, "train_loss", ax=ax, x="seconds")


# -- Labels -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("size", [(7, 3), (3, 2)])
def test_end_labels_never_overlap(scale, size):
    """Lines that end close together are the usual case: BP .981, FA .979, direct FA .980."""
    figure, ax = plt.subplots(figsize=size)
    for i, rule in enumerate(("bp", "fa", "dfa", "output_only", "redrawn")):
        plots.curves([0, 1], [0.1, 0.98 + 0.0005 * i], ax=ax, role=rule)
    ax.set_yscale(scale)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in end_labels(ax).values()]
    bare = [mpl.text.Text.get_window_extent(label) for label in end_labels(ax).values()]
    assert len(boxes) == 5
    for a, b in itertools.combinations(bare, 2):
        assert not a.overlaps(b)
    heights = [box.y0 for box in bare]
    assert heights == sorted(heights), "labels stand in the order of their lines"
    assert all(label.arrow_patch.get_visible() for label in list(end_labels(ax).values())[::4])
    plt.close(figure)


def test_constrained_layout_makes_room_for_labels():
    """Words right of the axes must not be cut off or run into the next panel."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
    plots.curves([0, 1], [0, 1], ax=left, role="output_only")
    figure.canvas.draw()
    label = end_labels(left)["output layer only"].get_window_extent()
    assert label.x0 >= left.transData.transform((1, 1))[0]
    assert label.x1 < right.get_tightbbox().x0
    plt.close(figure)


def test_a_label_stands_at_the_end_that_is_in_view(ax):
    """A line that leaves the axes is labelled where it leaves."""
    plots.curves(range(11), np.arange(11.0), ax=ax, label="up")
    ax.set(xlim=(0, 10), ylim=(0, 5))
    ax.figure.canvas.draw()
    end = end_labels(ax)["up"].end()
    assert end == pytest.approx(tuple(ax.transData.transform((5, 5))), abs=1)


def test_spread_keeps_order_and_gaps():
    """Against the properties that define it: gaps hold, free labels stay, the centre of a pool is kept."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        places = rng.uniform(0, 10, 6)
        moved = np.array(plots.spread(list(places), [1.5] * 6))
        order = np.argsort(places)
        assert (np.diff(moved[order]) >= 1.5 - 1e-9).all()
        assert moved.mean() == pytest.approx(places.mean())
    assert plots.spread([0, 5], [1, 1]) == [0, 5]


def test_only_drawn_lines_can_be_labelled():
    """A line without axes has no end to write at."""
    with pytest.raises(ValueError, match="line must be drawn"):
        plots.label_line(mpl.lines.Line2D([0], [0]), "nowhere")


# -- Alignment ----------------------------------------------------------------------------------


def test_angles_show_their_density_and_the_right_angle(ax):
    """The heights are NumPy's histogram; a second, sharper one does not run out of the axes."""
    rng = np.random.default_rng(0)
    wide, sharp = rng.normal(90, 20, 2000).clip(0, 180), rng.normal(90, 2, 2000)
    plots.angles(wide, ax=ax, label="wide", bins=36)
    heights, _ = np.histogram(wide, np.linspace(0, 180, 37), density=True)
    assert np.allclose(ax.patches[0].get_data().values, heights)
    plots.angles(sharp, ax=ax, label="sharp", bins=36)
    assert ax.get_ylim()[1] >= np.histogram(sharp, np.linspace(0, 180, 37), density=True)[0].max()
    assert any(np.array_equal(line.get_xdata(), [90, 90]) for line in ax.lines)
    assert texts(ax) == ["wide", "sharp"]


def test_intervals_need_names(ax):
    """A list of arrays has none."""
    with pytest.raises(TypeError, match="results must be a mapping of names to arrays; got list"):
        plots.intervals([[1.0, 2.0]], ax=ax)


def test_angles_outside_their_range_are_refused(ax):
    """Radians or cosines by mistake would pass for small angles only if negative values passed."""
    with pytest.raises(ValueError, match="values must be at least 0 and at most 180"):
        plots.angles([-0.3], ax=ax)
    with pytest.raises(ValueError, match="at least one angle"):
        plots.angles([np.nan], ax=ax)


@pytest.mark.parametrize(("u", "words"), [([1, 1], "45°"), ([-1, -1], "135°"), ([3, 0], "90°")])
def test_compass_writes_the_angle(u, words, ax):
    """An obtuse angle is shown as one: never its absolute value."""
    plots.compass([0, 1], u, ax=ax)
    assert {words, "$g$", "$u$", "downhill", "uphill"} <= set(texts(ax))


def test_compass_shows_true_angles_in_many_dimensions(ax):
    """Each update is turned into the plane, its angle to the gradient kept."""
    rng = np.random.default_rng(0)
    g, u = rng.normal(size=30), rng.normal(size=(8, 30))
    plots.compass(g, u, ax=ax)
    arrows = [text for text in ax.texts if text.get_text() == "" and text.arrow_patch is not None]
    tips = np.array([arrow.xy for arrow in arrows])  # the last is the gradient's
    assert np.allclose(cosine(tips[:-1], tips[-1]), cosine(u, g))


def test_compass_needs_directions(ax):
    """A zero vector has none."""
    with pytest.raises(ValueError, match="must not be zero"):
        plots.compass([0, 1], [0, 0], ax=ax)
    with pytest.raises(ValueError, match="must have shapes"):
        plots.compass([0, 1], [0, 0, 1], ax=ax)


def test_scatter_pairs_each_weight_with_its_feedback(ax):
    """Wᵀ against B entry by entry: transposing the wrong one would still look like a cloud."""
    rng = np.random.default_rng(0)
    W, B = rng.normal(size=(3, 5)), rng.normal(size=(5, 3))
    plots.scatter_weights(W, B, ax=ax)
    points = ax.collections[-1].get_offsets()
    assert np.allclose(points, np.stack([B.ravel(), W.T.ravel()], axis=-1))
    assert texts(ax) == [f"cosine {cosine(W.T, B, axis=(-2, -1)):.2f}".replace("-", "−")]
    with pytest.raises(ValueError, match=r"B must have the shape of Wᵀ, \(5, 3\); got \(3, 5\)"):
        plots.scatter_weights(W, W, ax=ax)


# -- Matrices, images, maps ---------------------------------------------------------------------


def test_matrix_is_symmetric_about_zero(ax):
    """Zero is neutral whatever the largest entry's sign."""
    plots.matrix([[1, -4], [0, 2]], ax=ax, values=True, colorbar=True)
    assert ax.images[0].get_clim() == (-4, 4)
    assert texts(ax) == ["1", "−4", "0", "2"]
    plots.matrix([[0.0]], ax=ax)
    assert ax.images[1].get_clim() == (-1, 1)


def test_images_keep_their_pixels_and_scale(ax):
    """All on one scale: a faint digit looks faint."""
    pixels = np.arange(24.0).reshape(6, 4)
    plots.images(pixels, ax=ax, columns=4, titles="abcdef")
    assert np.array_equal(ax.images[5].get_array(), pixels[5].reshape(2, 2))
    assert {image.get_clim() for image in ax.images} == {(0, 23)}
    assert texts(ax) == list("abcdef")
    with pytest.raises(ValueError, match="titles must be one for each of 6"):
        plots.images(pixels, ax=ax, titles="abc")
    with pytest.raises(ValueError, match="pixels must have shape"):
        plots.images(np.ones((2, 7)), ax=ax)


def test_heatmap_writes_settings_and_values(ax):
    """First row at the bottom; a cell that is missing is left empty, not coloured as zero."""
    plots.heatmap([0.01, 1, 10], [1, 2], [[0.5, 0.25, np.nan], [1, 0, 0.125]], ax=ax, label="accuracy")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.01", "1", "10"]
    assert texts(ax) == ["0.50", "0.25", "1.00", "0.00", "0.12"]
    assert ax.images[0].origin == "lower"
    assert ax.images[0].get_array().mask[0, 2]
    with pytest.raises(ValueError, match=r"z must have shape \(rows, columns\), here \(2, 3\); got \(3, 2\)"):
        plots.heatmap([1, 2, 3], [1, 2], np.ones((3, 2)), ax=ax)


def test_signed_heatmap_is_neutral_at_zero(ax):
    """The colour of an alignment says its sign."""
    plots.heatmap([1, 2], [1], [[0.2, 0.4]], ax=ax, signed=True)
    assert ax.images[0].get_clim() == (-0.4, 0.4)


@pytest.mark.parametrize("background", [palette.SEQUENTIAL, palette.DIVERGING])
def test_numbers_in_cells_can_be_read(background):
    """Ink or page colour, whichever has more contrast, is enough on every shade."""
    for color in background:
        assert max(palette.contrast(color, palette.LIGHT[ink]) for ink in ("ink", "page")) >= 3.9


def test_intervals_show_median_and_spread(ax):
    """Truncated axes need dots, not bars, whose length would mislead."""
    seeds = np.linspace(0.9, 1, 11)
    plots.intervals({"bp": seeds, "my own": [0.5]}, ax=ax)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["backprop", "my own"]
    assert texts(ax) == ["0.950", "0.500"]
    assert np.allclose(ax.lines[0].get_xdata(), [0.91, 0.99])
    assert np.allclose(np.asarray(ax.collections[0].get_offsets())[:, 0], seeds)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    for bad in ({}, {"bp": []}):
        with pytest.raises(ValueError, match="must hold at least one"):
            plots.intervals(bad, ax=ax)


# -- Dynamics -----------------------------------------------------------------------------------


def test_stability_is_drawn_solid_and_dashed(ax):
    """Without colour, the line style still says it; the stretches meet."""
    x = np.linspace(-1, 1, 21)
    plots.curve_by_stability(x, x**2, x < 0, ax=ax, labels=True)
    solid, dashed = ax.lines
    assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    assert solid.get_xdata()[-1] == dashed.get_xdata()[0]
    assert len(solid.get_xdata()) + len(dashed.get_xdata()) == 22
    assert set(end_labels(ax)) == {"stable", "unstable"}


def test_stability_is_never_guessed(ax):
    """Numbers instead of verdicts are refused: a typed 1 or an eigenvalue is not a verdict."""
    with pytest.raises(ValueError, match="stable \\(of bool\\)"):
        plots.curve_by_stability([0, 1], [0, 1], [1.0, -1.0], ax=ax)
    with pytest.raises(ValueError, match="stable \\(of bool\\)"):
        plots.fixed_points([0, 1], [0, 1], [1, 0], ax=ax)


def test_fixed_points_have_markers_of_their_own(ax):
    """A disc and a cross."""
    plots.fixed_points([0, 1, 2], [0, 0, 0], [True, False, True], ax=ax)
    assert [(line.get_marker(), list(line.get_xdata())) for line in ax.lines] == [("o", [0, 2]), ("X", [1])]


SPECTRUM = np.array([-3.0, -0.5 + 0.5j, -0.5 - 0.5j, 0.4, 0.0])


def marked(ax):
    return {
        line.get_gid(): set(np.round(np.c_[line.get_data()], 9)[:, 0]) for line in ax.lines if line.get_gid()
    }


def test_spectrum_of_a_flow(ax):
    """The half-plane decides."""
    plots.spectrum(SPECTRUM, ax=ax)
    assert marked(ax) == {"stable": {-3, -0.5}, "unstable": {0.4}, "neutral": {0}}


def test_spectrum_of_steps(ax):
    """The disc decides: -3 is stable for the flow and not for steps of 0.8, as |1 - 2.4| > 1."""
    plots.spectrum(SPECTRUM, ax=ax, step_size=0.8)
    assert marked(ax) == {"stable": {-0.5}, "unstable": {-3, 0.4}, "neutral": {0}}
    disc = ax.patches[-1]
    assert disc.center == (-1.25, 0)
    assert disc.radius == 1.25


def test_neutral_eigenvalues_can_be_named(ax):
    """`FixedPoint` has its own tolerance."""
    plots.spectrum([-1, 1e-3], ax=ax, neutral=[False, True])
    assert marked(ax)["neutral"] == {1e-3}
    with pytest.raises(ValueError, match="neutral must be 2 of bool"):
        plots.spectrum([-1, 1e-3], ax=ax, neutral=[True])
    with pytest.raises(ValueError, match="eigenvalues must be"):
        plots.spectrum([np.nan], ax=ax)
    with pytest.raises(ValueError, match="step_size must be"):
        plots.spectrum([-1], ax=ax, step_size=0)


def test_signs_are_named_where_they_hold(ax):
    """Words carry what the tints show, and stand inside their regions."""
    plots.sign_background(lambda x, y: x**2 + y, (-3, 3), (-3, 3), ax=ax)
    places = {text.get_text(): text.get_position() for text in ax.texts}
    (x, y), (u, v) = places["aligned"], places["anti-aligned"]
    assert x**2 + y > 0 > u**2 + v
    faces = [to_hex(color) for color in ax.collections[0].get_facecolor()]
    assert faces == [palette.LIGHT["anti_aligned"], palette.LIGHT["aligned"]]


@pytest.mark.parametrize(("sign", "word"), [(1, "aligned"), (-1, "anti-aligned")])
def test_a_plane_of_one_sign(sign, word, ax):
    """No contour to draw is no reason to warn."""
    plots.sign_background(lambda x, y: sign * (1 + x**2 + 0 * y), (-1, 1), (-1, 1), ax=ax)
    assert texts(ax) == [word]


def test_vector_field_points_where_the_field_does(ax):
    """Directions are kept, also where all arrows are equally long; a zero has none."""
    plots.vector_field(lambda x, y: (x, 2 * y), (-1, 1), (-1, 1), ax=ax, n=3)
    quiver = ax.collections[0]
    assert np.allclose(np.hypot(quiver.U, quiver.V).reshape(3, 3), [[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    assert np.allclose([quiver.U[0], quiver.V[0]], np.array([-1, -2]) / np.sqrt(5))


def test_bad_fields_are_refused(ax):
    """A field must have two components, be finite, and the window a positive size."""
    with pytest.raises(ValueError, match="f must return a pair"):
        plots.streamlines(lambda x, y: (x, y, x), *GRID, ax=ax)
    with pytest.raises(ValueError, match=r"f\(X, Y\) must be finite"):
        plots.vector_field(lambda x, y: (x * np.nan, y), *GRID, ax=ax)
    with pytest.raises(ValueError, match="xlim must be a low and a high number"):
        plots.sign_background(lambda x, y: x + y, (1, -1), (-1, 1), ax=ax)


def test_trajectories_start_with_a_ring(ax):
    """Where it started must be seen; a path that has diverged ends where it did."""
    x = np.array([[0.0, 1], [1, 2], [2, np.nan]])
    plots.trajectory(x, x, ax=ax, role="fa")
    assert [list(line.get_xdata()) for line in ax.lines] == [[0, 1, 2], [0], [1, 2], [1]]
    assert set(end_labels(ax)) == {"FA"}


# -- Networks -----------------------------------------------------------------------------------


def feedback_paths(ax):
    """Hidden layer -> horizontal start and end of the path of its error."""
    paths = {
        p.get_gid(): p._path_original.vertices
        for p in ax.patches
        if (p.get_gid() or "").startswith("feedback")
    }
    return {gid: (round(float(v[0, 0]), 1), round(float(v[-1, 0]), 1)) for gid, v in paths.items()}


@pytest.mark.parametrize(
    ("rule", "paths", "symbols"),
    [
        ("bp", {"feedback 1": (2.9, 1.5), "feedback 2": (4.4, 3.0)}, {r"$W_2^\top$", r"$W_3^\top$"}),
        ("fa", {"feedback 1": (2.9, 1.5), "feedback 2": (4.4, 3.0)}, {"$B_2$", "$B_3$"}),
        ("dfa", {"feedback 1": (4.4, 1.5), "feedback 2": (4.4, 3.0)}, {"$B_1$", "$B_2$"}),
        ("output_only", {}, set()),
    ],
)
def test_feedback_goes_where_the_rule_sends_it(rule, paths, symbols, ax):
    """From the layer above, straight from the output, or nowhere; with the book's symbols."""
    plots.network_diagram([64, 5, 5, 3], ax=ax, rule=rule)
    assert feedback_paths(ax) == paths
    assert {t for t in texts(ax) if t.startswith("$B") or "top" in t} == symbols
    assert ax.get_title(loc="center") == palette.NAMES[rule]


def test_wide_layers_are_abridged(ax):
    """At most five places in a column, one of them dots."""
    plots.network_diagram([64, 3, 2], ax=ax)
    circles = [patch for patch in ax.patches if isinstance(patch, mpl.patches.Circle)]
    assert len(circles) == 4 + 3 + 2
    assert len(ax.collections[0].get_segments()) == 4 * 3
    with pytest.raises(ValueError, match="rule must be one of"):
        plots.network_diagram([3, 2], ax=ax, rule="hebb")
    with pytest.raises(ValueError, match="sizes must name at least"):
        plots.network_diagram([3], ax=ax)
