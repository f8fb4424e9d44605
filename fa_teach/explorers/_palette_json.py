"""The palette as the front end reads it: run as a module, it prints ``js/src/palette.json``."""

from __future__ import annotations

import json

from fa_teach import palette

REGIONS = {"aligned": "stable", "anti_aligned": "unstable"}
"""Tinted grounds, and the role whose colour the words on them take."""


def _words(scheme: str, colors: dict[str, str]) -> dict[str, str]:
    """Colours of words: by role, and for a tinted ground so that they are readable on it."""
    words = {role: palette.text_color(colors[role], dark=scheme == "dark") for role in palette.NAMES}
    for region, role in REGIONS.items():
        shades = (palette.blend([words[role], colors["ink"]], step / 20) for step in range(21))
        words[region] = next(shade for shade in shades if palette.contrast(shade, colors[region]) >= 4.6)
    return words


def text() -> str:
    """JSON of names, dashes and colours by role, those of lines and marks and the stronger ones of words."""
    content = {
        "names": palette.NAMES,
        "dashes": {role: palette.DASHES[style] for role, style in palette.LINES.items() if style != "solid"},
        **{
            scheme: {"lines": colors, "words": _words(scheme, colors)}
            for scheme, colors in (("light", palette.LIGHT), ("dark", palette.DARK))
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201 # its purpose
