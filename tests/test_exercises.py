"""The checker: right answers in any style, wrong ones with the hint that fits, and code that means it harm."""

import importlib
import logging
import math
import re
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from fa_teach import exercises, init_network
from fa_teach.exercises import _compare, _guard, check, grading, hint, solution

sys.path.insert(0, str(Path(__file__).parent))
EXERCISES = [exercise for chapter in exercises.catalogue().values() for exercise in chapter]
NAMES = [exercise.name for exercise in EXERCISES]
STYLES = {
    chapter: importlib.import_module(f"exercise_answers.{chapter}").RIGHT for chapter in exercises.catalogue()
}
TRAINS = {"gain_over_control", "worth_of_layer"}  # a check of these trains some networks


def marks(name):
    return [pytest.mark.slow] if name in TRAINS else []


RIGHT = [
    pytest.param(name, answer, id=f"{name}-{answer.__name__}", marks=marks(name))
    for chapter in STYLES.values()
    for name, answers in chapter.items()
    for answer in answers
]
WRONG = [
    pytest.param(
        exercise, misconception, id=f"{exercise.name}-{misconception.name}", marks=marks(exercise.name)
    )
    for exercise in EXERCISES
    for misconception in exercise.misconceptions
]
LIMIT = 0.100  # seconds for a check on an everyday laptop
SECONDS = 0.010  # of such a laptop for the work of `slowness`


def slowness():
    """How many times as long as such a laptop this machine now takes for small products and tanh; at least 1."""
    x, W = np.random.default_rng(0).normal(size=(2, 32, 64))

    def work():  # in NumPy alone: a library that became slow must not make its own limit wider
        for _ in range(500):
            h = np.tanh(x @ W.T)
            (h * (1 - h * h)).T @ x

    return max(1.0, min(seconds(work) for _ in range(5)) / SECONDS)


def seconds(work):
    """Of computing, however busy the machine."""
    start = time.process_time()
    work()
    return time.process_time() - start


def in_time(work, limit):
    """Whether it ends in time; where not, whether one of five runs does, with the machine's slowness taken off."""
    return seconds(work) < limit or any(seconds(work) < limit * slowness() for _ in range(5))


# -- The exercises themselves -------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES, ids=NAMES)
def test_solution_gets_full_marks_in_time(exercise):
    """The answer that is shown must itself be right, for any seed; and a check must feel immediate."""
    for seed in range(20):
        answer = check(exercise.answer, seed=seed)
        assert answer.right, answer
    assert in_time(lambda: check(exercise.answer), LIMIT)


@pytest.mark.parametrize(("name", "function"), RIGHT)
def test_right_answers_in_other_styles(name, function):
    """Loops, einsum, lists for arrays, other names of arguments: what counts is what comes out."""
    for seed in range(10):
        answer = check(function, name=name, seed=seed)
        assert answer.right, answer


@pytest.mark.parametrize(("exercise", "misconception"), WRONG)
def test_misconception_gets_its_own_hint(exercise, misconception):
    """Each wrong answer is told from the right one and from every other wrong one, for any seed, in time.

    And it earns the same for any seed: no mark depends on the luck of the random cases.
    """
    shares = set()
    for seed in range(10):
        answer = check(misconception.code, name=exercise.name, seed=seed)
        assert answer.verdict in {"wrong", "partly right"}
        assert answer.share < 1
        assert answer.misconception == misconception.name, answer
        assert answer.hint == misconception.hint
        shares.add(answer.share)
    assert len(shares) == 1, shares
    assert in_time(lambda: check(misconception.code, name=exercise.name), 2 * LIMIT)


@pytest.mark.parametrize("exercise", EXERCISES, ids=NAMES)
def test_exercise_is_complete(exercise):
    """Something to be told in words for everything: hints, parts, misconceptions."""
    assert exercise.title
    assert len(exercise.hints) >= 2
    assert len(exercise.explanation) > 40
    assert len(exercise.misconceptions) >= 4
    names = [misconception.name for misconception in exercise.misconceptions]
    assert len(set(names)) == len(names)
    assert len({part.name for part in exercise.parts}) == len(exercise.parts)
    assert exercise.name in STYLES[chapter_of(exercise)], "no right answers in other styles"


def chapter_of(exercise):
    return next(name for name, chapter in exercises.catalogue().items() if exercise in chapter)


def test_names_are_unique():
    """`check` finds an exercise by its name alone."""
    assert len(set(NAMES)) == len(NAMES)


# -- Slips that students made -------------------------------------------------------------------


def line_with_slope_of_what_was_sent(delta_2, W_2, B_2, h_1):
    return delta_2 @ B_2.T * (1 - np.tanh(h_1) ** 2)


def step_without_bend(W_1, W_2, B_2, x, t, rate):
    h = x @ W_1.T
    delta_2 = h @ W_2.T - t
    delta_1 = delta_2 @ B_2.T * (1 - h**2)
    return W_1 - rate * delta_1.T @ x / len(x), W_2 - rate * delta_2.T @ h / len(x)


def linear_step(W_1, W_2, B_2, x, t, rate):
    h = x @ W_1.T
    delta_2 = h @ W_2.T - t
    return W_1 - rate * (delta_2 @ B_2.T).T @ x / len(x), W_2 - rate * delta_2.T @ h / len(x)


def first_layer_uphill(W_1, W_2, B_2, x, delta_2, rate):
    u_1, u_2 = (delta_2 @ B_2.T).T @ x / len(x), delta_2.T @ (x @ W_1.T) / len(x)
    return W_1 + rate * u_1, W_2 - rate * u_2


def second_layer_uphill(W_1, W_2, B_2, x, delta_2, rate):
    u_1, u_2 = (delta_2 @ B_2.T).T @ x / len(x), delta_2.T @ (x @ W_1.T) / len(x)
    return W_1 - rate * u_1, W_2 + rate * u_2


def loop_with_bend(W_1, W_2, B_2, x, delta_2, rate):
    h = np.tanh(x @ W_1.T)
    u_1, u_2 = (delta_2 @ B_2.T).T @ x / len(x), delta_2.T @ h / len(x)
    return W_1 - rate * u_1, W_2 - rate * u_2


def lead_by_the_largest_cosine(cosines, losses):
    aligned = np.argmax(cosines > cosines.max(axis=0) / 2, axis=0)
    return np.argmax(losses < losses[0] / 2, axis=0) - aligned


@pytest.mark.parametrize(
    ("function", "name", "word"),
    [
        (line_with_slope_of_what_was_sent, "fa_hidden_error", "already `tanh`"),
        (step_without_bend, "fa_step", "not `tanh` itself"),
        (linear_step, "fa_step", "linear network"),
        (first_layer_uphill, "open_loop_step", "The first layer goes *along*"),
        (second_layer_uphill, "open_loop_step", "The second layer goes *along*"),
        (loop_with_bend, "open_loop_step", "bent by `tanh`"),
        (lead_by_the_largest_cosine, "alignment_lead", "*largest*"),
    ],
)
def test_slip_gets_its_hint(function, name, word):
    answer = check(function, name=name)
    assert answer.verdict == "wrong"
    assert word in answer.hint


# -- Not attempted, raised, wrong, partly right, right ------------------------------------------


def unattempted():
    def stub(delta_2, W_2, h_1):
        raise NotImplementedError

    def dots(delta_2, W_2, h_1):
        delta_1 = ...
        return delta_1  # noqa: RET504 # as a stub with a gap looks

    def not_implemented(delta_2, W_2, h_1):
        return NotImplemented

    return [stub, dots, not_implemented, None, ...]


@pytest.mark.parametrize("function", unattempted(), ids=lambda f: getattr(f, "__name__", str(f)))
def test_not_attempted(function):
    """A learner who has not begun has made no mistake, and is not told of one."""
    answer = check(function, name="hidden_error")
    assert answer.verdict == "not attempted"
    assert answer.share == 0
    assert "✗" not in str(answer)


def without_return():
    def forgotten(delta_2, W_2, h_1):
        delta_1 = delta_2 @ W_2 * (1 - h_1**2)  # noqa: F841 # as it is forgotten

    def passed(delta_2, W_2, h_1):
        pass

    def printed(delta_2, W_2, h_1):
        print(delta_2 @ W_2 * (1 - h_1**2))

    return [forgotten, passed, printed]


@pytest.mark.parametrize("function", without_return(), ids=lambda f: f.__name__)
def test_missing_return_is_asked_for(function):
    """The commonest slip of a beginner, who *has* written the function, and run it."""
    answer = check(function, name="hidden_error")
    assert answer.verdict == "wrong"
    assert answer.share == 0
    assert answer.said.startswith(
        "`hidden_error` came to its end and returned nothing (None), expected an array of shape (5, 4): "
        "is the `return` missing?"
    )
    assert ("What is printed is not returned." in answer.said) == (function.__name__ == "printed")


def test_missing_return_in_one_case():
    """A branch without `return`: the parts say which, and the rest keeps its marks."""

    def hidden_error(delta_2, W_2, h_1):
        if len(h_1) > 1:
            return delta_2 @ W_2 * (1 - h_1**2)
        return None

    answer = check(hidden_error)
    assert answer.verdict == "partly right"
    assert answer.share == pytest.approx(0.8)
    assert answer.parts[2].remark == "it returned nothing (None), expected an array of shape (1, 4)"


def test_who_debugs_by_print_is_told_that_it_is_not_shown():
    """Only where something is wrong: nobody looks for what was printed by a right answer."""

    def loud(wrong):
        def weight_gradient(delta, h):
            print(delta)
            return delta.T @ h / len(h) + wrong

        return weight_gradient

    assert "What your function prints is not shown here" in check(loud(0.1)).said
    assert not check(loud(0.0)).said
    assert not check(lambda delta, h: 0.1 + delta.T @ h, name="weight_gradient").said


def test_error_names_the_line_of_the_learner():
    """Which line of *their* code, not of the checker's."""

    def weight_gradient(delta, h):
        n = len(h)
        return np.linalg.inv(delta) @ h / n

    answer = check(weight_gradient)
    assert answer.verdict == "raised an error"
    assert "`return np.linalg.inv(delta) @ h / n`" in answer.said
    assert "LinAlgError" in answer.said
    assert "`delta` (5, 3), `h` (5, 4)" in answer.said


def test_error_says_what_does_not_fit():
    """Without NumPy's signatures; and the shapes only where they explain something."""
    answer = check(lambda delta, h: delta @ h, name="weight_gradient")
    assert (
        "the inner sizes of `@` differ, 3 on its left and 5 on its right. The shapes that came in"
        in answer.said
    )
    assert "gufunc" not in answer.said
    for raises in (lambda delta, h: no_such_name, lambda delta, h: delta + "1"):  # noqa: F821 # the point
        answer = check(raises, name="weight_gradient")
        assert answer.verdict == "raised an error"
        assert "shapes" not in answer.said


def test_error_in_a_helper_of_the_learner():
    def helper(h):
        return h["no such key"]

    def weight_gradient(delta, h):
        return helper(h)

    answer = check(weight_gradient)
    assert "`return helper(h)`" not in answer.said
    assert "`return h['no such key']`" in answer.said.replace('"', "'")
    assert "(in `helper`)" in answer.said


def test_wrong_arguments_are_told_before_any_call():
    def weight_gradient(delta):
        raise AssertionError("must not be called")

    answer = check(weight_gradient)
    assert answer.verdict == "raised an error"
    assert answer.said == "`weight_gradient` must take the arguments (delta, h); yours takes (delta)."


def test_partly_right():
    """What is right is counted, what is wrong is named."""

    def output_error(y, t):
        e = np.exp(y)
        return e / e.sum(axis=1, keepdims=True) - t

    answer = check(output_error)
    assert answer.verdict == "partly right"
    assert answer.share == pytest.approx(0.8)
    assert [part.passed for part in answer.parts] == [True, True, True, False]
    assert "large scores" in str(answer)
    assert answer.score(5) == 4.0


def test_unknown_mistake_is_wrong_without_a_hint():
    """No hint is better than one that does not fit."""

    def weight_gradient(delta, h):
        return delta.T @ h / len(h) + 0.1

    answer = check(weight_gradient)
    assert answer.verdict == "wrong"
    assert not answer.hint


def test_require_raises_with_the_words():
    with pytest.raises(exercises.NotRightError, match="weight_gradient: wrong"):
        check(lambda delta, h: 7.0, name="weight_gradient").require()
    assert check(exercises.find("weight_gradient").answer).require().right


def test_unknown_names_say_what_was_meant():
    def weight_gradiant(delta, h):
        pass

    with pytest.raises(ValueError, match=r"Did you mean 'weight_gradient'\?$"):
        check(weight_gradiant)
    with pytest.raises(ValueError, match=r"called 'zzz'\. The exercises: forward_pass, .*, seeds_needed\.$"):
        hint("zzz")
    with pytest.raises(ValueError, match="got a lambda"):
        check(lambda delta, h: delta)
    with pytest.raises(ValueError, match="must be a function"):
        check(3.0)


# -- Hostile and careless functions -------------------------------------------------------------


def right(delta, h):
    return delta.T @ h / len(h)


def noisy(delta, h):
    print("x" * 100_000)
    print("to stderr", file=sys.stderr)
    warnings.warn("look at me", stacklevel=1)
    logging.getLogger("learner").warning("and me")
    np.log(np.zeros(1))
    return right(delta, h)


@pytest.mark.filterwarnings("error")
def test_noise_is_swallowed(capfd):
    """A word on stderr in a graded cell costs all marks in nbgrader."""
    assert check(noisy, name="weight_gradient").right
    out, err = capfd.readouterr()
    assert not out
    assert not err


def test_warning_filters_and_numpy_settings_are_as_before():
    before, state = list(warnings.filters), np.geterr()
    check(noisy, name="weight_gradient")
    assert list(warnings.filters) == before
    assert np.geterr() == state


def in_place(delta, h):
    delta /= len(h)
    return delta.T @ h


def test_in_place_change_costs_half():
    answer = check(in_place, name="weight_gradient")
    assert answer.share == 0.5
    assert "`delta` in place" in answer.said
    assert str(answer).startswith("weight_gradient: partly right: right numbers, but see below\n")
    both = check(lambda delta, h: (in_place(delta, h), in_place(h, delta))[0], name="weight_gradient")
    assert both.said.startswith("It changes its arguments `delta` and `h` in place")


def test_arguments_of_a_case_are_never_shared():
    """A function that spoils its arguments must not spoil the next one's, nor what is expected."""

    def spoil(delta, h):
        delta[:], h[:] = np.nan, np.nan
        return 0.0

    check(spoil, name="weight_gradient")
    assert check(right, name="weight_gradient").right


def test_keeping_state_is_noticed():
    calls = []

    def stateful(delta, h):
        calls.append(1)
        return right(delta, h) + (1.0 if len(calls) > 6 else 0.0)

    size = len(exercises.find("weight_gradient").cases(0))
    assert size < 6, "the cases of the check must be right, and only the call after them wrong"
    calls.extend([1] * (6 - size))
    answer = check(stateful, name="weight_gradient")
    assert answer.share == 0.5
    assert "Called again" in answer.said


def test_same_buffer_returned_each_time():
    """The value counts as it was when it was returned."""
    buffer = {}

    def reuse(delta, h):
        shape = (delta.shape[1], h.shape[1])
        out = buffer.setdefault(shape, np.zeros(shape))
        out[:] = right(delta, h)
        return out

    assert check(reuse, name="weight_gradient").right


def test_truth_values_are_compared_like_numbers():
    """NumPy refuses to turn their sign round or to subtract them, and a comparison must not fail by that."""
    want = _compare.freeze((True, False))
    for got in ((True, False), (1, 0), np.array([True, False]), [np.True_, np.False_]):
        assert _compare.difference(_compare.freeze(got), want, rtol=1e-6) is None
    for got in ((True, True), np.array([False, False]), (0.5, False), "yes"):
        assert _compare.difference(_compare.freeze(got), want, rtol=1e-6)
    assert check(lambda delta, h: delta.T @ h > 0, name="weight_gradient").verdict == "wrong"


def test_an_array_in_the_place_of_numbers():
    """Two numbers in one array are as good as a pair of them, and are looked at as closely."""
    want = _compare.freeze((1.0, 2.0))
    assert _compare.difference(_compare.freeze(np.array([1.0, 2.0])), want, rtol=1e-6) is None
    assert "item 1" in _compare.difference(_compare.freeze(np.array([1.0, 3.0])), want, rtol=1e-6)


def test_truth_values_are_called_by_their_names():
    """Where True is expected, nobody is told of a 1."""

    def said(got, want):
        return _compare.difference(_compare.freeze(got), _compare.freeze(want), rtol=1e-6)

    assert said(np.True_, False) == said(1, False) == "it is True, expected False"
    assert said((True, 0), (True, True)) == "in item 1 of what it returns, it is False, expected True"
    assert said([True, 0.5], np.array([True, False])) == "entry [1] is 0.5, expected the truth value False"
    assert said(-1, True) == "it is -1, expected the truth value True"
    assert said("yes", True) == "it gave the text 'yes', expected one truth value"
    assert said(True, 2.5) == "it is 1, expected 2.5"


def said(got, want):
    return _compare.difference(_compare.freeze(got), _compare.freeze(want), rtol=1e-6)


def test_lists_are_told_from_arrays():
    """One matrix instead of a list of one is not described by an axis more, nor by its rows."""
    one, other = np.ones((5, 4)), np.ones((5, 6))
    assert said(one, [one]) == (
        "it gave an array of shape (5, 4), expected a list of 1 (an array of shape (5, 4))"
    )
    assert said(one, (one, other)) == (
        "it gave an array of shape (5, 4), expected 2 things (an array of shape (5, 4), an array of shape (5, 6))"
    )
    assert said(np.ones((2, 5)), (one, one)) == (
        "it gave an array of shape (2, 5), expected 2 things (each an array of shape (5, 4))"
    )
    assert said([one, one], other).startswith(
        "it gave a list of 2 (each an array of shape (5, 4)), expected an"
    )
    assert said([one, None], [one, one]) == (
        "in item 1 of what it returns, it gave None, expected an array of shape (5, 4)"
    )
    for right in ([one, one], (one, one), np.stack([one, one]), [one.tolist(), one.tolist()]):
        assert said(right, [one, one]) is None
        assert said(right, np.stack([one, one])) is None
    assert said([1.0, 2.0], np.array([1.0, 2.0])) is None


def test_one_number_is_told_and_not_its_factor():
    """Any number is some multiple of any other."""
    assert said(15.2, 64.8) == "it is 15.2, expected 64.8"
    assert said(-0.5, 0.25) == "it is -0.5, expected 0.25"
    assert said([[3.0]], [[2.0]]) == "entry [0, 0] is 3, expected 2"
    assert said((1.0, 1.5), (1.0, 3.0)) == "in item 1 of what it returns, it is 1.5, expected 3"


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (2, "Each wrong number is 2 times the expected one, in all parts."),
        (-1 / 4, "Each wrong number is -1/4 of the expected one, in all parts."),
        (-1, "Each wrong number has the wrong sign, in all parts."),
        (2.7, ""),
        (1 / 30.5, ""),
    ],
)
def test_simple_factor_of_single_numbers_is_told_once(factor, words):
    """Where it is the same in all parts, so that it is no chance; for one of several numbers, too."""
    first, split = exercises.find("first_alignment").answer, exercises.find("split_alignment").answer
    answer = check(lambda *given: factor * first(*given), name="first_alignment")
    assert answer.said == words
    assert re.fullmatch(r"it is -?[\d.]+, expected 0\.\d{2,4}", answer.parts[0].remark)

    def one_of_two(*given):
        share, cosine = split(*given)
        return share * factor, cosine

    answer = check(one_of_two, name="split_alignment")
    assert answer.said == words
    assert answer.parts[0].remark.startswith("in item 0 of what it returns, it is ")


def test_factor_in_some_parts_only_is_not_told():
    """Here the sign is lost where it is negative: what came and what was expected says it better."""
    right = exercises.find("predicted_gain").answer
    answer = check(lambda path: abs(right(path)), name="predicted_gain")
    assert 0 < sum(part.passed for part in answer.parts) < len(answer.parts)
    assert not answer.said


@pytest.mark.parametrize("name", ["fa_step", "split_alignment", "open_loop_step", "rest_report"])
def test_right_things_in_the_wrong_order(name):
    answer = check(lambda *given: exercises.find(name).answer(*given)[::-1], name=name)
    assert answer.verdict == "wrong"
    assert {part.remark for part in answer.parts} == {"it gave the right things in the wrong order"}


def test_wrong_order_of_rows_and_of_what_it_is_not_said():
    """Whole numbers and truth values are too easily in another order by chance."""
    assert said([3.0, 1.0, 2.0], [1.0, 2.0, 3.0]) == "it gave the right numbers in the wrong order"
    assert said([[3.0, 4.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]]) == (
        "it gave the right rows in the wrong order"
    )
    assert said((False, True), (True, False)) == "in item 0 of what it returns, it is False, expected True"
    assert said([6, 0], [0, 6]) == "entry [0] is 6, expected 0"
    assert said((1.0, 1.0), (1.0, 2.0)) == "in item 1 of what it returns, it is 1, expected 2"


def test_near_miss_is_called_close():
    """A simulation for a formula: "1 times the expected one" would say nothing."""

    def said(factor):
        want = np.array([2.0, -3.0])
        return _compare.difference(factor * want, want, rtol=1e-6)

    assert said(1.0004) == "close, but not the exact value: off by 0.0004 of it"
    assert said(0.99997) == "close, but not the exact value: off by 3e-05 of it"
    assert said(1.02) == "every number is 1.02 times the expected one"


@pytest.mark.parametrize("rate", [0.003, 0.02])
def test_simulation_of_any_step_size_is_recognised(rate):
    """It is off by its steps, and no two of them by the same."""

    def end_of_flow(w_1, w_2, b, t):
        for _ in range(round(20 / rate)):
            e = t - w_1 * w_2
            w_1, w_2 = w_1 + rate * b * e, w_2 + rate * w_1 * e
        return w_1, w_2

    answer = check(end_of_flow)
    assert answer.misconception == "simulation"
    assert "close, but not the exact value" in str(answer)
    assert not check(lambda w_1, w_2, b, t: (w_1, w_2), name="end_of_flow").hint


@pytest.mark.parametrize("word", ["hello", b"hello", "h" * 1000])
def test_a_word_for_a_number(word):
    """It is told as what it is, and not as something that changes from call to call."""
    answer = check(lambda delta, h: word, name="weight_gradient")
    assert answer.verdict == "wrong"
    assert not answer.said
    assert f"it gave the text {word!r}"[:40] in answer.parts[0].remark
    assert len(answer.parts[0].remark) < 120
    assert check(lambda low, high, smallest: str(word), name="decide").misconception == "words"
    words = iter("abcdefghijklmnopqrstuvwxyz")
    assert "Called again" in check(lambda delta, h: next(words), name="weight_gradient").said


class Evil:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")

    __hash__ = None


class EvilError(Exception):
    def __str__(self):
        raise RuntimeError("no")


def raising(error):
    def function(delta, h):
        raise error

    return function


def recursive(delta, h):
    return recursive(delta, h)


STRANGE = {
    "a string": lambda delta, h: "42",
    "a generator": lambda delta, h: (x for x in delta),
    "a set": lambda delta, h: {1, 2},
    "a ragged list": lambda delta, h: [[1.0], [1.0, 2.0]],
    "an object array": lambda delta, h: np.array([None, {}]),
    "NaN": lambda delta, h: right(delta, h) * np.nan,
    "infinity": lambda delta, h: right(delta, h) * np.inf,
    "complex": lambda delta, h: right(delta, h) * 1j,
    "a number": lambda delta, h: 0.0,
    "another shape": lambda delta, h: right(delta, h)[None],
    "something huge": lambda delta, h: np.broadcast_to(0.0, (10**6, 10**6)),
    "itself": lambda delta, h: right,
    "evil": lambda delta, h: Evil(),
    "exit": lambda delta, h: sys.exit(0),
    "an evil error": raising(EvilError()),
    "a BaseException": raising(BaseException("!")),
    "a recursion": recursive,
    "a division by zero": lambda delta, h: 1 / 0,
}


@pytest.mark.parametrize("function", STRANGE.values(), ids=STRANGE)
def test_strange_results_are_wrong_and_nothing_worse(function):
    """Whatever comes back becomes a verdict in words."""
    answer = check(function, name="weight_gradient")
    assert answer.verdict in {"wrong", "raised an error"}
    assert answer.share == 0
    assert len(str(answer).splitlines()) >= 2
    assert answer._repr_html_().startswith("<div")


def test_what_came_and_what_was_expected_is_said():
    assert "it gave the text '42', expected an array of shape (3, 4)" in str(
        check(STRANGE["a string"], name="weight_gradient")
    )
    assert "NaN or infinity" in str(check(STRANGE["NaN"], name="weight_gradient"))
    assert "tried to end Python" in check(STRANGE["exit"], name="weight_gradient").said


def endless(delta, h):
    while True:
        pass


def endless_and_careful(delta, h):
    while True:
        try:  # noqa: SIM105 # as learners write it
            time.sleep(60)
        except Exception:  # noqa: BLE001 # the point of this function
            pass


@pytest.fixture
def impatient(monkeypatch):
    """The exercise, with a tenth of a second for an answer."""
    object.__setattr__(exercises.find("weight_gradient"), "seconds", 0.1)
    yield
    object.__setattr__(exercises.find("weight_gradient"), "seconds", 3.0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such alarm: see the test of the trace")
@pytest.mark.parametrize("function", [endless, endless_and_careful])
def test_loop_without_end_is_stopped(function, impatient):
    start = time.perf_counter()
    answer = check(function, name="weight_gradient")
    assert time.perf_counter() - start < 2
    assert answer.verdict == "raised an error"
    assert "did not come to an end" in answer.said


def test_loop_without_end_is_stopped_in_another_thread(impatient):
    """Where no alarm can be set (other threads, Windows, Pyodide) a trace function looks at the clock."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(check(endless, name="weight_gradient")))
    thread.start()
    thread.join(10)
    assert answers
    assert "did not come to an end" in answers[0].said


def test_limits_leave_nothing_behind():
    """An alarm or a trace that stays would hit the next cell."""
    before = sys.gettrace()
    with _guard._trace(5):
        pass
    assert sys.gettrace() is before
    if hasattr(_guard.signal, "SIGALRM"):
        handler = _guard.signal.getsignal(_guard.signal.SIGALRM)
        with _guard.time_limit(5):
            pass
        assert _guard.signal.getsignal(_guard.signal.SIGALRM) is handler
        assert _guard.signal.getitimer(_guard.signal.ITIMER_REAL) == (0.0, 0.0)


def test_interrupt_by_the_learner_goes_through():
    """Who presses Stop wants out of the check, not an answer."""
    with pytest.raises(KeyboardInterrupt):
        check(raising(KeyboardInterrupt()), name="weight_gradient")


# -- Comparing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "want", "said"),
    [
        ([1.0, 2.0], [1.0, 2.0], None),
        ([1.0, 2.0 + 1e-9], [1.0, 2.0], None),
        ([1.0, 2.1], [1.0, 2.0], "entry [1] is 2.1, expected 2"),
        ([-1.0, -2.0], [1.0, 2.0], "wrong sign"),
        ([3.0, 6.0], [1.0, 2.0], "3 times"),
        ([[1.0], [2.0]], [[1.0, 2.0]], "the transpose?"),
        ([np.nan, 1.0], [np.nan, 1.0], None),
        ([0.0, 1.0], [np.nan, 1.0], "a number where NaN is expected"),
        ([np.nan, 1.0], [0.0, 1.0], "NaN or infinity"),
        (1.0, [1.0], "one number"),
        ([1.0], 1.0, None),
        ((1.0, 2.0), (1.0, 2.0, 3.0), "expected 3 things"),
        (np.array([1.0, 2.0]), (1.0, 2.0), None),
        ([1.0, 3.0], (1.0, 2.0), "in item 1 of what it returns"),
        ({"a": 1.0}, {"a": 2.0}, "at 'a'"),
        ({"b": 1.0}, {"a": 1.0}, "keys"),
        ([1.0 + 1e-3j], [1.0], "entry [0]"),
    ],
)
def test_difference_in_words(got, want, said):
    found = _compare.difference(_compare.freeze(got), _compare.freeze(want), rtol=1e-6)
    assert (found is None) if said is None else (found is not None and said in found), found


def test_changes_inside_networks_and_lists_are_noticed():
    """Arguments may be networks, datasets, tuples of matrices."""
    net = init_network([3, 4, 2])
    (copy,) = _compare.duplicate((net,))
    assert not _compare.changed(copy, net)
    copy.weights[1][0, 0] += 1
    assert _compare.changed(copy, net)
    assert _compare.changed([np.zeros(2), np.ones(2)], [np.zeros(2), np.zeros(2)])


# -- Words --------------------------------------------------------------------------------------


def test_rich_text_is_escaped():
    """What a learner returns or calls things must not become markup on the page."""
    note = exercises.Note("a `b` <c>", "x < y & `z < 1`", code="if a < b: ...")
    html = note._repr_html_()
    assert "<c>" not in html
    assert "<code>b</code> &lt;c&gt;" in html
    assert "<code>z &lt; 1</code>" in html
    assert "if a &lt; b" in html


@pytest.mark.parametrize("form", ["__repr__", "_repr_html_", "_repr_markdown_"])
def test_all_forms_say_the_same(form):
    answer = check(exercises.find("output_error").misconceptions[0].code, name="output_error")
    text = getattr(answer, form)()
    for word in ("output_error", "wrong", "a batch of one", "Hint"):
        assert word in text


def test_hints_come_in_steps(monkeypatch):
    monkeypatch.setattr(exercises, "_steps", {})
    found = exercises.find("hidden_error")
    given = [hint("hidden_error").text for _ in range(len(found.hints) + 1)]
    assert given == [*found.hints, found.hints[-1]]
    assert hint(found.answer, 1).text == found.hints[0]
    with pytest.raises(ValueError, match="step must be"):
        hint("hidden_error", 9)


def test_solution_shows_code_that_runs():
    namespace = {"np": np}
    exec(solution("weight_gradient").code, namespace)
    assert check(namespace["weight_gradient"]).right


def test_score_prints_words_and_gives_a_number(capsys):
    """The last line of a graded cell: nbgrader reads the number, the student the words."""
    got = check(right, name="weight_gradient").score(3)
    assert got == 3.0
    assert type(got) is float
    assert "weight_gradient: right" in capsys.readouterr().out
    assert math.isclose(check(in_place, name="weight_gradient").score(3), 1.5)


# -- Was the checker left alone? ----------------------------------------------------------------


def test_audit_passes_untouched():
    grading.audit()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (exercises, "check"),
        (exercises._engine, "check_answer"),
        (exercises._engine, "_remark"),
        (exercises._compare, "difference"),
        (exercises._answer.Answer, "score"),
        (_guard, "time_limit"),
    ],
)
def test_audit_notices_a_changed_checker(owner, name, monkeypatch):
    monkeypatch.setattr(owner, name, lambda *args, **kwargs: None)
    with pytest.raises(grading.TamperingError, match=name):
        grading.audit()


def test_confirm_does_not_believe_a_checker_that_lies():
    """A case computed by hand, in the graded cell itself, has the last word."""
    lie = exercises.Answer("weight_gradient", "right", 1.0)
    with pytest.raises(grading.TamperingError, match="was called right, but"):
        grading.confirm(lie, lambda: 0.0, 1.0)
    assert grading.confirm(lie, lambda: 1.0, 1.0) is lie
    with pytest.raises(grading.TamperingError, match="no answer"):
        grading.confirm(5, lambda: 1.0, 1.0)


def test_confirm_looks_at_the_checker_first(monkeypatch):
    """Also where the answer itself would pass the case by hand."""
    answer = check(right, name="weight_gradient")
    monkeypatch.setattr(exercises, "check", lambda function: answer)
    with pytest.raises(grading.TamperingError, match="check was replaced"):
        grading.confirm(answer, lambda: 1.0, 1.0)


def test_confirm_leaves_partial_marks_alone():
    partly = check(in_place, name="weight_gradient")
    assert grading.confirm(partly, lambda: 1 / 0, 1.0).share == 0.5
