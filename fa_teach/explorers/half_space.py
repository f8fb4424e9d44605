"""The half-space of useful updates: where a step at an angle from the gradient leads, and at what angle chance stands.

The loss is a round bowl, ``‖θ‖²/2``, in any dimension; the step starts at distance 1 from its minimum, with an update
as long as the gradient. Derived in chapter 3 of the book.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import lgamma, pi
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fa_teach import alignment
from fa_teach.explorers._bake import Array
from fa_teach.explorers._base import Explorer
from fa_teach.explorers._controls import Choice, Range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 2.2  # step
DRAWN = 2000  # random updates, of which SEEN are seen
SEEN = 160
FINE = np.linspace(0, 180, 3601)  # degrees, to integrate over


# -- What is drawn ------------------------------------------------------------------------------


def angle_density(n: int, degrees: Any) -> Array:
    """Density of the angle between a vector and an independent normal one in `n` dimensions, per degree.

    It is proportional to ``sin(φ)^(n-2)``, the size of the sphere's slice at ``φ``.

    Parameters
    ----------
    n : int
        At least 2.
    degrees : array

    Returns
    -------
    ndarray

    Examples
    --------
    >>> print((angle_density(2, [10.0, 90.0]) * 180).round(6))
    [1. 1.]
    """
    scale = np.exp(lgamma(n / 2) - lgamma((n - 1) / 2)) / np.sqrt(pi)
    return np.asarray(scale * np.sin(np.deg2rad(degrees)) ** (n - 2) * pi / 180)


@cache
def random_angles(n: int) -> Array:
    """Angles between one random vector and `DRAWN` others, in degrees."""
    rng = np.random.default_rng(0)
    return np.asarray(alignment.angle(alignment.cosine(rng.normal(size=n), rng.normal(size=(DRAWN, n)))))


def chance(n: str) -> dict[str, Array]:
    """What the angle to the gradient is when the update is random.

    Returns
    -------
    dict
        ``density`` ``(181,)``, per degree, at 0 to 180°; ``histogram`` ``(bins,)`` of sampled vectors, in equal bins
        from 0 to 180°; ``spread``, the standard deviation in degrees; ``random`` ``(160, 2)``, directions of random
        updates in a plane with the gradient, each at its angle from it: across, on a side chosen by chance, and along.
    """
    size = int(n)
    exact = angle_density(size, FINE)
    angles = random_angles(size)
    bins = 36 if size <= 30 else 90 if size <= 100 else 180
    side = np.random.default_rng(1).choice([-1.0, 1.0], size=SEEN)
    turn = np.deg2rad(angles[:SEEN])
    return {
        "density": angle_density(size, np.arange(181)),
        "histogram": np.histogram(angles, bins, (0, 180), density=True)[0],
        "spread": np.sqrt(np.trapezoid(exact * (FINE - 90) ** 2, FINE)),
        "random": np.stack([side * np.sin(turn), np.cos(turn)], axis=-1),
    }


def downhill(n: str, step: float) -> dict[str, Array]:
    """How many random updates lower the loss by a step of this size: those within ``arccos(step/2)`` of the gradient.

    Returns
    -------
    dict
        ``share``, 0 to 1, to six places; ``within``, in degrees: 90 for the smallest steps, 0 where not even the
        gradient's step goes down.
    """
    within = np.rad2deg(np.arccos(min(step / 2, 1.0)))
    up_to = np.linspace(0, within, 3601)
    return {"share": np.round(np.trapezoid(angle_density(int(n), up_to), up_to), 6), "within": within}


def one_step(angle: float, step: float) -> dict[str, Array]:
    """Where one step leads, and what it does to the loss.

    Returns
    -------
    dict
        ``landing`` ``(2,)``, in the plane of gradient and update, in which the minimum is (0, 0) and the start (0, 1);
        ``change`` of the loss, relative to what it was; ``first_order``, what the slope alone promises; ``best``, the
        change by the gradient's own step.
    """
    cosine, sine = _direction(angle)
    start = np.array([0.0, 1.0])  # which is also the gradient there
    u = np.array([-sine, cosine])
    landing = start - step * u
    return {
        "landing": landing,
        "change": landing @ landing - 1,
        "first_order": -2 * step * (start @ u),
        "best": (1 - step) ** 2 - 1,
    }


def all_steps(angle: float) -> dict[str, Array]:
    """Change of the loss by steps from 0 to the longest.

    Returns
    -------
    dict
        ``sizes``, ``changes``, ``gradient_changes``, ``slope``, each ``(45,)``; ``limit``, below which steps go
        downhill.
    """
    sizes = np.linspace(0, LONGEST, 45)
    cosine, _ = _direction(angle)
    return {
        "sizes": sizes,
        "changes": sizes**2 - 2 * sizes * cosine,
        "gradient_changes": sizes**2 - 2 * sizes,
        "slope": -2 * sizes * cosine,
        "limit": max(2 * cosine, 0.0),
    }


def _direction(angle: float) -> Array:
    """Cosine and sine, to twelve places: at 90° the cosine is 0."""
    turn = np.deg2rad(angle)
    return np.round([np.cos(turn), np.sin(turn)], 12)


# -- The explorer -------------------------------------------------------------------------------


PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "aligns": ("aligned", {"angle": 30.0, "step": 0.5}),
    "poor": ("aligned but poor", {"angle": 80.0, "step": 0.15}),
    "overshoots": ("overshoots", {"angle": 60.0, "step": 1.5}),
    "fails": ("uphill", {"angle": 120.0, "step": 0.5}),
    "strangers": ("chance", {"n": "1000", "angle": 90.0, "step": 0.15}),
}


class HalfSpace(Explorer):
    """One step along an update at an angle from the gradient, and the angles that chance has to offer.

    Parameters
    ----------
    n : str
        Dimension, one of ``"2"``, ``"3"``, ``"10"``, ``"30"``, ``"100"``, ``"300"``, ``"1000"``.
    angle : float
        Between update and gradient, 0 to 180 degrees.
    step : float
        Step size, 0.05 to 2.2: the minimum is at distance 1.

    Examples
    --------
    >>> bowl = HalfSpace(angle=60.0, step=0.5)
    >>> print(bowl.arrays["change"].round(3), bowl.arrays["first_order"].round(3))
    -0.25 -0.5
    >>> bowl.step = 1.5
    >>> print(bowl.words.split(".")[0])
    Too far: 60° is in the useful half, but a step of 1
    """

    slug = "half-space"
    title = "The half-space of useful feedback"
    parts = (chance, downhill, one_step, all_steps)
    presets = PRESETS
    precision: ClassVar[dict[str, Any]] = {"share": np.float32}

    angle = Range(60.0, low=0.0, high=180.0, step=5.0, label="angle to the gradient", unit="°")
    step = Range(0.5, low=0.05, high=LONGEST, step=0.05, label="step size")
    n = Choice(
        "10",
        options={n: f"{int(n):,}" for n in ("2", "3", "10", "30", "100", "300", "1000")},
        label="dimension",
    )

    @staticmethod
    def sentence(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        """Say where the step leads, and what chance would do."""
        angle = values["angle"]
        if angle > 90:
            step = (
                "Uphill: at {angle:.0f}° from the gradient every step raises the loss, "
                "one of size {step:.2f} by {change:.0%}."
            )
        elif angle == 90:
            step = (
                "On the edge: at 90° the slope is zero, and the curvature decides: "
                "a step of {step:.2f} raises the loss by {change:.1%}."
            )
        elif values["step"] < float(arrays["limit"]) - 1e-3:
            step = (
                "Downhill: at {angle:.0f}° from the gradient a step of {step:.2f} changes the loss by {change:+.0%}; "
                "the gradient's own step, by {best:+.0%}."
            )
        else:
            step = (
                "Too far: {angle:.0f}° is in the useful half, but a step of {step:.2f} changes the loss "
                "by {change:+.0%}. Steps below {limit:.2f} go downhill."
            )
        some = "{share:.0%}" if arrays["share"] >= 0.005 else "less than 1%"
        return (
            f"{step} In {int(values['n']):,} dimensions a random update is at 90° ± {{spread:.1f}}° from the gradient: "
            f"{some} of them go downhill by such a step."
        )

    @staticmethod
    def draw(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> Figure:
        """Draw the plane of gradient and update, the loss over step sizes, and the angles of chance."""
        import matplotlib.pyplot as plt
        from matplotlib.patches import Circle

        from fa_teach import plots

        colors, step = plots.COLORS, values["step"]
        figure, axes = plt.subplot_mosaic(
            [["plane", "loss"], ["plane", "angles"]], figsize=(7.4, 4.0), width_ratios=[1.2, 1]
        )
        plane = axes["plane"]
        plane.axhspan(-2, 1, color=colors["aligned"], lw=0, zorder=0)
        plane.axhspan(1, 4, color=colors["anti_aligned"], lw=0, zorder=0)
        plane.add_patch(Circle((0, 0), 1, color=colors["stable"], alpha=0.18, lw=0))
        plane.add_patch(Circle((0, 0), 1, fill=False, color=colors["stable"]))
        across, along = arrays["random"].T
        plane.plot(step * across, 1 - step * along, "o", ms=2.5, mew=0, color=colors["muted"], alpha=0.6)
        ends = {"bp": np.array([0, 1 - step]), "fa": arrays["landing"]}
        for (role, end), text in zip(ends.items(), (r"$-\eta g$", r"$-\eta u$"), strict=True):
            arrow = {"arrowstyle": "-|>", "color": colors[role], "lw": 2.2, "shrinkA": 0, "shrinkB": 0}
            plane.annotate("", end, (0, 1), arrowprops=arrow)
            plane.text(end[0] + 0.1, end[1] - 0.05, text, color=colors[role], va="top")
        plane.plot(0, 0, "o", color=colors["ink"], ms=4)
        plane.text(0, -0.1, "minimum", ha="center", va="top")
        plane.text(0, -0.93, "lower loss", ha="center", color=colors["stable"])
        plane.text(-2.2, 1.07, "uphill", color=colors["unstable"])
        plane.text(-2.2, 0.93, "downhill", va="top", color=colors["stable"])
        plane.set(xlim=(-2.3, 2.3), ylim=(-1.35, 3.25), aspect="equal", xticks=[], yticks=[])

        loss = axes["loss"]
        plots.reference(0, ax=loss)
        loss.plot(arrays["sizes"], arrays["gradient_changes"], color=colors["bp"])
        loss.plot(arrays["sizes"], arrays["changes"], color=colors["fa"])
        loss.text(1.1, -0.85, "gradient", color=colors["bp"])
        visible = arrays["changes"] < 1.3
        loss.annotate(
            "update",
            (arrays["sizes"][visible][-1], 1.3),
            (-6, 0),
            textcoords="offset points",
            ha="right",
            color=colors["fa"],
        )
        loss.plot(step, arrays["change"], "o", color=colors["fa"])
        loss.set(xlabel=r"step size $\eta$", ylabel="change of the loss", xlim=(0, LONGEST), ylim=(-1.1, 1.6))
        angles = axes["angles"]
        edges = np.linspace(0, 180, len(arrays["histogram"]) + 1)
        angles.stairs(arrays["histogram"], edges, fill=True, color=colors["faint"])
        angles.plot(np.arange(181), arrays["density"], color=colors["ink"], lw=1.2)
        angles.axvline(values["angle"], color=colors["fa"])
        angles.set(xlabel=f"angle of a random update, n = {int(values['n']):,}", xlim=(0, 180), yticks=[])
        angles.set_xticks([0, 45, 90, 135, 180], ["0°", "45°", "90°", "135°", "180°"])
        return figure
