"""The built book as a whole: light, findable, citable, open to everyone. Run `make book` first."""

import gzip
import re
from collections import Counter
from functools import cache
from html import unescape
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from browsing import BASE, HTML, PAGES, ROOT, faults_by_axe, faults_of_contrast

pytestmark = pytest.mark.browser

BOOK = [page for page in PAGES if page.startswith("book/")]
CHAPTERS = [page for page in BOOK if re.search(r"/\d\d_", page)]
LIMIT = 1.2e6
TEXT = {".html", ".css", ".js", ".svg", ".json", ".xml"}


def source(name):
    return (HTML / name).read_text(encoding="utf-8")


@cache
def transferred(path):
    """Bytes on the way: text is sent gzipped, pictures and fonts are packed already."""
    content = path.read_bytes()
    return len(gzip.compress(content)) if path.suffix in TEXT else len(content)


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visit, name):
    """All of axe's rules, and the contrast of colours once more in the dark."""
    page = visit(name, color_scheme="light", reduced_motion="reduce")  # no colour on its way to another
    faults = list(faults_by_axe(page))
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    faults += [f"in the dark: {fault}" for fault in faults_of_contrast(page)]
    assert not faults, "\n".join(faults)


def test_axe_finds_what_is_planted(visit):
    """Pale words and a picture without any, at the end of a page whose own looks are known to be good."""
    page = visit("book/08_not_sufficient.html", color_scheme="light", reduced_motion="reduce")
    assert not [*faults_by_axe(page)]
    planted = '<details><p style="color: #aaa; background: #fff">pale</p><img src="data:,"></details>'
    page.locator("main p").last.evaluate("(p, html) => p.insertAdjacentHTML('afterend', html)", planted)
    for _ in range(2):  # what is wrong is not taken for known
        faults = [*faults_by_axe(page)]
        assert [fault.partition(" ")[0] for fault in faults] == ["image-alt", "color-contrast"], faults


@pytest.mark.parametrize("name", CHAPTERS)
def test_weight(visit, name):
    """All that a reader of the whole chapter transfers: figures, explorers and their data, too."""
    page = visit(name)
    page.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager'; })")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    for explorer in page.locator(".fa-explorer").all():
        explorer.evaluate("explorer => explorer.scrollIntoView({block: 'center'})")
        explorer.locator(".fax-words").wait_for()
    urls = {name, *page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")}
    paths = {
        HTML / unquote(urlsplit(url).path.lstrip("/"))
        for url in urls
        if not url.startswith(("data:", "blob:"))
    }
    weight = sum(transferred(path) for path in paths)
    assert 20e3 < weight <= LIMIT, f"{name} weighs {weight / 1e6:.2f} MB"


@pytest.mark.parametrize("name", BOOK)
def test_nothing_stands_before_the_text(name):
    """No script has to arrive before the text is shown, and figures wait until they are near, in a place kept free."""
    head = source(name).partition("</head>")[0]
    for tag in re.findall(r"<script[^>]*\bsrc=[^>]*>", head):
        assert "defer" in tag, tag
    assert len(re.findall(r'<link[^>]*rel="stylesheet"', head)) == 1
    for image in re.findall(r"<img[^>]*_images/[^>]*>", source(name)):
        for attribute in ('loading="lazy"', "width=", "height="):
            assert attribute in image, image


def test_style_sheet_keeps_what_scripts_need():
    """Rules for what only scripts make appear in no page's source, but in a script."""
    sheet = source("_static/book.css")
    for selector in (
        ".fa-magnifying-glass",
        ".tooltip",
        ".dropdown-menu",
        "button.copybtn",
        "#pst-search-dialog",
    ):
        assert selector in sheet, selector
    assert ".btn-outline-warning" not in sheet, "no page has one"
    for target in re.findall(r'url\("?([^")]+?)"?\)', sheet):
        if not target.startswith(("data:", "#")):
            assert (HTML / "_static" / target).resolve().is_file(), target


def test_icons_are_in_the_small_font():
    """The served font holds the icons that the pages use; another one would show as a box."""
    fonts = pytest.importorskip("fontTools.ttLib")
    held = fonts.TTFont(ROOT / "book" / "assets" / "fonts" / "fa-icons.woff").getBestCmap()
    points = {
        icon: point
        for selectors, point in re.findall(r'([^{}]*)\{content:"(.)"\}', source("_static/book.css"))
        for icon in re.findall(r"\.(fa-[\w-]+):", selectors)
    }
    assert len(points) >= 8
    used = {
        icon
        for name in BOOK
        for icon in re.findall(r'<i class="[^"]*?\b(fa-(?!solid|lg|fw)[\w-]+)', source(name))
    }
    assert len(used & points.keys()) >= 8
    for icon in used & points.keys():
        assert ord(points[icon]) in held, icon


def meta(name, key):
    found = re.search(rf'<meta (?:name|property)="{key}" content="([^"]*)"', source(name))
    return unescape(found[1]) if found else ""


def test_titles_and_descriptions():
    """A list of search results tells the pages apart."""
    titles = Counter(re.search(r"<title>(.*?)</title>", source(name))[1] for name in BOOK)
    assert max(titles.values()) == 1, titles
    descriptions = Counter(meta(name, "description") for name in BOOK)
    assert max(descriptions.values()) == 1, descriptions.most_common(2)
    for name in BOOK:
        assert 20 <= len(meta(name, "description")) <= 240, f"{name}: {meta(name, 'description')!r}"
        assert meta(name, "og:title"), name


@pytest.mark.parametrize("name", BOOK)
def test_version_date_and_citation(name):
    """The BibTeX entry is read by a program that reads BibTeX."""
    database = pytest.importorskip("pybtex.database")
    text = source(name)
    assert re.search(r"Version \d+\.\d+\.\d+ .{0,80}built on \d{1,2} \w+ \d{4}\.", re.sub(r"\s+", " ", text))
    entry = unescape(re.search(r'<pre[^>]*aria-label="BibTeX">(.*?)</pre>', text, re.DOTALL)[1])
    (cited,) = database.parse_string(entry, "bibtex").entries.values()
    assert {"title", "booktitle", "year", "note"} <= set(cited.fields)
    assert cited.persons["author"]


def test_every_page_is_in_the_contents():
    text = source("book/preface.html")
    contents = text[text.index("bd-links") : text.index("<main")]
    listed = {urljoin("book/preface.html", link) for link in re.findall(r'href="([^"#]+)', contents)}
    assert set(BOOK) - listed <= {"book/preface.html"}


def test_files_that_pages_name_are_there():
    """Images, scripts, style sheets, and what is offered for download."""
    missing = []
    for name in PAGES:
        for target in re.findall(
            r'<(?:img|script|link|a|source)\b[^>]*?\s(?:src|href|data-source)="([^"]+)"', source(name)
        ):
            path = urldefrag(unescape(target))[0].partition("?")[0]
            if path and not urlsplit(path).scheme:
                path = path.removeprefix(BASE) if name == "404.html" else urljoin(name, unquote(path))
                if not (HTML / path).is_file():
                    missing.append(f"{name}: {target}")
    assert not missing, "\n".join(missing)


def test_page_for_addresses_that_lead_nowhere():
    """It is shown at any depth, so its addresses start at the root of the site, or are whole ones."""
    links = re.findall(r'<(?:script|link|a)\b[^>]*?\s(?:src|href)="([^"]+)"', source("404.html"))
    inside = [link for link in links if not urlsplit(link).scheme]
    assert len(inside) > 20
    assert all(link.startswith((BASE, "#")) for link in inside), inside


@pytest.mark.parametrize("name", BOOK)
def test_tables_have_headers(name):
    for table in re.findall(r"<table\b(.*?)</table>", source(name), re.DOTALL):
        if "indextable" not in table.partition(">")[0]:
            assert "<th" in table, f"{name}: {table[:200]}"


def test_search_finds_stability(visit):
    page = visit("search.html?q=stability")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    page.wait_for_function("document.querySelectorAll('#search-results li a').length >= 5")
    found = page.locator("#search-results li a").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    assert any("04_smallest_network" in link for link in found), found
