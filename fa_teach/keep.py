"""A book to keep: the built pages as one PDF, and as a zip that is read from a disk.

Both are made from what ``make book`` left in ``_build/html`` and are put there too, so that the site offers them.

- *The PDF* is one long page made of all pages, printed by Chromium, which draws the book's MathML itself. It is printed
  twice: the first time tells on which page each chapter stands, the second time the table of contents says so.
  Explorers are the still pictures that stand for them, with the sentence that says what they show; solutions are left
  out, hints stand at the end of their chapter. Pages that are of use on a screen only come with ``--all``.
- *The zip* is the site but for what needs a server (JupyterLite). Search and explorers work from ``file://``.

On the command line: ``python -m fa_teach.keep pdf`` and ``python -m fa_teach.keep zip``. Nothing in the library imports
this module.
"""

from __future__ import annotations

import argparse
import os
import posixpath
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urldefrag, urlsplit

import fa_teach

if TYPE_CHECKING:
    from bs4 import Tag

HTML = Path("_build/html")
NAME = "feedback-alignment"
STYLE = Path("book/templates/pdf.css")
PAPERS = {"A4": (210.0, 297.0), "Letter": (215.9, 279.4)}  # mm
MARGIN = 20.0  # mm, left and right, as in the style sheet
SOLUTIONS = ("Solution", "Answers")  # the dropdowns that a printed book leaves out
# Pages that the PDF leaves out: to look things up in, to play with, or about the pages themselves.
ON_SCREEN_ONLY = ("book/run", "book/explorers", "book/api", "book/changelog")
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
ASSIGNMENT_NOTE = (
    "The notebook to work in can be downloaded from this page of the book: it needs the library and nothing else. "
    "Hints stand at the end, solutions on the page alone. What the cells print is what they print with right solutions."
)
STILL = "Still of an interactive figure."
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Page:
    """A page of the book: its name without ``.html``, and the part that it belongs to ("" for none)."""

    name: str
    part: str


def pages(toc: Mapping[str, Any]) -> list[Page]:
    """List the pages in the order of the table of contents.

    Examples
    --------
    >>> pages({"root": "preface", "parts": [{"caption": "I", "chapters": [{"file": "one"}]}]})
    [Page(name='preface', part=''), Page(name='one', part='I')]
    """
    listed = [Page(toc["root"], "")]
    for part in toc.get("parts", ()):
        listed += [Page(chapter["file"], part["caption"]) for chapter in part["chapters"]]
    return listed


# -- One long page ------------------------------------------------------------------------------


def _identity(name: str, fragment: str = "") -> str:
    """The name of a place in the long page: ids are unique on a page, not in a book."""
    place = re.sub(r"\W+", "-", name)
    return f"{place}--{fragment}" if fragment else place


def _link(target: str, name: str, known: Iterable[str], url: str = "") -> str:
    """Where a link of a page leads in the PDF: to another place in it, to a site (perhaps the book's), or nowhere ("").

    Examples
    --------
    >>> _link("../notation.html#symbols", "book/exercises/one", {"book/notation"})
    '#book-notation--symbols'
    >>> _link("../_sources/one.ipynb", "book/one", {"book/one"})
    ''

    What follows a colon is the state of an explorer, which a still does not take:

    >>> _link("#spectrum:angle=30", "book/one", {"book/one"})
    ''
    >>> _link("#spectrum:angle=30", "book/one", {"book/one"}, "https://example.org/")
    'https://example.org/book/one.html#spectrum:angle=30'
    """
    if urlsplit(target).scheme in {"http", "https", "mailto"}:
        return target
    path, fragment = urldefrag(target)
    page = f"{name}.html"
    if path:
        page = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path)))
    if page.removesuffix(".html") in known and ":" not in fragment:
        return f"#{_identity(page.removesuffix('.html'), unquote(fragment))}"
    return url and f"{url}{quote(page)}" + (f"#{fragment}" if fragment else "")


def _address(html: Path) -> str:
    """Where the built book is published, with a slash at its end; empty where it does not say."""
    first = html / "index.html"
    text = first.read_text(encoding="utf-8") if first.is_file() else ""
    found = re.search(r'<link rel="canonical" href="(https?://[^"]*/)book/[^"/]*"', text)
    return found[1] if found else ""


def _hints_to_the_end(article: Tag) -> None:
    """Collect the hints of a page behind its exercises: on paper nobody can close them."""
    collected: dict[str, list[Tag]] = {}
    for details in article.find_all("details"):
        summary = details.find("summary")
        if summary is not None and summary.get_text(strip=True).startswith("Hint"):
            heading = details.find_previous(["h2", "h3"])
            collected.setdefault(heading.get_text() if heading else "", []).append(details.extract())
    if collected:
        section = _new(article, "section", id="hints")
        section.append(_new(article, "h2", "Hints"))
        for title, hints in collected.items():
            # No heading: the outline would name each exercise twice.
            section.append(_new(article, "p", title, **{"class": "hints-of"}))
            listed = _new(article, "ol")
            for hint in hints:
                item = _new(article, "li")
                content = hint.find(class_="sd-summary-content") or hint
                for child in list(content.children):
                    item.append(child)
                listed.append(item)
            section.append(listed)
        (article.find("section") or article).append(section)


def _say_what_is_printed(article: Tag) -> None:
    """Replace what is said of a page by what is true of it on paper.

    An assignment's note speaks of dropdowns, and its checks answer to solutions that are not printed; a still can name
    what it shows, which the explorer says in its place.
    """
    for note in article.select("div.admonition.note:has(a[download])"):
        note.clear()
        note.append(_new(article, "p", "Note", **{"class": "admonition-title"}))
        note.append(_new(article, "p", ASSIGNMENT_NOTE))
    for answer in article.select("div.cell_output:has(.fa-answer-right)"):
        answer.decompose()
    for still in article.select("img.fa-still[alt]"):
        title, _, words = str(still["alt"]).partition(". ")
        still["alt"] = title
        said = _new(article, "p", f"{STILL} {words}", **{"class": "still-words"})
        still.insert_after(said)


def _new(near: Tag, name: str, text: str = "", **attributes: str) -> Tag:
    from bs4 import BeautifulSoup

    tag = BeautifulSoup("", "html.parser").new_tag(name, attrs=attributes)
    if text:
        tag.string = text
    return tag


def _for_print(article: Tag, page: Page, html: Path, known: Iterable[str], url: str) -> None:
    """Turn a page's article into a piece of the long page, in place."""
    _say_what_is_printed(article)
    for tag in article.select("script, noscript, nav, button, .headerlink, .sd-summary-state-marker"):
        tag.decompose()
    for details in article.find_all("details"):
        summary = details.find("summary")
        if summary is not None and summary.get_text(strip=True) in SOLUTIONS:
            details.decompose()
    _hints_to_the_end(article)
    for details in article.find_all("details"):
        details["open"] = ""
    for anchor in article.find_all("a", href=True):
        target = _link(str(anchor["href"]), page.name, known, url)
        if target:
            anchor["href"] = target
        else:
            del anchor["href"]
    for tag in article.find_all(True):
        for attribute, value in list(tag.attrs.items()):
            if attribute in {"id", "for", "aria-labelledby", "aria-describedby"}:
                tag[attribute] = " ".join(_identity(page.name, word) for word in str(value).split())
            elif attribute == "src" and not str(value).startswith("data:"):
                path = posixpath.normpath(posixpath.join(posixpath.dirname(page.name), unquote(str(value))))
                tag[attribute] = (html / path).as_uri()
            elif attribute == "loading":
                del tag[attribute]  # what is printed is looked at all at once
    # A chapter stands below its part in the outline. How large a heading looks is told by its class.
    for heading in article.find_all(re.compile("^h[1-5]$")):
        heading["class"] = f"level-{heading.name[1]}"
        if page.part:
            heading.name = f"h{int(heading.name[1]) + 1}"


def long_page(
    html: Path,
    listed: Sequence[Page],
    *,
    title: str,
    author: str,
    style: str = "",
) -> str:
    """Write all pages of the built book, with title page and table of contents, as one HTML document.

    Parameters
    ----------
    html : Path
        The built book.
    listed : sequence of Page
        What to take, in this order. Links to other pages lead nowhere.
    title, author : str
        For the title page.
    style : str, optional
        The style sheet, after those of the pages.

    Returns
    -------
    str

    Raises
    ------
    FileNotFoundError
        If a page is not built.
    """
    from bs4 import BeautifulSoup

    html = html.resolve()
    known, url = {page.name for page in listed}, _address(html)
    sheets: dict[str, None] = {}
    contents, body, rules = [], [], []
    part = ""
    for page in listed:
        path = html / f"{page.name}.html"
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there: run make book first.")
        # A variation selector after a script letter is not seen, but is what copied text would hold in its place.
        markup = path.read_text(encoding="utf-8").replace("\ufe00", "")
        soup = BeautifulSoup(offered(markup, {}), "html.parser")
        for link in soup.find_all("link", rel="stylesheet"):
            sheet = posixpath.normpath(posixpath.join(posixpath.dirname(page.name), str(link["href"])))
            sheets.setdefault((html / sheet.partition("?")[0]).as_uri())
        article = soup.find("article", class_="bd-article")
        assert article is not None, f"{path} has no article"
        _for_print(article, page, html, known, url)
        place = _identity(page.name)
        head = article.find(class_="level-1")
        name = head.get_text().strip() if head else page.name
        opening = ""
        if page.part != part:
            part = page.part
            opening = f'<h1 class="part" id="{_identity(part)}">{escape(part)}</h1>'
            contents.append(_entry(part, _identity(part), "part"))
        contents.append(_entry(name, place, "chapter"))
        for heading in article.find_all(class_="level-2"):
            section = heading.find_parent("section", id=True)
            if section is not None:
                contents.append(_entry(heading.get_text(), str(section["id"]), "section"))
        rules.append(f'@page {place} {{ @top-left {{ content: "{_quoted(name)}"; }} }}')
        body.append(f'<div class="sheet" id="{place}" style="page: {place}">{opening}{article}</div>')
    links = "\n".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets)
    return f"""<!DOCTYPE html>
<html lang="en" data-theme="light">
<head><meta charset="utf-8"><title>{escape(title)}</title>
{links}
<style>{style}
{chr(10).join(rules)}</style></head>
<body>
{_title_page(title, author, url, whole=known.issuperset(ON_SCREEN_ONLY))}
<nav class="book-contents" aria-label="Contents"><h1>Contents</h1>
{chr(10).join(contents)}
</nav>
{chr(10).join(body)}
</body></html>"""


def _entry(title: str, place: str, kind: str) -> str:
    return (
        f'<p class="{kind}"><a href="#{place}"><span class="title">{escape(title.strip())}</span>'
        f'<span class="dots"></span><span class="number"></span></a></p>'
    )


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _title_page(title: str, author: str, url: str, *, whole: bool) -> str:
    seconds = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    day = datetime.fromtimestamp(seconds, tz=UTC)
    pages = f'the book’s pages, <a href="{escape(url)}">{escape(url)}</a>' if url else "the book’s pages"
    more = (
        "" if whole else ", the reference of the library, how to run the notebooks, and the list of changes"
    )
    return f"""<section class="title-page">
<h1>{escape(title)}</h1>
<p class="author">{escape(author)}</p>
<p class="edition">Version {fa_teach.__version__} · {day.day} {day:%B %Y}</p>
<p class="note">Every number and figure in this book is computed by the code beside it. Interactive figures are shown as
stills: where the text says <em>drag</em>, <em>click</em> or <em>play</em>, it speaks of {pages}, on which they move.
There, too, are the solutions of the exercises{more}. The pages can be kept for reading offline.</p>
<p class="note">Code under the MIT licence, text and figures under CC BY 4.0.</p>
</section>"""


# -- Printing -----------------------------------------------------------------------------------


def find_browser() -> str | None:
    """Path of Chromium or Chrome: the one named in the variable ``CHROMIUM``, or the first that is found."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in BROWSERS if (found := shutil.which(name))), None)


# What is wider than the sheet is set smaller, and what then still is wider is reported. Long lines of code are set a
# little smaller before they break; only long code goes on on a next sheet.
FIT = """() => {
    const wide = [];
    for (const box of document.querySelectorAll('.math-scroll, pre, table, img, figure, svg')) {
        const room = box.closest('.sheet')?.getBoundingClientRect().right ?? Infinity;
        if (box.matches('pre')) {
            box.style.whiteSpace = 'pre';
            const long = () => box.scrollWidth > box.clientWidth + 1;
            for (let size = 0.97; size >= 0.85 && long(); size -= 0.03)
                box.style.fontSize = `calc(${size} * var(--code))`;
            if (long()) box.style.whiteSpace = box.style.fontSize = '';
            if (box.textContent.split('\\n').length < 18) box.style.breakInside = 'avoid';
        }
        const right = () => Math.max(...[box, ...box.querySelectorAll('math, td, th')].map(
            e => e.getBoundingClientRect().right));
        for (let size = 95; size >= 60 && right() > room + 0.5; size -= 5) box.style.fontSize = `${size}%`;
        if (right() > room + 0.5) wide.push(box.outerHTML.slice(0, 160));
    }
    return wide;
}"""


NUMBER = """numbers => {
    for (const entry of document.querySelectorAll('.book-contents a'))
        entry.querySelector('.number').textContent = numbers[entry.hash.slice(1)] ?? '';
}"""


def print_pdf(
    html: Path, listed: Sequence[Page], target: Path, *, title: str, author: str, paper: str = "A4"
) -> int:
    """Print pages of the built book into one PDF, and return how many sheets it has.

    Parameters
    ----------
    html : Path
        The built book.
    listed : sequence of Page
        What to print, in this order.
    target : Path
        The PDF to write.
    title, author : str
        For the title page and the document's properties.
    paper : {"A4", "Letter"}
        Size of a sheet.

    Raises
    ------
    RuntimeError
        If there is no Chromium, or if something does not fit the sheet.
    """
    from playwright.sync_api import sync_playwright

    if paper not in PAPERS:
        raise ValueError(f"paper must be one of {', '.join(PAPERS)}, got {paper!r}.")
    executable = find_browser()
    if executable is None:
        raise RuntimeError("The PDF is printed by Chromium or Chrome: install one, or name it in CHROMIUM.")
    width, height = PAPERS[paper]
    style = f"@page {{ size: {width}mm {height}mm; }}\n" + STYLE.read_text(encoding="utf-8")
    markup = long_page(html, listed, title=title, author=author, style=style)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        draft, printed = Path(folder, "book.html"), Path(folder, "book.pdf")
        draft.write_text(markup, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        page = browser.new_page(viewport={"width": round((width - 2 * MARGIN) / 25.4 * 96), "height": 1000})
        page.set_default_timeout(600_000)  # a whole book on a busy machine
        page.emulate_media(media="print", color_scheme="light")
        page.goto(draft.as_uri())
        page.evaluate("document.fonts.ready.then(() => null)")
        if wide := page.evaluate(FIT):
            raise RuntimeError("Wider than a sheet of paper:\n" + "\n".join(wide))
        for tagged in (False, True):  # the first, quicker print only tells the numbers of the pages
            page.pdf(
                path=printed, prefer_css_page_size=True, print_background=True, outline=tagged, tagged=tagged
            )
            if not tagged:
                page.evaluate(NUMBER, _page_numbers(printed))
        headings = page.locator("h1, h2, h3, h4, h5, h6").all_text_contents()
        browser.close()
        target.parent.mkdir(parents=True, exist_ok=True)
        return _finish(printed, target, headings, author=author, subject=_subject(html))


def _page_numbers(printed: Path) -> dict[str, int]:
    """On which page each place stands that a link leads to."""
    import pikepdf

    with pikepdf.open(printed) as pdf:
        places: Any = pdf.Root.Dests
        numbers = {page.objgen: number for number, page in enumerate(pdf.pages, start=1)}
        return {name.removeprefix("/"): numbers[place[0].objgen] for name, place in places.items()}


def _subject(html: Path) -> str:
    url = _address(html)
    return f"Version {fa_teach.__version__}" + (f", {url}" if url else "")


def _finish(printed: Path, target: Path, headings: Iterable[str], *, author: str, subject: str) -> int:
    """Say who wrote it and which version it is, and halve the size: what screen readers use compresses well."""
    import pikepdf

    titles = {"".join(text.split()): " ".join(text.split()) for text in headings}
    with pikepdf.open(printed) as pdf:
        pdf.docinfo["/Author"], pdf.docinfo["/Subject"] = author, subject
        with pdf.open_metadata(set_pikepdf_as_editor=False) as properties:
            properties.load_from_docinfo(pdf.docinfo)
            properties["dc:language"] = {"en"}
        pdf.Root.PageMode = pikepdf.Name.UseOutlines
        with pdf.open_outline(max_depth=6) as outline:
            _mend_titles(outline.root, titles)
        pdf.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
        return len(pdf.pages)


def _mend_titles(items: Iterable[Any], titles: Mapping[str, str]) -> None:
    """Put back the spaces that Chromium's outline loses where a heading goes on in a new line."""
    for item in items:
        item.title = titles.get("".join(item.title.split()), item.title)
        item.is_closed = True
        _mend_titles(item.children, titles)


# -- The zip ------------------------------------------------------------------------------------

# What needs a server, speaks of one address, or is loaded by no page.
LEFT_OUT = re.compile(
    r"^(lite/|\.|objects\.inv$|sitemap\.xml$|robots\.txt$|404\.html$|[^/]*\.(pdf|zip)$)"
    r"|^_static/(locales/|scripts/fontawesome|.*\.map$)"
)
_LINK_TO_LITE = re.compile(r'<a\b[^>]*href="(?:\.\./)*lite/[^"]*"[^>]*>.*?</a>\s*', re.DOTALL)
RUN_PAGE = "book/run.html"
_FETCHES = "SHOW_SEARCH_SUMMARY: true"  # a page may not read other files: results come without excerpts
_DOWNLOAD = re.compile(r'(<a\b[^>]*href="[^"]*\.ipynb"[^>]*?) download\b(?:="[^"]*")?')
WELCOME = """Open index.html in a browser. Nothing has to be installed, and nothing is loaded from elsewhere.
The notebooks are in the folder _sources. To run them, see the page "Run it yourself".
"""
RUN_NOTE = """<div class="admonition note"><p class="admonition-title">This copy of the book</p>
<p>You read it from a disk. <em>Run in the browser</em> needs a server, so this copy does without; the rest of this page
holds. The notebooks are in its folder <code>_sources</code>.{address}</p></div>"""


def for_disk(path: str, content: bytes, url: str = "") -> bytes:
    """Change a file of the site so that it works from a disk: nothing is fetched, nothing needs a server.

    Parameters
    ----------
    path : str
        Of the file, in the site.
    content : bytes
        What is in it.
    url : str, optional
        Where the book is published.

    Examples
    --------
    >>> for_disk("a.html", b'<nav><a href="../lite/index.html?path=a">Run</a> <a href="b.html">b</a></nav>')
    b'<nav><a href="b.html">b</a></nav>'

    Browsers do not download from a disk: a notebook would take the page's place.

    >>> for_disk("a.html", b'<a href="a.ipynb" download>the notebook</a>')
    b'<a href="a.ipynb" target="_blank" title="Opens the file, which you can save">the notebook</a>'
    """
    if path.endswith(".html"):
        text = _LINK_TO_LITE.sub("", content.decode("utf-8"))
        text = _DOWNLOAD.sub(r'\1 target="_blank" title="Opens the file, which you can save"', text)
        if path == RUN_PAGE:
            address = f' The book with all of it: <a href="{escape(url)}">{escape(url)}</a>.' if url else ""
            head = re.compile(r"(<article\b.*?</h1>)", re.DOTALL)
            text = head.sub(lambda found: f"{found[1]}\n{RUN_NOTE.format(address=address)}", text, count=1)
        content = offered(text, {}).encode("utf-8")
    elif path == "_static/book.css":  # no font is fetched ahead here, and an optional one would come too late
        content = re.sub(rb"font-display:\s*optional", b"font-display: block", content)
    elif path == "_static/documentation_options.js":
        content = content.replace(_FETCHES.encode(), _FETCHES.replace("true", "false").encode())
    return content


def pack(html: Path, target: Path) -> int:
    """Pack the built book into a zip that is read from a disk, and return its size in bytes.

    Parameters
    ----------
    html : Path
        The built book.
    target : Path
        The zip to write. Everything in it stands in one folder of the same name, ``index.html`` at its top.

    Raises
    ------
    FileNotFoundError
        If the book is not built.
    """
    if not (html / "index.html").is_file():
        raise FileNotFoundError(f"{html / 'index.html'} is not there: run make book first.")
    when = time.gmtime(max(float(os.environ.get("SOURCE_DATE_EPOCH") or time.time()), 315532800))  # from 1980
    files = {path.relative_to(html).as_posix(): path for path in sorted(html.rglob("*")) if path.is_file()}
    url = _address(html)
    contents = {"README.txt": (WELCOME + (f"The book is published at {url}\n" if url else "")).encode()}
    for name, path in files.items():
        if not LEFT_OUT.search(name):
            contents[name] = for_disk(name, path.read_bytes(), url)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(f"{target.stem}/{name}", when[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return target.stat().st_size


# -- Offered on the site ------------------------------------------------------------------------


def offered(markup: str, sizes: Mapping[str, int], up: str = "") -> str:
    """Turn the words of a page that name the PDF and the zip into links, or links without a file into words.

    Parameters
    ----------
    markup : str
        The page.
    sizes : mapping from {"pdf", "zip"} to int
        Bytes of the files that are there.
    up : str, optional
        The way from the page to the top of the site, such as ``"../"``.

    Examples
    --------
    >>> offered('<span class="fa-keep-pdf">a PDF</span>', {"pdf": 11_400_000})
    '<a class="fa-keep-pdf" href="feedback-alignment.pdf" download>a PDF <small>(11 MB)</small></a>'
    >>> offered(_, {})
    '<span class="fa-keep-pdf">a PDF</span>'
    """

    def element(found: re.Match[str]) -> str:
        kind, words = found[1], found[2]
        if kind not in sizes:
            return f'<span class="fa-keep-{kind}">{words}</span>'
        size = f"<small>({max(1, round(sizes[kind] / 1e6))} MB)</small>"
        return f'<a class="fa-keep-{kind}" href="{up}{NAME}.{kind}" download>{words} {size}</a>'

    named = r'<(?:span|a) class="fa-keep-(pdf|zip)"[^>]*>(.*?)(?: <small>.*?</small>)?</(?:span|a)>'
    return re.sub(named, element, markup, flags=re.DOTALL)


def offer(html: Path) -> None:
    """Link the PDF and the zip, where they are made, from the pages that name them, and say how large they are."""
    files = {kind: html / f"{NAME}.{kind}" for kind in ("pdf", "zip")}
    sizes = {kind: path.stat().st_size for kind, path in files.items() if path.is_file()}
    for path in sorted(html.glob("book/*.html")):
        markup = path.read_text(encoding="utf-8")
        linked = offered(markup, sizes, "../")
        if linked != markup:
            path.write_text(linked, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the book as a PDF, or as a zip for reading offline, beside its pages."""
    parser = argparse.ArgumentParser(prog="python -m fa_teach.keep", description=main.__doc__)
    parser.add_argument("kind", choices=["pdf", "zip"])
    parser.add_argument("--html", type=Path, default=HTML, help=f"the built book; default: {HTML}")
    parser.add_argument("--paper", choices=PAPERS, default="A4", help="of the PDF; default: A4")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--pages", nargs="+", metavar="PAGE", help="of the PDF, as in _toc.yml")
    chosen.add_argument("--all", action="store_true", help=f"in the PDF also {', '.join(ON_SCREEN_ONLY)}")
    parser.add_argument("--to", type=Path, help=f"the file; default: {NAME}.pdf or .zip beside the pages")
    options = parser.parse_args(arguments)
    target = options.to or options.html / f"{NAME}.{options.kind}"
    try:
        if options.kind == "pdf":
            import yaml

            book = yaml.safe_load(Path("_config.yml").read_text(encoding="utf-8"))
            toc = yaml.safe_load(Path("_toc.yml").read_text(encoding="utf-8"))
            left_out = () if options.all else ON_SCREEN_ONLY
            listed = [
                page
                for page in pages(toc)
                if (page.name in options.pages if options.pages else page.name not in left_out)
            ]
            count = print_pdf(
                options.html,
                listed,
                target,
                title=book["title"],
                author=book["author"],
                paper=options.paper,
            )
            said = f"{count} pages, {target.stat().st_size / 1e6:.1f} MB"
        else:
            said = f"{pack(options.html, target) / 1e6:.1f} MB"
    except (FileNotFoundError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    offer(options.html)
    sys.stdout.write(f"To keep: {target.resolve()} ({said})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
