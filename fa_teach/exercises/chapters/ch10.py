"""Chapter 10, the project: an interval over seeds, a verdict that may be open, and how many seeds it takes."""

import numpy as np

from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. An interval over seeds ------------------------------------------------------------------


def paired_interval(rule, control, factor):
    differences = rule - control
    middle = differences.mean()
    half = factor * differences.std(ddof=1) / np.sqrt(len(differences))
    return middle - half, middle + half


def _runs(rng, seeds, *, effect, factor=2.0):
    """Two runs per seed that share the seed's luck."""
    luck = rng.normal(size=seeds)
    control = luck + 0.2 * rng.normal(size=seeds)
    return luck + effect + 0.2 * rng.normal(size=seeds), control, factor


def _around(differences, half):
    return differences.mean() - half, differences.mean() + half


def _unpaired(rule, control, factor):
    spread = np.sqrt(rule.var(ddof=1) + control.var(ddof=1))
    return _around(rule - control, factor * spread / np.sqrt(len(rule)))


def _percentiles(rule, control, factor):
    low, high = np.percentile(rule - control, [2.5, 97.5])
    return low, high


def _of_the_rule(rule, control, factor):
    low, high = paired_interval(rule, np.zeros_like(rule), factor)
    return low, high


PAIRED_INTERVAL = Exercise(
    answer=paired_interval,
    title="An interval over seeds",
    parts=(
        Part("ten seeds", 2, lambda rng: [_runs(rng, 10, effect=0.5, factor=2.26)]),
        Part("the rule is worse", 1, lambda rng: [_runs(rng, 12, effect=-1.0)]),
        Part("few seeds", 1, lambda rng: [_runs(rng, 3, effect=0.3, factor=4.3)]),
    ),
    misconceptions=(
        Misconception(
            "not paired",
            _unpaired,
            "Both runs of a seed share its luck, and here that luck is counted twice. Take the difference seed by seed, *then* its spread.",
        ),
        Misconception(
            "spread of the seeds",
            lambda rule, control, factor: _around(rule - control, factor * (rule - control).std(ddof=1)),
            "This is where single seeds lie. The *mean* of many is known better, by the root of their number.",
        ),
        Misconception(
            "divided by the number",
            lambda rule, control, factor: _around(
                rule - control, factor * (rule - control).std(ddof=1) / len(rule)
            ),
            "It is divided by the number of seeds, not by its root: far too sure.",
        ),
        Misconception(
            "spread about the known mean",
            lambda rule, control, factor: _around(
                rule - control, factor * (rule - control).std() / np.sqrt(len(rule))
            ),
            "`std` divides by the number of seeds. The mean was computed from the same seeds, so one less is right: `ddof=1`.",
        ),
        Misconception(
            "sign",
            lambda rule, control, factor: paired_interval(control, rule, factor),
            "This is the control minus the rule. Positive should mean that the *rule* has the larger number.",
        ),
        Misconception(
            "middle and width",
            lambda rule, control, factor: (
                (rule - control).mean(),
                factor * (rule - control).std(ddof=1) / np.sqrt(len(rule)),
            ),
            "These are the middle and half of the width. Asked for are the two ends, the lower one first.",
        ),
        Misconception(
            "factor forgotten",
            lambda rule, control, factor: paired_interval(rule, control, 1.0),
            "This is one standard error on each side, which leaves out one time in three. `factor` says how many to take.",
        ),
        Misconception(
            "percentiles of the seeds",
            _percentiles,
            "These are the ends of the middle 95 % of the *seeds*. Asked is how well their mean is known.",
        ),
        Misconception(
            "no control",
            _of_the_rule,
            "The control does not occur. An interval for the rule alone says how well it does, not what it is better than.",
        ),
    ),
    hints=(
        "One difference for each seed first. Then their mean, and how uncertain it is.",
        "The standard error of a mean is the standard deviation (`ddof=1`) over the root of the number of seeds.",
        "Mean minus and plus `factor` times the standard error; return both, the lower end first.",
    ),
    explanation=(
        "A pair shares its start, its data and their order. Much of the luck is the same in both and cancels in the difference, so that pairs "
        "need fewer seeds than two separate groups."
    ),
)


# -- 2. A verdict that may be open --------------------------------------------------------------


def decide(low, high, smallest):
    if low > smallest:
        return 1
    if high < smallest:
        return -1
    return 0


def _inside(rng, side):
    """Ends of an interval, and a smallest effect that lies below, within or above it; all above zero."""
    middle = float(rng.uniform(1.0, 2.0))
    half = float(rng.uniform(0.1, 0.3))
    return middle - half, middle + half, middle - side * 2 * half + 0.2 * half


def _mistaken(low, high, smallest, *, otherwise=0):
    return 1 if low > smallest else -1 if high < smallest else otherwise


DECIDE = Exercise(
    answer=decide,
    title="A verdict that may be open",
    parts=(
        Part("the claim holds", 1, lambda rng: [_inside(rng, 1), (0.2, 0.9, 0.1)]),
        Part("it fails", 1, lambda rng: [_inside(rng, -1), (-0.9, -0.2, 0.1)]),
        Part("not decided", 2, lambda rng: [_inside(rng, 0), (-0.3, 0.8, 0.1), (-0.8, 0.3, 0.1)]),
        Part("better, but too little", 1, lambda rng: [(0.02, 0.06, 0.1)]),
        Part("no number", 1, lambda rng: [(np.nan, np.nan, float(rng.uniform(0.1, 1.0)))]),
    ),
    misconceptions=(
        Misconception(
            "the middle decides",
            lambda low, high, smallest: 0 if np.isnan(low) else 1 if (low + high) / 2 > smallest else -1,
            "The middle of the interval decides here, and so there is always a verdict. What is the interval for, then?",
        ),
        Misconception(
            "zero as threshold",
            lambda low, high, smallest: decide(low, high, 0.0),
            "This asks whether there is *any* effect. The claim, as it was fixed beforehand, needs at least `smallest`.",
        ),
        Misconception(
            "not shown is refuted",
            lambda low, high, smallest: _mistaken(low, high, smallest, otherwise=-1),
            "What was not shown is called refuted. An interval that holds the threshold allows for both.",
        ),
        Misconception(
            "not refuted is shown",
            lambda low, high, smallest: _mistaken(low, high, smallest, otherwise=1),
            "What was not refuted is called shown. An interval that holds the threshold allows for both.",
        ),
        Misconception(
            "never refuted",
            lambda low, high, smallest: int(low > smallest),
            "A claim that cannot fail is not tested: say -1 where the whole interval is below the threshold.",
        ),
        Misconception(
            "exchanged",
            lambda low, high, smallest: -decide(low, high, smallest),
            "Holds and fails are exchanged.",
        ),
        Misconception(
            "one end is enough",
            lambda low, high, smallest: 1 if high > smallest else -1 if low < smallest else 0,
            "One end of the interval beyond the threshold is not enough: *all* of it has to be.",
        ),
        Misconception(
            "NaN fails",
            lambda low, high, smallest: -1 if np.isnan(low) else decide(low, high, smallest),
            "A run without a number has refuted nothing. It is not decided.",
        ),
        Misconception(
            "words",
            lambda low, high, smallest: "not decided",
            "Return the numbers 1, -1 or 0, not words.",
        ),
    ),
    hints=(
        "Three answers: the whole interval is above the threshold, the whole interval is below it, or neither.",
        "Which end has to be above `smallest` for all of the interval to be?",
        "1 if `low > smallest`, -1 if `high < smallest`, else 0. Comparisons with NaN are false, which is just right.",
    ),
    explanation=(
        "A threshold that was fixed beforehand, and an interval that may hold it. *Not decided* is a result: it says that these seeds, in this "
        "setting, cannot tell, and how many more would."
    ),
)


# -- 3. How many seeds --------------------------------------------------------------------------


def seeds_needed(differences, precision, factor):
    spread = differences.std(ddof=1)
    return max(int(np.ceil((factor * spread / precision) ** 2)), 2)


def _pilot(rng, seeds, spread, precision, factor=2.0):
    """Differences with a spread that is known, a mean that is not zero, and no rounding at the edge."""
    values = rng.normal(size=seeds)
    values = spread * (values - values.mean()) / values.std(ddof=1)
    return values + float(rng.uniform(1.0, 2.0)), precision, factor


SEEDS_NEEDED = Exercise(
    answer=seeds_needed,
    title="How many seeds",
    parts=(
        Part("a pilot of five", 2, lambda rng: [_pilot(rng, 5, 1.0, 0.3), _pilot(rng, 5, 0.5, 0.11)]),
        Part("another factor", 1, lambda rng: [_pilot(rng, 8, 1.0, 0.4, factor=3.0)]),
        Part("hardly any spread", 1, lambda rng: [_pilot(rng, 6, 0.01, 0.5)]),
    ),
    misconceptions=(
        Misconception(
            "not squared",
            lambda differences, precision, factor: max(
                int(np.ceil(factor * differences.std(ddof=1) / precision)), 2
            ),
            "The width falls with the *root* of the number of seeds: twice as precise takes four times as many.",
        ),
        Misconception(
            "rounded down",
            lambda differences, precision, factor: max(
                int((factor * differences.std(ddof=1) / precision) ** 2), 2
            ),
            "Rounded down, the interval is still a little too wide. Round up.",
        ),
        Misconception(
            "a single seed",
            lambda differences, precision, factor: int(
                np.ceil((factor * differences.std(ddof=1) / precision) ** 2)
            ),
            "One seed has no spread, so that nothing could be said of its interval. Two is the least.",
        ),
        Misconception(
            "no factor",
            lambda differences, precision, factor: max(
                int(np.ceil((differences.std(ddof=1) / precision) ** 2)), 2
            ),
            "This makes the standard error as small as asked. Half of the interval is `factor` times as wide.",
        ),
        Misconception(
            "whole width",
            lambda differences, precision, factor: max(
                int(np.ceil((2 * factor * differences.std(ddof=1) / precision) ** 2)), 2
            ),
            "`precision` is half of the width, from the middle to one end. Here it is taken for the whole.",
        ),
        Misconception(
            "mean for spread",
            lambda differences, precision, factor: max(
                int(np.ceil((factor * differences.mean() / precision) ** 2)), 2
            ),
            "The mean says how large the effect is. How many seeds it takes depends on how much they *differ*.",
        ),
        Misconception(
            "spread about the known mean",
            lambda differences, precision, factor: max(
                int(np.ceil((factor * differences.std() / precision) ** 2)), 2
            ),
            "`std` divides by the number of seeds; with so few of them that makes a difference. Take `ddof=1`, as in the interval.",
        ),
    ),
    hints=(
        "Half of the width is `factor * spread / sqrt(n)`. Solve for `n`.",
        "`(factor * spread / precision) ** 2`, with the standard deviation (`ddof=1`) of the pilot's differences.",
        "Round up with `np.ceil`, make it an `int`, and return 2 at least.",
    ),
    explanation=(
        "Twice the precision costs four times the seeds. The pilot's spread is itself uncertain, and the pilot's seeds must not be used again for "
        "the test: plan with some, decide with others."
    ),
)

EXERCISES = (PAIRED_INTERVAL, DECIDE, SEEDS_NEEDED)
