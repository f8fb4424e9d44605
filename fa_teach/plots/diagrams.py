"""Diagrams of networks: what goes forwards, and what carries the error back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path as MplPath

from fa_teach import _checks, palette
from fa_teach.plots.style import COLORS, _arrow, _axes

if TYPE_CHECKING:
    pass


def network_diagram(
    sizes: Sequence[int],
    *,
    ax: Axes | None = None,
    rule: str = "bp",
    units: int = 5,
    labels: bool = True,
    title: str | None = None,
) -> Axes:
    """Draw a network with its forward weights, and below it the paths that carry the error back.

    Parameters
    ----------
    sizes : sequence of int
        Widths ``n_0, ..., n_L``.
    ax : matplotlib axes, optional
    rule : str
        ``"bp"`` sends the error through transposed weights, ``"fa"`` and its kin through ``B``, ``"dfa"``
        straight from the output to each hidden layer, ``"output_only"`` nowhere.
    units : int
        At most so many circles in a layer; more are shown by dots.
    labels : bool
        Write the symbols.
    title : str, optional
        By default the rule's name; ``""`` for none.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = network_diagram([64, 32, 32, 10], ax=ax, rule="fa")
    >>> plt.close(fig)
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes must name at least inputs and outputs; got {list(sizes)}.")
    widths = [_checks.integer(f"sizes[{i}]", n, low=1) for i, n in enumerate(sizes)]
    _checks.one_of("rule", rule, palette.RULES)
    units = _checks.integer("units", units, low=3)
    ax = _axes(ax)
    half = _units(ax, widths, units)
    depth, color = len(widths) - 1, COLORS[rule]
    top = half + 0.26
    for l in range(depth):
        start, end = SPACING * l + 0.34, SPACING * (l + 1) - 0.34
        _arrow(ax, (start, top), (end, top), COLORS["ink"], linewidth=1.4)
        if labels:
            ax.text((start + end) / 2, top + 0.06, f"$W_{{{l + 1}}}$", ha="center", va="bottom")
    if labels:
        hidden = ["h"] if depth == 2 else [f"h_{l}" for l in range(1, depth)]
        for l, symbol in enumerate(["x", *hidden, "y"]):
            ax.text(SPACING * l, top, f"${symbol}$", ha="center", va="center")
    _feedback_paths(ax, rule, depth, -half - 0.1, labels=labels)
    heading = palette.NAMES[rule] if title is None else title
    if heading:
        ax.set_title(heading, loc="center", color=palette.text_color(color), fontweight="bold")
    lowest = -half - 0.65 - NESTING * max(depth - 2, 0)  # the same for every rule, so that diagrams line up
    ax.set(xlim=(-0.3, SPACING * depth + 0.3), ylim=(lowest, top + 0.36), aspect="equal")
    ax.axis("off")
    return ax


SPACING, NESTING = 1.5, 0.3  # between layers; between paths of direct feedback


def _units(ax: Axes, widths: list[int], most: int) -> float:
    """Circles of each layer and lines between them; returns how far up they reach.

    In a layer too wide to draw, three dots stand in for the middle circle.
    """
    pitch, radius = 0.34, 0.11
    places = [pitch * (np.arange(min(n, most)) - (min(n, most) - 1) / 2) for n in widths]
    drawn = [np.delete(y, len(y) // 2) if n > most else y for n, y in zip(widths, places, strict=True)]
    for l, (below, above) in enumerate(pairwise(drawn)):
        ends = [SPACING * l + radius, SPACING * (l + 1) - radius]
        segments = [[(ends[0], a), (ends[1], b)] for a in below for b in above]
        ax.add_collection(LineCollection(segments, colors=COLORS["faint"], linewidths=0.6, zorder=1))
    for l, (n, circles) in enumerate(zip(widths, drawn, strict=True)):
        face = COLORS["page"] if l in (0, len(widths) - 1) else COLORS["grid"]
        for y in circles:
            disc = Circle((SPACING * l, y), radius, facecolor=face, edgecolor=COLORS["ink"], zorder=2)
            ax.add_patch(disc)
        if n > most:
            middle = places[l][len(places[l]) // 2]
            ax.plot(
                [SPACING * l] * 3,
                middle + np.array([-0.08, 0, 0.08]),
                "o",
                color=COLORS["ink"],
                markersize=1.6,
            )
    return float(max(y.max() for y in places)) + radius


def _feedback_paths(ax: Axes, rule: str, depth: int, y: float, *, labels: bool) -> None:
    """Paths of the error below the network, from the output to the hidden layers."""
    if labels:
        symbol = "$\\delta$" if depth < 3 else f"$\\delta_{depth}$"
        ax.text(SPACING * depth + 0.06, y - 0.02, symbol, ha="left", va="top")
    if rule == "output_only":
        return
    for l in range(depth - 1, 0, -1):
        source = depth if rule == "dfa" else l + 1
        floor = y - 0.42 - (NESTING * (depth - 1 - l) if rule == "dfa" else 0)
        start, end = (SPACING * source - 0.12, y - 0.06), (SPACING * l, y)
        arrow = FancyArrowPatch(
            path=_rounded(start, end, floor), arrowstyle="-|>", mutation_scale=11, fill=False
        )
        arrow.set(color=COLORS[rule], linewidth=1.8, linestyle=palette.LINES[rule], gid=f"feedback {l}")
        ax.add_patch(arrow)
        if labels:
            carrier = f"B_{l}" if rule == "dfa" else rf"W_{l + 1}^\top" if rule == "bp" else f"B_{l + 1}"
            text = ax.text(SPACING * (l + 0.46), floor + 0.05, f"${carrier}$", ha="center", va="bottom")
            text.set_color(palette.text_color(COLORS[rule]))


def _rounded(
    start: tuple[float, float], end: tuple[float, float], floor: float, corner: float = 0.14
) -> MplPath:
    """Down from the start, along the floor, and up to the end, with round corners."""
    turn = corner if end[0] > start[0] else -corner
    points = [
        start,
        (start[0], floor + corner),
        (start[0], floor),
        (start[0] + turn, floor),
        (end[0] - turn, floor),
        (end[0], floor),
        (end[0], floor + corner),
        end,
    ]
    M, L, C = MplPath.MOVETO, MplPath.LINETO, MplPath.CURVE3
    return MplPath(points, [M, L, C, C, L, C, C, L])
