"""The four alignments, and who drives the descent.

1. *gradient alignment* of a layer: cosine between the gradient ``g_l`` and the rule's ``u_l``;
2. *total gradient alignment*: the same over all layers together;
3. *weight alignment*: cosine between what backpropagation would use (``W_{l+1}ᵀ``) and what carries the error instead;
4. *signal alignment*: the angle, sample by sample, between the error signals those two matrices send, averaged.

Cosines are signed and angles lie between 0° and 180°: an absolute value would show feedback that points exactly the
wrong way as perfect. A zero vector has no angle: the result is NaN. A bias belongs to its layer: it is a weight whose
input is always 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach.feedback import (
    Feedback,
    Gradient,
    Rule,
    as_rule,
    backward,
    check_carriers,
    check_feedback,
    path_transposes,
    pseudo_gradient,
)
from fa_teach.network import Forward, Network, forward, targets

Array = npt.NDArray[Any]


def cosine(a: Any, b: Any, *, axis: int | tuple[int, ...] = -1) -> Array:
    """Signed cosine between vectors.

    Parameters
    ----------
    a, b : array
        Vectors along `axis`; the other axes broadcast.
    axis : int or tuple of int
        ``(-2, -1)`` compares matrices entry by entry.

    Returns
    -------
    ndarray
        Between -1 and 1; NaN where a vector is zero, or holds NaN or infinity (as after divergence).

    Raises
    ------
    ValueError, TypeError
        For what are no numbers, shapes that do not fit, or an axis that does not exist.

    Examples
    --------
    >>> float(cosine([1, 0], [-1, 0])), float(cosine([1, 0], [0, 0]))
    (-1.0, nan)
    """
    a, b = _floats("a", a), _floats("b", b)
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ValueError(f"b must have a shape that fits a's {a.shape}; got {b.shape}.") from None
    for name, array in (("a", a), ("b", b)):
        if not all(-array.ndim <= i < array.ndim for i in np.atleast_1d(axis)):
            raise ValueError(f"axis must be among those of {name}, of shape {array.shape}; got {axis}.")
    dot = (a * b).sum(axis=axis)
    return _ratio(dot, (a * a).sum(axis=axis), (b * b).sum(axis=axis))


def angle(cos: Any) -> Array:
    """Angle in degrees, 0 to 180, of a cosine.

    Parameters
    ----------
    cos : array
        Between -1 and 1, give or take rounding; NaN stays NaN.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError, TypeError
        For what is no cosine.

    Examples
    --------
    >>> print(angle([1, 0.5, 0, -1]).round(6))
    [  0.  60.  90. 180.]
    """
    cos = _floats("cos", cos)
    wrong = abs(cos) > 1 + 1e-6
    if wrong.any():
        raise ValueError(f"cos must lie between -1 and 1; got {cos[wrong].flat[0]:g}.")
    return np.asarray(np.rad2deg(np.arccos(np.clip(cos, -1, 1))))


def _floats(name: str, value: Any) -> Array:
    """Real numbers in double precision; NaN may be among them."""
    try:
        result = np.asarray(value)
    except ValueError:  # rows of different lengths
        result = np.array(None)
    if result.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers; got {type(value).__name__}.")
    return result.astype(np.float64, copy=False)


def _ratio(dot: Array, aa: Array, bb: Array) -> Array:
    norms = np.sqrt(aa) * np.sqrt(bb)
    safe = np.where(norms > 0, norms, 1)
    return np.where(norms > 0, np.clip(dot / safe, -1, 1), np.nan)


# -- From a pair of gradients -------------------------------------------------------------------


def inner(g: Gradient, u: Gradient) -> Array:
    """Inner product ``⟨g_l, u_l⟩`` of each layer, biases included, shape ``(..., L)``."""
    layers = []
    for i, (a, b) in enumerate(zip(g.weights, u.weights, strict=True)):
        dot = (a.astype(np.float64) * b).sum(axis=(-2, -1))
        if g.biases:
            dot = dot + (g.biases[i].astype(np.float64) * u.biases[i]).sum(axis=-1)
        layers.append(dot)
    return np.stack(np.broadcast_arrays(*layers), axis=-1)


def layer_cosines(g: Gradient, u: Gradient) -> Array:
    """Signed cosine of ``g_l`` and ``u_l`` for each layer, shape ``(..., L)``."""
    return _ratio(inner(g, u), inner(g, g), inner(u, u))


def total_cosine(g: Gradient, u: Gradient) -> Array:
    """Signed cosine of ``g`` and ``u`` over all layers together, shape ``(...)``."""
    return _ratio(inner(g, u).sum(axis=-1), inner(g, g).sum(axis=-1), inner(u, u).sum(axis=-1))


# -- The four alignments ------------------------------------------------------------------------


def gradient_alignment(
    network: Network, x: Any, t: Any, rule: str | Rule, feedback: Feedback | None = None
) -> Array:
    """Gradient alignment of each layer: signed cosine of ``g_l`` and ``u_l``.

    Parameters
    ----------
    network : Network
    x, t : array
        Inputs and targets or labels.
    rule : str or Rule
    feedback : tuple of ndarray, optional

    Returns
    -------
    ndarray, shape ``(..., L)``
        The last entry, of the output layer, is 1 for every rule; NaN where ``g_l`` or ``u_l`` is zero.

    Raises
    ------
    ValueError, TypeError
        For data or feedback that do not fit the network, NaN or infinity, an unknown rule.

    Examples
    --------
    >>> from fa_teach import init_network, init_feedback
    >>> net = init_network([3, 4, 2], seed=1)
    >>> B = init_feedback(net, angle=180)
    >>> print(gradient_alignment(net, [[1.0, 2, 3]], [[0.0, 1]], "fa", B).round(6))
    [-1.  1.]
    """
    return layer_cosines(*_both(network, x, t, rule, feedback))


def total_gradient_alignment(
    network: Network, x: Any, t: Any, rule: str | Rule, feedback: Feedback | None = None
) -> Array:
    """Gradient alignment over all layers together: signed cosine of ``g`` and ``u``.

    Parameters
    ----------
    network : Network
    x, t : array
        Inputs and targets or labels.
    rule : str or Rule
    feedback : tuple of ndarray, optional

    Returns
    -------
    ndarray, shape ``(...)``

    Raises
    ------
    ValueError, TypeError
        For data or feedback that do not fit the network, NaN or infinity, an unknown rule.

    Examples
    --------
    >>> from fa_teach import init_network
    >>> net = init_network([3, 4, 2], seed=1)
    >>> float(total_gradient_alignment(net, [[1.0, 2, 3]], [[0.0, 1]], "bp"))
    1.0
    """
    return total_cosine(*_both(network, x, t, rule, feedback))


def weight_alignment(network: Network, rule: str | Rule, feedback: Feedback | None = None) -> Array:
    """Weight alignment into each hidden layer: signed cosine of ``W_{l+1}ᵀ`` and the matrix that carries the error.

    For a direct rule the comparison is with ``(W_L ... W_{l+1})ᵀ``.

    Parameters
    ----------
    network : Network
    rule : str or Rule
    feedback : tuple of ndarray, optional

    Returns
    -------
    ndarray, shape ``(..., L-1)``

    Raises
    ------
    ValueError, TypeError
        For feedback that does not fit the network, or an unknown rule.

    Examples
    --------
    >>> from fa_teach import init_network, init_feedback
    >>> net = init_network([3, 4, 2], seed=1)
    >>> print(weight_alignment(net, "fa", init_feedback(net, angle=120)).round(6))
    [-0.5]
    """
    rule = as_rule(rule)
    feedback = check_feedback(network, rule, feedback)
    check_carriers(network, rule, feedback)
    carriers = rule.carriers(network, feedback)
    ideal = path_transposes(network, direct=rule.direct)
    cosines = [cosine(T, C, axis=(-2, -1)) for T, C in zip(ideal, carriers, strict=True)]
    if not cosines:
        return np.zeros((*network.ensemble, 0))
    return np.stack(np.broadcast_arrays(*cosines), axis=-1)


def signal_alignment(
    network: Network, x: Any, t: Any, rule: str | Rule, feedback: Feedback | None = None
) -> Array:
    """Signal alignment into each hidden layer, in degrees.

    Sample by sample, the angle between ``W_{l+1}ᵀ δ_{l+1}`` and the signal that the rule sends in its place, averaged
    over the samples that have one. ``δ`` is the rule's own error signal.

    Parameters
    ----------
    network : Network
    x, t : array
        Inputs and targets or labels.
    rule : str or Rule
    feedback : tuple of ndarray, optional

    Returns
    -------
    ndarray, shape ``(..., L-1)``
        Degrees, 0 to 180; NaN where no sample has both signals.

    Raises
    ------
    ValueError, TypeError
        For data or feedback that do not fit the network, NaN or infinity, an unknown rule.

    Examples
    --------
    >>> from fa_teach import init_network, init_feedback
    >>> net = init_network([3, 4, 2], seed=1)
    >>> B = init_feedback(net, angle=180)
    >>> print(signal_alignment(net, [[1.0, 2, 3]], [[0.0, 1]], "fa", B).round(3))
    [180.]
    """
    rule = as_rule(rule)
    x, t = targets(network, x, t)
    feedback = check_feedback(network, rule, feedback)
    check_carriers(network, rule, feedback)
    run = forward(network, x)
    return signal_angles(network, run, t, rule, feedback)


def signal_angles(network: Network, run: Forward, t: Array, rule: Rule, feedback: Feedback) -> Array:
    """`signal_alignment` from a forward pass that has been made already."""
    deltas = backward(network, run, t, rule, feedback)
    carriers = rule.carriers(network, feedback)
    layers = []
    for l in range(1, network.depth):  # into hidden layer l
        true = deltas[l] @ network.weights[l]  # (..., batch, n_l)
        sent = (deltas[-1] if rule.direct else deltas[l]) @ carriers[l - 1].mT
        layers.append(_mean_known(angle(cosine(true, sent))))
    if not layers:
        return np.zeros((*network.ensemble, 0))
    return np.stack(np.broadcast_arrays(*layers), axis=-1)


def _mean_known(values: Array) -> Array:
    """Mean over the last axis, leaving NaN out; NaN where nothing is left."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


# -- Who drives the descent ---------------------------------------------------------------------


def descent(network: Network, x: Any, t: Any, rule: str | Rule, feedback: Feedback | None = None) -> Array:
    """How fast each layer's update lowers the loss: ``⟨g_l, u_l⟩``.

    In the flow ``θ̇ = -u`` the loss falls at the rate of their sum. The output layer's term is never negative; a hidden
    layer's can be.

    Parameters
    ----------
    network : Network
    x, t : array
        Inputs and targets or labels.
    rule : str or Rule
    feedback : tuple of ndarray, optional

    Returns
    -------
    ndarray, shape ``(..., L)``

    Raises
    ------
    ValueError, TypeError
        For data or feedback that do not fit the network, NaN or infinity, an unknown rule.

    Examples
    --------
    >>> from fa_teach import init_network, init_feedback
    >>> net = init_network([3, 4, 2], seed=1)
    >>> B = init_feedback(net, angle=180)
    >>> print(np.sign(descent(net, [[1.0, 2, 3]], [[0.0, 1]], "fa", B)))
    [-1.  1.]
    """
    return inner(*_both(network, x, t, rule, feedback))


def _both(
    network: Network, x: Any, t: Any, rule: str | Rule, feedback: Feedback | None
) -> tuple[Gradient, Gradient]:
    return pseudo_gradient(network, x, t, "bp"), pseudo_gradient(network, x, t, rule, feedback)
