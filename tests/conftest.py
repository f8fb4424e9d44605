"""What all tests share."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")  # no test needs a display
os.environ.setdefault("TQDM_DISABLE", "1")
