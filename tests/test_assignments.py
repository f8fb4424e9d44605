"""One source, three uses: nothing that must stay in it leaves it, and every submission is graded."""

import ast
import json
import os
import re
import subprocess
import sys
import zlib
from functools import cache
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import fa_teach
from fa_teach import assignments, exercises

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
SOURCES = assignments.sources(ROOT / "book" / "exercises")
each = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)


def told(cell, what):
    return cell["metadata"].get("nbgrader", {}).get(what)


def cells(notebook, **wanted):
    return [cell for cell in notebook["cells"] if all(bool(told(cell, k)) == v for k, v in wanted.items())]


def text_of(notebook):
    return "\n".join(assignments.source(cell) for cell in notebook["cells"])


def execute(notebook, *, hidden=True):
    """What each check cell of a notebook gives, by its grade_id; cells that raise give 0, as in nbgrader."""
    namespace, scores = {}, {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        code = assignments.source(cell)
        code = code if hidden else assignments.without_hidden_tests(code)
        *body, last = ast.parse(code).body
        try:
            exec(compile(ast.Module(body, []), "<cell>", "exec"), namespace)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
            else:
                exec(compile(ast.Module([last], []), "<cell>", "exec"), namespace)
                value = None
        except Exception:  # noqa: BLE001 # a submission may raise anything
            value = 0.0
        if told(cell, "grade"):
            scores[told(cell, "grade_id")] = value
    return scores


@pytest.fixture(autouse=True)
def _plots(monkeypatch):
    """Figures of the cells in between are drawn and thrown away."""
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


# -- The sources --------------------------------------------------------------------------------


def test_each_assignment_belongs_to_a_chapter():
    for path in SOURCES:
        assert (ROOT / "book" / path.name).exists(), f"{path.name} has no chapter of this name"


@each
def test_source_has_the_form_that_is_promised(path):
    """Page, student's notebook and grader rely on it: CONTRIBUTING.md, "An exercise"."""
    notebook = assignments.read(path)
    assert assignments.source(notebook["cells"][0]).startswith("# Exercises: ")
    identities = [told(cell, "grade_id") for cell in notebook["cells"] if told(cell, "grade_id")]
    assert len(set(identities)) == len(identities)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    chapter = f"ch{path.name[:2]}"
    stubs = [told(cell, "grade_id") for cell in cells(notebook, solution=True, grade=False)]
    assert stubs == [exercise.name for exercise in exercises.catalogue()[chapter]]
    assert 3 <= len(stubs) <= 5
    checks = cells(notebook, grade=True, solution=False)
    assert [told(cell, "grade_id") for cell in checks] == [f"{name}-check" for name in stubs]
    for name, cell in zip(stubs, checks, strict=True):
        lines = assignments.source(cell).split("\n")
        assert lines[0] == f"answer = check({name})"
        assert lines[-1] == f"answer.score({told(cell, 'points')})"
        assert told(cell, "locked")
        assert "grading.confirm(" in assignments.source(cell), "no case by hand"
        assert re.search(r"seed=\d+", assignments.source(cell)), "no unseen cases"
    words = cells(notebook, grade=True, solution=True)
    assert len(words) == 1, "one question in words"
    assert words[0]["cell_type"] == "markdown"
    assert "marking guide" in assignments.source(words[0]).lower()


@each
def test_text_is_plain_markdown(path):
    """In Jupyter, roles and directives would stand there as they are."""
    for cell in assignments.read(path)["cells"]:
        if cell["cell_type"] == "markdown":
            text = assignments.source(cell)
            assert not re.search(r"\{[a-z:]+\}`|^:::|\]\([^h#]", text, re.MULTILINE), text


@each
def test_solution_is_the_one_of_the_library(path):
    """`solution(...)`, the page and the notebook show one and the same code."""
    for cell in cells(assignments.read(path), solution=True, grade=False):
        (shown,) = ast.parse(assignments.with_solution(assignments.source(cell))).body
        (known,) = ast.parse(exercises.find(told(cell, "grade_id")).code).body
        assert ast.get_docstring(shown), "the stub says nothing of what the function should do"
        assert ast.dump(ast.Module(shown.body[1:], [])) == ast.dump(ast.Module(known.body, []))
        assert ast.dump(shown.args) == ast.dump(known.args)


@each
def test_what_the_text_names_is_imported(path):
    """Who is stuck types `hint(...)`, and must not get a NameError."""
    first = next(cell for cell in assignments.read(path)["cells"] if cell["cell_type"] == "code")
    assert "from fa_teach.exercises import check, hint, solution\n" in assignments.source(first) + "\n"
    assert "imported" not in assignments.source(assignments.read(path)["cells"][0])


@each
def test_experiments_say_which_parts_they_need(path):
    """Else a function that is not written ends in a traceback further down, and nobody knows why."""
    part, parts, told_now = 0, {}, set()
    for cell in assignments.read(path)["cells"]:
        text = assignments.source(cell)
        if cell["cell_type"] == "markdown":
            headings = re.findall(r"^## (\d+)\.", text, re.MULTILINE)
            part = int(headings[-1]) if headings else part
            said = re.search(r"\*The next (?:two cells need|cell needs) parts? ([\d ,andto]+)\.\*$", text)
            told_now = numbers(said[1]) if said else set()
        elif told(cell, "solution"):
            parts[told(cell, "grade_id")] = part
        elif not told(cell, "grade"):
            names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
            needed = {parts[name] for name in names & set(parts)}
            assert needed <= told_now, f"{path.name}: part {part} does not say that it needs {needed}"


def numbers(words):
    """What "1 to 3" or "1 and 4" names."""
    ends = [int(number) for number in re.findall(r"\d+", words)]
    return set(range(ends[0], ends[1] + 1)) if "to" in words else set(ends)


def test_cells_import_what_they_use():
    """Not only because a check before them has loaded it: who skips the check runs them, too."""
    used = {
        node.attr
        for path in SOURCES
        for cell in cells(assignments.read(path))
        if cell["cell_type"] == "code"
        for node in ast.walk(ast.parse(assignments.source(cell)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "fa"
    }
    assert {"init_network", "datasets"} <= used
    code = f"import fa_teach as fa; print([name for name in {sorted(used)} if not hasattr(fa, name)])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


# -- Marks --------------------------------------------------------------------------------------


@pytest.mark.slow
@each
def test_instructors_version_gets_full_marks(path):
    notebook = assignments.read(path)
    points = {
        told(cell, "grade_id"): told(cell, "points") for cell in cells(notebook, grade=True, solution=False)
    }
    assert execute(notebook) == points


@pytest.mark.slow
@each
def test_untouched_student_version_gets_none(path):
    """And says so in words: nothing raises in a check's cell."""
    student = assignments.student_version(assignments.read(path))
    assert set(execute(student).values()) == {0.0}


@pytest.mark.slow
@each
def test_misconceptions_get_their_partial_marks_in_the_notebook(path):
    """Through the hidden tests and their unseen cases."""
    notebook = assignments.read(path)
    for cell in cells(notebook, grade=True, solution=False):
        name, points = told(cell, "grade_id").removesuffix("-check"), told(cell, "points")
        for misconception in exercises.find(name).misconceptions:
            namespace = {
                "np": np,
                "fa": fa_teach,
                "check": exercises.check,
                name: named(misconception.code, name),
            }
            code = assignments.source(cell).rsplit("\n", 1)
            exec(code[0], namespace)
            score = eval(code[1], namespace)
            assert 0 <= score < points, misconception.name
            assert score == round(points * exercises.check(misconception.code, name=name).share, 2)


def named(function, name):
    def same(*args):
        return function(*args)

    same.__name__ = name
    return same


# -- What leaves the source ---------------------------------------------------------------------


@each
def test_there_is_something_to_keep(path):
    """The searches below would pass over nothing."""
    secrets = assignments.secrets(assignments.read(path))
    assert all(len(lines) >= 2 for lines in secrets.values()), secrets


def leaks(text, notebook, kinds=("solution", "hidden test", "answer in words")):
    """Secret lines that stand in a text, but for those that stand in the open part of the notebook as well."""
    student = text_of(assignments.student_version(notebook))
    kept = assignments.secrets(notebook)
    return [line for kind in kinds for line in kept[kind] if line in text and line not in student]


@cache
def chapters():
    """All that the book tells openly: its pages without the exercises."""
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "book").glob("*.md")]
    return "\n".join(pages + [text_of(assignments.read(path)) for path in (ROOT / "book").glob("*.ipynb")])


@each
def test_student_version_keeps_every_secret(path):
    notebook = assignments.read(path)
    student = assignments.student_version(notebook)
    assert not leaks(json.dumps(student, ensure_ascii=False), notebook)
    assert not leaks(text_of(student), notebook)
    assert "BEGIN" not in text_of(student)
    assert assignments.TEXT_STUB in text_of(student)
    assert text_of(student).count(assignments.CODE_STUB[0]) == len(
        cells(notebook, solution=True, grade=False)
    )
    assert all(not cell.get("outputs") for cell in student["cells"])
    assert assignments.read(path) == notebook, "the source itself was changed"


@each
@pytest.mark.parametrize("solutions", [True, False])
def test_page_shows_solutions_only_in_dropdowns(path, solutions):
    notebook = assignments.read(path)
    page = assignments.for_page(path.read_text(encoding="utf-8"), solutions=solutions)
    shown = [cell for cell in page["cells"] if "remove-cell" not in cell["metadata"].get("tags", [])]
    text = "\n".join(cell["source"] for cell in shown)
    assert not leaks(text, notebook, ("hidden test", "answer in words"))
    outside = re.sub(r"::::\{dropdown\} (Solution|Hint \d).*?\n::::", "", text, flags=re.DOTALL)
    assert not leaks(outside, notebook)
    assert text.count(assignments.SOLUTION_CLASS) == (
        len(cells(notebook, solution=True, grade=False)) if solutions else 0
    )
    assert "score(" not in text


@each
def test_page_says_who_marks_the_words(path):
    """Under the question, where the notebook has a cell to write in; those who learn alone are told what to do."""
    notebook = assignments.read(path)
    page = assignments.for_page(path.read_text(encoding="utf-8"))
    note = " ".join(page["cells"][-1]["source"].split())
    assert note.startswith(":::{note}")
    assert "your instructor marks it" in note
    assert "If you learn alone" in note
    assert f"[chapter {int(path.name[:2])}](../{path.name})" in note
    assert ("by the same table" in note) == (path.name == "10_claims.ipynb")
    assert not leaks(page["cells"][-1]["source"], notebook)
    assert "your instructor marks it" not in text_of(assignments.student_version(notebook))


@each
def test_page_leads_to_what_its_words_name(path):
    """A chapter is a link on the page, and words in the notebook."""
    page = assignments.for_page(path.read_text(encoding="utf-8"))
    text = "\n".join(cell["source"] for cell in page["cells"][:1])
    assert f"[chapter {int(path.name[:2])}](../{path.name})" in text
    for cell in page["cells"]:
        for target in re.findall(r"\]\(([^)]+\.ipynb)\)", cell["source"]):
            assert (path.parent / target).exists(), target


def test_words_become_links():
    assert assignments.with_links("the exercises of chapters 1 and 2, then chapter 5") == (
        "the exercises of chapters [1](01_blame.ipynb) and [2](02_random_feedback.ipynb), "
        "then [chapter 5](../05_linear_networks.ipynb)"
    )
    assert assignments.with_links("chapter 99, whatever chapter, `chapter`") == (
        "chapter 99, whatever chapter, `chapter`"
    )
    assert (
        assignments.with_links("on the page *Explorers*") == "on the page [*Explorers*](../explorers.ipynb)"
    )


def test_chapters_are_read_as_they_are():
    text = (ROOT / "book" / "01_blame.ipynb").read_text(encoding="utf-8")
    assert assignments.for_page(text) == nbformat.reads(text, as_version=4)


@pytest.mark.parametrize("kind", ["SOLUTION", "HIDDEN TESTS"])
def test_broken_markers_are_refused(kind):
    """A region that is never closed would be handed out as a whole, or not at all."""
    cut = {"SOLUTION": assignments.with_solution, "HIDDEN TESTS": assignments.without_hidden_tests}[kind]
    with pytest.raises(ValueError, match="without"):
        cut(f"a\n### BEGIN {kind}\nb")
    with pytest.raises(ValueError, match="second"):
        cut(f"### BEGIN {kind}\n### BEGIN {kind}\n### END {kind}")


def test_command_line_writes_student_versions(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert assignments.main(["student", str(tmp_path)]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.split()] == [path.name for path in SOURCES]
    for path in SOURCES:
        nbformat.validate(nbformat.read(tmp_path / path.name, as_version=4))


def changed(folder, what, *, points=None, last=None, words=None):
    """Copy a source into a folder, with one thing changed in its first check's cell, or text replaced."""
    notebook = assignments.read(what)
    cell = cells(notebook, grade=True, solution=False)[0]
    if points is not None:
        cell["metadata"]["nbgrader"]["points"] = points
    if last is not None:
        cell["source"] = assignments.source(cell).rpartition("\n")[0] + f"\n{last}"
    for before, after in (words or {}).items():
        for cell in notebook["cells"]:
            cell["source"] = assignments.source(cell).replace(before, after)
    assignments.write(notebook, folder / what.name)


@each
def test_points_agree(path):
    assignments.check_points(assignments.read(path), name=path.stem)
    first = assignments.source(assignments.read(path)["cells"][0])
    assert assignments._HEADER.search(first), "the first cell does not say the points"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"points": 6}, "cell fa_hidden_error-check: nbgrader gives 6 points, but its last line is"),
        ({"last": "answer.score(6)"}, "but its last line is 'answer.score(6)'; expected 'answer.score("),
        ({"last": "answer.score"}, "but its last line is 'answer.score'"),
        ({"points": 6, "last": "answer.score(6)"}, "first cell: it promises"),
        ({"words": {"words 4.": "words 5."}}, "5 for words, but the cells give"),
    ],
)
def test_points_that_differ_are_refused(how, message, tmp_path):
    """Raised in one place only, a fully right submission would get fewer than all points, in silence."""
    (source,) = (path for path in SOURCES if path.stem == "02_random_feedback")
    changed(tmp_path / "sources", source, **how)
    with pytest.raises(ValueError, match=re.escape(message)):
        assignments.stage(tmp_path / "course", tmp_path / "sources")
    assert not (tmp_path / "course").exists()


def test_other_points_are_taken_where_all_agree(tmp_path):
    (source,) = (path for path in SOURCES if path.stem == "02_random_feedback")
    total = sum(told(cell, "points") for cell in cells(assignments.read(source), grade=True, solution=False))
    first = told(cells(assignments.read(source), grade=True, solution=False)[0], "points")
    words = {f"functions {total}": f"functions {total + 0.5}"}
    changed(tmp_path, source, points=first + 0.5, last=f"answer.score({first + 0.5})", words=words)
    assert assignments.stage(tmp_path / "course", tmp_path) == [source.stem]


def test_stage_never_overwrites_what_somebody_wrote(tmp_path):
    """A guide that an instructor edited in the copy would be gone."""
    sources, course = tmp_path / "sources", tmp_path / "course"
    for path in SOURCES[:2]:
        changed(sources, path)
    names = assignments.stage(course, sources)
    copy = course / names[0] / f"{names[0]}.ipynb"
    assert assignments.stage(course, sources) == names, "again, with nothing changed"
    changed(sources, SOURCES[0], words={"guide": "guidance"})
    assignments.stage(course, sources)
    assert "guidance" in copy.read_text(encoding="utf-8"), "a changed source is copied"
    ran = assignments.read(copy)
    for cell in ran["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=7)
    assignments.write(ran, copy)
    assignments.stage(course, sources)  # outputs are nobody's work
    edited = copy.read_text(encoding="utf-8").replace("guidance", "my own guide")
    copy.write_text(edited, encoding="utf-8")
    with pytest.raises(ValueError, match=r"01_blame.ipynb was changed after it had been copied"):
        assignments.stage(course, sources)
    assert copy.read_text(encoding="utf-8") == edited
    (course / assignments.COPIED).unlink()
    with pytest.raises(ValueError, match=r"was changed"):
        assignments.stage(course, sources)
    copy.unlink()
    assert assignments.stage(course, sources) == names


def test_students_work_is_never_overwritten(tmp_path):
    """Who asks for the notebooks a second time has written into the first."""
    written = assignments.write_student_versions(tmp_path, ROOT / "book" / "exercises")
    assert [path.name for path in written] == [path.name for path in SOURCES]
    written[0].write_text("work", encoding="utf-8")
    written[1].unlink()
    assert assignments.write_student_versions(tmp_path, ROOT / "book" / "exercises") == written[1:2]
    assert written[0].read_text(encoding="utf-8") == "work"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("student", "book/exercises has no notebooks: start this in the root of the repository.\n"),
        ("stage", "book/exercises has no notebooks: start this in the root of the repository.\n"),
        ("report", "course/submitted holds no <student>/<assignment>: nothing was handed in.\n"),
    ],
)
def test_command_line_says_what_is_missing(command, message, tmp_path, monkeypatch, capsys):
    """In another folder it wrote nothing, and ended as if all were well."""
    monkeypatch.chdir(tmp_path)
    assert assignments.main([command]) == 1
    assert capsys.readouterr() == ("", message.replace("/", os.sep, 1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("student", ["ada", "1234567", "Anna-Lena.M", "m_2", "12_34"])
@pytest.mark.parametrize("name", ["{}_{}.ipynb", "{}/{}.ipynb", "{}_{} (1).ipynb"])
def test_downloads_are_told_apart_by_their_names(student, name):
    """The pattern of the configuration finds student and assignment in what a learning platform gives."""
    config = pytest.importorskip("traitlets.config").Config()
    exec((ROOT / "nbgrader_config.py").read_text(encoding="utf-8"), {"get_config": lambda: config})
    for path in SOURCES:
        file = (
            f"/home/me/fa_teach/course/downloaded/{path.stem}/extracted/all/{name.format(student, path.stem)}"
        )
        found = re.match(config.FileNameCollectorPlugin.named_regexp, file)
        assert found.groupdict() == {"student_id": student, "file_id": path.stem}, file


# -- The built book -----------------------------------------------------------------------------


@pytest.mark.browser  # needs the built book, as those tests do
@each
def test_built_book_keeps_every_secret(path, tmp_path):
    """The site's texts are searched for every line of every solution, hidden test and answer in words."""
    if not HTML.exists():
        pytest.fail("the book is not built: run `make book`")
    page = HTML / "book" / "exercises" / f"{path.stem}.html"
    assert page.exists(), f"{path.stem} is not in the table of contents"
    notebook, open_text = assignments.read(path), chapters()
    secret = [line for lines in assignments.secrets(notebook).values() for line in lines]
    assert sum(line not in open_text for line in secret) > len(secret) / 2
    for file, (text, whole) in served_texts().items():
        assert not [line for line in leaks(text, notebook) if line not in open_text], file
        kept = leaks(whole, notebook, kinds=("hidden test", "answer in words"))  # solutions may stand there
        assert not [line for line in kept if line not in open_text], file
    served = assignments.read(HTML / "_sources" / "book" / "exercises" / path.name)
    assignments.write(assignments.student_version(notebook), tmp_path / "student.ipynb")
    assert served == assignments.read(tmp_path / "student.ipynb")


@cache
def served_texts():
    """All files of the site that hold words, without dropdowns; and what pages hold with them."""
    texts = {}
    for file in HTML.rglob("*"):
        if file.suffix == ".inv":  # four lines that can be read, and the names
            names = zlib.decompress(file.read_bytes().split(b"\n", 4)[4])
            texts[file] = names.decode("utf-8"), ""
        elif file.suffix in {".html", ".js", ".json", ".ipynb", ".md", ".txt", ".xml", ".py", ".css", ".svg"}:
            text, whole = file.read_text(encoding="utf-8", errors="replace"), ""
            if file.suffix == ".html":
                whole = readable(text)
                text = readable(re.sub(r"<details[^>]*>.*?</details>", "", text, flags=re.DOTALL))
            elif file.suffix in {".ipynb", ".json"}:
                text = text.replace('\\"', '"').replace("\\n", "\n")
            texts[file] = text, whole
    return texts


def readable(markup):
    """Text of a page."""
    return unescape(re.sub(r"<[^>]*>", "", markup))


@pytest.mark.browser
def test_figures_without_a_chapter_have_no_number():
    """Sphinx would count on from page to page: "Fig. 5" would be the only one of its page."""
    pages = [*(HTML / "book" / "exercises").glob("*.html"), HTML / "book" / "explorers.html"]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    captions = [
        found for text in texts for found in re.findall("<figcaption>.*?</figcaption>", text, re.DOTALL)
    ]
    assert len(captions) > 8
    assert not [caption for caption in captions if "caption-number" in caption]
    chapter = (HTML / "book" / "04_smallest_network.html").read_text(encoding="utf-8")
    assert '<span class="caption-number">Fig. 4.1' in chapter


@pytest.mark.browser
def test_solutions_are_not_searched():
    """A word that stands in solutions alone is not in the search index."""
    index = (HTML / "searchindex.js").read_text(encoding="utf-8")
    assert '"nudged_gradi' in index or "nudged_gradient" in index
    for path in SOURCES:
        notebook = assignments.read(path)
        inside = set(re.findall(r"[a-z]\w{5,}", " ".join(assignments.secrets(notebook)["solution"])))
        told_elsewhere = set()
        for file in [*(ROOT / "book").rglob("*.md"), *(ROOT / "book").rglob("*.ipynb")]:
            text = file.read_text(encoding="utf-8")
            if file.parent.name == "exercises":
                other = json.loads(text)
                text = text_of(assignments.student_version(other))
                text += " ".join(
                    hint for e in exercises.catalogue().get(f"ch{file.name[:2]}", ()) for hint in e.hints
                )
            told_elsewhere |= set(re.findall(r"\w+", text))
        for word in inside - told_elsewhere:
            assert f'"{word}"' not in index, word
