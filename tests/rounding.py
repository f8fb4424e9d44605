"""What nbval compares: a rounded number may differ by one in its last digit, and nothing else may differ.

Processors add in different orders. What they compute then differs in the sixteenth digit, and training carries that
a little further. Where a result lies between two rounded numbers, one machine prints the lower, another the upper.
"""

import contextlib
import copy
import re
from decimal import Decimal

NUMBER = re.compile(r" *([+-]?\d+\.\d+(?:[eE][+-]?\d+)?)")  # whole numbers count something: they are exact


def alike(new, old):
    """Whether two printed texts are the same in this sense.

    >>> alike("FA  0.69 of 10", "FA  0.70 of 10"), alike("FA  0.68 of 10", "FA  0.70 of 10")
    (True, False)
    """
    if NUMBER.sub("#", new) != NUMBER.sub("#", old):
        return False
    pairs = zip(NUMBER.findall(new), NUMBER.findall(old), strict=True)
    return all(_differ_by_one_at_most(Decimal(a), Decimal(b)) for a, b in pairs)


def _differ_by_one_at_most(a, b):
    finest = min(a.as_tuple().exponent, b.as_tuple().exponent)
    return abs(a - b) <= Decimal(1).scaleb(finest)


def as_committed(outputs, committed):
    """A cell's outputs with the committed text wherever theirs is alike."""
    if len(outputs) != len(committed):
        return outputs
    return [_as_committed(new, old) for new, old in zip(outputs, committed, strict=True)]


def _as_committed(new, old):
    new = copy.deepcopy(new)
    if "text" in new and "text" in old and alike(new["text"], old["text"]):
        new["text"] = old["text"]
    if "data" in new and "data" in old:
        for kind in new["data"].keys() & old["data"].keys():
            if kind.startswith("text/") and alike(new["data"][kind], old["data"][kind]):
                new["data"][kind] = old["data"][kind]
    return new


with contextlib.suppress(ImportError):  # without nbval, no notebook is compared
    from nbval.plugin import IPyNbCell

    _exactly = IPyNbCell.compare_outputs

    def _compare(self, test, ref, skip_compare=None):
        return _exactly(self, as_committed(test, ref), ref, skip_compare)

    IPyNbCell.compare_outputs = _compare
