"""The cases, each of them a row of the table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import fa_teach as fa
from benchmarks import steps
from benchmarks.timing import Pairs, by_turns
from fa_teach.dynamics import jacobian


class Row(NamedTuple):
    """What was measured: against something else, by turns; or, without `other`, alone, in seconds.

    The limit is one of the ratio, or of the seconds; None where nothing is promised.
    """

    name: str
    ours: float  # seconds
    limit: float | None
    other: float | None = None
    ratio: float | None = None
    spread: tuple[float, float] | None = None

    @property
    def met(self) -> bool:
        """Whether the target was met."""
        return self.limit is None or (self.ours if self.ratio is None else self.ratio) <= self.limit


def compare(name: str, pairs: Pairs, limit: float | None) -> Row:
    """A row from times taken by turns."""
    ours, other = float(np.median(pairs.ours)), float(np.median(pairs.other))
    return Row(name, ours, limit, other, pairs.ratio, pairs.spread)


def against_floor(
    sizes: Sequence[int], batch_size: int, limit: float, *, dtype: str, repeats: int, block: float
) -> Row:
    """A training step against the matrix products in it."""
    p = steps.problem(sizes, batch_size, dtype=dtype)
    pairs = by_turns(lambda n: steps.train(p, n), steps.Floor(p), repeats=repeats, block=block)
    return compare(f"step {_sizes(sizes)}, batch {batch_size}, against its matrix products", pairs, limit)


def tanh_alone(sizes: Sequence[int], batch_size: int, *, dtype: str, repeats: int, block: float) -> Row:
    """The products and the tanh of a step, and nothing else, against the products: no step with tanh comes below."""
    p = steps.problem(sizes, batch_size, dtype=dtype)
    pairs = by_turns(steps.Floor(p, tanh=True), steps.Floor(p), repeats=repeats, block=block)
    return compare("    its products and tanh alone, against the products", pairs, None)


def against_pytorch(
    sizes: Sequence[int], batch_size: int, limit: float, *, dtype: str, repeats: int, block: float
) -> Row:
    """A training step against PyTorch's; raises ImportError without it."""
    from benchmarks import pytorch

    p = steps.problem(sizes, batch_size, dtype=dtype)
    pairs = by_turns(lambda n: steps.train(p, n), pytorch.Training(p), repeats=repeats, block=block)
    return compare(f"step {_sizes(sizes)}, batch {batch_size}, against PyTorch", pairs, limit)


def members(p: steps.Problem, count: int) -> tuple[steps.Problem, list[steps.Problem]]:
    """The problem for an ensemble of networks, and for each of its members alone."""

    def with_seed(seed) -> steps.Problem:
        network = fa.init_network(p.network.sizes, loss="cross_entropy", dtype=p.network.dtype, seed=seed)
        return p._replace(network=network, feedback=fa.init_feedback(network))

    return with_seed(range(count)), [with_seed(seed) for seed in range(count)]


def one_after_another(alone: list[steps.Problem], n: int) -> list[fa.Network]:
    """Train each member by itself."""
    return [steps.train(p, n) for p in alone]


def ensemble(
    sizes: Sequence[int], batch_size: int, limit: float, *, count: int, dtype: str, repeats: int, block: float
) -> Row:
    """A step of a whole ensemble against a step of each of its members; the limit 1/k means k times the throughput."""
    together, alone = members(steps.problem(sizes, batch_size, dtype=dtype), count)
    pairs = by_turns(
        lambda n: steps.train(together, n),
        lambda n: one_after_another(alone, n),
        repeats=repeats,
        block=block,
        at_least=50,
    )
    return compare(f"{count} networks {_sizes(sizes)}, batch {batch_size}, against a loop", pairs, limit)


def spectrum(sizes: Sequence[int], samples: int) -> np.ndarray:
    """Eigenvalues of FA's Jacobian on random data, complex, shape ``(P,)``."""
    p = steps.problem(sizes, samples + 3, batches=1)
    return np.linalg.eigvals(jacobian(p.network, p.x, p.labels, "fa", p.feedback))


def jacobian_spectrum(sizes: Sequence[int], samples: int, limit: float) -> Row:
    """Seconds for the Jacobian and all of its eigenvalues."""
    start = time.perf_counter()
    spectrum(sizes, samples)
    seconds = time.perf_counter() - start
    return Row(f"Jacobian spectrum {_sizes(sizes)}, {samples:,} samples", seconds, limit)


def _sizes(sizes: Sequence[int]) -> str:
    return "-".join(map(str, sizes))
