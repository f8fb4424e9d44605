"""A book to keep: the PDF is printed, the zip unpacked and opened from a disk. Run `make book` first."""

import re
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import pytest
import yaml
from browsing import HTML, listen
from test_assignments import chapters, leaks

from fa_teach import assignments, exercises, keep

ROOT = Path(__file__).parents[1]
EXERCISES = "book/exercises/01_blame"
PRINTED = ["book/preface", "book/04_smallest_network", EXERCISES, "book/bibliography"]
TOC = {"root": "a", "parts": [{"caption": "I. Part", "chapters": [{"file": "b/c"}]}]}


def squeezed(text):
    """Text without white space: on paper, lines break elsewhere."""
    return re.sub(r"\s+", "", text)


@pytest.fixture
def small(tmp_path):
    """Two pages, built as by Sphinx, of a book in one part."""
    page = '<html><link rel="stylesheet" href="{up}_static/a.css"><article class="bd-article">{body}</article></html>'
    (tmp_path / "b").mkdir()
    body = '<section id="s"><h1>First</h1><a href="b/c.html#s">go</a> <a href="search.html">no</a></section>'
    (tmp_path / "a.html").write_text(page.format(up="", body=body))
    body = """<section id="s"><h1>Second</h1><section id="one"><h2>One</h2><p><img src="../x.png" loading="lazy">
        <details><summary>Hint 1</summary><div class="sd-summary-content">think</div></details>
        <details><summary>Solution</summary>secret</details></section></section><script>moves</script>"""
    (tmp_path / "b" / "c.html").write_text(page.format(up="../", body=body))
    (tmp_path / "index.html").write_text("<a href=a.html>")
    return tmp_path


# -- Joined and packed, without a browser -------------------------------------------------------


def joined(folder, **options):
    return keep.long_page(folder, keep.pages(TOC), title="T", author="A", **options)


def test_places_of_different_pages_do_not_collide(small):
    """Both pages have an element `s`: a link to the second must not lead to the first."""
    markup = joined(small)
    assert 'href="#b-c--s"' in markup
    assert markup.count('id="b-c--s"') == markup.count('id="a--s"') == 1
    assert "search.html" not in markup, "a link that leads nowhere on paper"


def test_nothing_that_moves_or_gives_away_is_joined(small):
    markup = joined(small)
    assert "secret" not in markup
    assert "<script" not in markup
    assert "loading=" not in markup, "a lazy image would stay white"
    assert markup.index("think") > markup.index(">Hints<"), "hints stand behind the exercises"


def test_contents_tell_parts_chapters_and_sections(small):
    markup = joined(small)
    contents = re.sub(r"<[^>]*>", " ", markup[markup.index("<nav") : markup.index("</nav>")])
    assert contents.split() == ["Contents", "First", "I.", "Part", "Second", "One", "Hints"]
    assert '<h2 class="level-1">Second' in markup, "a chapter stands below its part"
    assert '<h1 class="level-1">First' in markup, "the preface belongs to no part"


def test_hints_are_no_headings(small):
    """The outline would name each exercise twice."""
    markup = joined(small)
    assert '<p class="hints-of">One</p>' in markup
    assert len(re.findall(r"<h\d[^>]*>One<", markup)) == 1


NOTE = """<div class="admonition note"><p>Note</p><p><a href="../_sources/c.ipynb" download>Download</a>
    Under each stub stand hints.</p></div>"""
ANSWERED = """<div class="cell"><div class="cell_input">check(f)</div><div class="cell_output"><div
    class="fa-answer fa-answer-right">f: right, 4 of 4 parts</div></div></div>"""
EXPLORER = """<img class="fa-still" alt="Title. All is well, to 0.5."> <a href="#spectrum:angle=30">turned</a>
    <a href="#s">still</a>"""


def test_nothing_is_said_that_paper_does_not_hold(small):
    """Of dropdowns, of answers to solutions below an empty stub, of states that a still cannot take."""
    page = small / "b" / "c.html"
    page.write_text(page.read_text().replace("<h1>", NOTE + ANSWERED + EXPLORER + "<h1>", 1))
    text = re.sub(r"\s+", " ", joined(small))
    assert "Under each stub" not in text
    assert "Hints stand at the end" in text
    assert "4 of 4 parts" not in text
    assert "check(f)" in text
    assert f"{keep.STILL} All is well, to 0.5." in text
    assert "<a>turned</a>" in text, "this link would only lead to the same still"
    assert '<a href="#b-c--s">still</a>' in text


def test_where_the_book_is_published_is_said_on_paper_and_disk(small):
    assert "https" not in joined(small)
    link = '<link rel="canonical" href="https://example.org/fa/book/preface.html">'
    (small / "index.html").write_text(link)
    page = small / "b" / "c.html"
    page.write_text(page.read_text().replace("<h1>", EXPLORER + '<a href="api.html">api</a><h1>', 1))
    markup = joined(small)
    assert markup.index("https://example.org/fa/</a>") < markup.index("Contents")
    assert 'href="https://example.org/fa/b/c.html#spectrum:angle=30"' in markup
    assert 'href="https://example.org/fa/b/api.html"' in markup
    keep.pack(small, small / "book.zip")
    assert b"https://example.org/fa/" in zipfile.ZipFile(small / "book.zip").read("book/README.txt")


def test_what_is_of_use_on_a_screen_only_is_left_out(small, monkeypatch):
    """By default; all pages and chosen ones can be had."""
    printed = []
    monkeypatch.setattr(
        keep, "print_pdf", lambda _, listed, target, **__: printed.append(listed) or target.stat() or 1
    )
    target = small / "x.pdf"
    target.write_text("")
    everything = {page.name for page in keep.pages(yaml.safe_load((ROOT / "_toc.yml").read_text()))}
    assert set(keep.ON_SCREEN_ONLY) < everything, "a page that is no longer there"
    monkeypatch.chdir(ROOT)
    for more in ([], ["--all"], ["--pages", "book/api"]):
        assert keep.main(["pdf", "--html", str(small), "--to", str(target), *more]) == 0
    default, whole, chosen = ({page.name for page in listed} for listed in printed)
    assert default == everything - set(keep.ON_SCREEN_ONLY)
    assert whole == everything
    assert chosen == {"book/api"}


def test_from_a_disk_no_font_is_optional_and_no_notebook_takes_the_page_s_place(small):
    (small / "_static").mkdir()
    (small / "_static" / "book.css").write_text("@font-face{font-display: optional;}")
    (small / "book").mkdir()
    (small / "book" / "run.html").write_text(f"<h1>Printed</h1><article><h1>Run</h1>{NOTE}</article>")
    keep.pack(small, small / "book.zip")
    packed = zipfile.ZipFile(small / "book.zip")
    assert packed.read("book/_static/book.css") == b"@font-face{font-display: block;}"
    run = packed.read("book/book/run.html").decode()
    assert re.search(r'c\.ipynb" target="_blank"', run)
    assert " download" not in run
    assert run.index("<h1>Run</h1>") < run.index("needs a server") < run.index("Under each stub")


def test_a_missing_page_is_told(small):
    with pytest.raises(FileNotFoundError, match=r"d\.html is not there: run make book"):
        keep.long_page(small, [keep.Page("d", "")], title="T", author="A")
    with pytest.raises(FileNotFoundError, match="run make book"):
        keep.pack(small / "b", small / "b.zip")


def test_zip_leaves_out_what_needs_a_server(small):
    for name in ("lite/index.html", "old.pdf", ".buildinfo", "_sources/a.ipynb"):
        (small / name).parent.mkdir(exist_ok=True)
        (small / name).write_text("x")
    assert keep.pack(small, small / "book.zip") == (small / "book.zip").stat().st_size
    names = set(zipfile.ZipFile(small / "book.zip").namelist())
    assert {"book/index.html", "book/a.html", "book/b/c.html", "book/_sources/a.ipynb"} < names
    assert not [name for name in names if re.search("lite|pdf|zip|buildinfo", name)]


def test_zip_is_the_same_twice(small, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("one", "two"):
        (small / name).mkdir()
        keep.pack(small, small / name / "book.zip")
        (small / name / "book.zip").rename(small.parent / f"{name}.zip")
        (small / name).rmdir()
    assert (small.parent / "one.zip").read_bytes() == (small.parent / "two.zip").read_bytes()


def test_files_are_offered_only_where_they_are(small):
    (small / "book").mkdir()
    (small / "book" / "p.html").write_text(
        '<span class="fa-keep-pdf">P</span> <span class="fa-keep-zip">Z</span>'
    )
    (small / f"{keep.NAME}.pdf").write_text("")
    keep.offer(small)
    text = (small / "book" / "p.html").read_text()
    assert text.count("<a ") == text.count(f'href="../{keep.NAME}.pdf"') == 1
    keep.offer(small)
    assert (small / "book" / "p.html").read_text() == text, "offered once more, it says its size twice"
    (small / f"{keep.NAME}.pdf").unlink()
    keep.offer(small)
    assert "<a " not in (small / "book" / "p.html").read_text()


def test_preface_names_both():
    text = (ROOT / "book" / "preface.md").read_text(encoding="utf-8")
    assert all(f"]{{.fa-keep-{kind}}}" in text for kind in ("pdf", "zip"))


# -- Printed ------------------------------------------------------------------------------------


def print_pages(*arguments, cwd=ROOT):
    """In a process of its own: one process drives one browser at a time."""
    return subprocess.run(
        [sys.executable, "-m", "fa_teach.keep", "pdf", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_browser_one_sentence_says_so(small, tmp_path, monkeypatch):
    pytest.importorskip("playwright")
    monkeypatch.setattr(keep, "BROWSERS", ())
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(RuntimeError, match="printed by Chromium or Chrome: install one"):
        keep.print_pdf(small, keep.pages(TOC), tmp_path / "b.pdf", title="T", author="A")


@pytest.fixture(scope="module")
def pdf(tmp_path_factory):
    """Preface, a chapter with an explorer and proofs, and its exercises, as `make pdf` prints the whole book."""
    reading = pytest.importorskip("pypdf")
    if keep.find_browser() is None:
        pytest.skip(
            "no Chromium or Chrome was found, which prints the PDF: install one, or name it in CHROMIUM"
        )
    if not HTML.exists():
        pytest.fail("the book is not built: run `make book`")
    target = tmp_path_factory.mktemp("keep") / "book.pdf"
    done = print_pages("--pages", *PRINTED, "--to", target)
    assert done.returncode == 0, done.stderr
    return reading.PdfReader(target)


@pytest.fixture(scope="module")
def texts(pdf):
    return [squeezed(page.extract_text()) for page in pdf.pages]


def entries(pdf, items=None, level=0):
    """Level, title and page of everything in the outline."""
    for item in pdf.outline if items is None else items:
        if isinstance(item, list):
            yield from entries(pdf, item, level + 1)
        else:
            yield level, item.title, pdf.get_destination_page_number(item)


@pytest.mark.browser
def test_contents_name_the_pages_that_the_outline_opens(pdf, texts):
    """A wrong number is worse than none: title, number and the page itself must agree."""
    outline = list(entries(pdf))
    parts = [title for level, title, _ in outline if level == 0]
    assert parts[1:] == ["Contents", parts[2], "II. The dynamics", "Exercises", "Reference"], parts
    listed = next(i for level, title, i in outline if title == "Contents")
    contents = "".join(texts[listed : outline[2][2]])
    assert len(outline) > 25
    for _, title, number in outline[2:]:
        words = squeezed(title)
        assert words in texts[number], f"{title} does not stand on page {number + 1}"
        assert re.search(rf"(?<!\d){number + 1}", texts[number][:100]), (
            f"page {number + 1} bears another number"
        )
    within = {
        index: index in range(2, 2 + 6) for index in range(len(outline))
    }  # the preface belongs to no part
    shown = [entry for index, entry in enumerate(outline) if index > 1 and entry[0] < 3 - within[index]]
    assert contents == "2Contents" + "".join(f"{squeezed(title)}{number + 1}" for _, title, number in shown)


@pytest.mark.browser
def test_links_lead_inside_or_to_other_sites(pdf):
    """A link to a file of the machine that printed it would be dead everywhere else."""
    inside, outside = [], []
    for page in pdf.pages:
        for note in page.get("/Annots", ()):
            note = note.get_object()
            action = note.get("/A", {})
            if "/URI" in action:
                outside.append(str(action["/URI"]))
            else:
                inside.append(str(note.get("/Dest") or action.get("/D")).removeprefix("/"))
    places = {name.removeprefix("/") for name in pdf.named_destinations}
    assert len(inside) > 40
    assert set(inside) <= places, set(inside) - places
    assert outside
    assert all(url.startswith(("https://", "http://", "mailto:")) for url in outside), outside


@pytest.mark.browser
def test_exercises_are_printed_without_solutions(texts):
    """Every line of a solution, a hidden test or an answer in words is looked for; stubs and hints are there."""
    text = "".join(texts)
    notebook = assignments.read(ROOT / f"{EXERCISES}.ipynb")
    hints = [hint for exercise in exercises.catalogue()["ch01"] for hint in exercise.hints]
    told = squeezed(chapters() + " ".join(hints).replace("`", ""))
    student = squeezed(str(assignments.student_version(notebook)).replace("\\n", "\n"))
    secret = [line for lines in assignments.secrets(notebook).values() for line in map(squeezed, lines)]
    kept = [line for line in secret if line not in told and line not in student]
    assert len(kept) > len(secret) / 2
    assert not [line for line in kept if line in text]
    assert not leaks("\n".join(texts), notebook, ("answer in words",))
    assert squeezed(assignments.CODE_STUB[0]) in text
    assert "Hints" in text
    assert text.count("Solution") == 0
    assert "Undereachstub" not in text
    assert squeezed(keep.ASSIGNMENT_NOTE) in text
    assert "right,4of4parts" not in text
    answers = (HTML / f"{PRINTED[1]}.html").read_text(encoding="utf-8").rsplit("<summary", 1)[1]
    first = squeezed(re.sub(r"<[^>]*>", "", re.findall(r"<p>(.*?)(?:<a|</p>)", answers, re.DOTALL)[0]))
    assert first not in text, "answers to the explorer's questions"


@pytest.mark.browser
def test_figures_and_stills_are_printed(pdf):
    """Every image of the chapter, the explorer's still among them; nothing waits for a script or for scrolling."""
    markup = (HTML / f"{PRINTED[1]}.html").read_text(encoding="utf-8")
    article = markup[markup.index("<article") : markup.index("</article>")]
    wanted = len(re.findall("<img", article))
    drawn = [
        image
        for page in pdf.pages
        for image in (page.get("/Resources", {}).get("/XObject") or {}).values()
        if image.get_object().get("/Subtype") == "/Image" and image.get_object()["/Width"] > 300
    ]
    assert wanted >= 5
    assert len(drawn) >= wanted
    text = "".join(unicodedata.normalize("NFKC", squeezed(page.extract_text())) for page in pdf.pages)
    assert squeezed(keep.STILL) in text


@pytest.mark.browser
def test_document_says_what_it_is(pdf):
    """For libraries, and for screen readers: title, author, language, tags."""
    assert pdf.metadata.title == "Feedback alignment, taught by experiment"
    assert pdf.metadata.author == "The fa_teach authors"
    root = pdf.trailer["/Root"]
    assert root["/Lang"].startswith("en")
    assert root["/MarkInfo"]["/Marked"]
    width, height = (float(side) for side in pdf.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (595, 842), "not A4"


@pytest.mark.browser
def test_what_does_not_fit_the_paper_is_refused(small, tmp_path):
    """Clipped, it would be missed by nobody but the reader."""
    if keep.find_browser() is None:
        pytest.skip("no Chromium or Chrome was found, which prints the PDF")
    page = small / "a.html"
    page.write_text(page.read_text().replace("<a ", '<table><td style="min-width:3000px">x</table><a ', 1))
    (small / "book" / "templates").mkdir(parents=True)
    (small / keep.STYLE).write_text((ROOT / keep.STYLE).read_text())
    (small / "_config.yml").write_text("{title: T, author: A}")
    (small / "_toc.yml").write_text("{root: a}")
    done = print_pages("--html", small, "--to", tmp_path / "x.pdf", cwd=small)
    assert done.returncode == 1
    assert "Wider than a sheet of paper" in done.stderr


# -- Read from a disk ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    if not HTML.exists():
        pytest.fail("the book is not built: run `make book`")
    folder = tmp_path_factory.mktemp("a folder with a space")
    size = keep.pack(HTML, folder / "book.zip")
    assert size < 40e6, "too large to hand round"
    zipfile.ZipFile(folder / "book.zip").extractall(folder)
    return folder / "book"


@pytest.fixture
def from_disk(browser, unpacked):
    """Open a page without a network; afterwards, nothing may have been asked for or complained about."""
    context = browser.new_context()
    context.set_offline(True)
    complaints = []
    page = context.new_page()
    listen(page, complaints, allowed="file:")
    page.on(
        "requestfailed",
        lambda request: (
            complaints.append(f"{request.failure}: {request.url}")
            if request.failure != "net::ERR_ABORTED"  # the reader went on before all was loaded
            else None
        ),
    )
    yield lambda name: (page.goto((unpacked / name).as_uri()), page)[1]
    context.close()
    assert not complaints, "\n".join(complaints)


@pytest.mark.browser
def test_search_works_from_a_disk(from_disk):
    """From the first page, as a reader searches, to a page that holds the word."""
    page = from_disk("index.html")
    page.wait_for_url("**/book/preface.html")
    page.goto(page.url.replace("book/preface.html", "search.html?q=stability"))
    page.wait_for_selector("#search-results li a", timeout=10_000)
    assert page.locator("#search-results li").count() >= 3
    page.locator("#search-results li a").first.click()
    page.wait_for_load_state()
    assert page.url.startswith("file:")
    assert re.search("stab", page.locator("main").inner_text(), re.IGNORECASE)


@pytest.mark.browser
def test_explorer_works_from_a_disk(from_disk):
    page = from_disk(f"{PRINTED[1]}.html")
    page.locator(".fa-explorer").first.scroll_into_view_if_needed()  # far from the window, none is started
    explorer = page.locator(".fa-explorer .fax").first
    explorer.locator(".fax-words").wait_for()
    before = explorer.locator(".fax-stage").inner_html()
    slider = explorer.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.fa-explorer .fax-stage').innerHTML !== before", arg=before
    )
    fonts = page.evaluate(
        "document.fonts.ready.then(fonts => [...fonts].filter(f => f.status === 'error').length)"
    )
    assert fonts == 0


@pytest.mark.browser
def test_text_has_one_face_on_all_pages_from_a_disk(from_disk, browser, unpacked):
    """A face that comes late would be missing from some of them."""
    for name in (*PRINTED, "book/05_linear_networks", "book/notation", "book/run", "book/glossary"):
        from_disk(f"{name}.html")  # says nothing; in the next window, looking at the styles makes it complain
        page = browser.new_page()
        page.goto((unpacked / f"{name}.html").as_uri())
        client = page.context.new_cdp_session(page)
        client.send("DOM.enable")
        client.send("CSS.enable")
        root = client.send("DOM.getDocument")["root"]["nodeId"]
        node = client.send("DOM.querySelector", {"nodeId": root, "selector": "article h1"})["nodeId"]
        fonts = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        assert "Source Serif" in max(fonts, key=lambda font: font["glyphCount"])["familyName"], name
        page.close()


# -- A page, printed from the browser -----------------------------------------------------------

SEEN = """() => addEventListener('beforeprint', () => {
    const paint = node => getComputedStyle(node).color;
    window.seen = [document.documentElement.dataset.theme, paint(document.querySelector('article p'))];
})"""


@pytest.mark.browser
def test_dark_page_is_printed_dark_on_white(visit):
    """And is dark again afterwards; figures are never turned round on paper."""
    page = visit(f"{PRINTED[1]}.html", color_scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.evaluate(SEEN)
    page.pdf()
    used, colour = page.evaluate("window.seen")
    assert used == "light"
    assert max(map(int, re.findall(r"\d+", colour))) < 70, colour
    assert page.evaluate(theme) == "dark"
    turned = "() => [...document.querySelectorAll('article img')].map(i => getComputedStyle(i).filter)"
    assert "invert" in "".join(page.evaluate(turned)), "this test would see nothing"
    page.emulate_media(media="print", color_scheme="dark")
    assert "invert" not in "".join(page.evaluate(turned))


@pytest.mark.browser
@pytest.mark.parametrize("name", [PRINTED[1], EXERCISES])
def test_printed_page_has_its_title_and_no_empty_bars(visit, name):
    """Closed dropdowns would be printed as their titles alone."""
    page = visit(f"{name}.html")
    assert page.locator("details.sd-dropdown").first.is_visible(), "this test would see nothing"
    page.emulate_media(media="print")
    assert page.locator("details.sd-dropdown:visible, summary:visible").count() == 0
    assert (
        page.locator("article .fa-answer-right:visible, article .note:has(a[download]):visible").count() == 0
    )
    head = page.locator("h1:visible")
    assert head.count() == 1
    assert head.inner_text().startswith("4. The smallest" if name == PRINTED[1] else "Exercises")
    assert re.search(r"Version \d", page.locator(".fa-colophon").inner_text())
    cited = page.locator(".fa-cite p")
    assert cited.bounding_box()["height"] > 8, "how to cite the page is not shown"
