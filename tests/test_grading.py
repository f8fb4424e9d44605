"""A class of thirty hands in: good, wrong and hostile notebooks are graded without losing one.

nbgrader runs as an instructor runs it, from the command line, in a course of its own.
"""

import csv
import importlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fa_teach import assignments, exercises

pytest.importorskip(
    "nbgrader", reason='nbgrader is not installed: `pip install ".[grading]"`, or `make assignments` once'
)
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))
NAME = "01_blame"
POINTS = {"forward_pass": 2, "output_error": 2, "hidden_error": 3, "weight_gradient": 2, "nudged_gradient": 3}
FULL = sum(POINTS.values())
STYLES = importlib.import_module("exercise_answers.ch01").RIGHT
SOURCE = ROOT / "book" / "exercises" / f"{NAME}.ipynb"


# -- What is handed in --------------------------------------------------------------------------


def released():
    return assignments.student_version(assignments.read(SOURCE))


def code_cell(text, identity):
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": identity,
        "metadata": {},
        "outputs": [],
        "source": text,
    }


def fill(notebook, answers):
    """Write answers into the stubs, each a text or a function under its own name."""
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell["source"] = answers[name]
    return notebook


def solved(**changed):
    """All right, but for the answers that are given."""
    answers = {
        name: assignments.with_solution(assignments.source(cell))
        for cell in assignments.read(SOURCE)["cells"]
        if (name := cell["metadata"].get("nbgrader", {}).get("grade_id")) in POINTS
    }
    return fill(released(), answers | changed)


def styled(number):
    """Right answers as the tests have them, in other styles than the solution's."""
    file = (ROOT / "tests" / "exercise_answers" / "ch01.py").read_text(encoding="utf-8")
    chosen = {name: answers[number % len(answers)].__name__ for name, answers in STYLES.items()}
    return solved(
        **{
            name: f"{file}\n\n{name} = {function}\n{name}.__name__ = '{name}'"
            for name, function in chosen.items()
        }
    )


def misled(name, number):
    """One misconception; the marks it should earn are those of `check`."""
    misconception = exercises.find(name).misconceptions[number]
    code = (
        f"from fa_teach.exercises import find\n\n\ndef {name}(*args):\n"
        f"    return find('{name}').misconceptions[{number}].code(*args)"
    )
    lost = POINTS[name] * (1 - exercises.check(misconception.code, name=name).share)
    return solved(**{name: code}), FULL - round(lost, 2)


def opened_with(text):
    """All right, with a cell of the student's own at the beginning."""
    notebook = solved()
    notebook["cells"].insert(2, code_cell(text, "own"))
    return notebook


def without(test):
    notebook = solved()
    notebook["cells"] = [cell for cell in notebook["cells"] if not test(cell)]
    return notebook


def is_check(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade", False)


def edited_checks():
    notebook = solved(weight_gradient="def weight_gradient(delta, h):\n    return 0")
    for cell in notebook["cells"]:
        if is_check(cell) and cell["cell_type"] == "code":
            cell["source"] = "99.0"
    return notebook


LOUD = """
def nudged_gradient(loss, W, eps):
    print("x" * 10_000_000)
    g = np.zeros(W.shape)
    for place in np.ndindex(*W.shape):
        nudge = np.zeros(W.shape)
        nudge[place] = eps
        g[place] = (loss(W + nudge) - loss(W - nudge)) / (2 * eps)
    return g
"""
FAKE = """
class Fake:
    right, share = True, 1.0

    def score(self, points):
        return float(points)
"""
PATCH = "\nimport fa_teach.exercises as e\n"


def submissions():
    """Notebook (or bytes) and expected marks of each student; None where anything may come out, but for full marks."""
    zero = "def {name}(*args):\n    {body}"

    def broken(body, name="weight_gradient"):
        return solved(**{name: zero.format(name=name, body=body)})

    minus = FULL - POINTS["weight_gradient"]
    return {
        **{f"good{i}": (styled(i), FULL) for i in range(5)},
        "untouched": (released(), 0),
        **{f"wrong{i}": misled(name, 0) for i, name in enumerate(POINTS)},
        **{f"misled{i}": misled(name, 2) for i, name in enumerate(POINTS)},
        "endless-function": (broken("while True:\n        pass"), minus),
        "endless-cell": (opened_with("while True:\n    pass"), FULL),
        "deleted-checks": (without(is_check), FULL),
        "deleted-answer": (
            without(lambda c: c["metadata"].get("nbgrader", {}).get("grade_id") == "weight_gradient"),
            minus,
        ),
        "edited-checks": (edited_checks(), minus),
        "shadowed-check": (
            fill(
                opened_with(f"{FAKE}\ncheck = lambda f: Fake()"),
                {"weight_gradient": "def weight_gradient(delta, h):\n    return 0"},
            ),
            minus,
        ),
        "patched-check": (opened_with(f"{FAKE}{PATCH}e.check = lambda f, **how: Fake()"), 0),
        "patched-score": (opened_with(f"{PATCH}e.Answer.score = lambda self, points: 10.0 * points"), 0),
        "patched-engine": (opened_with(f"{PATCH}e._engine._remark = lambda *args: None"), 0),
        "exit-in-function": (broken("import sys; sys.exit()"), minus),
        "exit-in-cell": (opened_with("import sys\n\nsys.exit()"), FULL),
        "kernel-killed": (opened_with("import os\n\nos._exit(1)"), 0),
        "loud-function": (solved(nudged_gradient=LOUD), FULL),
        "in-words": (fill(solved(), {"blame-in-words": "Because of the transposed weights."}), FULL),
        "loud-cell": (opened_with("print('x' * 10_000_000)"), FULL),
        "syntax-error": (solved(weight_gradient="def weight_gradient(delta, h)\n    return 0"), minus),
        "missing-package": (
            solved(
                weight_gradient="import no_such_package\n\n\ndef weight_gradient(delta, h):\n    return 0"
            ),
            minus,
        ),
        "stderr": (opened_with("import sys\n\nprint('hello', file=sys.stderr)"), FULL),
        "no-notebook": (b"this is no notebook", 0),
        "wrong-name": (solved(), 0),
    }


# -- The course ---------------------------------------------------------------------------------


def run(course, *arguments):
    bin_folder = str(Path(sys.executable).parent)  # nbgrader calls alembic by its name
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": os.pathsep.join([bin_folder, os.environ["PATH"]]), "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Everything is handed in, autograded and exported, once."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    build = folder / "course"
    assignments.stage(build / "source", ROOT / "book" / "exercises")
    generated = run(folder, "nbgrader", "generate_assignment", NAME, "--force")
    assert generated.returncode == 0, generated.stderr
    for student, (notebook, _) in submissions().items():
        place = build / "submitted" / student / NAME
        place.mkdir(parents=True)
        file = place / ("my homework.ipynb" if student == "wrong-name" else f"{NAME}.ipynb")
        if isinstance(notebook, bytes):
            file.write_bytes(notebook)
        else:
            assignments.write(notebook, file)
    graded = run(folder, "nbgrader", "autograde", NAME, "--Execute.timeout=8")
    (folder / "autograde.log").write_text(graded.stderr)
    feedback = run(folder, "nbgrader", "generate_feedback", NAME, "--student=good0")
    assert feedback.returncode == 0, feedback.stderr
    exported = run(folder, "nbgrader", "export", "--to=course/grades.csv")
    assert exported.returncode == 0, exported.stderr
    return build


@pytest.fixture(scope="module")
def marks(course):
    with (course / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["raw_score"] or "nan") for row in csv.DictReader(file)}


def test_a_whole_class_hands_in():
    assert len(submissions()) >= 30


def test_export_has_a_row_for_each_student(marks):
    assert set(marks) == set(submissions())


@pytest.mark.parametrize("student", submissions())
def test_marks(student, marks):
    """Full marks for what is right, in any company; nothing for what is not."""
    assert marks[student] == pytest.approx(submissions()[student][1])


def test_report_names_whom_to_look_at(course):
    """A changed checker, a missing notebook, a dead kernel: somebody has to look."""
    *lines, last = assignments.report(course)
    named = {line.split(",")[0] for line in lines}
    assert named == {
        "patched-check",
        "patched-score",
        "patched-engine",
        "endless-cell",
        "endless-function",
        "kernel-killed",
        "no-notebook",
        "wrong-name",
    }, "\n".join(lines)
    assert f"kernel-killed, {NAME}: could not be graded; nbgrader autograde prints why" in lines
    assert f"wrong-name, {NAME}: no {NAME}.ipynb was handed in, but my homework.ipynb" in lines
    waiting = "deleted-checks, in-words"
    assert last == f"{NAME}: no final marks yet, answers in words to be marked: {waiting}"


def test_report_tells_what_came_later_and_what_was_marked(course, tmp_path):
    """Nobody is passed over in silence: not graded yet, handed in again; and a mark that was given is final."""
    shutil.copytree(course / "submitted", tmp_path / "submitted")
    shutil.copytree(course / "autograded", tmp_path / "autograded")
    shutil.copy(course / "gradebook.db", tmp_path)
    before = assignments.report(tmp_path)
    assert before == assignments.report(course)
    assignments.write(solved(), tmp_path / "submitted" / "7654321" / NAME / f"{NAME}.ipynb")
    assignments.write(solved(), tmp_path / "submitted" / "wrong0" / NAME / f"{NAME}.ipynb")
    (tmp_path / "submitted" / "wrong1" / NAME / f"{NAME}.ipynb").write_text("broken", encoding="utf-8")
    assert set(assignments.report(tmp_path)) - set(before) == {
        f"7654321, {NAME}: not graded yet; nbgrader autograde {NAME}",
        f"wrong0, {NAME}: handed in again since it was graded; autograde it with --force",
        f"wrong1, {NAME}: handed in again since it was graded; autograde it with --force",
    }
    book = sqlite3.connect(tmp_path / "gradebook.db")
    book.execute("update grade set manual_score = 3, needs_manual_grade = 0")
    book.commit()
    book.close()
    assert not [line for line in assignments.report(tmp_path) if "to be marked" in line]


def test_release_is_the_student_version_of_the_book(course, tmp_path):
    """What the book offers for download and what nbgrader hands out are the same, down to the checksums."""
    assignments.write(released(), tmp_path / "download.ipynb")
    assert assignments.read(tmp_path / "download.ipynb") == assignments.read(
        course / "release" / NAME / f"{NAME}.ipynb"
    )


def test_question_in_words_waits_for_a_person(course):
    """Who has written nothing is marked by the machine; who could not be graded waits for a person, too."""
    query = """select student_id from grade
        join submitted_notebook on grade.notebook_id = submitted_notebook.id
        join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
        join base_cell on grade.cell_id = base_cell.id
        where base_cell.name = 'blame-in-words' and needs_manual_grade = 1"""
    with sqlite3.connect(course / "gradebook.db") as book:
        waiting = {student for (student,) in book.execute(query)}
    assert waiting == {"in-words", "deleted-checks", "kernel-killed", "no-notebook", "wrong-name"}


def test_feedback_is_written(course):
    page = course / "feedback" / "good0" / NAME / f"{NAME}.html"
    assert "forward_pass" in page.read_text(encoding="utf-8")
