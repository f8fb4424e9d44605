"""The notebooks' outputs: never stale, and computed side by side."""

import io
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("myst_nb")

import nbformat  # comes with myst-nb
import psutil  # comes with ipykernel
from jupyter_cache import get_cache  # comes with myst-nb
from nbclient.exceptions import DeadKernelError  # comes with myst-nb
from sphinx.application import Sphinx  # comes with myst-nb

from fa_teach import execution  # needs all of the above


def test_fingerprint_sees_every_kind_of_change(tmp_path):
    """A cache that misses a change shows yesterday's numbers under today's code."""
    seen = {execution.hash_of_files(tmp_path)}
    (tmp_path / "rule.py").write_text("eta = 1")
    seen.add(execution.hash_of_files(tmp_path))
    (tmp_path / "rule.py").write_text("eta = 2")
    seen.add(execution.hash_of_files(tmp_path))
    (tmp_path / "rule.py").rename(tmp_path / "rules.py")
    seen.add(execution.hash_of_files(tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "digits.npz").write_bytes(b"\0")
    seen.add(execution.hash_of_files(tmp_path))
    assert len(seen) == 5


def test_fingerprint_ignores_compiled_python(tmp_path):
    """Importing the library must not make every notebook run again."""
    before = execution.hash_of_files(tmp_path)
    (tmp_path / "rule.pyc").write_bytes(b"\0")
    assert execution.hash_of_files(tmp_path) == before


def test_fingerprint_leaves_out_what_only_draws(tmp_path):
    """The explorers' script may change without all notebooks running again."""
    (tmp_path / "static").mkdir()
    before = execution.hash_of_files(tmp_path, without=[tmp_path / "static"])
    (tmp_path / "static" / "explorers.js").write_text("draw()")
    assert execution.hash_of_files(tmp_path, without=[tmp_path / "static"]) == before
    assert execution.hash_of_files(tmp_path) != before


def test_fingerprint_names_what_computes_and_draws(monkeypatch):
    """Numbers of another Python, or of sums in another order, are compared as such, not with those that were kept."""
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    here = execution.fingerprint()
    assert re.match(r"^[0-9a-f]{64} numpy \S+ matplotlib \S+ .* Python 3\.", here)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    assert execution.fingerprint() == f"{here} OPENBLAS_CORETYPE=Nehalem"


def test_outputs_are_forgotten_when_the_library_changes_and_only_then(tmp_path, monkeypatch):
    (tmp_path / ".jupyter_cache").mkdir()
    kept = tmp_path / ".jupyter_cache" / "executed"
    app, config = SimpleNamespace(outdir=tmp_path / "html"), SimpleNamespace(nb_execution_cache_path="")
    for now, stays in (("one", False), ("one", True), ("two", False)):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text("")
        monkeypatch.setattr(execution, "fingerprint", lambda now=now: now)
        execution.forget_stale_outputs(app, config)
        assert kept.exists() == stays


# -- A small book -------------------------------------------------------------------------------

# Each waits for the other, so that both end only if they run at the same time.
MEETING = """
import pathlib, time
pathlib.Path("{mine}").touch()
end = time.monotonic() + 60
while not pathlib.Path("{other}").exists():
    assert time.monotonic() < end, "alone"
    time.sleep(0.05)
print("{mine} met {other}")
"""
CONF = """
from fa_teach import execution
extensions = ["myst_nb"]
nb_execution_mode = "cache"
nb_execution_show_tb = True
def setup(app):
    app.connect("env-before-read-docs", execution.compute_outputs)
"""


def write(path, code):
    cells = [nbformat.v4.new_markdown_cell(f"# {path.stem}"), nbformat.v4.new_code_cell(code.strip())]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Build it; give what was logged, there or in a log that is handed over."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.md").write_text("# Index\n\n```{toctree}\n:glob:\n*\n```\n")

    def run(log=None):
        log = log or io.StringIO()
        Sphinx(
            tmp_path, tmp_path, tmp_path / "html", tmp_path / "trees", "html", status=log, warning=log
        ).build()
        return re.sub(r"\x1b\[[\d;]*m", "", log.getvalue())

    return run


@pytest.mark.slow
def test_notebooks_run_side_by_side_and_once(tmp_path, build):
    write(tmp_path / "one.ipynb", MEETING.format(mine="one", other="two"))
    write(tmp_path / "two.ipynb", MEETING.format(mine="two", other="one"))
    said = build()
    assert "notebooks to execute: 2, at a time: 2" in said
    for name, line in (("one", "one met two"), ("two", "two met one")):
        assert line in (tmp_path / "html" / f"{name}.html").read_text()
    assert said.count("Using cached notebook") == 2
    write(tmp_path / "two.ipynb", "print('alone')")
    assert "notebooks to execute: 1, at a time: 1" in build(), "the first is kept"


@pytest.mark.slow
def test_a_kernel_computes_in_one_thread(tmp_path, build, monkeypatch):
    """Whoever builds without make sets none of these; with two threads each, two kernels took six times as long."""
    for name in execution.THREADS:
        monkeypatch.setenv(name, "")  # what the build sets ends with the test
        monkeypatch.delenv(name)
    write(tmp_path / "count.ipynb", f"import os\nprint('threads', *map(os.environ.get, {execution.THREADS}))")
    assert "notebooks to execute: 1" in build()
    assert "threads 1 1 1 1" in (tmp_path / "html" / "count.html").read_text()


@pytest.mark.slow
def test_a_notebook_that_fails_is_named_and_not_kept(tmp_path, build):
    write(tmp_path / "fine.ipynb", "print('fine')")
    write(tmp_path / "broken.ipynb", "1 / 0")
    said = build()
    assert re.search(r"broken\.ipynb.*WARNING: Executing notebook failed: CellExecutionError", said)
    assert "ZeroDivisionError" in said
    kept = get_cache(tmp_path / ".jupyter_cache").list_cache_records()
    assert [Path(record.uri).name for record in kept] == ["fine.ipynb"]


@pytest.mark.slow
def test_a_kernel_that_dies_is_named(tmp_path, build):
    """As when memory runs out: which of the notebooks it was is all that helps."""
    write(tmp_path / "deadly.ipynb", "import os\nos._exit(1)")
    log = io.StringIO()
    with pytest.raises(DeadKernelError):  # myst-nb tries once more
        build(log)
    assert "executing deadly: Kernel died" in log.getvalue()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a process group is interrupted otherwise on Windows")
def test_who_stops_the_build_does_not_wait(tmp_path):
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.md").write_text("# Index")
    for name in "abc":
        write(
            tmp_path / f"{name}.ipynb", "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(120)"
        )
    with begun(tmp_path, "begun") as sphinx:
        os.killpg(sphinx.pid, signal.SIGINT)
        said, _ = sphinx.communicate(timeout=60)
    assert "Interrupted!" in said
    assert sphinx.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("how", multiprocessing.get_all_start_methods())
def test_a_build_that_is_killed_leaves_no_process(tmp_path, how):
    """Kernels end by themselves when they are alone; the processes that started them have to, too."""
    start = f"\nimport multiprocessing\nmultiprocessing.set_start_method({how!r}, force=True)\n"
    (tmp_path / "conf.py").write_text(CONF + start)
    (tmp_path / "index.md").write_text("# Index")
    for name in "ab":
        write(
            tmp_path / f"{name}.ipynb",
            f"import pathlib, time\npathlib.Path('{name}.begun').touch()\ntime.sleep(120)",
        )
    with begun(tmp_path, "a.begun", "b.begun") as sphinx:
        started = psutil.Process(sphinx.pid).children(recursive=True)
        sphinx.kill()
        sphinx.wait(timeout=60)
    assert len(started) >= 4, "two workers and two kernels"
    _, alive = psutil.wait_procs(started, timeout=30)
    left = [process for process in alive if not gone(process)]
    for process in left:
        process.kill()
    assert not left


def gone(process):
    """Whether it is no more, or waits for nothing but to be counted off."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def begun(folder, *files):
    """A build of its own, when its notebooks have touched these files."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", str(folder), str(folder / "html")]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    sphinx = subprocess.Popen(command, start_new_session=True, **streams)
    try:
        end = time.monotonic() + 90
        while not all((folder / name).exists() for name in files):
            assert sphinx.poll() is None, sphinx.stdout.read()
            assert time.monotonic() < end, "a kernel did not begin"
            time.sleep(0.1)
    except BaseException:
        sphinx.kill()
        raise
    return sphinx
