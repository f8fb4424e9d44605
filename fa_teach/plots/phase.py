"""Figures of dynamics: flows, fixed points by stability, trajectories, spectra."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from fa_teach import _checks, palette
from fa_teach.plots.lines import label_line
from fa_teach.plots.style import (
    COLORS,
    STREAM,
    Array,
    Field,
    _axes,
    _evaluate,
    _grid,
    _halo,
    _paint,
    _roomiest,
    _walk,
    _with_gaps,
)

if TYPE_CHECKING:
    from matplotlib.lines import Line2D


def streamlines(
    f: Field,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    ax: Axes | None = None,
    n: int = 60,
    density: float = 0.9,
    color: str | None = None,
    linewidth: float = 0.7,
) -> Axes:
    """Draw the flow of a planar vector field as streamlines.

    Parameters
    ----------
    f : callable
        ``(X, Y) -> (U, V)`` on arrays.
    xlim, ylim : pair of float
    ax : matplotlib axes, optional
    n : int
        The field is computed on ``n × n`` points.
    density : float
        How close the lines are.
    color : str, optional
    linewidth : float

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = streamlines(lambda x, y: (y, -x), (-1, 1), (-1, 1), ax=ax)
    >>> plt.close(fig)
    """
    X, Y, xlim, ylim = _grid(xlim, ylim, n)
    U, V = _evaluate(f, X, Y)
    density = _checks.number("density", density, low=0, open_low=True)
    ax = _axes(ax)
    ax.streamplot(
        X[0],
        Y[:, 0],
        U,
        V,
        density=density,
        color=color or STREAM,
        linewidth=linewidth,
        arrowsize=0.8,
        zorder=1.2,
    )
    ax.set(xlim=xlim, ylim=ylim)
    return ax


def vector_field(
    f: Field,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    ax: Axes | None = None,
    n: int = 17,
    equal: bool = True,
    color: str | None = None,
) -> Axes:
    """Draw a planar vector field as arrows, centred on their points.

    Parameters
    ----------
    f : callable
        ``(X, Y) -> (U, V)`` on arrays.
    xlim, ylim : pair of float
    ax : matplotlib axes, optional
    n : int
        Arrows along each axis.
    equal : bool
        All arrows equally long, which shows direction only; else lengths are proportional.
    color : str, optional

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = vector_field(lambda x, y: (y, -x), (-1, 1), (-1, 1), ax=ax)
    >>> plt.close(fig)
    """
    X, Y, xlim, ylim = _grid(xlim, ylim, n)
    U, V = _evaluate(f, X, Y)
    if equal:
        length = np.hypot(U, V)
        safe = np.where(length > 0, length, 1)
        U, V = U / safe, V / safe
    ax = _axes(ax)
    ax.quiver(
        X,
        Y,
        U,
        V,
        color=color or STREAM,
        pivot="mid",
        width=0.006,
        scale=1.25 * n if equal else None,
        zorder=1.2,
    )
    ax.set(xlim=xlim, ylim=ylim)
    return ax


def sign_background(
    f: Callable[[Array, Array], Any],
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    ax: Axes | None = None,
    n: int = 241,
    words: tuple[str, str] | None = ("aligned", "anti-aligned"),
) -> Axes:
    """Tint the plane by the sign of a quantity, such as the gradient alignment.

    Parameters
    ----------
    f : callable
        ``(X, Y) -> values`` on arrays.
    xlim, ylim : pair of float
    ax : matplotlib axes, optional
    n : int
        It is computed on ``n × n`` points.
    words : pair of str, or None
        Written where the positive and the negative region have most room.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = sign_background(lambda x, y: x * y, (-1, 1), (-1, 1), ax=ax)
    >>> plt.close(fig)
    """
    X, Y, xlim, ylim = _grid(xlim, ylim, n)
    Z = np.broadcast_to(_checks.real_array("f(X, Y)", f(X, Y)).astype(float), X.shape)
    ax = _axes(ax)
    low, high = min(float(Z.min()), -1e-300) - 1, max(float(Z.max()), 1e-300) + 1
    ax.contourf(X, Y, Z, levels=[low, 0, high], colors=[COLORS["anti_aligned"], COLORS["aligned"]], zorder=0)
    if Z.min() < 0 < Z.max():
        ax.contour(X, Y, Z, levels=[0], colors=[COLORS["neutral"]], linewidths=0.9, zorder=0.5)
    if words is not None:
        for inside, word, ground, role in (
            (Z > 0, words[0], "aligned", "stable"),
            (Z < 0, words[1], "anti_aligned", "unstable"),
        ):
            if inside.any():
                i, j = _roomiest(inside)
                text = ax.text(X[i, j], Y[i, j], word, ha="center", va="center", fontsize=9.5, zorder=3)
                text.set(color=COLORS[role], path_effects=_halo(COLORS[ground]))
    ax.grid(visible=False)
    ax.set(xlim=xlim, ylim=ylim)
    return ax


def curve_by_stability(
    x: Any, y: Any, stable: Any, *, ax: Axes | None = None, linewidth: float = 2.4, labels: bool = False
) -> Axes:
    """Draw a curve of fixed points: solid where they are stable, dashed where they are not.

    Parameters
    ----------
    x, y : array, shape ``(points,)``
        In order along the curve; NaN interrupts it.
    stable : array of bool, shape ``(points,)``
    ax : matplotlib axes, optional
    linewidth : float
    labels : bool
        Write "stable" and "unstable" where such stretches end.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> r = np.linspace(-1, 1, 201)
    >>> fig, ax = plt.subplots()
    >>> ax = curve_by_stability(r, 0 * r, r < 0, ax=ax)  # x' = r x loses stability at r = 0
    >>> plt.close(fig)
    """
    x, y = _with_gaps("x", x), _with_gaps("y", y)
    stable = np.asarray(stable)
    if x.ndim != 1 or y.shape != x.shape or stable.shape != x.shape or stable.dtype != bool:
        got = f"{x.shape}, {y.shape}, {stable.shape} of {stable.dtype}"
        raise ValueError(f"x, y and stable (of bool) must have one shape (points,); got {got}.")
    ax = _axes(ax)
    edges = [0, *(np.flatnonzero(np.diff(stable)) + 1), x.size]
    drawn: dict[str, Line2D] = {}
    for start, end in pairwise(edges):
        if start == end:
            continue
        role = "stable" if stable[start] else "unstable"
        stretch = slice(
            start, min(end + 1, x.size)
        )  # on to the next stretch, so that none is missing between them
        (drawn[role],) = ax.plot(
            x[stretch],
            y[stretch],
            color=COLORS[role],
            linestyle=palette.LINES[role],
            linewidth=linewidth,
            zorder=2.2,
        )
    for role, line in drawn.items():
        if labels:
            label_line(line, palette.NAMES[role])
    return ax


def fixed_points(x: Any, y: Any, stable: Any, *, ax: Axes | None = None, size: float = 7) -> Axes:
    """Mark fixed points: a filled disc where stable, a cross where not.

    Parameters
    ----------
    x, y : array, shape ``(points,)``, or float
    stable : array of bool, likewise
    ax : matplotlib axes, optional
    size : float
        Points.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = fixed_points([0, 1], [0, 0], [True, False], ax=ax)
    >>> plt.close(fig)
    """
    x, y = np.atleast_1d(_checks.real_array("x", x)), np.atleast_1d(_checks.real_array("y", y))
    verdict = np.atleast_1d(np.asarray(stable))
    if x.ndim != 1 or y.shape != x.shape or verdict.shape != x.shape or verdict.dtype != bool:
        got = f"{x.shape}, {y.shape}, {verdict.shape} of {verdict.dtype}"
        raise ValueError(f"x, y and stable (of bool) must have one shape (points,); got {got}.")
    ax = _axes(ax)
    for role, chosen in (("stable", verdict), ("unstable", ~verdict)):
        if chosen.any():
            ax.plot(
                x[chosen],
                y[chosen],
                palette.MARKERS[role],
                color=COLORS[role],
                markersize=size,
                markeredgecolor=COLORS["page"],
                zorder=4,
            )
    return ax


def trajectory(
    x: Any,
    y: Any,
    *,
    ax: Axes | None = None,
    role: str | None = None,
    color: str | None = None,
    label: str | None = None,
    linewidth: float = 1.6,
) -> Axes:
    """Draw paths through a plane, each with a ring where it starts and an arrow along the way.

    Parameters
    ----------
    x, y : array, shape ``(times,)`` or ``(times, paths)``
        NaN ends a path.
    ax : matplotlib axes, optional
    role, color, label
        As for `curves`; the label is written where the first path ends.
    linewidth : float

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> t = np.linspace(0, 3)
    >>> fig, ax = plt.subplots()
    >>> ax = trajectory(np.exp(-t), t, ax=ax, role="fa")
    >>> plt.close(fig)
    """
    x, y = _with_gaps("x", x), _with_gaps("y", y)
    if x.shape != y.shape or x.ndim not in (1, 2) or not x.size:
        raise ValueError(
            f"x and y must have one shape, (times,) or (times, paths); got {x.shape}, {y.shape}."
        )
    color, style, label = _paint(role, color, None, label)
    ax = _axes(ax)
    paths = np.stack([x.reshape(len(x), -1), y.reshape(len(y), -1)], axis=-1)  # (times, paths, 2)
    for i in range(paths.shape[1]):
        path = paths[~np.isnan(paths[:, i]).any(axis=1), i]
        if not len(path):
            continue
        (line,) = ax.plot(*path.T, color=color, linestyle=style, linewidth=linewidth, zorder=3)
        ax.plot(
            *path[:1].T,
            "o",
            color=COLORS["page"],
            markeredgecolor=color,
            markersize=5,
            markeredgewidth=1.4,
            zorder=3.5,
        )
        walked = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
        if walked[-1] > 0:
            tail, tip = (_walk(path, walked, share) for share in (0.49, 0.51))
            ax.annotate(
                "",
                tip,
                tail,
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": color,
                    "linewidth": linewidth,
                    "shrinkA": 0,
                    "shrinkB": 0,
                },
                zorder=3,
            )
        if label and i == 0:
            label_line(line, label)
    return ax


def spectrum(
    eigenvalues: Any,
    *,
    ax: Axes | None = None,
    step_size: float | None = None,
    neutral: Any = None,
    words: bool = True,
) -> Axes:
    """Draw eigenvalues of a flow's Jacobian in the complex plane, over the region where they are stable.

    Stable ones are discs, unstable ones crosses, neutral ones rings.

    Parameters
    ----------
    eigenvalues : array of complex
        Of the Jacobian of ``θ̇ = -u``: stable where the real part is negative.
    ax : matplotlib axes, optional
    step_size : float, optional
        For steps ``θ ← θ - η u`` the stable region is the disc ``|1 + ηλ| < 1`` instead of the half-plane.
    neutral : array of bool, optional
        Which of them count as zero; by default those below 1e-8 of the largest.
    words : bool
        Name the region.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = spectrum([-1 + 1j, -1 - 1j, 0, 0.2], ax=ax, step_size=0.5)
    >>> plt.close(fig)
    """
    values = np.asarray(eigenvalues)
    if values.dtype.kind not in "fciu" or not values.size or not np.isfinite(values).all():
        raise ValueError("eigenvalues must be one or more finite numbers, real or complex.")
    values = values.astype(complex).ravel()
    largest = float(abs(values).max())
    zero = abs(values) <= 1e-8 * largest if neutral is None else np.asarray(neutral).ravel()
    if zero.shape != values.shape or zero.dtype != bool:
        raise ValueError(
            f"neutral must be {values.size} of bool, to fit eigenvalues; got {zero.shape} of {zero.dtype}."
        )
    ax = _axes(ax)
    reach = largest or 1.0
    left, right = min(values.real.min(), 0) - 0.17 * reach, max(values.real.max(), 0) + 0.28 * reach
    half = max(float(abs(values.imag).max()) * 1.2, 0.4 * reach)
    ax.set_facecolor(COLORS["anti_aligned"])
    if step_size is None:
        stable = values.real < 0
        ax.axvspan(-1e6 * reach, 0, color=COLORS["aligned"], linewidth=0, zorder=0)
    else:
        step_size = _checks.number("step_size", step_size, low=0, open_low=True)
        stable = abs(1 + step_size * values) < 1
        radius = 1 / step_size
        ax.add_patch(Circle((-radius, 0), radius, color=COLORS["aligned"], linewidth=0, zorder=0))
        if radius < 2 * reach:  # the whole disc, where it is not far larger than the spectrum
            left, half = min(left, -2.1 * radius), max(half, 1.1 * radius)
        ax.set_aspect("equal")
    for draw in (ax.axhline, ax.axvline):
        draw(0, color=COLORS["muted"], linewidth=0.8, zorder=1)
    for role, chosen in (("stable", stable & ~zero), ("unstable", ~stable & ~zero), ("neutral", zero)):
        points = values[chosen]
        (dots,) = ax.plot(points.real, points.imag, palette.MARKERS[role], color=COLORS[role], zorder=3)
        dots.set(markersize=6 if role == "neutral" else 7, gid=role)
        dots.set(markeredgecolor=COLORS["page"], markeredgewidth=0.7)
        if role == "neutral":
            dots.set(markerfacecolor="none", markeredgecolor=COLORS["neutral"], markeredgewidth=1.2)
    ax.set(xlim=(left, right), ylim=(-half, half), xlabel=r"Re $\lambda$", ylabel=r"Im $\lambda$")
    if words:
        word = "stable flow" if step_size is None else "stable steps"
        place = -0.5 * min(-left, 2 / (step_size or 1e-9))  # middle of what is seen of the region
        text = ax.text(place, -0.78 * half if step_size is None else -0.75 * min(half, 1 / step_size), word)
        text.set(color=COLORS["stable"], ha="center", va="center", fontsize=9.5)
        text.set_path_effects(_halo(COLORS["aligned"]))
    ax.grid(visible=False)
    return ax
