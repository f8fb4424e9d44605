"""What `check` says: in a notebook in rich text, elsewhere in plain text."""

from __future__ import annotations

import html
import re
import sys
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["right", "partly right", "wrong", "raised an error", "not attempted"]
_CODE = re.compile(r"`([^`]+)`")


class NotRightError(AssertionError):
    """Raised by `Answer.require`."""


@dataclass(frozen=True)
class PartResult:
    """How one part of an exercise went."""

    name: str
    points: float
    passed: bool
    remark: str = ""


@dataclass(frozen=True, repr=False)
class Answer:
    """What a check found.

    Attributes
    ----------
    name : str
        The exercise.
    verdict : str
        ``"right"``, ``"partly right"``, ``"wrong"``, ``"raised an error"`` or ``"not attempted"``.
    share : float
        The part of the marks that was earned, from 0 to 1.
    said : str
        The verdict's reason, in a sentence.
    parts : tuple of PartResult
    hint : str
        What a misconception that behaves like this function has got wrong; empty if none does.
    misconception : str
        Its name.
    """

    name: str
    verdict: Verdict
    share: float
    said: str = ""
    parts: tuple[PartResult, ...] = ()
    hint: str = ""
    misconception: str = field(default="", compare=False)

    @property
    def right(self) -> bool:
        """Whether full marks were earned."""
        return self.verdict == "right"

    def score(self, points: float) -> float:
        """Show the answer and return the marks, as nbgrader reads them: the last line of a graded cell.

        Parameters
        ----------
        points : float
            What the exercise is worth.

        Returns
        -------
        float
            Rounded to two decimals.
        """
        _show(self)
        return round(float(points) * self.share, 2)

    def require(self) -> Answer:
        """The answer itself if it is right; else an error that says why not.

        Raises
        ------
        NotRightError
            An ``AssertionError``.
        """
        if not self.right:
            raise NotRightError(str(self))
        return self

    # -- Words ----------------------------------------------------------------------------------

    def _headline(self) -> str:
        if self.verdict in {"right", "partly right"} and len(self.parts) > 1:
            passed = sum(part.passed for part in self.parts)
            if self.verdict == "partly right" and passed == len(self.parts):
                return f"{self.verdict}: right numbers, but see below"
            return f"{self.verdict}, {passed} of {len(self.parts)} parts"
        return self.verdict

    def _remarks(self) -> list[tuple[str, str, str]]:
        """Mark, name and remark of each part; parts say nothing where the whole did not run."""
        if self.verdict not in {"right", "partly right", "wrong"}:
            return []
        return [("✓" if part.passed else "✗", part.name, part.remark) for part in self.parts]

    def __repr__(self) -> str:
        lines = [f"{self.name}: {self._headline()}"]
        lines += [
            f"  {mark} {name}{f': {remark}' if remark else ''}" for mark, name, remark in self._remarks()
        ]
        lines += [f"  {text}" for text in (self.said, f"Hint: {self.hint}" if self.hint else "") if text]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        lines = [f"**`{self.name}`: {self._headline()}**", ""]
        lines += [
            f"- {mark} {name}{f': {remark}' if remark else ''}" for mark, name, remark in self._remarks()
        ]
        for text in (self.said, f"*Hint:* {self.hint}" if self.hint else ""):
            if text:
                lines += ["", text]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li>{mark} {rich(name)}{f': {rich(remark)}' if remark else ''}</li>"
            for mark, name, remark in self._remarks()
        )
        text = f"<p><strong><code>{html.escape(self.name)}</code>: {self._headline()}</strong></p>"
        text += f'<ul style="list-style: none; padding-left: 0">{items}</ul>' if items else ""
        text += f"<p>{rich(self.said)}</p>" if self.said else ""
        text += f"<p><em>Hint:</em> {rich(self.hint)}</p>" if self.hint else ""
        return _box(text, kind=self.verdict.replace(" ", "-"))


@dataclass(frozen=True, repr=False)
class Note:
    """A text for the reader, with code or without: what `hint` and `solution` give."""

    title: str
    text: str
    code: str = ""

    def __repr__(self) -> str:
        return "\n".join([self.title, *([self.code.rstrip()] if self.code else []), self.text])

    def _repr_markdown_(self) -> str:
        code = f"\n```python\n{self.code.rstrip()}\n```\n" if self.code else ""
        return f"**{self.title}**\n{code}\n{self.text}"

    def _repr_html_(self) -> str:
        code = f"<pre>{html.escape(self.code.rstrip())}</pre>" if self.code else ""
        return _box(f"<p><strong>{rich(self.title)}</strong></p>{code}<p>{rich(self.text)}</p>", kind="note")


def rich(text: str) -> str:
    """Plain text as HTML, with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", html.escape(text, quote=False))


def _box(content: str, *, kind: str) -> str:
    style = "border-left: 3px solid currentColor; padding: 0.1em 0 0.1em 0.9em; margin: 0.4em 0"
    return f'<div class="fa-answer fa-answer-{kind}" style="{style}">{content}</div>'


def _show(thing: Answer) -> None:
    """Show rich text where there is a notebook, and print elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(thing)
    else:
        sys.stdout.write(f"{thing}\n")
