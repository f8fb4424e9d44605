"""What the book's notebooks computed: side by side, kept, and forgotten when something changed that it depends on.

jupyter-cache keeps executed notebooks by their own text. Here they are forgotten, too, when the library, an installed
version that computes or draws, or the machine changes; and those that have to be computed are so on all cores, up to
eight.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib import metadata
from multiprocessing import active_children, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from nbclient.exceptions import DeadKernelError
from sphinx.util import logging

from fa_teach import explorers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).parent
COMPUTES_OR_DRAWS = ("numpy", "matplotlib", "ipywidgets", "anywidget", "ipykernel", "ipython")
ADDS_OTHERWISE = (
    "OPENBLAS_CORETYPE",
    "NPY_DISABLE_CPU_FEATURES",
)  # the last digits depend on these variables
ONLY_SHOW = (
    explorers.STATIC,
    PACKAGE / "sphinx.py",
    PACKAGE / "pages.py",
    PACKAGE / "lite.py",
    PACKAGE / "keep.py",
)  # no number or figure depends on these
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
AT_MOST = 8  # kernels at a time, of some 200 MB each: the longest notebook takes half a minute anyway


def hash_of_files(folder: Path, *, without: Collection[Path] = ()) -> str:
    """Hash of the names and contents of all files under a folder, but for compiled Python and some paths in it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        left_out = any(one in without for one in (path, *path.parents))
        if path.is_file() and path.suffix != ".pyc" and not left_out:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def fingerprint() -> str:
    """Say what a notebook's outputs depend on besides its own text: the library, and what it stands on."""
    versions = [f"{name} {metadata.version(name)}" for name in COMPUTES_OR_DRAWS]
    able = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # NumPy chooses its code by it
    machine = [f"Python {platform.python_version()}", platform.system(), platform.machine(), *able]
    variables = [f"{name}={os.environ[name]}" for name in ADDS_OTHERWISE if name in os.environ]
    computes = hash_of_files(PACKAGE, without=ONLY_SHOW)
    return " ".join([computes, *versions, *machine, *variables])


def forget_stale_outputs(app: Sphinx, config: Config) -> None:
    """Empty the cache of executed notebooks if the fingerprint changed."""
    now = config.fa_teach_fingerprint = fingerprint()
    cache = Path(config.nb_execution_cache_path or app.outdir.parent / ".jupyter_cache")
    stamp = cache.with_name(".fa_teach")
    if not stamp.exists() or stamp.read_text() != now:
        if cache.exists():
            shutil.rmtree(cache)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(now)


def compute_outputs(app: Sphinx, env: BuildEnvironment, docnames: Iterable[str]) -> None:
    """Execute what is to be read and not kept yet, a notebook on each core.

    One that fails is not kept: myst-nb then executes it again, and says on which page and why.
    """
    for name in THREADS:
        os.environ.setdefault(name, "1")  # kernels side by side with more would wait for each other
    settings: Any = env.mystnb_config  # type: ignore[attr-defined]  # set by myst-nb
    if settings.execution_mode != "cache":
        return
    cache = get_cache(settings.execution_cache_path)
    waiting = _not_kept(cache, env, docnames)
    if not waiting:
        return
    workers = min(len(waiting), os.cpu_count() or 1, AT_MOST)
    logger.info("notebooks to execute: %d, at a time: %d", len(waiting), workers)
    pool = ProcessPoolExecutor(workers, initializer=_end_with_the_build)
    try:
        runs = {
            pool.submit(
                single_nb_execution,
                notebook,
                str(path.parent),
                settings.execution_timeout,
                allow_errors=False,
            ): path
            for path, notebook in waiting.items()
        }
        for run in as_completed(runs):
            path = runs[run]
            try:
                result = run.result()
            except (DeadKernelError, BrokenProcessPool) as error:
                logger.warning("executing %s: %s", env.path2doc(path), error)
                continue
            if result.err is None:
                bundle = CacheBundleIn(result.nb, str(path), data={"execution_seconds": result.time})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
                logger.info("executed %s in %.0f s", env.path2doc(path), result.time)
    except KeyboardInterrupt:
        for process in active_children():
            process.kill()  # at once; its kernel ends when it sees that it is alone
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_the_build() -> None:
    """In a worker: end when the build does, even if it was killed. The queue of work never closes by itself."""
    build = parent_process()
    assert build is not None

    def watch() -> None:
        build.join()
        os._exit(1)  # the whole worker, in the middle of a notebook, too; its kernel ends when it is alone

    Thread(target=watch, daemon=True).start()  # beside the worker's own work


def _not_kept(cache: Any, env: BuildEnvironment, docnames: Iterable[str]) -> dict[Path, Any]:
    """Notebooks that the cache does not know, as myst-nb will read them; the largest, which mostly take long, first."""
    waiting = {}
    paths = [Path(env.doc2path(name)) for name in docnames]
    for path in sorted(paths, key=lambda path: path.stat().st_size, reverse=True):
        if path.suffix == ".ipynb":
            reader: Any = create_nb_reader(str(path), env.myst_config, env.mystnb_config, None)  # type: ignore[attr-defined]
            notebook = reader.read(path.read_text(encoding="utf-8"))
            try:
                cache.match_cache_notebook(notebook)
            except KeyError:
                waiting[path] = notebook
    return waiting
