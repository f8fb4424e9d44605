"""Graded cells ask here whether the checker itself was left alone.

A notebook runs in one process with its checker, so a submission can put other functions in the checker's place. Nothing
inside that process can prevent it. These functions notice the usual ways, and the cell then earns nothing.
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import CodeType, ModuleType
from typing import Any

from fa_teach import exercises
from fa_teach.exercises._answer import Answer
from fa_teach.exercises._compare import difference, freeze


class TamperingError(Exception):
    """The checker that ran is not the one in the package's files, or called right what is wrong."""


def audit() -> None:
    """Compare the checker's functions with the files they were read from.

    Raises
    ------
    TamperingError
        If any function or method of `fa_teach.exercises` is another one.

    Examples
    --------
    >>> audit()
    """
    within = pkgutil.walk_packages(exercises.__path__, prefix=f"{exercises.__name__}.")
    for name in [exercises.__name__, *(module.name for module in within)]:
        module = sys.modules.get(name) or import_module(name)
        loader = module.__spec__.loader if module.__spec__ else None
        code = loader.get_code(name) if loader is not None and hasattr(loader, "get_code") else None
        if isinstance(code, CodeType):
            for path, on_disk in _functions(code):
                if _code_of(module, path) != on_disk:
                    raise TamperingError(f"{name}.{'.'.join(path)} was replaced while this notebook ran.")


def _functions(code: CodeType) -> Iterator[tuple[tuple[str, ...], CodeType]]:
    """Functions of a module, and methods of its classes, as they stand in the file."""
    for item in code.co_consts:
        if isinstance(item, CodeType) and not item.co_name.startswith(("<", "__annotate")):
            is_class = not item.co_flags & inspect.CO_NEWLOCALS  # a class body has no locals of its own
            if is_class:
                for path, method in _functions(item):
                    yield (item.co_name, *path), method
            else:
                yield (item.co_name,), item


def _code_of(module: ModuleType, path: tuple[str, ...]) -> Any:
    thing: Any = module
    for name in path:
        thing = inspect.getattr_static(thing, name, None)
    if isinstance(thing, property):
        thing = thing.fget
    if isinstance(thing, staticmethod | classmethod):
        thing = thing.__func__
    return getattr(inspect.unwrap(thing) if callable(thing) else thing, "__code__", None)


def confirm(answer: Answer, by_hand: Callable[[], Any], want: Any) -> Answer:
    """Let a right answer be confirmed by one case that was computed by hand.

    Parameters
    ----------
    answer : Answer
        What `check` said.
    by_hand : callable
        Calls the student's function on the case; not called unless the answer is right.
    want : array or tuple of arrays
        The result, as numbers.

    Returns
    -------
    Answer
        The same.

    Raises
    ------
    TamperingError
        If the checker was changed, or called right what fails here.

    Examples
    --------
    >>> from fa_teach.exercises import check
    >>> def weight_gradient(delta, h):
    ...     return delta.T @ h / len(h)
    >>> confirm(check(weight_gradient), lambda: weight_gradient(np.ones((2, 1)), np.ones((2, 1))), [[1.0]]).verdict
    'right'
    """
    audit()
    if not isinstance(answer, Answer):
        raise TamperingError("what check returned is no answer of fa_teach.")
    if answer.share > 0 and answer.right:
        found = difference(freeze(by_hand()), freeze(want), rtol=1e-6, atol=1e-9)
        if found:
            raise TamperingError(f"{answer.name} was called right, but {found}.")
    return answer
