"""Two maps of the same training runs: how well they read digits, and how aligned they are. Each run has its controls.

Networks 64-64-64-10 read digits for ten epochs, ten seeds for each setting; the runs are those of
`fa_teach.explorers.recorded.aligned_but_poor`. From chapter 8 of the book.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fa_teach.explorers._bake import Array
from fa_teach.explorers._base import Explorer
from fa_teach.explorers._controls import Choice, Player
from fa_teach.explorers.recorded.aligned_but_poor import (
    EPOCH,
    FINE,
    RATES,
    SCALES,
    STARTS,
    STEPS,
    STRENGTHS,
    TESTED,
    recorded,
)
from fa_teach.palette import LINES, text_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLEAR = 9  # seeds of ten: better, or worse, in at least so many is called so
ALIGNED, HARDLY = 0.4, 0.2  # mean cosine of the hidden layers: aligned from here, hardly aligned below
SAME = 0.02  # accuracies nearer than this are called the same
POOR = 0.5  # accuracy below which a network reads poorly, whatever its control does


def _names(values: tuple[float, ...]) -> dict[str, str]:
    return {f"{value:g}": f"{value:g}" for value in values}


# -- What is drawn ------------------------------------------------------------------------------


def _setting(rate: str, start: str) -> tuple[int, int]:
    return list(_names(RATES)).index(rate), STARTS.index(start)


def _row(scale: str) -> int:
    return list(_names(SCALES)).index(scale)


def _column(strength: str) -> int:
    return list(_names(STRENGTHS)).index(strength)


def _band(values: Array) -> Array:
    """Median, smallest and largest over seeds, the last axis, in hundredths: the same with a kernel and without."""
    low, high = values.min(axis=-1), values.max(axis=-1)
    return np.stack([np.median(values, axis=-1), low, high], axis=-1).round(2)


def maps(rate: str, start: str) -> dict[str, Array]:
    """All settings at all times, medians of ten seeds.

    Returns
    -------
    dict
        ``accuracy`` and ``alignment`` ``(times, scales, strengths)``: share of the test images that are read rightly,
        and gradient alignment, the mean of both hidden layers; ``helps``, whether the network reads better than one of
        the same start whose hidden layers are frozen, in at least nine of ten seeds.
    """
    runs = recorded()
    here = _setting(rate, start)
    right, frozen = runs["right"][here], runs["right_output_only"][here][:, None]
    cosines = runs["cosines"][here] / FINE
    return {
        "accuracy": np.moveaxis(np.median(right, axis=-1) / TESTED, 2, 0).round(2),
        "alignment": np.moveaxis(np.median(cosines, axis=-1).mean(axis=-1), 2, 0).round(2),
        "helps": np.moveaxis((right > frozen).sum(axis=-1) >= CLEAR, 2, 0),
    }


def cell(rate: str, start: str, scale: str, strength: str) -> dict[str, Array]:
    """One setting over time: median, smallest and largest of ten seeds.

    Returns
    -------
    dict
        ``epochs`` ``(times,)``; ``fa`` ``(times, 3)``, its accuracy; ``layer1`` and ``layer2`` ``(times, 3)``, the
        cosines of the hidden layers; ``better`` and ``worse``, at the end, in how many seeds than the output layer
        alone.
    """
    runs = recorded()
    here = (*_setting(rate, start), _row(scale))
    right, frozen = runs["right"][here][_column(strength)], runs["right_output_only"][here]
    layers = np.moveaxis(_band(runs["cosines"][here][_column(strength)] / FINE), 1, 0)
    return {
        "epochs": np.array(STEPS) / EPOCH,
        "fa": _band(right / TESTED),
        "layer1": layers[0],
        "layer2": layers[1],
        "better": (right[-1] > frozen[-1]).sum(),
        "worse": (right[-1] < frozen[-1]).sum(),
    }


def controls(rate: str, start: str, scale: str) -> dict[str, Array]:
    """The same starts without feedback: ``bp`` and ``output_only``, accuracies ``(times, 3)`` as in `cell`."""
    runs = recorded()
    here = (*_setting(rate, start), _row(scale))
    return {rule: _band(runs[f"right_{rule}"][here] / TESTED) for rule in ("bp", "output_only")}


# -- The explorer -------------------------------------------------------------------------------

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "aligns": ("aligned and good", {"scale": "0.3", "strength": "3"}),
    "poor": ("aligned but poor", {"scale": "2", "strength": "30"}),
    "perfect": ("perfect start", {"scale": "4", "strength": "100", "start": "fitted"}),
    "repaired": ("shorter steps", {"scale": "4", "strength": "100", "start": "fitted", "rate": "0.01"}),
    "useful": ("useful without", {"scale": "2", "strength": "3", "rate": "0.01"}),
    "output": ("output layer alone", {"scale": "2", "strength": "0.01"}),
    "fails": ("fails", {"scale": "0.1", "strength": "0.01"}),
}


MOMENT = (
    "After {epochs:.1f} epochs the hidden layers have cosines of {layer1:.2f} and {layer2:.2f}, and FA reads "
    "{fa:.2f} of the digits; the output layer alone reads {output_only:.2f}, backpropagation {bp:.2f}."
)


class AlignedButPoor(Explorer):
    """Two maps of the same runs on digits, accuracy and alignment; one setting of them over time, with its controls.

    Parameters
    ----------
    scale : str
        Size of the initial weights, in usual ones: ``"0.1"``, ``"0.3"``, ``"1"``, ``"2"``, ``"4"``, ``"8"``.
    strength : str
        Size of the feedback, likewise: ``"0.01"``, ``"0.1"``, ``"1"``, ``"3"``, ``"10"``, ``"30"``, ``"100"``.
    rate : str
        Step size, ``"0.01"``, ``"0.1"`` or ``"1"``.
    start : str
        ``"random"``, or ``"fitted"``: weights above the first layer proportional to ``Bᵀ``, all cosines 1.
    time : int
        Frame of the runs, 0 to 22.

    Examples
    --------
    >>> poor = AlignedButPoor()
    >>> print(poor.words.split(":")[0], poor.arrays["fa"][-1, 0].round(1), poor.arrays["output_only"][-1, 0].round(1))
    Aligned but poor 0.8 0.9
    >>> poor.strength = "3"
    >>> print(poor.words.split(":")[0])
    Aligned and useful
    """

    slug = "aligned-but-poor"
    title = "Aligned but poor"
    parts = (maps, cell, controls)
    presets = PRESETS
    moment = (MOMENT,)

    scale = Choice("2", options=_names(SCALES), label="initial weights ×")
    strength = Choice("30", options=_names(STRENGTHS), label="feedback ×")
    rate = Choice("0.1", options=_names(RATES), label="step size η")
    start = Choice("random", options={"random": "random", "fitted": "W = k Bᵀ"}, label="start")
    time = Player(len(STEPS), label="learning time")

    @staticmethod
    def sentence(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        """Say whether it is aligned, whether it is of use, and against what that was judged."""
        cosine = float(arrays["layer1"][-1, 0] + arrays["layer2"][-1, 0]) / 2
        useful, harmful = arrays["better"] >= CLEAR, arrays["worse"] >= CLEAR
        low = arrays["fa"][-1, 0] < POOR
        if cosine >= HARDLY:
            aligned = "Aligned" if cosine >= ALIGNED else "Weakly aligned"
            if low and useful:
                verdict = f"{aligned} and of use, but poor so far"
            elif low or arrays["fa"][-1, 0] < arrays["output_only"][-1, 0] - SAME:
                verdict = f"{aligned} but poor"
            else:
                verdict = f"{aligned} and useful" if useful else f"{aligned}, of uncertain use"
        elif useful:
            verdict = "Hardly aligned, and poor" if low else "Useful without alignment"
        else:
            verdict = "Neither aligned nor good" if low or harmful else "The output layer does it alone"
        made = "weights" if values["start"] == "random" else "weights fitted to the feedback"
        setting = f"{made} × {values['scale']}, feedback × {values['strength']}, steps of {values['rate']}"
        return (
            f"{verdict}: {setting}. After ten epochs "
            "the hidden layers have cosines of {layer1[-3]:.2f} and {layer2[-3]:.2f}, and FA reads {fa[-3]:.2f} "
            "of the digits ({fa[-2]:.2f} to {fa[-1]:.2f}). Its output layer alone reads {output_only[-3]:.2f}: "
            "FA is better in {better:.0f} and worse in {worse:.0f} of 10 seeds. Backpropagation reads {bp[-3]:.2f}."
        )

    @staticmethod
    def draw(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> Figure:
        """Draw both maps, the cell that is chosen, and its run beside its controls."""
        import matplotlib.pyplot as plt
        from matplotlib.patches import Rectangle

        from fa_teach import plots

        colors = plots.COLORS
        figure, axes = plt.subplots(2, 2, figsize=(8.2, 5.4), height_ratios=[1.35, 1])
        place = _column(values["strength"]), _row(values["scale"])
        titles = {"accuracy": "test accuracy", "alignment": "mean cosine of the hidden layers"}
        for ax, (name, title) in zip(axes[0], titles.items(), strict=True):
            signed = name == "alignment"
            z = arrays[name][-1].astype(float).round(2) + 0.0  # no negative zeros
            limits = (-1, 1) if signed else (0, 1)
            plots.heatmap(STRENGTHS, SCALES, z, ax=ax, label=title, limits=limits, signed=signed)
            _outline(ax, arrays["helps"][-1], colors["ink"])
            corner = place[0] - 0.45, place[1] - 0.43
            ax.add_patch(Rectangle(corner, 0.9, 0.86, fill=False, ec=colors["page"], lw=3.5, zorder=5))
            ax.add_patch(Rectangle(corner, 0.9, 0.86, fill=False, ec=colors["ink"], lw=1.8, zorder=5))
            ax.set_xlabel("size of the feedback")
        axes[0, 0].set_ylabel("size of the weights")
        run, cosines = axes[1]
        epochs = arrays["epochs"]
        for ax, room, rows in (
            (
                run,
                0.13,
                {"bp": ("bp", "backprop"), "output_only": ("output_only", "output only"), "fa": ("fa", "FA")},
            ),
            (cosines, 0.26, {"layer1": ("neutral", "layer 1"), "layer2": ("fa", "layer 2")}),
        ):
            heights = plots.spread([float(arrays[name][-1, 0]) for name in rows], [room] * len(rows))
            for (name, (role, text)), y in zip(rows.items(), heights, strict=True):
                middle, low, high = arrays[name].astype(float).T
                ax.fill_between(epochs, low, high, color=colors[role], alpha=0.15, lw=0)
                ax.plot(epochs, middle, linestyle=LINES[role], color=colors[role])
                ax.text(10.2, y, text, color=text_color(colors[role]), va="center")
            ax.set(xlabel="epoch", xlim=(0, 10))
        run.set(ylabel="test accuracy", ylim=(0, 1))
        plots.reference(0, ax=cosines)
        cosines.set(ylabel="cosine", ylim=(-1, 1.05))
        return figure


def _outline(ax: Axes, inside: Array, color: str) -> None:
    """Draw a line around the cells of a map."""
    rows, columns = inside.shape
    wide = np.pad(inside, 1)
    for i in range(rows + 1):
        for j in range(columns + 1):
            here, below, left = wide[i + 1, j + 1], wide[i, j + 1], wide[i + 1, j]
            if here != below:
                ax.plot([j - 0.5, j + 0.5], [i - 0.5, i - 0.5], color=color, lw=2, clip_on=False)
            if here != left:
                ax.plot([j - 0.5, j - 0.5], [i - 0.5, i + 0.5], color=color, lw=2, clip_on=False)
