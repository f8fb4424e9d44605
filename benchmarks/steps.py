"""One training step: ours, and the matrix products in it alone, or with tanh."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

import fa_teach as fa
from fa_teach.feedback import Feedback, as_rule, backward
from fa_teach.network import forward, targets
from fa_teach.streams import generator


class Problem(NamedTuple):
    """A network to train and data to train it on; random, as the time of a step does not depend on the numbers."""

    network: fa.Network
    feedback: Feedback
    x: np.ndarray  # (n, n_0)
    labels: np.ndarray  # (n,)
    batch_size: int


def problem(sizes: Sequence[int], batch_size: int, *, dtype="float64", batches: int = 40) -> Problem:
    """A problem of the given sizes; the last batch of each epoch is smaller, as it mostly is."""
    network = fa.init_network(sizes, loss="cross_entropy", dtype=dtype, seed=0)
    rng = generator(0, "data")
    n = batches * batch_size - 3
    x = rng.normal(size=(n, sizes[0])).astype(dtype)
    return Problem(network, fa.init_feedback(network), x, rng.integers(sizes[-1], size=n), batch_size)


def train(p: Problem, steps: int) -> fa.Network:
    """Our training as users call it, batches and bookkeeping included, with nothing recorded on the way."""
    history = fa.train(
        p.network,
        (p.x, p.labels),
        rule="fa",
        feedback=p.feedback,
        steps=steps,
        batch_size=p.batch_size,
        record=[],
        record_at=[steps],
    )
    return history.network


def batches(p: Problem) -> Iterator[np.ndarray]:
    """The same batches as in our training, for others to train on."""
    rng, n = generator(0, "batches"), len(p.x)
    while True:
        order = rng.permutation(n)
        yield from (order[i : i + p.batch_size] for i in range(0, n, p.batch_size))


class Floor:
    """The matrix products of one step and nothing else, into arrays that are there already.

    Each layer has one product forward and one for its update, each hidden layer one backward. No step in NumPy
    can take less; what a step takes above it is activations, loss, biases, the change of the weights, Python.
    With `tanh`, the activities of the hidden layers are computed, too, and still nothing else.
    """

    def __init__(self, p: Problem, *, tanh: bool = False):
        index = next(batches(p))
        x, t = targets(p.network, p.x[index], p.labels[index])
        run = forward(p.network, x)
        deltas = backward(p.network, run, t, as_rule("fa"), p.feedback)
        means = [delta / len(index) for delta in deltas]
        forwards = [(h, W.mT) for h, W in zip(run.h, p.network.weights, strict=True)]  # a_l, less its bias
        backwards = [(delta, B.mT) for delta, B in zip(deltas[1:], p.feedback, strict=True)]  # δ_l, less φ'
        updates = [(delta.mT, h) for delta, h in zip(means, run.h, strict=True)]  # u_l
        self.products = [(A, B, A @ B) for A, B in itertools.chain(forwards, backwards, updates)]
        self.results = [out for _, _, out in self.products]
        self.tanh = [(a, np.empty_like(a)) for a in run.a[:-1]] if tanh else []

    def __call__(self, steps: int) -> None:
        """Do what there is to do in so many steps."""
        for _ in range(steps):
            for A, B, out in self.products:
                np.matmul(A, B, out=out)
            for a, out in self.tanh:
                np.tanh(a, out=out)
