"""Angles, matrices, images and maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Wedge

from fa_teach import _checks, palette
from fa_teach.alignment import angle, cosine
from fa_teach.plots.lines import reference
from fa_teach.plots.style import (
    COLORS,
    MAGNITUDE,
    SIGNED,
    _arrow,
    _axes,
    _bare,
    _colorbar,
    _degrees,
    _limits,
    _paint,
    _point_label,
    _role,
    _signed,
    _unit,
    _with_gaps,
    _write_cells,
)

if TYPE_CHECKING:
    pass


def angles(
    values: Any,
    *,
    ax: Axes | None = None,
    role: str | None = None,
    color: str | None = None,
    label: str | None = None,
    bins: int = 90,
    limits: tuple[float, float] = (0, 180),
) -> Axes:
    """Draw how angles are distributed, with 90° marked.

    Parameters
    ----------
    values : array
        Degrees, of any shape; NaN, where a vector was zero, is left out.
    ax : matplotlib axes, optional
    role, color, label
        As for `curves`; the label stands right of the peak.
    bins : int
        Over all of `limits`.
    limits : pair of float
        Range of the axis, degrees.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(2, 1000, 30))
    >>> fig, ax = plt.subplots()
    >>> ax = angles(angle(cosine(a, b)), ax=ax, label="30 dimensions")
    >>> plt.close(fig)
    """
    degrees = _with_gaps("values", values).ravel()
    degrees = _checks.numbers("values", degrees[~np.isnan(degrees)], low=0, high=180)
    if not degrees.size:
        raise ValueError("values must hold at least one angle; got none.")
    low, high = _limits("limits", limits)
    bins = _checks.integer("bins", bins, low=1)
    color, _, label = _paint(role, color, None, label)
    ax = _axes(ax)
    heights, edges = np.histogram(degrees, np.linspace(low, high, bins + 1), density=True)
    peak = float(np.nan_to_num(heights).max())
    top = max(1.08 * peak, ax.get_ylim()[1] if ax.has_data() else 0.0)
    ax.stairs(heights, edges, fill=True, color=color, alpha=0.2)
    ax.stairs(heights, edges, color=color, linewidth=1.4)
    reference(90, ax=ax, axis="x")
    if label:
        flank = int(np.flatnonzero(heights >= 0.7 * peak)[-1])  # right of the peak, where it is still high
        ax.annotate(
            label,
            (edges[flank + 1], heights[flank]),
            (4, 4),
            textcoords="offset points",
            fontsize=9.5,
            color=palette.text_color(color),
            annotation_clip=False,
        )
    ax.set(xlim=(low, high), ylim=(0, top or 1.0))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False)
    _degrees(ax.xaxis, wide=high - low >= 90)
    return ax


def compass(
    g: Any,
    u: Any,
    *,
    ax: Axes | None = None,
    labels: tuple[str, str] = ("$g$", "$u$"),
    roles: tuple[str, str] = ("bp", "fa"),
    words: bool = True,
) -> Axes:
    """Draw a gradient, an update and the half-space of useful updates: those within 90° of the gradient.

    Parameters
    ----------
    g : array, shape ``(n,)``
        The gradient. In two dimensions it keeps its direction; in more it points up, and each update is drawn
        in the plane that it spans with the gradient, so that the angle is true.
    u : array, shape ``(n,)`` or ``(k, n)``
        One update, or several. Lengths are not drawn: only directions count.
    ax : matplotlib axes, optional
    labels : pair of str
        Of gradient and update.
    roles : pair of str
        Their colours.
    words : bool
        Name the two half-spaces and the angle.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        For shapes that do not fit, or a zero vector, which has no direction.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = compass([0, 1], [1, 1], ax=ax)
    >>> plt.close(fig)
    """
    g, u = _checks.real_array("g", g).astype(float), _checks.real_array("u", u).astype(float)
    if g.ndim != 1 or g.size < 2 or u.ndim not in (1, 2) or u.shape[-1] != g.size:
        raise ValueError(
            f"g and u must have shapes (n,) and (n,) or (k, n), n > 1; got {g.shape}, {u.shape}."
        )
    several = np.atleast_2d(u)
    if not g.any() or not several.any(axis=1).all():
        raise ValueError("g and u must not be zero, a zero vector has no direction.")
    between = angle(cosine(g, several))  # degrees
    if g.size == 2:
        main = np.degrees(np.arctan2(g[1], g[0]))
        side = np.where(g[0] * several[:, 1] - g[1] * several[:, 0] < 0, -1.0, 1.0)
    else:
        main, side = 90.0, np.resize([-1.0, 1.0], len(several))
    ax = _axes(ax)
    ax.add_patch(Wedge((0, 0), 1.0, main - 90, main + 90, color=COLORS["aligned"], linewidth=0, zorder=0))
    ax.add_patch(
        Wedge((0, 0), 1.0, main + 90, main - 90, color=COLORS["anti_aligned"], linewidth=0, zorder=0)
    )
    edge = _unit(main + 90)
    ax.plot([-edge[0], edge[0]], [-edge[1], edge[1]], color=COLORS["muted"], linewidth=0.9, zorder=1)
    colors = [COLORS[_role(role)] for role in roles]
    for degrees, sign in zip(between, side, strict=True):
        direction = main + sign * degrees
        _arrow(ax, (0, 0), 0.86 * _unit(direction), colors[1], linewidth=1.8 if u.ndim == 1 else 1.0)
        if u.ndim == 1:
            _point_label(ax, 0.98 * _unit(direction), labels[1], colors[1])
    _arrow(ax, (0, 0), 0.86 * _unit(main), colors[0], linewidth=2.2)
    _point_label(ax, 0.98 * _unit(main), labels[0], colors[0])
    if words:
        if u.ndim == 1 and 1 < between[0] < 179:
            sweep = np.linspace(main, main + side[0] * between[0], 60)
            ax.plot(*(0.3 * _unit(sweep)), color=COLORS["ink"], linewidth=0.9)
            _point_label(
                ax, 0.53 * _unit(main + side[0] * between[0] / 2), f"{between[0]:.0f}°", COLORS["ink"]
            )
        for text, turn, role in (("downhill", 0, "stable"), ("uphill", 180, "unstable")):
            _point_label(ax, 1.24 * _unit(main + turn), text, COLORS[role])
    ax.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal")
    ax.axis("off")
    return ax


def scatter_weights(
    W: Any, B: Any, *, ax: Axes | None = None, role: str = "fa", label: str | None = "cosine", size: float = 9
) -> Axes:
    """Draw the entries of ``Wᵀ`` against those of ``B``, and their weight alignment.

    Parameters
    ----------
    W : array, shape ``(n_out, n_in)``
    B : array, shape ``(n_in, n_out)``
    ax : matplotlib axes, optional
    role : str
        Colour of the points.
    label : str or None
        Word before the weight alignment; None leaves both away.
    size : float
        Area of a point, points².

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        If `B` does not have the shape of ``Wᵀ``.

    Examples
    --------
    >>> W = np.random.default_rng(0).normal(size=(10, 30))
    >>> fig, ax = plt.subplots()
    >>> ax = scatter_weights(W, W.T, ax=ax)
    >>> plt.close(fig)
    """
    W, B = _checks.real_array("W", W), _checks.real_array("B", B)
    if W.ndim != 2 or B.shape != W.T.shape:
        raise ValueError(f"B must have the shape of Wᵀ, {W.shape[::-1]}; got {B.shape}.")
    ax = _axes(ax)
    color = COLORS[_role(role)]
    reach_b, reach_w = (1.08 * max(float(abs(M).max()), 1e-300) for M in (B, W))
    for sign in (1, -1):  # entries of the same sign lie in the tinted quadrants
        ax.fill_between(
            [0, reach_b],
            0,
            sign * reach_w,
            color=COLORS["aligned" if sign == 1 else "anti_aligned"],
            linewidth=0,
            zorder=0,
        )
        ax.fill_between(
            [-reach_b, 0],
            0,
            sign * reach_w,
            color=COLORS["aligned" if sign == -1 else "anti_aligned"],
            linewidth=0,
            zorder=0,
        )
    alpha = float(np.clip(18 / np.sqrt(W.size), 0.25, 0.9))
    ax.scatter(B.ravel(), W.T.ravel(), s=size, color=color, alpha=alpha, linewidths=0)
    ax.set(
        xlim=(-reach_b, reach_b), ylim=(-reach_w, reach_w), xlabel="entry of $B$", ylabel=r"entry of $W^\top$"
    )
    ax.grid(visible=False)
    if label is not None:
        value = float(cosine(W.T, B, axis=(-2, -1)))
        ax.annotate(
            f"{label} {_signed(value)}".strip(),
            (0, 1),
            (5, -5),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            fontsize=9.5,
        )
    return ax


# -- Matrices, images, maps ---------------------------------------------------------------------


def matrix(
    M: Any,
    *,
    ax: Axes | None = None,
    limit: float | None = None,
    title: str | None = None,
    values: bool = False,
    colorbar: bool = False,
) -> Axes:
    """Draw a matrix of signed numbers: green above zero, purple below, pale at zero.

    Parameters
    ----------
    M : array, shape ``(rows, columns)``
    ax : matplotlib axes, optional
    limit : float, optional
        Magnitude of the full colours; by default the largest entry's. Matrices to compare need the same.
    title : str, optional
    values : bool
        Write the entries, for small matrices.
    colorbar : bool

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = matrix([[1, -2], [0, 3]], ax=ax, values=True)
    >>> plt.close(fig)
    """
    M = _checks.real_array("M", M).astype(float)
    if M.ndim != 2 or not M.size:
        raise ValueError(f"M must be a matrix, shape (rows, columns); got {M.shape}.")
    reach = float(abs(M).max()) if limit is None else _checks.number("limit", limit, low=0, open_low=True)
    reach = reach or 1.0  # a matrix of zeros is pale everywhere
    ax = _axes(ax)
    image = ax.imshow(M, cmap=SIGNED, vmin=-reach, vmax=reach, interpolation="nearest")
    if values:
        _write_cells(ax, M, SIGNED((M / reach + 1) / 2), "{:.2g}")
    _bare(ax)
    if title is not None:
        ax.set_title(title, loc="center")
    if colorbar:
        _colorbar(ax, image, None)
    return ax


def images(
    pixels: Any,
    *,
    ax: Axes | None = None,
    columns: int = 10,
    titles: Sequence[Any] | None = None,
    signed: bool = False,
) -> Axes:
    """Draw small images in rows, all on the same scale of grey.

    Parameters
    ----------
    pixels : array, shape ``(n, height, width)`` or ``(n, side²)``
    ax : matplotlib axes, optional
    columns : int
        Images in a row.
    titles : sequence, optional
        Written under each image.
    signed : bool
        For weights: diverging colours instead of grey.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> from fa_teach import datasets
    >>> data, _ = datasets.digits()
    >>> fig, ax = plt.subplots()
    >>> ax = images(data.x[:20], ax=ax, titles=data.labels[:20])
    >>> plt.close(fig)
    """
    pixels = _checks.real_array("pixels", pixels).astype(float)
    columns = _checks.integer("columns", columns, low=1)
    if pixels.ndim == 2 and round(pixels.shape[1] ** 0.5) ** 2 == pixels.shape[1]:
        side = round(pixels.shape[1] ** 0.5)
        pixels = pixels.reshape(-1, side, side)
    if pixels.ndim != 3 or not pixels.size:
        raise ValueError(f"pixels must have shape (n, height, width) or (n, side²); got {pixels.shape}.")
    n, height, width = pixels.shape
    if titles is not None and len(titles) != n:
        raise ValueError(f"titles must be one for each of {n} images; got {len(titles)}.")
    ax = _axes(ax)
    reach = float(abs(pixels).max()) or 1.0
    low = -reach if signed else min(0.0, float(pixels.min()))
    colors = SIGNED if signed else "Greys"
    step_x, step_y = 1.12 * width, (1.12 if titles is None else 1.45) * height
    for i, picture in enumerate(pixels):
        left, top = (i % columns) * step_x, (i // columns) * step_y
        extent = (left, left + width, top + height, top)
        ax.imshow(picture, cmap=colors, vmin=low, vmax=reach, extent=extent, interpolation="nearest")
        if titles is not None:
            middle = (left + width / 2, top + height)
            ax.annotate(
                str(titles[i]), middle, (0, -2), textcoords="offset points", ha="center", va="top", fontsize=9
            )
    used = min(n, columns)
    rows = -(-n // columns)
    ax.set(xlim=(-0.5, (used - 1) * step_x + width + 0.5), ylim=(rows * step_y, -0.5), aspect="equal")
    ax.axis("off")
    return ax


def heatmap(
    x: Any,
    y: Any,
    z: Any,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    limits: tuple[float, float] | None = None,
    signed: bool = False,
    values: bool = True,
    form: str = "{:.2f}",
    colorbar: bool = False,
) -> Axes:
    """Draw a table of results over two settings, such as accuracy over initial and feedback scale, as equal cells.

    Parameters
    ----------
    x, y : array, shapes ``(columns,)`` and ``(rows,)``
        The settings, written at the axes; the first row is at the bottom.
    z : array, shape ``(rows, columns)``
        NaN is hatched.
    ax : matplotlib axes, optional
    label : str, optional
        What `z` is: the title, or the colour bar's label.
    limits : pair of float, optional
        Range of the colours; by default that of `z`, or symmetric if signed.
    signed : bool
        Diverging colours, neutral at zero, for alignments.
    values : bool
        Write the numbers in the cells.
    form : str
        How they are written.
    colorbar : bool

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> ax = heatmap([0.1, 1, 10], [0.1, 1], [[0.9, 0.97, 0.93], [0.8, 0.9, 0.85]], ax=ax, label="accuracy")
    >>> plt.close(fig)
    """
    x, y, z = _checks.real_array("x", x), _checks.real_array("y", y), _with_gaps("z", z)
    if x.ndim != 1 or y.ndim != 1 or z.shape != (y.size, x.size) or not z.size:
        raise ValueError(f"z must have shape (rows, columns), here ({y.size}, {x.size}); got {z.shape}.")
    known = z[~np.isnan(z)] if not np.isnan(z).all() else np.zeros(1)
    if limits is None:
        reach = float(abs(known).max()) or 1.0
        low, high = (-reach, reach) if signed else (float(known.min()), float(known.max()))
        high = high if high > low else low + 1
    else:
        low, high = _limits("limits", limits)
    ax = _axes(ax)
    colors = SIGNED if signed else MAGNITUDE
    ax.set_facecolor(COLORS["grid"])
    ax.patch.set(hatch="///", edgecolor=COLORS["muted"], linewidth=0)  # shows where cells are missing
    image = ax.imshow(
        np.ma.masked_invalid(z),
        cmap=colors,
        vmin=low,
        vmax=high,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    if values:
        _write_cells(ax, z, colors((np.nan_to_num(z) - low) / (high - low)), form)
    ax.set_xticks(range(x.size), [f"{value:g}" for value in x])
    ax.set_yticks(range(y.size), [f"{value:g}" for value in y])
    ax.tick_params(length=0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if colorbar:
        _colorbar(ax, image, label)
    elif label is not None:
        ax.set_title(label)
    return ax
