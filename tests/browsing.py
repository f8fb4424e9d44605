"""A real browser, the built book on a local server, and pages that must be quiet: for all tests that open pages."""

import functools
import http.server
import os
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fa_teach import keep, pages

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if path.relative_to(HTML).parts[0] not in {"_static", "lite"} and path.name != "index.html"
)
# Where the site starts on its server: only the page for addresses that lead nowhere has to know.
BASE = urlsplit(pages.address(os.environ)).path or "/"
PHONE = {"width": 390, "height": 844}
AXE = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"
# A formula wider than the page scrolls in a box of its own, which browsers let the keyboard reach by themselves.
FORMULA = "scrollable-region-focusable"


# Contrast depends on how text looks and on what it stands: one place is marked for each way that no page had before,
# as axe takes minutes for the ten thousand letters of a page's formulas.
MARK_LOOKS = """([within, known]) => {
    const grounds = new Map([[null, '']]);
    const ground = e => {
        if (!grounds.has(e)) {
            const {backgroundColor, backgroundImage, opacity, position, filter} = getComputedStyle(e);
            const plain = backgroundColor === 'rgba(0, 0, 0, 0)' && backgroundImage === 'none' && opacity === '1'
                && position === 'static' && filter === 'none';
            const own = plain ? '' : [backgroundColor, backgroundImage, opacity, position, filter].join();
            grounds.set(e, own + ground(e.parentElement));
        }
        return grounds.get(e);
    };
    const seen = new Set(known), here = new Set();
    for (const e of document.querySelectorAll(`${within}, ${within} *`)) {
        e.removeAttribute('data-look');
        // axe does not judge a single letter
        const words = [...e.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim().length > 1);
        if (!words && !e.matches('input, select, textarea')) continue;
        if (!e.checkVisibility({visibilityProperty: true})) continue;
        if (e.getBoundingClientRect().width <= 1) continue;  // for screen readers only
        const {color, fill, stroke, fontSize, fontWeight, textShadow} = getComputedStyle(e);
        const look = [color, fill, stroke, fontSize, fontWeight, textShadow, ground(e)].join();
        if (!seen.has(look)) e.setAttribute('data-look', '');
        seen.add(look);
        here.add(look);
    }
    return [...here];
}"""
# Hints, solutions and sections far from the window, which browsers do not lay out, are looked at, too.
ALL_OPEN = """() => {
    for (const e of document.querySelectorAll('details')) e.open = true;
    document.documentElement.classList.add('fa-whole');
}"""
GOOD_LOOKS: set[str] = set()  # those in which axe found nothing wrong, in this process


def faults_by_axe(page, within="html"):
    """What axe-core finds on an open page or within a part of it, by all of its rules."""
    page.evaluate(ALL_OPEN)
    yield from _run_axe(page, within, {"rules": {"color-contrast": {"enabled": False}}})
    yield from faults_of_contrast(page, within)


def faults_of_contrast(page, within="html"):
    """What axe-core finds wrong with colours, in the scheme that the page is shown in; known good looks apart.

    It cannot judge words in pictures (SVG): their colours are tested where they are defined.
    """
    page.evaluate(ALL_OPEN)
    looks = {*page.evaluate(MARK_LOOKS, [within, [*GOOD_LOOKS]])}
    assert looks, f"{within} of {page.url} shows no words"
    if looks <= GOOD_LOOKS:
        return
    faults = [*_run_axe(page, "[data-look]", {"runOnly": {"type": "rule", "values": ["color-contrast"]}})]
    if not faults:
        GOOD_LOOKS.update(looks)
    yield from faults


def _run_axe(page, within, rules):
    if not AXE.exists():
        pytest.skip(
            "axe-core is not installed: `npm ci` in js/ brings it; accessibility was not checked by it"
        )
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"preload": False, "resultTypes": ["violations"], **rules}  # no request for style sheets
    run = "async ([within, options]) => (await axe.run(within, options)).violations"
    for violation in page.evaluate(run, [within, options]):
        for node in violation["nodes"]:
            if not (violation["id"] == FORMULA and "math-scroll" in node["html"]):
                yield f"{violation['id']} ({violation['impact']}): {node['html'][:160]}"


@pytest.fixture(scope="session")
def browser():
    if not PAGES:
        pytest.fail("the book is not built: run `make book`")
    executable = keep.find_browser()
    if executable is None:
        pytest.skip(
            "no Chromium or Chrome was found: install one, or name it in the variable CHROMIUM; nothing else is missing"
        )
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(keep.FLAGS))
        yield chromium
        chromium.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path):
        return super().translate_path("/" + path.removeprefix(BASE).removeprefix("/"))

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def site():
    handler = functools.partial(Quiet, directory=str(HTML))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def listen(page, complaints, *, allowed):
    """Write down what a page says in the console, its errors, and what it asks of any other place than its own."""
    page.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    page.on(
        "request",
        lambda request: (
            complaints.append(f"request to another place: {request.url}")
            if not request.url.startswith((allowed, "data:", "blob:"))
            else None
        ),
    )


@pytest.fixture
def visit(browser, site):
    """Open a page; afterwards it must have asked no other host for anything and said nothing in the console."""
    contexts = []
    complaints = []

    def open_page(name, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        listen(page, complaints, allowed=site)
        page.on(
            "response",
            lambda response: (
                complaints.append(f"{response.status} for {response.url}") if response.status >= 400 else None
            ),
        )
        page.goto(site + name, wait_until="load")
        page.wait_for_timeout(150)  # for scripts that start after the page has loaded
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)
