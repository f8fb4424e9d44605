"""The plane of the two-weight network: where FA and backpropagation go from a start, and whether they can stay there.

Everything comes from the closed forms of `fa_teach.chain`. Derived in chapter 4 of the book.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fa_teach import chain
from fa_teach.explorers._bake import Array, Trails
from fa_teach.explorers._base import Explorer
from fa_teach.explorers._controls import Choice, Player, Point, Range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REACH = 3.0  # the plane is [-3, 3]²
BEYOND = 3.6  # curves are computed a little further than one sees
CROWD = 0.35  # between two arrows of the flow
LONG = 1e4  # next to a marginal point the flow takes longer still; nobody sees it
KICK = 0.02  # where the stretch of unstable points is left
APART = 0.01  # points of a path that are closer than this look like one
COLUMN = -2.0  # w₁ of starts at every step of the arrow keys, to walk down
COLUMN_T = 1.0  # the target for which they are there
STEP = 0.1  # of the arrow keys
MARGINAL = 0.005  # an eigenvalue that is written 0.00 is neither stable nor unstable
EXACT = 0.005  # a start that is written with the same two decimals


# -- What is drawn ------------------------------------------------------------------------------


def landscape(b: float, t: float) -> dict[str, Array]:
    """What the plane shows before anything moves.

    Returns
    -------
    dict
        ``hyperbola`` ``(2, points, 2)``, the fixed points, and whether each is ``stable`` ``(2, points)``; ``uphill``
        ``(points, 2)``, border of the region where the gradient alignment is negative, empty where there is none;
        ``rails`` ``(rails, points, 2)``, on which FA moves, NaN outside the plane; ``arrows`` ``(arrows, 4)``: place on
        a rail and direction of the flow there; ``bp_stable``, like ``stable``, of backpropagation.
    """
    w1 = np.geomspace(abs(t) / BEYOND, BEYOND, 48)
    touch = abs(np.cbrt(b * t))
    if w1[0] < touch < w1[-1]:  # the stretches meet at a point of the curve
        w1[abs(w1 - touch).argmin()] = touch
    hyperbola = chain.fixed_point(np.stack([-w1[::-1], w1]), t=t)
    middle = chain.fixed_point(np.sqrt(hyperbola[:, :-1, 0] * hyperbola[:, 1:, 0]) * [[-1], [1]], t=t)
    stable = chain.stability(middle, t=t, b=b).verdict == "stable"  # from each point to the next

    width = np.sqrt(abs(b) * BEYOND)
    edge = np.linspace(-width, width, 33 if b else 0)
    uphill = np.stack([edge, -(edge**2) / (b or 1)], axis=-1)

    rails = _rails(b)
    return {
        "hyperbola": hyperbola,
        "stable": stable,
        "uphill": uphill,
        "rails": _within(rails),
        "arrows": _arrows(rails, b, t, "fa"),
        "bp_stable": chain.stability(middle, t=t, rule="bp").verdict == "stable",
    }


def bp_landscape(t: float) -> dict[str, Array]:
    """What the plane shows of backpropagation alone, with the hyperbola of `landscape`.

    Returns
    -------
    dict
        ``bp_rails`` ``(rails, points, 2)``, on which backpropagation moves, NaN outside the plane; ``bp_arrows``
        ``(arrows, 4)``; ``bp_saddle`` ``(2,)``, its fixed point that is no solution.
    """
    across = np.linspace(-BEYOND, BEYOND, 49)
    rails = [np.stack([across, side * across], axis=-1) for side in (-1, 1)]
    for nearest in np.arange(0.6, REACH, 0.6):  # to the origin
        far = np.sqrt(across**2 + nearest**2)
        for side in (-1, 1):
            rails += [np.stack([across, side * far], axis=-1), np.stack([side * far, across], axis=-1)]
    return {
        "bp_rails": _within(np.array(rails)),
        "bp_arrows": _arrows(np.array(rails), 0.0, t, "bp"),
        "bp_saddle": np.zeros(2),
    }


def _within(rails: Array) -> Array:
    """Rails, with NaN where they have left the plane."""
    return np.where(abs(rails).max(axis=-1, keepdims=True) <= BEYOND, rails, np.nan)


def _arrows(rails: Array, b: float, t: float, rule: str) -> Array:
    """Places on the rails, not too close to one another, and the direction of the flow there. Shape ``(arrows, 4)``."""
    arrows: list[Array] = []
    for rail in rails:
        seen = np.flatnonzero((abs(rail) < 0.95 * REACH).all(axis=-1))
        for place in rail[seen[2:-1:4]]:
            if not arrows or np.linalg.norm(np.array(arrows) - place, axis=1).min() > CROWD:
                arrows.append(place)
    where = np.array(arrows)
    velocity = chain.velocity(where, t=t, b=b, rule=rule)
    speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
    moving = speed[:, 0] > 0.02
    return np.concatenate([where[moving], velocity[moving] / speed[moving]], axis=-1)


def _rails(b: float) -> Array:
    """Parabolas of the invariant; without feedback, vertical lines. Shape ``(rails, points, 2)``."""
    if b == 0:
        w1, w2 = np.meshgrid(np.arange(-2.75, 3, 0.5), np.linspace(-BEYOND, BEYOND, 49), indexing="ij")
        return np.stack([w1, w2], axis=-1)
    crossings = np.arange(-2.5, 3, 1.0)  # of the axis w₁ = 0
    outside = REACH * 2 * abs(b) + np.arange(0.75, 3, 0.75) ** 2  # rails that cross the edge instead
    C = np.concatenate([-2 * b * crossings, outside])
    return np.asarray(chain.parabola(C[:, None], np.linspace(-BEYOND, BEYOND, 49), b=b))


def fa_path(b: float, t: float, start: tuple[float, float]) -> dict[str, Array]:
    """The way of feedback alignment from a start to its end, and what is measured along it.

    Returns
    -------
    dict
        All along the way, the last at infinite time: ``fa_w`` ``(points, 2)``; ``fa_time``; ``fa_loss``;
        ``fa_alignment``, the signed cosine of gradient and update; ``fa_rate``, which is ``-(w₁² + b w₂)``, at the end
        the eigenvalue that is not 0.
    """
    way = chain.path(start, t=t, b=b, points=96)
    return _measured(way.w, way.time, b, t)


def _measured(w: Array, time: Array, b: float, t: float) -> dict[str, Array]:
    return {
        "fa_w": w,
        "fa_time": time,
        "fa_loss": chain.loss(w, t=t),
        "fa_alignment": chain.total_alignment(w, b=b),
        "fa_rate": 0.0 - chain.criterion(w, b=b),
    }


def bp_path(t: float, start: tuple[float, float]) -> dict[str, Array]:
    """The way of backpropagation.

    Returns
    -------
    dict
        As of `fa_path`: ``bp_w`` ``(points, 2)``, ``bp_time``, ``bp_loss``, ``bp_rate``, ``bp_alignment``. The rate is
        ``-(w₁² + w₂²)``, and at the saddle the positive eigenvalue. The update is the gradient: its alignment is 1, and
        undefined at the saddle, where both are 0.
    """
    way = chain.path(start, t=t, rule="bp", points=96)
    return _measured_bp(way.w, way.time, t)


def _measured_bp(w: Array, time: Array, t: float) -> dict[str, Array]:
    moves = (w != 0).any(axis=-1)
    saddle = chain.stability(np.zeros(2), t=t, rule="bp").eigenvalues.max()
    return {
        "bp_w": w,
        "bp_time": time,
        "bp_loss": chain.loss(w, t=t),
        "bp_alignment": np.where(moves, 1.0, np.nan),
        "bp_rate": np.where(moves, -chain.criterion(w, rule="bp"), saddle),
    }


# -- Starts of the static book ------------------------------------------------------------------


def fa_trails(b: float, t: float) -> list[dict[str, Array]]:
    """Paths on many rails: from where each enters the plane, and from both sides of where it is unstable."""
    presets = [
        values["start"]
        for _, values in PRESETS.values()
        if values.get("b", 1.0) == b and values.get("t", 1.0) == t
    ]
    edge = 1.03 * REACH
    starts = presets + _column(t)
    alone: list[Array] = []
    if b == 0:
        starts += [(w1, side * edge) for w1 in np.linspace(-REACH, REACH, 25) for side in (-1, 1)]
        alone = list(np.stack([np.zeros(13), np.linspace(-REACH, REACH, 13)], axis=-1))
    else:
        crossings = -2 * b * np.linspace(-REACH, REACH, 17)
        outside = 2 * abs(b) * REACH + np.linspace(0.35, REACH, 8) ** 2
        for C in [*crossings, *outside]:
            limit = C + 2 * b * np.array([-edge, edge])  # w₁² where the rail crosses w₂ = ±edge
            far = min(np.sqrt(max(limit.max(), 0)), edge)
            starts += [tuple(chain.parabola(C, side * far, b=b)) for side in (-1, 1)]
            middle = chain.fixed_points(C, t=t, b=b)[1]
            if np.isfinite(middle).all():
                starts += [tuple(chain.parabola(C, middle[0] + kick, b=b)) for kick in (-KICK, KICK)]
                if abs(middle).max() <= REACH:
                    alone.append(middle)  # a pencil on its tip
    places = np.array(starts)
    ends = np.clip([places, chain.endpoint(places, t=t, b=b)], -REACH, REACH)
    length = np.abs(ends[1] - ends[0]).sum(axis=-1)  # of what is seen
    points = (12 + 4 * length).astype(int)
    ways: dict[int, tuple[Array, Array]] = {}  # by the number of the start
    for n in np.unique(points).tolist():  # all starts with as many points in one call, which is much faster
        which = np.flatnonzero(points == n)
        way = chain.path(places[which], t=t, b=b, points=n)
        ways |= dict(zip(which.tolist(), zip(way.w, way.time, strict=True), strict=True))
    paths = []
    for w, time in (ways[i] for i in range(len(places))):
        soon = (time < LONG) | np.isinf(time)
        kept = _apart(w[soon])
        paths.append(_measured(w[soon][kept], time[soon][kept], b, t))
    paths += [_measured(point[None], np.array([np.inf]), b, t) for point in alone]
    return paths


def bp_trails(t: float) -> list[dict[str, Array]]:
    """Paths of backpropagation from the edge of the plane, and from where those of FA start most often."""
    edge = 1.03 * REACH
    along = np.linspace(-edge, edge, 37)
    starts = [values["start"] for _, values in PRESETS.values() if values.get("t", 1.0) == t] + _column(t)
    starts += [(x, side * edge) for x in along for side in (-1, 1)]
    starts += [(side * edge, y) for y in along[1:-1] for side in (-1, 1)]
    ways = chain.path(starts, t=t, rule="bp", points=32)
    paths = []
    for w, time in zip(ways.w, ways.time, strict=True):
        kept = _apart(w)
        paths.append(_measured_bp(w[kept], time[kept], t))
    return paths


def _column(t: float) -> list[tuple[float, float]]:
    """Starts one above the other, a step of the arrow keys apart."""
    if t != COLUMN_T:
        return []
    count = round(2 * REACH / STEP) + 1
    return [(COLUMN, float(w2)) for w2 in np.linspace(-REACH, REACH, count)]


def _apart(w: Array) -> list[int]:
    """Rows of a path that can be told from the one before; the first and the last always."""
    kept, places = [0], w.tolist()
    for i in range(1, len(w) - 1):
        if min(math.dist(places[i], places[kept[-1]]), math.dist(places[i], places[-1])) >= APART:
            kept.append(i)
    return [*kept, len(w) - 1]


# -- Words --------------------------------------------------------------------------------------


def _fa_words(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    (x0, y0), (x, y) = arrays["fa_w"][[0, -1]].tolist()
    place = "({fa_w[-2]:.2f}, {fa_w[-1]:.2f})"
    rests = abs(x - x0) + abs(y - y0) < 1e-3
    if arrays["fa_loss"][-1] > 1e-3:
        return f"FA is stuck at {place}: with b = 0 and w₁ = 0 nothing moves. The loss stays at {{fa_loss[-1]:.2f}}."
    rate = arrays["fa_rate"][-1]
    verdict = "Marginal" if abs(rate) < MARGINAL else "Stable" if rate < 0 else "Unstable"
    if values["b"] == 0:
        layer = "the hidden layer receives no error at all"
    elif values["b"] * y > 0:
        layer = "the hidden layer is aligned, 0°"
    else:
        layer = "the hidden layer is anti-aligned, 180°"
    words = (
        f"FA {'rests' if rests else 'ends'} at {place}. {verdict}: eigenvalue {{fa_rate[-1]:+.2f}}; {layer}."
    )
    if verdict == "Marginal":
        return words + " A kick to one side sends it away."
    if verdict == "Unstable":
        return words + " The smallest kick sends it away."
    if not rests and arrays["fa_alignment"].min() < 0:
        return words + " On the way the loss rose."
    return words


def _bp_words(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    (x0, y0), (x, y) = arrays["bp_w"][[0, -1]].tolist()
    # without a kernel its path may start beside FA's: then a second decimal would say too much
    exact = np.hypot(x0 - values["start"][0], y0 - values["start"][1]) < EXACT
    digits, still = (2, EXACT) if exact else (1, 0.1)
    stays = abs(x - x0) + abs(y - y0) < still
    if arrays["bp_loss"][-1] > 1e-3:
        words = f"Backpropagation {'stays at' if stays else 'runs into'} the saddle at the origin."
        verdict = " Unstable: eigenvalue {bp_rate[-1]:+.2f}."
    else:
        place = f"({{bp_w[-2]:.{digits}f}}, {{bp_w[-1]:.{digits}f}})"
        words = f"Backpropagation {'stays' if stays else 'ends'} at {place}."
        verdict = f" Stable, as is every solution: eigenvalue {{bp_rate[-1]:+.{digits}f}}."
    return words + verdict if values["rules"] == "bp" else words


# -- The explorer -------------------------------------------------------------------------------

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "aligns": ("aligns", {"start": (0.0, 0.0)}),
    "uphill": ("goes uphill", {"start": (-2.0, 1.0)}),
    "anti-aligned": ("anti-aligned, stable", {"start": (-2.0, -1.0)}),
    "unstable": ("unstable point", {"start": (-0.5, -2.0)}),
    "leaves": ("leaves", {"start": (-0.48, float((0.48**2 - 4.25) / 2))}),
    "fails": ("no feedback", {"b": 0.0, "start": (0.0, 1.5)}),
}


class PhasePortrait(Explorer):
    """The two-weight network: flow, fixed points by stability, and where a start that you drag ends.

    Parameters
    ----------
    b : float
        Feedback, -2 to 2.
    t : float
        Target slope, 0.25 to 2.
    start : pair of float
        Weights at the start, each -3 to 3.
    rules : str
        Which paths are drawn: ``"fa"``, ``"bp"`` or ``"both"``.
    time : int
        Frame, 0 to 80; the last shows the whole way.

    Examples
    --------
    >>> portrait = PhasePortrait(start=(-2.0, -1.0), rules="fa")
    >>> print(portrait.words)
    Start (−2.00, −1.00). FA ends at (−2.26, −0.44). Stable: eigenvalue −4.67; the hidden layer is anti-aligned, 180°.
    >>> portrait.b = -1.0
    >>> print(portrait.arrays["fa_w"][-1].round(2))
    [-1.77 -0.57]
    """

    slug = "phase-portrait"
    title = "Phase portrait of the smallest network"
    parts = (
        landscape,
        bp_landscape,
        Trails(fa_path, fa_trails, "fa_w", "fa_time"),
        Trails(bp_path, bp_trails, "bp_w", "bp_time"),
    )
    presets = PRESETS
    moment = (
        "At time {now:.1f}: loss of FA {fa_loss:.2f}, its alignment {alignment:+.2f}; loss of backprop {bp_loss:.2f}.",
        "At time {now:.1f} the loss of FA is {fa_loss:.2f}, its alignment {alignment:+.2f}.",
        "At time {now:.1f} the loss of backpropagation is {bp_loss:.2f}.",
    )

    b = Range(1.0, low=-2.0, high=2.0, step=0.05, grid=(-2, -1, -0.5, 0, 0.5, 1, 2), label="feedback b")
    t = Range(1.0, low=0.25, high=2.0, step=0.05, grid=(0.5, 1, 2), label="target t")
    rules = Choice("both", options={"fa": "FA", "bp": "backprop", "both": "both"}, label="rule")
    start = Point((-2.0, 1.0), low=(-REACH, -REACH), high=(REACH, REACH), step=STEP, label="start")
    time = Player(81, label="time")

    @staticmethod
    def sentence(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        """Say where it starts, where it ends, and whether it can stay there."""
        words = ["Start ({start[0]:.2f}, {start[1]:.2f})."]
        if values["rules"] != "bp":
            words.append(_fa_words(arrays, values))
        if values["rules"] != "fa":
            words.append(_bp_words(arrays, values))
        return " ".join(words)

    @staticmethod
    def draw(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> Figure:
        """Draw the plane, and loss and alignment over time."""
        import matplotlib.pyplot as plt

        from fa_teach import palette, plots

        b, t = values["b"], values["t"]
        window = (-REACH, REACH)
        shown = ("fa", "bp") if values["rules"] == "both" else (values["rules"],)
        ground = shown[0]  # whose flow and whose stability
        figure, axes = plt.subplot_mosaic(
            [["plane", "loss"], ["plane", "alignment"]], figsize=(7.4, 4.2), width_ratios=[1.35, 1]
        )
        plane = axes["plane"]

        def sign(w1: Array, w2: Array) -> Array:
            return chain.criterion(np.stack([w1, w2], axis=-1), b=b, rule=ground)

        def flow(w1: Array, w2: Array) -> tuple[Array, Array]:
            v = chain.velocity(np.stack([w1, w2], axis=-1), t=t, b=b, rule=ground)
            return v[..., 0], v[..., 1]

        plots.sign_background(sign, window, window, ax=plane, words=None)
        plots.streamlines(flow, window, window, ax=plane, density=0.6, n=25)
        stretches = arrays["stable"] if ground == "fa" else arrays["bp_stable"]
        for branch, stable in zip(arrays["hyperbola"], stretches, strict=True):
            x, y = branch.T
            plots.curve_by_stability(x, y, np.append(stable, stable[-1]).astype(bool), ax=plane)
        _name_regions(plane, b if ground == "fa" else 0.0, t)
        if ground == "bp":
            x, y = arrays["bp_saddle"]
            plots.fixed_points([x], [y], np.array([False]), ax=plane)
        plane.set(xlim=window, ylim=window, aspect="equal", xlabel="$w_1$", ylabel="$w_2$")
        plane.set_title(f"flow and stability: {palette.NAMES[ground]}", fontsize=10)
        until = max(_settled(arrays[f"{rule}_time"], arrays[f"{rule}_loss"]) for rule in shown)
        for rule in shown:
            time = np.minimum(arrays[f"{rule}_time"], until)
            plots.trajectory(*arrays[f"{rule}_w"].T, ax=plane, role=rule, label="")
            _name_end(plane, rule, arrays[f"{rule}_w"])
            axes["loss"].plot(time, arrays[f"{rule}_loss"], color=plots.COLORS[rule])
        time = np.minimum(arrays[f"{ground}_time"], until)
        axes["alignment"].plot(time, arrays[f"{ground}_alignment"], color=plots.COLORS[ground])
        axes["alignment"].axhline(0, color=plots.COLORS["muted"], linewidth=0.8)
        axes["loss"].set(ylabel="loss", xlim=(0, until), ylim=(0, None))
        label = f"alignment, {palette.NAMES[ground]}"
        axes["alignment"].set(ylabel=label, xlabel="time", xlim=(0, until), ylim=(-1.05, 1.05))
        return figure


def _name_regions(ax: Axes, b: float, t: float) -> None:
    """Write where alignment is positive, and where it is negative: in a corner, and beside the hyperbola's far end."""
    from matplotlib.patheffects import withStroke

    from fa_teach import plots

    level, wide = 2.72, 1.4  # of the words, from the axis; how wide they are
    up = -1 if b > 0 else 1  # on which side of the axis alignment may be negative
    words = [("aligned", up * 2.9, "left" if up < 0 else "right", -up * level)]
    beside = 0.1 - t / level
    if np.sqrt(abs(b) * level) > beside + wide:
        words.append(("anti-aligned", -up * beside, "left" if up < 0 else "right", up * level))
    for word, x, side, y in words:
        role, ground = ("stable", "aligned") if word == "aligned" else ("unstable", "anti_aligned")
        text = ax.text(x, y, word, ha=side, va="center", fontsize=9.5, zorder=3, color=plots.COLORS[role])
        text.set_path_effects([withStroke(linewidth=3, foreground=plots.COLORS[ground])])


def _name_end(ax: Axes, rule: str, w: Array) -> None:
    """Write a rule's name where its path ends, beyond the hyperbola: not on it, and not on the path."""
    from matplotlib.patheffects import withStroke

    from fa_teach import palette, plots

    end, before = w[-1], w[abs(w - w[-1]).sum(axis=1) > 0.05][-1:]
    across = np.array([end[1], end[0]]) if end.any() else np.ones(2)  # the hyperbola's normal
    at_rest = 1.0 if rule == "bp" else -1.0  # both may rest at one place
    side = np.sign(across @ (end - before[0])) if len(before) else at_rest
    dx, dy = np.sign(side * across)
    text = ax.annotate(
        palette.NAMES[rule],
        np.clip(end, -REACH, REACH),
        (2 * dx, 6 * dy),
        textcoords="offset points",
        ha="left" if dx > 0 else "right",
        va="bottom" if dy >= 0 else "top",
        color=palette.text_color(plots.COLORS[rule]),
        zorder=4,
    )
    text.set_path_effects([withStroke(linewidth=3, foreground=plots.COLORS["aligned"])])


def _settled(time: Array, loss: Array) -> float:
    """When the loss has fallen for good to a hundredth of its greatest value."""
    late = np.flatnonzero(loss > 0.01 * max(loss.max(), 1e-3))
    return float(max(time[min(late[-1] + 1, len(time) - 2)] if late.size and len(time) > 1 else 1.0, 1.0))
