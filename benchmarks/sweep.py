"""A sweep that is too slow for a notebook: seeds × scales of the first weights, over joblib, with a progress bar.

``python -m benchmarks.sweep`` runs on the cores of this machine; ``--backend dask`` or ``--backend ray`` on a
cluster. Each task is one ensemble: the seeds of a task share a call, joblib shares out the tasks.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
from tqdm.auto import tqdm

import fa_teach as fa

SCALES = (0.01, 0.1, 0.5, 1.0, 2.0, 4.0)


def accuracies(scale: float, seeds: Sequence[int], *, epochs: int) -> np.ndarray:
    """One task: accuracy of FA on the digits it has not seen, one for each seed."""
    data, test = fa.datasets.digits()
    nets = fa.init_network([64, 32, 10], loss="cross_entropy", scale=scale, seed=seeds)
    feedback = fa.init_feedback(nets)
    run = fa.train(
        nets, data, rule="fa", feedback=feedback, epochs=epochs, record=[], record_at=[0], progress=False
    )
    return fa.accuracy(run.network, test.x, test.t)  # (seeds,)


class ParallelWithBar(joblib.Parallel):
    """joblib's Parallel with a progress bar, on every backend: joblib calls `print_progress` as tasks are done."""

    def __init__(self, *, total: int, **keywords: Any):
        super().__init__(**keywords)
        self.bar = tqdm(total=total, desc="sweep")

    def print_progress(self) -> None:
        """Move the bar."""
        self.bar.update(self.n_completed_tasks - self.bar.n)


def sweep(scales: Sequence[float], seeds: int, *, epochs: int, together: int = 10) -> np.ndarray:
    """Accuracies, shape ``(scales, seeds)``, by whichever backend `joblib.parallel_config` has chosen."""
    blocks = np.array_split(np.arange(seeds), -(-seeds // together))
    tasks = [(scale, block) for scale in scales for block in blocks]
    parallel = ParallelWithBar(total=len(tasks))
    results = parallel(joblib.delayed(accuracies)(scale, block, epochs=epochs) for scale, block in tasks)
    parallel.bar.close()
    return np.concatenate(results).reshape(len(scales), seeds)  # joblib keeps the order of the tasks


def connect(backend: str, address: str | None) -> None:
    """Join the cluster at the address; without one, Dask and Ray start one on this machine."""
    if backend == "dask":
        from dask.distributed import Client

        Client(address)  # the newest client is the one that joblib takes
    elif backend == "ray":
        import ray
        from ray.util.joblib import register_ray

        ray.init(address=address)
        register_ray()


def main(arguments: Sequence[str] | None = None) -> None:
    """Sweep, and print a line for each scale."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sweep", description="Seeds × scales over joblib."
    )
    parser.add_argument(
        "--backend", choices=["loky", "dask", "ray"], default="loky", help="loky: this machine"
    )
    parser.add_argument("--address", help="of the Dask scheduler or the Ray head node")
    parser.add_argument(
        "--jobs", type=int, default=-1, help="at the same time (-1: as many as there are cores)"
    )
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=20)
    chosen = parser.parse_args(arguments)

    connect(chosen.backend, chosen.address)
    with joblib.parallel_config(backend=chosen.backend, n_jobs=chosen.jobs):
        results = sweep(SCALES, chosen.seeds, epochs=chosen.epochs)
    print(f"accuracy over {chosen.seeds} seeds: lower quartile, median, upper quartile")
    for scale, row in zip(SCALES, results, strict=True):
        low, middle, high = np.quantile(row, [0.25, 0.5, 0.75])
        print(f"weights × {scale:<5g} {low:.3f}  {middle:.3f}  {high:.3f}")


if __name__ == "__main__":
    main()
