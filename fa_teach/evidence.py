"""How sure a count or a median is, and a table that says so: intervals, rank correlation, rendered tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach import _checks

Array = npt.NDArray[Any]

# -- Intervals ----------------------------------------------------------------------------------


def wilson(successes: Any, trials: Any, *, level: float = 0.95) -> tuple[Array, Array]:
    """Interval for a share, from a count: Wilson's score interval.

    Unlike ``share ± 2 standard errors`` it stays within 0 and 1, and has a width where all trials agree.

    Parameters
    ----------
    successes : int or array of int
    trials : int or array of int
        At least 1, and not fewer than the successes. The two broadcast.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    low, high : ndarray

    Raises
    ------
    ValueError
        For negative counts, more successes than trials, or a level that is not between 0 and 1.

    References
    ----------
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of the American
    Statistical Association 22 (1927) 209-212.

    Examples
    --------
    >>> low, high = wilson([0, 10, 20], 20)
    >>> print(low.round(2), high.round(2))
    [0.   0.3  0.84] [0.16 0.7  1.  ]
    """
    k = _checks.numbers("successes", successes, low=0)
    n = _checks.numbers("trials", trials, low=1)
    if (k > n).any():
        raise ValueError(f"successes must not exceed trials; got {successes!r} of {trials!r}.")
    z = NormalDist().inv_cdf((1 + _level(level)) / 2)
    centre = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    return np.maximum(centre - half, 0), np.minimum(centre + half, 1)


def bootstrap(
    statistic: Callable[..., Any],
    *samples: Any,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval for any statistic of independent samples: the percentile bootstrap.

    Parameters
    ----------
    statistic : callable
        Takes as many arrays as there are `samples`, returns a number.
    *samples : array, shape ``(n, ...)``
        One row for each independent run. Several arrays are resampled together: rows that belong to the same
        run stay together.
    level : float
        Confidence level, between 0 and 1.
    resamples : int
    seed : int

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        For no samples, or samples of different lengths.

    References
    ----------
    B. Efron, Bootstrap methods: another look at the jackknife, The Annals of Statistics 7 (1979) 1-26.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=100)
    >>> low, high = bootstrap(np.mean, values)
    >>> print(round(low, 1), round(high, 1))
    -0.1 0.3
    """
    arrays = [_checks.real_array("samples", sample) for sample in samples]
    lengths = {len(array) if array.ndim else 0 for array in arrays}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"samples must be arrays with the same number of rows; got {sorted(lengths)}.")
    count = _checks.integer("resamples", resamples, low=2)
    tail = 50 * (1 - _level(level))
    rows = np.random.default_rng(seed).integers(0, lengths.pop(), (count, len(arrays[0])))
    values = [float(statistic(*(array[chosen] for array in arrays))) for chosen in rows]
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def rank_correlation(a: Any, b: Any) -> float:
    """Spearman's rank correlation: 1 if larger ``a`` always goes with larger ``b``, -1 if with smaller.

    Parameters
    ----------
    a, b : array, shape ``(n,)``

    Returns
    -------
    float
        NaN where all values of one are the same.

    Raises
    ------
    ValueError
        For arrays that are not of the same shape ``(n,)``.

    Examples
    --------
    >>> print(round(rank_correlation([1, 2, 3, 4], [1, 10, 100, 50]), 2))
    0.8
    """
    x, y = _checks.real_array("a", a), _checks.real_array("b", b)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise ValueError(f"a and b must have the same shape (n,), n at least 2; got {x.shape} and {y.shape}.")
    p, q = (ranks - ranks.mean() for ranks in (_ranks(x), _ranks(y)))
    size = np.sqrt((p @ p) * (q @ q))
    return float(p @ q / size) if size > 0 else float("nan")


def _ranks(values: Array) -> Array:
    """Ranks from 0 on; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return np.asarray(((last - counts + last - 1) / 2)[place])


def _level(level: float) -> float:
    value = _checks.number("level", level, low=0, high=1, open_low=True)
    if value == 1:
        raise ValueError("level must be below 1; got 1.")
    return value


# -- Tables -------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Table:
    """A table of words that computed code fills: text in a terminal, HTML with headers on a page.

    The first cell of each row is its header, so that a screen reader says which row a cell is in.

    Attributes
    ----------
    caption : str
    header : sequence of str
    rows : sequence of sequences of str

    Examples
    --------
    >>> Table("Two rules", ["rule", "accuracy"], [["FA", "0.92"], ["backprop", "0.95"]])
    Two rules
    rule     | accuracy
    -------- | --------
    FA       | 0.92
    backprop | 0.95
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(
                    f"rows must have {len(self.header)} cells, as the header; got {list(row)!r}."
                )

    def __repr__(self) -> str:
        lines = [list(self.header), *map(list, self.rows)]
        widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
        lines.insert(1, ["-" * width for width in widths])
        told = (" | ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
        return "\n".join([self.caption, *told])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in self.header)
        body = "".join(
            f'<tr><th scope="row">{escape(first)}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in others)
            + "</tr>\n"
            for first, *others in self.rows
        )
        caption = escape(self.caption)
        return (
            f'<div class="table-scroll" role="region" aria-label="{caption}" tabindex="0">'
            f'<table class="table"><caption>{caption}</caption>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
        )
