"""Layered networks: weights, activations, the forward pass and the loss.

For layers ``l = 1 .. L`` and an input ``h_0 = x``::

    a_l = W_l h_{l-1} + c_l        h_l = φ(a_l)        y = a_L

Samples are rows, ``x`` is ``(batch, n_0)``, so that ``W h`` is written ``h @ W.mT``. Every array may
carry leading axes in front: an *ensemble* of networks, computed all at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fa_teach import _checks
from fa_teach.streams import Seed, draw

Array = npt.NDArray[Any]


# -- Activations --------------------------------------------------------------------------------


class Activation(NamedTuple):
    """A function ``h = φ(a)`` and its slope ``φ'(a)``, which may use ``h`` to save work."""

    function: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    analytic: bool = True


def logistic(a: Array) -> Array:
    """Logistic function ``1 / (1 + exp(-a))``, written so that it never overflows."""
    return 0.5 + 0.5 * np.tanh(0.5 * a)


_ERF_SLOPE = 2 / math.sqrt(math.pi)  # a Python float, as NumPy's would turn float32 into float64


def erf(a: Array) -> Array:
    """Error function, by quadrature of ``2a/√π ∫₀¹ exp(-a²t²) dt``; real or complex.

    Examples
    --------
    >>> print(erf(np.array([0.0, 0.5, 1.0])).round(6))
    [0.       0.5205   0.842701]
    """
    nodes, weights = _quadrature()
    a = np.asarray(a)
    clipped = np.clip(a.real, -6, 6)  # erf(6) is 1 to double precision
    inner = clipped + 1j * a.imag if np.iscomplexobj(a) else clipped
    terms = np.exp(-((inner[..., None] * nodes.astype(clipped.dtype)) ** 2))
    return np.asarray(_ERF_SLOPE * inner * (terms @ weights.astype(clipped.dtype)))


@cache
def _quadrature() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(48)
    return (nodes + 1) / 2, weights / 2


ACTIVATIONS = {
    "identity": Activation(lambda a: a, lambda a, h: np.ones_like(a)),
    "tanh": Activation(np.tanh, lambda a, h: 1 - h * h),
    "logistic": Activation(logistic, lambda a, h: h * (1 - h)),
    "erf": Activation(erf, lambda a, h: _ERF_SLOPE * np.exp(-a * a)),
    "relu": Activation(
        lambda a: a * (a.real > 0), lambda a, h: (a.real > 0).astype(a.real.dtype), analytic=False
    ),
}


# -- Losses -------------------------------------------------------------------------------------


class Loss(NamedTuple):
    """The loss of each sample, and the output error ``δ_L = ∂ℓ/∂y`` of each sample."""

    value: Callable[[Array, Array], Array]  # (y, t) -> (..., batch)
    error: Callable[[Array, Array], Array]  # (y, t) -> (..., batch, n_L)


def softmax(y: Any) -> Array:
    """Softmax over the last axis: positive numbers that add up to one.

    Parameters
    ----------
    y : array, shape ``(..., n)``
        Real or complex; with one entry at least along the last axis.

    Returns
    -------
    ndarray, shape ``(..., n)``

    Raises
    ------
    ValueError, TypeError
        For a single number, an empty axis, or what are no numbers.

    Examples
    --------
    >>> print(softmax([[0.0, 0.0], [1000.0, 0.0]]))
    [[0.5 0.5]
     [1.  0. ]]
    """
    given, y = y, np.asarray(y)
    if y.dtype.kind not in "fciub":
        raise TypeError(f"y must be an array of numbers; got {_checks.shown(given)}.")
    if not y.shape or not y.shape[-1]:
        raise ValueError(f"y must have at least one entry along its last axis; got shape {y.shape}.")
    e = np.exp(y - y.real.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _cross_entropy(y: Array, t: Array) -> Array:
    top = y.real.max(axis=-1, keepdims=True)
    log_sum = top[..., 0] + np.log(np.exp(y - top).sum(axis=-1))
    return np.asarray(log_sum - (t * y).sum(axis=-1))


LOSSES = {
    "squared": Loss(lambda y, t: 0.5 * ((y - t) ** 2).sum(axis=-1), lambda y, t: y - t),
    "cross_entropy": Loss(_cross_entropy, lambda y, t: softmax(y) - t),
}


# -- Networks -----------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Network:
    """Weights and biases of one network, or of an ensemble of networks of the same sizes.

    Attributes
    ----------
    weights : tuple of ndarray
        ``weights[l-1]`` is ``W_l``, shape ``(..., n_l, n_{l-1})``.
    biases : tuple of ndarray, or empty
        ``biases[l-1]`` is ``c_l``, shape ``(..., n_l)``; empty for a network without biases.
    activations : tuple of str
        One name for each hidden layer.
    loss : str
        ``"squared"`` or ``"cross_entropy"``.
    seed : int or array of int
        Where the weights were drawn from; training draws batches and feedback from it too.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activations: tuple[str, ...]
    loss: str = "squared"
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Refuse layers that do not fit together."""
        _check_layers(self.weights, self.biases)
        _checks.items("activations", self.activations, "names")
        if len(self.activations) != self.depth - 1:
            want, got = self.depth - 1, len(self.activations)
            raise ValueError(f"activations must name {want} hidden layers; got {got} names.")
        for name in self.activations:
            _checks.one_of("activations", name, ACTIVATIONS)
        _checks.one_of("loss", self.loss, LOSSES)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths ``(n_0, ..., n_L)``."""
        return (self.weights[0].shape[-1], *(W.shape[-2] for W in self.weights))

    @property
    def depth(self) -> int:
        """Number of layers ``L``."""
        return len(self.weights)

    @property
    def ensemble(self) -> tuple[int, ...]:
        """Shape of the leading axes; ``()`` for one network."""
        return np.broadcast_shapes(*(W.shape[:-2] for W in self.weights))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Number type of the weights."""
        return self.weights[0].dtype

    def member(self, *index: int) -> Network:
        """One network of the ensemble, as a copy.

        Examples
        --------
        >>> init_network([3, 4, 2], seed=range(5)).member(2)
        Network(3-4-2, tanh, squared, 26 parameters)
        """
        shape = self.ensemble
        given: tuple[Any, ...] = index
        whole = all(isinstance(i, int | np.integer) for i in given) and len(given) <= len(shape)
        if not (whole and all(-n <= i < n for i, n in zip(given, shape, strict=False))):
            raise IndexError(
                f"index must be whole numbers that fit the ensemble's shape {shape}; got {index}."
            )

        def pick(array: Array, tail: int) -> Array:
            full = np.broadcast_to(array, shape + array.shape[array.ndim - tail :])
            return np.array(full[index])

        return replace(
            self,
            weights=tuple(pick(W, 2) for W in self.weights),
            biases=tuple(pick(c, 1) for c in self.biases),
            seed=pick(np.asarray(self.seed), 0),
        )

    def copy(self) -> Network:
        """The same network in arrays of its own, each with all of the ensemble's axes."""
        shape = self.ensemble
        return replace(
            self,
            weights=tuple(np.array(np.broadcast_to(W, shape + W.shape[-2:])) for W in self.weights),
            biases=tuple(np.array(np.broadcast_to(c, shape + c.shape[-1:])) for c in self.biases),
        )

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        names = self.activations if len(set(self.activations)) > 1 else self.activations[:1]
        count = sum(int(np.prod(W.shape[-2:])) for W in self.weights)
        count += sum(c.shape[-1] for c in self.biases)
        parts = [sizes, *names, self.loss, f"{count:,} parameters"]
        if self.ensemble:
            parts.append(f"ensemble {self.ensemble}")
        return f"Network({', '.join(parts)})"


def _check_layers(weights: Sequence[Any], biases: Sequence[Any]) -> None:
    for name, arrays in (("weights", weights), ("biases", biases)):
        if not isinstance(arrays, tuple | list):
            raise TypeError(f"{name} must be a sequence of arrays, one for each layer; got {_what(arrays)}.")
    if not weights:
        raise ValueError("weights must hold a matrix for each layer; got none.")
    if len(biases) not in {0, len(weights)}:
        raise ValueError(f"biases must be empty or one for each of {len(weights)} layers; got {len(biases)}.")
    for i, W in enumerate(weights):
        if not isinstance(W, np.ndarray) or W.ndim < 2 or 0 in W.shape[-2:]:
            raise ValueError(f"weights[{i}] must be an array of shape (..., n_out, n_in); got {_what(W)}.")
        if i and W.shape[-1] != weights[i - 1].shape[-2]:
            want = f"{weights[i - 1].shape[-2]} columns, to fit weights[{i - 1}]"
            raise ValueError(f"weights[{i}] must have {want}; got shape {W.shape}.")
    for i, c in enumerate(biases):
        n = weights[i].shape[-2]
        if not isinstance(c, np.ndarray) or c.shape[-1:] != (n,):
            raise ValueError(f"biases[{i}] must be an array of shape (..., {n}); got {_what(c)}.")
    for name, arrays in (("weights", weights), ("biases", biases)):
        for i, array in enumerate(arrays):  # complex ones are for derivatives by the complex step
            if array.dtype.kind not in "fc":  # data would be rounded to whole numbers to fit them
                raise TypeError(f"{name}[{i}] must hold floating-point numbers; got dtype {array.dtype}.")
    leads = [W.shape[:-2] for W in weights] + [c.shape[:-1] for c in biases]
    try:
        np.broadcast_shapes(*leads)
    except ValueError:
        text = ", ".join(map(str, leads))
        raise ValueError(f"weights and biases must have leading axes that fit; got {text}.") from None


def _what(thing: object) -> str:
    return f"shape {thing.shape}" if isinstance(thing, np.ndarray) else type(thing).__name__


def check_network(network: object) -> None:
    """Refuse anything else in the network's place."""
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network; got {type(network).__name__}.")


INITS = ("lecun", "glorot", "he", "uniform", "sign", "orthogonal", "zeros")


def random_matrix(rng: np.random.Generator, n_out: int, n_in: int, *, init: str = "lecun") -> Array:
    """One matrix by a named scheme.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_out, n_in : int
        Its shape, at least 1 × 1.
    init : str
        ``"lecun"`` is N(0, 1/n_in), ``"glorot"`` N(0, 2/(n_in + n_out)), ``"he"`` N(0, 2/n_in),
        ``"uniform"`` U[-1, 1], ``"sign"`` ±1/√n_in, ``"orthogonal"`` has orthonormal rows or columns (whichever are
        fewer), ``"zeros"`` is zero.

    Returns
    -------
    ndarray, shape ``(n_out, n_in)``

    Raises
    ------
    ValueError, TypeError
        For an unknown scheme, a size below 1, or what is no generator.

    Examples
    --------
    >>> Q = random_matrix(np.random.default_rng(0), 4, 3, init="orthogonal")
    >>> print(np.abs(Q.T @ Q - np.eye(3)).max() < 1e-12)
    True
    """
    _checks.one_of("init", init, INITS)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator; got {type(rng).__name__}.")
    n_out, n_in = _checks.integer("n_out", n_out, low=1), _checks.integer("n_in", n_in, low=1)
    if init == "zeros":
        return np.zeros((n_out, n_in))
    if init == "uniform":
        return rng.uniform(-1, 1, (n_out, n_in))
    if init == "sign":
        return rng.choice([-1.0, 1.0], (n_out, n_in)) / math.sqrt(n_in)
    normal = rng.normal(size=(n_out, n_in))
    if init == "orthogonal":
        tall = normal if n_out >= n_in else normal.T
        Q, R = np.linalg.qr(tall)
        Q = Q * np.sign(np.diagonal(R))  # without the signs, Q would not be uniformly distributed
        return np.asarray(Q if n_out >= n_in else Q.T)
    variance = {"lecun": 1 / n_in, "glorot": 2 / (n_in + n_out), "he": 2 / n_in}[init]
    return normal * math.sqrt(variance)


def init_network(
    sizes: Sequence[int],
    *,
    activation: str | Sequence[str] = "tanh",
    loss: str = "squared",
    init: str = "lecun",
    scale: Any = 1.0,
    bias: bool = True,
    dtype: Any = np.float64,
    seed: Seed = 0,
) -> Network:
    """A network with random weights and zero biases.

    Parameters
    ----------
    sizes : sequence of int
        Widths ``n_0, ..., n_L``: inputs, hidden layers, outputs.
    activation : str or sequence of str
        ``"identity"``, ``"tanh"``, ``"logistic"``, ``"erf"`` or ``"relu"``: one for all hidden layers, or one for
        each. The output layer is linear.
    loss : str
        ``"squared"``: half the squared distance; or ``"cross_entropy"``: of the softmax.
    init : str
        Scheme of the weights, see `random_matrix`.
    scale : float or array
        The weights are multiplied by it. An array broadcasts against `seed` and makes an ensemble.
    bias : bool
        Whether there are biases.
    dtype : numpy.float64 or numpy.float32
    seed : int or array of int
        An array of seeds makes an ensemble of its shape. Each member is the network that its seed gives alone.

    Returns
    -------
    Network

    Raises
    ------
    ValueError, TypeError
        For sizes below 1, fewer than two sizes, unknown names, or a negative or non-finite scale.

    Examples
    --------
    >>> init_network([64, 32, 10], loss="cross_entropy")
    Network(64-32-10, tanh, cross_entropy, 2,410 parameters)
    >>> init_network([64, 32, 10], scale=[[0.1], [1.0]], seed=range(5)).ensemble
    (2, 5)
    """
    widths = _checks.items("sizes", sizes, "widths")
    if len(widths) < 2:
        raise ValueError(f"sizes must name at least inputs and outputs; got {widths}.")
    widths = [_checks.integer(f"sizes[{i}]", n, low=1) for i, n in enumerate(widths)]
    names = _activation_names(activation, hidden=len(widths) - 2)
    _checks.one_of("loss", loss, LOSSES)
    _checks.one_of("init", init, INITS)
    _check_dtype(dtype)
    factor = _checks.numbers("scale", scale, low=0.0)

    def draw_layers(rng: np.random.Generator) -> Array:
        shapes = zip(widths[1:], widths[:-1], strict=True)
        return np.concatenate([random_matrix(rng, n, m, init=init).ravel() for n, m in shapes])

    flat = draw(seed, "weights", draw_layers)
    try:
        flat = (flat * factor[..., None]).astype(dtype)
    except ValueError:
        shape = np.shape(seed)
        raise ValueError(f"scale must broadcast against seed; got {factor.shape} against {shape}.") from None
    ends = np.cumsum([n * m for n, m in zip(widths[1:], widths[:-1], strict=True)])
    blocks = np.split(flat, ends[:-1], axis=-1)
    lead = flat.shape[:-1]
    weights = [
        np.ascontiguousarray(block).reshape(*lead, n, m)
        for block, n, m in zip(blocks, widths[1:], widths[:-1], strict=True)
    ]
    biases = [np.zeros((*lead, n), dtype) for n in widths[1:]] if _checks.flag("bias", bias) else []
    kept = np.asarray(seed) if np.ndim(seed) else seed
    return Network(tuple(weights), tuple(biases), names, loss, kept)


def _activation_names(activation: str | Sequence[str], *, hidden: int) -> tuple[str, ...]:
    one = isinstance(activation, str)
    names = [activation] * max(hidden, 1) if one else _checks.items("activation", activation, "names")
    for name in names:
        _checks.one_of("activation", name, ACTIVATIONS)
    if not one and len(names) != hidden:
        layers = "1 hidden layer" if hidden == 1 else f"{hidden} hidden layers"
        raise ValueError(f"activation must name {layers}; got {len(names)} names.")
    return tuple(names[:hidden])


def _check_dtype(dtype: Any) -> None:
    try:
        known = np.dtype(dtype) in (np.float64, np.float32)
    except TypeError:
        known = False
    if not known:
        raise ValueError(f"dtype must be float32 or float64; got {dtype!r}.")


# -- Forward pass -------------------------------------------------------------------------------


class Forward(NamedTuple):
    """What a forward pass leaves behind: ``a[l-1]`` is ``a_l``, ``h[l]`` is ``h_l`` (``h[0]`` the input)."""

    a: list[Array]
    h: list[Array]

    @property
    def y(self) -> Array:
        """The output ``a_L``, shape ``(..., batch, n_L)``."""
        return self.a[-1]


def forward(network: Network, x: Any) -> Forward:
    """Run the network on a batch and keep what each layer computed.

    Parameters
    ----------
    network : Network
    x : array, shape ``(..., batch, n_0)``
        Not searched for NaN or infinity, as this runs at every step of training; `loss` and `accuracy` do that.

    Returns
    -------
    Forward
        Pre-activations ``a``, activities ``h`` and the output ``y``.

    Raises
    ------
    ValueError, TypeError
        If the inputs are no numbers, do not have ``n_0`` columns, or do not fit the ensemble.

    Examples
    --------
    >>> net = init_network([3, 4, 2])
    >>> forward(net, np.ones((5, 3))).y.shape
    (5, 2)
    """
    check_network(network)
    try:
        x = np.asarray(x)
        lead = x.shape[:-2] and np.broadcast_shapes(x.shape[:-2], network.ensemble)
    except ValueError:  # rows of different lengths, or axes that do not fit
        lead = None
    n = network.weights[0].shape[-1]
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fciub":
        raise TypeError(f"x must be an array of numbers; got {getattr(x, 'dtype', type(x).__name__)}.")
    if x.ndim < 2 or x.shape[-1] != n:
        raise ValueError(f"x must have shape (..., batch, {n}); got {x.shape}.")
    if lead is None:
        raise ValueError(
            f"x's leading axes must broadcast with the ensemble's shape {network.ensemble}; got {x.shape[:-2]}."
        )
    a: list[Array] = []
    h: list[Array] = [x]
    for i, W in enumerate(network.weights):
        a_l = h[-1] @ W.mT  # (..., batch, n_l)
        if network.biases:
            a_l += network.biases[i][..., None, :]
        a.append(a_l)
        if i < network.depth - 1:
            h.append(ACTIVATIONS[network.activations[i]].function(a_l))
    return Forward(a, h)


def one_hot(labels: Any, classes: int) -> Array:
    """Labels as rows of zeros with a single one.

    Parameters
    ----------
    labels : array of int, shape ``(...,)``
        Each from 0 to ``classes - 1``.
    classes : int

    Returns
    -------
    ndarray, shape ``(..., classes)``

    Raises
    ------
    ValueError, TypeError
        For a label out of range, or one that is no whole number.

    Examples
    --------
    >>> one_hot([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = _checks.real_array("labels", labels)
    _checks.integer("classes", classes, low=1)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers; got dtype {labels.dtype}.")
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise ValueError(f"labels must lie between 0 and {classes - 1}; got {wrong}.")
    rows: Array = np.eye(classes)[labels]
    return rows


def targets(network: Network, x: Any, t: Any) -> tuple[Array, Array]:
    """Inputs and targets as the network needs them: checked, in its number type, labels one-hot.

    Parameters
    ----------
    network : Network
    x : array, shape ``(..., batch, n_0)``
    t : array
        Targets, shape ``(..., batch, n_L)``; or whole-number labels, shape ``(..., batch)``.

    Returns
    -------
    x, t : ndarray
        Shapes ``(..., batch, n_0)`` and ``(..., batch, n_L)``.

    Raises
    ------
    ValueError, TypeError
        For wrong shapes, an empty batch, NaN or infinity, labels out of range.

    Examples
    --------
    >>> net = init_network([2, 3])
    >>> targets(net, [[0, 1]], [2])[1]
    array([[0., 0., 1.]])
    """
    check_network(network)
    n_in, n_out = network.sizes[0], network.sizes[-1]
    x = _checks.real_array("x", x)
    if x.ndim < 2 or x.shape[-1] != n_in:
        raise ValueError(f"x must have shape (..., batch, {n_in}); got {x.shape}.")
    if x.shape[-2] == 0:
        raise ValueError("x must hold at least one sample; got an empty batch.")
    t = _checks.real_array("t", t)
    if t.dtype.kind in "iu" and t.shape == x.shape[:-1]:
        if n_out == 1:
            raise ValueError("t must be a column for a network with one output; got labels: take t[:, None].")
        t = one_hot(t, n_out)
    if t.ndim < 2 or t.shape[-1] != n_out or t.shape[-2] != x.shape[-2]:
        want = f"({x.shape[-2]}, {n_out}) or {x.shape[-2]} whole-number labels"
        raise ValueError(f"t must have shape {want}, to fit x; got {t.shape} of {t.dtype}.")
    for name, array in (("x", x), ("t", t)):
        _checks.broadcast(f"{name}'s leading axes", array.shape[:-2], network.ensemble)
    return x.astype(network.dtype, copy=False), t.astype(network.dtype, copy=False)


def loss(network: Network, x: Any, t: Any) -> Array:
    """Loss of the network, averaged over the samples.

    Parameters
    ----------
    network : Network
    x, t : array
        Inputs and targets or labels, see `targets`.

    Returns
    -------
    ndarray, shape ``(...)``
        One value for each member; a scalar array for one network.

    Raises
    ------
    ValueError, TypeError
        For data that do not fit the network, see `targets`.

    Examples
    --------
    >>> net = init_network([2, 3, 1], init="zeros")
    >>> float(loss(net, [[1, 0], [0, 1]], [[1.0], [3.0]]))
    2.5
    """
    x, t = targets(network, x, t)
    return np.asarray(LOSSES[network.loss].value(forward(network, x).y, t).mean(axis=-1))


def accuracy(network: Network, x: Any, t: Any) -> Array:
    """Fraction of samples whose largest output is at the target's largest entry.

    Parameters
    ----------
    network : Network
    x, t : array
        Inputs and targets or labels, see `targets`.

    Returns
    -------
    ndarray, shape ``(...)``

    Raises
    ------
    ValueError, TypeError
        For a network with one output, which has no largest one; for data that do not fit, see `targets`.

    Examples
    --------
    >>> net = init_network([2, 2], init="zeros")
    >>> float(accuracy(net, [[1, 0], [0, 1]], [0, 1]))
    0.5
    """
    check_network(network)
    if network.sizes[-1] < 2:
        raise ValueError("accuracy needs a network with at least two outputs; got one with 1.")
    x, t = targets(network, x, t)
    right = forward(network, x).y.argmax(axis=-1) == t.argmax(axis=-1)
    return np.asarray(right.mean(axis=-1))
