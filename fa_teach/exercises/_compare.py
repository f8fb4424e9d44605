"""Compare what a function gave with what was expected, and say in words how the two differ."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
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


NOTHING = Odd("NoneType")  # what a function without `return` gives


class Listed(tuple[Any, ...]):
    """A frozen list, for words: in all else it is as good as a tuple."""

    __slots__ = ()


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
            return Listed(freeze(item) for item in value)
        array = np.array(value)
        if array.dtype.kind in "fiubc" and array.nbytes <= LARGEST:
            return array
    except Exception:  # noqa: BLE001 # the value is a stranger: its own methods may raise anything
        return Odd(type(value).__name__)
    return Odd(type(value).__name__)


def _numeric(value: list[Any]) -> bool:
    """Whether a list is an array written out; a list *of* arrays stays a list."""
    if any(isinstance(item, np.ndarray) and item.ndim for item in value):
        return False
    try:
        return np.asarray(value).dtype.kind in "fiubc"
    except ValueError:  # rows of different lengths
        return False


def difference(got: Any, want: Any, *, rtol: float, atol: float = 0.0) -> str | None:
    """None if two frozen values agree, else a sentence that says how they differ.

    Numbers agree within ``atol`` plus ``rtol`` times the largest expected entry.
    """
    if isinstance(want, Odd):
        return None if got == want else _instead(got, want)
    if isinstance(want, dict):
        return _of_dicts(got, want, rtol=rtol, atol=atol)
    if isinstance(want, tuple):
        return _of_tuples(got, want, rtol=rtol, atol=atol)
    array = _as_one_array(got)
    if array is None:
        return _instead(got, want)
    if not _fits(array, want):
        turned = want.ndim == 2 and array.shape == want.shape[::-1]
        return _instead(got, want) + (": the transpose?" if turned else "")
    return _of_arrays(array.reshape(want.shape), want, rtol=rtol, atol=atol)


def _instead(got: Any, want: Any) -> str:
    return f"it gave {describe(got)}, expected {describe(want)}"


def _as_one_array(got: Any) -> Array | None:
    """An answer where one array is expected: a list of its rows will do."""
    if isinstance(got, tuple) and got and all(isinstance(item, np.ndarray) for item in got):
        return np.stack(got) if len({item.shape for item in got}) == 1 else None
    return got if isinstance(got, np.ndarray) else None


def _as_things(got: Any, want: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """An answer where several things are expected: an array will do if its rows are such things."""
    if isinstance(got, np.ndarray) and got.ndim:
        got = tuple(np.asarray(item) for item in got)  # numbers, too, stay arrays
        pairs = zip(got, want, strict=False)
        if any(isinstance(other, np.ndarray) and not _fits(one, other) for one, other in pairs):
            return None
    return got if isinstance(got, tuple) and len(got) == len(want) else None


def _fits(got: Array, want: Array) -> bool:
    return got.shape == want.shape or (want.ndim == 0 and got.size == 1)


def _of_dicts(got: Any, want: dict[Any, Any], **tolerance: float) -> str | None:
    if not isinstance(got, dict):
        return _instead(got, want)
    if set(got) != set(want):
        return f"its keys are {sorted(map(str, got))}, expected {sorted(map(str, want))}"
    for key, item in want.items():
        found = difference(got[key], item, **tolerance)
        if found:
            return f"at {key!r}, {found}"
    return None


def _of_tuples(got: Any, want: tuple[Any, ...], **tolerance: float) -> str | None:
    things = _as_things(got, want)
    if things is None:
        return _instead(got, want)
    for i, (one, other) in enumerate(zip(things, want, strict=True)):
        found = difference(one, other, **tolerance)
        if found and _reordered(things, want, **tolerance):
            return "it gave the right things in the wrong order"
        if found:
            return found if len(want) == 1 else f"in item {i} of what it returns, {found}"
    return None


def _reordered(got: tuple[Any, ...], want: tuple[Any, ...], **tolerance: float) -> bool:
    """Whether one is the other in another order. Whole numbers and truth values are too easily so by chance."""
    if not all(isinstance(item, np.ndarray) and item.dtype.kind in "fc" for item in want):
        return False
    return _pairs_off(got, want, lambda one, other: difference(one, other, **tolerance) is None)


def _rows_reordered(got: Array, want: Array, allowed: float) -> bool:
    if want.dtype.kind not in "fc" or len(want) > 100:
        return False
    return _pairs_off(got, want, lambda one, other: _agree(one, other, allowed))


def _pairs_off(got: Iterable[Any], want: Iterable[Any], same: Callable[[Any, Any], bool]) -> bool:
    """Whether for each thing that is expected there is one of its own among those that came."""
    left = list(got)
    for item in want:
        place = next((i for i, one in enumerate(left) if same(one, item)), None)
        if place is None:
            return False
        del left[place]
    return True


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
    factor = _common_factor(got, want, allowed)
    if factor is not None and f"{factor:.3g}" == "1":
        return f"close, but not the exact value: off by {abs(factor - 1):.1g} of it"
    if factor is not None and want.size > 1:  # of one number, any other is some multiple
        said = "has the wrong sign" if factor == -1 else f"is {factor:.3g} times the expected one"
        return f"every number {said}"
    if want.ndim and _rows_reordered(got, want, allowed):
        return f"it gave the right {'numbers' if want.ndim == 1 else 'rows'} in the wrong order"
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


def _common_factor(got: Array, want: Array, allowed: float) -> float | None:
    """The number by which all that is expected was multiplied, if there is one."""
    clear = np.isfinite(want) & (np.abs(want) > 0)
    if _agree(-got, want, allowed):
        return -1.0
    if not clear.any() or np.iscomplexobj(got):
        return None
    place = np.unravel_index(np.argmax(np.abs(np.where(clear, want, 0))), want.shape)
    factor = float((got[place] / want[place]).real)
    usable = np.isfinite(factor) and factor != 0
    return factor if usable and _agree(got / factor, want, allowed) else None


def _number(value: Any) -> str:
    return f"{value:.4g}"


def describe(value: Any) -> str:
    """What a frozen value is, in words: "an array of shape (3, 4)", "a list of 2 (each one number)"."""
    if isinstance(value, np.ndarray):
        kind = {"c": "complex number", "b": "truth value"}.get(value.dtype.kind, "number")
        return f"an array of shape {value.shape}" if value.ndim else f"one {kind}"
    if isinstance(value, tuple):
        kind = f"a list of {len(value)}" if isinstance(value, Listed) else f"{len(value)} things"
        kind = "1 thing" if kind == "1 things" else kind
        items = [describe(item) for item in value[:6]] + ["…"] * (len(value) > 6)
        alike = len(value) > 1 and len(set(items)) == 1
        return f"{kind} ({f'each {items[0]}' if alike else ', '.join(items)})" if value else kind
    if isinstance(value, dict):
        return f"a dict with the keys {sorted(map(str, value))}"
    if value == NOTHING:
        return "None"
    if value.text:
        return f"the text {value.text if len(value.text) <= 40 else value.text[:40] + '…'}"
    article = "an" if value.what[:1].lower() in "aeiou" else "a"
    return f"{article} {value.what}"


# -- One factor for all -------------------------------------------------------------------------


def factors(got: Any, want: Any, *, rtol: float, atol: float = 0.0) -> set[float | None]:
    """The simple factors (-1, 2, 1/3, ...) by which an answer in single numbers is wrong.

    None among them stands for a number that is wrong in another way, 1 for an answer that is right; an expected 0 that
    is right says nothing of factors, so the set may be empty.

    Examples
    --------
    >>> factors(freeze((3.0, 0.1)), freeze((3.0, 0.2)), rtol=1e-6)
    {0.5}
    """
    if isinstance(want, tuple):
        things = _as_things(got, want)
        if things is None:
            return {None}
        found = [factors(one, other, rtol=rtol, atol=atol) for one, other in zip(things, want, strict=True)]
        together = set().union(*found)
        return together - {1.0} or together
    if not (isinstance(got, np.ndarray) and isinstance(want, np.ndarray)) or want.size != 1 or got.size != 1:
        return {None}
    if want.dtype.kind == "b":
        return {None}
    got, largest = got.reshape(want.shape), float(np.abs(want).max())
    if not largest:
        return {None} if got.any() else set()
    factor = _common_factor(got, want, atol + rtol * largest)
    return {_simple(factor) if factor is not None else None}


def _simple(factor: float) -> float | None:
    """A factor that is a whole number up to 100, or one over it."""
    for number, sign in ((factor, 1), (1 / factor, -1)):
        whole = round(number)
        if 1 <= abs(whole) <= 100 and abs(number / whole - 1) < 1e-4:
            return float(whole) ** sign
    return None


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
