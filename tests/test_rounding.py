"""Comparing notebooks: rounded numbers to one in the last digit, everything else exactly."""

import pytest
from rounding import alike

TABLE = "start      cosine    accuracy\nordinary      0.7    0.49 (0.40, 0.70)   3 of 10\n"
SAME = [
    TABLE,
    TABLE.replace("0.49", "0.48").replace("0.70", "0.69"),
    TABLE.replace("   0.7 ", "   0.8 "),
]
OTHER = [
    TABLE.replace("0.49", "0.47"),
    TABLE.replace("3 of", "4 of"),  # whole numbers count
    TABLE.replace("ordinary", "0rdinary"),
    TABLE.replace("(", "["),
    TABLE + "0.5\n",
    TABLE.replace("0.7 ", "nan "),
    TABLE.replace("0.7 ", "-0.7"),
]


@pytest.mark.parametrize("text", SAME)
def test_one_in_the_last_digit_is_rounding(text):
    assert alike(text, TABLE)
    assert alike(TABLE, text)


@pytest.mark.parametrize("text", OTHER)
def test_anything_more_is_another_result(text):
    assert not alike(text, TABLE)
    assert not alike(TABLE, text)


@pytest.mark.parametrize(
    ("new", "old", "same"),
    [
        ("1.23e-05", "1.24e-05", True),
        ("1.23e-05", "1.25e-05", False),
        ("1.23e-05", "1.23e-04", False),
        ("  -0.0 x", "   0.0 x", True),
        (" 9.9", "10.0", True),
        ("0.0999", "0.1", True),
        ("0.2", "0.0999", False),
        ("+0.1", "-0.0", True),
        ("+0.1", "-0.1", False),
        ("1.0", "1", False),
    ],
)
def test_numbers_of_all_kinds(new, old, same):
    assert alike(new, old) == same
