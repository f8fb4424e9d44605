"""The palette as the front end reads it: run as a module, it prints ``js/src/palette.json``."""

from __future__ import annotations

import json

from fa_teach import palette


def text() -> str:
    """JSON of names, dashes and colours by role, those of lines and marks and the stronger ones of words."""
    content = {
        "names": palette.NAMES,
        "dashes": {role: palette.DASHES[style] for role, style in palette.LINES.items() if style != "solid"},
        **{
            scheme: {
                "lines": colors,
                "words": {
                    role: palette.text_color(colors[role], dark=scheme == "dark") for role in palette.NAMES
                },
            }
            for scheme, colors in (("light", palette.LIGHT), ("dark", palette.DARK))
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201 # its purpose
