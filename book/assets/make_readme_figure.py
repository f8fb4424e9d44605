# ruff: noqa: INP001 - a script, not part of a package
"""Draw the picture of the README and the preface: ``python book/assets/make_readme_figure.py``.

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

from fa_teach import History, datasets, init_network, plots, train

HERE = Path(__file__).parent
WIDE, NARROW = HERE / "readme.png", HERE / "preface-narrow.png"
SIZES = [64, 64, 64, 10]


def learned(*, seeds: int = 10, epochs: int = 12) -> dict[str, History]:
    """Train ten networks by each rule."""
    data, test = datasets.digits()
    start = init_network(SIZES, loss="cross_entropy", seed=range(seeds))
    return {
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


def draw(runs: dict[str, History], *, narrow: bool) -> plt.Figure:
    """Three panels side by side, or one above the other for a narrow page."""
    if narrow:
        fig = plt.figure(figsize=(4.6, 7.4))
        diagrams, accuracy, cosine = fig.subfigures(
            3, 1, height_ratios=[1, 2, 2]
        )
        ways = diagrams.subplots(1, 2)
    else:
        fig = plt.figure(figsize=(10, 3.6))
        diagrams, accuracy, cosine = fig.subfigures(
            1, 3, width_ratios=[0.9, 1.3, 1.1]
        )
        ways = diagrams.subplots(2, 1)
    plots.network_diagram(
        SIZES, ax=ways[0], rule="bp", title="backpropagation"
    )
    between = "\n" if narrow else " "
    plots.network_diagram(
        SIZES,
        ax=ways[1],
        rule="fa",
        title=f"feedback alignment:{between}random $B$",
    )

    ax = accuracy.subplots()
    for rule, run in runs.items():
        plots.history(run, "test_accuracy", ax=ax, role=rule)
    ax.set(
        title="Random feedback learns",
        ylim=(0.5, 1),
        ylabel="accuracy on new digits",
    )

    ax = cosine.subplots()
    plots.history(runs["fa"], "gradient_alignment", ax=ax, layer=[1, 2])
    ax.set(
        title="Its updates come to align",
        ylim=(-0.1, 1),
        ylabel="cosine to the gradient, FA",
    )
    return fig


def save(fig: plt.Figure, target: Path) -> None:
    """Write a figure in 128 colours: a third of the bytes."""
    pixels = io.BytesIO()
    fig.savefig(pixels, dpi=200)
    plt.close(fig)
    with Image.open(pixels) as image:
        few = image.convert("RGB").quantize(128, dither=Image.Dither.NONE)
        few.save(target, optimize=True)


def main() -> None:
    """Train, draw both pictures, and write them."""
    runs = learned()
    with plots.use_style():
        for target in (WIDE, NARROW):
            save(draw(runs, narrow=target is NARROW), target)
            sys.stdout.write(
                f"{target} ({target.stat().st_size / 1000:.0f} kB)\n"
            )


if __name__ == "__main__":
    main()
