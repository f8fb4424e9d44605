"""Explorers without a browser: what they compute, what they refuse, what the static book holds. All of them."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import traitlets
from scipy.integrate import solve_ivp

from fa_teach import chain, explorers, fixed_points
from fa_teach.explorers import MODE, MODULES, STATIC, _palette_json
from fa_teach.explorers._bake import LARGEST, Baked, Trails, fill, needs
from fa_teach.explorers._base import Explorer, _baked
from fa_teach.explorers._controls import Choice, Player, Point, Range, Toggle
from fa_teach.explorers.phase_portrait import PhasePortrait, bp_landscape, bp_path, fa_path, landscape

ROOT = Path(__file__).parents[1]
ALL = [getattr(explorers, name) for name in MODULES]
every = pytest.mark.parametrize("explorer", ALL, ids=list(MODULES))
LONG = {"PhasePortrait", "Spectrum"}  # all that these can show takes ten seconds to compute
every_baked = pytest.mark.parametrize(
    "explorer",
    [
        pytest.param(explorer, id=name, marks=[pytest.mark.slow] if name in LONG else [])
        for name, explorer in zip(MODULES, ALL, strict=True)
    ],
)


def states(explorer, count, seed=0):
    """Random values of all controls, within their ranges."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        values = {}
        for name, control in explorer.controls().items():
            if isinstance(control, Point):
                values[name] = tuple(rng.uniform(control.low, control.high))
            elif isinstance(control, Range):
                values[name] = rng.uniform(control.low, control.high)
            else:
                grid = control.grid()
                values[name] = grid[rng.integers(len(grid))]
        yield values


def same(a, b):
    return set(a) == set(b) and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)


# -- All explorers -----------------------------------------------------------------------------


def test_nothing_is_loaded_before_it_is_asked_for():
    """A course that never opens an explorer needs neither ipywidgets nor the time to import it."""
    heavy = ("ipywidgets", "anywidget", "matplotlib")
    code = f"import sys, fa_teach.explorers; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
    with pytest.raises(AttributeError, match="has no 'Nonsense'; it has PhasePortrait"):
        _ = explorers.Nonsense


@every
def test_every_control_changes_arrays_or_words(explorer):
    """A control that changes nothing is a promise not kept."""
    controls = explorer.controls()
    rest = explorer.check()
    base = explorer.compute()
    words = fill(explorer.sentence(base, rest), base, rest)
    used = {name for part in explorer.parts for name in needs(part)}
    assert used <= set(controls), f"parts name what is no control: {used - set(controls)}"
    for name, control in controls.items():
        if isinstance(control, Player):
            continue
        seen, said = set(), set()
        for value in control.grid():
            values = rest | {name: value}
            arrays = explorer.compute(**{name: value})
            assert set(arrays) == set(base)
            seen.add(tuple(array.tobytes() for array in arrays.values()))
            said.add(fill(explorer.sentence(arrays, values), arrays, values))
        assert (len(seen) > 1) == (name in used), f"{name} and the arrays"
        assert len(said | {words}) > 1, f"{name} never changes the sentence"


@every
def test_words_have_all_their_numbers(explorer):
    """A field that nothing fills would stand on the page as a brace."""
    for values in states(explorer, 20):
        arrays = explorer.compute(**values)
        text = fill(explorer.sentence(arrays, values), arrays, values)
        assert not re.search(r"[{}]|nan|undefined", text), text
        assert text.endswith(".")


@every_baked
def test_presets_can_be_shown_exactly(explorer):
    """A sentence of a chapter that sets a preset must not get its neighbour on the grid."""
    baked = _baked(explorer)
    assert explorer.presets, "presets are what sentences link to"
    for name, (label, values) in explorer.presets.items():
        assert re.fullmatch(r"[a-z0-9-]+", name), name
        assert label
        full = explorer.check(**values)
        for key, value in baked.snap(**full).items():
            if isinstance(value, str | bool):
                assert value == full[key]
            else:
                np.testing.assert_allclose(value, full[key], atol=2e-3, err_msg=f"{name}: {key}")


@every
def test_what_is_unknown_or_out_of_range_is_refused(explorer):
    """Nothing is clipped in silence, neither when it is made nor later."""
    widget = explorer()
    with pytest.raises(TypeError, match=r"has the controls .*; got 'nonsense'"):
        explorer(nonsense=1)
    with pytest.raises(ValueError, match="hide must be one of"):
        explorer(hide=["nonsense"])
    for name, control in explorer.controls().items():
        bad = {
            Range: [1e9, -1e9, float("nan"), "1", None],
            Choice: ["nonsense", 0],
            Toggle: [1, "on"],
            Point: [(1e9, 0), (0,), 3, "ab", (float("inf"), 0)],
            Player: [-1, 10**6, 0.5],
        }[type(control)]
        before = getattr(widget, name)
        for value in bad:
            for call in (lambda: explorer(**{name: value}), lambda: setattr(widget, name, value)):  # noqa: B023 # called here
                with pytest.raises((ValueError, TypeError)) as caught:
                    call()
                message = str(caught.value)
                assert message.startswith(name), message
                assert "got" in message, message
        assert getattr(widget, name) == before


@every
def test_a_trait_that_is_set_is_computed(explorer):
    """From Python the widget is its traits: arrays and words follow at once."""
    widget = explorer()
    for values in states(explorer, 5, seed=1):
        for name, value in values.items():
            setattr(widget, name, value)
        assert same(widget.arrays, explorer.compute(**values))
        assert widget.words == fill(explorer.sentence(widget.arrays, values), widget.arrays, values)
        for name, sent in widget._arrays.items():
            wire = np.frombuffer(sent["data"], sent["dtype"]).reshape(sent["shape"])
            np.testing.assert_allclose(wire, widget.arrays[name], rtol=1e-6, atol=1e-30)


@every
def test_links_and_observers(explorer):
    """As with any other widget of ipywidgets."""
    one, other = explorer(), explorer()
    name, control = next(iter(explorer.controls().items()))
    heard = []
    one.observe(lambda change: heard.append(change["new"]), names=name)
    traitlets.link((one, name), (other, name))
    value = next(value for value in control.grid() if value != control.default_value)
    one.set_trait(name, value)
    assert heard == [value]
    assert getattr(other, name) == value
    assert same(other.arrays, one.arrays)
    assert explorer(layout={"width": "50%"}).layout.width == "50%"


@every
def test_repr_is_that_of_the_call(explorer):
    """nbval compares it: no address, no order of a set."""
    assert repr(explorer()) == repr(explorer())
    assert repr(explorer()).startswith(f"{explorer.__name__}(")


@every_baked
def test_what_each_place_is_given(explorer, monkeypatch):
    """A live widget in Jupyter; in committed notebooks a picture; in the book HTML that loads nothing."""
    monkeypatch.delenv(MODE, raising=False)
    live = explorer()._repr_mimebundle_()
    live = live[0] if isinstance(live, tuple) else live
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= set(live)
    monkeypatch.setenv(MODE, "still")
    still = explorer()._repr_mimebundle_()
    assert set(still) == {"text/plain", "image/png"}
    picture = base64.b64decode(still["image/png"])
    assert picture.startswith(b"\x89PNG")
    assert 5_000 < len(picture) < 120_000, f"the still picture has {len(picture):,} bytes"


@every_baked
def test_html_of_the_book(explorer, monkeypatch):
    """Self-contained, data once, the picture's words beside it."""
    monkeypatch.setenv(MODE, "static")
    explorers._base._shown.clear()
    widget = explorer()
    assert widget.comm is None, "without a kernel there is nobody to talk to"
    first, second = (widget._repr_mimebundle_()["text/html"] for _ in range(2))
    assert 'class="fa-data"' in first
    assert 'class="fa-data"' not in second, "a second one on the page plays the same data"
    assert f'id="{explorer.slug}"' in first
    assert f'id="{explorer.slug}-2"' in second
    assert not re.search(r'(src|href)="(?!data:)', first), "nothing is loaded"
    alt = re.search(r'alt="([^"]+)"', first).group(1)
    assert len(alt) > 40
    settings = json.loads(re.search(r'class="fa-settings">(.*?)</script>', first, re.DOTALL).group(1))
    assert [control["name"] for control in settings["controls"]] == list(explorer.controls())
    explorers._base._shown.clear()


@pytest.mark.slow
def test_one_explorer_alone_on_a_page():
    """For a teacher: the whole of it, script included, in one file."""
    page = PhasePortrait().to_html(alone=True)
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<script>") == 1
    assert "</script" not in page.split("<script>")[1].rsplit("</script>", 1)[0]


@every
def test_what_goes_wrong_is_shown_and_raised(explorer):
    """An exception swallowed would leave yesterday's picture beside today's controls."""
    name = next(iter(explorer.controls()))
    control = explorer.controls()[name]
    part = next(part for part in explorer.parts if name in needs(part))
    original = part.part if isinstance(part, Trails) else part
    trap = [False]

    class Fails(explorer):
        parts = (_like(original, trap),)

    widget = Fails()
    value = next(value for value in control.grid() if value != control.default_value)
    trap[0] = True
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        setattr(widget, name, value)
    assert widget._error == "ZeroDivisionError: on purpose"
    trap[0] = False
    names = needs(original)
    others = (
        n for n, c in explorer.controls().items() if n not in names and not isinstance(c, Player | Point)
    )
    other = next(others, None)
    if other is None:
        return
    moved = next(v for v in explorer.controls()[other].grid() if v != getattr(widget, other))
    setattr(widget, other, moved)  # nothing is left behind of the control whose computation failed
    assert widget._error == ""
    for key, array in original(**{n: getattr(widget, n) for n in names}).items():
        np.testing.assert_array_equal(widget.arrays[key], array)


def _like(part, trap):
    """The same part, with the same parameters, that fails when told to."""
    namespace = {"part": part, "trap": trap}
    names = ", ".join(needs(part))
    passed = ", ".join(f"{name}={name}" for name in needs(part))
    fail = "(_ for _ in ()).throw(ZeroDivisionError('on purpose'))"
    code = f"def failing({names}):\n    return {fail} if trap[0] else dict(ALL_ARRAYS) | part({passed})"

    # the sentence may need arrays of other parts, too
    namespace["ALL_ARRAYS"] = next(
        e for e in ALL if any(part in (p, getattr(p, "part", p)) for p in e.parts)
    ).compute()
    exec(code, namespace)
    return namespace["failing"]


# -- The static book ---------------------------------------------------------------------------


@pytest.mark.slow
@every
def test_baked_is_computed(explorer):
    """What the page plays must be what the kernel would say, to the digits of its type."""
    baked = _baked(explorer)
    for wish in states(explorer, 40, seed=2):
        snapped, arrays = baked.lookup(**wish)
        exact = explorer.compute(**snapped)
        for part in explorer.parts:
            if isinstance(part, Trails):
                continue  # the same path, seen at other points: a test of its own below
            for name in part(**{n: snapped[n] for n in needs(part)}):
                got, want = arrays[name].astype(float), exact[name].astype(float)
                assert got.shape == want.shape, name
                digits = 1e-3 if arrays[name].dtype == np.float16 else 1e-6
                scale = np.abs(want[np.isfinite(want)]).max(initial=0)
                np.testing.assert_allclose(got, want, rtol=digits, atol=digits * scale * 1e-2, err_msg=name)


@pytest.mark.slow
@every
def test_trails_lead_where_the_kernel_would(explorer):
    """The rest of a path must be the path of the point where one starts."""
    trails = [part for part in explorer.parts if isinstance(part, Trails)]
    if not trails:
        pytest.skip("no trails")
    baked = _baked(explorer)
    for wish in states(explorer, 60, seed=3):
        snapped, arrays = baked.lookup(**wish)
        point = next(name for name, control in explorer.controls().items() if isinstance(control, Point))
        first = arrays[trails[0].where][0].astype(float)
        np.testing.assert_allclose(first, snapped[point])
        for part in trails:
            own = snapped | {point: tuple(arrays[part.where][0].astype(float).clip(-3, 3))}
            exact = explorer.compute(**own)[part.where]
            apart = np.hypot(*(arrays[part.where].astype(float)[:, None] - exact).T).min(axis=0)
            # to within a segment of what the kernel draws, and the digits of the type
            reach = np.hypot(*np.diff(exact, axis=0).T).max() + 0.02
            assert apart.max() < reach, f"{part.where} leaves the way from {own[point]} by {apart.max():.3f}"


@pytest.mark.slow
@every
def test_every_place_has_a_start_near_by(explorer):
    """A ring that jumps away from the finger is not dragged."""
    point = next((n for n, control in explorer.controls().items() if isinstance(control, Point)), None)
    if point is None:
        pytest.skip("no point")
    control = explorer.controls()[point]
    size = np.subtract(control.high, control.low).max()
    baked = _baked(explorer)
    gaps = [
        np.hypot(*np.subtract(baked.snap(**wish)[point], wish[point]))
        for wish in states(explorer, 200, seed=4)
    ]
    assert np.median(gaps) < 0.02 * size
    assert max(gaps) < 0.08 * size


@pytest.mark.slow
@every
def test_the_page_gets_exactly_what_was_baked(explorer):
    """Unpacked again as the browser does it, in another way than it was packed; and small enough."""
    baked = _baked(explorer)
    payload = json.loads(json.dumps(baked.payload()))
    assert len(payload["data"]) <= LARGEST
    blob = zlib.decompress(base64.b64decode(payload["data"]))
    for part, cells in zip(payload["parts"], baked.cells, strict=True):
        for name, header in part["arrays"].items():
            size = np.dtype(header["dtype"]).itemsize
            planes = [
                blob[header["offset"] + k * header["count"] : header["offset"] + (k + 1) * header["count"]]
                for k in range(size)
            ]
            numbers = np.frombuffer(
                bytes(byte for group in zip(*planes, strict=True) for byte in group), header["dtype"]
            )
            width = int(np.prod(header["tail"], dtype=int))
            numbers = numbers.reshape(width, -1).T.ravel()  # stored column by column
            expected = np.concatenate([cell[name].ravel() for cell in cells])
            np.testing.assert_array_equal(numbers, expected)
            rows = header["rows"] if isinstance(header["rows"], list) else [header["rows"]] * len(cells)
            assert rows == [len(cell[name]) if cell[name].ndim else 1 for cell in cells]
    axes = [baked.controls[name].grid() for name in payload["sentences"]["axes"]]
    assert len(baked.sentences) == np.prod([len(grid) for grid in axes])


def test_too_much_for_a_page_is_refused(monkeypatch):
    monkeypatch.setattr("fa_teach.explorers._bake.LARGEST", 1000)
    with pytest.raises(ValueError, match=r"Small takes .* at most 1,000 are allowed"):
        Baked(_explorer(lambda x: {"y": np.random.default_rng(0).normal(size=1000) + x})).payload()


def test_numbers_too_large_for_their_type_are_refused():
    with pytest.raises(ValueError, match="y must be at most 65504 in float16; got 100000"):
        Baked(_explorer(lambda x: {"y": np.array([1e5 + x])}))


def _explorer(part):
    class Small(Explorer):
        slug, title, parts = "small", "Small", (part,)
        x = Range(0.0, low=0.0, high=1.0, step=0.5, label="x")

        @staticmethod
        def sentence(arrays, values):
            return "It is {x:.1f}."

    return Small


def test_a_lattice_of_starts_and_a_ragged_axis():
    """What no explorer may use yet must work for the next: points on a lattice, first axes that vary."""

    class Lattice(Explorer):
        slug, title = "lattice", "Lattice"
        x = Range(1.0, low=1.0, high=3.0, step=1.0, label="x")
        at = Point((0.0, 0.0), low=(-1, -1), high=(1, 1), step=0.5, counts=(3, 5), label="at")
        parts = (lambda x: {"many": np.arange(int(x))}, lambda x, at: {"sum": np.array([x, *at])})

        @staticmethod
        def sentence(arrays, values):
            return "Right." if values["at"][0] > 0 else "Left or middle."

    baked = Baked(Lattice)
    snapped, arrays = baked.lookup(x=2.2, at=(0.7, -0.6))
    assert snapped == {"x": 2.0, "at": (1.0, -0.5)}
    np.testing.assert_array_equal(arrays["many"], [0, 1])
    np.testing.assert_array_equal(arrays["sum"], [2, 1, -0.5])
    assert baked.payload()["parts"][0]["arrays"]["many"]["rows"] == [1, 2, 3]
    assert baked.templates == ["Left or middle.", "Right."]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{a:.2f}", "−1.50"),
        ("{a[-1]:+.1f}", "+2.5"),
        ("{a[1]:.0%}", "25%"),
        ("{b:.0f} and {b:.1f}", "1 and 0.5"),
        ("{tiny:+.2f}", "0.00"),
        ("{far:.1f}", "∞"),
    ],
)
def test_numbers_in_sentences(template, expected):
    """Rounded half away from zero, with a true minus sign and no minus zero, as the browser writes them."""
    arrays = {"a": np.array([[-1.5], [0.25], [2.45]]), "far": np.array(np.inf), "tiny": np.array(-1e-9)}
    if template == "{a[-1]:+.1f}":
        arrays["a"][-1] = 2.5
    assert fill(template, arrays, {"b": 0.5}) == expected


def test_a_sentence_that_names_nothing_is_an_error():
    with pytest.raises(KeyError, match="the sentence names 'nothing'"):
        fill("{nothing:.2f}", {}, {})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Range(5, low=0, high=1, step=0.1, label=""), "default must be at least 0 and at most 1"),
        (lambda: Range(0.5, low=0, high=1, step=0.1, label="", grid=[0, 1]), "grid must hold the default"),
        (lambda: Range(0, low=0, high=1, step=0.1, label="", grid=[1, 0]), "grid must rise"),
        (lambda: Choice("c", options={"a": "A"}, label=""), "default must be one of 'a'; got 'c'"),
        (
            lambda: Point((2, 0), low=(0, 0), high=(1, 1), step=1, label=""),
            r"default\[0\] must be at least 0",
        ),
    ],
)
def test_controls_are_declared_consistently(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# -- The phase portrait ------------------------------------------------------------------------


def general(w, b, t):
    return chain.as_network(w), [[1.0]], [[t]], "fa", (np.array([[b]]),)


@pytest.mark.parametrize(("b", "t"), [(1.0, 1.0), (-1.5, 0.5), (0.3, 2.0)])
def test_the_plane_against_the_general_code(b, t):
    """Stability is computed by eigenvalues of the general network, alignment by its gradients."""
    plane = landscape(b, t)
    points = plane["hyperbola"]
    np.testing.assert_allclose(points.prod(axis=-1), t)
    middle = (points[:, 1:] + points[:, :-1]) / 2
    middle[..., 1] = t / middle[..., 0]
    verdict = fixed_points.stability(*general(middle, b, t)).verdict
    np.testing.assert_array_equal(plane["stable"], verdict == "stable")
    changes = np.diff(plane["stable"].astype(int), axis=1) != 0
    assert changes.sum() == 1, "the stable and the unstable stretch meet once"
    np.testing.assert_allclose(points[:, 1:-1][changes], [chain.tangent_point(t=t, b=b)])

    np.testing.assert_allclose(chain.criterion(plane["uphill"], b=b), 0, atol=1e-12)
    inside = plane["uphill"] + np.array([0, -np.sign(b) * 0.01])
    assert (chain.criterion(inside, b=b) < 0).all()
    for rail in plane["rails"]:
        rail = rail[~np.isnan(rail).any(axis=1)]
        np.testing.assert_allclose(np.ptp(chain.invariant(rail, b=b)), 0, atol=1e-9)
    where, directions = plane["arrows"][:, :2], plane["arrows"][:, 2:]
    flow = chain.velocity(where, t=t, b=b)
    np.testing.assert_allclose(directions, flow / np.linalg.norm(flow, axis=1, keepdims=True))
    assert len(where) > 20


@pytest.mark.parametrize("t", [0.5, 1.0, 2.0])
def test_the_plane_of_backpropagation(t):
    """Its own flow and its own verdicts, by the general network: where FA is unstable, it need not be."""
    plane, fa = bp_landscape(t), landscape(1.0, t)
    points = fa["hyperbola"]
    middle = (points[:, 1:] + points[:, :-1]) / 2
    middle[..., 1] = t / middle[..., 0]
    verdict = fixed_points.stability(chain.as_network(middle), [[1.0]], [[t]], "bp").verdict
    np.testing.assert_array_equal(fa["bp_stable"], verdict == "stable")
    assert fa["bp_stable"].all()
    assert not fa["stable"].all()
    saddle = fixed_points.stability(chain.as_network(plane["bp_saddle"]), [[1.0]], [[t]], "bp")
    assert saddle.verdict == "unstable"
    assert bp_path(t, (0.0, 0.0))["bp_rate"][-1] == pytest.approx(saddle.eigenvalues.real.max())
    for rail in plane["bp_rails"]:
        rail = rail[~np.isnan(rail).any(axis=1)]
        np.testing.assert_allclose(np.ptp(rail[:, 0] ** 2 - rail[:, 1] ** 2), 0, atol=1e-9)
    (w1, w2), directions = plane["bp_arrows"][:, :2].T, plane["bp_arrows"][:, 2:]
    downhill = (t - w1 * w2) * np.array([w2, w1])  # minus the gradient of (t - w1 w2)² / 2
    np.testing.assert_allclose(directions.T, downhill / np.linalg.norm(downhill, axis=0), atol=1e-9)
    assert len(w1) > 20


@pytest.mark.slow
@pytest.mark.parametrize(("b", "jump"), [(0.5, 2.11), (1.0, 0.50), (2.0, -0.19)])
def test_a_column_of_starts_to_walk_down(b, jump):
    """The exercise on chapter 4: at w₁ = -2 the page has every step of the arrow keys, and ends as the kernel does."""
    baked = _baked(PhasePortrait)
    for w2 in np.arange(30, -31, -1) / 10:
        snapped, arrays = baked.lookup(b=b, start=(-2.0, w2))
        np.testing.assert_allclose(snapped["start"], (-2.0, w2), atol=2e-3)
        np.testing.assert_allclose(arrays["bp_w"][0], (-2.0, w2), atol=2e-3)
        if abs(w2 - jump) > 0.01:  # FA is drawn from there to where its rail ends
            end = chain.endpoint((-2.0, w2), b=b)
            np.testing.assert_allclose(arrays["fa_w"][-1].astype(float), end, atol=4e-3)
            assert (end[0] > 0) == (w2 > jump)
        text = fill(PhasePortrait.sentence(arrays, snapped), arrays, snapped)
        assert text.startswith(f"Start (−2.00, {w2:.2f}). FA ".replace("-", "−")), text


def test_without_feedback_the_plane_has_vertical_rails_and_no_purple():
    plane = landscape(0.0, 1.0)
    assert plane["uphill"].shape == (0, 2)
    assert plane["stable"].all()
    assert (np.nanmax(plane["rails"][..., 0], axis=1) == np.nanmin(plane["rails"][..., 0], axis=1)).all()


@pytest.mark.parametrize("start", [(-2.0, 1.0), (-0.45, -2.0), (2.5, -2.9)])
def test_what_is_measured_along_the_way(start):
    """Loss, alignment and eigenvalue against their definitions, from weights that a solver found."""
    b, t = -0.7, 1.3
    way = fa_path(b, t, start)
    soon = way["fa_time"] < 30
    rhs = lambda _, w: [b * (t - w[0] * w[1]), w[0] * (t - w[0] * w[1])]  # noqa: E731 # a formula
    run = solve_ivp(rhs, (0, 31), start, t_eval=way["fa_time"][soon], rtol=1e-10, atol=1e-12)
    w1, w2 = run.y
    np.testing.assert_allclose(way["fa_w"][soon], run.y.T, atol=1e-6)
    np.testing.assert_allclose(way["fa_loss"][soon], (t - w1 * w2) ** 2 / 2, atol=1e-6)
    cosine = (w2 * b + w1**2) / np.hypot(w1, w2) / np.hypot(b, w1)
    np.testing.assert_allclose(way["fa_alignment"][soon], cosine, atol=1e-6)
    end = fixed_points.stability(*general(way["fa_w"][-1], b, t))
    np.testing.assert_allclose(way["fa_rate"][-1], end.eigenvalues.real.min(), atol=1e-9)
    other = bp_path(t, start)
    soon = other["bp_time"] < 30
    rhs = lambda _, w: [w[1] * (t - w[0] * w[1]), w[0] * (t - w[0] * w[1])]  # noqa: E731 # a formula
    run = solve_ivp(rhs, (0, 31), start, t_eval=other["bp_time"][soon], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(other["bp_w"][soon], run.y.T, atol=1e-6)
    np.testing.assert_allclose(other["bp_loss"][soon], (t - run.y.prod(axis=0)) ** 2 / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"start": (-1.5, -1 / 1.5)}, "FA rests at (−1.50, −0.67). Stable: eigenvalue −1.58; the hidden layer is anti"),
        ({"start": (-0.5, -2.0)}, "Unstable: eigenvalue +1.75"),
        ({"start": (0.0, 0.0)}, "FA ends at (1.26, 0.79). Stable: eigenvalue −2.38; the hidden layer is aligned, 0°."),
        ({"start": (0.0, 0.0), "b": -1.0}, "FA ends at (−1.26, −0.79)"),
        ({"start": (0.0, 1.5), "b": 0.0}, "FA is stuck at (0.00, 1.50)"),
        ({"start": (1.0, -1.0), "b": 0.0}, "the hidden layer receives no error at all"),
        ({"start": (-2.0, 1.0)}, "On the way the loss rose."),
        ({"start": (-2.0, 0.5)}, "Marginal: eigenvalue 0.00"),
        ({"start": (-2.0, 1.0)}, "Start (−2.00, 1.00). FA ends at (1.77, 0.57)."),
        ({"start": (-2.0, 1.0)}, "Backpropagation ends at (−1.82, −0.55)."),
        ({"start": (-0.5, -2.0), "rules": "bp"}, "at (−0.50, −2.00). Stable, as is every solution: eigenvalue −4.25."),
        ({"start": (0.0, 0.0), "rules": "bp"}, "Backpropagation stays at the saddle at the origin."),
        ({"start": (-1.0, 1.0), "rules": "bp"}, "Backpropagation runs into the saddle at the origin."),
    ],
)  # fmt: skip
def test_words_of_the_phase_portrait(values, expected):
    """The numbers are those of chapter 4."""
    portrait = PhasePortrait(**values)
    assert expected in portrait.words
    assert ("FA" in portrait.words) == (values.get("rules") != "bp")


def test_a_path_that_starts_beside_the_ring_is_not_said_too_exactly():
    """Without a kernel backpropagation may be drawn from a neighbouring start; its end is then rounded more."""
    values = PhasePortrait.check(start=(-2.0, 1.0), rules="bp")
    exact, beside = (
        PhasePortrait.compute(**values),
        PhasePortrait.compute(**values | {"start": (-2.03, 1.02)}),
    )
    assert "(−1.82, −0.55)" in fill(PhasePortrait.sentence(exact, values), exact, values)
    assert "(−1.8, −0.5)" in fill(PhasePortrait.sentence(beside, values), beside, values)


# -- The front end -----------------------------------------------------------------------------


def test_the_palette_is_the_librarys():
    """One colour for a role, in figures and explorers alike."""
    committed = (ROOT / "js" / "src" / "palette.json").read_text(encoding="utf-8")
    assert committed == _palette_json.text(), "run `make js`"


def test_the_bundle_is_small_and_asks_for_nothing():
    """At most 130 kB compressed, and no address in it but the names of XML's vocabularies."""
    for name in ("explorers.js", "explorers.mjs"):
        text = (STATIC / name).read_text(encoding="utf-8")
        assert len(zlib.compress(text.encode(), 9)) < 130_000
        assert set(re.findall(r"https?://[\w./-]+", text)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xhtml",
            "http://www.w3.org/1999/xlink",
            "http://www.w3.org/XML/1998/namespace",
            "http://www.w3.org/2000/xmlns/",
        }


def test_the_lock_file_names_no_private_registry():
    lock = (ROOT / "js" / "package-lock.json").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([\w.-]+)", lock)) <= {
        "registry.npmjs.org",
        "github.com",
        "opencollective.com",
    }
    assert "integrity" in lock


@pytest.mark.slow
def test_the_committed_bundle_is_what_its_source_builds(tmp_path):
    """A bundle built from other source would be reviewed by nobody. Where BUNDLE_MUST_BUILD is set, it never skips."""
    node = shutil.which("node")
    if node is None or not (ROOT / "js" / "node_modules" / "esbuild").exists():
        why = "the bundle cannot be built again without Node and `npm ci` in js/: it was not compared with its source"
        if os.environ.get("BUNDLE_MUST_BUILD"):
            pytest.fail(why)
        pytest.skip(why)
    subprocess.run([node, str(ROOT / "js" / "build.mjs"), str(tmp_path)], check=True, capture_output=True)
    for name in ("explorers.js", "explorers.mjs"):
        same_text = (tmp_path / name).read_bytes() == (STATIC / name).read_bytes()
        assert same_text, f"{name} is not what js/ builds: run `make js` and commit it"
