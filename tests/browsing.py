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


def faults_by_axe(page, rules=None, within="html"):
    """What axe-core finds on an open page or within a part of it, by all of its rules or by some."""
    if not AXE.exists():
        pytest.skip(
            "axe-core is not installed: `npm ci` in js/ brings it; accessibility was not checked by it"
        )
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"preload": False, "resultTypes": ["violations"]}  # no request for style sheets
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
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
