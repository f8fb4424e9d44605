"""Controls: each is declared once, as a trait that knows its range, its words and its grid in the static book."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import traitlets

from fa_teach import _checks

_order = itertools.count()


class Control(traitlets.TraitType[Any, Any]):
    """What all kinds share. An attribute of an explorer's class; its name is the control's name.

    Parameters
    ----------
    default : object
        The value at rest, and after a reset.
    label : str
        What stands beside it on the page.
    unit : str
        Written after its value.
    """

    kind: ClassVar[str]

    def __init__(self, default: Any, *, label: str, unit: str = "") -> None:
        self.label, self.unit = label, unit
        self.order = next(_order)  # on the page, controls stand as in the class
        super().__init__(default_value=self.check("default", default))
        self.tag(sync=True)

    def check(self, name: str, value: Any) -> Any:
        """Return the value, or refuse it in a sentence."""
        raise NotImplementedError

    def validate(self, obj: Any, value: Any) -> Any:  # noqa: ARG002 # traitlets says so
        """As traitlets asks for it."""
        return self.check(self.name or "value", value)

    def grid(self) -> list[Any]:
        """Values that the static book can show."""
        raise NotImplementedError

    def spec(self) -> dict[str, Any]:
        """Describe it to the browser."""
        return {
            "name": self.name,
            "kind": self.kind,
            "label": self.label,
            "unit": self.unit,
            "default": self.default_value,
        }


class Range(Control):
    """A number between two others, moved by a slider.

    Parameters
    ----------
    default, label, unit
        As for `Control`.
    low, high : float
    step : float
        Of the slider and of the arrow keys.
    grid : sequence of float, optional
        Values in the static book, rising, the default and those of the presets among them; by default all steps from
        `low` to `high`. With a kernel any number in the range is allowed.
    """

    kind = "range"

    def __init__(
        self,
        default: float,
        *,
        low: float,
        high: float,
        step: float,
        label: str,
        unit: str = "",
        grid: Sequence[float] | None = None,
    ) -> None:
        self.low, self.high, self.step = low, high, step
        count = round((high - low) / step)
        values = [round(low + i * step, 10) for i in range(count + 1)] if grid is None else grid
        self._grid = [float(value) for value in values]
        super().__init__(default, label=label, unit=unit)
        if sorted({self.check("grid", value) for value in self._grid}) != self._grid:
            raise ValueError(f"grid must rise; got {self._grid}.")
        if default not in self._grid:
            raise ValueError(f"grid must hold the default {default!r}; got {self._grid}.")

    def check(self, name: str, value: Any) -> float:
        """A number in the range."""
        return _checks.number(name, value, low=self.low, high=self.high)

    def grid(self) -> list[float]:
        """Values that the static book can show."""
        return self._grid

    def spec(self) -> dict[str, Any]:
        """Describe it to the browser."""
        return super().spec() | {"low": self.low, "high": self.high, "step": self.step, "grid": self._grid}


class Choice(Control):
    """One of a few, by name.

    Parameters
    ----------
    default : str
    options : mapping of str to str
        Value and what is written for it.
    label : str
    """

    kind = "choice"

    def __init__(self, default: str, *, options: Mapping[str, str], label: str) -> None:
        self.options = dict(options)
        super().__init__(default, label=label)

    def check(self, name: str, value: Any) -> str:
        """One of the options."""
        _checks.one_of(name, value, self.options)
        return str(value)

    def grid(self) -> list[str]:
        """All options."""
        return list(self.options)

    def spec(self) -> dict[str, Any]:
        """Describe it to the browser."""
        return super().spec() | {"grid": self.grid(), "options": self.options}


class Toggle(Control):
    """On or off.

    Parameters
    ----------
    default : bool
    label : str
    """

    kind = "toggle"

    def check(self, name: str, value: Any) -> bool:
        """True or False."""
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False; got {value!r}.")
        return value

    def grid(self) -> list[bool]:
        """Off and on."""
        return [False, True]

    def spec(self) -> dict[str, Any]:
        """Describe it to the browser."""
        return super().spec() | {"grid": self.grid()}


class Point(Control):
    """A point of a plane, dragged there, or moved by the arrow keys.

    Parameters
    ----------
    default : pair of float
    low, high : pair of float
        Corners of the rectangle in which it may lie.
    step : float
        Of the arrow keys.
    label : str
    counts : pair of int
        How many values along each axis the static book can show, evenly spaced. Not used where `Trails` hold the
        starts.
    """

    kind = "point"

    def __init__(
        self,
        default: tuple[float, float],
        *,
        low: tuple[float, float],
        high: tuple[float, float],
        step: float,
        label: str,
        counts: tuple[int, int] = (13, 13),
    ) -> None:
        self.low, self.high, self.step, self.counts = low, high, step, counts
        super().__init__(default, label=label)

    def check(self, name: str, value: Any) -> tuple[float, float]:
        """Two numbers, each in its range."""
        pair = _checks.items(name, value, "two numbers")
        if len(pair) != 2:
            raise ValueError(f"{name} must be two numbers; got {len(pair)}.")
        x, y = (_checks.number(f"{name}[{i}]", pair[i], low=self.low[i], high=self.high[i]) for i in range(2))
        return x, y

    def grid(self) -> list[tuple[float, float]]:
        """Points of the lattice, row by row."""
        xs, ys = (
            [low + (high - low) * i / max(count - 1, 1) for i in range(count)]
            for low, high, count in zip(self.low, self.high, self.counts, strict=True)
        )
        return [(x, y) for y in ys for x in xs]

    def spec(self) -> dict[str, Any]:
        """Describe it to the browser."""
        return super().spec() | {"low": self.low, "high": self.high, "step": self.step, "counts": self.counts}


class Player(Control):
    """Time, played: a frame from 0 on. At rest it stands at the last one.

    Parameters
    ----------
    frames : int
        Number of frames.
    seconds : float
        How long it takes to play them at speed 1.
    label : str
    default : int, optional
        The last frame.
    """

    kind = "player"

    def __init__(self, frames: int, *, label: str, seconds: float = 6.0, default: int | None = None) -> None:
        self.frames, self.seconds = frames, seconds
        super().__init__(frames - 1 if default is None else default, label=label)

    def check(self, name: str, value: Any) -> int:
        """A frame."""
        return _checks.integer(name, value, low=0, high=self.frames - 1)

    def grid(self) -> list[int]:
        """All frames."""
        return list(range(self.frames))

    def spec(self) -> dict[str, Any]:
        """Describe it to the browser."""
        return super().spec() | {"frames": self.frames, "seconds": self.seconds}
