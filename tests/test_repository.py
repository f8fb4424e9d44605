"""What the README and the build promise about the repository as a whole."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement  # a dependency of pytest

import fa_teach

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*arguments):
    """Run Python as a reader does: with compiled modules kept from one run to the next."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True, env=environment
    ).stdout


def test_import_is_fast():
    """A student's first line answers at once: fa_teach adds under 60 ms to NumPy's own import."""
    code = (
        "import time, numpy; start = time.process_time(); import fa_teach; print(time.process_time() - start)"
    )
    fastest = min(float(run("-c", code)) for _ in range(7))  # of processor time: load can only add
    assert fastest < 0.060, f"import fa_teach takes {1000 * fastest:.0f} ms more than import numpy"


def test_import_loads_numpy_alone():
    """Plotting and widgets are loaded when they are used, so that the library also runs where they are missing."""
    code = "import sys, numpy.random; before = set(sys.modules); import fa_teach; print(*(set(sys.modules) - before))"
    loaded = {name.partition(".")[0] for name in run("-c", code).split()}
    foreign = sorted(loaded - set(sys.stdlib_module_names) - {"fa_teach", "numpy"})
    assert not foreign, f"import fa_teach also imports {foreign}"


def test_version_is_told_once():
    """What pip lists, what the package says and what a citation names are the same version."""
    assert metadata.version("fa_teach") == fa_teach.__version__, (
        "installed from another version: run make again"
    )
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {fa_teach.__version__}\n" in citation


def test_pinned_set_is_exact_and_satisfies_the_ranges():
    """A pin outside the declared range would make the tested set another one than the installed."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._]+", pin) for pin in pins), "only name==version"
    pinned = {re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower(): pin.partition("==")[2] for pin in pins}
    declared = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    for requirement in map(Requirement, declared):
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert name in pinned, f"{requirement.name} is not pinned in constraints.txt"
        assert requirement.specifier.contains(pinned[name], prereleases=True), f"{name}=={pinned[name]}"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_readme_names_only_targets_that_exist():
    """A newcomer types what the README says."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|^\s*)make ([a-z]+)", text, re.MULTILINE))
        assert named <= targets, f"{document} names {sorted(named - targets)}, which the Makefile lacks"


def test_every_page_is_in_the_table_of_contents():
    """A chapter that the table of contents leaves out is built by nobody, and nobody notices."""
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"(?:file|root): (\S+)", toc))
    pages = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for pattern in ("*.md", "*.ipynb", "exercises/*.ipynb")
        for path in (ROOT / "book").glob(pattern)
    }
    assert pages == listed


def test_clean_leaves_the_work_of_a_class():
    """What was handed in, and the marks, cannot be built again; and nothing of it may be committed."""
    (course,) = re.findall(
        r'^course = "(.*?)"', (ROOT / "nbgrader_config.py").read_text("utf-8"), re.MULTILINE
    )
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    removed = re.search(r"^clean:.*\n((?:\t.*\n?)+)", makefile, re.MULTILINE)[1].split()
    assert "build" in removed
    assert Path(course).parts[0] not in removed
    assert f"/{course}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for path in ("Makefile", "book/instructors.md", "fa_teach/assignments.py"):
        text = (ROOT / path).read_text(encoding="utf-8")
        assert f"{course}/source" in text, f"{path} names another folder"
        assert f"build/{course}" not in text, path


def test_extras_are_shown_so_that_any_shell_takes_them():
    """In the command prompt of Windows a single quote is a part of the name."""
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "book").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"install [^\n]*(?<!\")\.\[\w", text), path.name


def test_citation_names_the_paper_as_the_book_does():
    """The paper that is cited for its claims has the title, the authors and the address of the bibliography."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    book = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert citation["title"] == book["title"]
    (paper,) = citation["references"]
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    entry = re.search(r"@article\{chu2024random,(.*?)\n\}", bibliography, re.DOTALL)[1]
    told = dict(re.findall(r"(\w+)\s*=\s*\{(.*?)\},?$", entry, re.MULTILINE))
    names = " and ".join(f"{who['family-names']}, {who['given-names']}" for who in paper["authors"])
    assert (paper["title"], names) == (told["title"], told["author"])
    for ours, theirs in {
        "volume": "volume",
        "issue": "number",
        "start": "pages",
        "year": "year",
        "doi": "doi",
    }.items():
        assert str(paper[ours]) == told[theirs], ours
    assert paper["identifiers"] == [{"type": "other", "value": f"arXiv:{told['eprint']}"}]
