"""Exercises that answer at once: `check`, `hint` and `solution`.

    from fa_teach.exercises import check, hint, solution

    check(output_error)     # finds the exercise by the function's name, and answers in words
    hint("output_error")    # a nudge; again, and it says more
    solution("output_error")

Each chapter's exercises are one module in ``chapters`` here, and one notebook in the book. Nothing of this is loaded
by ``import fa_teach``; it needs NumPy alone.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from typing import Any

from fa_teach import _checks
from fa_teach.exercises import chapters
from fa_teach.exercises._answer import Answer, Note, NotRightError, PartResult
from fa_teach.exercises._engine import Exercise, Misconception, Part, check_answer, note_of_solution

__all__ = [
    "Answer",
    "Exercise",
    "Misconception",
    "NotRightError",
    "Note",
    "Part",
    "PartResult",
    "catalogue",
    "check",
    "find",
    "hint",
    "solution",
]

_steps: dict[str, int] = {}  # hints given so far: `hint` says more each time it is asked


def check(function: Any, *, name: str | None = None, seed: int = 0) -> Answer:
    """Check an answer, and say in words how it did.

    The function is called on copies of random arguments, several for each part of the exercise. What it prints is
    swallowed, its errors are caught, and a loop without end is stopped after a few seconds.

    Parameters
    ----------
    function : callable
        Your answer. Its name says which exercise it is.
    name : str, optional
        The exercise, for a function of another name.
    seed : int
        Of the random cases.

    Returns
    -------
    Answer
        Shows itself; see its methods ``score`` and ``require``.

    Raises
    ------
    ValueError
        If there is no exercise of this name.

    Examples
    --------
    >>> def output_error(y, t):
    ...     return y - t
    >>> check(output_error)
    output_error: wrong
      ✗ a batch: entry [2, 0] is -2.498, expected 0.01069
      ✗ a batch of one: entry [0, 0] is -2.515, expected -0.9138
      ✗ float32: entry [5, 1] is -2.591, expected 0.02338
      ✗ large scores: entry [0, 1] is 2000, expected 1
      Hint: This is the error of the squared loss. ...
    """
    return check_answer(find(_name_of(function) if name is None else name), function, seed=seed)


def hint(exercise: Any, step: int | None = None) -> Note:
    """A hint; each time one more.

    Parameters
    ----------
    exercise : str or callable
        Its name, or your function.
    step : int, optional
        Which hint, from 1; by default the next.

    Returns
    -------
    Note

    Raises
    ------
    ValueError
        If there is no such exercise or hint.

    Examples
    --------
    >>> hint("output_error", 1)
    Hint 1 of 3 for `output_error`
    Two things are subtracted from each other: what the network says, as probabilities, and what is right.
    """
    found = find(exercise if isinstance(exercise, str) else _name_of(exercise))
    count = len(found.hints)
    number = min(_steps.get(found.name, 0) + 1, count) if step is None else step
    number = _checks.integer("step", number, low=1, high=count)
    _steps[found.name] = max(number, _steps.get(found.name, 0))
    return Note(f"Hint {number} of {count} for `{found.name}`", found.hints[number - 1])


def solution(exercise: Any) -> Note:
    """A right answer, and why it is right.

    Parameters
    ----------
    exercise : str or callable
        Its name, or your function.

    Returns
    -------
    Note

    Raises
    ------
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> solution("output_error").title
    'A solution of `output_error`'
    """
    return note_of_solution(find(exercise if isinstance(exercise, str) else _name_of(exercise)))


def find(name: str) -> Exercise:
    """The exercise of a name.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest, or all if none is near.

    Examples
    --------
    >>> find("output_error").title
    'The error at the output'
    """
    known = {exercise.name: exercise for exercises in catalogue().values() for exercise in exercises}
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        help_ = f"Did you mean {near[0]!r}?" if near else f"The exercises: {', '.join(known)}."
        raise ValueError(f"there is no exercise called {name!r}. {help_}")
    return known[name]


@cache
def catalogue() -> dict[str, tuple[Exercise, ...]]:
    """The exercises of each chapter, by the name of its module (``"ch01"``)."""
    names = sorted(module.name for module in pkgutil.iter_modules(chapters.__path__))
    return {name: importlib.import_module(f"{chapters.__name__}.{name}").EXERCISES for name in names}


def _name_of(function: Any) -> str:
    name = getattr(function, "__name__", None)
    if not callable(function) or not isinstance(name, str) or name == "<lambda>":
        raise ValueError(
            "function must be a function that bears its exercise's name (or say name=...); "
            f"got {'a lambda' if name == '<lambda>' else repr(function)}."
        )
    return name
