"""Linear networks with one hidden layer: what feedback alignment does to them, in closed form.

``y = W A x`` with inputs of covariance ``Σ`` (their mean of ``x xᵀ``), target map ``T``, error map
``M = WA - T`` and loss ``ℓ = tr(M Σ Mᵀ)/2``, the mean of half the squared residual. The flows are::

    feedback alignment   Ȧ = -B M Σ      Ẇ = -M Σ Aᵀ      conserves AAᵀ - (BW + WᵀBᵀ)
    backpropagation      Ȧ = -Wᵀ M Σ     Ẇ = -M Σ Aᵀ      conserves AAᵀ - WᵀW

With ``n_0`` inputs, ``n_1`` hidden units and ``n_2`` outputs, the matrices are ``A`` (``W_1``) of shape
``(n_1, n_0)``, ``W`` (``W_2``) of shape ``(n_2, n_1)``, feedback ``B`` of shape ``(n_1, n_2)``, ``T`` and ``M``
of shape ``(n_2, n_0)``, ``Σ`` of shape ``(n_0, n_0)``. All may carry leading axes, which broadcast. Where
``sigma`` is not given, the inputs are white. It must be positive definite: directions in which the inputs never
vary are to be left out.

Near a point without error, ``Ṁ = -(W B M Σ + M Σ AᵀA)``. Stability depends on the *eigenvalues* of ``WB``,
alignment for every error on those of its *symmetric part*, both next to the smallest of ``AᵀA``: that is all
the difference between the two.

Derived in chapter 5 of the book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fa_teach import _checks
from fa_teach.datasets import Dataset
from fa_teach.feedback import init_feedback
from fa_teach.fixed_points import STABLE, UNDECIDED, UNSTABLE
from fa_teach.network import Network
from fa_teach.streams import Seed, draw, generator

Array = npt.NDArray[Any]

RULES = ("fa", "bp")


class Point(NamedTuple):
    """Weights and feedback of a linear network, or of an ensemble."""

    A: Array  # (..., n_1, n_0)
    W: Array  # (..., n_2, n_1)
    B: Array  # (..., n_1, n_2)


# -- The network and its flow -------------------------------------------------------------------


def loss(A: Any, W: Any, *, T: Any, sigma: Any = None) -> Array:
    """Loss ``tr(M Σ Mᵀ)/2``, shape ``(...)``.

    Examples
    --------
    >>> float(loss([[1.0]], [[2.0]], T=[[1.0]], sigma=[[4.0]]))
    2.0
    """
    A, W, _, T, S = _arguments(A, W, T=T, sigma=sigma)
    M = W @ A - T
    return np.asarray(0.5 * (M @ S * M).sum(axis=(-2, -1)))


def velocity(
    A: Any, W: Any, B: Any = None, *, T: Any, sigma: Any = None, rule: str = "fa"
) -> tuple[Array, Array]:
    """Velocity ``(Ȧ, Ẇ)`` of the flow, which is minus the pseudo-gradient.

    Parameters
    ----------
    A, W, B : array
        Shapes ``(..., n_1, n_0)``, ``(..., n_2, n_1)``, ``(..., n_1, n_2)``. Backpropagation needs no `B`.
    T : array, shape ``(..., n_2, n_0)``
    sigma : array, shape ``(..., n_0, n_0)``, optional
    rule : str
        ``"fa"`` or ``"bp"``.

    Returns
    -------
    tuple of ndarray
        Shaped like `A` and `W`.

    Raises
    ------
    ValueError, TypeError
        For shapes that do not fit, an unknown rule, NaN or infinity, or a `sigma` that is no covariance. So
        do all functions here.

    Examples
    --------
    >>> dA, dW = velocity([[1.0]], [[2.0]], [[-1.0]], T=[[1.0]])
    >>> print(dA, dW)
    [[1.]] [[-1.]]
    """
    _checks.one_of("rule", rule, RULES)
    if rule == "fa" and B is None:
        raise ValueError("B must be given for rule 'fa'; got None.")
    A, W, B, T, S = _arguments(A, W, B, T=T, sigma=sigma)
    E = (W @ A - T) @ S  # (..., n_2, n_0)
    return -(B if rule == "fa" else W.mT) @ E, -E @ A.mT


def jacobian(A: Any, W: Any, B: Any, *, T: Any, sigma: Any = None) -> Array:
    """Jacobian of the flow of feedback alignment at any point, with or without error.

    Parameters
    ----------
    A, W, B, T, sigma : array
        As for `velocity`.

    Returns
    -------
    ndarray, shape ``(..., P, P)``
        The ``P = n_1 (n_0 + n_2)`` parameters are the entries of ``A`` row by row, then those of ``W``.

    Examples
    --------
    >>> print(jacobian([[1.0]], [[1.0]], [[2.0]], T=[[1.0]]))
    [[-2. -2.]
     [-1. -1.]]
    """
    A, W, B, T, S = _arguments(A, W, B, T=T, sigma=sigma)
    (n1, n0), n2 = A.shape[-2:], W.shape[-2]
    E = (W @ A - T) @ S
    # Row by row, vec(P X Q) = (P ⊗ Qᵀ) vec(X). The last term of the lower left block is E dAᵀ, a transpose.
    swapped = np.einsum("...ik,jm->...ijmk", E, np.eye(n1)).reshape(*E.shape[:-2], n2 * n1, n1 * n0)
    rows = [
        [_kron(B @ W, S), _kron(B, S @ A.mT)],
        [_kron(W, A @ S) + swapped, _kron(np.eye(n2), A @ S @ A.mT)],
    ]
    lead = np.broadcast_shapes(B.shape[:-2], swapped.shape[:-2])
    return -np.concatenate([_side_by_side(row, lead) for row in rows], axis=-2)


def conserved(A: Any, W: Any, B: Any) -> Array:
    """Conserved matrix ``AAᵀ - (BW + WᵀBᵀ)`` of the flow of feedback alignment, for any data.

    Started from zero weights it stays 0, and ``BW + WᵀBᵀ = AAᵀ`` is then positive semidefinite: the forward
    weights are drawn towards ``Bᵀ``.

    Returns
    -------
    ndarray, shape ``(..., n_1, n_1)``

    Examples
    --------
    >>> print(conserved([[2.0]], [[1.0]], [[0.5]]))
    [[3.]]
    """
    A, W, B, _, _ = _arguments(A, W, B)
    BW = B @ W
    return np.asarray(A @ A.mT - BW - BW.mT)


# -- Stability of points without error ----------------------------------------------------------


def residual_operator(A: Any, W: Any, B: Any, *, sigma: Any = None) -> Array:
    """Linear operator ``M ↦ W B M Σ + M Σ AᵀA``, by which an error decays near a point without error.

    The non-zero eigenvalues of the flow's Jacobian at such a point are minus those of this operator.

    Parameters
    ----------
    A, W, B, sigma : array
        As for `velocity`.

    Returns
    -------
    ndarray, shape ``(..., n, n)``
        As a matrix over the ``n = n_2 n_0`` entries of ``M``, row by row: ``WB ⊗ Σ + 1 ⊗ AᵀAΣ``.

    Examples
    --------
    >>> print(residual_operator([[1.0]], [[1.0]], [[2.0]]))
    [[3.]]
    """
    A, W, B, _, S = _arguments(A, W, B, sigma=sigma)
    return _kron(W @ B, S) + _kron(np.eye(W.shape[-2]), A.mT @ A @ S)


def spectrum(A: Any, W: Any, B: Any, *, sigma: Any = None) -> Array:
    """Eigenvalues of the flow at a point without error, without those along the points without error, which are 0.

    For each eigenvalue ``λ`` of ``WB`` they are minus those of the small matrix ``(λ 1 + AᵀA) Σ``; for
    white inputs, ``-(λ_i(WB) + μ_j(AᵀA))``.

    Parameters
    ----------
    A, W, B, sigma : array
        As for `velocity`.

    Returns
    -------
    ndarray of complex, shape ``(..., n)``
        The least stable first; ``n = n_2 n_0``. If the hidden layer is narrower than both others, ``(n_2 -
        n_1)(n_0 - n_1)`` errors are none that the network can make, and ``n`` is that much smaller.

    Examples
    --------
    >>> A, W, B = np.diag([1.0, 2.0]), np.eye(2), np.array([[0.0, -5.0], [5.0, 0.0]])
    >>> print(spectrum(A, W, B).round(6))
    [-1.+5.j -1.-5.j -4.+5.j -4.-5.j]
    """
    A, W, B, _, S = _arguments(A, W, B, sigma=sigma)
    return _sorted(_drop_unreachable(-_rates(W @ B, A, S), _unreachable(A, W)))


def criterion(A: Any, W: Any, B: Any) -> Array:
    """``min Re λ(WB) + min μ(AᵀA)``: where it is positive, a point without error is stable, for any inputs.

    It decides stability exactly if the inputs are white, or if ``WB`` has real eigenvalues only (so with
    one output). Otherwise a point where it is negative can still be stable: `spectrum` decides. If the
    hidden layer is narrower than both others, the smaller of ``min Re λ(BW)`` and ``min μ(AAᵀ)`` is taken,
    over errors that the network can make.

    Returns
    -------
    ndarray, shape ``(...)``

    Examples
    --------
    >>> float(criterion([[1.0], [0.0]], [[1.0, 1.0]], [[-0.5], [-0.25]]))
    0.25
    """
    A, W, B, _, _ = _arguments(A, W, B)
    if _unreachable(A, W):
        inner = np.linalg.eigvals(B @ W).real.min(axis=-1)
        return np.asarray(np.minimum(inner, np.linalg.eigvalsh(A @ A.mT)[..., 0]))
    return np.asarray(np.linalg.eigvals(W @ B).real.min(axis=-1) + _smallest(A))


@dataclass(frozen=True, eq=False)
class Stability:
    """What the flow and a discrete step do near points without error.

    Attributes
    ----------
    eigenvalues : ndarray of complex, shape ``(..., n)``
        See `spectrum`; NaN where the point is not without error.
    criterion : ndarray
        See `criterion`.
    alignment_criterion : ndarray
        See `alignment_criterion`.
    verdict : str or ndarray of str
        ``"stable"``, ``"unstable"``, ``"undecided"`` or ``"not a zero-error point"``.
    critical_step : ndarray
        The point is stable for steps ``0 < η <`` this: the least ``2 Re λ/|λ|²`` over the eigenvalues
        ``-λ``; 0 where unstable, else NaN.
    """

    eigenvalues: Array
    criterion: Array
    alignment_criterion: Array
    verdict: Any
    critical_step: Array


def stability(
    A: Any, W: Any, B: Any, *, T: Any = None, sigma: Any = None, tolerance: float = 1e-9
) -> Stability:
    """Spectrum and verdict of feedback alignment at points without error.

    Parameters
    ----------
    A, W, B, sigma : array
        As for `velocity`.
    T : array, shape ``(..., n_2, n_0)``, optional
        To check that the points are without error; by default ``T = WA``, which they are.
    tolerance : float
        Relative size below which an error, and the real part of an eigenvalue, count as 0.

    Returns
    -------
    Stability

    Examples
    --------
    >>> A, W = [[1.0], [0.0]], [[1.0, 1.0]]
    >>> B = [[[1.0], [1.0]], [[-1.0], [-1.0]], [[0.0], [-1.0]]]
    >>> print(stability(A, W, B).verdict)
    ['stable' 'unstable' 'undecided']
    >>> print(stability(A, W, B[0], T=[[2.0]]).verdict)
    not a zero-error point
    """
    tolerance = _checks.number("tolerance", tolerance, low=0.0)
    A, W, B, T, S = _arguments(A, W, B, T=T, sigma=sigma)
    scale = _norm(W) * _norm(A) + _norm(T)
    fixed = _norm(W @ A - T) <= tolerance * scale
    eigenvalues = spectrum(A, W, B, sigma=S)
    verdict, critical = _verdict(eigenvalues, tolerance)
    return Stability(
        eigenvalues=np.where(fixed[..., None], eigenvalues, np.nan),
        criterion=criterion(A, W, B),
        alignment_criterion=alignment_criterion(A, W, B),
        verdict=_told(np.where(fixed, verdict, "not a zero-error point")),
        critical_step=np.where(fixed, critical, np.nan),
    )


# -- Alignment as a quadratic form --------------------------------------------------------------


def descent(A: Any, W: Any, B: Any, *, M: Any, sigma: Any = None) -> Array:
    """How fast each layer lowers the loss of an error ``M``: ``⟨WᵀMΣ, BMΣ⟩`` and ``‖MΣAᵀ‖²``.

    Their sum is ``⟨g, u⟩``; see `fa_teach.descent`.

    Parameters
    ----------
    A, W, B, sigma : array
        As for `velocity`.
    M : array, shape ``(..., n_2, n_0)``
        An error map.

    Returns
    -------
    ndarray, shape ``(..., 2)``
        Hidden layer, output layer.

    Examples
    --------
    >>> print(descent([[1.0]], [[2.0]], [[-1.0]], M=[[1.0]]))
    [-2.  1.]
    """
    A, W, B, M, S = _arguments(A, W, B, T=M, sigma=sigma, target="M")
    E = M @ S
    hidden = ((W.mT @ E) * (B @ E)).sum(axis=(-2, -1))
    output = ((E @ A.mT) ** 2).sum(axis=(-2, -1))
    return np.stack(np.broadcast_arrays(hidden, output), axis=-1)


def alignment_form(A: Any, W: Any, B: Any, *, sigma: Any = None) -> Array:
    """Symmetric matrix ``Q`` with ``⟨g, u⟩ = vec(M)ᵀ Q vec(M)`` for every error ``M``.

    Parameters
    ----------
    A, W, B, sigma : array
        As for `velocity`.

    Returns
    -------
    ndarray, shape ``(..., n, n)``
        Over the ``n = n_2 n_0`` entries of ``M``, row by row: ``(WB)_sym ⊗ Σ² + 1 ⊗ ΣAᵀAΣ``.

    Examples
    --------
    >>> print(alignment_form([[1.0]], [[2.0]], [[-1.0]], sigma=[[2.0]]))
    [[-4.]]
    """
    A, W, B, _, S = _arguments(A, W, B, sigma=sigma)
    return _kron(_symmetric(W @ B), S @ S) + _kron(np.eye(W.shape[-2]), S @ A.mT @ A @ S)


def alignment_criterion(A: Any, W: Any, B: Any) -> Array:
    """``min λ((WB)_sym) + min μ(AᵀA)``: positive where the update has alignment with the gradient for *every* error.

    For any inputs, since they change no sign. It is never larger than ``min Re λ(WB) + min μ(AᵀA)``, so
    alignment for every error is sufficient for stability; it is necessary if ``WB`` is normal, as with one
    output.

    Returns
    -------
    ndarray, shape ``(...)``

    Examples
    --------
    >>> A, W, B = np.zeros((2, 2)), np.eye(2), [[1.0, 4.0], [0.0, 1.0]]
    >>> float(criterion(A, W, B)), float(alignment_criterion(A, W, B))
    (1.0, -1.0)
    """
    A, W, B, _, _ = _arguments(A, W, B)
    return np.linalg.eigvalsh(_symmetric(W @ B))[..., 0] + _smallest(A)


@dataclass(frozen=True, eq=False)
class WorstError:
    """The error for which alignment is worst, among those of norm 1.

    Attributes
    ----------
    M : ndarray, shape ``(..., n_2, n_0)``
        Its largest entry is positive.
    value : ndarray
        ``⟨g, u⟩``, the smallest there is.
    cosine : ndarray
        Signed cosine of ``g`` and ``u`` for this error.
    """

    M: Array
    value: Array
    cosine: Array


def worst_error(A: Any, W: Any, B: Any, *, sigma: Any = None) -> WorstError:
    """Error map for which the update is least aligned with the gradient: the last eigenvector of `alignment_form`.

    Parameters
    ----------
    A, W, B, sigma : array
        As for `velocity`.

    Returns
    -------
    WorstError

    Examples
    --------
    A stable point that goes uphill from some errors:

    >>> A, W, B = np.zeros((2, 1)), np.eye(2), [[1.0, 4.0], [0.0, 1.0]]
    >>> worst = worst_error(A, W, B)
    >>> print(stability(A, W, B).verdict, worst.value.round(3), worst.M.ravel().round(3))
    stable -1.0 [ 0.707 -0.707]
    """
    A, W, B, _, S = _arguments(A, W, B, sigma=sigma)
    values, vectors = np.linalg.eigh(alignment_form(A, W, B, sigma=S))
    m = vectors[..., 0]  # (..., n_2 n_0)
    largest = np.take_along_axis(m, abs(m).argmax(axis=-1, keepdims=True), axis=-1)
    M = (m * np.sign(largest)).reshape(*m.shape[:-1], W.shape[-2], A.shape[-1])
    E = M @ S
    output = ((E @ A.mT) ** 2).sum(axis=(-2, -1))
    g = np.sqrt(((W.mT @ E) ** 2).sum(axis=(-2, -1)) + output)
    u = np.sqrt(((B @ E) ** 2).sum(axis=(-2, -1)) + output)
    cosine = values[..., 0] / np.where(g * u > 0, g * u, 1)
    return WorstError(M, values[..., 0], np.where(g * u > 0, np.clip(cosine, -1, 1), np.nan))


# -- Points -------------------------------------------------------------------------------------


def random_points(sizes: Sequence[int] = (4, 3, 2), *, points: int = 200, seed: int = 0) -> Point:
    """Points with independent standard normal ``A``, ``W`` and ``B``, each without error for its own ``T = WA``.

    Parameters
    ----------
    sizes : sequence of int
        ``n_0, n_1, n_2``.
    points : int
    seed : int

    Returns
    -------
    Point
        With one leading axis.

    Examples
    --------
    >>> [array.shape for array in random_points((4, 3, 2), points=7)]
    [(7, 3, 4), (7, 2, 3), (7, 3, 2)]
    """
    n0, n1, n2 = _sizes(sizes)
    points = _checks.integer("points", points, low=1)
    weights, feedback = generator(seed, "weights"), generator(seed, "feedback")
    A, W = weights.normal(size=(points, n1, n0)), weights.normal(size=(points, n2, n1))
    return Point(A, W, feedback.normal(size=(points, n1, n2)))


class Census(NamedTuple):
    """How many random points are stable, and how many of those have an error with negative alignment."""

    points: int
    stable: int
    stable_misaligned: int
    unstable_aligned: int  # 0, always: alignment for every error is sufficient


def census(sizes: Sequence[int] = (4, 3, 2), *, points: int = 200, seed: int = 0) -> Census:
    """Count stability against alignment over `random_points`.

    Parameters
    ----------
    sizes : sequence of int
        ``n_0, n_1, n_2``, with ``n_1`` not smaller than both others.
    points : int
    seed : int

    Returns
    -------
    Census

    Examples
    --------
    >>> census((4, 3, 2), points=10_000)
    Census(points=10000, stable=2540, stable_misaligned=1263, unstable_aligned=0)
    >>> census((4, 3, 1), points=10_000).stable_misaligned
    0
    """
    n0, n1, n2 = _sizes(sizes)
    if n1 < min(n0, n2):
        raise ValueError(f"sizes must have n_1 at least {min(n0, n2)}, as n_0 or n_2; got {[n0, n1, n2]}.")
    p = random_points(sizes, points=points, seed=seed)
    stable, aligned = criterion(*p) > 0, alignment_criterion(*p) >= 0
    return Census(points, int(stable.sum()), int((stable & ~aligned).sum()), int((~stable & aligned).sum()))


def misaligned_stable_point(sizes: Sequence[int] = (4, 3, 2), *, seed: int = 0, points: int = 1000) -> Point:
    """Search random points for one that is stable though some error has negative alignment.

    Parameters
    ----------
    sizes : sequence of int
        ``n_0, n_1, n_2``.
    seed : int
    points : int
        How many to look at; see `random_points`.

    Returns
    -------
    Point
        Among the points of that kind, the one where the criterion is largest beside what alignment falls
        short by.

    Raises
    ------
    ValueError
        If there is none, as always with one output.

    Examples
    --------
    >>> p = misaligned_stable_point((4, 3, 2))
    >>> print(stability(*p).verdict, worst_error(*p).value < 0)
    stable True
    """
    p = random_points(sizes, points=points, seed=seed)
    stable, aligned = criterion(*p), alignment_criterion(*p)
    if not ((stable > 0) & (aligned < 0)).any():
        raise ValueError(
            f"points must be enough to find a stable one with negative alignment, of which there is none with one "
            f"output; got {points} of sizes {list(sizes)} without one."
        )
    best = int(np.minimum(stable, -aligned).argmax())
    return Point(*(array[best].copy() for array in p))


def zero_error_point(T: Any, hidden: int, *, scale: float = 1.0, seed: Seed = 0) -> tuple[Array, Array]:
    """Random ``A`` and ``W`` with ``WA = T``.

    One of the two is normal, the other is the pseudo-inverse solution plus a normal part that the first
    does not see.

    Parameters
    ----------
    T : array, shape ``(n_2, n_0)``
    hidden : int
        ``n_1``, at least the rank of `T`.
    scale : float
        Standard deviation of the normal numbers, above 0.
    seed : int or array of int
        An array of seeds makes an ensemble of its shape.

    Returns
    -------
    A, W : ndarray
        Shapes ``(..., n_1, n_0)`` and ``(..., n_2, n_1)``.

    Raises
    ------
    ValueError
        If the hidden layer is too narrow: no such point exists, see `bottleneck`.

    Examples
    --------
    >>> T = np.arange(6.0).reshape(2, 3)
    >>> A, W = zero_error_point(T, 4, seed=range(5))
    >>> print(A.shape, abs(W @ A - T).max() < 1e-12)
    (5, 4, 3) True
    """
    T = _checks.real_array("T", T).astype(np.float64)
    if T.ndim != 2:
        raise ValueError(f"T must have shape (n_2, n_0); got {T.shape}.")
    hidden = _checks.integer("hidden", hidden, low=1)
    scale = _checks.number("scale", scale, low=0.0, open_low=True)
    n2, n0 = T.shape
    rank = int(np.linalg.matrix_rank(T))
    if hidden < rank:
        raise ValueError(f"hidden must be at least the rank of T, {rank}, for zero error; got {hidden}.")
    basis = np.linalg.svd(T)[0][:, :rank]

    def make(rng: np.random.Generator) -> Array:
        if n2 <= hidden or n0 > hidden:
            W = scale * rng.normal(size=(n2, hidden))
            if n2 > hidden:  # its columns must span those of T
                W[:, :rank] = basis @ (basis.T @ W[:, :rank])
                W = W @ rng.normal(size=(hidden, hidden)) / np.sqrt(hidden)
            free = scale * rng.normal(size=(hidden, n0))
            inverse = np.linalg.pinv(W)
            A = inverse @ T + free - inverse @ (W @ free)
        else:
            A = scale * rng.normal(size=(hidden, n0))
            free = scale * rng.normal(size=(n2, hidden))
            inverse = np.linalg.pinv(A)
            W = T @ inverse + free - (free @ A) @ inverse
        return np.concatenate([A.ravel(), W.ravel()])

    flat = draw(seed, "weights", make)
    A, W = np.split(flat, [hidden * n0], axis=-1)
    return A.reshape(*flat.shape[:-1], hidden, n0), W.reshape(*flat.shape[:-1], n2, hidden)


def turn_feedback(W: Any, degrees: Any, *, seed: int = 0) -> Array:
    """Feedback at given angles from ``Wᵀ``, turning in one plane from ``Wᵀ`` at 0° to ``-Wᵀ`` at 180°.

    Parameters
    ----------
    W : array, shape ``(n_2, n_1)``
    degrees : float or array, shape ``(...)``
        From 0 to 180.
    seed : int
        Draws the second direction of the plane.

    Returns
    -------
    ndarray, shape ``(..., n_1, n_2)``
        With the norm of `W`.

    Examples
    --------
    How the least stable eigenvalue moves to the right:

    >>> A, W = zero_error_point(np.eye(2), 3, seed=1)
    >>> B = turn_feedback(W, [0, 60, 120, 180])
    >>> print(np.diff(spectrum(A, W, B)[:, 0].real) > 0)
    [ True  True  True]
    """
    W = _matrix("W", W)
    if W.ndim != 2:
        raise ValueError(f"W must have shape (n_2, n_1); got {W.shape}.")
    angles = _checks.numbers("degrees", degrees, low=0.0, high=180.0)
    tiled = np.broadcast_to(W, (*angles.shape, *W.shape))
    network = Network((np.zeros((W.shape[-1], 1)), tiled), (), ("identity",))
    return init_feedback(network, angle=angles, seed=seed)[0]


# -- The bottleneck -----------------------------------------------------------------------------


def optimal_loss(T: Any, rank: int, *, sigma: Any = None) -> Array:
    """Least loss of any map of a given rank: half the sum of the squared singular values of ``TΣ^(1/2)`` left out.

    Parameters
    ----------
    T : array, shape ``(..., n_2, n_0)``
    rank : int
        At most this; ``n_1`` for a network.
    sigma : array, shape ``(..., n_0, n_0)``, optional

    Returns
    -------
    ndarray, shape ``(...)``

    References
    ----------
    Eckart & Young, The approximation of one matrix by another of lower rank, Psychometrika 1 (1936).

    Examples
    --------
    >>> float(optimal_loss(np.diag([3.0, 2.0, 1.0]), 1))
    2.5
    """
    T = _matrix("T", T)
    rank = _checks.integer("rank", rank, low=0)
    root = _root(_covariance(sigma, T.shape[-1]))
    values = np.linalg.svd(T @ root, compute_uv=False)
    return np.asarray(0.5 * (values[..., rank:] ** 2).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Bottleneck:
    """A fixed point of feedback alignment in a hidden layer narrower than the output.

    It has an error unless the rank of ``T`` is no larger than the hidden layer.

    Attributes
    ----------
    A, W : ndarray
        The point.
    loss : ndarray
        The same for all fixed points, whatever their `gauge`.
    optimal_loss : ndarray
        The least that a hidden layer of this width can have.
    update_norm, gradient_norm : ndarray
        Norms of the rule's update, zero to rounding, and of the true gradient, in general not zero.
    eigenvalues : ndarray of complex, shape ``(..., n)``
        Of the flow, the least stable first, without the ``n_1²`` zeros along the fixed points.
    verdict : str or ndarray of str
        ``"stable"``, ``"unstable"`` or ``"undecided"``.
    critical_step : ndarray
        As in `Stability`.
    """

    A: Array
    W: Array
    loss: Array
    optimal_loss: Array
    update_norm: Array
    gradient_norm: Array
    eigenvalues: Array
    verdict: Any
    critical_step: Array


def bottleneck(
    T: Any, B: Any, *, sigma: Any = None, gauge: Any = None, tolerance: float = 1e-9
) -> Bottleneck:
    """Where feedback alignment settles in a bottleneck: ``A = G B T`` and ``W`` the best for this ``A``.

    ``B M Σ = 0`` does not make ``M`` vanish when ``B`` has fewer rows than columns. The hidden layer keeps
    the rows that ``BT`` spans, not the leading singular vectors of ``T``: a random sketch of the map. The
    map ``WA`` that results, and its loss, do not depend on the invertible ``G``; stability does, and ``G =
    1`` is always stable.

    Parameters
    ----------
    T : array, shape ``(..., n_2, n_0)``
    B : array, shape ``(..., n_1, n_2)``
        With ``n_1 < n_2``.
    sigma : array, shape ``(..., n_0, n_0)``, optional
    gauge : array, shape ``(..., n_1, n_1)``, optional
        ``G``; by default the unit matrix.
    tolerance : float
        For the verdict, see `stability`.

    Returns
    -------
    Bottleneck

    Raises
    ------
    ValueError
        If the hidden layer is no bottleneck (the only fixed points are then without error), if ``BT`` has
        not the full rank ``n_1``, or `gauge` is not invertible.

    References
    ----------
    For the loss of random sketches: Halko, Martinsson & Tropp, Finding structure with randomness, SIAM
    Review 53 (2011).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> point = bottleneck(rng.normal(size=(2, 3)), rng.normal(size=(1, 2)))
    >>> print(point.verdict, point.update_norm < 1e-12, point.gradient_norm > 0.01)
    stable True True
    >>> print(point.loss > point.optimal_loss)
    True
    """
    tolerance = _checks.number("tolerance", tolerance, low=0.0)
    T, B = _matrix("T", T), _matrix("B", B)
    n2, n0 = T.shape[-2:]
    n1 = B.shape[-2]
    if B.shape[-1] != n2:
        raise ValueError(f"B must have shape (..., n_1, {n2}), to fit T; got {B.shape}.")
    if n1 >= n2:
        raise ValueError(
            f"B must have fewer rows than columns, as no other network has fixed points with an error, "
            f"if its rank is full; got shape {B.shape}."
        )
    S = _covariance(sigma, n0)
    G = np.eye(n1) if gauge is None else _matrix("gauge", gauge)
    if G.shape[-2:] != (n1, n1) or (np.linalg.matrix_rank(G) < n1).any():
        raise ValueError(
            f"gauge must be an invertible matrix of shape (..., {n1}, {n1}); got shape {G.shape}."
        )
    _same_lead(T=T, B=B, sigma=S, gauge=G)
    BT = B @ T
    if (np.linalg.matrix_rank(BT) < n1).any():
        raise ValueError(f"B T must have rank {n1}; got rank {np.linalg.matrix_rank(BT).min()}.")
    A = G @ BT
    W = np.linalg.solve(A @ S @ A.mT, A @ S @ T.mT).mT
    fa = _pair_norm(*velocity(A, W, B, T=T, sigma=S))
    bp = _pair_norm(*velocity(A, W, T=T, sigma=S, rule="bp"))
    # (A, BW) is a network of its own, with outputs B y, feedback 1 and no error; the rest of W is a regression.
    inner = _rates(np.linalg.inv(G), A, S)
    regression = np.repeat(np.linalg.eigvalsh(A @ S @ A.mT), n2 - n1, axis=-1)
    lead = np.broadcast_shapes(inner.shape[:-1], regression.shape[:-1])
    parts = [np.broadcast_to(part, (*lead, part.shape[-1])) for part in (inner, regression)]
    eigenvalues = _sorted(-np.concatenate(parts, axis=-1))
    verdict, critical = _verdict(eigenvalues, tolerance)
    best = optimal_loss(T, n1, sigma=S)
    now = loss(A, W, T=T, sigma=S)
    return Bottleneck(A, W, now, best, fa, bp, eigenvalues, _told(verdict), critical)


# -- Into the library's own terms ---------------------------------------------------------------


def as_network(A: Any, W: Any) -> Network:
    """Turn weights into a network of the general library: identity, no biases. Its feedback is ``(B,)``.

    Examples
    --------
    >>> as_network(np.ones((3, 4)), np.ones((2, 3)))
    Network(4-3-2, identity, squared, 18 parameters)
    """
    A, W, *_ = _arguments(A, W)
    return Network((A.copy(), W.copy()), (), ("identity",))


def as_data(T: Any, *, sigma: Any = None) -> Dataset:
    """``n_0`` samples whose covariance is exactly ``Σ``, with the targets ``T x``.

    Parameters
    ----------
    T : array, shape ``(..., n_2, n_0)``
    sigma : array, shape ``(..., n_0, n_0)``, optional

    Returns
    -------
    Dataset

    Examples
    --------
    >>> data = as_data(np.ones((2, 3)))
    >>> print(data, (data.x.T @ data.x / 3).round(6).tolist())
    Dataset(linear, 3 samples, 3 in, 2 out) [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    T = _matrix("T", T)
    n0 = T.shape[-1]
    S = _covariance(sigma, n0)
    lead = _same_lead(T=T, sigma=S)
    x = np.sqrt(n0) * np.broadcast_to(_root(S), (*lead, n0, n0))
    return Dataset(x, x @ T.mT, name="linear")


# -- The machinery ------------------------------------------------------------------------------


def _rates(C: Array, A: Array, S: Array) -> Array:
    """Eigenvalues of ``M ↦ C M Σ + M Σ AᵀA``: for each ``λ`` of ``C``, those of ``Σ^(1/2) (λ 1 + AᵀA) Σ^(1/2)``."""
    root = _root(S)
    lam = np.linalg.eigvals(C)[..., :, None, None]
    small = lam * S[..., None, :, :] + (root @ A.mT @ A @ root)[..., None, :, :]
    rates = np.linalg.eigvals(small)  # (..., n_2, n_0)
    return np.asarray(rates.reshape(*rates.shape[:-2], -1), dtype=np.complex128)


def _unreachable(A: Array, W: Array) -> int:
    """How many errors a network with a narrow hidden layer cannot make: ``(n_2 - n_1)(n_0 - n_1)``."""
    (n1, n0), n2 = A.shape[-2:], W.shape[-2]
    return int(max(n2 - n1, 0) * max(n0 - n1, 0))


def _drop_unreachable(eigenvalues: Array, count: int) -> Array:
    """Without the `count` eigenvalues that are 0 because the network cannot make the error."""
    order = np.argsort(abs(eigenvalues), axis=-1)[..., count:]
    return np.take_along_axis(eigenvalues, order, axis=-1)


def _sorted(eigenvalues: Array) -> Array:
    """By falling real part; of a complex pair, the positive imaginary part first."""
    order = np.lexsort((-eigenvalues.imag, -eigenvalues.real.round(12)), axis=-1)
    return np.take_along_axis(eigenvalues, order, axis=-1)


def _verdict(eigenvalues: Array, tolerance: float) -> tuple[Array, Array]:
    """Verdict and critical learning rate from eigenvalues, the least stable first."""
    size = abs(eigenvalues).max(axis=-1)
    real = eigenvalues.real.max(axis=-1)
    undecided = abs(real) <= tolerance * size
    verdict = np.where(undecided, UNDECIDED, np.where(real < 0, STABLE, UNSTABLE))
    works = (verdict == STABLE)[..., None]
    limits = -2 * eigenvalues.real / np.where(works, abs(eigenvalues) ** 2, 1)
    unstable = np.where(verdict == UNSTABLE, 0.0, np.nan)
    return verdict, np.where(works[..., 0], limits.min(axis=-1), unstable)


def _told(words: Array) -> Any:
    return str(words) if words.ndim == 0 else words


def _kron(P: Array, Q: Array) -> Array:
    """Kronecker product of the last two axes; the others broadcast."""
    (n, m), (k, l) = P.shape[-2:], Q.shape[-2:]
    product = P[..., :, None, :, None] * Q[..., None, :, None, :]  # (..., n, k, m, l)
    return np.asarray(product.reshape(*product.shape[:-4], n * k, m * l))


def _side_by_side(blocks: Sequence[Array], lead: tuple[int, ...]) -> Array:
    return np.concatenate([np.broadcast_to(X, (*lead, *X.shape[-2:])) for X in blocks], axis=-1)


def _symmetric(C: Array) -> Array:
    return (C + C.mT) / 2


def _smallest(A: Array) -> Array:
    """Smallest eigenvalue of ``AᵀA``, exactly 0 where there are fewer hidden units than inputs."""
    values = np.linalg.svd(A, compute_uv=False)
    return np.asarray(values[..., -1] ** 2 if A.shape[-2] >= A.shape[-1] else 0.0 * values[..., -1])


def _root(S: Array) -> Array:
    """Symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(S)
    return np.asarray((vectors * np.sqrt(values)[..., None, :]) @ vectors.mT)


def _norm(X: Array) -> Array:
    return np.asarray(np.linalg.norm(X, axis=(-2, -1)))


def _pair_norm(X: Array, Y: Array) -> Array:
    return np.hypot(_norm(X), _norm(Y))


def _sizes(sizes: Sequence[int]) -> tuple[int, int, int]:
    if len(sizes) != 3:
        raise ValueError(f"sizes must be n_0, n_1, n_2; got {list(sizes)}.")
    n0, n1, n2 = (_checks.integer(f"sizes[{i}]", n, low=1) for i, n in enumerate(sizes))
    return n0, n1, n2


def _matrix(name: str, value: Any) -> Array:
    result = _checks.real_array(name, value)
    if result.ndim < 2 or 0 in result.shape:
        raise ValueError(f"{name} must be a matrix, or an array of matrices; got shape {result.shape}.")
    return result.astype(np.float64)


def _covariance(sigma: Any, n: int) -> Array:
    if sigma is None:
        return np.eye(n)
    S = _matrix("sigma", sigma)
    if S.shape[-2:] != (n, n):
        raise ValueError(f"sigma must have shape (..., {n}, {n}), to fit the inputs; got {S.shape}.")
    size = abs(S).max()
    if abs(S - S.mT).max() > 1e-9 * size:
        raise ValueError(f"sigma must be symmetric; got entries that differ by {abs(S - S.mT).max():.2g}.")
    least = np.linalg.eigvalsh(S).min()
    if not least > 1e-12 * size:
        raise ValueError(f"sigma must be positive definite; got the eigenvalue {least:.2g}.")
    return _symmetric(S)


def _arguments(
    A: Any, W: Any, B: Any = None, *, T: Any = None, sigma: Any = None, target: str = "T"
) -> tuple[Array, Array, Array, Array, Array]:
    """``A, W, B, T, Σ``, checked: shapes that fit, leading axes that broadcast.

    By default ``B`` is ``Wᵀ`` and ``T`` is ``WA``.
    """
    A, W = _matrix("A", A), _matrix("W", W)
    (n1, n0), n2 = A.shape[-2:], W.shape[-2]
    if W.shape[-1] != n1:
        raise ValueError(f"W must have shape (..., n_2, {n1}), to fit A; got {W.shape}.")
    B = W.mT if B is None else _matrix("B", B)
    if B.shape[-2:] != (n1, n2):
        raise ValueError(f"B must have shape (..., {n1}, {n2}), that of W transposed; got {B.shape}.")
    S = _covariance(sigma, n0)
    if T is not None:
        T = _matrix(target, T)
        if T.shape[-2:] != (n2, n0):
            raise ValueError(f"{target} must have shape (..., {n2}, {n0}), that of WA; got {T.shape}.")
    _same_lead(A=A, W=W, B=B, sigma=S, **({} if T is None else {target: T}))
    return A, W, B, W @ A if T is None else T, S


def _same_lead(**arrays: Array) -> tuple[int, ...]:
    leads = {name: array.shape[:-2] for name, array in arrays.items()}
    try:
        return np.broadcast_shapes(*leads.values())
    except ValueError:
        found = ", ".join(f"{name} {lead}" for name, lead in leads.items())
        raise ValueError(f"leading axes of {', '.join(leads)} must broadcast; got {found}.") from None
