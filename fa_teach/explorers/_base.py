"""What all explorers share: controls as traits, arrays from NumPy, one front end with a kernel and without."""

from __future__ import annotations

import base64
import io
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import numpy as np
import traitlets

from fa_teach import _checks
from fa_teach.explorers import MODE, STATIC
from fa_teach.explorers._bake import Arrays, Baked, Part, Trails, as_arrays, as_json, describe, fill, needs
from fa_teach.explorers._controls import Control, Player

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_shown: Counter[str] = Counter()  # how often each explorer stands on a static page already


class Explorer(anywidget.AnyWidget):
    """An interactive figure: a subclass declares controls, and how arrays, words and a still picture come from them.

    Parameters
    ----------
    hide : sequence of str
        Controls that the reader does not see; ``["all"]`` for none at all.
    **values
        Values of controls, and what ipywidgets takes, such as ``layout``.

    Raises
    ------
    TypeError, ValueError
        For an unknown control or a value outside its range, in a sentence, when it is made and whenever a trait is set.
        What goes wrong in the computation is shown in the widget, and raised.
    """

    _esm = STATIC / "explorers.mjs"

    slug: ClassVar[str]
    """Its name in links, and that of its view in the bundle."""
    title: ClassVar[str]
    parts: ClassVar[Sequence[Part | Trails]]
    """Functions from some of the controls, which are their parameters, to named arrays."""
    presets: ClassVar[Mapping[str, tuple[str, Mapping[str, Any]]]] = {}
    """By name: what its button says, and values; controls not named are at their defaults."""
    precision: ClassVar[Mapping[str, Any]] = {}
    """Arrays for which float16 is not enough in the static book, with their type."""
    moment: ClassVar[Sequence[str]] = ()
    """Sentences on the player's frame. Fields come from the view; the first sentence that has them all is said."""

    WIDGET: ClassVar[frozenset[str]] = frozenset({"layout", "tooltip", "tabbable"})
    """What is passed on to ipywidgets."""

    _slug = traitlets.Unicode().tag(sync=True)
    _title = traitlets.Unicode().tag(sync=True)
    _controls: Any = traitlets.List().tag(sync=True)
    _presets = traitlets.Dict().tag(sync=True)
    _moment: Any = traitlets.List().tag(sync=True)
    _hidden: Any = traitlets.List().tag(sync=True)
    _arrays = traitlets.Dict().tag(sync=True)
    _template = traitlets.Unicode().tag(sync=True)
    _error = traitlets.Unicode().tag(sync=True)

    def __init__(self, *, hide: Sequence[str] = (), **values: Any) -> None:
        controls = self.controls()
        passed = {
            name: value for name, value in values.items() if name not in controls and name in self.WIDGET
        }
        full = self.check(**{name: value for name, value in values.items() if name not in passed})
        hidden = [str(name) for name in _checks.items("hide", hide, "names of controls")]
        for name in hidden:
            _checks.one_of("hide", name, [*controls, "all"])
        arrays = self.compute(**full)
        self._now = arrays
        self._behind: set[str] = set()  # controls that moved since arrays were last computed
        super().__init__(
            **passed,
            **full,
            _slug=self.slug,
            _title=self.title,
            _controls=describe(controls, list(self.parts)),
            _presets={name: {"label": label, "values": dict(v)} for name, (label, v) in self.presets.items()},
            _moment=list(self.moment),
            _hidden=hidden,
            _arrays=_for_browser(arrays),
            _template=self.sentence(arrays, full),
        )
        self.observe(self._changed, names=list(controls))

    # -- What a subclass says ----------------------------------------------------------------

    @staticmethod
    def sentence(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        """Say in words what is shown; numbers come in by fields, such as ``{loss[-1]:.2f}``."""
        raise NotImplementedError

    @staticmethod
    def draw(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> Figure:
        """Draw the still picture, by `fa_teach.plots`."""
        raise NotImplementedError

    # -- Controls and arrays -----------------------------------------------------------------

    @classmethod
    def controls(cls) -> dict[str, Control]:
        """Return the controls by name, in the order in which they were declared."""
        found = [trait for trait in cls.class_traits().values() if isinstance(trait, Control)]
        return {str(control.name): control for control in sorted(found, key=lambda control: control.order)}

    @classmethod
    def check(cls, **values: Any) -> dict[str, Any]:
        """Complete the values of controls by the defaults; refuse what is unknown or out of range."""
        controls = cls.controls()
        for name in values:
            if name not in controls:
                raise TypeError(f"{cls.__name__} has the controls {', '.join(controls)}; got {name!r}.")
        return {
            name: control.check(name, values[name]) if name in values else control.default_value
            for name, control in controls.items()
        }

    @classmethod
    def compute(cls, **values: Any) -> Arrays:
        """Compute all arrays that are drawn for some values of the controls.

        Parameters
        ----------
        **values
            Controls; those left out are at their defaults.

        Returns
        -------
        dict of ndarray
        """
        full = cls.check(**values)
        arrays: Arrays = {}
        for part in cls.parts:
            arrays |= as_arrays(part, part(**{name: full[name] for name in needs(part)}))
        return arrays

    @property
    def values(self) -> dict[str, Any]:
        """Values of all controls."""
        return {name: getattr(self, name) for name in self.controls()}

    @property
    def arrays(self) -> Arrays:
        """The arrays that are drawn now."""
        return self._now

    @property
    def words(self) -> str:
        """The sentence that says what is shown."""
        return fill(self._template, self._now, self.values)

    def _changed(self, change: Any) -> None:
        """Compute again what depends on the control that moved."""
        if isinstance(self.controls()[change["name"]], Player):
            return
        values = self.values
        self._behind.add(change["name"])
        try:
            arrays = dict(self._now)
            for part in self.parts:
                if self._behind & set(needs(part)):
                    arrays |= as_arrays(part, part(**{name: values[name] for name in needs(part)}))
            template = self.sentence(arrays, values)
        except Exception as error:
            self._error = f"{type(error).__name__}: {error}"
            raise
        self._now = arrays
        self._behind.clear()
        with self.hold_sync():
            self._error = ""
            self._arrays = _for_browser(arrays)
            self._template = template

    # -- Showing -----------------------------------------------------------------------------

    def __repr__(self) -> str:
        """Name the values of its controls."""
        values = ", ".join(
            f"{name}={value!r}"
            for name, value in self.values.items()
            if not isinstance(self.controls()[name], Player)
        )
        return f"{type(self).__name__}({values})"

    def open(self) -> None:
        """Talk to a front end, if there will be one."""
        if not os.environ.get(MODE):
            super().open()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        mode = os.environ.get(MODE, "")
        still = {"text/plain": repr(self), "image/png": base64.b64encode(self.still()).decode("ascii")}
        if mode == "static":
            return still | {"text/html": self.to_html()}
        if mode == "still":
            return still
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        return (bundle[0] | still, *bundle[1:])

    def still(self) -> bytes:
        """Return the picture that stands where no script runs, as PNG of 128 colours."""
        import matplotlib.pyplot as plt
        from PIL import Image

        from fa_teach import plots

        with plots.use_style():
            figure = self.draw(self._now, self.values)
            file = io.BytesIO()
            figure.savefig(file, dpi=150)
            plt.close(figure)
        small = io.BytesIO()
        Image.open(file).convert("RGB").quantize(128).save(small, "png", optimize=True)
        return small.getvalue()

    def to_html(self, *, alone: bool = False) -> str:
        """Make the explorer for a page without a kernel.

        Parameters
        ----------
        alone : bool
            A whole page, script included, to be saved and opened by itself; else only what the book's page needs
            around the script, which all its explorers share.

        Returns
        -------
        str
        """
        if alone:
            _shown.clear()
        _shown[self.slug] += 1
        count = _shown[self.slug]
        anchor = self.slug if count == 1 else f"{self.slug}-{count}"
        settings = {
            "slug": self.slug,
            "title": self.title,
            "controls": describe(self.controls(), list(self.parts)),
            "presets": {
                name: {"label": label, "values": dict(v)} for name, (label, v) in self.presets.items()
            },
            "moment": list(self.moment),
            "hidden": list(self._hidden),
            "values": self.values,
        }
        picture = base64.b64encode(self.still()).decode("ascii")
        lines = [
            f'<div class="fa-explorer" id="{anchor}" data-explorer="{self.slug}">',
            f'<script type="application/json" class="fa-settings">{as_json(settings)}</script>',
        ]
        if count == 1:  # a second one on the page plays the same data
            baked = as_json(_baked(type(self)).payload())
            lines.append(f'<script type="application/json" class="fa-data">{baked}</script>')
        words = escape(f"{self.title}. {self.words}")
        lines.append(f'<img class="fa-still" alt="{words}" src="data:image/png;base64,{picture}">')
        lines.append("</div>")
        markup = "\n".join(lines)
        if not alone:
            return markup
        script = (STATIC / "explorers.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
        head = (
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            "<style>body { margin: 1.5rem auto; max-width: 46rem; padding: 0 1rem; font-family: system-ui, sans-serif }"
            " @media (prefers-color-scheme: dark) { body { background: #14181c; color: #dde1e5; } }</style>"
        )
        return (
            f'<!DOCTYPE html>\n<html lang="en"><head><title>{escape(self.title)}</title>{head}</head>'
            f"<body><main><h1>{escape(self.title)}</h1>\n{markup}\n</main><script>{script}</script></body></html>\n"
        )


_cache: dict[type[Explorer], Baked] = {}


def _baked(explorer: type[Explorer]) -> Baked:
    if explorer not in _cache:
        _cache[explorer] = Baked(explorer)
    return _cache[explorer]


def _for_browser(arrays: Arrays) -> dict[str, Any]:
    """As the widget protocol carries them: the numbers themselves, not their digits."""
    result = {}
    for name, array in arrays.items():
        kind = np.int32 if array.dtype.kind in "iub" else np.float32
        small = np.ascontiguousarray(array, dtype=kind)
        result[name] = {
            "dtype": small.dtype.name,
            "shape": list(array.shape),
            "data": memoryview(small.tobytes()),
        }
    return result
