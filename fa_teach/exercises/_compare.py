"""Compare what a function gave with what was expected, and say in words how the two differ."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
LARGEST = 100_000_000  # bytes of an answer that is still looked at


@dataclass(frozen=True)
class Odd:
    """Stands for a value that is no number, array or collection of them."""

    what: str
    text: str = ""  # what a string says: two of them are equal if they say the same


def freeze(value: Any) -> Any:
    """A copy of a value in arrays, tuples and dicts, which nobody can change afterwards; `Odd` for anything else."""
    try:
        if isinstance(value, str | bytes):
            return Odd(type(value).__name__, repr(value))
        if isinstance(value, dict):
            return {key: freeze(item) for key, item in value.items()}
        if isinstance(value, tuple):
            return tuple(freeze(item) for item in value)
        if isinstance(value, list) and not _numeric(value):
            return tuple(freeze(item) for item in value)
        array = np.array(value)
        if array.dtype.kind in "fiubc" and array.nbytes <= LARGEST:
            return array
    except Exception:  # noqa: BLE001 # the value is a stranger: its own methods may raise anything
        return Odd(type(value).__name__)
    return Odd(type(value).__name__)


def _numeric(value: list[Any]) -> bool:
    try:
        return np.asarray(value).dtype.kind in "fiubc"
    except ValueError:  # rows of different lengths
        return False


def difference(got: Any, want: Any, *, rtol: float, atol: float = 0.0) -> str | None:
    """None if two frozen values agree, else a sentence that says how they differ.

    Numbers agree within ``atol`` plus ``rtol`` times the largest expected entry.
    """
    if isinstance(want, Odd):
        return None if got == want else f"it gave {_what(got)}, expected {_what(want)}"
    if isinstance(want, dict):
        return _of_dicts(got, want, rtol=rtol, atol=atol)
    if isinstance(want, tuple):
        return _of_tuples(got, want, rtol=rtol, atol=atol)
    if isinstance(got, tuple) and got and all(isinstance(item, np.ndarray) for item in got):
        got = np.stack(got) if len({item.shape for item in got}) == 1 else got
    if not isinstance(got, np.ndarray):
        return f"it gave {_what(got)}, expected {_what(want)}"
    if got.shape != want.shape and not (want.ndim == 0 and got.size == 1):
        turned = want.ndim == 2 and got.shape == want.shape[::-1]
        return f"it gave {_what(got)}, expected {_what(want)}" + (": the transpose?" if turned else "")
    return _of_arrays(got.reshape(want.shape), want, rtol=rtol, atol=atol)


def _of_dicts(got: Any, want: dict[Any, Any], **tolerance: float) -> str | None:
    if not isinstance(got, dict):
        return f"it gave {_what(got)}, expected {_what(want)}"
    if set(got) != set(want):
        return f"its keys are {sorted(map(str, got))}, expected {sorted(map(str, want))}"
    for key, item in want.items():
        found = difference(got[key], item, **tolerance)
        if found:
            return f"at {key!r}, {found}"
    return None


def _of_tuples(got: Any, want: tuple[Any, ...], **tolerance: float) -> str | None:
    if isinstance(got, np.ndarray) and got.ndim:
        got = tuple(np.asarray(item) for item in got)  # numbers, too, stay arrays
    if not isinstance(got, tuple) or len(got) != len(want):
        return f"it gave {_what(got)}, expected {len(want)} things: {_what(want)}"
    for i, (one, other) in enumerate(zip(got, want, strict=True)):
        found = difference(one, other, **tolerance)
        if found:
            return found if len(want) == 1 else f"in item {i} of what it returns, {found}"
    return None


def _of_arrays(got: Array, want: Array, *, rtol: float, atol: float) -> str | None:
    if want.dtype.kind == "b":
        return _of_truth_values(got, want)
    got = got.astype(np.int64) if got.dtype.kind == "b" else got  # truth values have no sign
    finite = want[np.isfinite(want)]
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    allowed = atol + rtol * largest
    if _agree(got, want, allowed):
        return None
    if not np.isfinite(got[np.isfinite(want)]).all():
        return "it holds NaN or infinity where a finite number is expected"
    if np.isnan(want).any() and not np.isnan(got[np.isnan(want)]).all():
        return "it holds a number where NaN is expected"
    if _agree(-got, want, allowed):
        return "every number has the wrong sign"
    factor = _common_factor(got, want)
    if factor is not None and _agree(got / factor, want, allowed):
        if f"{factor:.3g}" == "1":
            return f"close, but not the exact value: off by {abs(factor - 1):.1g} of it"
        return f"every number is {factor:.3g} times the expected one"
    worst = np.unravel_index(np.argmax(np.abs(np.where(np.isnan(want), 0, got - want))), want.shape)
    return f"{_where(worst)} is {_number(got[worst])}, expected {_number(want[worst])}"


def _of_truth_values(got: Array, want: Array) -> str | None:
    """1 and 0 count as True and False; any other number is neither."""
    wrong = got != want
    if not wrong.any():
        return None
    first = np.unravel_index(np.argmax(wrong), want.shape)
    if got[first] in (0, 1):
        return f"{_where(first)} is {bool(got[first])}, expected {want[first]}"
    return f"{_where(first)} is {_number(got[first])}, expected the truth value {want[first]}"


def _where(place: tuple[Any, ...]) -> str:
    return f"entry [{', '.join(map(str, place))}]" if place else "it"


def _agree(got: Array, want: Array, allowed: float) -> bool:
    unknown = np.isnan(want)
    if not np.array_equal(np.isnan(got), unknown):
        return False
    same = (got == want) | unknown  # infinities are equal to themselves
    with np.errstate(invalid="ignore"):
        return bool((same | (np.abs(got.astype(complex) - want) <= allowed)).all())


def _common_factor(got: Array, want: Array) -> float | None:
    clear = np.isfinite(want) & (np.abs(want) > 0)
    if not clear.any() or np.iscomplexobj(got):
        return None
    place = np.unravel_index(np.argmax(np.abs(np.where(clear, want, 0))), want.shape)
    factor = float((got[place] / want[place]).real)
    return factor if np.isfinite(factor) and factor != 0 else None


def _number(value: Any) -> str:
    return f"{value:.4g}"


def _what(value: Any) -> str:
    if isinstance(value, np.ndarray):
        kind = {"c": "complex number", "b": "truth value"}.get(value.dtype.kind, "number")
        return f"an array of shape {value.shape}" if value.ndim else f"one {kind}"
    if isinstance(value, tuple):
        return f"({', '.join(_what(item) for item in value[:6])})"
    if isinstance(value, dict):
        return f"a dict with the keys {sorted(map(str, value))}"
    if value.text:
        return f"the text {value.text if len(value.text) <= 40 else value.text[:40] + '…'}"
    article = "an" if value.what[:1].lower() in "aeiou" else "a"
    return f"{article} {value.what}"


# -- Arguments ----------------------------------------------------------------------------------


def arrays_in(value: Any) -> Iterator[Array]:
    """All arrays inside an argument: of a network, a list of matrices, an array itself."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_in(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield from arrays_in(getattr(value, item.name))


def changed(argument: Any, original: Any) -> bool:
    """Whether the arrays inside an argument are no longer what they were."""
    now, then = list(arrays_in(argument)), list(arrays_in(original))
    same = len(now) == len(then) and all(
        a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        for a, b in zip(now, then, strict=True)
    )
    return not same


def duplicate(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """A copy of arguments that shares no array with them."""
    return copy.deepcopy(arguments)


def is_single_precision(arguments: tuple[Any, ...]) -> bool:
    """Whether any array among the arguments is float32 (or less): answers are then less exact."""
    return any(a.dtype.kind == "f" and a.dtype.itemsize < 8 for a in arrays_in(arguments))
