"""Quantities over time, labels where lines end, and comparisons between rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator

from fa_teach import _checks, palette
from fa_teach.plots.style import (
    BAND,
    COLORS,
    Band,
    _axes,
    _degrees,
    _layers,
    _paint,
    _percentiles,
    _quantile,
    _with_gaps,
)

if TYPE_CHECKING:
    from matplotlib.backend_bases import RendererBase
    from matplotlib.lines import Line2D

    from fa_teach.training import History


def curves(
    x: Any,
    y: Any,
    *,
    ax: Axes | None = None,
    role: str | None = None,
    color: str | None = None,
    label: str | None = None,
    band: Band | None = BAND,
    members: bool = False,
    linestyle: str | None = None,
    linewidth: float = 1.8,
) -> Axes:
    """Draw a quantity over time: one line, or the median over seeds with a band.

    Parameters
    ----------
    x : array, shape ``(times,)``
    y : array, shape ``(times,)`` or ``(times, ...)``
        All axes after the first are seeds. NaN, as for members that diverged, is left out of median and band.
    ax : matplotlib axes, optional
        By default the current ones; the same for every function here.
    role : str, optional
        A role of `fa_teach.palette`, such as ``"fa"``: it gives the colour, the line style and the label.
    color : str, optional
        Instead of a role.
    label : str, optional
        Written where the line ends. ``""`` leaves a role's name away.
    band : pair of numbers, or None
        Percentiles of the seeds, by default 10 and 90; ``(0, 100)`` is from the smallest to the largest.
    members : bool
        Draw each seed as a thin line too.
    linestyle : str, optional
    linewidth : float

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError, TypeError
        For shapes that do not fit, infinity, an unknown role, or percentiles out of order.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> runs = np.random.default_rng(0).normal(size=(50, 20))  # 50 times, 20 seeds
    >>> ax = curves(range(50), runs, ax=ax, role="fa")
    >>> plt.close(fig)
    """
    x, y = _checks.real_array("x", x), _with_gaps("y", y)
    if x.ndim != 1 or y.ndim < 1 or len(y) != len(x):
        raise ValueError(f"y must have shape ({x.size}, ...), to fit x; got {y.shape}, x {x.shape}.")
    color, style, label = _paint(role, color, linestyle, label)
    low, high = _percentiles(band)
    ax = _axes(ax)
    seeds = y.reshape(len(x), -1)  # (times, seeds)
    if seeds.shape[1] > 1 and band is not None:
        ax.fill_between(x, _quantile(seeds, low), _quantile(seeds, high), color=color, alpha=0.2, linewidth=0)
    if members:
        ax.plot(x, seeds, color=color, alpha=0.35, linewidth=0.6, linestyle=style)
    (line,) = ax.plot(x, _quantile(seeds, 50), color=color, linestyle=style, linewidth=linewidth)
    if label:
        label_line(line, label)
    return ax


QUANTITIES: dict[str, str] = {
    "train_loss": "training loss",
    "test_loss": "test loss",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "gradient_alignment": "gradient alignment (cosine)",
    "total_gradient_alignment": "total gradient alignment (cosine)",
    "weight_alignment": "weight alignment (cosine)",
    "signal_alignment": "signal alignment (angle)",
    "descent": "descent driven by a layer",
    "weight_norm": "norm of the weights",
    "gradient_norm": "norm of the gradient",
    "update_norm": "norm of the update",
}
"""What is written on the axis of a recorded measure."""


def history(
    history: History,
    name: str,
    *,
    ax: Axes | None = None,
    x: str = "epochs",
    layer: int | Sequence[int] | None = None,
    role: str | None = None,
    color: str | None = None,
    label: str | None = None,
    band: Band | None = BAND,
    members: bool = False,
    linestyle: str | None = None,
) -> Axes:
    """Draw a recorded measure of a training run; measures by layer have one labelled line for each layer.

    Parameters
    ----------
    history : History
        Of one network or an ensemble, whose members make the band.
    name : str
        One of the recorded measures.
    ax : matplotlib axes, optional
    x : str
        ``"epochs"`` or ``"steps"``.
    layer : int or sequence of int, optional
        For a measure by layer: which, counted from 1; by default all.
    role, color, label
        As for `curves`. They are for one line: for a measure by layer, choose one `layer`.
    band, members, linestyle
        As for `curves`.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        For a measure that was not recorded, a layer that does not exist, or one colour for several layers.

    Examples
    --------
    >>> from fa_teach import datasets, init_network, train
    >>> data, _ = datasets.linear_map(5, 2, 50)
    >>> net = init_network([5, 8, 2], activation="identity", seed=range(4))
    >>> run = train(net, data, rule="fa", epochs=3, record=["train_loss", "weight_alignment"])
    >>> fig, (left, right) = plt.subplots(1, 2)
    >>> ax = history(run, "train_loss", ax=left, role="fa")
    >>> ax = history(run, "weight_alignment", ax=right)
    >>> plt.close(fig)
    """
    _checks.one_of("x", x, ("epochs", "steps"))
    values = history[name]  # (times, *ensemble) or (times, *ensemble, layers)
    times = history.epochs if x == "epochs" else history.steps
    plain = 1 + len(history.network.ensemble)
    if values.ndim not in (plain, plain + 1):
        raise ValueError(f"{name} must have one number for each member or layer; got shape {values.shape}.")
    ax = _axes(ax)
    if name.endswith("_alignment") and name != "signal_alignment":
        reference(0, ax=ax)
    if values.ndim == plain:
        if layer is not None:
            raise ValueError(f"layer must be left out, {name} is not measured by layer; got {layer!r}.")
        curves(
            times,
            values,
            ax=ax,
            role=role,
            color=color,
            label=label,
            band=band,
            members=members,
            linestyle=linestyle,
        )
    else:
        chosen = _layers(layer, values.shape[-1])
        single = len(chosen) == 1 and layer is not None
        if not single and (role, color, label) != (None, None, None):
            raise ValueError(
                "role, color and label are for one line; got several layers, choose one `layer`."
            )
        shades = palette.layers(values.shape[-1])
        for l in chosen:
            shade = shades[l - 1] if role is None and color is None else color
            text = f"layer {l}" if label is None and role is None else label
            curves(
                times,
                values[..., l - 1],
                ax=ax,
                role=role,
                color=shade,
                label=text,
                band=band,
                members=members,
                linestyle=linestyle,
            )
    ax.set_xlabel("epoch" if x == "epochs" else "step")
    if x == "steps" or times[-1] >= 3:  # there is no epoch 2.5
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.set_ylabel(QUANTITIES.get(name, name.replace("_", " ")))
    if name == "signal_alignment":
        _degrees(ax.yaxis, wide=False)
        reference(90, ax=ax)
    return ax


def reference(
    value: float,
    *,
    ax: Axes | None = None,
    axis: str = "y",
    label: str | None = None,
    color: str | None = None,
) -> Axes:
    """Draw a thin line right across at a value to compare with, such as chance level or 90°.

    Parameters
    ----------
    value : float
    ax : matplotlib axes, optional
    axis : str
        ``"y"`` for a level, ``"x"`` for a moment.
    label : str, optional
        Written along the line.
    color : str, optional

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = reference(0.1, ax=ax, label="chance")
    >>> plt.close(fig)
    """
    _checks.one_of("axis", axis, ("x", "y"))
    value = _checks.number("value", value)
    color = COLORS["muted"] if color is None else color
    ax = _axes(ax)
    draw = ax.axhline if axis == "y" else ax.axvline
    draw(value, color=color, linewidth=0.9, zorder=1.5)
    if label:
        where: dict[str, Any] = {
            "textcoords": "offset points",
            "fontsize": 9,
            "color": palette.text_color(color),
        }
        if axis == "y":
            ax.annotate(label, (0, value), (4, 3), xycoords=("axes fraction", "data"), **where)
        else:
            ax.annotate(label, (value, 1), (4, -2), xycoords=("data", "axes fraction"), va="top", **where)
    return ax


# -- Labels where lines end ---------------------------------------------------------------------


class EndLabel(Annotation):
    """The label of a line, right of its end; labels on the same axes move apart, whatever the figure's size."""

    GAP = 6.0  # points from the line's end to the text
    LEADER = 15.0  # likewise where a thin line leads to a label that had to move

    def __init__(self, ax: Axes, line: Line2D, text: str, color: str) -> None:
        super().__init__(
            text,
            (0, 0),
            (self.GAP, 0),
            xycoords="figure pixels",
            textcoords="offset points",
            color=color,
            fontsize=9.5,
            va="center_baseline",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": line.get_color(),
                "linewidth": 0.8,
                "shrinkA": 1,
                "shrinkB": 2,
                "relpos": (0, 0.5),
            },
        )
        self.line, self.home = line, ax
        self.set_clip_on(False)

    def end(self) -> tuple[float, float]:
        """Last point of the line that is in view, in pixels."""
        box = self.home.bbox
        points = self.line.get_transform().transform(np.asarray(self.line.get_xydata(), dtype=float))
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            return box.x1, box.y0
        low, high = np.array([box.x0, box.y0]), np.array([box.x1, box.y1])
        shown = points[((points >= low - 1) & (points <= high + 1)).all(axis=1)]
        x, y = np.clip(shown[-1] if len(shown) else points[-1], low, high)
        return float(x), float(y)

    def update_positions(self, renderer: RendererBase) -> None:
        """Take the place that the other labels leave."""
        x, y = self.end()
        point = float(cast("float", renderer.points_to_pixels(1.0)))  # pixels
        peers = [label for label in self.home.texts if isinstance(label, EndLabel) and label.get_visible()]
        near = [label for label in peers if abs(label.end()[0] - x) < 40 * point]
        row = 1.25 * float(self.get_fontsize()) * point
        heights = [row * (1 + label.get_text().count("\n")) for label in near]
        box = self.home.bbox
        wanted = [
            float(np.clip(l.end()[1], box.y0 + h / 2, box.y1)) for l, h in zip(near, heights, strict=True)
        ]
        moved = (spread(wanted, heights)[near.index(self)] - y) / point
        leader = abs(moved) > 2.5
        self.xy = (x, y)
        self.xyann = (self.LEADER if leader else self.GAP, moved)
        if self.arrow_patch is not None:
            self.arrow_patch.set_visible(leader)
            self.arrow_patch.set_clip_on(False)
        super().update_positions(renderer)


def label_line(line: Line2D, text: str, *, color: str | None = None) -> Annotation:
    """Write the label of a line where it ends, clear of the other labels on the same axes.

    Parameters
    ----------
    line : matplotlib line
    text : str
    color : str, optional
        By default that of the line, darkened where words would be hard to read.

    Returns
    -------
    matplotlib annotation

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> label_line(ax.plot([0, 1], [0, 1])[0], "identity").get_text()
    'identity'
    >>> plt.close(fig)
    """
    ax = line.axes
    if ax is None:
        raise ValueError("line must be drawn on axes before it is labelled; got one without.")
    color = mpl.colors.to_hex(cast("Any", line.get_color())) if color is None else color
    label = EndLabel(cast("Axes", ax), line, text, palette.text_color(color))
    ax.add_artist(label)
    return label


def spread(places: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Move centres apart until they no longer overlap, as little as possible in the sum of squares.

    Parameters
    ----------
    places, heights : sequence of float
        Centres and extents, one each.

    Returns
    -------
    list of float
        The new centres, in the order given.

    Examples
    --------
    >>> spread([0.0, 0.0, 9.0], [2, 2, 2])
    [-1.0, 1.0, 9.0]
    """
    order = np.argsort(np.asarray(places, dtype=float), kind="stable")
    size = np.asarray(heights, dtype=float)[order]
    offset = np.concatenate([[0.0], np.cumsum((size[1:] + size[:-1]) / 2)])
    blocks: list[list[float]] = []  # [mean, count]: pools of labels that touch (isotonic regression)
    for start in np.asarray(places, dtype=float)[order] - offset:
        blocks.append([float(start), 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            other = blocks[-1]
            other[0] = (other[0] * other[1] + mean * count) / (other[1] + count)
            other[1] += count
    fitted = np.concatenate([np.full(int(count), mean) for mean, count in blocks]) + offset
    result = np.empty_like(fitted)
    result[order] = fitted
    return [float(place) for place in result]


# -- Comparisons --------------------------------------------------------------------------------


def intervals(
    results: Mapping[str, Any],
    *,
    ax: Axes | None = None,
    band: Band = BAND,
    members: bool = True,
    form: str | None = "{:.3f}",
) -> Axes:
    """Draw a final result for each rule, one row each: median, band over seeds, and the seeds themselves.

    Parameters
    ----------
    results : mapping of str to array
        From a role, or a name of your own, to one number for each seed. The first row is at the top.
    ax : matplotlib axes, optional
    band : pair of numbers
        Percentiles, by default 10 and 90.
    members : bool
        Draw each seed as a faint dot.
    form : str or None
        How the median is written; None leaves it away.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = intervals({"bp": [0.98, 0.981, 0.979], "output_only": [0.94, 0.95, 0.945]}, ax=ax)
    >>> plt.close(fig)
    """
    if not isinstance(results, Mapping):
        raise TypeError(f"results must be a mapping of names to arrays; got {type(results).__name__}.")
    if not results:
        raise ValueError("results must hold at least one row; got none.")
    low, high = _percentiles(band)
    rows = {name: _checks.real_array(f"results[{name!r}]", value).ravel() for name, value in results.items()}
    ax = _axes(ax)
    for row, (name, seeds) in enumerate(rows.items()):
        color = COLORS.get(name, COLORS["ink"])
        if not seeds.size:
            raise ValueError(f"results[{name!r}] must hold at least one number; got none.")
        median = float(np.median(seeds))
        if members and seeds.size > 1:
            shift = 0.22 + 0.1 * np.sin(
                2.4 * np.arange(seeds.size)
            )  # apart from each other, below the row's line
            ax.scatter(seeds, row + shift, s=8, color=color, alpha=0.45, linewidths=0)
        ax.plot(np.percentile(seeds, [low, high]), [row, row], color=color, linewidth=3.2, alpha=0.55)
        ax.plot(
            [median],
            [row],
            palette.MARKERS.get(name, "o"),
            color=color,
            markersize=7,
            markeredgecolor=COLORS["page"],
        )
        if form is not None:
            ax.annotate(
                form.format(median),
                (median, row),
                (0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                color=palette.text_color(color),
            )
    ax.set_yticks(range(len(rows)), [palette.NAMES.get(name, name) for name in rows])
    ax.set_ylim(len(rows) - 0.45, -0.65)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False, axis="y")
    return ax
