"""What examples in docstrings take for granted: ``np`` and ``plt``, as in NumPy's and matplotlib's own."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

mpl.use("Agg")  # no display is needed; not by the environment, which the notebooks' kernels would inherit


@pytest.fixture(autouse=True)
def _known_names(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update(np=np, plt=plt)
