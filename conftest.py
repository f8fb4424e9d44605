"""What examples in docstrings and the notebooks' kernels take for granted, however pytest is started."""

import os

# As `make` sets them, for `pytest --nbval` without make: a progress bar would show as an unexpected output, and
# several threads on matrices as small as these cost more than they help.
for variable, value in {
    "TQDM_DISABLE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}.items():
    os.environ.setdefault(variable, value)

import matplotlib as mpl  # noqa: E402 (numpy reads the variables when it is imported)
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

# nbval: where new outputs come from, and when they are the same as the old ones.
pytest_plugins = ["tests.as_built", "tests.rounding"]

mpl.use("Agg")  # no display is needed; not by the environment, which the notebooks' kernels would inherit


@pytest.fixture(autouse=True)
def _known_names(doctest_namespace: dict[str, object]) -> None:
    """``np`` and ``plt``, as in NumPy's and matplotlib's own docstrings."""
    doctest_namespace.update(np=np, plt=plt)
