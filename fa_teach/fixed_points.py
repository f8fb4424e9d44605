"""Fixed points of a learning rule, and whether they are stable: found and computed, never declared.

At a fixed point the update ``u`` is zero; there the eigenvalues ``μ`` of the field's Jacobian decide. A
disturbance along an eigenvector changes as ``exp(μ t)`` in the flow and as ``(1 + ημ)^k`` in steps of size
``η``:

- stable in the flow if ``Re μ < 0``;
- stable in steps if moreover ``η < 2 Re λ / |λ|²`` with ``λ = -μ``.

Where a network has more weights than its data ask for, fixed points form manifolds. Along these nothing pulls
and nothing pushes: ``μ = 0``. Such *neutral* directions are told apart by a tolerance, and the others decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach import _checks
from fa_teach.dynamics import (
    METHODS,
    Field,
    field_jacobian,
    field_jvp,
    from_vector,
    integrate,
    to_vector,
    update_field,
)
from fa_teach.feedback import Feedback, Rule
from fa_teach.network import Network

Array = npt.NDArray[Any]

STABLE, UNSTABLE = "stable", "unstable"
UNDECIDED, NOT_FIXED = "undecided", "not a fixed point"
NEUTRAL = 1.5e-8  # √ε, to which rounding moves a double eigenvalue 0; relative to the norm of the Jacobian
TOLERANCE = 1e-9  # of the update, relative to the norm of the Jacobian times the length of θ (or 1)
MAX_STEPS = 4_000  # of the flow in one stretch; at a kink of ReLU it may need ever more, ever shorter ones
LARGEST = 10_000  # parameters, for which a Jacobian takes 0.8 GB


# -- The result ---------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class FixedPoint:
    """A point in weight space, and what happens around it. For an ensemble, each array has its leading axes.

    Attributes
    ----------
    network : Network
        The point.
    converged : ndarray of bool
        Whether it is a fixed point at all: ``‖u‖ ≤ tolerance · ‖J‖ · max(1, ‖θ‖)``. A plateau on which ``u``
        and ``J`` fade away together, like that of cross-entropy on separable data, does not pass for one.
    update_norm : ndarray
        ``‖u‖``, of the rule.
    gradient_norm : ndarray
        ``‖g‖``, of the true gradient (of loss plus weight decay). Where it is not zero too, the rule rests at
        a point that is no extremum of the loss.
    loss : ndarray
        Mean loss, without the term of the weight decay.
    eigenvalues : ndarray of complex, shape ``(..., P)``
        Of the field's Jacobian, by falling real part: the most unstable first. NaN if it is not finite.
    neutral : ndarray of bool, shape ``(..., P)``
        Which of them count as 0: ``|μ| ≤ neutral_tolerance · ‖J‖``.
    jacobian : ndarray, shape ``(..., P, P)``
    tolerance : float
        Of the update, relative to ``‖J‖ · max(1, ‖θ‖)``: below it the point counts as fixed.
    neutral_tolerance : float
        Of an eigenvalue, relative to ``‖J‖``: below it, it counts as 0.
    distance : ndarray
        How far ``θ`` moved after the flow's time was up; 0 without a search.
    frozen : tuple of int
    """

    network: Network
    converged: Array
    update_norm: Array
    gradient_norm: Array
    loss: Array
    eigenvalues: Array
    neutral: Array
    jacobian: Array
    tolerance: float
    neutral_tolerance: float
    distance: Array
    frozen: tuple[int, ...] = ()

    @property
    def neutral_count(self) -> Array:
        """Number of neutral directions."""
        return np.asarray(self.neutral.sum(axis=-1))

    @property
    def rates(self) -> Array:
        """``λ = -μ`` of the directions that are not neutral, NaN for those that are, shape ``(..., P)``."""
        return np.where(self.neutral, np.nan, -self.eigenvalues)

    @property
    def slowest_rate(self) -> Array:
        """Smallest ``Re λ``, slowest return or, if negative, the fastest escape; NaN if all are neutral."""
        real = np.where(self.neutral, np.inf, -self.eigenvalues.real).min(axis=-1)
        return np.asarray(np.where(self.neutral.all(axis=-1), np.nan, real))

    @property
    def verdict(self) -> Any:
        """For the flow: ``"stable"``, ``"unstable"``, ``"undecided"`` or ``"not a fixed point"``.

        Undecided means that linear terms do not tell: all directions are neutral, or a pair turns without
        growing. For an ensemble an array of these words.
        """
        edge = self.neutral_tolerance * _norm(self.jacobian)
        slowest = self.slowest_rate
        with np.errstate(invalid="ignore"):
            words = np.select([slowest > edge, slowest < -edge], [STABLE, UNSTABLE], UNDECIDED)
        words = np.where(self.converged, words, NOT_FIXED)
        return _told(words)

    @property
    def critical_step(self) -> Array:
        """Learning rate below which steps are stable, the smallest ``2 Re λ / |λ|²``; 0 if unstable, else NaN."""
        length = np.where(self.neutral, 1.0, abs(self.eigenvalues) ** 2)
        limits = np.where(self.neutral, np.inf, -2 * self.eigenvalues.real / length).min(axis=-1)
        verdict = np.asarray(self.verdict)
        return np.asarray(np.select([verdict == STABLE, verdict == UNSTABLE], [limits, 0.0], np.nan))

    def verdict_at(self, learning_rate: Any) -> Any:
        """Tell the verdict for discrete steps of size ``η``, in the words of `verdict`.

        Parameters
        ----------
        learning_rate : float or array
            ``η``, above 0; an array broadcasts with the ensemble.

        Returns
        -------
        str or ndarray of str
        """
        rate = _checks.numbers("learning_rate", learning_rate, low=0.0, open_low=True)
        if self.converged.ndim and rate.ndim:
            _checks.matching("learning_rate", rate.shape, self.converged.shape)
        with np.errstate(invalid="ignore"):
            too_large = rate > self.critical_step
            at_the_edge = np.isclose(rate, self.critical_step, rtol=1e-9, atol=0.0)
        verdict = np.asarray(self.verdict)
        words = np.where((verdict == STABLE) & too_large, UNSTABLE, verdict)
        words = np.where((verdict == STABLE) & at_the_edge, UNDECIDED, words)
        return _told(words)

    @property
    def extremum(self) -> Array:
        """Whether the true gradient vanishes here too, to the square root of the tolerance."""
        edge = np.sqrt(self.tolerance) * _scale(self.jacobian, to_vector(self.network, frozen=self.frozen))
        return np.asarray(self.gradient_norm <= edge)

    def member(self, *index: int) -> FixedPoint:
        """One fixed point of an ensemble."""
        return FixedPoint(
            self.network.member(*index),
            self.converged[index],
            self.update_norm[index],
            self.gradient_norm[index],
            self.loss[index],
            self.eigenvalues[index],
            self.neutral[index],
            self.jacobian[index],
            self.tolerance,
            self.neutral_tolerance,
            self.distance[index],
            self.frozen,
        )

    def __repr__(self) -> str:
        if self.converged.ndim:
            words, counts = np.unique(self.verdict, return_counts=True)
            told = ", ".join(f"{count} {word}" for word, count in zip(words, counts, strict=True))
            return f"FixedPoint({self.converged.size} points: {told})"
        if not self.converged:
            parts = [f"{NOT_FIXED}: update norm {self.update_norm:.2g}"]
            parts.append(f"largest growth rate {-self.slowest_rate:.2g}")
        else:
            what = "fastest escape at" if self.slowest_rate < 0 else "slowest rate"
            parts = [self.verdict]
            if not np.isnan(self.slowest_rate):
                parts.append(f"{what} {abs(self.slowest_rate):.2g}")
        count = int(self.neutral_count)
        parts.append(f"{count} neutral direction{'s' if count != 1 else ''}")
        if self.verdict == STABLE:
            parts.append(f"critical step {self.critical_step:.2g}")
        parts.append(f"loss {self.loss:.3g}")
        if self.converged and not self.extremum:
            parts.append(f"no extremum of the loss: gradient norm {self.gradient_norm:.2g}")
        return f"FixedPoint({'; '.join(parts)})"


def _told(words: Array) -> Any:
    return str(words) if words.ndim == 0 else words


def _norm(jacobian: Array) -> Array:
    return np.asarray(np.sqrt((jacobian * jacobian).sum(axis=(-2, -1))))


def _scale(jacobian: Array, theta: Array) -> Array:
    return np.asarray(_norm(jacobian) * np.maximum(1, np.linalg.norm(theta, axis=-1)))


# -- Stability of a point -----------------------------------------------------------------------


def stability(
    network: Network,
    x: Any,
    t: Any,
    rule: str | Rule,
    feedback: Feedback | None = None,
    *,
    frozen: Sequence[int] = (),
    weight_decay: float = 0.0,
    tolerance: float = TOLERANCE,
    neutral_tolerance: float = NEUTRAL,
    method: str = "complex",
) -> FixedPoint:
    """Compute, without a search, whether a network is a fixed point of a rule, and whether it is stable.

    Parameters
    ----------
    network, x, t, rule, feedback, frozen, weight_decay
        As for `fa_teach.dynamics.update_field`.
    tolerance : float
        Below it the update counts as zero, relative to ``‖J‖ max(1, ‖θ‖)``.
    neutral_tolerance : float
        Below it an eigenvalue counts as zero, relative to ``‖J‖`` (the root of the sum of squares). The
        default is √ε: rounding moves a double eigenvalue that far. A direction slower than that cannot be
        told from a neutral one. At a point that is only near a fixed point, neutral directions have
        eigenvalues as large as the distance: raise it there.
    method : str
        How the Jacobian is computed, see `fa_teach.dynamics.jacobian`.

    Returns
    -------
    FixedPoint
        If the network is not a fixed point of the rule, it says so; its eigenvalues then tell how
        neighbouring trajectories part.

    Raises
    ------
    ValueError
        Besides data that do not fit, for more than 10,000 free parameters: see `leading_eigenvalues`.

    Examples
    --------
    A perfect solution of the smallest network, which is not stable under feedback alignment:

    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> net = from_vector(net, [-0.5, -2.0])
    >>> stability(net, [[1.0]], [[1.0]], "fa", (np.array([[1.0]]),))
    FixedPoint(unstable; fastest escape at 1.8; 1 neutral direction; loss 0)
    >>> stability(net, [[1.0]], [[1.0]], "bp")
    FixedPoint(stable; slowest rate 4.2; 1 neutral direction; critical step 0.47; loss 0)
    """
    field = update_field(network, x, t, rule, feedback, frozen=frozen, weight_decay=weight_decay)
    tolerance = _checks.number("tolerance", tolerance, low=0.0, open_low=True)
    neutral_tolerance = _checks.number("neutral_tolerance", neutral_tolerance, low=0.0)
    _checks.one_of("method", method, METHODS)
    theta = field.theta
    allowed = np.ones(theta.shape[:-1], bool)
    return _examine(field, theta, allowed, theta, tolerance, neutral_tolerance, method)


def _examine(
    field: Field,
    theta: Array,
    allowed: Array,
    origin: Array,
    tolerance: float,
    neutral_tolerance: float,
    method: str,
) -> FixedPoint:
    if theta.shape[-1] > LARGEST:
        raise ValueError(
            f"network must have at most {LARGEST:,} free parameters for its whole spectrum; "
            f"got {theta.shape[-1]:,}. Use leading_eigenvalues."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        J = field_jacobian(field, theta, method=method)
        u = np.linalg.norm(field(theta), axis=-1)
        g = np.linalg.norm(field.of_gradient(theta), axis=-1)
        loss = field.loss(theta)
        converged = allowed & (u <= tolerance * _scale(J, theta))
    finite = np.asarray(np.isfinite(J).all(axis=(-2, -1)))
    eigenvalues = np.linalg.eigvals(np.where(finite[..., None, None], J, 0)).astype(complex)
    order = np.lexsort((eigenvalues.imag, -eigenvalues.real))
    eigenvalues = np.take_along_axis(eigenvalues, order, axis=-1)
    eigenvalues = np.where(finite[..., None], eigenvalues, np.nan)
    neutral = abs(eigenvalues) <= neutral_tolerance * _norm(J)[..., None]
    return FixedPoint(
        from_vector(field.network, theta, frozen=field.frozen),
        np.asarray(converged & finite),
        u,
        g,
        loss,
        eigenvalues,
        neutral,
        J,
        tolerance,
        neutral_tolerance,
        np.asarray(np.linalg.norm(theta - origin, axis=-1)),
        field.frozen,
    )


# -- The search ---------------------------------------------------------------------------------


def fixed_point(
    network: Network,
    x: Any,
    t: Any,
    rule: str | Rule,
    feedback: Feedback | None = None,
    *,
    time: float = 100.0,
    steps: int = 200,
    frozen: Sequence[int] = (),
    weight_decay: float = 0.0,
    tolerance: float = TOLERANCE,
    neutral_tolerance: float = NEUTRAL,
    rtol: float = 1e-6,
    method: str = "complex",
) -> FixedPoint:
    """Find a fixed point from a start, by the flow and then Newton's method, and compute its stability.

    Parameters
    ----------
    network : Network
        The start.
    x, t, rule, feedback, frozen, weight_decay
        As for `fa_teach.dynamics.update_field`.
    time : float
        How long to follow the flow; it ends early where nothing moves any more, or where it gets stuck, as it
        may at a kink of ReLU. With 0, Newton's method starts at the network: it then finds unstable points as
        well, which the flow would leave.
    steps : int
        At most so many that need a Jacobian, of each of the two kinds below; with 0 the flow alone searches.
    tolerance, neutral_tolerance : float
        As for `stability`.
    rtol : float
        Relative error of each step of the flow.
    method : str
        How Jacobians are computed, see `fa_teach.dynamics.jacobian`: ``"central"`` for rules of your own that
        complex numbers do not pass through.

    Returns
    -------
    FixedPoint
        Where there is none (weights that run off to infinity, a flow that blows up, a search that gets
        stuck), the best point found, with ``converged`` False and the verdict ``"not a fixed point"``.

    Notes
    -----
    After the time is up, the flow is followed on by implicit Euler steps, longer and longer ones, because the
    rates of a network span many powers of ten. Last comes Newton's method. Fixed points come in manifolds,
    where the Jacobian is singular, so that its step is that of Levenberg and Marquardt, a damped pseudo-inverse
    ``-Jᵀ (J Jᵀ + m)⁻¹ f``, its damping ``m`` proportional to ``‖f‖``: it moves across the manifold, hardly along
    it, and converges as fast as Newton's method does at a single point.

    References
    ----------
    Zheng, Chen & Ma, A variant of the Levenberg-Marquardt method with adaptive parameters for systems of
    nonlinear equations, AIMS Mathematics 7 (2022) 1241-1256: fast convergence where solutions form a
    manifold.

    Examples
    --------
    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> net = from_vector(net, [-1.5, 0.0])
    >>> fixed_point(net, [[1.0]], [[1.0]], "fa", (np.array([[1.0]]),))
    FixedPoint(stable; slowest rate 3.9; 1 neutral direction; critical step 0.51; loss ...)
    """
    field = update_field(network, x, t, rule, feedback, frozen=frozen, weight_decay=weight_decay)
    tolerance = _checks.number("tolerance", tolerance, low=0.0, open_low=True)
    neutral_tolerance = _checks.number("neutral_tolerance", neutral_tolerance, low=0.0)
    time = _checks.number("time", time, low=0.0)
    steps = _checks.integer("steps", steps, low=0)
    rtol = _checks.number("rtol", rtol, low=0.0, open_low=True)
    _checks.one_of("method", method, METHODS)
    theta, diverged = _settle(field, field.theta, time, rtol)
    settled = theta
    if time:
        theta = _relax(field, theta, ~diverged, steps, method)
    theta = _newton(field, theta, ~diverged, steps, method)
    return _examine(field, theta, ~diverged, settled, tolerance, neutral_tolerance, method)


def _settle(field: Field, theta: Array, time: float, rtol: float) -> tuple[Array, Array]:
    """Follow the flow for ever longer stretches, until the time is up or the update is down to rounding."""
    diverged = np.zeros(theta.shape[:-1], bool)
    stuck = diverged  # out of steps or gone: it is followed no further
    first = np.linalg.norm(field(theta), axis=-1)

    def flow(theta: Array) -> Array:
        return np.where(stuck[..., None], 0.0, field(theta))

    stretch, left = min(1.0, time), time
    while left > 0:
        _, theta, stopped_at, gone = integrate(
            flow, theta, np.array([stretch]), rtol=rtol, atol=1e-3 * rtol, max_steps=MAX_STEPS
        )
        diverged = diverged | gone
        stuck = stuck | ~np.isnan(stopped_at)
        left -= stretch
        stretch = min(2 * stretch, left)
        still = np.linalg.norm(field(theta), axis=-1) <= 1e-10 * first
        if (still | stuck).all():
            break
    return theta, diverged


def _relax(field: Field, theta: Array, active: Array, steps: int, method: str) -> Array:
    """Follow the flow on by implicit Euler steps ``(1/h - J) Δ = f``, longer and longer ones.

    Slow directions, which would cost the explicit method a step for each moment of the fast ones, are crossed in a few.
    """
    pace = np.ones(theta.shape[:-1])  # 1/h in units of ‖J‖
    floor = np.zeros(theta.shape[:-1])
    f = field(theta)
    for step in range(steps):
        J = field_jacobian(field, theta, method=method)
        size, scale = _norm(J), _scale(J, theta)
        if step == 0:
            floor = 1e-12 * scale
        norm = np.linalg.norm(f, axis=-1)
        active = active & (norm > np.maximum(1e-7 * scale, floor)) & np.isfinite(scale) & (size > 0)
        active &= pace < 1e6  # no step is short enough
        if not active.any():
            break
        matrix = (pace * size)[..., None, None] * np.eye(theta.shape[-1]) - J
        matrix = np.where(active[..., None, None], matrix, np.eye(theta.shape[-1]))
        change = np.linalg.solve(matrix, np.where(active[..., None], f, 0)[..., None])[..., 0]
        trial = theta + change
        with np.errstate(over="ignore", invalid="ignore"):
            f_trial = field(trial)
            bent = np.linalg.norm(f_trial - f - (J @ change[..., None])[..., 0], axis=-1) / norm
        short = np.linalg.norm(change, axis=-1) <= 0.5 * np.maximum(1, np.linalg.norm(theta, axis=-1))
        good = active & (bent <= 0.5) & short
        theta = np.where(good[..., None], trial, theta)
        f = np.where(good[..., None], f_trial, f)
        pace = np.where(good, np.where(bent <= 0.2, pace / 3, pace), 4 * pace)
    return theta


def _newton(field: Field, theta: Array, active: Array, steps: int, method: str) -> Array:
    """Solve ``f = 0`` by the method of Levenberg and Marquardt, each member by itself."""
    factor = np.ones(theta.shape[:-1])
    floor = np.zeros(theta.shape[:-1])
    f = field(theta)
    for step in range(steps):
        J = field_jacobian(field, theta, method=method)
        norm, scale = np.linalg.norm(f, axis=-1), _scale(J, theta)
        if step == 0:
            floor = (
                1e-15 * scale
            )  # on a plateau without end, ‖J‖ shrinks as ‖f‖ does: rounding ends the search
        active = active & (norm > np.maximum(1e-15 * scale, floor)) & np.isfinite(scale) & (scale > 0)
        if not active.any():
            break
        U, s, Vt = np.linalg.svd(np.where(active[..., None, None], J, 0))
        along = (U.mT @ f[..., None])[..., 0]  # (..., P)
        improved = np.zeros_like(active)
        for _ in range(16):
            relative = factor * norm / np.where(active, scale, 1)
            damping = s[..., 0] ** 2 * np.maximum(relative, 1e-24)
            filtered = s / np.where(active[..., None], s * s + damping[..., None], 1) * along
            trial = theta - (Vt.mT @ filtered[..., None])[..., 0]
            with np.errstate(over="ignore", invalid="ignore"):
                f_trial = field(trial)
                better = active & ~improved & (np.linalg.norm(f_trial, axis=-1) < 0.9999 * norm)
            theta = np.where(better[..., None], trial, theta)
            f = np.where(better[..., None], f_trial, f)
            improved |= better
            if (improved | ~active).all():
                break
            factor = np.where(active & ~improved, 8 * factor, factor)
        factor = np.where(improved, factor / 4, factor)
        active = active & improved
    return theta


# -- Around a point -----------------------------------------------------------------------------


def kick(point: FixedPoint, *, size: float, mode: int = 0) -> Network:
    """Displace the network of a fixed point along one of its eigenvectors.

    Parameters
    ----------
    point : FixedPoint
    size : float
        Length of the displacement.
    mode : int
        Number of the eigenvalue in ``point.eigenvalues``; 0 is the most unstable. Of a complex pair, the real
        part of the eigenvector.

    Returns
    -------
    Network

    Examples
    --------
    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> net = from_vector(net, [-0.5, -2.0])
    >>> point = stability(net, [[1.0]], [[1.0]], "fa", (np.array([[1.0]]),))
    >>> moved = to_vector(kick(point, size=0.01)) - to_vector(net)
    >>> print(np.linalg.norm(moved).round(6))
    0.01
    """
    size = _checks.number("size", size)
    mode = _checks.integer("mode", mode, low=0, high=point.eigenvalues.shape[-1] - 1)
    values, vectors = np.linalg.eig(point.jacobian)
    nearest = abs(values - point.eigenvalues[..., mode, None]).argmin(axis=-1)
    vector = np.take_along_axis(vectors, nearest[..., None, None], axis=-1)[..., 0].real
    vector = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    theta = to_vector(point.network, frozen=point.frozen)
    return from_vector(point.network, theta + size * vector, frozen=point.frozen)


WHICH = ("rightmost", "largest")


def leading_eigenvalues(
    network: Network,
    x: Any,
    t: Any,
    rule: str | Rule,
    feedback: Feedback | None = None,
    *,
    count: int = 6,
    which: str = "rightmost",
    dimension: int | None = None,
    frozen: Sequence[int] = (),
    weight_decay: float = 0.0,
    seed: int = 0,
) -> tuple[Array, Array]:
    """Approximate a few eigenvalues of a large network's Jacobian from products with vectors alone.

    Arnoldi's method. It finds the ends of the spectrum first: the largest, and any that are clearly unstable.
    Eigenvalues amid others it does not resolve, and the residuals say so.

    Parameters
    ----------
    network, x, t, rule, feedback, frozen, weight_decay
        As for `fa_teach.dynamics.update_field`.
    count : int
        How many.
    which : str
        ``"rightmost"``: by falling real part; ``"largest"``: by falling modulus.
    dimension : int, optional
        Number of products, by default at most 100. More is more exact.
    seed : int
        Of the vector to start from.

    Returns
    -------
    eigenvalues : ndarray of complex, shape ``(..., count)``
    residuals : ndarray, shape ``(..., count)``
        ``‖Jv - μv‖`` for the unit vector ``v`` found.

    Examples
    --------
    >>> import numpy as np
    >>> from fa_teach import init_network
    >>> net = init_network([1, 1, 1], activation="identity", bias=False)
    >>> net = from_vector(net, [2.0, 0.5])
    >>> B = (np.array([[1.0]]),)
    >>> values, residuals = leading_eigenvalues(net, [[1.0]], [[1.0]], "fa", B, count=1, which="largest")
    >>> print(values.real.round(6))
    [-4.5]
    """
    _checks.one_of("which", which, WHICH)
    field = update_field(network, x, t, rule, feedback, frozen=frozen, weight_decay=weight_decay)
    theta = field.theta
    P = theta.shape[-1]
    m = _checks.integer("dimension", min(P, 100) if dimension is None else dimension, low=1, high=P)
    count = _checks.integer("count", count, low=1, high=m)
    rng = np.random.default_rng(_checks.integer("seed", seed, low=0))
    basis = np.zeros((m + 1, *theta.shape))
    H = np.zeros((*theta.shape[:-1], m + 1, m))
    basis[0] = rng.normal(size=P)
    basis[0] /= np.linalg.norm(basis[0], axis=-1, keepdims=True)
    for j in range(m):
        w = field_jvp(field, theta, basis[j])
        before = np.linalg.norm(w, axis=-1)
        for _ in range(2):  # once is not enough in floating point
            overlaps = (basis[: j + 1] * w).sum(axis=-1)  # (j+1, ...)
            w = w - (overlaps[..., None] * basis[: j + 1]).sum(axis=0)
            H[..., : j + 1, j] += np.moveaxis(overlaps, 0, -1)
        length = np.linalg.norm(w, axis=-1)
        done = length <= 1e-14 * np.maximum(before, np.finfo(float).tiny)
        H[..., j + 1, j] = np.where(done, 0, length)
        if done.any() and j + 1 < P:  # the space is invariant: go on in another
            other = np.broadcast_to(rng.normal(size=P), w.shape)
            for _ in range(2):
                overlaps = (basis[: j + 1] * other).sum(axis=-1)
                other = other - (overlaps[..., None] * basis[: j + 1]).sum(axis=0)
            w = np.where(done[..., None], other, w)
            length = np.where(done, np.linalg.norm(other, axis=-1), length)
        basis[j + 1] = w / np.maximum(length, np.finfo(float).tiny)[..., None]
    values, vectors = np.linalg.eig(H[..., :m, :])
    order = np.argsort(-(values.real if which == "rightmost" else abs(values)), axis=-1)[..., :count]
    residuals = abs(H[..., m, m - 1, None] * vectors[..., -1, :])
    taken = np.take_along_axis(values.astype(complex), order, axis=-1)
    return taken, np.take_along_axis(residuals, order, axis=-1)
