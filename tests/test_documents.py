"""The code shown in the documents runs, and prints what is shown."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fa_teach

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


def test_public_functions_say_what_they_take_return_and_raise():
    """Of the names that `import fa_teach` offers: numpydoc's sections, an example among them."""
    for name in fa_teach.__all__:
        thing = getattr(fa_teach, name)
        if inspect.isfunction(thing):
            wanted = ["Returns", "Raises", "Examples"]
            if inspect.signature(thing).parameters:
                wanted.insert(0, "Parameters")
        elif inspect.isclass(thing) and not issubclass(thing, Warning):
            wanted = ["Attributes"]
        else:
            continue
        missing = [section for section in wanted if f"\n{section}\n---" not in inspect.getdoc(thing)]
        assert not missing, f"{name} lacks {missing}"
