"""What nbval compares, and with what: in a notebook that was committed with other numbers, which cells fail."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("nbval")
nbformat = pytest.importorskip("nbformat")
jupyter_cache = pytest.importorskip("jupyter_cache")
execution = pytest.importorskip("fa_teach.execution")

ROOT = Path(__file__).parents[1]
CELLS = [  # code, what was committed, whether that differs from what a kernel computes
    ("print('0.69')", "0.70", False),  # but for rounding
    ("0.69", "0.70", False),
    ("print('0.68')", "0.70", True),
    ("0.68", "0.70", True),
    ("print('3')", "4", True),
    ("3", "4", True),
    ("print('0.5')", "0.5", False),
    ("0.5", "0.5", False),
]
CODES, COMMITTED, COMPUTED = map(list, zip(*CELLS, strict=True))


def notebook(codes, printed):
    """With what each cell printed or, if its code is a number alone, shows."""
    cells = []
    for code, text in zip(codes, printed, strict=True):
        if code.startswith("print"):
            output = nbformat.v4.new_output("stream", name="stdout", text=f"{text}\n")
        else:
            output = nbformat.v4.new_output("execute_result", data={"text/plain": text}, execution_count=1)
        cells.append(nbformat.v4.new_code_cell(code, execution_count=1, outputs=[output]))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def differ(folder, *options):
    """For each notebook and cell, whether nbval finds a difference. Its report for machines is the same everywhere."""
    report = folder / "report.xml"
    own = ["-q", "-p", "no:cacheprovider", f"--rootdir={ROOT}", f"--junitxml={report}"]
    plugins = ["-p", "tests.rounding", "-p", "tests.as_built", "--nbval"]
    paths = sorted(map(str, folder.glob("*.ipynb")))
    command = [sys.executable, "-m", "pytest", *own, *plugins, *options, *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout + done.stderr
    found = []
    for case in ET.parse(report).iter("testcase"):
        assert case.find("error") is None, done.stdout
        messages = [failure.text for failure in case.iter("failure")]
        assert all("Cell outputs differ" in message for message in messages), messages
        found.append(bool(messages))
    return [found[i : i + len(CODES)] for i in range(0, len(found), len(CODES))]


def keep(folder, path, printed):
    """What the book's build would have kept, had the notebook printed this."""
    cache = jupyter_cache.get_cache(folder / ".jupyter_cache")
    executed = jupyter_cache.base.CacheBundleIn(notebook(CODES, printed), str(path))
    cache.cache_notebook_bundle(executed, check_validity=False, overwrite=True)


@pytest.mark.slow
def test_cells_that_print_other_numbers_fail(tmp_path):
    """By a kernel, or by what the build kept of this very notebook, computed by this very library."""
    nbformat.write(notebook(CODES, COMMITTED), tmp_path / "kept.ipynb")
    nbformat.write(notebook([*CODES[:-1], "0.50"], COMMITTED), tmp_path / "new.ipynb")
    built = tmp_path / "_build"
    keep(built, tmp_path / "kept.ipynb", ["0.5", *COMMITTED[1:]])
    (built / ".fa_teach").write_text("another library")
    assert differ(tmp_path, f"--as-built={built}") == [COMPUTED, COMPUTED]
    (built / ".fa_teach").write_text(execution.fingerprint())
    assert differ(tmp_path, f"--as-built={built}") == [[True] + [False] * 7, COMPUTED]
