"""What an exercise is, and how an answer to it is checked.

An exercise is data: a right answer that runs, random cases to try an answer on, and *misconceptions*, which are wrong
answers that run. A function is right if it does what the right answer does; and one that behaves like a misconception
on every case gets that misconception's hint.
"""

from __future__ import annotations

import inspect
import linecache
import os
import re
import sysconfig
import textwrap
import traceback
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fa_teach
from fa_teach.exercises._answer import Answer, Note, PartResult, Verdict
from fa_teach.exercises._compare import (
    NOTHING,
    Odd,
    arrays_in,
    changed,
    describe,
    difference,
    duplicate,
    factors,
    freeze,
    is_single_precision,
)
from fa_teach.exercises._guard import TimeUp, quiet, time_limit

Function = Callable[..., Any]
Arguments = tuple[Any, ...]
SINGLE = 2e-4  # relative tolerance where anything is float32
BLAMED = (
    0.5  # share of the marks that is left to a function that changes its arguments or depends on its past
)
FOREIGN = (  # where code lies that is not the learner's
    *(f"{Path(file).parent}{os.sep}" for file in (fa_teach.__file__, np.__file__)),
    *(f"{sysconfig.get_paths()[key]}{os.sep}" for key in ("stdlib", "purelib", "platlib")),
    "<frozen",
)


# -- What an exercise is ------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """Cases of one kind, and what they are worth together.

    Attributes
    ----------
    name : str
        What the learner reads: "a batch of one".
    points : float
        Its weight within the exercise.
    cases : callable
        ``(rng) -> list of argument tuples``, drawn anew for every check.
    """

    name: str
    points: float
    cases: Callable[[np.random.Generator], Sequence[Arguments]]


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that somebody might well give, as code, with the hint that helps.

    Attributes
    ----------
    name : str
    code : callable
        Takes what the exercise's function takes.
    hint : str
        Says what was thought wrongly, not what to write.
    rtol : float, optional
        How close an answer must come to count as this one, if not as close as to the right answer: one simulation is
        about as good as another.
    """

    name: str
    code: Function
    hint: str
    rtol: float | None = None


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """An exercise: write a function.

    Attributes
    ----------
    answer : callable
        A right answer. Its name is the exercise's name, and its source is what `solution` shows.
    title : str
    parts : tuple of Part
    misconceptions : tuple of Misconception
    hints : tuple of str
        One after the other, from a nudge to nearly everything.
    explanation : str
        Why the answer is what it is; shown with the solution.
    rtol, atol : float
        Numbers agree within ``atol`` plus ``rtol`` times the largest expected one. Float32 is given more room.
    seconds : float
        Time for all cases together.
    """

    answer: Function
    title: str
    parts: tuple[Part, ...]
    misconceptions: tuple[Misconception, ...]
    hints: tuple[str, ...]
    explanation: str
    rtol: float = 1e-6
    atol: float = 1e-12
    seconds: float = 3.0

    @property
    def name(self) -> str:
        """Name of the function that the learner writes."""
        return self.answer.__name__

    @property
    def code(self) -> str:
        """The right answer's source."""
        return textwrap.dedent(inspect.getsource(self.answer))

    def cases(self, seed: int) -> list[tuple[Part, Arguments]]:
        """All cases of all parts for one seed."""
        rng = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        return [(part, arguments) for part in self.parts for arguments in part.cases(rng)]


# -- Checking -----------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What one call led to."""

    value: Any = None  # frozen
    error: BaseException | None = None
    mutated: tuple[str, ...] = ()  # names of the arguments that were changed


class Run(NamedTuple):
    """What calling a function on all cases led to."""

    outcomes: list[Outcome]
    same: bool  # whether the first case, called again, gave the same
    printed: bool


_STUBS = (Ellipsis, NotImplemented)  # what a function returns that nobody has written yet


def check_answer(exercise: Exercise, function: Any, *, seed: int = 0) -> Answer:
    """Try a function on the exercise's cases and say how it did."""
    if function is None or function is Ellipsis:
        return _not_attempted(exercise)
    if not callable(function):
        return _plain(exercise, "wrong", f"A function is needed here; this is {_a(function)}.")
    wrong_call = _does_not_fit(exercise, function)
    if wrong_call:
        return _plain(exercise, "raised an error", wrong_call)
    cases = exercise.cases(seed)
    run = _run(function, cases, seconds=exercise.seconds)
    if run is None:
        return _plain(exercise, "raised an error", _ENDLESS.format(name=exercise.name, s=exercise.seconds))
    if all(_is_empty(outcome) for outcome in run.outcomes):
        return _not_attempted(exercise)
    if all(_is_none(outcome) for outcome in run.outcomes):
        return _plain(exercise, "wrong", _returned_nothing(exercise, cases[:1], printed=run.printed))
    answer = _judge(exercise, function, cases, run)
    if run.printed and not answer.right:
        return replace(answer, said=f"{answer.said} {_PRINTED}".lstrip())
    return answer


def _judge(
    exercise: Exercise, function: Function, cases: Sequence[tuple[Part, Arguments]], run: Run
) -> Answer:
    """Compare what came with what was expected, and find the words."""
    outcomes, wanted = run.outcomes, _expected(exercise, cases)
    remarks = [
        _remark(exercise, outcome, want, arguments)
        for outcome, want, (_, arguments) in zip(outcomes, wanted, cases, strict=True)
    ]
    parts = _results(exercise, cases, remarks)
    fault = _fault(outcomes, run.same)
    share = sum(part.points for part in parts if part.passed) / sum(part.points for part in parts)
    share *= BLAMED if fault else 1
    if share == 1:
        return Answer(exercise.name, "right", 1.0, parts=parts)
    found = _behaves_like(exercise, outcomes, cases)
    if all(outcome.error for outcome in outcomes) and not found:
        said = _blame(outcomes[0].error, function, cases[0][1], exercise)
        return _plain(exercise, "raised an error", said)
    verdict: Verdict = "partly right" if share > 0 else "wrong"
    errors = [(o.error, case[1]) for o, case in zip(outcomes, cases, strict=True) if o.error]
    said = fault or (_blame(errors[0][0], function, errors[0][1], exercise) if errors else "")
    said = said or ("" if found else _common_factor(exercise, outcomes, wanted))
    hint, misconception = (found.hint, found.name) if found else ("", "")
    return Answer(exercise.name, verdict, share, said, parts, hint, misconception)


_ENDLESS = (
    "`{name}` was stopped after {s:g} seconds: it did not come to an end. "
    "Is there a loop whose condition never becomes false?"
)
_PRINTED = "What your function prints is not shown here: call it in a cell of its own to see that."


def _run(function: Function, cases: Sequence[tuple[Part, Arguments]], *, seconds: float) -> Run | None:
    """Call a function on all cases, and once more on the first; None if the time is up."""
    outcomes = []
    try:
        with quiet() as nowhere, time_limit(seconds):
            for _, arguments in cases:
                outcomes.append(call(function, arguments))
            same = _alike(call(function, cases[0][1]), outcomes[0], rtol=1e-9, atol=0.0)
    except TimeUp:
        return None
    return Run(outcomes, same, nowhere.printed)


def call(function: Function, arguments: Arguments) -> Outcome:
    """Call a function on a copy of the arguments; whatever happens becomes an `Outcome`."""
    given = duplicate(arguments)
    value, error = None, None
    try:
        value = function(*given)
        value = Ellipsis if any(value is stub for stub in _STUBS) else freeze(value)
    except (TimeUp, KeyboardInterrupt):
        raise
    except BaseException as raised:  # noqa: BLE001 # SystemExit, too, is an answer to be talked about
        error = raised
    names = _argument_names(function, len(arguments))
    mutated = tuple(
        name for name, now, then in zip(names, given, arguments, strict=True) if changed(now, then)
    )
    return Outcome(value, error, mutated)


def _expected(exercise: Exercise, cases: Sequence[tuple[Part, Arguments]]) -> list[Outcome]:
    with quiet():
        return [call(exercise.answer, arguments) for _, arguments in cases]


def _remark(exercise: Exercise, outcome: Outcome, want: Outcome, arguments: Arguments) -> str | None:
    """None if the case is right, else what is wrong with it."""
    if outcome.error:
        return f"raised {type(outcome.error).__name__}"
    if _is_empty(outcome):
        return "it gave nothing"
    if _is_none(outcome):
        return f"it returned nothing (None), expected {describe(want.value)}"
    rtol = max(exercise.rtol, SINGLE) if is_single_precision(arguments) else exercise.rtol
    return difference(outcome.value, want.value, rtol=rtol, atol=exercise.atol)


def _results(
    exercise: Exercise, cases: Sequence[tuple[Part, Arguments]], remarks: Sequence[str | None]
) -> tuple[PartResult, ...]:
    results = []
    for part in exercise.parts:
        wrong = [remark for (of, _), remark in zip(cases, remarks, strict=True) if of is part and remark]
        results.append(PartResult(part.name, part.points, not wrong, wrong[0] if wrong else ""))
    return tuple(results)


def _fault(outcomes: Sequence[Outcome], same: bool) -> str:
    """What a function must not do, even if its numbers are right."""
    mutated = sorted({name for outcome in outcomes for name in outcome.mutated})
    if mutated:
        names = " and ".join(f"`{name}`" for name in mutated)
        which = f"argument{'s' if len(mutated) > 1 else ''} {names}"
        return f"It changes its {which} in place: whoever called it finds other numbers there afterwards."
    if not same:
        return "Called again with the same arguments it gives something else: it must depend on its arguments alone."
    return ""


def _common_factor(exercise: Exercise, outcomes: Sequence[Outcome], wanted: Sequence[Outcome]) -> str:
    """A sentence if single numbers are wrong by one simple factor, the same in all cases."""
    found = [
        factors(outcome.value, want.value, rtol=exercise.rtol, atol=exercise.atol)
        for outcome, want in zip(outcomes, wanted, strict=True)
    ]
    together, told = set().union(*found), sum(bool(one) for one in found)
    if len(together) != 1 or told < 2:
        return ""
    (factor,) = together
    if factor is None or factor == 1:
        return ""
    if factor == -1:
        return "Each wrong number has the wrong sign, in all parts."
    sign = "-" if factor < 0 else ""
    times = f"{abs(factor):g} times" if abs(factor) > 1 else f"1/{1 / abs(factor):g} of"
    return f"Each wrong number is {sign}{times} the expected one, in all parts."


def _behaves_like(
    exercise: Exercise, outcomes: Sequence[Outcome], cases: Sequence[tuple[Part, Arguments]]
) -> Misconception | None:
    with quiet():
        for misconception in exercise.misconceptions:
            rtol = misconception.rtol or exercise.rtol
            if all(
                _alike(
                    _without_words(outcome),
                    _without_words(call(misconception.code, arguments)),
                    rtol=max(rtol, SINGLE) if is_single_precision(arguments) else rtol,
                    atol=exercise.atol,
                )
                for outcome, (_, arguments) in zip(outcomes, cases, strict=True)
            ):
                return misconception
    return None


def _alike(one: Outcome, other: Outcome, *, rtol: float, atol: float) -> bool:
    if one.error or other.error:
        return type(one.error) is type(other.error)
    if bool(one.mutated) != bool(other.mutated) or _is_empty(one) or _is_empty(other):
        return _is_empty(one) and _is_empty(other)
    if isinstance(one.value, Odd | dict) != isinstance(other.value, Odd | dict):
        return False
    return difference(one.value, other.value, rtol=rtol, atol=atol) is None


def _without_words(outcome: Outcome) -> Outcome:
    """Whoever gives words where numbers are asked for has one thought in mind, whatever the words are."""
    return outcome._replace(value=Odd(outcome.value.what)) if isinstance(outcome.value, Odd) else outcome


def _is_empty(outcome: Outcome) -> bool:
    return outcome.value is Ellipsis or isinstance(outcome.error, NotImplementedError)


def _is_none(outcome: Outcome) -> bool:
    return isinstance(outcome.value, Odd) and outcome.value == NOTHING


# -- Words --------------------------------------------------------------------------------------


def _plain(exercise: Exercise, verdict: Verdict, said: str) -> Answer:
    parts = tuple(PartResult(part.name, part.points, passed=False) for part in exercise.parts)
    return Answer(exercise.name, verdict, 0.0, said, parts)


def _not_attempted(exercise: Exercise) -> Answer:
    return _plain(exercise, "not attempted", "Write the function, run its cell, then this one again.")


def _returned_nothing(exercise: Exercise, cases: Sequence[tuple[Part, Arguments]], *, printed: bool) -> str:
    (want,) = _expected(exercise, cases)
    return (
        f"`{exercise.name}` came to its end and returned nothing (None), expected {describe(want.value)}: "
        f"is the `return` missing?{' What is printed is not returned.' if printed else ''}"
    )


def _a(thing: object) -> str:
    name = type(thing).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _does_not_fit(exercise: Exercise, function: Function) -> str:
    """A sentence if the function cannot be called with the exercise's arguments."""
    wanted = list(inspect.signature(exercise.answer).parameters)
    try:
        inspect.signature(function).bind(*wanted)
    except TypeError:
        takes = ", ".join(inspect.signature(function).parameters)
        return f"`{exercise.name}` must take the arguments ({', '.join(wanted)}); yours takes ({takes})."
    except ValueError:  # some functions written in C do not tell
        pass
    return ""


def _argument_names(function: Function, count: int) -> list[str]:
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return [*names, *(f"argument {i + 1}" for i in range(len(names), count))][:count]


def _blame(error: BaseException | None, function: Function, arguments: Arguments, exercise: Exercise) -> str:
    """Which line of the learner's own code raised, in a sentence."""
    assert error is not None
    what = "tried to end Python (`exit`)" if isinstance(error, SystemExit) else f"raised {_told(error)}"
    shapes = [
        f"`{name}` {arrays[0].shape}"
        for name, argument in zip(_argument_names(exercise.answer, len(arguments)), arguments, strict=True)
        if len(arrays := list(arrays_in(argument))) == 1
    ]
    about_shapes = isinstance(error, ValueError | IndexError)
    given = f" The shapes that came in: {', '.join(shapes)}." if shapes and about_shapes else ""
    frame = _own_frame(error)
    if frame is None:
        return f"`{exercise.name}` {what}.{given}"
    line = linecache.getline(frame.filename, frame.lineno or 0).strip()
    where = f"line {frame.lineno}, `{line.replace('`', chr(39))}`," if line else f"line {frame.lineno}"
    inside = f" (in `{frame.name}`)" if frame.name != exercise.name else ""
    return f"Your {where}{inside} {what}.{given}"


_INNER_SIZES = re.compile(r"matmul: Input operand 1 has a mismatch .*\(size (\d+) is different from (\d+)\)")


def _told(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split()).replace("`", "'")
    except Exception:  # noqa: BLE001 # a learner's own exception may fail even in this
        text = ""
    sizes = _INNER_SIZES.match(text)
    if sizes:
        text = f"the inner sizes of `@` differ, {sizes[2]} on its left and {sizes[1]} on its right"
    text = text if len(text) <= 200 else text[:200] + " …"
    return f"{type(error).__name__}: {text}".rstrip(": ").rstrip(".")


def _own_frame(error: BaseException) -> traceback.FrameSummary | None:
    """The deepest frame of the traceback that is neither ours, nor NumPy's, nor Python's."""
    frames = traceback.extract_tb(error.__traceback__, limit=-200)
    own = [frame for frame in frames if not frame.filename.startswith(FOREIGN)]
    return own[-1] if own else None


def note_of_solution(exercise: Exercise) -> Note:
    """The right answer and why."""
    return Note(f"A solution of `{exercise.name}`", exercise.explanation, exercise.code)
