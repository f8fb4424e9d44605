"""Timing two computations by turns, so that whatever else the machine does hits both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

Work = Callable[[int], object]  # does so many steps

PAUSE = 0.02  # seconds before each block: threads that the other left waiting keep a core busy for a while


class Pairs(NamedTuple):
    """Seconds per step, ours and the other's; the i-th of each were timed one right after the other."""

    ours: list[float]
    other: list[float]

    @property
    def ratios(self) -> list[float]:
        """Ours over the other's, pair by pair."""
        return [a / b for a, b in zip(self.ours, self.other, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios, which a few disturbed pairs do not move."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """Lower and upper quartile of the ratios: half of all pairs lie between them."""
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return low, high


def seconds(work: Work, steps: int) -> float:
    """How long a step takes, from one block of steps."""
    time.sleep(PAUSE)
    start = time.perf_counter()
    work(steps)
    return (time.perf_counter() - start) / steps


def by_turns(ours: Work, other: Work, *, repeats: int, block: float, at_least: int = 1) -> Pairs:
    """Time both by turns; who goes first alternates.

    A block has as many steps as the slower of the two does in `block` seconds, but `at_least` so many: enough for
    the clock, and for what happens once a call to weigh as little as it does in a real run.
    """
    for work in (ours, other):
        work(3)  # not counted: the first steps find cold caches
    steps = max(at_least, round(block / max(seconds(ours, 3), seconds(other, 3))))
    pairs = Pairs([], [])
    for i in range(repeats):
        turns = [(pairs.ours, ours), (pairs.other, other)]
        for times, work in turns if i % 2 == 0 else reversed(turns):
            times.append(seconds(work, steps))
    return pairs
