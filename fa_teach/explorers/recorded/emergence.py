"""The training runs behind `Emergence`, recorded once: ``python -m fa_teach.explorers.recorded.emergence``.

Digits as in chapter 7: 64 inputs, hidden layers of 64 tanh units, cross-entropy, step size 0.1, batches of 32, ten
seeds. The runs are those that chapter's code makes, and take a minute on one quiet core; what they give is 21
moments of each, rounded, in ``emergence.npz`` beside this module. Deterministic, up to the rounding of the matrix
products.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fa_teach import datasets
from fa_teach.explorers._bake import Array
from fa_teach.feedback import init_feedback
from fa_teach.network import init_network
from fa_teach.training import MEASURES, train

FILE = Path(__file__).parent / "emergence.npz"

RULES = ("fa", "dfa", "output_only", "bp")
DEPTHS = (1, 2, 3)  # hidden layers
SCALES = (0.01, 0.1, 0.5, 1.0, 2.0, 4.0)  # factors on the initial weights
FEEDBACKS = (0.25, 1.0, 4.0)  # factors on the feedback
SEEDS = 10
EPOCHS = 10
STEPS = (0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 28, 41, 55, 75, 100, 130, 170, 220, 270, 340, 410)  # 41 an epoch
PROBE = 300  # training samples on which losses and alignments are measured
UNITS = 4  # hidden units of seed 0 whose connections to the ten outputs are kept
CURVES = ("train_loss", "test_accuracy", "gradient_alignment", "weight_alignment")
FINENESS = {"entries": 80, "agree": 1}  # parts of 1 to which values are rounded; the rest to 1000


def data() -> tuple[datasets.Dataset, datasets.Dataset]:
    """Digits for training and test, in single precision."""
    train_set, test_set = (
        datasets.Dataset(part.x.astype(np.float32), part.t.astype(np.float32)) for part in datasets.digits()
    )
    return train_set, test_set


def runs(
    rule: str,
    depth: int,
    scales: Sequence[float] = SCALES,
    feedbacks: Sequence[float] = FEEDBACKS,
    steps: Sequence[int] = STEPS,
) -> dict[str, Array]:
    """Train one ensemble: all scales, all feedbacks, ten seeds.

    Rules that use no feedback are watched with that of FA; its scale does not matter to them, nor to a cosine.

    Returns
    -------
    dict
        ``train_loss`` and ``test_accuracy`` ``(scales, feedbacks, times, 3)``, median, smallest and largest of the
        seeds; ``gradient_alignment`` and ``weight_alignment`` of the hidden layers
        ``(scales, feedbacks, times, depth, 3)``; ``entries`` ``(scales, feedbacks, times, 40)``, weights from four
        units of the last hidden layer to the outputs, of seed 0; ``targets`` ``(40,)``, the same entries of ``Bᵀ``
        at scale 1; ``agree`` ``(scales, feedbacks, times)``, how many entries have the sign of theirs.
    """
    uses = rule in ("fa", "dfa")
    factors = np.array(feedbacks if uses else (1.0,))
    sizes = [64, *[64] * depth, 10]
    ensemble = np.ones((len(scales), len(factors), SEEDS))
    net = init_network(
        sizes,
        loss="cross_entropy",
        dtype=np.float32,
        scale=np.array(scales)[:, None, None] * ensemble,
        seed=np.arange(SEEDS),
    )
    B = init_feedback(net, scale=factors[None, :, None] * ensemble, direct=rule == "dfa")
    train_set, test_set = data()
    record: dict[str, Any] = {name: MEASURES[name] for name in CURVES}
    record["entries"] = lambda moment: moment.network.weights[-1][..., 0, :, :UNITS].mT
    run = train(
        net,
        train_set,
        rule=rule,
        feedback=B,
        probe_rule=None if uses else "fa",
        steps=max(steps),
        test=test_set,
        probe=train_set.subset(slice(PROBE)),
        record=record,
        record_at=list(steps),
    )
    found: dict[str, Array] = {}
    for name in CURVES:
        seeds = np.moveaxis(run[name], (0, 3), (2, -1))  # (scales, feedbacks, times, ..., seeds)
        seeds = seeds[:, :, :, :depth] if name == "gradient_alignment" else seeds
        found[name] = np.stack([np.median(seeds, axis=-1), seeds.min(axis=-1), seeds.max(axis=-1)], axis=-1)
    entries = np.moveaxis(run["entries"], 0, 2)
    found["entries"] = entries.reshape(*entries.shape[:3], -1)
    found["targets"] = B[-1][0, 0, 0, :UNITS].ravel() / factors[0]
    found["agree"] = (found["entries"] * found["targets"] > 0).sum(axis=-1)
    return found


def whole(values: Array, name: str) -> Array:
    """As whole numbers of thousandths (weights: of eightieths), in the smallest type."""
    numbers = (values * FINENESS.get(name, 1000)).round().astype(int)
    return numbers.astype(np.int8 if abs(numbers).max() < 128 else np.int16)


def main() -> None:
    """Train all, and write the file."""
    kept: dict[str, Array] = {}
    for depth in (2, 1, 3):
        for rule in RULES:
            if rule == "dfa" and depth == 1:
                continue  # with one hidden layer it is FA
            for name, values in runs(rule, depth).items():
                numbers = values.astype(np.float32) if name == "targets" else whole(values, name)
                kept[f"{name}_{rule}_{depth}"] = numbers
        print(f"{depth} hidden layers: done", flush=True)  # noqa: T201 # a script says how far it is
    np.savez_compressed(FILE, **kept)  # type: ignore[arg-type] # numpy's stubs take the names for allow_pickle


if __name__ == "__main__":
    main()
