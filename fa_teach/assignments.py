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
_SCORED = re.compile(r"^answer = (.+)\nanswer\.score\([\d.]+\)$", re.DOTALL)

_CHAPTERS = re.compile(r"(?P<exercises>exercises of )?\bchapters? (?P<first>\d+)(?: and (?P<second>\d+))?\b")

PAGE_NOTE = """\
:::{note}
{student-notebook}`Download the notebook` to work on these exercises: it needs the library and
nothing else (see [](../run.md)).
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
    """The assignments' source notebooks."""
    return sorted(folder.glob("*.ipynb"))


def stage(target: Path, folder: Path = SOURCES) -> list[str]:
    """Copy each source to ``<target>/<assignment>/<assignment>.ipynb``, where nbgrader looks for it; their names."""
    for path in sources(folder):
        write(read(path), target / path.stem / path.name)
    return [path.stem for path in sources(folder)]


def write_student_versions(target: Path, folder: Path = SOURCES) -> list[Path]:
    """Write each student's notebook into a folder, without nbgrader."""
    written = []
    for path in sources(folder):
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

    Changed checkers, submissions without the expected notebook, cells that ran out of time.
    """
    lines = []
    for folder in sorted(course.glob("submitted/*/*/")):
        student, assignment = folder.parts[-2:]
        graded = course / "autograded" / student / assignment / f"{assignment}.ipynb"
        if not (folder / f"{assignment}.ipynb").exists():
            names = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
            lines.append(f"{student}, {assignment}: no {assignment}.ipynb was handed in, but {names}")
        elif not graded.exists():
            lines.append(f"{student}, {assignment}: could not be graded; see nbgrader's log")
        else:
            lines += [f"{student}, {assignment}, {line}" for line in _remarkable(read(graded))]
    return lines


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
            "build/course/source",
            "copy the sources to where nbgrader looks for them, and print their names",
        ),
        "student": ("build/student", "write the students' notebooks, without nbgrader"),
        "otter": ("build/otter", "write master notebooks for `otter assign`"),
        "report": ("build/course", "say which submissions an instructor should look at after autograding"),
    }.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "folder", nargs="?", type=Path, default=Path(default), help=f"default: {default}"
        )
    options = parser.parse_args(arguments)
    if options.command == "stage":
        lines = stage(options.folder)
    elif options.command == "student":
        lines = [str(path) for path in write_student_versions(options.folder)]
    elif options.command == "otter":
        lines = [str(path) for path in write_otter_versions(options.folder)]
    else:
        lines = report(options.folder) or ["Nothing to look at."]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
