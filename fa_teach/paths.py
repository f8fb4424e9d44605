"""What a run did: which layer drove the descent, and how the weights wandered.

A *path* is a sequence of weight vectors: the flow or the steps of `fa_teach.dynamics`, the snapshots of
`fa_teach.train` (``record=["snapshot"], record_at=1``), or any list of networks of the same sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach import _checks
from fa_teach.alignment import cosine
from fa_teach.dynamics import Field, Trajectory, from_vector, to_vector, update_field
from fa_teach.network import Network
from fa_teach.training import History

Array = npt.NDArray[Any]
Run = Trajectory | History | Sequence[Network]

CHUNK_BYTES = 2**25  # of one layer's activities at all times that are computed at once


def weight_path(run: Run, *, frozen: Sequence[int] = ()) -> Array:
    """Stack the weight vectors of a run.

    Parameters
    ----------
    run : Trajectory, History with snapshots, or sequence of Network
    frozen : sequence of int
        Layers, counted from 1, to leave out.

    Returns
    -------
    ndarray, shape ``(T, ..., P)``
        In the order of `fa_teach.dynamics.to_vector`.

    Raises
    ------
    ValueError
        If the run holds fewer than two networks.

    Examples
    --------
    >>> from fa_teach import datasets, init_network, train
    >>> data, _ = datasets.digits()
    >>> run = train(init_network([64, 10]), data, steps=5, record=["snapshot"], record_at=1)
    >>> weight_path(run).shape
    (6, 650)
    """
    return np.stack([to_vector(network, frozen=frozen) for network in _networks(run)]).astype(np.float64)


def _networks(run: Run) -> Sequence[Network]:
    if isinstance(run, Trajectory):
        networks: Sequence[Network] = [
            from_vector(run.start, theta, frozen=run.frozen).copy() for theta in run.theta
        ]
    else:
        given = run.snapshots if isinstance(run, History) else run
        networks = _checks.items("run", given, "networks, a Trajectory or a History")
    for network in networks:
        if not isinstance(network, Network):
            raise TypeError(f"run must hold networks; got {type(network).__name__}.")
        if network.sizes != networks[0].sizes or bool(network.biases) != bool(networks[0].biases):
            raise ValueError(f"run must hold networks of one shape; got {networks[0]!r} and {network!r}.")
    if len(networks) < 2:
        hint = ' Record "snapshot" when training.' if isinstance(run, History) else ""
        raise ValueError(f"run must hold at least two networks; got {len(networks)}.{hint}")
    return networks


def _evenly(run: Run | Array) -> None:
    """Refuse a run whose records are not equally far apart."""
    if isinstance(run, Trajectory | History):
        gaps = np.diff(_times(run, 0))
        if gaps.size and gaps.max() - gaps.min() > 1e-6 * gaps.max():
            raise ValueError(
                f"run must be recorded at equal intervals; got intervals from {gaps.min():g} to {gaps.max():g}."
            )


def _times(run: Run, count: int) -> Array:
    if isinstance(run, Trajectory):
        return run.times
    return run.steps if isinstance(run, History) else np.arange(count)


# -- Who drives the descent ---------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class DescentAccount:
    """The fall of the loss over a run, layer by layer.

    Attributes
    ----------
    times : ndarray, shape ``(T,)``
    loss : ndarray, shape ``(T, ...)``
    by_layer : ndarray, shape ``(T, ..., L)``
        By how much each layer has lowered the loss since the start; negative where it has raised it.
    """

    times: Array
    loss: Array
    by_layer: Array

    @property
    def fall(self) -> Array:
        """By how much the loss has fallen since the start, shape ``(T, ...)``."""
        return np.asarray(self.loss[0] - self.loss)

    @property
    def gap(self) -> Array:
        """What the layers' sum leaves of the fall, shape ``(T, ...)``: how well the account balances."""
        return np.asarray(self.fall - self.by_layer.sum(axis=-1))

    @property
    def share(self) -> Array:
        """Each layer's part of the whole fall, shape ``(..., L)``, together 1; NaN where nothing has fallen."""
        total = self.by_layer[-1].sum(axis=-1, keepdims=True)
        return np.where(total != 0, self.by_layer[-1] / np.where(total != 0, total, 1), np.nan)

    def __repr__(self) -> str:
        where = f"ensemble {self.loss.shape[1:]}, means: " if self.loss.ndim > 1 else ""
        start, end = float(self.loss[0].mean()), float(self.loss[-1].mean())
        layers = self.by_layer[-1].reshape(-1, self.by_layer.shape[-1]).mean(axis=0)
        told = ", ".join(f"layer {l} {value:+.3g}" for l, value in enumerate(layers, start=1))
        gap = float(abs(self.gap[-1]).max())
        return f"DescentAccount({where}loss {start:.3g} to {end:.3g}; fall by {told}; gap {gap:.1g})"


def descent_account(run: Run, x: Any, t: Any, *, nodes: int = 2) -> DescentAccount:
    """Account for the fall of the loss over a run, layer by layer.

    ``ℓ(θ_0) - ℓ(θ_T) = -Σ_l ∫ ⟨g_l, dW_l⟩`` along any path; in the flow, layer ``l``'s term is ``∫ ⟨g_l, u_l⟩
    dt``.

    Parameters
    ----------
    run : Trajectory, History with snapshots, or sequence of Network
    x, t : array
        The data whose loss is accounted for.
    nodes : int
        Points between two records (Gauss-Legendre on the straight line between them). The layers then add up
        to the fall with an error of order ``2·nodes + 1`` in the distance of records. How the sum divides
        among the layers is exact for discrete steps recorded one by one; for a flow it needs records so dense
        that the path between them is straight.

    Returns
    -------
    DescentAccount

    Examples
    --------
    >>> from fa_teach import dynamics, init_feedback, init_network
    >>> net = init_network([3, 4, 2], seed=1)
    >>> x, t = [[1.0, 2, 3]], [[0.0, 1]]
    >>> run = dynamics.trajectory(net, x, t, "fa", init_feedback(net, angle=120), times=0.2)
    >>> descent_account(run, x, t)
    DescentAccount(loss 0.711 to 0.221; fall by layer 1 -0.0687, layer 2 +0.559; gap ...)
    """
    networks = _networks(run)
    path = np.stack([to_vector(network) for network in networks])
    field = _gradient_field(networks[0], x, t)
    nodes = _checks.integer("nodes", nodes, low=1, high=16)
    points, weights = np.polynomial.legendre.leggauss(nodes)
    steps = np.diff(path, axis=0)  # (T-1, ..., P)
    fallen = np.zeros((len(steps), *path.shape[1:-1], field.network.depth))
    with np.errstate(invalid="ignore", over="ignore"):
        for chunk in _chunks(field, len(steps)):
            for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
                g = -field(path[:-1][chunk] + point * steps[chunk])
                fallen[chunk] -= weight * _by_layer(field.network, g * steps[chunk])
        loss = np.concatenate([field.loss(path[chunk]) for chunk in _chunks(field, len(path))])
    by_layer = np.concatenate([np.zeros_like(fallen[:1]), fallen.cumsum(axis=0)])
    return DescentAccount(_times(run, len(path)), loss, by_layer)


def _gradient_field(network: Network, x: Any, t: Any) -> Field:
    return update_field(network, x, t, "bp")


def _by_layer(network: Network, values: Array) -> Array:
    """Sum over the entries of each layer, shape ``(..., L)``."""
    parts = []
    for l in range(1, network.depth + 1):
        others = [k for k in range(1, network.depth + 1) if k != l]
        parts.append(to_vector(from_vector(network, values), frozen=others).sum(axis=-1))
    return np.stack(parts, axis=-1)


def _chunks(field: Field, count: int) -> list[slice]:
    members = int(np.prod(field.network.ensemble))
    each = 8 * field.x.shape[-2] * max(field.network.sizes[1:]) * members
    size = max(1, CHUNK_BYTES // each)
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


# -- Random walks -------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Displacement:
    """How far a run moves in a given number of steps, on average.

    Attributes
    ----------
    lags : ndarray of int, shape ``(lags,)``
    squared : ndarray, shape ``(lags, ...)``
        Mean over all starts along the run of ``‖θ(k + lag) - θ(k)‖²``.
    """

    lags: Array
    squared: Array

    @property
    def exponent(self) -> Array:
        """Slope of ``log squared`` over ``log lags``, shape ``(...)``: 1 a random walk, 2 straight motion."""
        log_lags = np.log(self.lags) - np.log(self.lags).mean()
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(self.squared)
            slope = np.tensordot(log_lags, logs, axes=1) / (log_lags**2).sum()
        return np.where(np.isfinite(slope), slope, np.nan)

    def __repr__(self) -> str:
        exponent = self.exponent
        spread = f" ± {exponent.std():.2f}" if exponent.ndim else ""
        return (
            f"Displacement(lags {self.lags[0]} to {self.lags[-1]}; exponent {exponent.mean():.2f}{spread}; "
            "1 is a random walk, 2 straight motion)"
        )


def mean_squared_displacement(
    run: Run | Array, *, lags: Sequence[int] | None = None, frozen: Sequence[int] = ()
) -> Displacement:
    """Measure how the squared displacement of the weights grows with the number of steps.

    Parameters
    ----------
    run : Trajectory, History with snapshots, sequence of Network, or array of shape ``(T, ..., P)``
        Recorded at equal intervals.
    lags : sequence of int, optional
        In records; by default 1, 2, 4, ... up to a quarter of the run, beyond which too few pairs are
        independent.
    frozen : sequence of int
        Layers, counted from 1, to leave out: the others are measured. Not for an array, which knows no layers.

    Returns
    -------
    Displacement

    Raises
    ------
    ValueError
        For fewer than two lags, lags longer than the run, or records at unequal intervals.

    Examples
    --------
    >>> import numpy as np
    >>> steps = np.random.default_rng(0).normal(size=(1000, 50))
    >>> mean_squared_displacement(steps.cumsum(axis=0))
    Displacement(lags 1 to 128; exponent 1.01; 1 is a random walk, 2 straight motion)
    """
    if isinstance(run, np.ndarray) and len(_checks.items("frozen", frozen, "layers")):
        raise ValueError(f"frozen must be empty where run is an array; got {list(frozen)}.")
    path = run if isinstance(run, np.ndarray) else weight_path(run, frozen=frozen)
    path = _checks.real_array("run", path)
    if path.ndim < 2 or len(path) < 3:
        raise ValueError(f"run must have shape (T, ..., P) with T at least 3; got {path.shape}.")
    _evenly(run)
    longest = len(path) - 1
    if lags is None:
        lags = [2**k for k in range(64) if 2**k <= max(longest // 4, 2)]
    lags = _checks.items("lags", lags, "whole numbers")
    taken = np.array([_checks.integer("lag", lag, low=1, high=longest) for lag in lags])
    if len(np.unique(taken)) < 2:
        raise ValueError(f"lags must hold at least two different numbers; got {list(lags)}.")
    squared = [((path[lag:] - path[:-lag]) ** 2).sum(axis=-1).mean(axis=0) for lag in taken]
    return Displacement(taken, np.stack(squared))


def orthogonal_fraction(run: Run, x: Any, t: Any, *, frozen: Sequence[int] = ()) -> Array:
    """Part of each step's squared length that is orthogonal to the gradient: ``1 - cos²``.

    Parameters
    ----------
    run : Trajectory, History with snapshots, or sequence of Network
        Recorded at every step.
    x, t : array
        The data whose gradient is meant, at the start of each step.
    frozen : sequence of int
        Layers, counted from 1, to leave out.

    Returns
    -------
    ndarray, shape ``(T-1, ...)``
        0 for steepest descent, 1 for a step that the gradient has no part in (to first order it leaves the
        loss as it is); NaN where the step or the gradient is zero.

    Examples
    --------
    >>> from fa_teach import dynamics, init_feedback, init_network
    >>> net = init_network([3, 4, 2], seed=1)
    >>> x, t = [[1.0, 2, 3]], [[0.0, 1]]
    >>> run = dynamics.iterate(net, x, t, "bp", learning_rate=0.1, steps=2)
    >>> print(orthogonal_fraction(run, x, t).round(6))
    [0. 0.]
    """
    networks = _networks(run)
    whole = np.stack([to_vector(network) for network in networks])
    field = _gradient_field(networks[0], x, t)
    network = field.network
    g = np.concatenate([-field(whole[:-1][chunk]) for chunk in _chunks(field, len(whole) - 1)])

    def part(theta: Array) -> Array:
        return to_vector(from_vector(network, theta), frozen=frozen)

    return np.asarray(1 - cosine(part(g), part(np.diff(whole, axis=0))) ** 2)
