"""Comparing notebooks: rounded numbers to one in the last digit, everything else exactly."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import nbformat
import pytest
from rounding import alike

ROOT = Path(__file__).parents[1]

TABLE = "start      cosine    accuracy\nordinary      0.7    0.49 (0.40, 0.70)   3 of 10\n"
SAME = [
    TABLE,
    TABLE.replace("0.49", "0.48").replace("0.70", "0.69"),
    TABLE.replace("   0.7 ", "   0.8 "),
]
OTHER = [
    TABLE.replace("0.49", "0.47"),
    TABLE.replace("3 of", "4 of"),  # whole numbers count
    TABLE.replace("ordinary", "0rdinary"),
    TABLE.replace("(", "["),
    TABLE + "0.5\n",
    TABLE.replace("0.7 ", "nan "),
    TABLE.replace("0.7 ", "-0.7"),
]


@pytest.mark.parametrize("text", SAME)
def test_one_in_the_last_digit_is_rounding(text):
    assert alike(text, TABLE)
    assert alike(TABLE, text)


@pytest.mark.parametrize("text", OTHER)
def test_anything_more_is_another_result(text):
    assert not alike(text, TABLE)
    assert not alike(TABLE, text)


@pytest.mark.parametrize(
    ("new", "old", "same"),
    [
        ("1.23e-05", "1.24e-05", True),
        ("1.23e-05", "1.25e-05", False),
        ("1.23e-05", "1.23e-04", False),
        ("  -0.0 x", "   0.0 x", True),
        (" 9.9", "10.0", True),
        ("0.0999", "0.1", True),
        ("0.2", "0.0999", False),
        ("+0.1", "-0.0", True),
        ("+0.1", "-0.1", False),
        ("1.0", "1", False),
    ],
)
def test_numbers_of_all_kinds(new, old, same):
    assert alike(new, old) == same


@pytest.mark.slow
def test_nbval_compares_so(tmp_path):
    """In a notebook that was committed with other numbers: which cells pass, which fail."""
    pytest.importorskip("nbval")
    cells = []
    for new, old in (("0.69", "0.70"), ("0.68", "0.70"), ("3", "4"), ("0.5", "0.5")):
        printed = nbformat.v4.new_output("stream", name="stdout", text=f"{old}\n")
        cells.append(nbformat.v4.new_code_cell(f"print('{new}')", execution_count=1, outputs=[printed]))
        shown = nbformat.v4.new_output("execute_result", data={"text/plain": old}, execution_count=1)
        cells.append(nbformat.v4.new_code_cell(new, execution_count=1, outputs=[shown]))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "a.ipynb")
    # Counted in the report for machines: what the terminal says depends on where it runs.
    options = ["--nbval", "-q", "-p", "no:cacheprovider", f"--rootdir={ROOT}", "-c", "pyproject.toml"]
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.rounding", *options),
            *(f"--junitxml={tmp_path / 'report.xml'}", str(tmp_path / "a.ipynb")),
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    report = ET.parse(tmp_path / "report.xml")
    failed = [[failure.text for failure in case.iter("failure")] for case in report.iter("testcase")]
    assert [len(messages) for messages in failed] == [0, 0, 1, 1, 1, 1, 0, 0]
    assert all("Cell outputs differ" in message for messages in failed for message in messages)
