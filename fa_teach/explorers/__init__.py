"""Interactive figures: computed here in NumPy, drawn in the browser.

In Jupyter an explorer is a widget: ``PhasePortrait(b=-0.5)`` shows it, its controls are traits that can be set,
observed and linked, and whatever is asked for is computed at once. In the built book, which has no kernel, the same
front end plays what the build computed over a grid of controls. Where no script runs, a still picture stands in its
place.

Importing this package loads no widget library: an explorer is loaded when it is asked for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fa_teach.explorers.aligned_but_poor import AlignedButPoor
    from fa_teach.explorers.emergence import Emergence
    from fa_teach.explorers.half_space import HalfSpace
    from fa_teach.explorers.leaving import Leaving
    from fa_teach.explorers.phase_portrait import PhasePortrait
    from fa_teach.explorers.spectrum import Spectrum

MODULES: dict[str, str] = {
    "PhasePortrait": "phase_portrait",
    "HalfSpace": "half_space",
    "Spectrum": "spectrum",
    "Leaving": "leaving",
    "Emergence": "emergence",
    "AlignedButPoor": "aligned_but_poor",
}
"""In which module each explorer lives."""

STATIC = Path(__file__).parent / "static"
"""Where the front end lies, built from ``js/``: a module for Jupyter, a classic script for pages."""

MODE = "FA_TEACH_EXPLORERS"
"""Environment variable: ``static`` while the book is built, ``still`` while committed notebooks are executed."""

__all__ = [
    "MODE",
    "MODULES",
    "STATIC",
    "AlignedButPoor",
    "Emergence",
    "HalfSpace",
    "Leaving",
    "PhasePortrait",
    "Spectrum",
]


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        known = ", ".join(MODULES)
        raise AttributeError(f"fa_teach.explorers has no {name!r}; it has {known}.")
    return getattr(importlib.import_module(f"fa_teach.explorers.{MODULES[name]}"), name)
