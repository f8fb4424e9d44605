# ruff: noqa: INP001 - a script, not part of a package
"""Draw the picture that stands beside a link to the book, with the library: ``python book/assets/make_card.py``."""

import io
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # a file is drawn, no window

import matplotlib.pyplot as plt
from PIL import Image

from fa_teach import explorers, plots

TARGET = Path(__file__).with_name("card.png")


def main(target: Path = TARGET) -> Path:
    """Set the phase portrait of the smallest network beside the book's title, 1200 by 630 pixels."""
    with Image.open(io.BytesIO(explorers.PhasePortrait().still())) as still:
        portrait = still.convert("RGB").crop((0, 0, 608, 610))
    with plots.use_style():
        fig = plt.figure(figsize=(12, 6.3), layout="none", facecolor="white")
        fig.text(
            0.05,
            0.6,
            "Feedback\nalignment,\ntaught by\nexperiment",
            size=36,
            weight="bold",
            va="center",
        )
        fig.text(
            0.05,
            0.2,
            "Why does it learn,\nwhen does it fail?",
            size=21,
            color="0.35",
            va="center",
        )
        fig.text(0.05, 0.06, "An executable book", size=14, color="0.35")
        fig.figimage(portrait, 575, 10)
        pixels = io.BytesIO()
        fig.savefig(pixels, dpi=100, bbox_inches=None)
        plt.close(fig)
    with Image.open(pixels) as image:
        few = image.convert("RGB").quantize(128, dither=Image.Dither.NONE)
        few.save(target, optimize=True)
    return target


if __name__ == "__main__":
    main()
