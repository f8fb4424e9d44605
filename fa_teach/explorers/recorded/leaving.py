"""The training runs of the explorer `Leaving`, recorded once: ``python -m fa_teach.explorers.recorded.leaving``.

It takes some ten minutes on one core and writes ``leaving.npz`` beside this module. Networks, data and numbers are
those of chapter 6 of the book.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import fa_teach as fa
from fa_teach import dynamics, fixed_points

Array = npt.NDArray[Any]

PIXELS, CLASSES = 64, 10  # of the digits
FILE = Path(__file__).parent / "leaving.npz"
ANGLES = np.arange(0.0, 181.0, 15.0)
SEEDS = 10  # all of them as a band
SHOWN = (1, 2, 7, 8)  # those whose spectrum is recorded
FRAMES = 61
FORECAST = 200  # steps
POINTS = 140  # of a spectrum
NEUTRAL = 0.01  # an eigenvalue below it is not drawn
HEAVY = 30.0  # a forecast above it is over


@dataclass(frozen=True)
class Setting:
    """One of the three experiments of chapter 6.

    Attributes
    ----------
    digits, width : int
        Samples and hidden units.
    before, after : int
        Steps of backpropagation before the switch, and of feedback alignment after it.
    learning_rate : float
    perfect : bool
        Whether Gauss-Newton steps take away the rest of the error, and a kick follows.
    """

    digits: int
    width: int
    before: int
    after: int
    learning_rate: float
    perfect: bool = False

    @property
    def directions(self) -> int:
        """How many eigenvalues there are: one for each weight; without error, of the kernel, one for each output."""
        if self.perfect:
            return self.digits * CLASSES
        return (PIXELS + 1) * self.width + (self.width + 1) * CLASSES


SETTINGS = {
    "many": Setting(400, 10, before=2500, after=2000, learning_rate=0.1),
    "wide": Setting(400, 20, before=1500, after=1000, learning_rate=0.1),
    "few": Setting(20, 10, before=4000, after=8000, learning_rate=0.05, perfect=True),
}


def frames(last: int) -> Array:
    """Steps that are shown: 0, and 60 more, evenly spaced on a logarithmic axis as far as whole numbers can be."""
    steps = np.zeros(FRAMES, dtype=int)
    for k in range(1, FRAMES):
        rest = np.log(last / max(steps[k - 1], 1)) / (FRAMES - k)
        steps[k] = max(steps[k - 1] + 1, round(max(steps[k - 1], 1) * np.exp(rest)))
    steps[-1] = last
    return steps


@cache
def solution(name: str) -> tuple[fa.Network, fa.datasets.Dataset]:
    """The ten networks at the moment of the switch, and their data."""
    setting = SETTINGS[name]
    train, _ = fa.datasets.digits()
    data = train.subset(slice(setting.digits))
    scale, kind = (0.5, np.float64) if setting.perfect else (0.1, np.float32)
    net = fa.init_network([PIXELS, setting.width, CLASSES], scale=scale, seed=range(SEEDS), dtype=kind)
    options: dict[str, Any] = {"batch_size": None, "learning_rate": 0.1, "steps": setting.before}
    net = fa.train(net, data, rule="bp", **options).network
    if setting.perfect:
        for _ in range(30):
            J = dynamics.output_jacobian(net, data.x)
            e = dynamics.output_error(net, data.x, data.t)[..., None]
            step = J.mT @ np.linalg.solve(J @ J.mT, e)
            net = dynamics.from_vector(net, dynamics.to_vector(net) - step[..., 0])
    return net, data


def _kick(setting: Setting, size: int) -> Array:
    """What is added to all weights at a perfect solution, ``(10, P)``; nothing elsewhere."""
    if not setting.perfect:
        return np.zeros((SEEDS, size))
    return 1e-4 * np.random.default_rng(0).normal(size=(SEEDS, size))


def threshold(setting: Setting, loss: Array) -> Array:
    """The loss above which a network has left: twice what it was, or a hundredth where there was none."""
    return np.full_like(loss, 0.01) if setting.perfect else 2 * loss


def follow(name: str, rule: str = "fa", angle: float = 0.0, last: int | None = None) -> dict[str, Array]:
    """Train from the solution by a rule.

    Parameters
    ----------
    name : str
        Of `SETTINGS`.
    rule : {"fa", "bp"}
    angle : float
        Of the feedback to ``W_2ᵀ`` at the switch.
    last : int, optional
        Number of steps, if not all.

    Returns
    -------
    dict
        ``loss``, ``weights`` (weight alignment), ``total`` (total gradient alignment) and ``distance`` (from the
        solution, relative to its norm), ``(61, 10)`` at the steps of `frames`; ``highest`` ``(10,)``, the largest loss
        of all steps; ``left`` ``(10,)``, the first step with a loss
        above `threshold`, -1 for none; ``rate_end`` ``(10,)``,
        the fastest growth rate where the run ends.
    """
    setting = SETTINGS[name]
    net, data = solution(name)
    steps = frames(setting.after)
    steps = steps[steps <= (last or setting.after)]
    fine = np.unique([*steps, *range(FORECAST), *range(0, int(steps[-1]) + 1, 5)])
    fine = fine[fine <= steps[-1]]
    theta = dynamics.to_vector(net)
    start = dynamics.from_vector(net, theta + _kick(setting, theta.shape[-1]))
    B = fa.init_feedback(net, angle=angle)
    options: dict[str, Any] = {"batch_size": None, "learning_rate": setting.learning_rate, "feedback": B}
    run = fa.train(
        start,
        data,
        rule=rule,
        steps=int(steps[-1]),
        record=["weight_alignment", "total_gradient_alignment", "snapshot", "train_loss"],
        record_at=steps.tolist(),
        **options,
    )
    every = fa.train(
        start,
        data,
        rule=rule,
        steps=int(steps[-1]),
        record=["train_loss"],
        record_at=fine.tolist(),
        **options,
    )
    loss = every["train_loss"]
    left = loss > threshold(setting, loss[0])
    moved = np.stack([dynamics.to_vector(each) for each in run.snapshots]).astype(float) - theta
    result = {
        "loss": run["train_loss"],
        "total": run["total_gradient_alignment"],
        "distance": np.linalg.norm(moved, axis=-1) / np.linalg.norm(theta, axis=-1),
        "highest": loss.max(axis=0),
        "left": np.where(left.any(axis=0), fine[left.argmax(axis=0)], -1),
    }
    if rule == "fa":
        result["weights"] = run["weight_alignment"][..., 0]
        result["rate_end"] = fixed_points.leading_eigenvalues(
            run.network, data.x, data.t, "fa", B, count=1, dimension=80
        )[0].real[:, 0]
    return result


def forecast(name: str, angle: float) -> dict[str, Array]:
    """What the update and its Jacobian at the solution say, with no further look at the network.

    Returns
    -------
    dict
        ``forecast`` ``(frames up to step 200, 10)``, the loss at ``θ + δ``, where ``δ ← δ + η (f + J δ)``; infinite
        where large; ``forecast_left`` ``(10,)``, the first step with a loss above
        `threshold`, -1 for none.
    """
    setting = SETTINGS[name]
    net, data = solution(name)
    steps = frames(setting.after)
    B = fa.init_feedback(net, angle=angle)
    field = dynamics.update_field(net, data.x, data.t, "fa", B)
    f = field(field.theta)
    delta = _kick(setting, f.shape[-1])
    losses = [field.loss(field.theta + delta)]
    for _ in range(FORECAST):
        bent = dynamics.jvp(net, data.x, data.t, "fa", B, v=delta)
        delta = delta + setting.learning_rate * (f + bent)
        losses.append(field.loss(field.theta + delta))
    loss = np.array(losses)
    loss[loss > HEAVY] = np.inf
    left = loss > threshold(setting, loss[0])
    return {
        "forecast": loss[steps[steps <= FORECAST]],
        "forecast_left": np.where(left.any(axis=0), left.argmax(axis=0), -1),
    }


def spectra(name: str, angle: float, seeds: tuple[int, ...] = SHOWN) -> dict[str, Array]:
    """Eigenvalues of the flow's Jacobian at the solution, by the Jacobian itself, or by the kernel without error.

    Returns
    -------
    dict
        ``eigenvalues`` ``(seeds, 140, 2)``, real and imaginary part of the 140 largest, the fastest growing first;
        those below the real axis and those smaller than 0.01 are left out, NaN fills up; ``growing`` ``(seeds,)``, how
        many of all have a real part above 0.01; ``rate`` ``(seeds,)``, the largest real part.
    """
    setting = SETTINGS[name]
    net, data = solution(name)
    B = fa.init_feedback(net, angle=angle)
    rows, growing, rate = [], [], []
    for seed in seeds:
        one, feedback = net.member(seed), (B[0][seed],)
        if setting.perfect:
            found = -np.linalg.eigvals(dynamics.residual_kernel(one, data.x, "fa", feedback))
        else:
            found = np.linalg.eigvals(dynamics.jacobian(one, data.x, data.t, "fa", feedback))
        found = found[np.argsort(-found.real, kind="stable")]
        growing.append((found.real > NEUTRAL).sum())
        rate.append(found.real[0])
        upper = found[(found.imag >= 0) & (abs(found) >= NEUTRAL)]
        kept = upper[
            np.sort(np.argsort(-abs(upper), kind="stable")[:POINTS])
        ]  # the largest, still in their order
        row = np.full((POINTS, 2), np.nan)
        row[: len(kept)] = np.stack([kept.real, kept.imag], axis=-1)
        rows.append(row)
    return {"eigenvalues": np.stack(rows), "growing": np.array(growing), "rate": np.array(rate)}


def record(settings: Mapping[str, Setting] = SETTINGS) -> dict[str, Array]:
    """All runs, forecasts and spectra; arrays named ``setting_array``, the first axis that of `ANGLES`."""
    arrays: dict[str, Array] = {}
    for name in settings:
        rows = []
        for angle in ANGLES.tolist():
            rows.append(follow(name, angle=angle) | forecast(name, angle) | spectra(name, angle))
            print(name, angle, flush=True)  # noqa: T201 # it takes minutes: say where it is
        for key in rows[0]:
            arrays[f"{name}_{key}"] = np.stack([row[key] for row in rows])
        control = follow(name, rule="bp")
        arrays[f"{name}_bp_loss"] = control["loss"]
    return arrays


LOGARITHMS = (
    "loss",
    "forecast",
)  # recorded as powers of ten: float16 keeps three digits of the loss everywhere
COUNTS = ("growing", "left", "forecast_left")


def pack(name: str, array: Array) -> Array:
    """In the smallest type that keeps what is drawn."""
    if name in COUNTS:
        return array.astype(np.int16)
    if name in LOGARITHMS or name == "bp_loss":
        with np.errstate(divide="ignore"):
            return np.log10(array).astype(np.float16)
    return array.astype(np.float16)


def main() -> None:
    """Record everything and write the file."""
    arrays = {name: pack(name.split("_", 1)[1], array) for name, array in record().items()}
    np.savez_compressed(FILE, allow_pickle=False, **arrays)
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")  # noqa: T201 # a script


if __name__ == "__main__":
    main()
