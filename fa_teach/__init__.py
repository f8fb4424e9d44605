"""Feedback alignment, to be read and run: networks, learning rules, alignment, dynamics.

The core imports NumPy and nothing else.
"""

from fa_teach import datasets
from fa_teach.alignment import (
    angle,
    cosine,
    descent,
    gradient_alignment,
    signal_alignment,
    total_gradient_alignment,
    weight_alignment,
)
from fa_teach.feedback import RULES, Gradient, Rule, Step, init_feedback, pseudo_gradient, weight_mirror
from fa_teach.network import (
    Network,
    accuracy,
    forward,
    init_network,
    loss,
    one_hot,
    random_matrix,
    softmax,
)
from fa_teach.streams import generator
from fa_teach.training import DivergenceWarning, History, Moment, train

__version__ = "0.1.0"

__all__ = [
    "RULES",
    "DivergenceWarning",
    "Gradient",
    "History",
    "Moment",
    "Network",
    "Rule",
    "Step",
    "accuracy",
    "angle",
    "cosine",
    "datasets",
    "descent",
    "forward",
    "generator",
    "gradient_alignment",
    "init_feedback",
    "init_network",
    "loss",
    "one_hot",
    "pseudo_gradient",
    "random_matrix",
    "signal_alignment",
    "softmax",
    "total_gradient_alignment",
    "train",
    "weight_alignment",
    "weight_mirror",
]
