"""The built book in a real browser: what every reader meets on every page. Run `make book` first."""

import re
from collections import defaultdict
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from browsing import BASE, HTML, PAGES, PHONE

pytestmark = pytest.mark.browser

# a window of 1280 px at 200 % zoom, a phone, and the narrowest window that pages are asked to fit (WCAG 1.4.10)
WIDTHS = (640, PHONE["width"], 320)
CHAPTERS = [page for page in PAGES if page.startswith("book/")]
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|webp|gif|ipynb)$", re.IGNORECASE)


def faults_of_images(page):
    """Alternative text that is missing or is a file's name, and images that do not load."""
    images = page.evaluate(
        """async () => {
        const images = [...document.querySelectorAll('main img, main svg[role=img]')];
        for (const image of images) if (image.loading === 'lazy') image.loading = 'eager';
        await Promise.all(images.map(image => image.decode?.().catch(() => {})));
        return images.map(image => ({
            src: image.getAttribute('src') || 'svg',
            alt: (image.getAttribute('alt') ?? image.getAttribute('aria-label') ?? '').trim(),
            broken: image.complete === false || image.naturalWidth === 0}));
        }"""
    )
    for image in images:
        if not image["alt"]:
            yield f"{image['src']} has no alternative text"
        if FILE_NAME.search(image["alt"]):
            yield f"alternative text {image['alt']!r} is a file name"
        if image["broken"]:
            yield f"{image['src']} does not load"


def narrow(page, width):
    """Make the window narrow, and wait until all of the page is laid out anew, also what is out of sight."""
    page.set_viewport_size({"width": width, "height": PHONE["height"]})
    page.add_style_tag(content="* { content-visibility: visible !important; }")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def faults_of_width(page):
    """Only a box of its own (code, table, formula) may scroll sideways, never the page."""
    excess, wide = page.evaluate(
        """() => {
            const view = document.documentElement.clientWidth;
            const scrolls = e => {
                for (; e && e !== document.body; e = e.parentElement)
                    if (getComputedStyle(e).overflowX !== 'visible') return true;
                return false;
            };
            const wide = [...document.querySelectorAll('main article *')].filter(e => {
                const box = e.getBoundingClientRect();
                return box.width > 0 && box.right > view + 1 && !scrolls(e.parentElement);
            });
            return [document.documentElement.scrollWidth - view, wide.slice(0, 5).map(e => e.outerHTML.slice(0, 120))];
        }"""
    )
    width = page.viewport_size["width"]
    if excess > 0:
        yield f"{excess} px wider than a window of {width} px"
    for element in wide:
        yield f"wider than a window of {width} px: {element}"


def faults_of_shape(page):
    """A narrow screen makes a figure smaller in both directions: circles stay round and right angles right."""
    yield from page.evaluate(
        """() => [...document.querySelectorAll('main figure img')].filter(image => {
            const box = image.getBoundingClientRect();
            return box.width > 0 && Math.abs(box.height * image.naturalWidth - box.width * image.naturalHeight)
                > 0.02 * box.width * image.naturalHeight;
        }).map(image => `out of shape: ${image.getAttribute('src')}`)"""
    )


@pytest.mark.parametrize("name", PAGES)
def test_page(visit, name):
    """Quiet, local, with words for its images, fit for a phone and for the dark: all of it on every page."""
    page = visit(name, color_scheme="light")
    faults = list(faults_of_images(page))
    if page.locator("main article h1").count() != 1 and name not in {"genindex.html", "search.html"}:
        faults.append("not exactly one main heading")
    for width in WIDTHS:
        narrow(page, width)
        faults += faults_of_width(page)
        faults += faults_of_shape(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # the page follows the reader's preference at once
        page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
    assert not faults, f"{name}:\n" + "\n".join(faults)


@pytest.mark.parametrize("name", CHAPTERS)
def test_mathematics_needs_no_script(browser, site, name):
    """Formulas are MathML in the page itself, so they are there before, and without, any script."""
    source = (HTML / name).read_text(encoding="utf-8")
    assert not re.search(r"<script[^>]*mathjax", source, re.IGNORECASE)
    for block in re.findall(r'<(?:div|span) class="math[^"]*"[^>]*>(.{0,200})', source, re.DOTALL):
        assert "<math" in block, f"{name}: a formula was not translated: {block}"
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + name)
    assert page.locator("main article h1").first.is_visible()
    formulas = page.locator("main math")
    if formulas.count():
        assert formulas.first.bounding_box()["width"] > 1
    context.close()


def test_links_and_anchors_lead_somewhere():
    """Every link inside the book is followed, down to the anchor."""
    if not PAGES:
        pytest.fail("the book is not built: run `make book`")
    anchors = {}
    links = defaultdict(set)
    for name in [*PAGES, "index.html"]:
        source = (HTML / name).read_text(encoding="utf-8")
        anchors[name] = set(re.findall(r'\s(?:id|name)="([^"]+)"', source))
        for target in re.findall(r'<a\s[^>]*href="([^"]*)"', source):
            # the page for addresses that lead nowhere starts at the root of the site
            links[name].add(target.replace("&amp;", "&").removeprefix(BASE if name == "404.html" else "//"))
    broken = []
    for name, targets in links.items():
        for target in targets:
            if urlsplit(target).scheme or target in {"", "#"}:
                continue
            path, fragment = urldefrag(urljoin(name, unquote(target)))
            path = path.partition("?")[0] or name
            if not (HTML / path).is_file():
                broken.append(f"{name}: {target} is no file")
            elif (
                fragment
                and path.endswith(".html")
                # what follows a colon is the state of an explorer
                and fragment.partition(":")[0] not in anchors.get(path, set())
            ):
                broken.append(f"{name}: {target} is no anchor")
    assert not broken, "\n".join(sorted(broken))


def test_search_finds_the_books_words_before_the_librarys_names(visit):
    page = visit("search.html?q=stability")
    page.wait_for_selector("#search-results li > a[href*='api.html']", timeout=10_000)
    found = page.eval_on_selector_all(
        "#search-results li > a", "links => links.map(a => new URL(a.href).pathname)"
    )
    assert "/book/04_smallest_network.html" in found[:5]
    assert any("api.html" in path for path in found)
    assert not any("api.html" in path for path in found[:5])


def test_first_page_is_the_preface(browser, site):
    page = browser.new_page()
    page.goto(site)
    page.wait_for_url("**/book/preface.html", timeout=5_000)
    page.close()


@pytest.mark.parametrize("name", ["book/01_blame.html", "book/06_leaving.html"])
@pytest.mark.parametrize("by", ["click", "address"])
def test_a_link_within_a_page_leads_to_its_place(visit, name, by):
    """Sections out of sight are laid out late; a jump to one must not land a screen away from it."""
    page = visit(name)
    places = page.evaluate(
        "[...document.querySelectorAll('.bd-sidebar-secondary a[href^=\"#\"]')].map(a => a.hash)"
    )
    assert len(places) > 5
    for place in (places[3], places[-4]):
        page = visit(name if by == "click" else name + place, viewport={"width": 1280, "height": 800})
        if by == "click":
            page.click(f".bd-sidebar-secondary a[href='{place}']")
        page.wait_for_timeout(1000)  # a browser that scrolls smoothly takes a while
        top = page.evaluate("id => document.getElementById(id).getBoundingClientRect().top", place[1:])
        assert 0 <= top < 150, f"{place} by {by}: {top:.0f} px below the window's top"
        late = page.evaluate(  # for these the place above holds by luck
            "[...document.querySelectorAll('section')]"
            ".filter(section => getComputedStyle(section).contentVisibility === 'auto').length"
        )
        assert not late, f"{place} by {by}: {late} sections were not laid out before the jump"
