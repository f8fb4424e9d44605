"""Compare notebooks as the book's build executed them: ``pytest --nbval --as-built=_build``.

nbval asks a kernel, cell by cell. Here what the build kept takes the kernel's place, so that no chapter is computed
twice, and what is compared is what its page shows. Without the option, or where the build kept nothing, a kernel
computes: the build executes assignments as students get them, and the notebooks compared are their sources.
"""

import contextlib
from pathlib import Path


def pytest_addoption(parser):
    parser.addoption(
        "--as-built", type=Path, metavar="FOLDER", help="nbval compares what the book's build kept there"
    )


class Kept:
    """Answers as nbval's kernel does, out of an executed notebook."""

    def __init__(self, notebook):
        self.cells = iter([cell for cell in notebook.cells if cell.cell_type == "code"])
        self.messages = iter(())

    def execute_cell_input(self, source, **_):
        """Get the next cell of this text ready; give the number under which its outputs are sent."""
        cell = next((cell for cell in self.cells if cell.source == source), None)
        if cell is None:
            raise LookupError(f"The build executed no such cell: {source[:60]!r}.")
        self.messages = iter([*map(_sent, cell.outputs), ("status", {"execution_state": "idle"})])
        return "kept"

    def get_message(self, *_, **__):
        """One output after the other."""
        kind, content = next(self.messages)
        return {"msg_type": kind, "parent_header": {"msg_id": "kept"}, "content": content}

    def await_reply(self, *_, **__):
        """Nothing to wait for."""

    def is_alive(self):
        """As long as it is asked."""
        return True

    stop = await_reply


def _sent(output):
    """An output as a kernel sends it. An explorer's page stands beside its picture; notebooks hold the picture."""
    content = {key: value for key, value in output.items() if key != "output_type"}
    if "fa-explorer" in content.get("data", {}).get("text/html", ""):
        content["data"] = {kind: data for kind, data in content["data"].items() if kind != "text/html"}
    return output.output_type, content


def kept(path, folder):
    """The notebook as the build executed it, or None: it is another now, or was computed by another library."""
    import nbformat
    from jupyter_cache import get_cache

    from fa_teach import execution

    stamp = folder / ".fa_teach"
    if not stamp.exists() or stamp.read_text() != execution.fingerprint():
        return None
    cache = get_cache(folder / ".jupyter_cache")
    try:
        record = cache.match_cache_notebook(nbformat.read(path, as_version=4))
    except KeyError:
        return None
    return cache.get_cache_bundle(record.pk).nb


with contextlib.suppress(ImportError):  # without nbval, no notebook is compared
    from nbval.plugin import IPyNbFile

    _start_kernel = IPyNbFile.setup

    def _setup(self):
        folder = self.config.getoption("as_built")
        executed = kept(self.path, folder) if folder else None
        if executed is None:
            _start_kernel(self)
        else:
            self.kernel = Kept(executed)
            self.setup_sanitize_files()

    IPyNbFile.setup = _setup
