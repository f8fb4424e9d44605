"""The dynamics of a learning rule: its flow in weight space, its Jacobian, its residual kernel.

A rule moves the weights along a *field* ``f(θ) = -u(θ)``, where ``θ`` is the vector of all weights and
biases and ``u`` the rule's pseudo-gradient over the whole data set. Gradient descent is one field among many,
the only one that is the gradient of something and whose Jacobian is symmetric. All numbers are float64.

Every function takes the network as the point ``θ``, and broadcasts over ensembles. What is *held fixed*: the
data, the layers named in ``frozen``, and the feedback. A rule that changes its feedback while it learns is
seen at an instant. `fa_teach.fixed_points` finds where a field vanishes and whether it is stable there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach import _checks
from fa_teach.feedback import RULES, Feedback, Rule, as_rule, backward, check_feedback, outer
from fa_teach.network import LOSSES, Forward, Network, check_network, forward, targets
from fa_teach.training import DivergenceWarning

Array = npt.NDArray[Any]

COMPLEX_STEP = 1e-30  # no difference is taken, so nothing is lost by making it tiny
CHUNK_BYTES = 2**20  # of one layer's activities while a Jacobian is computed: what stays in a core's cache
# Multiplications in one matrix product. Above 2**16 (complex) OpenBLAS starts threads, which cost more than they
# help here: on a busy machine twenty times the time.
SMALL_PRODUCT = 2**15
FAR = 1e12  # weights longer than this count as gone to infinity


# -- Networks as vectors ------------------------------------------------------------------------


def to_vector(network: Network, *, frozen: Sequence[int] = ()) -> Array:
    """Weights and biases as one vector ``θ``.

    Parameters
    ----------
    network : Network
    frozen : sequence of int
        Layers, counted from 1, that are left out.

    Returns
    -------
    ndarray, shape ``(..., P)``
        Layer by layer: ``W_1`` row by row, ``c_1``, ``W_2`` row by row, ``c_2``, and so on.

    Examples
    --------
    >>> from fa_teach import init_network
    >>> to_vector(init_network([3, 4, 2], seed=range(5))).shape
    (5, 26)
    """
    free = _free(network, frozen)
    return _flatten(network.weights, network.biases, free)


def from_vector(network: Network, theta: Any, *, frozen: Sequence[int] = ()) -> Network:
    """Make a network like the given one from a vector of weights and biases: undoes `to_vector`.

    Parameters
    ----------
    network : Network
        Gives sizes, activations and loss, and the layers that are `frozen`.
    theta : array, shape ``(..., P)``
        Real or complex. Its leading axes make an ensemble.
    frozen : sequence of int
        Layers that are not in `theta`.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If `theta` does not have as many entries as the network has free parameters.
    TypeError
        If `theta` does not hold numbers. NaN is let through: runs that diverged are full of it.

    Examples
    --------
    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([3, 4, 2])
    >>> from_vector(net, np.tile(to_vector(net), (7, 1)))
    Network(3-4-2, tanh, squared, 26 parameters, ensemble (7,))
    """
    try:
        theta = np.asarray(theta)
    except ValueError:  # rows of different lengths
        raise TypeError("theta must be an array of numbers; got rows of different lengths.") from None
    if theta.dtype.kind not in "fiubc":
        raise TypeError(f"theta must hold numbers; got dtype {theta.dtype}.")
    free = _free(network, frozen)
    count = sum(_layer_sizes(network)[l - 1] for l in free)
    if theta.ndim < 1 or theta.shape[-1] != count:
        raise ValueError(f"theta must have shape (..., {count}); got {theta.shape}.")
    weights, biases, start = list(network.weights), list(network.biases), 0
    for l in free:
        n, m = weights[l - 1].shape[-2:]
        weights[l - 1] = theta[..., start : start + n * m].reshape(*theta.shape[:-1], n, m)
        start += n * m
        if biases:
            biases[l - 1] = theta[..., start : start + n]
            start += n
    return replace(network, weights=tuple(weights), biases=tuple(biases))


def _free(network: Network, frozen: Sequence[int]) -> list[int]:
    check_network(network)
    layers = _checks.items("frozen", frozen, "layers")
    still = {_checks.integer("frozen layer", l, low=1, high=network.depth) for l in layers}
    free = [l for l in range(1, network.depth + 1) if l not in still]
    if not free:
        raise ValueError(f"frozen must leave a layer free; got all {network.depth} layers.")
    return free


def _layer_sizes(network: Network) -> list[int]:
    sizes = network.sizes
    return [n * (m + bool(network.biases)) for n, m in zip(sizes[1:], sizes[:-1], strict=True)]


def _flatten(weights: Sequence[Array], biases: Sequence[Array], free: Sequence[int]) -> Array:
    parts = []
    for l in free:
        W = weights[l - 1]
        parts.append(W.reshape(*W.shape[:-2], -1))
        if biases:
            parts.append(biases[l - 1])
    lead = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return np.concatenate([np.broadcast_to(part, lead + part.shape[-1:]) for part in parts], axis=-1)


# -- The field ----------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Field:
    """The field ``f(θ) = -u(θ)`` of a rule on a data set, as made by `update_field`: call it with ``θ``.

    Attributes
    ----------
    network : Network
        In float64; gives the shapes, the frozen layers, and the point ``θ`` at which the field was made.
    x, t : ndarray
    rule : Rule
    feedback : tuple of ndarray
    frozen : tuple of int
    weight_decay : float
    """

    network: Network
    x: Array
    t: Array
    rule: Rule
    feedback: Feedback
    frozen: tuple[int, ...] = ()
    weight_decay: float = 0.0

    def __call__(self, theta: Any) -> Array:
        """``f(θ)``, shape ``(..., P)``; real or complex as ``theta`` is."""
        return -self.update(from_vector(self.network, theta, frozen=self.frozen))

    def update(self, network: Network) -> Array:
        """``u`` at a network, as a vector, shape ``(..., P)``."""
        run = forward(network, self.x)
        u = outer(network, run, backward(network, run, self.t, self.rule, self.feedback))
        weights = list(u.weights)
        if self.weight_decay:
            weights = [g + self.weight_decay * W for g, W in zip(weights, network.weights, strict=True)]
        return _flatten(weights, u.biases, _free(network, self.frozen))

    @property
    def theta(self) -> Array:
        """The point at which the field was made, shape ``(..., P)``."""
        return to_vector(self.network, frozen=self.frozen)

    @property
    def of_gradient(self) -> Field:
        """The field of backpropagation on the same data, with the same frozen layers and weight decay."""
        return replace(self, rule=as_rule("bp"), feedback=())

    def loss(self, theta: Any) -> Array:
        """Mean loss over the data at ``θ``, without the term of the weight decay, shape ``(...)``."""
        y = forward(from_vector(self.network, theta, frozen=self.frozen), self.x).y
        return np.asarray(LOSSES[self.network.loss].value(y, self.t).mean(axis=-1))

    def __repr__(self) -> str:
        parts = [self.rule.name, repr(self.network), f"{self.x.shape[-2]:,} samples"]
        if self.frozen:
            parts.append(f"frozen {list(self.frozen)}")
        if self.weight_decay:
            parts.append(f"weight decay {self.weight_decay:g}")
        return f"Field({', '.join(parts)})"


def update_field(
    network: Network,
    x: Any,
    t: Any,
    rule: str | Rule,
    feedback: Feedback | None = None,
    *,
    frozen: Sequence[int] = (),
    weight_decay: float = 0.0,
) -> Field:
    """Make the field ``f(θ) = -u(θ)`` along which a rule moves the weights, over the whole data set.

    Parameters
    ----------
    network : Network
    x, t : array
        Inputs and targets or labels, see `fa_teach.network.targets`.
    rule : str or Rule
        A rule that adapts its feedback (weight mirror, Kolen-Pollack, redrawn) has it held at the one given:
        its field of that instant. A rule of your own should accept complex weights, see `jacobian`.
    feedback : tuple of ndarray, optional
        Not needed by backpropagation.
    frozen : sequence of int
        Layers, counted from 1, that do not move; they are not in ``θ``.
    weight_decay : float
        ``λ``: the field is ``-(u + λW)``, on weights only, not on biases.

    Returns
    -------
    Field
        Call it with ``θ`` of shape ``(..., P)``, see `to_vector`.

    Raises
    ------
    ValueError, TypeError
        If data or feedback do not fit the network.

    Notes
    -----
    Kolen-Pollack has a field of its own in ``θ`` alone: without weight decay ``D = Wᵀ - B`` never changes, so
    that the carrier is ``Wᵀ - D``: a rule with ``D`` in the place of the feedback, see the second example.

    Examples
    --------
    >>> import numpy as np
    >>> from fa_teach import Rule, init_feedback, init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> f = update_field(net, [[1.0]], [[1.0]], "fa", (np.array([[1.0]]),))
    >>> print(f([0.5, 1.0]), f([-1.0, 1.0]))
    [0.5  0.25] [ 2. -2.]

    >>> kolen_pollack = Rule(name="kolen_pollack", carriers=lambda net, D: [
    ...     W.mT - d for W, d in zip(net.weights[1:], D)])
    >>> update_field(net, [[1.0]], [[1.0]], kolen_pollack, (np.array([[0.0]]),)).rule
    Rule('kolen_pollack')
    """
    check_network(network)
    rule = as_rule(rule)
    network = replace(
        network,
        weights=tuple(np.asarray(W, dtype=np.float64) for W in network.weights),
        biases=tuple(np.asarray(c, dtype=np.float64) for c in network.biases),
    )
    x, t = targets(network, x, t)
    feedback = check_feedback(network, rule, feedback)
    weight_decay = _checks.number("weight_decay", weight_decay, low=0.0)
    _free(network, frozen)
    return Field(network, x, t, rule, feedback, tuple(int(l) for l in frozen), weight_decay)


# -- Jacobians ----------------------------------------------------------------------------------


METHODS = ("complex", "central")


def jacobian(
    network: Network,
    x: Any,
    t: Any,
    rule: str | Rule,
    feedback: Feedback | None = None,
    *,
    frozen: Sequence[int] = (),
    weight_decay: float = 0.0,
    method: str = "complex",
) -> Array:
    """Jacobian of a rule's field, ``∂f_i/∂θ_j``, at the network.

    Parameters
    ----------
    network, x, t, rule, feedback, frozen, weight_decay
        As for `update_field`.
    method : str
        ``"complex"``: ``Im f(θ + ih e_j) / h``, which takes no difference and so is exact to rounding where
        activations are analytic. For ReLU it is the exact Jacobian of the piece that the network is on; the
        kinks between pieces, where none exists, it does not see. ``"central"``: central differences, about 9
        digits, for rules of your own that complex numbers do not pass through (``abs``, norms).

    Returns
    -------
    ndarray, shape ``(..., P, P)``
        For backpropagation minus the Hessian of the loss, symmetric; for other rules not symmetric.

    Raises
    ------
    ValueError, TypeError
        As `update_field`; and for a rule of your own that complex numbers do not pass through.

    Examples
    --------
    The smallest network: eigenvalues 0 and ``-(w₁² + b w₂)``.

    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> net = from_vector(net, [2.0, 0.5])
    >>> J = jacobian(net, [[1.0]], [[1.0]], "fa", (np.array([[1.0]]),))
    >>> print(np.linalg.eigvals(J))
    [ 0.  -4.5]
    """
    _checks.one_of("method", method, METHODS)
    field = update_field(network, x, t, rule, feedback, frozen=frozen, weight_decay=weight_decay)
    return field_jacobian(field, field.theta, method=method)


def field_jacobian(field: Field, theta: Array, *, method: str = "complex") -> Array:
    """`jacobian` of a field that has been made already, at ``θ``, shape ``(..., P, P)``."""
    if method == "complex":
        _check_complex(field)
    network = from_vector(field.network, theta, frozen=field.frozen)
    lead = np.broadcast_shapes(network.ensemble, theta.shape[:-1])
    columns = []
    # One layer is moved at a time: what lies below it is then computed once, not once for each direction.
    for l in _free(network, field.frozen):
        others = [k for k in range(1, network.depth + 1) if k != l]
        here = to_vector(network, frozen=others)  # (..., p)
        for unit in _directions(field, here.shape[-1], lead):
            change = unit.reshape(-1, *[1] * len(lead), here.shape[-1])  # (k, 1, .., p)
            move = partial(_moved_update, field, network, here, others)
            if method == "complex":
                slope = move(1j * COMPLEX_STEP * change).imag / COMPLEX_STEP
            else:
                step = np.cbrt(np.finfo(float).eps) * max(1.0, float(abs(here).max()))
                slope = (move(step * change) - move(-step * change)) / (2 * step)
            columns.append(np.broadcast_to(slope, (len(unit), *lead, slope.shape[-1])))
    return -np.moveaxis(np.concatenate(columns), 0, -1)


def _check_complex(field: Field) -> None:
    """Refuse a rule of your own whose carriers complex weights do not pass through: its derivatives would be wrong."""
    if RULES.get(field.rule.name) is field.rule:
        return
    theta = to_vector(field.network)
    along = np.cos(np.arange(theta.shape[-1]))  # a direction like any other

    def carriers(step: complex) -> list[Array]:
        return list(field.rule.carriers(from_vector(field.network, theta + step * along), field.feedback))

    h = 1e-8  # too small to change a weight's sign
    for C, up, down in zip(carriers(1j * COMPLEX_STEP), carriers(h), carriers(-h), strict=True):
        difference = (up - down) / (2 * h)
        if not np.allclose(C.imag / COMPLEX_STEP, difference, rtol=1e-3, atol=1e-4 * (1 + abs(up).max())):
            raise ValueError(
                f"carriers of rule {field.rule.name!r} must let complex weights pass (no abs, sign or norm) for "
                "exact derivatives; got other ones than their differences. jacobian, stability and fixed_point "
                'also take method="central".'
            )


def _moved_update(field: Field, network: Network, here: Array, others: Sequence[int], change: Array) -> Array:
    """``u`` with one layer moved, summed over blocks of samples, since it is a mean over samples."""
    moved = from_vector(network, here + change, frozen=others)
    n = field.x.shape[-2]
    size = _block(field.network)
    u: Any = 0.0
    for start in range(0, n, size):
        part = slice(start, start + size)
        block = replace(field, x=field.x[..., part, :], t=field.t[..., part, :])
        u = u + block.x.shape[-2] / n * block.update(moved)
    return np.asarray(u)


def _block(network: Network) -> int:
    """Choose how many samples at a time: few enough for small matrix products, not fewer."""
    largest = max(int(np.prod(W.shape[-2:])) for W in network.weights)
    return max(4, SMALL_PRODUCT // largest)


def _directions(field: Field, count: int, lead: tuple[int, ...]) -> Iterator[Array]:
    """Rows of the unit matrix, so many at a time that what a pass computes stays in the cache."""
    samples = min(field.x.shape[-2], _block(field.network))
    each = 16 * samples * max(field.network.sizes[1:]) * int(np.prod(lead))
    if "erf" in field.network.activations:
        each *= 16  # its quadrature
    size = max(1, CHUNK_BYTES // each)
    for start in range(0, count, size):
        yield np.eye(min(size, count - start), count, start)


def jvp(
    network: Network,
    x: Any,
    t: Any,
    rule: str | Rule,
    feedback: Feedback | None = None,
    *,
    v: Any,
    frozen: Sequence[int] = (),
    weight_decay: float = 0.0,
) -> Array:
    """Jacobian of a rule's field times a vector, for the price of two evaluations of the field.

    Parameters
    ----------
    network, x, t, rule, feedback, frozen, weight_decay
        As for `update_field`.
    v : array, shape ``(..., P)``
        More leading axes than the ensemble has are more vectors.

    Returns
    -------
    ndarray, shape ``(..., P)``

    Examples
    --------
    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> net = from_vector(net, [2.0, 0.5])
    >>> print(jvp(net, [[1.0]], [[1.0]], "fa", (np.array([[1.0]]),), v=[[1, 0], [0, 1]]))
    [[-0.5 -1. ]
     [-2.  -4. ]]
    """
    field = update_field(network, x, t, rule, feedback, frozen=frozen, weight_decay=weight_decay)
    v = _checks.real_array("v", v)
    if v.ndim < 1 or v.shape[-1] != field.theta.shape[-1]:
        raise ValueError(f"v must have shape (..., {field.theta.shape[-1]}); got {v.shape}.")
    return field_jvp(field, field.theta, v)


def field_jvp(field: Field, theta: Array, v: Array) -> Array:
    """`jvp` of a field that has been made already, at ``θ``."""
    _check_complex(field)
    return np.asarray(field(theta + 1j * COMPLEX_STEP * v).imag / COMPLEX_STEP)


# -- Outputs: Jacobian, pseudo-Jacobian, kernel -------------------------------------------------


def output_jacobian(
    network: Network,
    x: Any,
    rule: str | Rule = "bp",
    feedback: Feedback | None = None,
    *,
    frozen: Sequence[int] = (),
) -> Array:
    """How the outputs depend on the weights: truly, or as a rule believes.

    Parameters
    ----------
    network : Network
    x : array, shape ``(..., n, n_0)``
    rule : str or Rule
        ``"bp"`` gives the true Jacobian ``J_true = ∂y/∂θ``. Any other rule gives its pseudo-Jacobian
        ``J_rule``: row ``(i, k)`` is what the rule would make of an error of 1 at output ``k`` of sample
        ``i``.
    feedback : tuple of ndarray, optional
    frozen : sequence of int

    Returns
    -------
    ndarray, shape ``(..., n·n_L, P)``
        Rows sample by sample. With the output errors ``δ`` stacked alike (`output_error`),
        ``g = J_trueᵀ δ / n`` and ``u = J_ruleᵀ δ / n``: the mean over samples.

    Examples
    --------
    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> net = from_vector(net, [2.0, 0.5])
    >>> print(output_jacobian(net, [[1.0]]), output_jacobian(net, [[1.0]], "fa", (np.array([[1.0]]),)))
    [[0.5 2. ]] [[1. 2.]]
    """
    check_network(network)
    x = _checks.real_array("x", x)
    if x.ndim < 2 or x.shape[-1] != network.sizes[0]:
        raise ValueError(f"x must have shape (..., batch, {network.sizes[0]}); got {x.shape}.")
    n, n_L = x.shape[-2], network.sizes[-1]
    field = update_field(network, x, np.zeros((n, n_L)), rule, feedback, frozen=frozen)
    network = field.network
    run = forward(network, field.x)
    # A unit error at each output in turn. With y = 0 and the squared loss, δ_L = y - t is exactly -t.
    lead = np.broadcast_shapes(network.ensemble, run.y.shape[:-2])
    unit = np.eye(n_L).reshape(n_L, *[1] * len(lead), 1, n_L)
    unit = np.broadcast_to(unit, (n_L, *lead, n, n_L))
    at_zero = Forward([*run.a[:-1], np.zeros_like(unit)], run.h)
    deltas = backward(replace(network, loss="squared"), at_zero, -unit, field.rule, field.feedback)
    per_sample = [d[..., :, None] * h[..., None, :] for d, h in zip(deltas, run.h, strict=True)]
    biases = deltas if network.biases else []
    rows = _flatten(per_sample, biases, _free(network, frozen))  # (n_L, ..., n, P)
    rows = np.moveaxis(rows, 0, -2)  # (..., n, n_L, P)
    return rows.reshape(*lead, n * n_L, rows.shape[-1])


def output_error(network: Network, x: Any, t: Any) -> Array:
    """Stack the output errors ``δ_L = ∂ℓ/∂y`` of all samples, sample by sample, shape ``(..., n·n_L)``.

    For the squared loss this is the residual ``e = y - t``.

    Examples
    --------
    >>> from fa_teach import init_network
    >>> net = init_network([2, 3, 1], init="zeros")
    >>> print(output_error(net, [[1, 0], [0, 1]], [[1.0], [3.0]]))
    [-1. -3.]
    """
    x, t = targets(network, x, t)
    delta = LOSSES[network.loss].error(forward(network, x).y, t)
    return np.asarray(delta.reshape(*delta.shape[:-2], -1))


def residual_kernel(
    network: Network,
    x: Any,
    rule: str | Rule = "bp",
    feedback: Feedback | None = None,
    *,
    frozen: Sequence[int] = (),
) -> Array:
    """Compute the kernel ``K = J_true J_ruleᵀ / n`` by which errors change the outputs: ``ẏ = -K δ``.

    Parameters
    ----------
    network, x, rule, feedback, frozen
        As for `output_jacobian`.

    Returns
    -------
    ndarray, shape ``(..., n·n_L, n·n_L)``
        The division by ``n`` is that of the mean over samples in ``u``. For the squared loss ``ė = -K e``.
        For backpropagation ``K`` is the neural tangent kernel over ``n``, symmetric and never negative; for
        other rules neither.

    Notes
    -----
    Alignment is its quadratic form: ``⟨g, u⟩ = δᵀ K δ / n``. Stability is its spectrum: where all errors are
    zero, the non-zero eigenvalues of minus the field's `jacobian` are, for the squared loss, those of ``K``.
    With ``n·n_L`` rows it is meant for small data sets.

    Examples
    --------
    ``w₁² + b w₂``, of the smallest network:

    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> print(residual_kernel(from_vector(net, [2.0, 0.5]), [[1.0]], "fa", (np.array([[1.0]]),)))
    [[4.5]]
    """
    n = np.shape(x)[-2] if np.ndim(x) >= 2 else 1
    true = output_jacobian(network, x, frozen=frozen)
    pseudo = output_jacobian(network, x, rule, feedback, frozen=frozen)
    return np.asarray(true @ pseudo.mT / n)


# -- Trajectories -------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Trajectory:
    """Where a flow, or a sequence of steps, went.

    Attributes
    ----------
    times : ndarray, shape ``(T,)``
        Times of the flow, or numbers of steps.
    theta : ndarray, shape ``(T, ..., P)``
        NaN after a member has stopped early.
    stopped_at : ndarray, shape ``(...)``
        Time at which a member was given up, NaN if it went to the end.
    diverged : ndarray of bool, shape ``(...)``
        Whether it was given up because it blew up (else because it ran out of steps).
    start : Network
        In float64.
    frozen : tuple of int
    """

    times: Array
    theta: Array
    stopped_at: Array
    diverged: Array
    start: Network
    frozen: tuple[int, ...] = ()

    @property
    def network(self) -> Network:
        """The network at all times: an ensemble whose first axis is time."""
        return from_vector(self.start, self.theta, frozen=self.frozen)

    @property
    def end(self) -> Network:
        """The network at the last time."""
        return from_vector(self.start, self.theta[-1], frozen=self.frozen).copy()

    def __repr__(self) -> str:
        parts = [f"{len(self.times)} records from {self.times[0]:g} to {self.times[-1]:g}", repr(self.start)]
        early = int((~np.isnan(self.stopped_at)).sum())
        if early:
            parts.append(
                f"{early} of {self.stopped_at.size} stopped early, {int(self.diverged.sum())} diverged"
            )
        return f"Trajectory({'; '.join(parts)})"


def trajectory(
    network: Network,
    x: Any,
    t: Any,
    rule: str | Rule,
    feedback: Feedback | None = None,
    *,
    times: Any,
    frozen: Sequence[int] = (),
    weight_decay: float = 0.0,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 100_000,
) -> Trajectory:
    """Follow the flow ``θ̇ = f(θ)`` of a rule, from the network.

    Dormand and Prince's Runge-Kutta pair of order 5(4). Each member of an ensemble has its own step, so that
    it goes where it would go alone; the work is that of the slowest.

    Parameters
    ----------
    network, x, t, rule, feedback, frozen, weight_decay
        As for `update_field`. The network is the state at time 0.
    times : float or array of float
        When to record: rising, from 0 on. A single number is the end of 100 equal intervals.
    rtol, atol : float
        Error allowed in each step, relative and absolute.
    max_steps : int
        For each member; it is given up if it needs more.

    Returns
    -------
    Trajectory

    Warns
    -----
    DivergenceWarning
        If a member blows up, or runs out of steps. Its later records are NaN; the others go on.

    Examples
    --------
    The smallest network conserves ``w₁² - 2 b w₂``, here 2.25:

    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> net = from_vector(net, [-1.5, 0.0])
    >>> w = trajectory(net, [[1.0]], [[1.0]], "fa", (np.array([[1.0]]),), times=[0, 1, 20]).theta
    >>> print(w[:, 0] ** 2 - 2 * w[:, 1])
    [2.25 2.25 2.25]
    """
    field = update_field(network, x, t, rule, feedback, frozen=frozen, weight_decay=weight_decay)
    times = _times(times)
    rtol = _checks.number("rtol", rtol, low=0.0, open_low=True)
    atol = _checks.number("atol", atol, low=0.0, open_low=True)
    max_steps = _checks.integer("max_steps", max_steps, low=1)
    path, _, stopped_at, diverged = integrate(
        field, field.theta, times, rtol=rtol, atol=atol, max_steps=max_steps
    )
    _warn(stopped_at, diverged, "time")
    return Trajectory(times, path, stopped_at, diverged, field.network, field.frozen)


def iterate(
    network: Network,
    x: Any,
    t: Any,
    rule: str | Rule,
    feedback: Feedback | None = None,
    *,
    learning_rate: Any,
    steps: int,
    record_at: int = 1,
    frozen: Sequence[int] = (),
    weight_decay: float = 0.0,
) -> Trajectory:
    """Take discrete steps ``θ ← θ + η f(θ)`` over the whole data set, from the network.

    Parameters
    ----------
    network, x, t, rule, feedback, frozen, weight_decay
        As for `update_field`.
    learning_rate : float or array
        ``η``: one number, or one for each member.
    steps : int
    record_at : int
        Record every so many steps, and at the last.

    Returns
    -------
    Trajectory
        Its times are numbers of steps.

    Warns
    -----
    DivergenceWarning
        If a member diverges. Its later records are NaN; the others go on.

    Examples
    --------
    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> net = from_vector(net, [[2.0, 0.6], [2.0, 0.6]])
    >>> B = (np.array([[1.0]]),)
    >>> run = iterate(net, [[1.0]], [[1.0]], "fa", B, learning_rate=[0.1, 0.2], steps=400, record_at=400)
    >>> print(abs(run.theta[-1].prod(axis=-1) - 1) < 1e-9)
    [ True  True]
    """
    field = update_field(network, x, t, rule, feedback, frozen=frozen, weight_decay=weight_decay)
    theta = field.theta
    lead = theta.shape[:-1]
    rate = _checks.numbers("learning_rate", learning_rate, low=0.0)
    _checks.broadcast("learning_rate", rate.shape, lead)
    steps = _checks.integer("steps", steps, low=0)
    every = _checks.integer("record_at", record_at, low=1)
    times = np.array(sorted({*range(0, steps + 1, every), steps}))
    path = np.full((len(times), *theta.shape), np.nan)
    stopped_at = np.full(lead, np.nan)
    alive = np.ones(lead, bool)
    record = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps + 1):
            if step == times[record]:
                path[record] = np.where(alive[..., None], theta, np.nan)
                record += 1
            if step == steps or not alive.any():
                break
            moved = theta + rate[..., None] * field(theta)
            gone = alive & ~(np.linalg.norm(moved, axis=-1) < FAR)
            stopped_at[gone] = step + 1
            alive &= ~gone
            theta = np.where(alive[..., None], moved, theta)
    diverged = ~np.isnan(stopped_at)
    _warn(stopped_at, diverged, "step")
    return Trajectory(times, path, stopped_at, diverged, field.network, field.frozen)


def _times(times: Any) -> Array:
    result = _checks.numbers("times", times, low=0.0).astype(np.float64)
    if result.ndim == 0:
        end = _checks.number("times", float(result), low=0.0, open_low=True)
        result = np.linspace(0, end, 101)
    if result.ndim != 1 or result.size == 0:
        raise ValueError(f"times must be a number or one list of numbers; got shape {result.shape}.")
    falls = np.flatnonzero(np.diff(result) <= 0)
    if falls.size:
        before, after = result[falls[0] : falls[0] + 2]
        raise ValueError(f"times must rise; got {after:g} after {before:g}.")
    return result


def _warn(stopped_at: Array, diverged: Array, unit: str) -> None:
    early = ~np.isnan(stopped_at)
    if not early.any():
        return
    who = "The run" if early.ndim == 0 else f"{int(early.sum())} of {early.size} members"
    what = "blew up" if diverged[early].all() else "blew up or ran out of steps"
    what = what if diverged.any() else "ran out of max_steps"
    when = "at" if early.ndim == 0 else "the first at"
    text = f"{who} {what}: {when} {unit} {np.nanmin(stopped_at):g}; later records are NaN."
    warnings.warn(text, DivergenceWarning, stacklevel=3)


# Dormand & Prince, J. Comput. Appl. Math. 6 (1980) 19-26: stages, and the difference of the two orders.
_STAGES = [
    np.array([1 / 5]),
    np.array([3 / 40, 9 / 40]),
    np.array([44 / 45, -56 / 15, 32 / 9]),
    np.array([19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729]),
    np.array([9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]),
    np.array([35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]),
]
_ERROR = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])


def integrate(
    f: Callable[[Array], Array], theta: Array, times: Array, *, rtol: float, atol: float, max_steps: int
) -> tuple[Array, Array, Array, Array]:
    """Integrate ``θ̇ = f(θ)`` from time 0: what `trajectory` does, for any ``f``.

    Returns
    -------
    path : ndarray, shape ``(T, ..., P)``
    last : ndarray, shape ``(..., P)``
        The last state that was finite.
    stopped_at, diverged : ndarray, shape ``(...)``
    """
    lead = theta.shape[:-1]
    path = np.full((len(times), *theta.shape), np.nan)
    now, due = np.zeros(lead), np.zeros(lead, int)
    stopped_at = np.full(lead, np.nan)
    diverged = np.zeros(lead, bool)
    if times[0] == 0:
        path[0] = theta
        due += 1
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        first = f(theta)
        size = np.linalg.norm(theta, axis=-1) + 1e-3
        step = 0.01 * size / np.maximum(np.linalg.norm(first, axis=-1), 1e-12)  # the step that comes next
        for count in range(max_steps + 1):
            active = (due < len(times)) & np.isnan(stopped_at)
            if count == max_steps:
                stopped_at[active] = now[active]
            if count == max_steps or not active.any():
                break
            goal = times[np.minimum(due, len(times) - 1)]
            lands = step >= goal - now
            h = np.where(active, np.where(lands, goal - now, step), 0.0)[..., None]
            k = [first]
            for stage in _STAGES:
                new = theta + h * sum(c * ki for c, ki in zip(stage, k, strict=True) if c)
                k.append(f(new))
            scale = atol + rtol * np.maximum(abs(theta), abs(new))
            error = h * sum(c * ki for c, ki in zip(_ERROR, k, strict=True) if c) / scale
            error = np.sqrt((error**2).mean(axis=-1))
            accept = active & (error <= 1)
            factor = np.where(np.isnan(error), 0.2, np.clip(0.9 * error**-0.2, 0.2, 5))
            proposed = h[..., 0] * factor
            # A step cut short to land on a time to record says nothing against the longer one.
            proposed = np.where(accept & lands, np.maximum(proposed, step), proposed)
            step = np.where(active, proposed, step)
            theta = np.where(accept[..., None], new, theta)
            first = np.where(accept[..., None], k[-1], first)
            now = np.where(accept, np.where(lands, goal, now + h[..., 0]), now)
            arrived = accept & lands
            if arrived.any():
                index = np.indices(lead)[..., arrived] if lead else ()
                path[(due[arrived], *index) if lead else int(due)] = theta[arrived] if lead else theta
                due = due + arrived
            gone = active & ~((np.linalg.norm(theta, axis=-1) < FAR) & (step > 1e-14 * np.maximum(now, 1)))
            stopped_at[gone] = now[gone]
            diverged |= gone
    return path, theta, stopped_at, diverged
