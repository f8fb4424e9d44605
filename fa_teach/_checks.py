"""Checks at the door: one clear sentence naming the argument, what was expected and what came."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def shown(value: object) -> str:
    """What came, in a few words on one line: a long repr, as an array's, is replaced by type and shape."""
    text = repr(value)
    if len(text) <= 60 and "\n" not in text:
        return text
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__}" if shape is None else f"{type(value).__name__} of shape {shape}"


def one_of(name: str, value: object, options: Collection[str]) -> None:
    """Refuse a name that is not among the options."""
    if not isinstance(value, str) or value not in options:
        known = ", ".join(repr(option) for option in options)
        raise ValueError(f"{name} must be one of {known}; got {shown(value)}.")


def number(
    name: str,
    value: Any,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    open_low: bool = False,
) -> float:
    """A finite real number in a range, as a float."""
    try:
        # float("1") would pass, float(None) does not
        result = float(None if isinstance(value, str) else value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} must be a number; got {shown(value)}.") from None
    low_ok = result > low if open_low else result >= low
    if not (np.isfinite(result) and low_ok and result <= high):
        raise ValueError(f"{name} must be {_range(low, high, open_low)}; got {shown(value)}.")
    return result


def numbers(
    name: str, value: Any, *, low: float = -np.inf, high: float = np.inf, open_low: bool = False
) -> Array:
    """An array (or a single number) of finite reals in a range."""
    result = real_array(name, value)
    low_ok = result > low if open_low else result >= low
    bad = ~(low_ok & (result <= high))
    if bad.any():
        wrong = result[bad].flat[0] if result.ndim else result[()]
        raise ValueError(f"{name} must be {_range(low, high, open_low)}; got {wrong:g}.")
    return result


def integer(name: str, value: int, *, low: int | None = None, high: int | None = None) -> int:
    """A whole number in a range, as an int."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number; got {shown(value)}.")
    if (low is not None and value < low) or (high is not None and value > high):
        above = np.inf if high is None else high
        want = f"at least {low}" if np.isinf(above) else _range(-np.inf if low is None else low, above, False)
        raise ValueError(f"{name} must be {want}; got {shown(value)}.")
    return int(value)


def flag(name: str, value: bool) -> bool:
    """Check that a value is True or False, and nothing that merely counts as such."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {shown(value)}.")
    return bool(value)


def seeds(name: str, value: Any) -> Array:
    """One seed or an array of seeds, as an integer array."""
    try:
        result = np.asarray(value)
    except ValueError:  # rows of different lengths
        result = np.array(None)
    if result.dtype.kind not in "iu" or result.size == 0:
        raise TypeError(f"{name} must be a whole number or an array of them; got {shown(value)}.")
    if (result < 0).any():
        raise ValueError(f"{name} must not be negative; got {int(result.min())}.")
    return result


def items(name: str, value: Any, what: str) -> list[Any]:
    """What a sequence holds; a single thing in its place is refused."""
    if not isinstance(value, str):  # its letters are no items
        with suppress(TypeError):
            return list(value)
    raise TypeError(f"{name} must be a sequence of {what}; got {shown(value)}.")


def function(name: str, value: object) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function; got {shown(value)}.")


def real_array(name: str, value: Any, *, dtype: Any = None) -> Array:
    """A finite array of real numbers."""
    try:
        result = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError):
        what = "rows of different lengths" if isinstance(value, list | tuple) else shown(value)
        raise TypeError(f"{name} must be an array of numbers; got {what}.") from None
    if result.dtype.kind not in "fiub":
        what = f"dtype {result.dtype}" if isinstance(value, np.ndarray) else shown(value)
        raise TypeError(f"{name} must hold real numbers; got {what}.")
    if not np.isfinite(result).all():
        if result.ndim == 0:
            raise ValueError(f"{name} must be finite; got {result}.")
        bad = int((~np.isfinite(result)).sum())
        raise ValueError(f"{name} must be finite; got {bad} NaN or infinite of {result.size} values.")
    return result


def broadcast(name: str, shape: tuple[int, ...], to: tuple[int, ...]) -> None:
    """Refuse leading axes that do not broadcast to the ensemble's."""
    try:
        fits = np.broadcast_shapes(shape, to) == to
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must broadcast to the ensemble's shape {to}; got shape {shape}.")


def matching(name: str, shape: tuple[int, ...], other: tuple[int, ...]) -> None:
    """Refuse a shape that does not broadcast with the ensemble's, in either direction."""
    try:
        np.broadcast_shapes(shape, other)
    except ValueError:
        raise ValueError(
            f"{name} must broadcast with the ensemble's shape {other}; got shape {shape}."
        ) from None


def _range(low: float, high: float, open_low: bool) -> str:
    above = "greater than" if open_low else "at least"
    if np.isinf(low) and np.isinf(high):
        return "finite"
    if np.isinf(high):
        return f"finite and {above} {low:g}"
    if np.isinf(low):
        return f"at most {high:g}"
    return f"{above} {low:g} and at most {high:g}"
