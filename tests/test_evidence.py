"""Intervals decide verdicts: they are compared with SciPy, and with how often they cover the truth."""

import re

import numpy as np
import pytest
import scipy.stats

from fa_teach import evidence


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("k", "n"), [(0, 20), (1, 20), (10, 20), (19, 20), (20, 20), (1, 1), (137, 1000)])
def test_wilson_agrees_with_scipy(k, n, level):
    """A verdict hangs on these two numbers."""
    other = scipy.stats.binomtest(k, n).proportion_ci(level, method="wilson")
    low, high = evidence.wilson(k, n, level=level)
    assert abs(low - other.low) < 1e-12
    assert abs(high - other.high) < 1e-12


def test_wilson_broadcasts_and_keeps_within_zero_and_one():
    """One call for all tests of a chapter; rounding must not leave the range of shares."""
    low, high = evidence.wilson(np.arange(21), 20)
    assert low.shape == high.shape == (21,)
    assert low.min() >= 0
    assert high.max() <= 1
    assert (np.diff(low) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((21, 20), {}, "successes must not exceed trials; got 21 of 20."),
        ((-1, 20), {}, "successes must be"),
        ((0, 0), {}, "trials must be"),
        ((1, 2), {"level": 0}, "level must be"),
        ((1, 2), {"level": 1}, "level must be below 1; got 1."),
    ],
)
def test_wilson_refuses_what_is_no_count(arguments, options, message):
    """A share above one is a mistake in the caller, which an interval would hide."""
    with pytest.raises(ValueError, match=re.escape(message)):
        evidence.wilson(*arguments, **options)


def test_bootstrap_agrees_with_scipy():
    """The percentile interval of a median, from an independent implementation with other resamples."""
    values = np.random.default_rng(3).normal(size=80)
    mine = evidence.bootstrap(np.median, values, resamples=4000)
    other = scipy.stats.bootstrap(
        (values,), np.median, method="percentile", n_resamples=4000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert np.allclose(mine, (other.low, other.high), atol=0.05)


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    """The meaning of 95 %: of 200 intervals for a mean that is 0, a few miss it, and not most."""
    draws = np.random.default_rng(0).normal(size=(200, 30))
    intervals = np.array([evidence.bootstrap(np.mean, row, resamples=200) for row in draws])
    covered = ((intervals[:, 0] < 0) & (intervals[:, 1] > 0)).mean()
    assert 0.87 < covered < 0.99


def test_bootstrap_keeps_pairs_together():
    """Two measurements of one run belong together: torn apart, a perfect correlation would vanish."""
    a = np.random.default_rng(0).normal(size=50)
    low, high = evidence.bootstrap(evidence.rank_correlation, a, a**3)
    assert low > 0.999
    assert high < 1.001


def test_bootstrap_is_reproducible_and_takes_rows():
    """Printed intervals are compared digit by digit; runs may carry several numbers each."""
    rows = np.random.default_rng(0).normal(size=(40, 3))
    first = evidence.bootstrap(lambda r: r.mean(), rows, seed=4)
    assert first == evidence.bootstrap(lambda r: r.mean(), rows, seed=4)
    assert first != evidence.bootstrap(lambda r: r.mean(), rows, seed=5)


@pytest.mark.parametrize("samples", [(), (np.ones(3), np.ones(4)), (1.0,), (np.ones(0),)])
def test_bootstrap_refuses_samples_that_do_not_fit(samples):
    """Different lengths cannot be pairs."""
    with pytest.raises(ValueError, match="samples must be arrays with the same number of rows"):
        evidence.bootstrap(np.mean, *samples)


@pytest.mark.parametrize("ties", [False, True])
def test_rank_correlation_agrees_with_scipy(ties):
    """Accuracies of small test sets have ties, and these share a rank."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 60))
    b = b + a
    if ties:
        a, b = a.round(), b.round()
    assert abs(evidence.rank_correlation(a, b) - scipy.stats.spearmanr(a, b).statistic) < 1e-12
    assert abs(evidence.rank_correlation(a, -b) + evidence.rank_correlation(a, b)) < 1e-12


def test_rank_correlation_of_a_constant_is_undefined():
    """Where nothing varies there is nothing to correlate; 0 would be an answer."""
    assert np.isnan(evidence.rank_correlation([1, 1, 1], [1, 2, 3]))


@pytest.mark.parametrize(("a", "b"), [([1, 2], [1, 2, 3]), ([1], [1]), ([[1, 2]], [[1, 2]])])
def test_rank_correlation_refuses_other_shapes(a, b):
    """Broadcasting would pair what does not belong together."""
    with pytest.raises(ValueError, match="a and b must have the same shape"):
        evidence.rank_correlation(a, b)


def test_table_has_headers_for_screen_readers_and_escapes_its_cells():
    """Every cell must be announced with its row and column; words of a claim are no markup."""
    table = evidence.Table("Cap & tion", ["rule", "share < 1"], [["FA", "<b>1</b>"], ["BP", "2"]])
    html = table._repr_html_()
    assert html.count('<th scope="col">') == 2
    assert html.count('<th scope="row">') == 2
    assert "<caption>Cap &amp; tion</caption>" in html
    assert "&lt;b&gt;1&lt;/b&gt;" in html
    assert "<b>" not in html
    assert 'tabindex="0"' in html  # a wide table scrolls, and must do so from the keyboard
    assert repr(table).splitlines()[1:3] == ["rule | share < 1", "---- | ---------"]


def test_table_refuses_rows_of_another_length():
    """A missing cell would shift the others under the wrong header."""
    with pytest.raises(ValueError, match="rows must have 2 cells"):
        evidence.Table("t", ["a", "b"], [["1", "2"], ["3"]])
