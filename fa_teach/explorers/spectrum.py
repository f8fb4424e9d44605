"""The spectrum of a linear network at a perfect solution while its feedback turns, and what becomes of a kick.

Networks have three inputs, white, and five hidden units; all comes from `fa_teach.linear`. Derived in chapter 5 of the
book.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fa_teach import linear
from fa_teach.explorers._bake import Array
from fa_teach.explorers._base import Explorer
from fa_teach.explorers._controls import Choice, Player, Range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS, HIDDEN = 3, 5
KICK = 1e-3  # norm of the change of all weights
SWEEP = np.arange(0, 181, 5)  # degrees
FRAMES = 61
HORIZONS = tuple(60 * 2**i for i in range(5))  # steps; the shortest that shows the end
SETTLED, LOST = 1e-9, 1e3  # size of the error at which a run is over
FATES = ("forgotten", "settles", "lost", "under way")


# -- What is drawn ------------------------------------------------------------------------------


@cache
def solution(outputs: str, seed: str) -> tuple[Array, Array, Array]:
    """A random task, and a perfect solution of it: ``A``, ``W`` and ``T``."""
    T = np.random.default_rng(int(seed)).normal(size=(int(outputs), INPUTS))
    return *linear.zero_error_point(T, HIDDEN, seed=int(seed)), T


def _pairs(z: Array) -> Array:
    return np.stack([z.real, z.imag], axis=-1)


def turning(outputs: str, seed: str) -> dict[str, Array]:
    """What is the same at all angles of the feedback.

    Returns
    -------
    dict
        ``ways`` ``(points, 2)``, eigenvalues at all angles, each degree; ``stability`` and ``alignment`` ``(37,)``, the
        criteria ``c`` and ``a`` at every fifth degree.
    """
    A, W, _ = solution(outputs, seed)
    fine = linear.turn_feedback(W, np.arange(181), seed=int(seed))
    B = fine[SWEEP]
    return {
        "ways": _pairs(linear.spectrum(A, W, fine)).reshape(-1, 2),
        "stability": linear.criterion(A, W, B),
        "alignment": linear.alignment_criterion(A, W, B),
    }


def eigenvalues(angle: float, outputs: str, seed: str) -> dict[str, Array]:
    """The spectrum at one angle, and the verdicts.

    Returns
    -------
    dict
        ``eigenvalues`` ``(n, 2)``, real and imaginary part, the least stable first; ``rate``, the largest real part;
        ``right``, how many have a positive one; ``alignment_criterion``; ``critical_step``, 0 where unstable.
    """
    A, W, _ = solution(outputs, seed)
    report = linear.stability(A, W, linear.turn_feedback(W, angle, seed=int(seed)))
    return {
        "eigenvalues": _pairs(report.eigenvalues),
        "rate": report.eigenvalues[0].real,
        "right": (report.eigenvalues.real > 0).sum(),
        "alignment_criterion": report.alignment_criterion,
        "critical_step": report.critical_step,
    }


def kick(angle: float, step: float, outputs: str, seed: str) -> tuple[linear.Point, complex, Array]:
    """Weights after the kick, its eigenvalue ``λ``, and the complex error whose real part appears at first order."""
    A, W, T = solution(outputs, seed)
    B = linear.turn_feedback(W, angle, seed=int(seed))
    rates, errors = np.linalg.eig(linear.residual_operator(A, W, B))
    lead = np.lexsort((rates.imag, -abs(1 - step * rates).round(9)))[0]
    M = errors[:, lead].reshape(T.shape)
    dA, dW = B @ M, M @ A.T  # the update of an eigenvector of errors is an eigenvector of weights
    scale = KICK / np.hypot(np.linalg.norm(dA.real), np.linalg.norm(dW.real))
    point = linear.Point(A + scale * dA.real, W + scale * dW.real, B)
    return point, complex(-rates[lead]), scale * rates[lead] * M


def _inside(A: Array, W: Array, B: Array, step: float) -> Array:
    """Which eigenvalues lie in the disc of stable steps."""
    return np.asarray(abs(1 + step * linear.spectrum(A, W, B)) < 1)


def kicked(angle: float, step: float, outputs: str, seed: str) -> dict[str, Array]:
    """Take discrete steps of FA after a kick along the eigenvector whose error grows most, or shrinks least, by a step.

    The run is over when the error is nothing at a solution that is stable for these steps (it may pass close to others,
    and leave them again), when it is huge, or after 960 steps.

    Returns
    -------
    dict
        ``error`` ``(61,)``, the decimal logarithm of ``‖M‖``, NaN after the end; ``predicted``, the same by the
        eigenvalue alone, NaN where large; ``steps``, at the last frame; ``leading`` ``(2,)``, the eigenvalue ``λ``;
        ``factor``, which is ``|1 + ηλ|``; ``inside`` ``(n,)``, which eigenvalues lie in the disc of stable steps;
        ``outside``, how many do not; ``fate``, an index of `FATES`; ``moved``, how far weights that settle elsewhere
        are from where they were; ``end`` ``(n, 2)``, the eigenvalues there, NaN where they do not settle.
    """
    A, W, T = solution(outputs, seed)
    (now_A, now_W, B), eigenvalue, M = kick(angle, step, outputs, seed)
    factor = 1 + step * eigenvalue
    sizes: list[float] = []
    settled = False
    while len(sizes) <= HORIZONS[-1]:
        error = now_W @ now_A - T
        sizes.append(float(np.linalg.norm(error)))
        small = sizes[-1] < SETTLED and len(sizes) % 20 == 0
        settled = small and bool(_inside(now_A, now_W, B, step).all())
        if settled or sizes[-1] > LOST:
            break
        now_A, now_W = now_A - step * B @ error, now_W - step * error @ now_A.T
    if len(sizes) > HORIZONS[-1]:
        settled = sizes[-1] < 1e-4 and bool(_inside(now_A, now_W, B, step).all())

    steps = next(end for end in HORIZONS if end >= len(sizes) - 1)
    shown = np.arange(FRAMES) * (steps // (FRAMES - 1))
    run = np.full(steps + 1, np.nan)
    run[: len(sizes)] = sizes
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        growing = np.linalg.norm((factor**shown * M[..., None]).real, axis=(0, 1))
        error_size, predicted = np.log10(run[shown]), np.log10(growing)

    inside = _inside(A, W, B, step)
    leaves = settled and abs(factor) > 1
    fate = "settles" if leaves else "forgotten" if settled else "lost" if sizes[-1] > LOST else "under way"
    moved = np.hypot(np.linalg.norm(now_A - A), np.linalg.norm(now_W - W))
    end = _pairs(linear.spectrum(now_A, now_W, B))
    return {
        "error": error_size,
        "predicted": np.where(abs(predicted) < 30, predicted, np.nan),
        "steps": np.array(steps),
        "leading": np.array([eigenvalue.real, eigenvalue.imag]),
        "factor": np.array(abs(factor)),
        "inside": inside,
        "outside": (~inside).sum(),
        "fate": np.array(FATES.index(fate)),
        "moved": moved if leaves else np.array(0.0),
        "end": end if leaves else np.full_like(end, np.nan),
    }


# -- The explorer -------------------------------------------------------------------------------

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "aligns": ("aligned", {"angle": 30.0}),
    "poor": ("stable, not aligned", {"angle": 60.0}),
    "pair": ("a pair leaves", {"angle": 90.0}),
    "fails": ("unstable", {"angle": 180.0, "step": 0.02}),
    "step": ("large step", {"angle": 0.0, "step": 0.12}),
    "one": ("one output", {"angle": 90.0, "outputs": "1", "step": 0.05}),
}


class Spectrum(Explorer):
    """Eigenvalues of feedback alignment at a perfect solution while ``B`` turns from ``Wᵀ`` to ``-Wᵀ``.

    Parameters
    ----------
    angle : float
        Between ``B`` and ``Wᵀ``, 0 to 180 degrees.
    step : float
        Step size, 0.02 to 0.2.
    outputs : str
        ``"1"`` or ``"3"``.
    seed : str
        Of the task, the solution and the direction of turning: ``"1"``, ``"5"`` or ``"6"``.
    time : int
        Frame of the run after the kick, 0 to 60.

    Examples
    --------
    >>> spectrum = Spectrum(angle=90.0)
    >>> print(spectrum.words.split(";")[0])
    Unstable: growth rate +0.25, 2 of 9 eigenvalues on the right, 4 outside the disc
    >>> spectrum.angle = 60.0
    >>> print(spectrum.arrays["rate"].round(2), spectrum.arrays["alignment_criterion"].round(2))
    -1.5 -1.31
    """

    slug = "spectrum"
    title = "Spectrum of a linear network while its feedback turns"
    parts = (turning, eigenvalues, kicked)
    presets = PRESETS
    moment = (
        "After {now:.0f} steps the size of the error is {large:.2f}.",
        "After {now:.0f} steps the size of the error is {small:.4f}.",
        "After {now:.0f} steps the error is below 0.0001.",
        "After {over:.0f} steps it is over.",
    )

    angle = Range(90.0, low=0.0, high=180.0, step=5.0, label="angle to Wᵀ", unit="°")
    step = Range(
        0.1, low=0.02, high=0.2, step=0.01, grid=(0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2), label="step size η"
    )
    outputs = Choice("3", options={"3": "3", "1": "1"}, label="outputs")
    seed = Choice("1", options={"1": "1", "5": "5", "6": "6"}, label="seed")
    time = Player(FRAMES, label="steps after the kick")

    @staticmethod
    def sentence(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:  # noqa: ARG004 # as of all explorers
        """Say whether it is stable, for the flow and for steps, and what the kick does."""
        count = len(arrays["eigenvalues"])
        outside = int(arrays["outside"])
        if arrays["rate"] > 0:
            verdict = (
                f"Unstable: growth rate {{rate:+.2f}}, {{right:.0f}} of {count} eigenvalues on the right, "
                "{outside:.0f} outside the disc"
            )
        elif outside:
            verdict = (
                f"Stable for the flow, slowest rate {{rate:.2f}}, but steps of {{step:.2f}} are too large: "
                f"{{outside:.0f}} of {count} eigenvalues outside the disc"
            )
        else:
            verdict = "Stable: slowest rate {rate:.2f}, and steps of {step:.2f} are small enough"
        aligned = "yes" if arrays["alignment_criterion"] > 0 else "no"
        grows = "grows by a factor of {factor:.3f} a step" if arrays["factor"] > 1 else "shrinks"
        away = "{moved:.1f} away" if arrays["moved"] >= 0.1 else "close by"
        fate = {
            "forgotten": "A small kick is forgotten.",
            "settles": f"A small kick {grows}; the network settles at another solution, {away}.",
            "lost": f"A small kick {grows}; the network is lost, its steps are too large.",
            "under way": f"A small kick {grows}: after {{steps:.0f}} steps the network has not settled.",
        }
        return f"{verdict}; alignment positive for every error: {aligned}. {fate[FATES[int(arrays['fate'])]]}"

    @staticmethod
    def draw(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> Figure:
        """Draw the eigenvalues over the disc, the error after the kick, and both criteria over all angles."""
        import matplotlib.pyplot as plt

        from fa_teach import plots

        colors = plots.COLORS
        figure, axes = plt.subplot_mosaic(
            [["plane", "kick"], ["plane", "criteria"]], figsize=(7.4, 4.2), width_ratios=[1.2, 1]
        )
        plane = axes["plane"]
        x, y = arrays["ways"].T
        plane.plot(x, y, ".", ms=1.5, color=colors["muted"], alpha=0.5)
        plots.spectrum(arrays["eigenvalues"] @ [1, 1j], ax=plane, step_size=values["step"])
        low, high = x.min() - 2, x.max() + 2
        plane.set(xlim=(low, high), ylim=(-(high - low) / 2, (high - low) / 2), aspect="equal")
        role = "stable" if arrays["factor"] < 1 else "unstable"
        steps = np.linspace(0, float(arrays["steps"]), FRAMES)
        kick = axes["kick"]
        kick.semilogy(steps, 10.0 ** arrays["predicted"], color=colors["faint"], lw=6)
        kick.semilogy(steps, 10.0 ** arrays["error"], color=colors[role])
        kick.set(xlabel="steps after a kick", ylabel="size of the error", ylim=(1e-7, 1e2))
        criteria = axes["criteria"]
        plots.reference(0, ax=criteria)
        criteria.plot(SWEEP, arrays["stability"], color=colors["stable"])
        criteria.plot(SWEEP, arrays["alignment"], color=colors["fa"])
        criteria.axvline(values["angle"], color=colors["muted"], lw=1)
        end = arrays["stability"][6], arrays["alignment"][14]
        criteria.annotate(
            "stability $c$", (30, end[0]), (4, 6), textcoords="offset points", color=colors["stable"]
        )
        criteria.annotate(
            "alignment $a$",
            (70, end[1]),
            (-4, -8),
            textcoords="offset points",
            ha="right",
            color=colors["fa"],
        )
        criteria.set(xlabel="angle of $B$ to $W^\\top$", xlim=(0, 180))
        criteria.set_xticks([0, 45, 90, 135, 180], ["0°", "45°", "90°", "135°", "180°"])
        return figure
