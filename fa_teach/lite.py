"""The notebooks in the reader's own browser: a JupyterLite site beside the pages, with Python in WebAssembly.

While the book is built, the library becomes a wheel, each page's notebook a copy that installs it in its first cell,
and JupyterLite puts both into ``lite/`` beside the pages. Nothing is fetched then: the few wheels that Pyodide lacks
are fetched once, by ``python -m fa_teach.lite``, when the environment is set up.

Pyodide itself comes from its public network (`CDN`), or from a folder or an archive that the environment variable
``PYODIDE`` names; then the built site runs without any other host. ``LITE=0`` leaves all of it out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Collection, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from fa_teach.assignments import Cell, Notebook, source, write

PYODIDE = "0.27.7"  # what jupyterlite-pyodide-kernel 0.6 runs on; Python 3.12, NumPy 2.0, matplotlib 3.8
CDN = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"
WHEELS = Path(sys.prefix, "share", "fa_teach", "wheels")
LACKING = (  # what fa_teach needs and Pyodide does not have
    "anywidget",
    "comm",
    "ipywidgets",
    "jupyterlab_widgets",
    "psygnal",
    "tqdm",
    "typing_extensions",
)
EXTENSIONS = ("@jupyterlite/pyodide-kernel-extension", "@jupyter-widgets/jupyterlab-manager", "anywidget")
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
CORE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
LOADED = (
    "micropip",
    "ssl",
    "sqlite3",
    "jedi",
    "ipython",
    "numpy",
    "matplotlib",
)  # by the kernel, by fa_teach

INSTALL = "%pip install -q fa_teach"


def wanted() -> bool:
    """Whether the site is to be built: ``LITE=0`` in the environment says no."""
    return os.environ.get("LITE", "1").strip().lower() not in {"0", "no", "false", "off"}


# -- What is needed -----------------------------------------------------------------------------


def missing_wheels(folder: Path = WHEELS) -> list[str]:
    """Requirements of the wheels that are to be served and not yet there, at the versions installed here."""
    return [
        f"{name}=={metadata.version(name)}"
        for name in LACKING
        if not list(folder.glob(f"{name}-{metadata.version(name)}-*.whl"))
    ]


def fetch_wheels(folder: Path = WHEELS) -> None:
    """Download the wheels that are missing; the only step that needs a network."""
    missing = missing_wheels(folder)
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        anywhere = ["--only-binary=:all:", "--implementation=py", "--abi=none", "--platform=any"]
        command = ["download", "--quiet", "--no-deps", *anywhere, "--python-version=3.12"]
        pip = [sys.executable, "-m", "pip", *command, f"--dest={folder}", *missing]
        subprocess.run(pip, check=True)  # noqa: S603 # names and versions are those installed here


def unpacked(path: Path, cache: Path) -> Path:
    """Return the folder of a Pyodide distribution; an archive is unpacked into the cache, once.

    Raises
    ------
    ValueError
        If there is no Pyodide at this path, or another version.
    """
    folder = path
    if path.is_file():
        folder = cache / path.name.partition(".tar")[0] / "pyodide"
        if not (folder / "pyodide-lock.json").exists():
            with tarfile.open(path) as archive:
                archive.extractall(folder.parent, filter="data")
    lock = folder / "pyodide-lock.json"
    if not lock.exists():
        raise ValueError(f"PYODIDE must be a folder or an archive of Pyodide {PYODIDE}; got {path}.")
    version = json.loads(lock.read_text(encoding="utf-8"))["info"]["version"]
    if version != PYODIDE:
        raise ValueError(f"PYODIDE must be version {PYODIDE}, which the kernel runs on; got {version}.")
    return folder


def needed_files(lock: Mapping[str, Any], roots: Iterable[str] = LOADED) -> list[str]:
    """Files of a Pyodide distribution that these chapters load: its core, some packages, and what those need.

    Examples
    --------
    >>> packages = {"a": {"file_name": "a.whl", "depends": ["B_c"]}, "b-c": {"file_name": "b.whl", "depends": []}}
    >>> needed_files({"packages": packages}, ["a"])[len(CORE) :]
    ['a.whl', 'b.whl']
    """
    packages, todo, found = lock["packages"], list(roots), dict.fromkeys(CORE)
    while todo:
        package = packages[re.sub(r"[-_.]+", "-", todo.pop()).lower()]
        if package["file_name"] not in found:
            found[package["file_name"]] = None
            todo += package["depends"]
    return list(found)


# -- The notebooks ------------------------------------------------------------------------------


def without_outputs(notebook: Notebook) -> Notebook:
    """A copy in which nothing has run yet, with a first cell that installs the library."""
    install = {"cell_type": "code", "id": "install-fa-teach", "metadata": {}, "source": INSTALL}
    cells: list[Cell] = [install, *notebook["cells"]]
    fresh: Cell = {"outputs": [], "execution_count": None}
    return {**notebook, "cells": [cell | fresh if cell["cell_type"] == "code" else cell for cell in cells]}


SMALLER = (
    "Python in the browser computes about ten times more slowly than Python on its own. So this copy is smaller than "
    "the chapter: lines that end in `# in the book: …` have fewer seeds or steps. The text speaks of the book's "
    "numbers. To see them here, put the book's values back, and wait."
)
_SMALLER = re.compile(r'^(\s*(?:[\w, ]+ = |\w+=|"\w+": ))(.+?)(,?)  # in the browser: (.+)$', re.MULTILINE)


def smaller(code: str) -> str:
    """Code as it runs in the browser: with the values that comments keep ready for it.

    Examples
    --------
    >>> print(smaller("seeds = range(10)  # in the browser: range(3)"))
    seeds = range(3)  # in the book: range(10)
    >>> print(smaller("    steps=8000,  # in the browser: 2000"))
        steps=2000,  # in the book: 8000
    """
    return _SMALLER.sub(r"\1\4\3  # in the book: \2", code)


def for_browser(notebook: Notebook) -> Notebook:
    """A copy whose experiments are smaller where the chapter says so, with a sentence about it above."""
    cells: list[Cell] = [
        {**cell, "source": smaller(source(cell))} if cell["cell_type"] == "code" else cell
        for cell in notebook["cells"]
    ]
    if [source(cell) for cell in cells] == [source(cell) for cell in notebook["cells"]]:
        return notebook
    note: Cell = {"cell_type": "markdown", "id": "smaller-here", "metadata": {}, "source": SMALLER}
    return {**notebook, "cells": [cells[0], note, *cells[1:]]}


_OPEN = re.compile(r"^(:{3,})\{([\w:]+)\}\s*(.*)$")
_BOX = {"prediction": "warning", "learned": "success", "limits": "danger"}


def plain_markdown(text: str, titles: Mapping[str, str], sources: Mapping[str, str]) -> str:
    r"""Turn the book's Markdown into what every Jupyter shows: no directives, no roles, links that lead somewhere.

    Parameters
    ----------
    text : str
        Of one cell.
    titles : mapping
        What a reference to a label says.
    sources : mapping
        What a citation says, by its key.

    Examples
    --------
    >>> said = {"thm-end": "theorem “The end”", "eq-flow": "2"}
    >>> print(plain_markdown("By {prf:ref}`thm-end` and {eq}`eq-flow`.", said, {}))
    By theorem “The end” and (2).
    >>> print(plain_markdown(":::{dropdown} Answers\n1. No.\n:::", {}, {}))
    <details><summary>Answers</summary>
    <BLANKLINE>
    1. No.
    <BLANKLINE>
    </details>
    """
    lines: list[str] = []
    closing: list[str] = []
    pending: tuple[str, str] | None = None  # a directive of which only the first line was read
    options: dict[str, str] = {}
    for line in text.split("\n"):
        option = re.match(r"^:([\w-]+):\s*(.*)$", line)
        if pending and option:
            options[option[1]] = option[2]
            continue
        if pending:
            start, end = _box(*pending, options)
            lines += [*start, ""]
            closing.append(end)
            pending, options = None, {}
        opened = _OPEN.match(line)
        if opened:
            pending = (opened[2], opened[3])
        elif re.match(r"^:{3,}\s*$", line) and closing:
            lines += ["", closing.pop()]
        else:
            lines.append(line)
    plain = re.sub(
        r"\n*\$\$ \((eq-[\w-]+)\)",
        lambda found: f"\n\\tag{{{titles.get(found[1], found[1])}}}\n$$",
        "\n".join(lines),
    )
    plain = re.sub(r"\{([\w:]+)\}`([^`]*)`", lambda role: _say(role[1], role[2], titles, sources), plain)
    return re.sub(r"\[([^\]]*)\]\((?!http)[\w/]*\.md[^)]*\)", r"\1", plain)


def _box(kind: str, title: str, options: Mapping[str, str]) -> tuple[list[str], str]:
    if kind == "dropdown":
        return [f"<details><summary>{title}</summary>"], "</details>"
    if kind == "prf:proof":
        return ["*Proof.*"], ""
    if kind.startswith("prf:"):
        name = kind.removeprefix("prf:").capitalize()
        return ['<div class="alert alert-info">', "", f"**{name}** ({title})."], "</div>"
    colour = _BOX.get(options.get("class", ""), "info")
    return [f'<div class="alert alert-{colour}">', "", f"**{title}**"], "</div>"


def _say(role: str, text: str, titles: Mapping[str, str], sources: Mapping[str, str]) -> str:
    if role in {"cite", "cite:p", "cite:t"}:
        said = [sources.get(key.strip(), key.strip()) for key in text.split(",")]
        if role == "cite:t":
            return ", ".join(re.sub(r", (\S+)$", r" (\1)", one) for one in said)
        return f"({'; '.join(said)})"
    if role == "eq":
        return f"({titles.get(text, text)})"
    if role in {"prf:ref", "numref"}:
        return titles.get(text, text)
    return re.sub(r"^(.*?)\s*<.*>$", r"\1", text).removeprefix("~")


def label_titles(notebooks: Mapping[str, Notebook]) -> dict[str, str]:
    """What a reference to a result, a figure or an equation says, by its label; notebooks by their paths.

    Numbers are those of the book: figures by chapter, equations by page.
    """
    titles: dict[str, str] = {}
    for path, notebook in notebooks.items():
        chapter = re.match(r"0*(\d+)_", Path(path).name)
        figures = equations = 0
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                found = re.findall(r"^:{3,}\{prf:(\w+)\}\s*(.*)\n:label: (\S+)$", source(cell), re.MULTILINE)
                titles |= {label: f"{kind} “{title}”" for kind, title, label in found}
                for label in re.findall(r"\$\$ \((eq-[\w-]+)\)", source(cell)):
                    equations += 1
                    titles[label] = f"{equations}"
            elif "figure" in cell["metadata"].get("mystnb", {}):
                figures += 1
                name = cell["metadata"]["mystnb"]["figure"].get("name")
                if name:
                    titles[name] = f"figure {chapter[1]}.{figures}" if chapter else "the figure"
    return titles


def citations(bibliography: Path) -> dict[str, str]:
    """What a citation says, by its key: ``Chu and Bacho, 2024``."""
    from pybtex.database import parse_file

    said = {}
    for key, entry in parse_file(str(bibliography), bib_format="bibtex").entries.items():
        names = [" ".join([*person.prelast_names, *person.last_names]) for person in entry.persons["author"]]
        if len(names) > 2:
            names = [f"{names[0]} et al."]
        said[str(key)] = f"{' and '.join(names)}, {entry.fields['year']}"
    return said


def for_jupyter(notebook: Notebook, titles: Mapping[str, str], sources: Mapping[str, str]) -> Notebook:
    """A chapter for any Jupyter: plain Markdown, and the captions of figures as text under them."""
    cells: list[Cell] = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cells.append({**cell, "source": plain_markdown(source(cell), titles, sources)})
            continue
        cells.append(cell)
        told = cell["metadata"].get("mystnb", {})
        figure = told.get("figure", {})
        caption = figure.get("caption")
        if caption:
            name = f"**{titles[figure['name']].capitalize()}.** " if figure.get("name") in titles else ""
            text = name + plain_markdown(caption, titles, sources)
            cells.append(
                {"cell_type": "markdown", "id": f"{cell['id']}-caption"[:64], "metadata": {}, "source": text}
            )
    return {**notebook, "cells": cells}


# -- The site -----------------------------------------------------------------------------------


def write_site(
    notebooks: Mapping[str, Notebook], site: Path, *, library: Path, work: Path, pyodide: str = ""
) -> None:
    """Build the JupyterLite site.

    Parameters
    ----------
    notebooks : mapping
        By the path under which each is opened, such as ``book/01_blame.ipynb``; students' versions of assignments.
    site : Path
        Folder of the finished site; what was there is replaced.
    library : Path
        The repository, of which the library's wheel is made.
    work : Path
        A folder for what lies between; what was there is removed, but for an unpacked archive.
    pyodide : str
        Folder or archive of Pyodide; empty for its public network.

    Raises
    ------
    RuntimeError
        If wheels are missing, or a step fails.
    """
    missing = missing_wheels()
    if missing:
        raise RuntimeError(
            f"wheels to serve are missing ({', '.join(missing)}): fetch them with `python -m fa_teach.lite`."
        )
    distribution = (
        unpacked(Path(pyodide).expanduser().resolve(), work.with_name("pyodide")) if pyodide else None
    )
    for folder in (work, site):
        shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    for path, notebook in notebooks.items():
        write(without_outputs(for_browser(notebook)), work / "files" / path)
    shutil.copytree(WHEELS, work / "wheels")
    _run("hatchling", "build", "-t", "wheel", "-d", str((work / "wheels").resolve()), folder=library)
    _settings(work, site.resolve(), "./static/pyodide/pyodide.js" if distribution else f"{CDN}pyodide.js")
    _run("jupyterlite_core", "build", folder=work)
    if distribution:
        lock = json.loads((distribution / "pyodide-lock.json").read_text(encoding="utf-8"))
        copy_files(distribution, site / "static" / "pyodide", needed_files(lock))


def _settings(work: Path, site: Path, pyodide_url: str) -> None:
    """Write JupyterLite's settings. It would serve all extensions installed here, so they are named."""
    extensions = Path(sys.prefix, "share", "jupyter", "labextensions")
    build = {
        "contents": ["files"],
        "output_dir": str(site),
        "no_sourcemaps": True,
        "apps": ["notebooks", "tree", "lab"],
        "ignore_sys_prefix": ["federated_extensions"],
        "federated_extensions": [str(extensions / name) for name in EXTENSIONS],
    }
    page = {
        "appName": "Feedback alignment",
        "litePluginSettings": {KERNEL: {"pyodideUrl": pyodide_url}},
    }
    for name, told in {
        "jupyter_lite_config.json": {"LiteBuildConfig": build, "PipliteAddon": {"piplite_urls": ["wheels"]}},
        "jupyter-lite.json": {"jupyter-lite-schema-version": 0, "jupyter-config-data": page},
        # All cells are laid out, not only those in view: the browser's search and links find everything.
        "overrides.json": {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}},
    }.items():
        (work / name).write_text(json.dumps(told, indent=1), encoding="utf-8")


def copy_files(origin: Path, target: Path, names: Collection[str]) -> None:
    """Copy some files of a folder; one that is missing is named."""
    lacking = [name for name in names if not (origin / name).exists()]
    if lacking:
        raise ValueError(f"PYODIDE={origin} lacks {', '.join(lacking)}.")
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy2(origin / name, target / name)


def _run(module: str, *arguments: str, folder: Path) -> None:
    done = subprocess.run(  # noqa: S603 # the modules are named above
        [sys.executable, "-m", module, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    fetch_wheels()
