"""Networks that backpropagation trained, and what feedback alignment does with them, by the angle of its feedback.

Training runs, forecasts and spectra were recorded once, by ``python -m fa_teach.explorers.recorded.leaving``.
Derived in chapter 6 of the book.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fa_teach.explorers._bake import Array
from fa_teach.explorers._base import Explorer
from fa_teach.explorers._controls import Choice, Player, Range
from fa_teach.explorers.recorded.leaving import ANGLES, COUNTS, FILE, FRAMES, NEUTRAL, SETTINGS, SHOWN, frames

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOLUTIONS = {"many": "400 digits", "wide": "400, 20 units", "few": "20 digits"}
LINES = ("loss", "weights", "total", "distance")  # over time
LOWEST = -7.0  # decimal logarithm of a loss that is drawn
BEGIN, SWITCH = 10**-1.1, 10**-0.5  # left end and step 0 of the still's axis of steps, which is logarithmic
QUIET, TINY = 1.1, 1e-3  # times the loss at the switch, or a loss: below it a network has stayed
ARRIVED = 0.05  # a loss below it at the end is that of another solution
RECOVERED = 0.8  # times its highest loss: below it a network has come back part of the way
BELOW = 5e-4  # what would be written 0.000
SMALL = 0.05  # a loss below it is written with three decimals
FATES = ("stays", "creeps", "leaves", "returns", "elsewhere")


# -- What is drawn ------------------------------------------------------------------------------


@cache
def recorded() -> dict[str, Array]:
    """What was recorded, by ``solution_array``; the first axis is that of the angles, the last that of the seeds."""
    with np.load(FILE) as file:
        return {
            name: file[name] if name.split("_", 1)[1] in COUNTS else file[name].astype(float)
            for name in file.files
        }


def _at(angle: float) -> int:
    """The recorded angle that is nearest."""
    return int(np.abs(ANGLES - angle).argmin())


def _band(values: Array) -> Array:
    """Smallest, median and largest of the seeds, which are the last axis."""
    return np.stack([values.min(axis=-1), np.median(values, axis=-1), values.max(axis=-1)], axis=-1)


def ensemble(angle: float, solution: str) -> dict[str, Array]:
    """All ten networks after the switch: smallest, median and largest at each frame.

    Returns
    -------
    dict
        ``loss_band``, ``weights_band``, ``total_band``, ``distance_band`` ``(61, 3)``, the loss as its decimal
        logarithm; ``leavers``, how many of ten leave.
    """
    data, k = recorded(), _at(angle)
    bands = {f"{line}_band": _band(data[f"{solution}_{line}"][k]) for line in LINES}
    return bands | {"leavers": (data[f"{solution}_left"][k] >= 0).sum()}


def control(solution: str) -> dict[str, Array]:
    """What does not depend on the angle.

    Returns
    -------
    dict
        ``steps`` ``(61,)`` of the frames; ``bp_band`` ``(61, 3)``, the loss of all ten if backpropagation goes on;
        ``floor`` and ``ceiling``, decimal logarithms between which the loss is drawn;
        ``farthest``, the largest distance; ``directions``, how many eigenvalues there are.
    """
    data = recorded()
    return {
        "steps": frames(SETTINGS[solution].after),
        "bp_band": _band(data[f"{solution}_bp_loss"]),
        "floor": max(data[f"{solution}_loss"].min(), LOWEST),
        "ceiling": data[f"{solution}_loss"].max(),
        "farthest": data[f"{solution}_distance"].max(),
        "directions": np.array(SETTINGS[solution].directions),
    }


def turning(solution: str, network: str) -> dict[str, Array]:
    """One network at all angles of the feedback.

    Returns
    -------
    dict
        ``rates`` ``(13,)``, the fastest growth rate at the switch; ``peaks`` ``(13,)``, the decimal logarithm of the
        highest loss; ``ends`` ``(13,)``, that of the last.
    """
    data, seed = recorded(), int(network)
    return {
        "rates": data[f"{solution}_rate"][:, SHOWN.index(seed)],
        "peaks": np.log10(data[f"{solution}_highest"][:, seed]),
        "ends": data[f"{solution}_loss"][:, -1, seed],
    }


def one(angle: float, solution: str, network: str) -> dict[str, Array]:
    """One network at one angle: what was forecast at the switch, and what came.

    Returns
    -------
    dict
        ``turned``, the angle that was recorded; ``loss`` (decimal logarithm), ``weights`` and ``total`` (alignments),
        ``distance`` (from the old solution, relative to its norm) ``(61,)``; ``forecast`` ``(61,)``, decimal logarithm,
        NaN where it is over; ``eigenvalues`` ``(140, 2)``, real and imaginary part of those not below the real axis,
        NaN at the end; ``rate``, ``growing``, their largest real part, and how many of all have one above 0.01;
        ``rate_end``, the largest real part where the run ends; ``left``, ``forecast_left``, the step at which the loss
        has doubled (where no error was left: passed 0.01), -1 for none; ``start``, ``highest``, ``end``, the loss;
        ``fate``, an index of `FATES`.
    """
    data, k, seed = recorded(), _at(angle), int(network)
    place = SHOWN.index(seed)
    lines = {line: data[f"{solution}_{line}"][k, :, seed] for line in LINES}
    forecast = np.full(FRAMES, np.nan)
    known = data[f"{solution}_forecast"][k, :, seed]
    forecast[: len(known)] = np.where(np.isfinite(known), known, np.nan)
    left = int(data[f"{solution}_left"][k, seed])
    highest = float(data[f"{solution}_highest"][k, seed])
    start, end = (10.0 ** lines["loss"][[0, -1]]).tolist()
    if left < 0:
        fate = "stays" if highest < QUIET * start or highest < TINY else "creeps"
    elif SETTINGS[solution].perfect and end < ARRIVED:
        fate = "elsewhere"
    else:
        fate = "returns" if end < RECOVERED * highest else "leaves"
    return lines | {
        "turned": np.array(ANGLES[k]),
        "forecast": forecast,
        "eigenvalues": data[f"{solution}_eigenvalues"][k, place],
        "rate": data[f"{solution}_rate"][k, place],
        "growing": data[f"{solution}_growing"][k, place],
        "rate_end": data[f"{solution}_rate_end"][k, seed],
        "left": np.array(left),
        "forecast_left": data[f"{solution}_forecast_left"][k, seed],
        "start": np.array(start),
        "highest": np.array(highest),
        "end": np.array(end),
        "fate": np.array(FATES.index(fate)),
    }


# -- The explorer -------------------------------------------------------------------------------

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "stays": ("stays", {"angle": 15.0}),
    "leaves": ("leaves", {}),
    "fails": ("opposite", {"angle": 180.0}),
    "wide": ("wider", {"solution": "wide", "network": "7"}),
    "perfect": ("no error: leaves", {"solution": "few", "network": "1"}),
    "holds": ("no error: stays", {"solution": "few", "network": "1", "angle": 15.0}),
}


class Leaving(Explorer):
    """Backpropagation's solution, and what feedback alignment does from there on, by the angle of its feedback.

    Parameters
    ----------
    angle : float
        Between the feedback and ``W_2ᵀ`` at the switch, 0 to 180 degrees; the nearest of the recorded ones, each 15
        degrees, is shown.
    solution : str
        ``"many"`` (400 digits, ten hidden units, some error left), ``"wide"`` (the same with twenty) or ``"few"`` (20
        digits, no error left, and a small kick).
    network : str
        The one of ten that is drawn by itself: ``"1"``, ``"2"``, ``"7"`` or ``"8"``.
    time : int
        Frame of the run after the switch, 0 to 60.

    Examples
    --------
    >>> leaving = Leaving()
    >>> print(leaving.words.split(":")[0])
    Network 8 leaves, and comes back part of the way
    >>> leaving.angle = 15.0
    >>> print(leaving.words.split(":")[0])
    Network 8 stays
    """

    slug = "leaving"
    title = "Leaving backpropagation's solution"
    parts = (control, turning, ensemble, one)
    presets = PRESETS
    precision: ClassVar[dict[str, Any]] = dict.fromkeys(
        ("start", "end"), np.float32
    )  # tiny where no error is left
    moment = tuple(
        f"{{step:.0f}} steps after the switch the loss is {loss}; total gradient alignment {{total:+.2f}}, "
        "weight alignment {weights:+.2f}, distance {distance:.2f}."
        for loss in ("{loss:.3f}", "below 0.001")
    )

    angle = Range(90.0, low=0.0, high=180.0, step=15.0, label="angle of B to W₂ᵀ", unit="°")
    solution = Choice("many", options=SOLUTIONS, label="solution")
    network = Choice("8", options={str(seed): str(seed) for seed in SHOWN}, label="network")
    time = Player(FRAMES, label="steps after the switch", seconds=8)

    @staticmethod
    def sentence(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        """Say whether it stays, what was forecast, and what kind of alignment there is at the end."""
        fate = FATES[int(arrays["fate"])]
        perfect = SETTINGS[values["solution"]].perfect
        last = f"{SETTINGS[values['solution']].after:,}"
        name = f"Network {values['network']}"
        tell = {
            "stays": " stays",
            "creeps": " climbs, but not as far as to be counted",
            "leaves": " leaves, and has not come back",
            "returns": " leaves, and comes back part of the way",
            "elsewhere": " leaves, and arrives near another solution",
        }
        start = "no error, but a small kick," if perfect else "a loss of {start:.3f}"
        end = "below 0.001" if arrays["end"] < BELOW else "{end:.3f}"
        digits = 3 if arrays["highest"] < SMALL else 2
        top = "" if fate == "stays" else f", {{highest:.{digits}f}} at its highest,"
        course = f"from {start} at the switch to feedback at {{turned:.0f}}°{top} to {end} after {last} steps"
        event = "passes 0.01" if perfect else "doubles"
        if arrays["left"] >= 0:
            guess = "at step {forecast_left:.0f}" if arrays["forecast_left"] >= 0 else "later than step 200"
            course += f". The loss {event} at step {{left:.0f}}; forecast at the switch: {guess}"
        grow = f"{{growing:.0f}} of {SETTINGS[values['solution']].directions:,} directions grow"
        rate = f"At the switch {grow}, the fastest at a rate of {{rate:+.2f}}; at the end it is {{rate_end:+.2f}}"
        if fate == "stays":
            align = (
                "weight alignment at the end {weights[-1]:+.2f}, total gradient alignment {total[-1]:+.2f}"
            )
        else:
            align = (
                "its weights turn to the feedback, {weights[0]:+.2f} to {weights[-1]:+.2f}; the total gradient "
                "alignment ends at {total[-1]:+.2f}"
            )
        some = f"In {{leavers:.0f}} of 10 networks the loss {event}"
        return f"{name}{tell[fate]}: {course}. {rate}; {align}. {some}."

    @staticmethod
    def draw(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> Figure:  # noqa: ARG004 # as of all explorers
        """Draw loss, alignments and distance over time, and the spectrum at the switch."""
        import matplotlib.pyplot as plt

        from fa_teach import palette, plots

        colors = plots.COLORS
        figure, axes = plt.subplot_mosaic(
            [["loss", "plane"], ["loss", "plane"], ["alignment", "rates"], ["distance", "rates"]],
            figsize=(7.4, 5.6),
            width_ratios=[1.35, 1],
        )
        at = np.maximum(arrays["steps"], SWITCH)
        for name, role in (("loss", "fa"), ("bp", "bp")):
            low, middle, high = 10.0 ** arrays[f"{name}_band"].T
            axes["loss"].fill_between(at, low, high, color=colors[role], alpha=0.2, lw=0)
            if name == "bp":
                axes["loss"].plot(at, middle, color=colors[role])
        axes["loss"].plot(at, 10.0 ** arrays["forecast"], color=colors["faint"], lw=6)
        axes["loss"].plot([BEGIN, SWITCH], [10.0 ** float(arrays["loss"][0])] * 2, color=colors["bp"])
        axes["loss"].plot(at, 10.0 ** arrays["loss"], color=colors["fa"])
        limits = 0.7 * 10.0 ** float(arrays["floor"]), 1.5 * 10.0 ** float(arrays["ceiling"])
        axes["loss"].set(yscale="log", ylabel="loss", ylim=limits)
        fa_word = palette.text_color(colors["fa"])
        end = {"bp": float(arrays["bp_band"][40, 1]), "fa": float(arrays["loss"][-1])}
        for role, word, color in (("bp", "BP, if it goes on ", colors["bp"]), ("fa", "FA ", fa_word)):
            level = 10.0 ** max(end[role], float(arrays["floor"]))
            axes["loss"].text(at[-1], level, word, color=color, ha="right", va="bottom")
        shades = palette.layers(2)
        plots.reference(0, ax=axes["alignment"])
        for name, word, shade in (("weights", "weights", shades[0]), ("total", "total gradient", shades[1])):
            low, _, high = arrays[f"{name}_band"].T
            axes["alignment"].fill_between(at, low, high, color=shade, alpha=0.15, lw=0)
            axes["alignment"].plot(at, arrays[name], color=shade)
            axes["alignment"].text(
                0.4, 0.5 if name == "weights" else -0.8, word, color=palette.text_color(shade)
            )
        axes["alignment"].set(ylim=(-1.05, 1.05), ylabel="alignment")
        low, _, high = arrays["distance_band"].T
        axes["distance"].fill_between(at, low, high, color=colors["fa"], alpha=0.2, lw=0)
        axes["distance"].plot(at, arrays["distance"], color=colors["fa"])
        axes["distance"].set(ylabel="distance", xlabel="step after the switch", ylim=(0, None))
        marks = [SWITCH, *(10.0**power for power in range(int(np.log10(at[-1])) + 1))]
        for name in ("loss", "alignment", "distance"):
            axes[name].set(xscale="log", xlim=(BEGIN, at[-1]))
            axes[name].set_xticks(marks, ["0", *(f"{mark:,.0f}" for mark in marks[1:])])
            axes[name].minorticks_off()
            axes[name].axvline(SWITCH, color=colors["ink"], lw=1.2, ls=":")
        x, y = arrays["eigenvalues"][np.isfinite(arrays["eigenvalues"][:, 0])].T
        both = np.concatenate([x + 1j * y, x - 1j * y])
        plots.spectrum(both, ax=axes["plane"], words=False)
        for marks_of_role in axes["plane"].lines:
            if marks_of_role.get_gid() == "unstable":  # thin ones, which do not hide one another
                marks_of_role.set(marker="x", markeredgecolor=colors["unstable"], markeredgewidth=1.4)
        if arrays["rate"] > NEUTRAL:
            ring = axes["plane"].scatter(x[:1], y[:1], s=140, facecolor="none", edgecolor=colors["ink"])
            ring.set_zorder(4)
        half = 1.15 * max(float(arrays["rates"].max()), 0.1)
        axes["plane"].set(title="eigenvalues at the switch", xlim=(-half, half), ylim=(-half, half))
        rates = axes["rates"]
        plots.reference(0, ax=rates)
        rates.plot(ANGLES, arrays["rates"], color=colors["unstable"])
        rates.axvline(float(arrays["turned"]), color=colors["muted"], lw=1)
        rates.set(xlabel="angle of $B$ to $W_2^\\top$", ylabel="fastest rate", xlim=(0, 180))
        rates.set_xticks([0, 45, 90, 135, 180], ["0°", "45°", "90°", "135°", "180°"])
        return figure
