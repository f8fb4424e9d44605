"""Train the networks of the explorer *Aligned but poor*, and write down what they do.

``python -m fa_teach.explorers.recorded.aligned_but_poor`` writes the file beside this module again, in about two
minutes on one core. Where training is sensitive, another processor, which rounds otherwise, changes the second digit.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach import datasets
from fa_teach.feedback import Feedback, init_feedback
from fa_teach.network import Network, init_network
from fa_teach.training import History, train

Array = npt.NDArray[Any]

FILE = Path(__file__).with_suffix(".npz")
SIZES = (64, 64, 64, 10)
SEEDS = 10
SCALES = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)  # of the initial weights, in units of the usual size
STRENGTHS = (0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0)  # of the feedback, likewise
RATES = (0.01, 0.1, 1.0)
STARTS = ("random", "fitted")
CONTROLS = ("bp", "output_only")
EPOCH = 41  # steps
STEPS = (0, 5, 10, *(round(EPOCH * half / 2) for half in range(1, 21)))
TESTED = 500  # test images
FINE = 10_000  # cosines are written down as whole numbers
PROBED = 300  # training images on which alignment is measured


def start(scale: float, strengths: Any, kind: str) -> tuple[Network, Feedback]:
    """Ensembles of one row of the map, shape ``(strengths, seeds)``.

    Parameters
    ----------
    scale : float
        Of the weights.
    strengths : sequence of float
        Of the feedback.
    kind : str
        ``"random"``: weights that know nothing of the feedback. ``"fitted"``: above the first layer they are
        proportional to its transpose, ``W = k Bᵀ``, and of the given size: all alignments are 1.

    Returns
    -------
    network : Network
    feedback : tuple of ndarray
    """
    column = np.asarray(strengths, dtype=float)[:, None]
    seeds = np.tile(np.arange(SEEDS), (len(column), 1))
    net = init_network(SIZES, scale=scale, seed=seeds, loss="cross_entropy", dtype=np.float32)
    if kind == "fitted":
        usual = init_feedback(net)
        upper = [np.ascontiguousarray(np.float32(scale) * B.mT) for B in usual]
        net = replace(net, weights=(net.weights[0], *upper))
    return net, init_feedback(net, scale=column)


def learn(
    net: Network, rule: str, feedback: Feedback | None, *, rate: float, steps: tuple[int, ...]
) -> History:
    """Train on the digits as chapter 8 does."""
    images, test = datasets.digits()
    return train(
        net,
        images,
        rule=rule,
        feedback=feedback,
        steps=steps[-1],
        learning_rate=rate,
        record=["test_accuracy", "gradient_alignment"],
        record_at=steps,
        test=test,
        probe=images.subset(slice(PROBED)),
        progress=False,
    )


def measure(
    scale: float,
    kind: str,
    rate: float,
    *,
    strengths: tuple[float, ...] = STRENGTHS,
    steps: tuple[int, ...] = STEPS,
) -> dict[str, Array]:
    """Train one row of the map, and its controls from the same starts.

    Returns
    -------
    dict
        ``right`` ``(strengths, times, seeds)``, test images that are read rightly; ``cosines``
        ``(strengths, times, layers, seeds)``, the gradient alignment of the hidden layers, times `FINE`;
        ``right_bp`` and ``right_output_only`` ``(times, seeds)``: the controls know no feedback.
    """
    net, feedback = start(scale, strengths, kind)
    run = learn(net, "fa", feedback, rate=rate, steps=steps)
    cosines = np.nan_to_num(run["gradient_alignment"][..., : len(SIZES) - 2])  # 0 where there is no gradient
    row = {
        "right": np.moveaxis(_count(run), 0, 1),
        "cosines": np.moveaxis(np.rint(FINE * cosines).astype(np.int16), (1, 0, 3), (0, 1, 2)),
    }
    one, _ = start(scale, strengths[:1], kind)
    for rule in CONTROLS:
        row[f"right_{rule}"] = _count(learn(one, rule, None, rate=rate, steps=steps))[:, 0]
    return row


def _count(run: History) -> Array:
    return np.asarray(np.rint(TESTED * run["test_accuracy"]), dtype=np.uint16)


def record() -> dict[str, Array]:
    """Train all networks: for each array of `measure`, the axes ``(rates, starts, scales)`` come first."""
    rows = [[[measure(scale, kind, rate) for scale in SCALES] for kind in STARTS] for rate in RATES]
    return {
        name: np.array([[[row[name] for row in rows_] for rows_ in half] for half in rows])
        for name in rows[0][0][0]
    }


@cache
def recorded() -> dict[str, Array]:
    """What `record` found, from the file."""
    with np.load(FILE) as file:
        return {name: file[name] for name in file.files}


if __name__ == "__main__":
    np.savez_compressed(FILE, allow_pickle=False, **record())
