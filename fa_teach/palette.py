"""Colours by role, in one place, for the figures of the text and for the explorers. Needs no plotting library.

A role is what a mark stands for: a learning rule, a verdict on stability, the sign of an alignment. Each role has
one colour on light pages and one on dark pages; lines and marks have a contrast of 3:1 or more to the page. Any two
rules stay apart (CIEDE2000 of 12 or more) to normal sight and in simulated protanopia, deuteranopia and tritanopia;
the tests compute it. Colour never carries the meaning alone: lines are labelled where they end, unstable is dashed,
rules have markers of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# -- Roles --------------------------------------------------------------------------------------

NAMES: dict[str, str] = {
    "bp": "backprop",
    "fa": "FA",
    "dfa": "direct FA",
    "sign_symmetry": "sign-symmetry",
    "sign_symmetry_magnitudes": "signs + magnitudes",
    "kolen_pollack": "Kolen–Pollack",
    "weight_mirror": "weight mirror",
    "redrawn": "redrawn feedback",
    "output_only": "output layer only",
    "stable": "stable",
    "unstable": "unstable",
    "neutral": "neutral",
    "aligned": "aligned",
    "anti_aligned": "anti-aligned",
}
"""How a role is called in a figure."""

RULES: tuple[str, ...] = tuple(NAMES)[:9]

LIGHT: dict[str, str] = {
    "bp": "#3261a6",
    "fa": "#d66f16",
    "dfa": "#029d97",
    "sign_symmetry": "#a873e0",
    "sign_symmetry_magnitudes": "#a873e0",
    "kolen_pollack": "#7a5722",
    "weight_mirror": "#0d3852",
    "redrawn": "#6a0f22",
    "output_only": "#66635c",
    "stable": "#2f7d32",
    "unstable": "#7b3294",
    "neutral": "#6f747b",
    "aligned": "#dff0d2",  # regions: tints that text and lines can stand on
    "anti_aligned": "#eddef5",
    "ink": "#22262b",  # text and what has no role of its own
    "muted": "#646a72",  # axes, references, remarks
    "faint": "#c9cdd2",
    "grid": "#e7e9ec",
    "page": "#ffffff",
}
"""Colour of each role on a light page."""

DARK: dict[str, str] = {
    "bp": "#598cee",
    "fa": "#e68a37",
    "dfa": "#72f4cc",
    "sign_symmetry": "#a85fa0",
    "sign_symmetry_magnitudes": "#a85fa0",
    "kolen_pollack": "#fddb37",
    "weight_mirror": "#a2c0e1",
    "redrawn": "#dc3456",
    "output_only": "#8c8c8c",
    "stable": "#7ec26f",
    "unstable": "#c58ae0",
    "neutral": "#99a0a8",
    "aligned": "#203a1e",
    "anti_aligned": "#41254f",
    "ink": "#e6e8eb",
    "muted": "#a4abb3",
    "faint": "#4a5058",
    "grid": "#2a2f37",
    "page": "#14181e",
}
"""Colour of each role on a dark page."""

# Rules are never dashed: dashes say unstable. Dots mark the two rules that serve as baselines.
LINES: dict[str, str] = {
    **dict.fromkeys(NAMES, "solid"),
    "output_only": "dotted",
    "redrawn": "dotted",
    "sign_symmetry_magnitudes": "dashdot",
    "unstable": "dashed",
}
"""Line style of each role, by matplotlib's names."""

DASHES: dict[str, str] = {"solid": "", "dotted": "1 3", "dashdot": "7 3 1 3", "dashed": "6 4"}
"""The same styles as an SVG ``stroke-dasharray``."""

MARKERS: dict[str, str] = {
    "bp": "o",
    "fa": "s",
    "dfa": "D",
    "sign_symmetry": "^",
    "sign_symmetry_magnitudes": "v",
    "kolen_pollack": "P",
    "weight_mirror": "X",
    "redrawn": "*",
    "output_only": "d",
    "stable": "o",
    "unstable": "X",
    "neutral": "o",
}
"""Marker of each role, by matplotlib's names."""

# -- Scales -------------------------------------------------------------------------------------

# Signed quantities: anti-aligned, neutral at zero, aligned. As dark at one end as at the other.
DIVERGING: tuple[str, ...] = (
    "#5a1a70", "#7b3294", "#a067b6", "#c6a0d6", "#e3cfec", "#f6f5f3",
    "#d0e6c2", "#a1cc91", "#68a763", "#2f7d32", "#155a1d",
)  # fmt: skip
"""Colours from -1 to 1."""

# Quantities without a sign: eleven equal steps of viridis (S. van der Walt and N. Smith, CC0).
SEQUENTIAL: tuple[str, ...] = (
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c",
    "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725",
)  # fmt: skip
"""Colours from low to high."""


def blend(colors: Sequence[str], where: float) -> str:
    """Colour at a place, 0 to 1, along a sequence of colours.

    Parameters
    ----------
    colors : sequence of str
        Hexadecimal, evenly spaced.
    where : float
        Values outside 0 to 1 take the end colours.

    Returns
    -------
    str

    Examples
    --------
    >>> blend(["#000000", "#ffffff"], 0.2)
    '#333333'
    """
    place = min(max(where, 0.0), 1.0) * (len(colors) - 1)
    i = min(int(place), len(colors) - 2)
    a, b = (_channels(color) for color in colors[i : i + 2])
    mixed = (round(255 * (p + (place - i) * (q - p))) for p, q in zip(a, b, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def layers(count: int, *, dark: bool = False) -> list[str]:
    """Colours of layers 1 to ``count``, in order: the part of the sequential scale that is clear on the page.

    Parameters
    ----------
    count : int
    dark : bool
        For a dark page.

    Returns
    -------
    list of str

    Examples
    --------
    >>> layers(3)
    ['#440154', '#3b528a', '#21918c']
    """
    first, last = (0.42, 1.0) if dark else (0.0, 0.5)
    return [blend(SEQUENTIAL, first + (last - first) * i / max(count - 1, 1)) for i in range(count)]


def text_color(color: str, *, dark: bool = False) -> str:
    """Darken a line's colour (on a dark page, lighten it) until words in it have 4.5:1 contrast.

    Parameters
    ----------
    color : str
        Hexadecimal.
    dark : bool
        For a dark page.

    Returns
    -------
    str

    Examples
    --------
    >>> contrast(LIGHT["fa"], "#ffffff") < 4.5 <= contrast(text_color(LIGHT["fa"]), "#ffffff")
    True
    """
    roles = DARK if dark else LIGHT
    for step in range(21):
        word = blend([color, roles["ink"]], step / 20)
        if contrast(word, roles["page"]) >= 4.5:
            break
    return word


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2).

    Examples
    --------
    >>> contrast("#ffffff", "#000000")
    21.0
    """
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _channels(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def _luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color)]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
