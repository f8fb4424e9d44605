"""The code shown in the documents runs, and prints what is shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_example_prints_what_is_shown(document):
    """A newcomer's first lines give the numbers that they were promised."""
    text = (ROOT / document).read_text(encoding="utf-8")
    pairs = re.findall(r"```python\n(.*?)```\s+```text\n(.*?)```", text, re.DOTALL)
    assert pairs, f"{document} shows no example with its output"
    for code, shown in pairs:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "TQDM_DISABLE": "1"},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == shown
