"""Right answers to chapter 10 in other styles."""

import math

import numpy as np


def interval_by_hand(rule, control, factor):
    d = [a - b for a, b in zip(rule, control, strict=True)]
    n, mean = len(d), sum(d) / len(d)
    error = math.sqrt(sum((v - mean) ** 2 for v in d) / (n - 1) / n)
    return [mean - factor * error, mean + factor * error]


def interval_as_array(rule, control, factor):
    d = rule - control
    return d.mean() + np.array([-1, 1]) * factor * np.sqrt(d.var(ddof=1) / d.size)


def decide_by_signs(low, high, smallest):
    return float(low > smallest) - float(high < smallest)


def seeds_by_counting(differences, precision, factor):
    n = 2
    while factor * np.std(differences, ddof=1) / np.sqrt(n) > precision:
        n += 1
    return n


RIGHT = {
    "paired_interval": [interval_by_hand, interval_as_array],
    "decide": [decide_by_signs],
    "seeds_needed": [seeds_by_counting],
}
