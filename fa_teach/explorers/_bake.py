"""What the static book plays: an explorer computed over a grid of its controls, packed to be embedded in a page.

Each part of an explorer is computed for all values of the controls that it names, and for no others. Arrays become
float16 (or what ``precision`` says), the bytes of equal weight stand together, and the whole is compressed.
"""

from __future__ import annotations

import base64
import inspect
import itertools
import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fa_teach.explorers._controls import Control, Player, Point, Range

if TYPE_CHECKING:
    from fa_teach.explorers._base import Explorer

Array = npt.NDArray[Any]
Arrays = dict[str, Array]
Part = Callable[..., Mapping[str, Any]]

LARGEST = 400_000  # characters of base64 that an explorer may add to a page


@dataclass(frozen=True)
class Trails:
    """A part that follows a path from a start, with many starts at the price of a few paths.

    A flow that does not depend on time runs on from every point of a path along the rest of it. So in the static book
    each point of a few paths serves as a start, and what is drawn from there is the rest of that path.

    Attributes
    ----------
    part : function
        With a kernel: from the controls, among them a `Point`, to arrays of one length, from the start on.
    paths : function
        For the static book: from the same controls without the point to a list of paths, each the same arrays.
    where : str
        Which array, of shape ``(points, 2)``, holds the points.
    clock : str
        Which array, if any, counts from the start: it begins at 0 wherever one starts.
    """

    part: Part
    paths: Callable[..., Sequence[Mapping[str, Any]]]
    where: str
    clock: str = ""

    def __call__(self, **values: Any) -> Mapping[str, Any]:
        """As the part itself."""
        return self.part(**values)


def needs(part: Part | Trails) -> list[str]:
    """Which controls a part depends on: the names of its parameters."""
    return list(inspect.signature(part.part if isinstance(part, Trails) else part).parameters)


def as_arrays(part: Any, result: Mapping[str, Any]) -> Arrays:
    """What a part returned, as arrays of numbers."""
    arrays = {name: np.asarray(value) for name, value in result.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} of {part} must hold real numbers; got dtype {array.dtype}.")
    return arrays


# -- Sentences ----------------------------------------------------------------------------------

_FIELD = re.compile(r"\{(\w+)(?:\[(-?\d+)\])?:(\+?)\.(\d)([f%])\}")


def fill(template: str, arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Put numbers into a sentence's fields, as the browser does.

    Parameters
    ----------
    template : str
        With fields ``{name:.2f}``, ``{name:+.1f}``, ``{name:.0%}``, ``{name[-1]:.2f}``; an index counts through the
        flattened array.
    arrays, values : mapping
        Where names are looked up, in this order.

    Returns
    -------
    str

    Examples
    --------
    >>> fill("{x[-1]:+.1f} of {b:.0%}", {"x": [1.0, -2.25]}, {"b": 0.5})
    '−2.3 of 50%'
    """

    def write(field: re.Match[str]) -> str:
        name, index, plus, digits, kind = field.groups()
        if name not in arrays and name not in values:
            raise KeyError(f"the sentence names {name!r}, which is neither an array nor a control")
        numbers = np.ravel(arrays[name] if name in arrays else values[name])
        value = float(numbers[int(index or 0)])
        if not np.isfinite(value):
            return "∞" if value > 0 else "−∞" if value < 0 else "undefined"
        exact = Decimal(value) * (100 if kind == "%" else 1)
        rounded = exact.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP)  # as JavaScript's toFixed
        sign = "−" if rounded < 0 else "+" if plus and rounded > 0 else ""
        return f"{sign}{abs(rounded)}{'%' if kind == '%' else ''}"

    return _FIELD.sub(write, template)


# -- The grid -----------------------------------------------------------------------------------


class Baked:
    """An explorer over the grid of its controls.

    Parameters
    ----------
    explorer : subclass of Explorer

    Attributes
    ----------
    templates : list of str
        The different sentences.

    Raises
    ------
    ValueError
        If it does not fit a page.
    """

    def __init__(self, explorer: type[Explorer]) -> None:
        self.explorer = explorer
        self.controls = explorer.controls()
        self.points = [name for name, control in self.controls.items() if isinstance(control, Point)]
        if len(self.points) > 1:
            raise TypeError(f"{explorer.__name__} may have one Point; it has {', '.join(self.points)}.")
        self.parts = list(explorer.parts)
        self.axes = [
            [name for name in needs(part) if not isinstance(self.controls[name], Point)]
            for part in self.parts
        ]
        self.cells: list[list[Arrays]] = [
            [cell for values in self._combinations(axes) for cell in self._compute(part, values)]
            for part, axes in zip(self.parts, self.axes, strict=True)
        ]  # for each part, for each combination of its controls
        self.templates: list[str] = []
        self._bake_sentences()

    def _combinations(self, names: list[str]) -> list[dict[str, Any]]:
        grids = [self.controls[name].grid() for name in names]
        return [dict(zip(names, values, strict=True)) for values in itertools.product(*grids)]

    def _compute(self, part: Part | Trails, values: dict[str, Any]) -> list[Arrays]:
        """One cell; for a part with a point and no trails, one for each point of the lattice."""
        if isinstance(part, Trails):
            paths = [as_arrays(part, path) for path in part.paths(**values)]
            lengths = [len(path[part.where]) for path in paths]
            pool = {name: np.concatenate([path[name] for path in paths]) for name in paths[0]}
            pool["stop"] = np.repeat(np.cumsum(lengths), lengths)
            return [{name: self._pack(name, array) for name, array in pool.items()}]
        point = [name for name in needs(part) if name in self.points]
        combinations = (
            [values | {point[0]: start} for start in self.controls[point[0]].grid()] if point else [values]
        )
        return [
            {name: self._pack(name, array) for name, array in as_arrays(part, part(**full)).items()}
            for full in combinations
        ]

    def _pack(self, name: str, array: Array) -> Array:
        """In the smallest type that keeps it."""
        if array.dtype.kind == "b":
            return array.astype(np.uint8)
        if array.dtype.kind in "iu":
            low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
            # one type for all cells: small signed numbers, or what counts points
            if not -(2**31) <= low <= high < 2**31:
                raise ValueError(f"{name} must fit 32 bits; got {low} to {high}.")
            return array.astype(np.int32)
        kind = self.explorer.precision.get(name, np.float16)
        finite = np.abs(array[np.isfinite(array)])
        if finite.size and finite.max() > np.finfo(kind).max:
            raise ValueError(
                f"{name} must be at most {np.finfo(kind).max:g} in {np.dtype(kind).name}; got {finite.max():g}. "
                "Give it float32 in precision."
            )
        return array.astype(kind)

    # -- Looking up, as the browser does ----------------------------------------------------

    def _index(self, axes: list[str], values: Mapping[str, Any]) -> int:
        index = 0
        for name in axes:
            grid = self.controls[name].grid()
            index = index * len(grid) + grid.index(values[name])
        return index

    def _nearest(self, part: int, cell: Arrays, starts: Any) -> Any:
        """Index of the trails' point nearest to each start, among those within the control's range."""
        control = self.controls[self.points[0]]
        assert isinstance(control, Point)
        points = cell[self._where(part)].astype(float)
        candidates = np.flatnonzero(((points >= control.low) & (points <= control.high)).all(axis=1))
        here = points[candidates]
        apart = (here**2).sum(axis=-1) - 2 * (np.asarray(starts, dtype=float) @ here.T)  # but for a constant
        return candidates[apart.argmin(axis=-1)]

    def snap(self, **values: Any) -> dict[str, Any]:
        """Move values to the nearest that were computed."""
        snapped = self.explorer.check(**values)
        for name, control in self.controls.items():
            if isinstance(control, Range):
                grid = np.array(control.grid())
                snapped[name] = float(grid[np.abs(grid - snapped[name]).argmin()])
        for name in self.points:
            first = next((i for i, part in enumerate(self.parts) if isinstance(part, Trails)), None)
            if first is None:
                lattice = np.array(self.controls[name].grid())
                near = lattice[((lattice - snapped[name]) ** 2).sum(axis=1).argmin()]
            else:
                cell = self.cells[first][self._index(self.axes[first], snapped)]
                near = cell[self._where(first)][self._nearest(first, cell, snapped[name])]
            snapped[name] = (float(near[0]), float(near[1]))
        return snapped

    def _where(self, part: int) -> str:
        trails = self.parts[part]
        assert isinstance(trails, Trails)
        return trails.where

    def lookup(self, **values: Any) -> tuple[dict[str, Any], Arrays]:
        """Return the snapped values, and the arrays that the page shows for them."""
        snapped = self.snap(**values)
        return snapped, self._arrays(snapped)

    def _arrays(self, snapped: Mapping[str, Any]) -> Arrays:
        arrays: Arrays = {}
        for i, part in enumerate(self.parts):
            index = self._index(self.axes[i], snapped)
            point = [name for name in needs(part) if name in self.points]
            if isinstance(part, Trails):
                cell = self.cells[i][index]
                k = self._nearest(i, cell, snapped[self.points[0]])
                rest = {name: a[k : cell["stop"][k]] for name, a in cell.items() if name != "stop"}
                if part.clock and np.isfinite(rest[part.clock][0]):
                    rest[part.clock] = rest[part.clock] - rest[part.clock][0]
                arrays |= rest
            elif point:
                lattice = self.controls[point[0]].grid()
                arrays |= self.cells[i][index * len(lattice) + lattice.index(snapped[point[0]])]
            else:
                arrays |= self.cells[i][index]
        return arrays

    # -- Sentences --------------------------------------------------------------------------

    def _bake_sentences(self) -> None:
        """For each combination of controls (the player's apart) and each start, which sentence it is."""
        self.sentence_axes = [
            name for name, control in self.controls.items() if not isinstance(control, Point | Player)
        ]
        computed = {name for axes in self.axes for name in axes}
        rest = {name: c.default_value for name, c in self.controls.items() if isinstance(c, Player)}
        known: dict[str, int] = {}
        states: dict[tuple[Any, ...], list[tuple[dict[str, Any], Arrays]]] = {}
        self.sentences: list[Array] = []
        for values in self._combinations(self.sentence_axes):
            key = tuple(value for name, value in values.items() if name in computed)
            if key not in states:  # arrays do not depend on the other controls, words may
                states[key] = self._starts(values)
            texts = [self.explorer.sentence(arrays, rest | values | at) for at, arrays in states[key]]
            row = [known.setdefault(text, len(known)) for text in texts]
            self.sentences.append(np.array(row, dtype=np.int32))
        self.templates = list(known)

    def _starts(self, values: dict[str, Any]) -> list[tuple[dict[str, Any], Arrays]]:
        """All starts of the static book, with their arrays."""
        if not self.points:
            return [({}, self._arrays(values))]
        name = self.points[0]
        trails = [i for i, part in enumerate(self.parts) if isinstance(part, Trails)]
        if not trails:
            lattice = self.controls[name].grid()
            return [({name: start}, self._arrays(values | {name: start})) for start in lattice]
        common: Arrays = {}
        for i in range(len(self.parts)):
            if i not in trails:
                common |= self.cells[i][self._index(self.axes[i], values)]
        pools = {i: self.cells[i][self._index(self.axes[i], values)] for i in trails}
        starts = pools[trails[0]][self._where(trails[0])].astype(float)
        rows: dict[int, Any] = {i: self._nearest(i, pool, starts) for i, pool in pools.items()}
        rows[trails[0]] = np.arange(len(starts))
        wide = {i: {n: a.astype(float) for n, a in pool.items() if n != "stop"} for i, pool in pools.items()}
        states = []
        for k, start in enumerate(starts.tolist()):
            arrays = dict(common)
            for i in trails:
                first = rows[i][k]
                last = pools[i]["stop"][first]
                arrays |= {n: a[first:last] for n, a in wide[i].items()}
            states.append(({name: tuple(start)}, arrays))
        return states

    # -- Into the page ----------------------------------------------------------------------

    def payload(self) -> dict[str, Any]:
        """As JSON: what each part holds, and all arrays in one compressed string."""
        blob = bytearray()
        parts = []
        for i, part in enumerate(self.parts):
            arrays = {}
            for name in self.cells[i][0]:
                cells = [cell[name] for cell in self.cells[i]]
                shapes = {array.shape[1:] for array in cells}
                if len(shapes) > 1:
                    raise ValueError(f"{name} must have one shape but for its first axis; got {shapes}.")
                arrays[name] = self._append(blob, cells)
            parts.append(
                {
                    "axes": self.axes[i],
                    "point": next((n for n in needs(part) if n in self.points), None),
                    "trails": part.where if isinstance(part, Trails) else None,
                    "clock": part.clock if isinstance(part, Trails) else None,
                    "arrays": arrays,
                }
            )
        sentences = {"axes": self.sentence_axes, **self._append(blob, self.sentences)}
        data = base64.b64encode(zlib.compress(bytes(blob), 9)).decode("ascii")
        if len(data) > LARGEST:
            raise ValueError(
                f"{self.explorer.__name__} takes {len(data):,} characters of a page; at most {LARGEST:,} are allowed. "
                "Make its grid coarser."
            )
        return {"parts": parts, "sentences": sentences, "templates": self.templates, "data": data}

    @staticmethod
    def _append(blob: bytearray, cells: list[Array]) -> dict[str, Any]:
        """All cells of one array, one after the other: column by column, byte planes apart."""
        rows_of = [cell.reshape(-1, int(np.prod(cell.shape[1:], dtype=int))) for cell in cells]
        flat = np.concatenate(rows_of).T.ravel()  # neighbours are alike, and so pack well
        if flat.dtype == np.int32:
            kinds = (np.uint8, np.int8, np.uint16, np.int16, np.int32)
            low, high = (flat.min(), flat.max()) if flat.size else (0, 0)
            flat = flat.astype(next(k for k in kinds if np.iinfo(k).min <= low and high <= np.iinfo(k).max))
        flat = flat.astype(flat.dtype.newbyteorder("<"))
        planes = np.frombuffer(flat.tobytes(), np.uint8).reshape(-1, flat.itemsize).T
        rows = [len(cell) if cell.ndim else 1 for cell in cells]
        header = {
            "dtype": flat.dtype.name,
            "offset": len(blob),
            "count": int(flat.size),
            "tail": list(cells[0].shape[1:]),
            "rows": rows[0] if len(set(rows)) == 1 else rows,
        }
        blob += planes.tobytes()
        return header


def as_json(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")


def describe(controls: Mapping[str, Control], parts: list[Part | Trails]) -> list[dict[str, Any]]:
    """Controls as the browser needs them; ``computed`` tells those that arrays depend on."""
    used = {name for part in parts for name in needs(part)}
    return [control.spec() | {"computed": name in used} for name, control in controls.items()]
