"""The notebooks in the reader's own browser: what is served, that it says nothing it must not, and that it runs."""

import json
import os
import re
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from browsing import HTML, ROOT

pytest.importorskip("sphinx")
pytest.importorskip("math_core")

from fa_teach import assignments, lite, sphinx  # needs both of the above

NOTEBOOKS = sorted([*(ROOT / "book").glob("*.ipynb"), *(ROOT / "book" / "exercises").glob("*.ipynb")])
NAMES = [path.relative_to(ROOT).as_posix() for path in NOTEBOOKS]
CHAPTER = "book/04_smallest_network"
SMALLER = [path for path in NOTEBOOKS if "# in the browser: " in path.read_text(encoding="utf-8")]


# -- The notebooks ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def in_jupyter():
    """All chapters as any Jupyter shows them."""
    titles = lite.label_titles(chapters())
    sources = lite.citations(ROOT / "book" / "references.bib")
    return [lite.for_jupyter(notebook, titles, sources) for notebook in chapters().values()]


def chapters():
    """All notebooks but the assignments, by their paths."""
    return {str(path): assignments.read(path) for path in NOTEBOOKS if path.parent.name == "book"}


@pytest.mark.browser
def test_numbers_of_figures_and_equations_are_those_of_the_book():
    """Who reads the page and runs the notebook beside it looks for figure 8.2 in both."""
    said = lite.label_titles(chapters())
    compared = 0
    for path in sorted((HTML / "book").glob("[0-9]*.html")):
        page = path.read_text(encoding="utf-8")
        pattern = r'id="(fig-[\w-]+)".*?class="caption-number">Fig. ([\d.]+)'
        for label, number in re.findall(pattern, page, re.DOTALL):
            assert said[label] == f"figure {number}", label
            compared += 1
        for label, number in re.findall(
            r'id="equation-(eq-[\w-]+)".*?class="eqno">\((\d+)\)', page, re.DOTALL
        ):
            assert said[label] == number, label
            compared += 1
    assert compared > 60


def test_nothing_of_the_books_own_markdown_is_left(in_jupyter):
    """Jupyter would show roles and directives as they are."""
    for notebook in in_jupyter:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                text = re.sub(r"`[^`{}]*`", "", assignments.source(cell))
                left = re.findall(
                    r"\{[a-z:]+\}`[^`]*`|^:{2,}.*|^:\w+:.*|\$\$ \(.*|\]\([^)]*\.md\)", text, re.MULTILINE
                )
                assert not left, left


def test_references_say_what_they_refer_to(in_jupyter):
    """A label that is not known would stand there as it is."""
    text = "\n".join(assignments.source(cell) for notebook in in_jupyter for cell in notebook["cells"])
    assert "corollary “The unstable stretch”" in text
    assert "\n\\tag{3}\n$$" in text  # eq-chain-flow
    assert ", this is (7)" in text  # eq-chain-jacobian
    assert "(Lillicrap et al., 2016)" in text
    assert "Chu and Bacho (2024)" in text
    assert not re.findall(r"\b(?:thm|prop|cor|def|fig)-[a-z]+-[a-z]+", re.sub(r"#\S*|\\tag\S*", "", text))


def test_boxes_are_closed():
    """An open box would swallow the rest of the cell."""
    text = ":::{admonition} Guess\n:class: prediction\nWill it?\n:::\nafter\n:::{prf:proof}\nYes.\n:::"
    assert lite.plain_markdown(text, {}, {}).split("\n") == [
        '<div class="alert alert-warning">',
        "",
        "**Guess**",
        "",
        "Will it?",
        "",
        "</div>",
        "after",
        "*Proof.*",
        "",
        "Yes.",
        "",
        "",
    ]


def test_the_copy_installs_first_and_has_run_nothing(in_jupyter):
    copy = lite.without_outputs(in_jupyter[3])
    assert assignments.source(copy["cells"][0]) == "%pip install -q fa_teach"
    code = [cell for cell in copy["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert any(cell["outputs"] for cell in in_jupyter[3]["cells"] if cell["cell_type"] == "code")
    pytest.importorskip("nbformat").validate(json.loads(json.dumps(copy)))


def test_smaller_values_for_the_browser_are_python():
    """A comment keeps them ready; the copy says what stands in the book, and a note says so once."""
    for path in NOTEBOOKS:
        notebook = assignments.read(path)
        cells = notebook["cells"]
        code = [assignments.source(cell) for cell in cells if cell["cell_type"] == "code"]
        marked = sum(text.count("# in the browser: ") for text in code)
        for text in code:
            small = lite.smaller(text)
            assert small.count("# in the book: ") == text.count("# in the browser: "), text
            if small != text:
                compile(small, path.name, "exec")
        copy = lite.for_browser(notebook)["cells"]
        notes = [cell for cell in copy if assignments.source(cell) == lite.SMALLER]
        assert len(notes) == (marked > 0), path


def test_the_browsers_copy_is_smaller_and_says_so():
    """In all three kinds of lines that can be marked; a notebook without marks stays as it is."""
    code = (
        "seeds, few = range(10), 3  # in the browser: range(3), 2\n"
        "run = train(\n    net,\n    steps=8000,  # in the browser: 2000\n)\n"
        'options = {\n    "steps": 410,  # in the browser: 41\n}'
    )
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Title"}
    cell = {"cell_type": "code", "id": "code", "metadata": {}, "source": code}
    copy = lite.for_browser({"cells": [title, cell]})["cells"]
    assert [one["id"] for one in copy] == ["title", "smaller-here", "code"]
    assert copy[2]["source"] == (
        "seeds, few = range(3), 2  # in the book: range(10), 3\n"
        "run = train(\n    net,\n    steps=2000,  # in the book: 8000\n)\n"
        'options = {\n    "steps": 41,  # in the book: 410\n}'
    )
    plain = {"cells": [title, cell | {"source": "seeds = range(10)  # ten"}]}
    assert lite.for_browser(plain) == plain


@pytest.mark.slow
@pytest.mark.parametrize("path", SMALLER, ids=lambda path: path.stem)
def test_the_smaller_copy_runs_from_top_to_bottom(path):
    """With fewer seeds no index is out of range, no mean empty; here it is far faster than in a browser."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.from_dict(lite.for_browser(assignments.read(path)))
    environment = {**os.environ, "FA_TEACH_EXPLORERS": "still"}
    started = time.perf_counter()
    nbclient.NotebookClient(notebook, timeout=120).execute(env=environment)
    assert time.perf_counter() - started < 60
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output


# -- Pyodide from a folder or an archive --------------------------------------------------------


@pytest.fixture
def distribution(tmp_path):
    folder = tmp_path / "pyodide"
    folder.mkdir()
    packages = {name: {"file_name": f"{name}.whl", "depends": []} for name in lite.LOADED}
    packages["matplotlib"]["depends"] = ["Pillow"]
    packages |= {name: {"file_name": f"{name}.whl", "depends": []} for name in ("pillow", "scipy")}
    for name in [*lite.CORE, *(package["file_name"] for package in packages.values())]:
        (folder / name).write_text(name)
    lock = {"info": {"version": lite.PYODIDE}, "packages": packages}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock))
    return folder, lock


def test_what_is_needed_is_copied_and_the_rest_is_not(distribution, tmp_path):
    """A classroom's copy of everything that Pyodide has would be 15 times as large."""
    folder, lock = distribution
    lite.copy_files(folder, tmp_path / "site", lite.needed_files(lock))
    copied = {path.name for path in (tmp_path / "site").iterdir()}
    assert copied >= {*lite.CORE, "numpy.whl", "pillow.whl"}
    assert "scipy.whl" not in copied
    (folder / "pillow.whl").unlink()
    with pytest.raises(ValueError, match=r"lacks pillow\.whl"):
        lite.copy_files(folder, tmp_path / "site", lite.needed_files(lock))


def test_an_archive_is_unpacked_once(distribution, tmp_path):
    folder, lock = distribution
    archive = tmp_path / "pyodide-0.27.7.tar.bz2"
    with tarfile.open(archive, "w:bz2") as file:
        file.add(folder, "pyodide")
    found = lite.unpacked(archive, tmp_path / "cache")
    assert json.loads((found / "pyodide-lock.json").read_text()) == lock
    (found / "numpy.whl").unlink()
    assert not (lite.unpacked(archive, tmp_path / "cache") / "numpy.whl").exists()


def test_another_version_or_nothing_is_refused(distribution, tmp_path):
    """A kernel on a Pyodide that it does not know fails in the reader's browser, not in the build."""
    folder, lock = distribution
    assert lite.unpacked(folder, tmp_path) == folder
    with pytest.raises(
        ValueError, match=r"PYODIDE must be a folder or an archive of Pyodide 0\.27\.7; got .*empty"
    ):
        lite.unpacked(tmp_path / "empty", tmp_path)
    lock["info"]["version"] = "0.28.0"
    (folder / "pyodide-lock.json").write_text(json.dumps(lock))
    with pytest.raises(ValueError, match=r"which the kernel runs on; got 0\.28\.0"):
        lite.unpacked(folder, tmp_path)


def test_missing_wheels_are_named_at_the_installed_versions(tmp_path):
    from importlib.metadata import version

    (tmp_path / f"tqdm-{version('tqdm')}-py3-none-any.whl").touch()
    missing = lite.missing_wheels(tmp_path)
    assert f"psygnal=={version('psygnal')}" in missing
    assert not [name for name in missing if name.startswith("tqdm")]


# -- Links to run a page ------------------------------------------------------------------------


def test_repository_is_told_by_the_configuration_or_by_github(monkeypatch):
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    assert sphinx.repository({}) == ("", "main")
    told = {"repository_url": "https://github.com/someone/a.book.git", "repository_branch": "next"}
    assert sphinx.repository(told) == ("someone/a.book", "next")
    monkeypatch.setenv("GITHUB_REPOSITORY", "class/copy")
    monkeypatch.setenv("GITHUB_SHA", "abc123")
    assert sphinx.repository({}) == ("class/copy", "abc123")


def test_links_lead_to_what_students_may_see():
    """The committed notebook of an assignment holds its solutions: no service is to open that."""
    known = ("someone/book", "main")
    chapter = sphinx.run_links(CHAPTER, student=False, lite_built=True, repository=known)
    assert f'href="../lite/notebooks/index.html?path={CHAPTER}.ipynb"' in chapter
    assert f"mybinder.org/v2/gh/someone/book/main?urlpath=lab/tree/{CHAPTER}.ipynb" in chapter
    assert f"colab.research.google.com/github/someone/book/blob/main/{CHAPTER}.ipynb" in chapter
    exercise = sphinx.run_links("book/exercises/01_blame", student=True, lite_built=True, repository=known)
    assert "lab/tree/build/student/01_blame.ipynb" in exercise
    assert "colab" not in exercise
    assert "tree/book/exercises" not in exercise
    alone = sphinx.run_links(CHAPTER, student=False, lite_built=False, repository=("", "main"))
    assert not re.search("lite/|https?:", alone)


def test_a_chapter_leads_to_its_exercises_and_back():
    """They stand far apart in the table of contents."""
    found = {"book/04_one", "book/exercises/04_one", "book/11_last"}
    keywords = {"student": False, "lite_built": False, "repository": ("", "main"), "others": found}
    assert '<a href="../book/exercises/04_one.html">Exercises</a>' in sphinx.run_links(
        "book/04_one", **keywords
    )
    back = sphinx.run_links("book/exercises/04_one", **keywords)
    assert '<a href="../../book/04_one.html">Chapter 4</a>' in back
    assert "Exercises" not in sphinx.run_links("book/11_last", **keywords)


def test_binder_installs_the_tested_set_and_makes_the_students_notebooks():
    lines = (ROOT / ".binder" / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["-c ../constraints.txt", ".[lab]"]
    script = ROOT / ".binder" / "postBuild"
    assert os.access(script, os.X_OK)
    assert f"assignments student {sphinx.STUDENTS}" in script.read_text()


# -- The built site -----------------------------------------------------------------------------

LITE = HTML / "lite"


@pytest.fixture(scope="module")
def served():
    if not HTML.exists():
        pytest.fail("the book is not built: run `make book`")
    if not LITE.exists():
        pytest.skip("the book was built without JupyterLite (LITE=0)")
    return LITE / "files"


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_every_notebooks_page_has_its_button(served, name):
    """It leads to a notebook that is there; of an assignment to the student's."""
    page = (HTML / name).with_suffix(".html").read_text(encoding="utf-8")
    (target,) = re.findall(r'<a class="fa-run-here" href="([^"]*)">Run in the browser</a>', page)
    assert target.endswith(f"lite/notebooks/index.html?path={name}")
    notebook, source = assignments.read(served / name), assignments.read(ROOT / name)
    if assignments.is_assignment(source):
        texts = [assignments.source(cell) for cell in notebook["cells"]]
        student = assignments.student_version(source)
        small = lite.for_browser(student)["cells"]
        assert texts == [lite.INSTALL, *map(assignments.source, small)]
    else:
        code = [
            [assignments.source(cell) for cell in one["cells"] if cell["cell_type"] == "code"]
            for one in (notebook, source)
        ]
        assert code[0] == [lite.INSTALL, *map(lite.smaller, code[1])]


@pytest.mark.browser
def test_the_wheel_is_this_library_and_holds_no_hidden_test(served):
    """What is served to students is the library of these pages; hidden tests and marking guides are not in it."""
    (wheel,) = (LITE / "pypi").glob("fa_teach-*.whl")
    with zipfile.ZipFile(wheel) as file:
        packed = {name: file.read(name) for name in file.namelist() if name.startswith("fa_teach/")}
    for path in (ROOT / "fa_teach").rglob("*.py"):
        assert packed[path.relative_to(ROOT).as_posix()] == path.read_bytes(), path
    text = b"\n".join(packed.values()).decode("utf-8", errors="replace")
    for path in assignments.sources(ROOT / "book" / "exercises"):
        secret = assignments.secrets(assignments.read(path))
        lines = [
            line for kind in ("hidden test", "answer in words") for line in secret[kind] if len(line) > 40
        ]
        assert len(lines) > 5
        assert not [line for line in lines if "import" not in line and line in text]


def pyodide():
    """Folder of Pyodide for tests: named by PYODIDE, or beside the repository."""
    named = os.environ.get("PYODIDE")
    folder = Path(named) if named else ROOT.parent / "shared" / "pyodide"
    return folder if (folder / "pyodide-lock.json").exists() else None


KINDS = {".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}


@pytest.mark.browser
@pytest.mark.skipif(
    pyodide() is None,
    reason="Pyodide is neither in ../shared/pyodide nor where PYODIDE says: no notebook was run in the browser",
)
def test_chapter_4_runs_in_the_browser(served, browser, site):
    """By its button, all cells, with no network: the explorer is shown and answers."""
    folder, complaints = pyodide(), []

    def from_folder(route):
        file = folder / route.request.url.partition("?")[0].rpartition("/")[2]
        headers = {
            "access-control-allow-origin": "*",
            "content-type": KINDS.get(file.suffix, "application/zip"),
        }
        route.fulfill(path=file, headers=headers)

    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    context.route(
        lambda url: not url.startswith((site, "data:", "blob:")), lambda route: refuse(route, complaints)
    )
    context.route(f"{lite.CDN}*", from_folder)
    page = context.new_page()
    page.goto(f"{site}{CHAPTER}.html")
    page.get_by_role("link", name="Run in the browser").click()
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    # before there is a kernel, Jupyter runs nothing and says nothing
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
    cells = assignments.read(served / f"{CHAPTER}.ipynb")["cells"]
    count = sum(cell["cell_type"] == "code" for cell in cells)
    page.locator(".jp-InputPrompt", has_text=f"[{count}]:").wait_for(state="attached", timeout=300_000)
    assert page.locator(".jp-RenderedText", has_text="Traceback (most recent call last)").count() == 0
    words = page.locator(".fax-words", has_text="FA ends at")
    words.wait_for(timeout=20_000)
    before = words.text_content()
    page.locator(".fax input[type=range]").first.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "before => document.querySelector('.fax-words').textContent !== before", arg=before, timeout=20_000
    )
    context.close()
    assert not complaints, "\n".join(complaints)


def refuse(route, complaints):
    complaints.append(f"request to another host: {route.request.url}")
    route.abort()
