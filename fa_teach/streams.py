"""Named random streams: one seed, and each purpose draws from a stream of its own.

Backpropagation and feedback alignment can then share data, initial weights and batch order,
and differ in nothing but the feedback.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach import _checks

Array = npt.NDArray[Any]
Seed = int | Sequence[int] | Array

STREAMS = ("data", "weights", "feedback", "batches", "noise")


def generator(seed: int, stream: str) -> np.random.Generator:
    """Random generator of one named stream of a seed.

    Parameters
    ----------
    seed : int
        Non-negative.
    stream : str
        One of ``"data"``, ``"weights"``, ``"feedback"``, ``"batches"``, ``"noise"``.

    Returns
    -------
    numpy.random.Generator
        The same seed and stream always give the same numbers; two streams are independent.

    Raises
    ------
    ValueError, TypeError
        For an unknown stream, a negative seed, or more than one seed.

    Examples
    --------
    >>> generator(0, "weights").integers(100, size=3)
    array([66, 67, 35])
    >>> generator(0, "feedback").integers(100, size=3)
    array([65, 83, 46])
    """
    _checks.one_of("stream", stream, STREAMS)
    one = _checks.seeds("seed", seed)
    if one.ndim:
        raise TypeError(f"seed must be a single whole number; got an array of shape {one.shape}.")
    root = np.random.SeedSequence(int(one), spawn_key=(STREAMS.index(stream),))
    return np.random.default_rng(root)


def draw(seed: Seed, stream: str, make: Callable[[np.random.Generator], Array]) -> Array:
    """Call ``make`` once for each seed and stack what it returns.

    Parameters
    ----------
    seed : int or array of int
        One seed, or an array of any shape.
    stream : str
        The stream to draw from, see `generator`.
    make : callable
        Takes a generator, returns an array.

    Returns
    -------
    ndarray, shape ``seed.shape + make(...).shape``
        A single seed adds no axis, so a member of an ensemble equals the array drawn alone.

    Examples
    --------
    >>> draw([0, 1], "weights", lambda rng: rng.normal(size=(3, 2))).shape
    (2, 3, 2)
    """
    seeds = _checks.seeds("seed", seed)
    arrays = [make(generator(int(s), stream)) for s in seeds.flat]
    return np.stack(arrays).reshape(seeds.shape + arrays[0].shape)
