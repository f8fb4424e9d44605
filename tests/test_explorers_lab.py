"""Explorers in a real JupyterLab with a real kernel: shown, dragged, linked, and honest when something fails."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time

import pytest

from fa_teach import explorers
from fa_teach.explorers import MODULES
from fa_teach.explorers._controls import Player, Point, Range

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        importlib.util.find_spec("jupyterlab") is None,
        reason="JupyterLab is not installed (pip install 'fa_teach[lab]'): explorers were not tried with a kernel",
    ),
]

SETUP = """
import ipywidgets
from fa_teach import explorers
from fa_teach.explorers import PhasePortrait
portrait = PhasePortrait()
portrait
"""
LINKS = """
slider = ipywidgets.FloatSlider(min=-2, max=2, step=0.05, description="linked")
ipywidgets.link((portrait, "b"), (slider, "value"))
heard = ipywidgets.Label("nothing yet")
portrait.observe(lambda change: setattr(heard, "value", "heard " + repr(change.new)), "start")
ipywidgets.VBox([slider, heard])
"""
SET = "portrait.set_trait('start', (-2.0, -1.0)); portrait.rules = 'fa'"
WRONG = "portrait.b = 5.0"
FAILING = """
def fails(b, t):
    raise ZeroDivisionError("on purpose")

portrait.parts = (fails,)
portrait.b = 0.75
"""
BOX = "ipywidgets.HBox([PhasePortrait(hide=['all']), PhasePortrait(b=-1.0, layout={'width': '45%'})])"
ALL = "\n".join(f"display(explorers.{name}())" for name in MODULES)
CELLS = [SETUP, LINKS, SET, WRONG, FAILING, BOX, ALL]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A server of its own, with settings of its own, in a folder of its own."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": str(i),
            "metadata": {},
            "outputs": [],
            "source": s.strip(),
        }
        for i, s in enumerate(CELLS)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "try.ipynb").write_text(json.dumps(notebook))
    own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    settings = {  # every cell is in the page, and nothing is fetched from elsewhere
        "notebook-extension/tracker": {"windowingMode": "none"},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    }
    for name, values in settings.items():
        file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    own["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    environment = {**os.environ, **own, "IPYTHONDIR": str(folder / "ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
    for name in (explorers.MODE, "MPLBACKEND"):
        environment.pop(name, None)
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--ServerApp.port=0",
        "--ServerApp.port_retries=0",
    ]
    options += ["--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={folder}"]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = []
    for line in server.stderr:
        log.append(line)
        found = re.search(r"(http://127\.0\.0\.1:\d+)/lab", line)
        if found:
            break
    else:
        pytest.fail("JupyterLab did not start:\n" + "".join(log[-20:]))
    threading.Thread(target=lambda: log.extend(server.stderr), daemon=True).start()
    yield found.group(1)
    server.terminate()
    server.wait(20)


@pytest.fixture(scope="module")
def notebook(browser, lab):
    """The notebook opened, its first cell run."""
    page = browser.new_context(viewport={"width": 1400, "height": 1300}).new_page()
    page.goto(f"{lab}/lab/tree/try.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_selector(
        '[data-status="idle"], .jp-Notebook-ExecutionIndicator', state="attached", timeout=60_000
    )
    run(page, 0)
    page.locator(".fax-words").first.wait_for(timeout=60_000)
    yield page
    page.context.close()


def run(page, number):
    """Run one cell and wait until it has run."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    cell.scroll_into_view_if_needed()
    prompt = cell.locator(".jp-InputPrompt")
    before = prompt.text_content()
    deadline = time.monotonic() + 60
    while prompt.text_content() == before:  # a Lab that has just started may not hear the keys yet
        assert time.monotonic() < deadline, f"cell {number} did not start"
        cell.locator(".jp-InputArea-editor").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(1500)
    while "*" in prompt.text_content():
        assert time.monotonic() < deadline, f"cell {number} did not end"
        page.wait_for_timeout(100)
    return cell


def words(page):
    return page.locator(".fax-words").first.text_content()


def until(page, text):
    page.wait_for_function(
        "text => document.querySelector('.fax-words').textContent.includes(text)", arg=text, timeout=20_000
    )


def test_it_is_shown(notebook):
    assert "FA ends at (1.77, 0.57). Stable: eigenvalue −3.70" in words(notebook)
    assert notebook.locator(".fax-stage svg").first.is_visible()


def test_traits_follow_both_ways(notebook):
    """From Python to the page, from the page to Python, through a link to another widget."""
    run(notebook, 1)
    run(notebook, 2)
    until(notebook, "FA ends at (−2.26, −0.44)")
    assert "Backpropagation" not in words(notebook)
    number = notebook.locator(".widget-readout").first
    number.click()
    notebook.keyboard.press("Control+a")
    notebook.keyboard.type("-0.5")
    notebook.keyboard.press("Enter")
    notebook.wait_for_function("document.querySelector('.fax-value').textContent === '\u22120.5'")
    until(notebook, "the hidden layer is aligned")
    slider = notebook.locator(".fax input[type=range]").first
    slider.focus()
    notebook.keyboard.press("ArrowRight")
    notebook.wait_for_function("/.0\\.45/.test(document.querySelector('.widget-readout').textContent)")


def test_a_drag_goes_through_the_kernel(notebook):
    """Any start, not one of a grid; from the pointer's move to the new path in under 100 ms."""
    ring = notebook.locator(".fax-ring").first
    ring.scroll_into_view_if_needed()
    box = ring.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    notebook.evaluate(
        """() => {
            const path = document.querySelector('.fax-way-fa');
            const log = window.faDrag = {moved: [], drawn: []};
            addEventListener('pointermove', () => log.moved.push(performance.now()), true);
            let last = path.getAttribute('d');
            new MutationObserver(() => {
                const now = path.getAttribute('d');
                if (now !== last) log.drawn.push(performance.now());
                last = now;
            }).observe(path, {attributes: true, attributeFilter: ['d']});
        }"""
    )
    before = words(notebook)
    notebook.mouse.move(x, y)
    notebook.mouse.down()
    for k in range(1, 21):
        notebook.mouse.move(x + 5 * k, y - 3 * k)
        notebook.wait_for_timeout(150)
    notebook.mouse.up()
    notebook.wait_for_timeout(800)
    assert words(notebook) != before
    moved, drawn = notebook.evaluate("[window.faDrag.moved, window.faDrag.drawn]")
    assert len(drawn) >= 15
    waits = sorted(next((t - at for t in drawn if t > at), 1e3) for at in moved[1:])
    print(f"round trips: median {waits[len(waits) // 2]:.0f} ms, slowest {waits[-1]:.0f} ms")
    assert waits[len(waits) // 2] < 100
    heard = notebook.locator(".jp-OutputArea .widget-label", has_text="heard").text_content()
    start = [float(part) for part in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", heard)]
    assert len(start) == 2
    assert -3 <= min(start) <= max(start) <= 3


def test_what_is_wrong_is_said(notebook):
    """A value out of range is refused in Python; a failing computation is shown in the widget and raised."""
    cell = run(notebook, 3)
    cell.locator(".jp-OutputArea").get_by_text(
        "b must be at least -2 and at most 2; got 5.0"
    ).first.wait_for()
    assert not notebook.locator(".fax-error").first.is_visible()
    cell = run(notebook, 4)
    cell.locator(".jp-OutputArea").get_by_text("ZeroDivisionError").first.wait_for()
    notebook.wait_for_function(
        "document.querySelector('.fax-error').textContent.includes('ZeroDivisionError: on purpose')"
    )
    assert notebook.locator(".fax-error").first.is_visible()


def test_in_boxes_and_with_hidden_controls(notebook):
    """Layout is ipywidgets' own."""
    cell = run(notebook, 5)
    cell.locator(".fax-words").nth(1).wait_for(timeout=30_000)
    first, second = (cell.locator(".fax").nth(i) for i in range(2))
    assert first.locator("button:visible, input:visible").count() == 0
    assert second.locator("input:visible").count() > 2
    assert second.bounding_box()["width"] < 0.5 * cell.bounding_box()["width"]


@pytest.mark.parametrize("name", MODULES)
def test_every_explorer_with_a_kernel(notebook, name):
    """Each is shown, and a control or a point moved by the keyboard comes back computed."""
    explorer = getattr(explorers, name)
    cell = notebook.locator(".jp-Notebook .jp-CodeCell").nth(6)
    if not cell.locator(".fax").count():
        run(notebook, 6)
    place = cell.locator(".fax").nth(list(MODULES).index(name))
    place.locator(".fax-words").wait_for(timeout=60_000)
    place.scroll_into_view_if_needed()
    for control in explorer.controls().values():
        if isinstance(control, Player):
            continue
        before = place.locator(".fax-stage").inner_html()
        if isinstance(control, Point):
            place.locator(".fax-handle").focus()
            notebook.keyboard.press("ArrowDown")
        elif isinstance(control, Range):
            place.get_by_role("slider", name=control.label, exact=True).focus()
            notebook.keyboard.press("ArrowLeft")
        else:
            continue
        deadline = time.monotonic() + 20
        while place.locator(".fax-stage").inner_html() == before and time.monotonic() < deadline:
            notebook.wait_for_timeout(50)
        assert place.locator(".fax-stage").inner_html() != before, control.name
