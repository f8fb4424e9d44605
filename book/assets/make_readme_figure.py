# ruff: noqa: INP001 - a script, not part of a package
"""Draw the picture of the README, computed with the library: ``python book/assets/make_readme_figure.py``.

Left, what backpropagation and feedback alignment send backwards. Middle and right, ten networks for each rule on
handwritten digits: how well they read new digits, and how the updates of feedback alignment turn towards the gradient.
"""

import io
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # a file is drawn, no window

import matplotlib.pyplot as plt
from PIL import Image

from fa_teach import datasets, init_network, plots, train

TARGET = Path(__file__).with_name("readme.png")
SIZES = [64, 64, 64, 10]


def main(target: Path = TARGET, *, seeds: int = 10, epochs: int = 12) -> Path:
    """Train, draw, and write the picture."""
    data, test = datasets.digits()
    start = init_network(SIZES, loss="cross_entropy", seed=range(seeds))
    runs = {
        rule: train(
            start,
            data,
            rule=rule,
            epochs=epochs,
            test=test,
            record=["test_accuracy", "gradient_alignment"],
            record_at=-(-len(data) // 32) // 2,  # twice an epoch
            progress=False,
        )
        for rule in ("bp", "fa", "output_only")
    }
    with plots.use_style():
        fig = plt.figure(figsize=(10, 3.6))
        left, middle, right = fig.subfigures(
            1, 3, width_ratios=[0.9, 1.3, 1.1]
        )
        above, below = left.subplots(2, 1)
        plots.network_diagram(
            SIZES, ax=above, rule="bp", title="backpropagation"
        )
        plots.network_diagram(
            SIZES, ax=below, rule="fa", title="feedback alignment: random $B$"
        )

        ax = middle.subplots()
        for rule, run in runs.items():
            plots.history(run, "test_accuracy", ax=ax, role=rule)
        ax.set(
            title="Random feedback learns",
            ylim=(0.5, 1),
            ylabel="accuracy on new digits",
        )

        ax = right.subplots()
        plots.history(runs["fa"], "gradient_alignment", ax=ax, layer=[1, 2])
        ax.set(
            title="Its updates come to align",
            ylim=(-0.1, 1),
            ylabel="cosine to the gradient, FA",
        )

        pixels = io.BytesIO()
        fig.savefig(pixels, dpi=200)
        plt.close(fig)
    with Image.open(pixels) as image:
        few = image.convert("RGB").quantize(128, dither=Image.Dither.NONE)
        few.save(target, optimize=True)  # 128 colours: a third of the bytes
    return target


if __name__ == "__main__":
    written = main()
    sys.stdout.write(f"{written} ({written.stat().st_size / 1000:.0f} kB)\n")
