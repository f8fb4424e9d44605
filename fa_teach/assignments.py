"""One source, three uses: from an assignment's notebook to the page, to the student's notebook, to nbgrader.

The sources are ``book/exercises/*.ipynb``, with nbgrader's metadata. Three things never leave them: solutions, between
``### BEGIN SOLUTION`` and ``### END SOLUTION``; hidden tests, between ``### BEGIN HIDDEN TESTS`` and ``### END HIDDEN
TESTS``; and the cells that hold an answer in words with its marking guide. But for this: the book's page may show the
solutions, in a dropdown each.

From the command line, ``python -m fa_teach.assignments --help``.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fa_teach import exercises

Notebook = dict[str, Any]  # a notebook, format 4, as JSON or as nbformat's NotebookNode, which is a dict, too
Cell = dict[str, Any]

SOURCES = Path("book/exercises")
CODE_STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")  # nbgrader's own
TEXT_STUB = "YOUR ANSWER HERE"
SOLUTION_CLASS = "fa-solution"  # of the dropdown on a page: it is left out of the search index
COPIED = ".copied.json"  # beside the copies that nbgrader works on: what each of them said when it was made
_SCORED = re.compile(r"^answer = (.+)\nanswer\.score\(([\d.]+)\)$", re.DOTALL)
_HEADER = re.compile(r"\*\*Points:\*\* functions (\d+(?:\.\d+)?), \w+ (\d+(?:\.\d+)?)")

_CHAPTERS = re.compile(r"(?P<exercises>exercises of )?\bchapters? (?P<first>\d+)(?: and (?P<second>\d+))?\b")

PAGE_NOTE = """\
:::{note}
To work on these exercises, take a link under the title, or {student-notebook}`download the notebook`: it needs the
library and nothing else (see [](../run.md)).
Under each stub stand hints, {SOLUTIONS}and what `check` says to a right answer.
:::"""
ANSWER_NOTE = """\
:::{note}
You write this in your notebook, and your instructor marks it: no answer stands here. If you learn alone, write yours
first, then compare it with {CHAPTER}. A good answer takes the questions one by one, and has a reason for each and,
where there is one, the number on this page that shows it.
:::"""
REPORT_NOTE = """\
:::{note}
You write this in your notebook, and your instructor marks it by the table above: no report stands here. If you learn
alone, mark yours by the same table, and compare what you found with {CHAPTER}.
:::"""


# -- Reading ------------------------------------------------------------------------------------


def is_assignment(notebook: Notebook) -> bool:
    """Whether any cell carries nbgrader's metadata."""
    return any("nbgrader" in cell["metadata"] for cell in notebook["cells"])


def source(cell: Cell) -> str:
    """Text of a cell, which in a file is a list of lines."""
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)


def _told(cell: Cell, what: str) -> bool:
    return bool(cell["metadata"].get("nbgrader", {}).get(what, False))


def _regions(text: str, kind: str) -> Iterator[tuple[bool, str]]:
    """Each line with whether it is inside a region of a kind; the first line of a region is its marker."""
    inside = False
    for line in text.split("\n"):
        if f"### BEGIN {kind}" in line:
            if inside:
                raise ValueError(f"a cell has a second '### BEGIN {kind}' before the end of the first.")
            inside = True
            yield True, line
        elif f"### END {kind}" in line:
            inside = False
        else:
            yield inside, line
    if inside:
        raise ValueError(f"a cell has '### BEGIN {kind}' without '### END {kind}'.")


def without_hidden_tests(text: str) -> str:
    r"""A test cell as students see it.

    Examples
    --------
    >>> without_hidden_tests("a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc")
    'a\nc'
    """
    return "\n".join(line for hidden, line in _regions(text, "HIDDEN TESTS") if not hidden)


def without_solution(text: str, *, code: bool) -> str:
    r"""A solution cell with a stub in the solution's place; all of it, if no region is marked.

    Examples
    --------
    >>> print(without_solution("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION", code=True))
    def f():
        # YOUR CODE HERE
        raise NotImplementedError()
    """
    stub = CODE_STUB if code else (TEXT_STUB,)
    if "### BEGIN SOLUTION" not in text:
        return "\n".join(stub)
    lines = []
    for inside, line in _regions(text, "SOLUTION"):
        if "### BEGIN SOLUTION" in line:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + stub_line for stub_line in stub]
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def with_solution(text: str) -> str:
    """A solution cell without its markers."""
    return "\n".join(line for _, line in _regions(text, "SOLUTION") if "### BEGIN SOLUTION" not in line)


def secrets(notebook: Notebook) -> dict[str, list[str]]:
    """Lines that must not leave the source, by kind: ``"solution"``, ``"hidden test"``, ``"answer in words"``.

    Lines that say nothing by themselves (brackets, a bare ``return``) are left out.
    """
    found: dict[str, list[str]] = {"solution": [], "hidden test": [], "answer in words": []}
    for cell in notebook["cells"]:
        text = source(cell)
        if cell["cell_type"] == "markdown" and _told(cell, "solution"):
            found["answer in words"] += text.split("\n")
        elif _told(cell, "solution"):
            found["solution"] += [line for inside, line in _regions(text, "SOLUTION") if inside]
        found["hidden test"] += [line for inside, line in _regions(text, "HIDDEN TESTS") if inside]
    return {
        kind: [
            line.strip() for line in lines if len(line.strip()) > 12 and not line.strip().startswith("###")
        ]
        for kind, lines in found.items()
    }


# -- The student's notebook ---------------------------------------------------------------------


def student_version(notebook: Notebook) -> Notebook:
    """What students get: stubs for solutions, no hidden tests, no answers in words, no outputs.

    Parameters
    ----------
    notebook : dict
        The source, format 4.

    Returns
    -------
    dict
        A new notebook: the same that ``nbgrader generate_assignment`` makes, so that either can be handed in.
    """
    student = copy.deepcopy(notebook)
    for cell in student["cells"]:
        code, text = cell["cell_type"] == "code", source(cell)
        if _told(cell, "solution"):
            text = without_solution(text, code=code)
        cell["source"] = without_hidden_tests(text)
        if code:
            cell.update(outputs=[], execution_count=None)
        if _told(cell, "solution") or _told(cell, "grade"):
            _seal(cell)
    return student


def _seal(cell: Cell) -> None:
    """Keep a cell from being deleted and a check from being edited, and note nbgrader's checksum.

    By the checksum nbgrader knows an answer that nobody has touched.
    """
    told = cell["metadata"]["nbgrader"]
    locked = not told["solution"]
    cell["metadata"].update({"deletable": False} | ({"editable": False} if locked else {}))
    points = [str(float(told["points"]))] if told["grade"] else []
    text = [
        source(cell),
        cell["cell_type"],
        *map(str, (told["grade"], told["solution"], locked)),
        told["grade_id"],
    ]
    checksum = hashlib.md5("".join(text + points).encode(), usedforsecurity=False).hexdigest()
    told.update(checksum=checksum, cell_type=cell["cell_type"])


# -- The page in the book -----------------------------------------------------------------------


def for_page(text: str, *, solutions: bool = True) -> Any:
    """Read a notebook for the book; an assignment becomes its page. Named in ``_config.yml`` as ``nb_custom_formats``.

    Parameters
    ----------
    text : str
        The file's text.
    solutions : bool
        Whether the page shows the solutions, in a dropdown each.

    Returns
    -------
    nbformat.NotebookNode
    """
    import nbformat

    notebook: Notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call] # it has no types
    return page_version(notebook, solutions=solutions) if is_assignment(notebook) else notebook


def page_version(notebook: Notebook, *, solutions: bool = True) -> Notebook:
    """The assignment as a page: stubs shown, solutions executed unseen, hints and solutions in dropdowns."""
    page = copy.deepcopy(notebook)
    note = PAGE_NOTE.replace("{SOLUTIONS}", "a solution, " if solutions else "")
    cells: list[Cell] = []
    for cell in page["cells"]:
        cell["source"] = without_hidden_tests(source(cell))
        if cell["cell_type"] == "markdown" and _told(cell, "solution"):
            # Instead of the answer in words, and how it is marked:
            by_table = "| points |" in cells[-1]["source"]
            words = REPORT_NOTE if by_table else ANSWER_NOTE
            chapter = f"chapter {_chapter_of(notebook)}"
            cells.append(_markdown(f"{cell['id']}-note", with_links(words.replace("{CHAPTER}", chapter))))
        elif _told(cell, "solution"):
            cells += _page_of_stub(cell, solutions=solutions)
        elif _told(cell, "grade"):
            cell["source"] = _SCORED.sub(r"\1", cell["source"])  # marks are for the notebook
            cells.append(cell)
        else:
            if cell["cell_type"] == "markdown":
                cell["source"] = with_links(cell["source"])
            cells.append(cell)
        if len(cells) == 1:
            cells.append(_markdown(f"{cell['id']}-note", note))
    page["cells"] = cells
    return page


def with_links(text: str) -> str:
    """A text of an exercise's page whose words for other pages lead there.

    In the notebook they are words alone, since a student has the one file.

    Examples
    --------
    >>> with_links("the exercises of chapter 4")
    'the exercises of [chapter 4](04_smallest_network.ipynb)'
    """
    text = _CHAPTERS.sub(_linked_chapters, text)
    return text.replace("page *Explorers*", "page [*Explorers*](../explorers.ipynb)")


def _linked_chapters(words: re.Match[str]) -> str:
    files = {str(int(path.stem[:2])): path.name for path in sources()}
    folder = "" if words["exercises"] else "../"

    def link(text: str, number: str) -> str:
        return f"[{text}]({folder}{files[number]})" if number in files else text

    before, first, second = words["exercises"] or "", words["first"], words["second"]
    if second is None:
        return before + link(f"chapter {first}", first)
    return f"{before}chapters {link(first, first)} and {link(second, second)}"


def _chapter_of(notebook: Notebook) -> int:
    """Number of the chapter to which an assignment belongs, by its first exercise."""
    name = next(
        cell["metadata"]["nbgrader"]["grade_id"] for cell in notebook["cells"] if _told(cell, "solution")
    )
    return next(
        int(chapter.removeprefix("ch"))
        for chapter, known in exercises.catalogue().items()
        if name in {exercise.name for exercise in known}
    )


def _page_of_stub(cell: Cell, *, solutions: bool) -> list[Cell]:
    identity, text = cell["id"], cell["source"]
    exercise = exercises.find(cell["metadata"]["nbgrader"]["grade_id"])
    shown = [_code_block(without_solution(text, code=True))]
    shown += [_dropdown(f"Hint {i}", hint) for i, hint in enumerate(exercise.hints, start=1)]
    if solutions:
        solved = f"{_code_block(with_solution(text))}\n\n{exercise.explanation}"
        shown.append(_dropdown("Solution", solved, options=f":class-container: {SOLUTION_CLASS}\n"))
    cell["source"] = with_solution(text)
    cell["metadata"]["tags"] = [*cell["metadata"].get("tags", []), "remove-cell"]
    return [_markdown(f"{identity}-stub", "\n\n".join(shown)), cell]


def _code_block(code: str) -> str:
    return f"```python\n{code}\n```"


def _dropdown(title: str, text: str, *, options: str = "") -> str:
    return f"::::{{dropdown}} {title}\n{options}\n{text}\n::::"


def _markdown(identity: str, text: str) -> Cell:
    import nbformat

    cell: Cell = nbformat.v4.new_markdown_cell(text, id=identity)  # type: ignore[no-untyped-call] # as above
    return cell


# -- Gradescope, through otter-grader -----------------------------------------------------------


def otter_version(notebook: Notebook, *, name: str) -> Notebook:
    """The assignment as a master notebook for ``otter assign``, whose zip file is what Gradescope takes.

    Each part of an exercise becomes a hidden test with its share of the points, on cases that nobody has seen.
    Half marks for changing an argument, and the case by hand, have no counterpart there.

    Parameters
    ----------
    notebook : dict
        The source, format 4.
    name : str
        Of the assignment.

    Returns
    -------
    dict
    """
    cells = [_raw(f"# ASSIGNMENT CONFIG\nname: {name}\nrequirements: [fa_teach]\nexport_cell: false")]
    for cell in notebook["cells"]:
        text = source(cell)
        if _told(cell, "solution"):
            identity = cell["metadata"]["nbgrader"]["grade_id"]
            manual = _told(cell, "grade")
            points = cell["metadata"]["nbgrader"].get("points")
            config = f"name: {identity}\n" + (
                f"manual: true\npoints: {points}" if manual else "check_cell: false"
            )
            answer = _copy(cell, text.replace("### BEGIN", "# BEGIN").replace("### END", "# END"))
            cells += [
                _raw(f"# BEGIN QUESTION\n{config}"),
                _raw("# BEGIN SOLUTION"),
                answer,
                _raw("# END SOLUTION"),
            ]
            cells += [_raw("# END QUESTION")] if manual else []
        elif _told(cell, "grade"):
            cells += [_raw("# BEGIN TESTS"), *_otter_tests(cell), _raw("# END TESTS"), _raw("# END QUESTION")]
            cells.append(_copy(cell, _SCORED.sub(r"\1", without_hidden_tests(text))))
        else:
            cells.append(_copy(cell, text))
    kept = {key: notebook[key] for key in ("metadata", "nbformat", "nbformat_minor")}
    return {**kept, "cells": [{**cell, "id": f"{name}-{i}"} for i, cell in enumerate(cells)]}


def _otter_tests(cell: Cell) -> Iterator[Cell]:
    told = cell["metadata"]["nbgrader"]
    exercise = exercises.find(told["grade_id"].removesuffix("-check"))
    seed = re.findall(r"seed=(\d+)", source(cell))[0]
    total = sum(part.points for part in exercise.parts)
    output = {
        "output_type": "execute_result",
        "execution_count": 1,
        "metadata": {},
        "data": {"text/plain": "True"},
    }
    for i, part in enumerate(exercise.parts):
        points = round(told["points"] * part.points / total, 4)
        config = f'""" # BEGIN TEST CONFIG\npoints: {points}\nhidden: true\n""" # END TEST CONFIG'
        test = (
            f"from fa_teach.exercises import check\n\ncheck({exercise.name}, seed={seed}).parts[{i}].passed"
        )
        yield {**_copy(cell, f"{config}\n{test}"), "outputs": [output]}


def _copy(cell: Cell, text: str) -> Cell:
    bare = {"cell_type": cell["cell_type"], "metadata": {}, "source": text}
    return bare | ({"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {})


def _raw(text: str) -> Cell:
    return {"cell_type": "raw", "metadata": {}, "source": text}


# -- From the command line ----------------------------------------------------------------------


def read(path: Path) -> Notebook:
    """A notebook from a file, as JSON."""
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def write(notebook: Notebook, path: Path) -> None:
    """A notebook to a file, in the form in which Jupyter writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{**cell, "source": source(cell).splitlines(keepends=True)} for cell in notebook["cells"]]
    text = json.dumps({**notebook, "cells": cells}, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def sources(folder: Path = SOURCES) -> list[Path]:
    """The assignments' source notebooks; refuses a folder that has none."""
    found = sorted(folder.glob("*.ipynb"))
    if not found:
        raise FileNotFoundError(f"{folder} has no notebooks: start this in the root of the repository.")
    return found


def stage(target: Path, folder: Path = SOURCES) -> list[str]:
    """Copy each source to ``<target>/<assignment>/<assignment>.ipynb``, where nbgrader looks for it; their names.

    Raises
    ------
    ValueError
        If points that stand in more than one place differ, or if a copy was changed since it was made: it would be
        overwritten. Nothing is written then.
    """
    notebooks = {path.stem: read(path) for path in sources(folder)}
    record = target / COPIED
    copied = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    for name, notebook in notebooks.items():
        check_points(notebook, name=name)
        copy_path = target / name / f"{name}.ipynb"
        if copy_path.exists():
            said = _fingerprint(read(copy_path))
            if said not in {copied.get(name), _fingerprint(notebook)}:
                raise ValueError(
                    f"{copy_path} was changed after it had been copied from {folder / copy_path.name}, and would be "
                    "overwritten: make the change there, remove the copy, and try again."
                )
    for name, notebook in notebooks.items():
        write(notebook, target / name / f"{name}.ipynb")
    record.write_text(json.dumps({n: _fingerprint(notebook) for n, notebook in notebooks.items()}, indent=1))
    return list(notebooks)


def _fingerprint(notebook: Notebook) -> str:
    """Of what somebody may have written: text and points, not outputs."""
    told = [
        (source(cell), *(cell["metadata"].get("nbgrader", {}).get(what) for what in ("grade_id", "points")))
        for cell in notebook["cells"]
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def check_points(notebook: Notebook, *, name: str) -> None:
    """Refuse points that differ from place to place: nbgrader's, those of ``answer.score(...)``, and the header's.

    Parameters
    ----------
    notebook : dict
        The source, format 4.
    name : str
        Of the assignment, for the message.

    Raises
    ------
    ValueError
        With the cell and both numbers.
    """
    functions = words = 0.0
    for cell in notebook["cells"]:
        if not _told(cell, "grade"):
            continue
        told = cell["metadata"]["nbgrader"]
        if _told(cell, "solution"):
            words += told["points"]
            continue
        functions += told["points"]
        scored = _SCORED.match(source(cell))
        if scored is None or float(scored[2]) != told["points"]:
            last = source(cell).rpartition("\n")[2]
            raise ValueError(
                f"{name}, cell {told['grade_id']}: nbgrader gives {told['points']} points, but its last line is "
                f"{last!r}; expected 'answer.score({told['points']})'."
            )
    header = _HEADER.search(source(notebook["cells"][0]))
    if header and (float(header[1]), float(header[2])) != (functions, words):
        raise ValueError(
            f"{name}, first cell: it promises {header[1]} points for functions and {header[2]} for words, but the "
            f"cells give {functions:g} and {words:g}."
        )


def write_student_versions(target: Path, folder: Path = SOURCES) -> list[Path]:
    """Write each student's notebook into a folder, without nbgrader; one that is there already is left as it is.

    Returns
    -------
    list of Path
        What was written: a notebook that was there may hold somebody's work.
    """
    written = []
    for path in sources(folder):
        if not (target / path.name).exists():
            write(student_version(read(path)), target / path.name)
            written.append(target / path.name)
    return written


def write_otter_versions(target: Path, folder: Path = SOURCES) -> list[Path]:
    """Write each assignment as a master notebook for otter-grader into a folder."""
    written = []
    for path in sources(folder):
        write(otter_version(read(path), name=path.stem), target / path.name)
        written.append(target / path.name)
    return written


def report(course: Path) -> list[str]:
    """What an instructor should look at after autograding, in a line each.

    What was not graded, and why; changed checkers; cells that ran out of time; files that came after the grading;
    answers in words that nobody has marked.

    Raises
    ------
    FileNotFoundError
        If nothing was handed in at all.
    """
    folders = sorted(folder for folder in course.glob("submitted/*/*/") if folder.is_dir())
    if not folders:
        raise FileNotFoundError(
            f"{course / 'submitted'} holds no <student>/<assignment>: nothing was handed in."
        )
    tried, unmarked = _gradebook(course / "gradebook.db")
    lines = []
    for folder in folders:
        student, assignment = folder.parts[-2:]
        handed_in = folder / f"{assignment}.ipynb"
        graded = course / "autograded" / student / assignment / f"{assignment}.ipynb"
        begin = f"{student}, {assignment}"
        if not handed_in.exists():
            names = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
            lines.append(f"{begin}: no {assignment}.ipynb was handed in, but {names}")
        elif graded.exists():
            lines += [f"{begin}, {line}" for line in _remarkable(read(graded))]
            if _changed_since(handed_in, graded):
                lines.append(f"{begin}: handed in again since it was graded; autograde it with --force")
        elif (student, assignment) in tried:
            lines.append(f"{begin}: could not be graded; nbgrader autograde prints why")
        else:
            lines.append(f"{begin}: not graded yet; nbgrader autograde {assignment}")
    for assignment, students in sorted(unmarked.items()):
        waiting = [name for name in sorted(students) if (course / "autograded" / name / assignment).exists()]
        if waiting:
            lines.append(
                f"{assignment}: no final marks yet, answers in words to be marked: {', '.join(waiting)}"
            )
    return lines


def _gradebook(path: Path) -> tuple[set[tuple[str, str]], dict[str, list[str]]]:
    """Whose grading was begun, by student and assignment; for each assignment, whose answers in words wait."""
    tried: set[tuple[str, str]] = set()
    unmarked: dict[str, list[str]] = {}
    if not path.exists():
        return tried, unmarked
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{path.resolve()}") as book:
        for assignment in book.assignments:
            for submission in book.assignment_submissions(assignment.name):
                if (
                    submission.extension is None
                ):  # who was given more time stands here before anything was graded
                    tried.add((submission.student.id, assignment.name))
                if submission.needs_manual_grade:
                    unmarked.setdefault(assignment.name, []).append(submission.student.id)
    return tried, unmarked


def _changed_since(handed_in: Path, graded: Path) -> bool:
    """Whether an answer that was handed in is another than the graded one, or the file can no longer be read."""
    try:
        now, then = _answers(read(handed_in)), _answers(read(graded))
    except (ValueError, KeyError, TypeError):
        return True
    # What was deleted, nbgrader has put back.
    return any(then.get(name, text) != text for name, text in now.items())


def _answers(notebook: Notebook) -> dict[str, str]:
    """What stands in the cells that a student fills in, by their names."""
    cells = [cell for cell in notebook["cells"] if _told(cell, "solution")]
    return {cell["metadata"]["nbgrader"]["grade_id"]: source(cell) for cell in cells}


def _remarkable(notebook: Notebook) -> list[str]:
    told = {
        "TamperingError": "the checker was changed: ",
        "CellTimeoutError": "the time was up",
        "KeyboardInterrupt": "the time was up",
    }
    errors = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    errors = [output for output in errors if output.get("ename") in told]
    return sorted({told[error["ename"]] + error["evalue"][:200] for error in errors})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m fa_teach.assignments", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (default, text) in {
        "stage": (
            "course/source",
            "copy the sources to where nbgrader looks for them, and print their names",
        ),
        "student": (
            "build/student",
            "write the students' notebooks, without nbgrader; those that are there stay as they are",
        ),
        "otter": ("build/otter", "write master notebooks for `otter assign`"),
        "report": ("course", "say which submissions an instructor should look at after autograding"),
    }.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "folder", nargs="?", type=Path, default=Path(default), help=f"default: {default}"
        )
    options = parser.parse_args(arguments)
    try:
        lines = _run(options.command, options.folder)
    except (ValueError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _run(command: str, folder: Path) -> list[str]:
    if command == "stage":
        return stage(folder)
    if command == "student":
        return [str(path) for path in write_student_versions(folder)] or ["Nothing to write: all are there."]
    if command == "otter":
        return [str(path) for path in write_otter_versions(folder)]
    return report(folder) or ["Nothing to look at."]


if __name__ == "__main__":
    sys.exit(main())
