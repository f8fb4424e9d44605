"""The look of the book's figures, and what all of them are made with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator, MultipleLocator

from fa_teach import _checks, palette

if TYPE_CHECKING:
    pass

Array = npt.NDArray[Any]
Band = tuple[float, float]
Field = Callable[[Array, Array], tuple[Any, Any]]

BAND: Band = (10, 90)
STREAM = "#9da4ac"  # of flows in the background
COLORS = palette.LIGHT
SIGNED = LinearSegmentedColormap.from_list("fa_signed", palette.DIVERGING)
MAGNITUDE = LinearSegmentedColormap.from_list("fa_magnitude", palette.SEQUENTIAL)


STYLE: dict[str, Any] = {
    "figure.figsize": (7, 3),
    "figure.dpi": 100,
    "figure.facecolor": COLORS["page"],
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.06,
    "savefig.facecolor": COLORS["page"],
    "font.size": 10,
    "text.color": COLORS["ink"],
    "mathtext.fontset": "cm",
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 10,
    "axes.labelcolor": COLORS["ink"],
    "axes.edgecolor": COLORS["muted"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.xmargin": 0.02,
    "axes.prop_cycle": cycler(color=[COLORS[rule] for rule in ("bp", "fa", "dfa", "sign_symmetry")]),
    "grid.color": COLORS["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": COLORS["muted"],
    "ytick.color": COLORS["muted"],
    "xtick.labelcolor": COLORS["ink"],
    "ytick.labelcolor": COLORS["ink"],
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "image.cmap": "viridis",
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "fa_teach",  # the same figure gives the same file
}
"""The look of the book, as matplotlib's settings: ``with plt.rc_context(plots.STYLE): ...``."""


def use_style() -> ExitStack:
    """Set the look of the book for all figures that follow; in a notebook, also twice the resolution.

    Returns
    -------
    contextlib.ExitStack
        Used in a ``with`` statement, it puts the former settings back at the end.

    Examples
    --------
    >>> with use_style():
    ...     fig, ax = plt.subplots()
    >>> plt.close(fig)
    """
    context = ExitStack()
    settings = cast("dict[str, Any]", mpl.rcParams)
    context.callback(settings.update, {name: settings[name] for name in STYLE})
    settings.update(STYLE)
    _sharp_images()
    return context


def _sharp_images() -> None:
    """Twice the pixels where figures are shown inline in a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")  # type: ignore[no-untyped-call]


# -- Parts --------------------------------------------------------------------------------------


def _axes(ax: Axes | None) -> Axes:
    if ax is None:
        return plt.gca()
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be matplotlib axes; got {type(ax).__name__}.")
    return ax


def _role(role: str) -> str:
    _checks.one_of("role", role, palette.NAMES)
    return role


def _paint(
    role: str | None, color: str | None, linestyle: str | None, label: str | None
) -> tuple[str, str, str]:
    """Colour, line style and label, from a role or given."""
    if role is not None and color is not None:
        raise ValueError(f"give role or color, not both; got role={role!r} and color={color!r}.")
    if role is not None:
        _role(role)
        return COLORS[role], linestyle or palette.LINES[role], palette.NAMES[role] if label is None else label
    if color is not None and not mpl.colors.is_color_like(color):
        raise ValueError(f"color must be a colour that matplotlib knows; got {color!r}.")
    return mpl.colors.to_hex(color or COLORS["ink"]), linestyle or "solid", label or ""


def _with_gaps(name: str, value: Any) -> Array:
    """Check for an array of real numbers in which NaN stands for what is missing."""
    try:
        result = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers; got {type(value).__name__}.") from None
    _checks.real_array(name, np.where(np.isnan(result), 0, result))
    return result


def _percentiles(band: Band | None) -> Band:
    if band is None:
        return BAND
    low, high = (_checks.number("band", value, low=0, high=100) for value in band)
    if low >= high:
        raise ValueError(f"band must be a low and a high percentile; got {band}.")
    return low, high


def _limits(name: str, limits: tuple[float, float]) -> tuple[float, float]:
    low, high = (_checks.number(name, value) for value in limits)
    if low >= high:
        raise ValueError(f"{name} must be a low and a high number; got {limits}.")
    return low, high


def _quantile(seeds: Array, percent: float) -> Array:
    """Percentile over the last axis of what is known; NaN where nothing is."""
    result = np.full(len(seeds), np.nan)
    known = ~np.isnan(seeds).all(axis=1)
    if known.any():
        result[known] = np.nanpercentile(seeds[known], percent, axis=1)
    return result


def _layers(layer: int | Sequence[int] | None, count: int) -> list[int]:
    chosen = (
        range(1, count + 1) if layer is None else [layer] if isinstance(layer, int | np.integer) else layer
    )
    return [_checks.integer("layer", l, low=1, high=count) for l in chosen]


def _grid(
    xlim: tuple[float, float], ylim: tuple[float, float], n: int
) -> tuple[Array, Array, tuple[float, float], tuple[float, float]]:
    xlim, ylim = _limits("xlim", xlim), _limits("ylim", ylim)
    n = _checks.integer("n", n, low=2)
    X, Y = np.meshgrid(np.linspace(*xlim, n), np.linspace(*ylim, n))
    return X, Y, xlim, ylim


def _evaluate(f: Field, X: Array, Y: Array) -> tuple[Array, Array]:
    result = f(X, Y)
    if len(result) != 2:
        raise ValueError(f"f must return a pair (U, V); got {len(result)} values.")
    U, V = (_checks.real_array("f(X, Y)", part).astype(float) for part in result)
    return np.broadcast_to(U, X.shape), np.broadcast_to(V, X.shape)


def _roomiest(inside: Array, cells: int = 31) -> tuple[int, int]:
    """Place in a region that is farthest from its border and from the plane's."""
    places = [np.unique(np.linspace(0, n - 1, min(n, cells)).round().astype(int)) for n in inside.shape]
    i, j = (part.ravel() for part in np.meshgrid(*places, indexing="ij"))
    coarse = inside[i, j]
    if not coarse.any():
        first = np.argwhere(inside)[0]
        return int(first[0]), int(first[1])
    height, width = inside.shape
    within = np.minimum.reduce([i + 1, height - i, (j + 1) * 0.6, (width - j) * 0.6]).astype(
        float
    )  # words are wide
    outside = np.stack([i[~coarse], j[~coarse]])
    if outside.size:
        apart = np.hypot(i[:, None] - outside[0], (j[:, None] - outside[1]) * 0.6).min(axis=1)
        within = np.minimum(within, apart)
    best = int(np.where(coarse, within, -1).argmax())
    return int(i[best]), int(j[best])


def _walk(path: Array, walked: Array, share: float) -> tuple[float, float]:
    """Point of a path at a share of its length."""
    where = share * walked[-1]
    return float(np.interp(where, walked, path[:, 0])), float(np.interp(where, walked, path[:, 1]))


def _unit(degrees: Any) -> Array:
    turn = np.radians(degrees)
    return np.array([np.cos(turn), np.sin(turn)])


def _arrow(ax: Axes, start: Any, end: Any, color: str, *, linewidth: float) -> None:
    arrow = {"arrowstyle": "-|>", "color": color, "linewidth": linewidth, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", tuple(end), tuple(start), arrowprops=arrow)


def _point_label(ax: Axes, where: Array, text: str, color: str) -> None:
    ax.text(where[0], where[1], text, color=palette.text_color(color), ha="center", va="center")


def _degrees(axis: Any, *, wide: bool) -> None:
    axis.set_major_locator(MultipleLocator(45) if wide else MaxNLocator(6, steps=[1, 1.5, 3, 10]))
    axis.set_major_formatter(lambda value, _: f"{value:g}°")


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _bare(ax: Axes) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _write_cells(ax: Axes, z: Array, shades: Array, form: str) -> None:
    for (i, j), value in np.ndenumerate(z):
        if np.isnan(value):
            continue
        shade = mpl.colors.to_hex(tuple(shades[i, j]))
        color = max((COLORS["ink"], COLORS["page"]), key=lambda ink: palette.contrast(ink, shade))
        ax.text(j, i, form.format(value).replace("-", "−"), ha="center", va="center", fontsize=9, color=color)


def _colorbar(ax: Axes, image: Any, label: str | None) -> None:
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.03, 0, 0.035, 1)))
    bar.ax.grid(visible=False)
    for spine in bar.ax.spines.values():
        spine.set_visible(False)
    bar.set_label(label or "")


def _halo(color: str) -> list[Any]:
    """A rim in the colour of the ground, so that words stay readable on lines."""
    return [withStroke(linewidth=3, foreground=color)]
