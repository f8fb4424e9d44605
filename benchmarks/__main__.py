"""Print the table: ``python -m benchmarks``, or ``make bench``."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.cases import Row

ROOT = Path(__file__).parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
WITHOUT_TORCH = 'PyTorch is not installed, so nothing is compared with it; pip install -e ".[bench]" gets it.'


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What to measure, from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast the library is.")
    parser.add_argument("--threads", type=int, default=2, help="of the BLAS, and of PyTorch (2)")
    parser.add_argument(
        "--dtype", choices=["float64", "float32"], default="float64", help="of all steps (float64)"
    )
    parser.add_argument("--repeats", type=int, default=25, help="pairs of blocks for each ratio (25)")
    parser.add_argument("--block", type=float, default=0.1, help="seconds of each block (0.1)")
    parser.add_argument("--notebooks", action="store_true", help="also execute the book's notebooks")
    return parser.parse_args(arguments)


def prepare(threads: int) -> None:
    """Set what has to be set before NumPy is imported, whatever the caller's environment says."""
    for name in THREADS:
        os.environ[name] = str(threads)
    os.environ.pop("TQDM_DISABLE", None)  # a reader's training runs with its progress bar


def steps_and_dynamics(chosen: argparse.Namespace) -> Iterator[Row]:
    """All rows but the notebooks'."""
    from benchmarks import cases

    timing = {"repeats": chosen.repeats, "block": chosen.block}
    try:
        import torch

        torch.set_num_threads(chosen.threads)
    except ImportError:
        print(WITHOUT_TORCH)
    else:
        yield cases.against_pytorch([64, 32, 10], 32, 0.25, dtype=chosen.dtype, **timing)
        yield cases.against_pytorch([784, 500, 500, 10], 64, 1.1, dtype=chosen.dtype, **timing)
    yield cases.against_floor([64, 128, 64, 10], 32, 2.2, dtype=chosen.dtype, **timing)
    yield cases.tanh_alone([64, 128, 64, 10], 32, dtype=chosen.dtype, **timing)
    yield cases.against_floor([784, 1000, 10], 128, 1.6, dtype=chosen.dtype, **timing)
    yield cases.ensemble([64, 32, 10], 32, 0.25, count=64, dtype=chosen.dtype, **timing)
    yield cases.jacobian_spectrum([64, 10, 10], 1437, 10.0)


def notebooks() -> Iterator[Row]:
    """Seconds of each notebook, kernel included, and of all; nothing is written. One thread, as the book is built."""
    from benchmarks.cases import Row

    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "TQDM_DISABLE": "1"}
    execute = [sys.executable, "-c", "from nbclient.cli import main; main()", "--timeout=300"]
    total = 0.0
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        start = time.perf_counter()
        subprocess.run([*execute, path], check=True, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - ours
        seconds = time.perf_counter() - start
        total += seconds
        yield Row(path.name, seconds, 30.0)
    yield Row("all notebooks", total, 240.0)


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def line(row: Row) -> str:
    """A row as it is printed."""
    if row.ratio is None or row.other is None or row.spread is None:
        cells = ["", "", ""]
        target = "" if row.limit is None else f"< {row.limit:g} s"
    else:
        low, high = row.spread
        cells = [duration(row.other), f"{row.ratio:.2f}", f"{low:.2f} to {high:.2f}"]
        target = "" if row.limit is None else f"<= {row.limit:g}"
    answer = "" if row.limit is None else "yes" if row.met else "NO"
    return LAYOUT.format(row.name, duration(row.ours), *cells, target, answer).rstrip()


LAYOUT = "{:<58}{:>9}{:>9}{:>7}  {:<14}{:<9}{}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print each row as it is known."""
    chosen = options(arguments)
    prepare(chosen.threads)
    import numpy as np

    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores; "
        f"threads: {chosen.threads}, {chosen.dtype}, median of {chosen.repeats} pairs by turns"
    )
    print(LAYOUT.format("", "ours", "other's", "ratio", "half of pairs", "target", "met"))
    for row in steps_and_dynamics(chosen):
        print(line(row), flush=True)
    if chosen.notebooks:
        for row in notebooks():
            print(line(row), flush=True)


if __name__ == "__main__":
    main()
