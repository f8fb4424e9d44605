"""The committed notebooks are what readers on a code host see, and what nbval compares: their form is checked here."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted([*(ROOT / "book").glob("*.ipynb"), *(ROOT / "book" / "exercises").glob("*.ipynb")])
FILE_NAME = re.compile(r"^\S+\.(png|svg|jpe?g|webp|gif|ipynb)$", re.IGNORECASE)
LONGEST_CELL = 45  # lines: what a reader sees at once
LARGEST = 3_000_000  # bytes of a committed notebook

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def code_cells(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(number, cell) for number, cell in enumerate(cells) if cell["cell_type"] == "code"]


def start(cell):
    return "".join(cell["source"]).strip().split("\n")[0][:70]


def images(cell):
    return [
        mime
        for output in cell["outputs"]
        for mime in output.get("data", {})
        if mime.startswith("image/") or mime == "application/vnd.fa_teach.explorer"
    ]


def test_every_cell_was_executed_in_order(path):
    """nbval compares nothing where the execution count is missing: a stripped notebook would pass unseen."""
    counts = [cell["execution_count"] for _, cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1)), (
        f"{path.name}: execution counts {counts}; run `make notebooks NOTEBOOKS={path.relative_to(ROOT).as_posix()}`"
    )


def test_no_cell_warns_or_fails(path):
    """What goes to stderr or raises is a defect that a reader would see on the page."""
    for number, cell in code_cells(path):
        for output in cell["outputs"]:
            text = "".join(output.get("text", output.get("traceback", [])))
            assert output["output_type"] != "error", f"{path.name}, cell {number} raises: {text[-500:]}"
            assert output.get("name") != "stderr", f"{path.name}, cell {number} warns: {text[-500:]}"


def test_nothing_of_the_machine_is_kept(path):
    """Widget states, versions and times make differences in git that nobody made."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    allowed = {"kernelspec", "language_info", "mystnb", "myst"}
    extra = set(notebook["metadata"]) - allowed
    assert not extra, f"{path.name}: metadata {sorted(extra)} should be stripped"
    assert "version" not in notebook["metadata"].get("language_info", {}), (
        f"{path.name}: Python's version is kept"
    )
    kept = {"mystnb", "tags", "nbgrader", "deletable", "editable"}
    for number, cell in enumerate(notebook["cells"]):
        extra = set(cell["metadata"]) - kept
        assert not extra, f"{path.name}, cell {number}: metadata {sorted(extra)} should be stripped"
    assert path.stat().st_size < LARGEST, f"{path.name} has {path.stat().st_size / 1e6:.1f} MB"


def test_every_figure_has_alternative_text(path):
    """Without it, myst-nb writes the file's name, which a screen reader then reads out."""
    for number, cell in code_cells(path):
        if images(cell):
            settings = cell["metadata"].get("mystnb", {})
            alt = settings.get("image", {}).get("alt", "").strip()
            where = f"{path.name}, cell {number} ({start(cell)!r})"
            assert alt, f"{where} shows a figure without cell metadata mystnb: image: alt"
            assert len(alt) > 20, f"{where}: alternative text {alt!r} says too little"
            assert not FILE_NAME.match(alt), f"{where}: alternative text {alt!r} is a file name"
            assert settings.get("figure", {}).get("caption", "").strip(), (
                f"{where} shows a figure without a caption (mystnb: figure: caption)"
            )


def test_cells_fit_a_screen(path):
    for number, cell in code_cells(path):
        lines = len("".join(cell["source"]).splitlines())
        assert lines <= LONGEST_CELL, (
            f"{path.name}, cell {number} ({start(cell)!r}) has {lines} lines, at most {LONGEST_CELL} fit a screen"
        )


def test_a_semicolon_does_not_hide_an_output(path):
    """nbval compares what is shown; a trailing semicolon makes the two disagree. Write `_ = ax.plot(...)`."""
    for number, cell in code_cells(path):
        source = "".join(cell["source"]).rstrip()
        assert not source.endswith(";"), f"{path.name}, cell {number} ends in a semicolon"
