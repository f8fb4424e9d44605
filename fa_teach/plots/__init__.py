"""Figures of the text: small functions that draw one thing each on given axes and return them.

Without `ax`, a function draws on the current axes, so that several calls in one notebook cell compose. Colours
come from `fa_teach.palette`, by role. Lines are labelled where they end; the labels move apart when they would
overlap. Spread over seeds is a band around the median: by default the middle 80 % of the seeds, from the 10th to
the 90th percentile.

Nothing is changed by importing this module; `use_style` sets the look of the book.
"""

from fa_teach.plots.diagrams import network_diagram
from fa_teach.plots.lines import QUANTITIES, curves, history, intervals, label_line, reference, spread
from fa_teach.plots.phase import (
    curve_by_stability,
    fixed_points,
    sign_background,
    spectrum,
    streamlines,
    trajectory,
    vector_field,
)
from fa_teach.plots.pictures import angles, compass, heatmap, images, matrix, scatter_weights
from fa_teach.plots.style import BAND, COLORS, MAGNITUDE, SIGNED, STYLE, use_style

__all__ = [
    "BAND",
    "COLORS",
    "MAGNITUDE",
    "QUANTITIES",
    "SIGNED",
    "STYLE",
    "angles",
    "compass",
    "curve_by_stability",
    "curves",
    "fixed_points",
    "heatmap",
    "history",
    "images",
    "intervals",
    "label_line",
    "matrix",
    "network_diagram",
    "reference",
    "scatter_weights",
    "sign_background",
    "spectrum",
    "spread",
    "streamlines",
    "trajectory",
    "use_style",
    "vector_field",
]
