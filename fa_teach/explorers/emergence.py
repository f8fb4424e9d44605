"""How alignment emerges while digits are learned: recorded training runs, scrubbed in time.

All runs were made by `fa_teach.train`, ten seeds each; `fa_teach.explorers.recorded.emergence` makes them again.
Derived in chapter 7 of the book.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fa_teach.explorers._bake import Array
from fa_teach.explorers._base import Explorer
from fa_teach.explorers._controls import Choice, Player
from fa_teach.explorers.recorded.emergence import DEPTHS, FEEDBACKS, FILE, FINENESS, RULES, SCALES, STEPS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRAMES = len(STEPS)
BEFORE = 0.4  # where step 0 stands on a logarithmic axis
ALIGNED, HARDLY = 0.5, 0.25  # cosines of the least aligned layer that are called so
# JavaScript would put options named like whole numbers first, so none is
SCALE_NAMES, FEEDBACK_NAMES = ({str(float(s)): f"{s:g}" for s in factors} for factors in (SCALES, FEEDBACKS))
USES = ("fa", "dfa")  # rules that use the feedback


# -- What is drawn ------------------------------------------------------------------------------


@cache
def recorded() -> dict[str, Array]:
    """What was recorded, by ``array_rule_depth``."""
    with np.load(FILE) as file:
        return {name: file[name] for name in file.files}


def _member(name: str, rule: str, depth: str, scale: str, feedback: str) -> Array:
    """What was recorded of one ensemble of ten seeds."""
    rule = "fa" if (rule, depth) == ("dfa", "1") else rule  # with one hidden layer they are the same
    place = FEEDBACKS.index(float(feedback)) if rule in USES else 0
    return np.asarray(recorded()[f"{name}_{rule}_{depth}"][SCALES.index(float(scale)), place])


def clock() -> dict[str, Array]:
    """The moments that were recorded.

    Returns
    -------
    dict
        ``steps`` ``(21,)``, and ``places`` ``(21,)``, their decimal logarithms, a little to the left of 0 for step 0.
    """
    steps = np.array(STEPS)
    return {"steps": steps, "places": np.log10(np.maximum(steps, BEFORE))}


def course(rule: str, depth: str, scale: str, feedback: str) -> dict[str, Array]:
    """How ten seeds learn and align: median, smallest and largest.

    Returns
    -------
    dict
        ``loss`` and ``accuracy`` ``(21, 3)``, of the training and of the test set; ``gradient`` and ``weight``
        ``(layers, 21, 3)``, cosines of the hidden layers.
    """
    names = {
        "loss": "train_loss",
        "accuracy": "test_accuracy",
        "gradient": "gradient_alignment",
        "weight": "weight_alignment",
    }
    arrays = {new: _member(old, rule, depth, scale, feedback) / 1000 for new, old in names.items()}
    return arrays | {name: np.moveaxis(arrays[name], 1, 0) for name in ("gradient", "weight")}


def connections(rule: str, depth: str, scale: str, feedback: str) -> dict[str, Array]:
    """Forty of the 640 weights of the output layer, in one seed.

    Returns
    -------
    dict
        ``entries`` ``(21, 40)``, in eightieths; ``agree`` ``(21,)``, how many have the sign of their entry of ``Bᵀ``.
    """
    return {name: _member(name, rule, depth, scale, feedback) for name in ("entries", "agree")}


def opposite(rule: str, depth: str) -> dict[str, Array]:
    """The entries of ``Bᵀ`` that belong to the forty weights, at scale 1: ``targets`` ``(40,)``."""
    rule = "fa" if (rule, depth) == ("dfa", "1") else rule
    return {"targets": recorded()[f"targets_{rule}_{depth}"]}


def references(depth: str, scale: str) -> dict[str, Array]:
    """What backprop and the output layer alone make of the same start, medians of the same ten seeds.

    Returns
    -------
    dict
        ``bp_loss``, ``bp_accuracy``, ``alone_loss``, ``alone_accuracy``, each ``(21,)``.
    """
    arrays: dict[str, Array] = {}
    for name, rule in (("bp", "bp"), ("alone", "output_only")):
        run = course(rule, depth, scale, "1.0")
        arrays |= {f"{name}_{what}": run[what][:, 0] for what in ("loss", "accuracy")}
    return arrays


# -- The explorer -------------------------------------------------------------------------------

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "aligns": ("aligns", {}),
    "fails": ("fails", {"scale": "4.0", "depth": "3"}),
    "poor": ("aligned, still slow", {"scale": "0.01", "feedback": "0.25"}),
    "good": ("good, hardly aligned", {"scale": "2.0"}),
    "control": ("backprop", {"rule": "bp"}),
}


class Emergence(Explorer):
    """Digits are learned, and the weights turn towards the feedback, or do not: recorded runs of ten seeds each.

    Parameters
    ----------
    rule : str
        ``"fa"``, ``"dfa"``, ``"output_only"`` or ``"bp"``. The last two do not use the feedback; what is shown of
        their alignment is that of FA, measured along their way.
    depth : str
        Hidden layers of 64 units: ``"1"``, ``"2"`` or ``"3"``.
    scale : str
        Factor on the initial weights, ``"0.01"`` to ``"4.0"``.
    feedback : str
        Factor on the feedback: ``"0.25"``, ``"1.0"`` or ``"4.0"``.
    measure : str
        Alignment of ``"gradient"`` or ``"weight"``.
    time : int
        Moment of the run, 0 to 20.

    Examples
    --------
    >>> emergence = Emergence(scale="4.0")
    >>> print(emergence.words.split(":")[0])
    Hardly aligned
    >>> emergence.arrays["accuracy"].shape
    (21, 3)
    """

    slug = "emergence"
    title = "Emergence of alignment while digits are learned"
    parts = (clock, course, connections, opposite, references)
    presets = PRESETS
    moment = tuple(
        "After {step:.0f} steps ({epochs:.1f} epochs): test accuracy {accuracy:.0%}, training loss {loss:.2f}; "
        "alignment "
        + ", ".join(f"{{{name}:.2f}} in layer {l}" for l, name in enumerate(named, start=1))
        + "."
        for named in (("first", "second", "third"), ("first", "second"), ("first",))
    )

    scale = Choice("0.1", options=SCALE_NAMES, label="initial W ×")
    feedback = Choice("1.0", options=FEEDBACK_NAMES, label="feedback B ×")
    depth = Choice("2", options={str(d): str(d) for d in DEPTHS}, label="hidden layers")
    rule = Choice(
        "fa",
        options=dict(zip(RULES, ("FA", "direct FA", "output only", "backprop"), strict=True)),
        label="rule",
    )
    measure = Choice(
        "gradient", options={"gradient": "of gradients", "weight": "of weights"}, label="alignment"
    )
    time = Player(FRAMES, label="training step")

    @staticmethod
    def sentence(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        """Say how well it is aligned, layer by layer, and what that is worth."""
        rule, measure, layers = values["rule"], values["measure"], int(values["depth"])
        start = SCALE_NAMES[values["scale"]]
        stride = 3 * FRAMES
        least = min(float(np.ravel(arrays[measure])[(l + 1) * stride - 3]) for l in range(layers))
        verdict = "Aligned" if least >= ALIGNED else "Hardly aligned" if least < HARDLY else "Partly aligned"
        each = [f"{{{measure}[{(l + 1) * stride - 3}]:.2f}} in layer {l + 1}" for l in range(layers)]
        cosines = each[0] if layers == 1 else f"{', '.join(each[:-1])} and {each[-1]}"
        end = 3 * FRAMES - 3
        accuracy = f"{{accuracy[{end}]:.0%}} ({{accuracy[{end + 1}]:.0%}} to {{accuracy[{end + 2}]:.0%}})"
        kind = f"{measure} alignment"
        if rule in USES:
            name = "direct FA, which with one hidden layer is FA," if (rule, layers) == ("dfa", 1) else ""
            name = name or ("direct FA" if rule == "dfa" else "FA")
            strength = f"feedback × {FEEDBACK_NAMES[values['feedback']]}"
            return (
                f"{verdict}: after 10 epochs {name} with initial weights × {start} and {strength} has {kind} "
                f"{cosines}, and reads {accuracy} of new digits; from the same start backprop reads "
                "{bp_accuracy[-1]:.0%}, the output layer alone {alone_accuracy[-1]:.0%}."
            )
        name = "backprop" if rule == "bp" else "the output layer alone"
        other = (
            "the output layer alone {alone_accuracy[-1]:.0%}"
            if rule == "bp"
            else "backprop {bp_accuracy[-1]:.0%}"
        )
        return (
            f"A control that does not use the feedback: after 10 epochs {name}, from initial weights × "
            f"{start}, has {kind} with FA's feedback of {cosines}, and reads {accuracy} of new digits; "
            f"from the same start {other}."
        )

    @staticmethod
    def draw(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> Figure:
        """Draw alignment, accuracy and loss over time, and weights against feedback."""
        import matplotlib.pyplot as plt
        from matplotlib.patches import Rectangle

        from fa_teach import palette, plots

        colors, role = plots.COLORS, values["rule"]
        figure, axes = plt.subplot_mosaic(
            [["alignment", "weights"], ["accuracy", "weights"], ["loss", "weights"]],
            figsize=(7.4, 5.0),
            width_ratios=[1.35, 1],
        )
        x = 10.0 ** np.asarray(arrays["places"], dtype=float)

        def band(ax: Any, run: Any, color: str, label: str) -> None:
            run = np.asarray(run, dtype=float)
            ax.fill_between(x, run[:, 1], run[:, 2], color=color, alpha=0.2, linewidth=0)
            plots.curves(x, run[:, 0], ax=ax, color=color, label=label)

        ax = axes["alignment"]
        plots.reference(0, ax=ax)
        shades = palette.layers(len(arrays[values["measure"]]))
        for l, run in enumerate(arrays[values["measure"]]):
            band(ax, run, shades[l], f"layer {l + 1}")
        ax.set(ylabel="alignment", ylim=(-0.45, 1.05))
        for name, limits in (("accuracy", (0, 1)), ("loss", (0.01, 6))):
            ax = axes[name]
            for other, of in (("bp", "bp"), ("alone", "output_only")):
                if of != role:
                    plots.curves(
                        x, np.asarray(arrays[f"{other}_{name}"], dtype=float), ax=ax, role=of, linewidth=1
                    )
            band(ax, arrays[name], colors[role], palette.NAMES[role])
            ax.set(ylabel=name, ylim=limits)
        axes["loss"].set(yscale="log", xlabel="training step")
        for name in ("alignment", "accuracy", "loss"):
            axes[name].set(xscale="log", xlim=(BEFORE, STEPS[-1]))
            axes[name].set_xticks([BEFORE, 1, 10, 100], ["0", "1", "10", "100"] if name == "loss" else [])
        ax = axes["weights"]
        entries = np.asarray(arrays["entries"], dtype=float) / FINENESS["entries"]
        now = int(values["time"])
        for left, low in ((-1, -2), (-1, 0), (0, -2), (0, 0)):  # quadrants of equal and of opposite sign
            ground = colors["aligned" if (left < 0) == (low < 0) else "anti_aligned"]
            ax.add_patch(Rectangle((left, low), 1, 2, color=ground, zorder=0))
        plots.reference(0, ax=ax)
        ax.axvline(0, color=colors["muted"], lw=0.8)
        ax.vlines(arrays["targets"], entries[0], entries[now], color=colors["faint"], lw=1)
        ax.plot(arrays["targets"], entries[now], "o", ms=4, color=colors[role])
        ax.set(xlabel="entry of $B^\\top$", ylabel="entry of $W$", xlim=(-0.4, 0.4), ylim=(-1.6, 1.6))
        return figure
