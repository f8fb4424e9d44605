"""The two-weight network ``y = w₂ w₁ x`` in closed form: where each start ends, before any simulation.

One input of unit mean square, one hidden unit, one output; target slope ``t``, residual ``e = t - w₁w₂``,
loss
``ℓ = e²/2``, feedback ``b``::

    feedback alignment   ẇ₁ = b e     ẇ₂ = w₁ e        conserves w₁² - 2 b w₂
    backpropagation      ẇ₁ = w₂ e    ẇ₂ = w₁ e        conserves w₁² - w₂²

So a trajectory of feedback alignment is a piece of a parabola, and along it ``w₁`` alone obeys

    ẇ₁ = -(w₁³ - C w₁ - 2bt) / 2        with C = w₁² - 2 b w₂,

a particle sliding down a potential with one valley or two. Whatever can be asked about it has an answer in
closed form.

A state is an array ``w`` of shape ``(..., 2)`` holding ``(w₁, w₂)``; ``t`` and ``b`` are numbers or arrays
that broadcast against its leading axes. With ``b = 0`` nothing reaches ``w₁``: it keeps its value, and
``w₂`` alone learns.

Derived in chapter 4 of the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach import _checks
from fa_teach.fixed_points import NOT_FIXED, STABLE, UNSTABLE
from fa_teach.network import Network

Array = npt.NDArray[Any]

RULES = ("fa", "bp")
ROUNDING = 8 * np.finfo(np.float64).eps  # relative size below which a residual is rounding
TANGENT = 1e-13  # relative size of the cubic's discriminant below which two of its roots count as one


# -- The network and its flow -------------------------------------------------------------------


def residual(w: Any, *, t: Any = 1.0) -> Array:
    """Residual ``e = t - w₁w₂``, shape ``(...)``.

    Examples
    --------
    >>> float(residual([2.0, 1.0], t=3.0))
    1.0
    """
    w1, w2, t, _ = _arguments(w, t, 1.0)
    return np.asarray(t - w1 * w2)


def loss(w: Any, *, t: Any = 1.0) -> Array:
    """Loss ``e²/2``, shape ``(...)``.

    Examples
    --------
    >>> float(loss([2.0, 1.0], t=3.0))
    0.5
    """
    return np.asarray(0.5 * residual(w, t=t) ** 2)


def velocity(w: Any, *, t: Any = 1.0, b: Any = 1.0, rule: str = "fa") -> Array:
    """Velocity ``(ẇ₁, ẇ₂)`` of the flow, which is minus the pseudo-gradient.

    Parameters
    ----------
    w : array, shape ``(..., 2)``
    t, b : float or array
        Target slope and feedback.
    rule : str
        ``"fa"``, or ``"bp"``, which ignores `b`.

    Returns
    -------
    ndarray, shape ``(..., 2)``

    Raises
    ------
    ValueError, TypeError
        For a wrong shape, an unknown rule, NaN or infinity. So do all functions here.

    Examples
    --------
    The origin is a saddle of the loss, where backpropagation stands still; feedback alignment goes through.

    >>> print(velocity([0.0, 0.0], rule="bp"), velocity([0.0, 0.0], rule="fa"))
    [0. 0.] [1. 0.]
    """
    _checks.one_of("rule", rule, RULES)
    w1, w2, t, b = _arguments(w, t, b)
    e = t - w1 * w2
    return np.stack([(b if rule == "fa" else w2) * e, w1 * e], axis=-1)


def jacobian(w: Any, *, t: Any = 1.0, b: Any = 1.0, rule: str = "fa") -> Array:
    """Jacobian of the velocity at any point, shape ``(..., 2, 2)``.

    Its trace is ``-(w₁² + b w₂)`` everywhere, not only at fixed points.

    Examples
    --------
    >>> print(jacobian([1.0, 1.0], t=1.0, b=2.0))
    [[-2. -2.]
     [-1. -1.]]
    """
    _checks.one_of("rule", rule, RULES)
    w1, w2, t, b = _arguments(w, t, b)
    e = t - w1 * w2
    across = -w1 * w2 + e
    first = [-b * w2, -b * w1] if rule == "fa" else [-w2 * w2, across]
    return np.stack([np.stack(row, axis=-1) for row in (first, [across, -w1 * w1])], axis=-2)


def invariant(w: Any, *, b: Any = 1.0, rule: str = "fa") -> Array:
    """Conserved quantity of the flow: ``C = w₁² - 2 b w₂``, or ``w₁² - w₂²`` for ``"bp"``. Shape ``(...)``.

    Examples
    --------
    >>> float(invariant([2.0, 1.0], b=0.5)), float(invariant([2.0, 1.0], rule="bp"))
    (3.0, 3.0)
    """
    _checks.one_of("rule", rule, RULES)
    w1, w2, _, b = _arguments(w, 1.0, b)
    return np.asarray(w1 * w1 - (2 * b * w2 if rule == "fa" else w2 * w2))


def parabola(C: Any, w1: Any, *, b: Any = 1.0) -> Array:
    """Points ``(w₁, (w₁² - C)/2b)`` of the parabola that carries the invariant ``C``.

    Parameters
    ----------
    C, w1, b : float or array
        They broadcast; `b` must not be 0.

    Returns
    -------
    ndarray, shape ``(..., 2)``

    Examples
    --------
    >>> print(parabola(0.0, [-1.0, 0.0, 2.0]))
    [[-1.   0.5]
     [ 0.   0. ]
     [ 2.   2. ]]
    """
    C, w1, b = _together(C=C, w1=w1, b=b)
    _needs_feedback(b)
    return np.stack([w1, (w1 * w1 - C) / (2 * b)], axis=-1)


# -- Alignment ----------------------------------------------------------------------------------


def criterion(w: Any, *, b: Any = 1.0, rule: str = "fa") -> Array:
    """Alignment of the update with the gradient and stability of a fixed point in one number: ``w₁² + b w₂``.

    ``⟨g, u⟩ = e² (w₁² + b w₂)``, and at a fixed point ``-(w₁² + b w₂)`` is the eigenvalue that is not 0.
    Where it is negative, the loss goes up. For ``"bp"`` it is ``w₁² + w₂²``.

    Returns
    -------
    ndarray, shape ``(...)``

    References
    ----------
    Baldi, Sadowski & Lu, Learning in the machine: random backpropagation and the deep learning channel,
    Artificial Intelligence 260 (2018), for the chain of two weights.

    Examples
    --------
    Stable, though the hidden layer's own term ``b w₂`` is negative:

    >>> w = fixed_point(-1.5, t=1.0)
    >>> print(w.round(2), criterion(w, b=1.0).round(2))
    [-1.5  -0.67] 1.58
    """
    _checks.one_of("rule", rule, RULES)
    w1, w2, _, b = _arguments(w, 1.0, b)
    return np.asarray(w1 * w1 + (b * w2 if rule == "fa" else w2 * w2))


def total_alignment(w: Any, *, b: Any = 1.0) -> Array:
    """Signed cosine of the gradient ``-e (w₂, w₁)`` and the update ``-e (b, w₁)``, shape ``(...)``.

    It does not depend on the residual, so it has a limit at a fixed point, where both vectors vanish: that
    is what is returned there. The hidden layer's own cosine is the sign of ``b w₂``. NaN where one of the
    directions is zero.

    Examples
    --------
    >>> print(total_alignment([[1.0, 1.0], [0.1, -2.0], [0.0, 0.0]]).round(3))
    [ 1.    -0.989    nan]
    """
    w1, w2, _, b = _arguments(w, 1.0, b)
    lengths = np.hypot(w1, w2) * np.hypot(w1, b)
    cosine = (w1 * w1 + b * w2) / np.where(lengths > 0, lengths, 1)
    return np.where(lengths > 0, np.clip(cosine, -1, 1), np.nan)


def uphill(w: Any, *, b: Any = 1.0) -> Array:
    """Whether the loss goes up here, if it is not zero: ``w₁² + b w₂ < 0``. Shape ``(...)``.

    The region is the inside of a parabola.

    Examples
    --------
    >>> print(uphill([[0.5, -1.0], [0.5, 1.0]]))
    [ True False]
    """
    return np.asarray(criterion(w, b=b) < 0)


# -- Fixed points and their stability -----------------------------------------------------------


def fixed_point(w1: Any, *, t: Any = 1.0) -> Array:
    """Point ``(w₁, t/w₁)`` of the hyperbola ``w₁w₂ = t``; for ``b ≠ 0`` there are no other fixed points.

    Parameters
    ----------
    w1, t : float or array
        They broadcast.

    Returns
    -------
    ndarray, shape ``(..., 2)``
        NaN where there is no such point (``w₁ = 0`` while ``t ≠ 0``) or not only one (``w₁ = t = 0``: the
        whole axis).

    Examples
    --------
    >>> print(fixed_point([2.0, 0.0, -1.0], t=1.0))
    [[ 2.   0.5]
     [ nan  nan]
     [-1.  -1. ]]
    """
    w1, t = _together(w1=w1, t=t)
    exists = w1 != 0
    w2 = t / np.where(exists, w1, 1)
    return np.where(exists[..., None], np.stack([w1, w2], axis=-1), np.nan)


def fixed_points(C: Any, *, t: Any = 1.0, b: Any = 1.0) -> Array:
    """Find the one, two or three fixed points on the parabola of an invariant.

    They are the real roots of ``w₁³ - C w₁ - 2bt = 0``. Three roots: the outer two are stable, the middle
    one is not.

    Parameters
    ----------
    C, t, b : float or array
        They broadcast; `b` must not be 0.

    Returns
    -------
    ndarray, shape ``(..., 3, 2)``
        By growing ``w₁``. With a single root the other rows are NaN. On the tangent parabola, ``C = 3
        (bt)^(2/3)``, the point of contact comes twice.

    Examples
    --------
    >>> print(fixed_points([0.0, 4.0], t=1.0, b=0.5).round(2) + 0.0)
    [[[ 1.    1.  ]
      [  nan   nan]
      [  nan   nan]]
    <BLANKLINE>
     [[-1.86 -0.54]
      [-0.25 -3.94]
      [ 2.11  0.47]]]
    """
    C, t, b = _together(C=C, t=t, b=b)
    _needs_feedback(b)
    roots = _roots(C, b * t)  # (..., 3): a single root comes as (root, NaN, root)
    roots = np.where(np.isnan(roots[..., 1:2]), [1, np.nan, np.nan] * roots[..., :1], roots)
    return np.stack([roots, _w2(roots, C[..., None], t[..., None], b[..., None])], axis=-1)


@dataclass(frozen=True, eq=False)
class Stability:
    """What the flow and a discrete step do near points. All arrays have the shape of the points.

    Attributes
    ----------
    w : ndarray, shape ``(..., 2)``
    residual : ndarray
        ``e``; zero at a fixed point, unless ``b = w₁ = 0``.
    criterion : ndarray
        ``w₁² + b w₂``.
    eigenvalues : ndarray, shape ``(..., 2)``
        The eigenvalues 0, along the fixed points, and ``-(w₁² + b w₂)``; NaN where the point is not fixed.
    verdict : str or ndarray of str
        ``"stable"``, ``"unstable"``, ``"marginal"`` (where the tangent parabola touches: reached from one
        side and left on the other; to the linear terms alone, undecided) or ``"not a fixed point"``.
    critical_step : ndarray
        The point is stable for steps ``0 < η <`` this, ``2/(w₁² + b w₂)``; 0 where unstable,
        else NaN.
    """

    w: Array
    residual: Array
    criterion: Array
    eigenvalues: Array
    verdict: Any
    critical_step: Array


def stability(w: Any, *, t: Any = 1.0, b: Any = 1.0, rule: str = "fa", tolerance: float = 1e-9) -> Stability:
    """Spectrum and verdict at points, each first tried for being a fixed point.

    Parameters
    ----------
    w : array, shape ``(..., 2)``
    t, b : float or array
    rule : str
        ``"fa"`` or ``"bp"``.
    tolerance : float
        A point counts as fixed if its speed, and as marginal if its criterion, is at most this much of the
        sizes of the terms that cancel in it.

    Returns
    -------
    Stability

    Examples
    --------
    >>> s = stability([[1.0, 1.0], [-0.5, -2.0], [-1.0, -1.0], [0.0, 0.0]], t=1.0, b=1.0)
    >>> for verdict, eigenvalues in zip(s.verdict, s.eigenvalues): print(verdict, eigenvalues)
    stable [ 0. -2.]
    unstable [0.   1.75]
    marginal [ 0. -0.]
    not a fixed point [nan nan]
    """
    tolerance = _checks.number("tolerance", tolerance, low=0.0)
    w1, w2, t, b = _arguments(w, t, b)
    w = np.stack([w1, w2], axis=-1)
    e = t - w1 * w2
    speed = np.linalg.norm(velocity(w, t=t, b=b, rule=rule), axis=-1)
    scale = (abs(t) + abs(w1 * w2)) * np.hypot(w1, b if rule == "fa" else w2)
    fixed = speed <= tolerance * scale
    c = criterion(w, b=b, rule=rule)
    marginal = abs(c) <= tolerance * (w1 * w1 + abs(b * w2 if rule == "fa" else w2 * w2))
    saddle = fixed & (rule == "bp") & (w1 == 0) & (w2 == 0) & (t != 0)  # of the loss: eigenvalues -t and t
    verdict = np.select(
        [~fixed, saddle, marginal, c > 0], [NOT_FIXED, UNSTABLE, "marginal", STABLE], UNSTABLE
    )
    eigenvalues = np.stack([np.where(saddle, -abs(t), 0), np.where(saddle, abs(t), -c)], axis=-1)
    steps = 2 / np.where(c > 0, c, 1)
    return Stability(
        w=w,
        residual=np.asarray(e),
        criterion=c,
        eigenvalues=np.where(fixed[..., None], eigenvalues, np.nan),
        verdict=str(verdict) if verdict.ndim == 0 else verdict,
        critical_step=np.select([verdict == STABLE, verdict == UNSTABLE], [steps, 0.0], np.nan),
    )


def unstable_stretch(*, t: Any = 1.0, b: Any = 1.0) -> Array:
    """Between which two ``w₁`` the hyperbola is unstable: 0 and ``-∛(bt)``.

    For ``bt > 0`` that is on its negative branch, for ``bt < 0`` on the positive one: by symmetry, feedback
    of the wrong sign does not fail, it chooses the other branch. For ``bt = 0`` the stretch is empty. (With
    ``t = 0 ≠ b`` the fixed points are the two axes, and unstable are the points ``w₁ = 0, b w₂ < 0``.)

    Parameters
    ----------
    t, b : float or array

    Returns
    -------
    ndarray, shape ``(..., 2)``
        Lower and upper end.

    Examples
    --------
    >>> print(unstable_stretch(t=[8.0, 8.0, 0.0], b=[1.0, -1.0, 1.0]))
    [[-2.  0.]
     [ 0.  2.]
     [ 0.  0.]]
    """
    t, b = _together(t=t, b=b)
    end = 0.0 - np.cbrt(b * t)
    return np.stack([np.minimum(end, 0), np.maximum(end, 0)], axis=-1)


def tangent_point(*, t: Any = 1.0, b: Any = 1.0) -> Array:
    """Where a parabola touches the hyperbola: ``w₁ = -∛(bt)``, the end of the unstable stretch.

    It is marginal. Its parabola has ``C = 3 (bt)^(2/3)`` and meets the hyperbola once more, at ``w₁ = 2
    ∛(bt)``.

    Parameters
    ----------
    t, b : float or array

    Returns
    -------
    ndarray, shape ``(..., 2)``
        NaN where ``b t = 0``.

    Examples
    --------
    >>> print(tangent_point(t=8.0, b=1.0))
    [-2. -4.]
    """
    t, b = _together(t=t, b=b)
    return fixed_point(np.where(b == 0, 0, 0.0 - np.cbrt(b * t)), t=t)


# -- Where a start ends -------------------------------------------------------------------------


def endpoint(w: Any, *, t: Any = 1.0, b: Any = 1.0) -> Array:
    """Where the flow of feedback alignment ends, without simulating it.

    The parabola through the start meets the hyperbola in one point or in three. With one, the flow ends
    there. With three, the middle one is a watershed: the flow ends at the outer one on the start's side.

    Parameters
    ----------
    w : array, shape ``(..., 2)``
        The starts. One that is a fixed point already, to rounding, stays.
    t, b : float or array

    Returns
    -------
    ndarray, shape ``(..., 2)``
        Always finite: every start ends at a fixed point. With ``b = 0`` it is ``(w₁, t/w₁)``, or the start
        itself, whatever its error, if ``w₁ = 0`` too.

    Examples
    --------
    >>> print(endpoint([[0.0, 0.0], [-2.0, 1.0], [-2.0, -1.0]], t=1.0, b=1.0).round(3))
    [[ 1.26   0.794]
     [ 1.769  0.565]
     [-2.262 -0.442]]
    """
    start = _Start(w, t, b)
    frozen = start.stays | (start.b == 0)
    w2 = np.where(frozen, start.final_w2, _w2(start.end, start.C, start.t, start.b))
    return np.stack([start.end, w2], axis=-1)


def basin(w: Any, *, t: Any = 1.0, b: Any = 1.0) -> Array:
    """Which branch of the hyperbola a start ends on: 1 for ``w₁ > 0``, -1 for ``w₁ < 0``. Shape ``(...)``.

    0 if it ends at ``w₁ = 0``, which happens only with ``b = 0`` or ``t = 0``. See `separatrices` for the
    border.

    Examples
    --------
    >>> print(basin([[0.0, 0.0], [-2.0, -1.0]]))
    [ 1 -1]
    """
    return np.sign(endpoint(w, t=t, b=b)[..., 0]).astype(int)


def goes_uphill(w: Any, *, t: Any = 1.0, b: Any = 1.0) -> Array:
    """Whether the loss goes up at some moment on the way from a start to its end. Shape ``(...)``.

    On a parabola ``w₁² + b w₂ = (3w₁² - C)/2``: the way is uphill where it passes between ``-√(C/3)`` and
    ``√(C/3)``.

    Examples
    --------
    >>> print(goes_uphill([[0.0, 0.0], [-0.4, -2.0]]))
    [False  True]
    """
    start = _Start(w, t, b)
    bound = np.sqrt(np.maximum(start.C, 0) / 3)
    low = np.maximum(np.minimum(start.w1, start.end), -bound)
    high = np.minimum(np.maximum(start.w1, start.end), bound)
    return np.asarray((low < high) & (start.b != 0) & ~start.stays)


@dataclass(frozen=True, eq=False)
class Separatrices:
    """The two curves that make up the border between the basins, each of shape ``(n, 2)``.

    Attributes
    ----------
    arc : ndarray
        Unstable fixed points, from the tangent point outwards.
    parabola : ndarray
        The part of the tangent parabola that runs into the tangent point; for ``t = 0``, all of it.
    """

    arc: Array
    parabola: Array


def separatrices(*, t: float = 1.0, b: float = 1.0, reach: float = 3.0, points: int = 200) -> Separatrices:
    """Border between the basins of the hyperbola's two branches.

    Parameters
    ----------
    t, b : float
        `b` must not be 0.
    reach : float
        The curves are drawn as far as ``|w₁|`` or ``|w₂|`` is at most this; each has at least its tangent
        point.
    points : int
        On each curve, at least 2.

    Returns
    -------
    Separatrices

    Examples
    --------
    >>> s = separatrices(t=1.0, b=1.0)
    >>> print(s.arc[[0, -1]].round(2))
    [[-1.   -1.  ]
     [-0.33 -3.  ]]
    """
    t, b = _checks.number("t", t), _checks.number("b", b)
    reach = _checks.number("reach", reach, low=0.0, open_low=True)
    points = _checks.integer("points", points, low=2)
    _needs_feedback(np.asarray(b))
    touch = 0.0 - np.cbrt(b * t)
    C = 3 * touch * touch
    if t == 0:
        arc = np.stack([np.zeros(points), -np.sign(b) * np.linspace(0, reach, points)], axis=-1)
        return Separatrices(arc, parabola(0.0, np.linspace(-reach, reach, points), b=b))
    last = np.sign(touch) * min(abs(touch), abs(t) / reach)
    far = np.sign(touch) * max(abs(touch), reach)
    arc = fixed_point(np.geomspace(touch, last, points), t=t)
    return Separatrices(arc, parabola(C, np.linspace(far, touch, points), b=b))


# -- When it gets there -------------------------------------------------------------------------


def time_to(w: Any, w1: Any, *, t: Any = 1.0, b: Any = 1.0) -> Array:
    """Time that the flow of feedback alignment takes from a start until its first weight has a given value.

    ``∫ dw₁/ẇ₁`` by partial fractions: ``Σ ln((w₁ - r)/(w₁⁰ - r)) / (C/2 - 3r²/2)`` over the three roots
    ``r``, real or complex, of ``w₁³ - C w₁ - 2bt``.

    Parameters
    ----------
    w : array, shape ``(..., 2)``
        Starts.
    w1 : float or array
        Values to be reached.
    t, b : float or array

    Returns
    -------
    ndarray, shape ``(...)``
        NaN where the value does not lie on the way, infinity at its end: a fixed point is reached only in
        the limit.

    Examples
    --------
    >>> print(time_to([0.0, 0.0], [0.0, 1.0, 1.259, 1.5]).round(3))
    [0.    1.181 3.644   nan]
    """
    start = _Start(w, t, b, w1=w1)
    target = start.extra
    d0 = start.w1 - start.end
    d = target - start.end
    here = target == start.w1
    moving = ~start.stays & (start.b != 0) & (d0 != 0)
    safe = np.where(moving, d0, 1)
    between = moving & (d / safe > 0) & (d / safe <= 1)
    sigma = -np.log(np.where(between, d / safe, 1))
    time = np.where(between, start.elapsed(sigma), np.nan)
    time = np.where(moving & (d == 0), np.inf, time)
    return np.where(here, 0.0, time)


def trajectory(w: Any, times: Any, *, t: Any = 1.0, b: Any = 1.0) -> Array:
    """States of the flow of feedback alignment at given times, from the closed form: no step size, no solver.

    Time is known as a function of ``w₁`` (see `time_to`), which moves in one direction; it is inverted by
    bisection.

    Parameters
    ----------
    w : array, shape ``(..., 2)``
        Starts.
    times : array, shape ``(n,)``
        Not negative.
    t, b : float or array

    Returns
    -------
    ndarray, shape ``(..., n, 2)``

    Examples
    --------
    >>> print(trajectory([0.0, 0.0], [0.0, 1.0, 2.0, 100.0]).round(3))
    [[0.    0.   ]
     [0.897 0.402]
     [1.215 0.739]
     [1.26  0.794]]
    """
    times = _checks.numbers("times", times, low=0.0).astype(np.float64)
    if times.ndim != 1:
        raise ValueError(f"times must have shape (n,); got {times.shape}.")
    _arguments(w, t, b)
    start = _Start(np.asarray(w)[..., None, :], _column(t), _column(b))
    lead = (*start.w1.shape[:-1], times.size)
    low = np.zeros(lead)  # w₁ = end + (start - end) e^(-σ)
    high = np.full(lead, 690.0)  # e⁶⁹⁰ is still a number
    for _ in range(64):
        middle = (low + high) / 2
        early = start.elapsed(middle) < times
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    sigma = np.where(times > 0, (low + high) / 2, 0)
    w1 = start.w1 + (start.w1 - start.end) * np.expm1(-sigma)
    still = start.stays | (start.b == 0)
    fed = np.where(start.b == 0, 1, start.b)
    w2 = start.w2 + (w1 - start.w1) * (w1 + start.w1) / (2 * fed)
    alone = start.w2 + (start.final_w2 - start.w2) * -np.expm1(-start.w1 * start.w1 * times)  # b = 0
    return np.stack(np.broadcast_arrays(np.where(still, start.w1, w1), np.where(still, alone, w2)), axis=-1)


@dataclass(frozen=True, eq=False)
class Path:
    """The way of a flow, from closed forms.

    Attributes
    ----------
    w : ndarray, shape ``(..., points, 2)``
        From the start to the fixed point where the flow ends.
    time : ndarray, shape ``(..., points)``
        When the flow is there, 0 to infinity: a fixed point is reached only in the limit.
    """

    w: Array
    time: Array


def path(w: Any, *, t: Any = 1.0, b: Any = 1.0, rule: str = "fa", points: int = 64) -> Path:
    """Find the whole way from a start to its end, with the time at each of its points: a path to draw.

    The points lie close together near both ends, where the flow may be slow. Time comes from integrals in
    closed form: for feedback alignment that of `time_to`; for ``"bp"``, where ``K = w₁² - w₂²`` is conserved
    and ``p = w₁w₂`` obeys ``ṗ = (t - p) √(K² + 4p²)``, the integral of ``dp/ṗ``.

    Parameters
    ----------
    w : array, shape ``(..., 2)``
        Starts. One that is a fixed point already, to rounding, stays.
    t, b : float or array
    rule : str
        ``"fa"``, or ``"bp"``, which ignores `b`.
    points : int
        At least 3.

    Returns
    -------
    Path

    References
    ----------
    Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks (2014), for the flow of backpropagation.

    Examples
    --------
    >>> fa, bp = (path([-2.0, 1.0], t=1.0, rule=rule) for rule in ("fa", "bp"))
    >>> print(fa.w[-1].round(2), bp.w[-1].round(2), fa.time[[0, -1]])
    [1.77 0.57] [-1.82 -0.55] [ 0. inf]
    """
    _checks.one_of("rule", rule, RULES)
    points = _checks.integer("points", points, low=3)
    _arguments(w, t, b)
    tail = np.geomspace(1e-3, 1, points // 6, endpoint=False)
    even = np.linspace(0, 1, points - 2 * tail.size)
    step = even[1]
    share = np.concatenate([[0.0], step * tail, even[1:-1], 1 - step * tail[::-1], [1.0]])  # of the way
    left = np.concatenate([[1.0], 1 - step * tail, 1 - even[1:-1], step * tail[::-1], [0.0]])
    with np.errstate(divide="ignore"):
        sigma = -np.log(left)
    start = _Start(np.asarray(w)[..., None, :], _column(t), _column(b))
    w1, w2, time = (_way_of_bp if rule == "bp" else _way_of_fa)(start, share, sigma)
    time = np.where(sigma == np.inf, np.inf, np.where(sigma == 0, 0.0, time))
    w1, w2 = np.where(share == 0, start.w1, w1), np.where(share == 0, start.w2, w2)
    return Path(np.stack(np.broadcast_arrays(w1, w2), axis=-1), np.broadcast_to(time, np.shape(w1)))


def _way_of_fa(start: _Start, share: Array, sigma: Array) -> tuple[Array, Array, Array]:
    """``w₁``, ``w₂`` and time at shares of the way of ``w₁``; without feedback, of the way of ``w₂``."""
    finite = np.where(np.isinf(sigma), 1.0, sigma)
    alone = start.stays | (start.b == 0)
    w1 = np.where(alone, start.w1, start.w1 + (start.end - start.w1) * share)
    last = np.where(alone, start.final_w2, _w2(start.end, start.C, start.t, start.b))
    fed = np.where(start.b == 0, 1, start.b)
    w2 = start.w2 + (w1 - start.w1) * (w1 + start.w1) / (2 * fed)
    w2 = np.where(alone, start.w2 + (last - start.w2) * share, np.where(share == 1, last, w2))
    slow = finite / np.where(start.stays | (start.w1 == 0), 1, start.w1**2)
    return w1, w2, np.where(alone, slow, start.elapsed(finite))


def _way_of_bp(start: _Start, share: Array, sigma: Array) -> tuple[Array, Array, Array]:
    """Find ``w₁``, ``w₂`` and time at shares of the way of ``p = w₁w₂``."""
    p0, t = start.w1 * start.w2, start.t
    K = start.w1**2 - start.w2**2
    to_saddle = (K == 0) & (p0 * t <= 0)  # the two lines that run into the origin
    end = np.where(abs(t - p0) <= ROUNDING * (abs(t) + abs(p0)), p0, np.where(to_saddle, 0.0, t))
    p = p0 + (end - p0) * share
    sum_of_squares = np.sqrt(K * K + 4 * p * p)  # w₁² + w₂²
    large = np.sqrt((abs(K) + sum_of_squares) / 2)
    first = K >= 0  # the larger weight never changes its sign
    large = np.copysign(large, np.where(first, start.w1, start.w2))
    small = np.where(K == 0, np.copysign(large, p * large), p / np.where(large == 0, 1, large))
    w1, w2 = np.where(first, large, small), np.where(first, small, large)

    at_end = np.sqrt(K * K + 4 * t * t)

    def log_of(p: Array, squares: Array) -> Array:
        plain = K * K + 4 * t * p
        above = at_end * squares
        numerator = np.where(plain >= 0, above + plain, 4 * K * K * (t - p) ** 2 / (above - plain))
        return np.asarray(np.log(numerator / abs(t - p)))

    with np.errstate(divide="ignore", invalid="ignore"):
        time = (log_of(p, sum_of_squares) - log_of(p0, np.sqrt(K * K + 4 * p0 * p0))) / at_end
        down = np.log(abs((t - p) * p0) / abs((t - p0) * p)) / (2 * abs(t))
        down = np.where(t == 0, (1 / abs(p) - 1 / abs(p0)) / 2, down)
    time = np.where(to_saddle, down, time)
    return w1, w2, np.where(end == p0, np.where(np.isinf(sigma), 1.0, sigma), time)


# -- Into the library's own terms ---------------------------------------------------------------


def as_network(w: Any) -> Network:
    """Turn states into networks of the general library: 1-1-1, identity, no biases; parameters ``(w₁, w₂)``.

    Its data are the single sample ``x = [[1.0]]``, ``t = [[t]]``, its feedback ``([[b]],)``.

    Examples
    --------
    >>> as_network([[2.0, 1.0], [0.5, 1.0]])
    Network(1-1-1, identity, squared, 2 parameters, ensemble (2,))
    """
    w1, w2, *_ = _arguments(w, 1.0, 1.0)
    return Network((w1[..., None, None].copy(), w2[..., None, None].copy()), (), ("identity",))


# -- The machinery ------------------------------------------------------------------------------


class _Start:
    """Starts with their parabolas' roots: where they end and how long they take."""

    def __init__(self, w: Any, t: Any, b: Any, w1: Any = 0.0) -> None:
        self.w1, self.w2, self.t, self.b, self.extra = _arguments(w, t, b, w1=w1)
        e = self.t - self.w1 * self.w2
        self.stays = abs(e) <= ROUNDING * (abs(self.t) + abs(self.w1 * self.w2))
        self.stays |= (self.w1 == 0) & (self.b == 0)
        self.C = self.w1 * self.w1 - 2 * self.b * self.w2
        self.roots = _roots(self.C, self.b * self.t)
        lower, middle, upper = np.moveaxis(self.roots, -1, 0)
        self.goes_up = self.w1 > middle  # with one root, all three comparisons lead to it
        self.end = np.where(self.goes_up, upper, lower)
        self.end = np.where(self.stays | (self.b == 0), self.w1, self.end)

    @property
    def final_w2(self) -> Array:
        """``w₂`` at the end of a start whose ``w₁`` does not move."""
        moves = ~self.stays
        return np.where(moves, self.t / np.where(self.w1 == 0, 1, self.w1), self.w2)

    def elapsed(self, sigma: Array) -> Array:
        """Time until ``w₁ = end + (start - end) e^(-σ)``; partial fractions, one term for each root."""
        lower, middle, upper = np.moveaxis(self.roots, -1, 0)
        one = np.isnan(middle)
        half = -lower / 2  # the pair of complex roots is half ± i·side
        side = np.sqrt(np.maximum(3 * lower * lower - 4 * self.C, 0)) / 2
        others = np.where(self.goes_up, lower, upper)
        first = np.where(one, half + 1j * side, others)
        second = np.where(one, half - 1j * side, middle)
        gone = (self.w1 - self.end) * np.expm1(-sigma)  # w₁ - start

        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            time = sigma / _slope(self.end, self.C)
            for root in (first, second):
                time = time + (np.log1p(gone / (self.w1 - root)) / -_slope(root, self.C)).real
            double = lower == middle, middle == upper
            touch = np.where(double[0], lower, upper)
            away = np.where(double[0], upper, lower)
            time = np.where(double[0] | double[1], self._elapsed_tangent(sigma, gone, touch, away), time)
        return np.asarray(time)

    def _elapsed_tangent(self, sigma: Array, gone: Array, r: Array, s: Array) -> Array:
        """Elapsed time on a parabola that touches the hyperbola at ``r`` and crosses it at ``s``."""
        at_r = self.end == r
        d = self.w1 - r
        now = np.where(at_r, d * np.exp(-sigma), d + gone)
        approach = 1 / now - 1 / d
        log_r = np.where(at_r, -sigma, np.log1p(gone / d))
        log_s = np.where(at_r, np.log1p(gone / (self.w1 - s)), -sigma)
        time = -2 * ((log_s - log_r) / (s - r) ** 2 - approach / (r - s))
        triple = 1 / now**2 - 1 / d**2
        return np.where(r == s, triple, time)


def _slope(r: Array, C: Array) -> Array:
    """Criterion ``w₁² + b w₂`` on the parabola ``C``: minus the slope of ``ẇ₁ = -(w₁³ - C w₁ - 2bt)/2``."""
    return np.asarray((3 * r * r - C) / 2)


def _roots(C: Array, bt: Array) -> Array:
    """Real roots of ``r³ - C r - 2bt``, growing, shape ``(..., 3)``; one alone as ``(root, NaN, root)``."""
    cube, square = C**3, 27 * bt * bt
    gap = cube - square
    tangent = abs(gap) <= TANGENT * (abs(cube) + square)
    three = (gap > 0) & ~tangent

    # Cardano where there is one root; the sum under the cube root has terms of one sign only
    under = np.sqrt(np.where(three, 0, np.maximum(-gap, 0)) / 27)
    u = np.cbrt(bt + np.copysign(under, bt))
    single = _polish(u + C / (3 * np.where(u == 0, 1, u)), C, bt)

    # Viète where there are three
    radius = np.sqrt(np.where(three, C, 3) / 3)
    turn = np.arccos(np.clip(np.where(three, bt, 0) / radius**3, -1, 1)) / 3
    viete = [2 * radius * np.cos(turn - 2 * np.pi * k / 3) for k in (2, 1, 0)]
    lower, middle, upper = (_polish(root, C, bt) for root in viete)

    touch, across = 0.0 - np.cbrt(bt), 2 * np.cbrt(bt)
    nothing = np.full_like(single, np.nan)
    picks = [
        np.where(tangent, np.minimum(touch, across), np.where(three, lower, single)),
        np.where(tangent, touch, np.where(three, middle, nothing)),
        np.where(tangent, np.maximum(touch, across), np.where(three, upper, single)),
    ]
    return np.stack(picks, axis=-1)


def _polish(r: Array, C: Array, bt: Array) -> Array:
    """Newton's method takes off what rounding left."""
    for _ in range(3):
        slope = 3 * r * r - C
        r = r - np.where(slope == 0, 0, ((r * r - C) * r - 2 * bt) / np.where(slope == 0, 1, slope))
    return r


def _w2(w1: Array, C: Array, t: Array, b: Array) -> Array:
    """``w₂`` at a root, from the hyperbola or from the parabola, whichever loses fewer digits."""
    by_hyperbola = t / np.where(w1 == 0, 1, w1)
    by_parabola = (w1 * w1 - C) / (2 * np.where(b == 0, 1, b))
    return np.where(3 * w1 * w1 > abs(C), by_hyperbola, by_parabola)


def _arguments(w: Any, t: Any, b: Any, **more: Any) -> tuple[Array, ...]:
    """``w₁, w₂, t, b`` and others, checked and broadcast."""
    w = _checks.real_array("w", w)
    if w.ndim == 0 or w.shape[-1] != 2:
        raise ValueError(f"w must have shape (..., 2), for (w₁, w₂); got {w.shape}.")
    rest = _together(w=w[..., 0], t=t, b=b, **more)
    w2 = np.broadcast_to(w[..., 1].astype(np.float64), rest[0].shape)
    return rest[0], w2, *rest[1:]


def _together(**values: Any) -> tuple[Array, ...]:
    """Finite numbers of shapes that broadcast."""
    arrays = {name: _checks.numbers(name, value).astype(np.float64) for name, value in values.items()}
    try:
        return tuple(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        names = ", ".join(arrays)
        raise ValueError(f"{names} must broadcast against each other; got shapes {shapes}.") from None


def _column(value: Any) -> Any:
    """Give a parameter an axis for the times."""
    return np.asarray(value)[..., None] if np.ndim(value) else value


def _needs_feedback(b: Array) -> None:
    if (b == 0).any():
        raise ValueError(
            "b must not be 0 here, since without feedback w₁ never moves and there are no parabolas; got b = 0."
        )
