"""What all tests share."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")  # no test needs a display
os.environ.setdefault("TQDM_DISABLE", "1")

from browsing import browser, site, visit  # noqa: F401 # fixtures: one browser for all tests that open pages
