r"""What the book's build needs: a Sphinx extension, named in ``_config.yml``.

- *No stale numbers.* Executed notebooks are kept until something changes that they depend on: `fa_teach.execution`.
- *Light mathematics.* LaTeX becomes MathML while the book is built: a page shows its formulas before, and without, any
  script, and a screen reader reads them. A formula that cannot be translated is a warning, so it fails the build.
- *Explorers without a kernel.* Notebooks are told that they run for the book, so that explorers show what a page can
  play by itself; their script is copied (`fa_teach.pages` has it loaded when an explorer comes near).
- *Quiet pages.* The theme loads scripts that this book does not use; here they are left out.
- *Run it.* Each notebook's page says where it can be run; JupyterLite is built beside the pages (see `fa_teach.lite`).
- *No leaks.* Assignments are built from sources that hold solutions and hidden tests (see `fa_teach.assignments`).
  What is served beside the page is the student's notebook, and solutions on a page are not searched.

Nothing in the library imports this module.
"""

from __future__ import annotations

import html
import os
import re
import shutil
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import math_core
from docutils import nodes
from myst_nb.core import render
from myst_nb.core.utils import coalesce_streams
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.math import get_node_equation_number

from fa_teach import assignments, execution, explorers, lite, pages

if TYPE_CHECKING:
    from collections.abc import Collection

    from sphinx.application import Sphinx
    from sphinx.builders.html import StandaloneHTMLBuilder
    from sphinx.config import Config
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)


# -- No stale pages -----------------------------------------------------------------------------


def note_what_pages_depend_on(app: Sphinx, config: Config) -> None:
    """Have pages read or written again that Sphinx would think unchanged."""
    # Sphinx copies style sheets only when it writes a page: a changed one has to say that pages changed.
    looks = (Path(app.srcdir, "book", "assets"), Path(app.srcdir, "book", "templates"), explorers.STATIC)
    shows = [path.read_text(encoding="utf-8") for path in execution.ONLY_SHOW if path.suffix == ".py"]
    config.fa_teach_look = "".join([*map(execution.hash_of_files, looks), *shows])
    # Sphinx reads again what changed in a page; these change all of them.
    reads = (Path(app.srcdir, config.external_toc_path), Path(__file__))
    config.fa_teach_reading = "".join(path.read_text(encoding="utf-8") for path in reads)


# -- What a cell printed ------------------------------------------------------------------------


def join_streams(outputs: list[Any]) -> list[Any]:
    r"""Join what a cell printed, as it was printed.

    A kernel sends it in pieces, cut wherever its clock says so; myst-nb would end each of them with a new line.

    Examples
    --------
    >>> pieces = [{"output_type": "stream", "name": "stdout", "text": text} for text in ("a ", "b\n\n", " c\n")]
    >>> [output["text"] for output in join_streams(pieces)]
    ['a b\n\n c\n']
    """
    joined: list[Any] = []
    streams: dict[str, Any] = {}
    for output in outputs:
        if output["output_type"] != "stream":
            joined.append(output)
        elif output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
        else:
            streams[output["name"]] = copy(output)
            joined.append(streams[output["name"]])
    return list(coalesce_streams(joined))


# -- Explorers without a kernel -----------------------------------------------------------------


def play_without_kernel(app: Sphinx, config: Config) -> None:
    """Tell the kernels that they run for the book, and copy the explorers' script (a classic one, for ``file://``)."""
    os.environ[explorers.MODE] = "static"
    os.environ.setdefault("TQDM_DISABLE", "1")  # a slow machine must not add a progress bar to a page
    config.html_static_path.append(str(explorers.STATIC / "explorers.js"))


# -- Light mathematics --------------------------------------------------------------------------

_converter = math_core.LatexToMathML(fancy_error=False)
_NUMBERED = re.compile(r"\\(begin|end)\{(align|alignat|gather|equation|multline|eqnarray)\}")
_ENVIRONMENT = re.compile(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL)
_PRIMED = re.compile(r"<msup>(<m[ion][^>]*>[^<]*</m[ion]>|<mtext>[^<]*</mtext>)<mo>([′″‴⁗])</mo></msup>")


def to_mathml(latex: str, *, display: bool) -> str:
    r"""Translate LaTeX to MathML; numbers of equations are Sphinx's affair, so environments lose theirs.

    Examples
    --------
    >>> to_mathml(r"W^\top", display=False)
    '<math><msup><mi>W</mi><mi>⊤</mi></msup></math>'
    >>> to_mathml(r"f'", display=False)
    '<math><mrow><mi>f</mi><mo lspace="0" rspace="0">′</mo></mrow></math>'
    """
    latex = _NUMBERED.sub(r"\\\1{\2*}", latex.strip())
    mathml: str = _converter.convert_with_local_state(latex, displaystyle=display)
    # A prime is drawn raised already: as a superscript it would be too small, too high, or both.
    return _PRIMED.sub(r'<mrow>\1<mo lspace="0" rspace="0">\2</mo></mrow>', mathml)


def with_lines(latex: str) -> str:
    r"""Wrap a formula that has lines of its own, and not only those of a matrix within it, as ``$$`` allows.

    Examples
    --------
    >>> print(with_lines(r"a &= b \\ c &= d"))
    \begin{aligned}a &= b \\ c &= d\end{aligned}
    >>> print(with_lines(r"x = \begin{pmatrix} 1 \\ 2 \end{pmatrix}"))
    x = \begin{pmatrix} 1 \\ 2 \end{pmatrix}
    """
    lines = r"\\" in _ENVIRONMENT.sub("", latex)
    return rf"\begin{{aligned}}{latex}\end{{aligned}}" if lines else latex


def _translate(node: nodes.Element, latex: str, *, display: bool) -> str:
    try:
        return to_mathml(latex, display=display)
    except math_core.LatexError as error:
        logger.warning("mathematics not understood: %s in %s", error, latex, location=node, type="math")
        return f"<code>{html.escape(latex)}</code>"


def _visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(_translate(node, node.astext(), display=False) + "</span>")
    raise nodes.SkipNode


def _visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    latex = node.astext().strip()
    if not node.get("nowrap"):
        latex = with_lines(latex)
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    # A formula wider than the page scrolls in a box of its own.
    self.body.append(f'<div class="math-scroll">{_translate(node, latex, display=True)}</div>')
    if node.get("number"):
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


class KeepTogether(SphinxPostTransform):
    """Keep a formula and what adjoins it on one line: browsers would let a full stop begin the next."""

    default_priority = 900
    formats = ("html",)
    BEFORE = re.compile(r"[(\[“‘]+$")
    AFTER = re.compile(r"^(?:\S{1,8}(?=\s|$)|[.,;:!?)\]”’]+)")

    def run(self, **kwargs: Any) -> None:  # noqa: ARG002 - Sphinx gives them
        """Wrap both in a span."""
        for formula in list(self.document.findall(nodes.math)):
            line = formula.parent
            before = self._take(line, line.index(formula) - 1, self.BEFORE)
            after = self._take(line, line.index(formula) + 1, self.AFTER)
            if before or after:
                together = nodes.inline(classes=["fa-together"])
                line.replace(formula, together)
                together += [nodes.Text(before), formula, nodes.Text(after)]

    def _take(self, line: nodes.Element, index: int, pattern: re.Pattern[str]) -> str:
        """Take what matches from the text that stands there, if any does."""
        text = line[index] if 0 <= index < len(line) else None
        found = pattern.search(text) if isinstance(text, nodes.Text) else None
        if text is None or found is None:
            return ""
        line.replace(text, nodes.Text(text[: found.start()] + text[found.end() :]))
        return found[0]


# -- Quiet pages --------------------------------------------------------------------------------

_UNUSED_SCRIPT = re.compile(
    r"<script[^>]*(?:fontawesome|searchtools|language_data|searchindex)[^>]*></script>\s*"
)


def without_unused_scripts(markup: str) -> str:
    """Drop the theme's script tags that a page does without: icon drawing, and search on pages other than search."""
    return _UNUSED_SCRIPT.sub("", str(markup))


_UNUSED_FILE = re.compile("thebe|togglebutton|design-tabs")


def _leave_out_unused_files(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave out what Jupyter Book always loads: Thebe needs a Binder, and dropdowns here need no script."""
    for files in ("script_files", "css_files"):
        context[files] = [
            file
            for file in context.get(files, [])
            if not _UNUSED_FILE.search(str(getattr(file, "filename", None) or ""))
            and "THEBE_JS_URL" not in str(getattr(file, "attributes", {}).get("body", ""))
        ]


def _quiet_console(app: Sphinx, error: Exception | None) -> None:
    """Take the theme's log messages out of its scripts: a reader's console shows nothing."""
    if error is None:
        for file in (
            *Path(app.outdir, "_static", "scripts").glob("*-theme.js"),
            Path(app.outdir, "search.html"),
        ):
            if file.exists():
                text = file.read_text(encoding="utf-8")
                file.write_text(text.replace("console.log(", "void("), encoding="utf-8")


def _remove_old_pages(app: Sphinx, error: Exception | None) -> None:
    """Remove the pages of chapters that are gone: Sphinx leaves them standing."""
    if error is None and app.builder.name == "html":
        for folder in {Path(docname).parts[0] for docname in app.env.found_docs if "/" in docname}:
            for page in Path(app.outdir, folder).rglob("*.html"):
                if page.relative_to(app.outdir).with_suffix("").as_posix() not in app.env.found_docs:
                    page.unlink()


# -- Numbers of figures -------------------------------------------------------------------------

_FIGURE_NUMBER = re.compile(r'<span class="caption-number">Fig\. [^<]*</span>')


def _number_figures_in_chapters_only(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Take the numbers from the figures of a page that has none itself: Sphinx counts on from page to page there."""
    if "body" in context and not any(app.env.toc_secnumbers.get(pagename, {}).values()):
        context["body"] = _FIGURE_NUMBER.sub("", context["body"])


# -- Run it -------------------------------------------------------------------------------------

RUN_PAGE = "book/run"  # explains what the links on the other pages do
STUDENTS = "build/student"  # where .binder/postBuild writes the students' notebooks


def note_where_to_run(app: Sphinx, config: Config) -> None:
    """Remember what the links depend on, so that a change of it writes all pages again."""
    config.fa_teach_lite = lite.wanted()
    config.fa_teach_repository = repository(config.html_theme_options)


def repository(options: Mapping[str, Any]) -> tuple[str, str]:
    """Owner and name on GitHub, and the commit or branch of this build; empty where neither is known.

    They come from the theme's options `repository_url` and `repository_branch`, else from GitHub's own variables.
    """
    url = pages.repository(options, os.environ)
    found = re.search(r"github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?$", url)
    return found[1] if found else "", os.environ.get("GITHUB_SHA") or options.get(
        "repository_branch"
    ) or "main"


def partner(pagename: str) -> tuple[str, str]:
    """A chapter's exercises, or the chapter of exercises: page and words. They share the name of their file.

    Examples
    --------
    >>> partner("book/04_smallest_network")
    ('book/exercises/04_smallest_network', 'Exercises')
    >>> partner("book/exercises/04_smallest_network")
    ('book/04_smallest_network', 'Chapter 4')
    """
    folder, _, name = pagename.rpartition("/")
    if folder.endswith("/exercises"):
        return f"{folder.removesuffix('/exercises')}/{name}", f"Chapter {name.split('_')[0].lstrip('0')}"
    return f"{folder}/exercises/{name}", "Exercises"


def run_links(
    pagename: str,
    *,
    student: bool,
    lite_built: bool,
    repository: tuple[str, str],
    others: Collection[str] = (),
) -> str:
    """The line under a page's title: run it here or elsewhere, download it, read how; its partner among the others.

    Binder and Colab need to know the repository. Colab shows what is committed, which for an assignment is not the
    student's version: no link then.
    """
    up = "../" * pagename.count("/")
    name, commit = repository
    links = []
    if lite_built:
        here = f"{up}lite/notebooks/index.html?path={pagename}.ipynb"
        links.append(f'<a class="fa-run-here" href="{here}">Run in the browser</a>')
    if name:
        path = f"{STUDENTS}/{Path(pagename).name}" if student else pagename
        binder = f"https://mybinder.org/v2/gh/{name}/{commit}?urlpath=lab/tree/{path}.ipynb"
        links.append(f'<a href="{binder}">Binder</a>')
        if not student:
            colab = f"https://colab.research.google.com/github/{name}/blob/{commit}/{pagename}.ipynb"
            links.append(f'<a href="{colab}">Colab</a>')
    links.append(f'<a href="{up}_sources/{pagename}.ipynb" download>Download the notebook</a>')
    links.append(f'<a href="{up}{RUN_PAGE}.html">How to run it</a>')
    other, words = partner(pagename)
    if other in others:
        links.append(f'<a href="{up}{other}.html">{words}</a>')
    return f'<nav class="fa-run" aria-label="Run this page, and what goes with it">{" ".join(links)}</nav>'


def _is_notebook(app: Sphinx, pagename: str) -> bool:
    return pagename in app.env.found_docs and Path(app.env.doc2path(pagename)).suffix == ".ipynb"


def _add_run_links(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if app.builder.name == "html" and _is_notebook(app, pagename) and "body" in context:
        links = run_links(
            pagename,
            student=assignments.is_assignment(assignments.read(Path(app.env.doc2path(pagename)))),
            lite_built=app.config.fa_teach_lite,
            repository=app.config.fa_teach_repository,
            others=app.env.found_docs,
        )
        context["body"] = re.sub(r"</h1>", lambda end: f"{end[0]}\n{links}", context["body"], count=1)


class WhereRepository(SphinxDirective):
    """What is said only in a book that knows its repository (``known``), or only in one that does not (``unknown``)."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Read what is said, or leave it out."""
        (wanted,) = self.arguments
        if wanted not in {"known", "unknown"}:
            raise self.error(f"repository must be known or unknown; got {wanted}.")
        if wanted != ("known" if self.config.fa_teach_repository[0] else "unknown"):
            return []
        said = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, said)
        return list(said.children)


class InstallLine(SphinxDirective):
    """The line that installs, in Colab, the library as it was when the book was built."""

    def run(self) -> list[nodes.Node]:
        """Make a code block of it."""
        name, commit = self.config.fa_teach_repository
        line = f'%pip install -q "fa_teach @ git+https://github.com/{name}@{commit}"'
        return [nodes.literal_block(line, line, language="text")]


def _build_lite(app: Sphinx, error: Exception | None) -> None:
    """Build JupyterLite beside the pages, or remove what an earlier build left there."""
    if error is not None or app.builder.name != "html":
        return
    site = Path(app.outdir, "lite")
    if not app.config.fa_teach_lite:
        shutil.rmtree(site, ignore_errors=True)
        return
    paths = sorted(name for name in app.env.found_docs if _is_notebook(app, name))
    read = {f"{name}.ipynb": assignments.read(Path(app.env.doc2path(name))) for name in paths}
    titles = lite.label_titles(read)
    sources = lite.citations(Path(app.srcdir, "book", "references.bib"))
    shown = {
        path: assignments.student_version(notebook)
        if assignments.is_assignment(notebook)
        else lite.for_jupyter(notebook, titles, sources)
        for path, notebook in read.items()
    }
    try:
        lite.write_site(
            shown,
            site,
            library=Path(app.srcdir),
            work=Path(app.outdir).with_name("lite"),
            pyodide=os.environ.get("PYODIDE", ""),
        )
    except (RuntimeError, ValueError) as failed:
        raise ExtensionError(f"JupyterLite was not built: {failed} LITE=0 leaves it out.") from failed


# -- No leaks -----------------------------------------------------------------------------------


class StudentNotebook(SphinxRole):
    """A link to the student's notebook of the assignment on this page."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link; the file is written by `_serve_student_version`."""
        docname = self.env.docname
        target = f"{'../' * docname.count('/')}_sources/{docname}.ipynb"
        link = f'<a href="{target}" download>{html.escape(self.text)}</a>'
        return [nodes.raw("", link, format="html")], []


def _serve_student_version(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the student's notebook where Sphinx would have copied the source, and keep it from doing so."""
    path = Path(app.env.doc2path(pagename)) if pagename in app.env.found_docs else None
    if path is None or path.suffix != ".ipynb" or app.builder.format != "html":
        return
    notebook = assignments.read(path)
    if assignments.is_assignment(notebook):
        served = Path(app.outdir, "_sources", f"{pagename}.ipynb")
        assignments.write(assignments.student_version(notebook), served)
        context["sourcename"] = ""  # the theme has read it for its download button already


def without_solutions(doctree: nodes.document) -> nodes.document:
    """A copy of a page without the dropdowns of solutions, for the search index."""
    searched = doctree.deepcopy()
    for node in list(searched.findall(nodes.Element)):
        if assignments.SOLUTION_CLASS in node.get("classes", ()) and node.parent is not None:
            node.parent.remove(node)
    return searched


def _index_without_solutions(app: Sphinx) -> None:
    if app.builder.format == "html":
        builder: StandaloneHTMLBuilder = app.builder  # type: ignore[assignment]  # html builders only
        index_page = builder.index_page

        def index(pagename: str, doctree: nodes.document, title: str) -> None:
            index_page(pagename, without_solutions(doctree), title)

        builder.index_page = index  # type: ignore[method-assign]  # Sphinx has no event for this


def _add_filter(app: Sphinx) -> None:
    builder: StandaloneHTMLBuilder = app.builder  # type: ignore[assignment]  # html builders only
    if app.builder.format == "html":
        builder.templates.environment.filters["without_unused_scripts"] = without_unused_scripts


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of the above."""
    app.add_config_value("fa_teach_fingerprint", "", "env", [str])
    app.add_config_value("fa_teach_look", "", "html", [str])
    app.add_config_value("fa_teach_reading", "", "env", [str])
    app.add_config_value("fa_teach_lite", False, "html", [bool])
    app.add_config_value("fa_teach_repository", ("", "main"), "env", [tuple])
    render.coalesce_streams = join_streams  # there is no option for it
    app.add_post_transform(KeepTogether)
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    app.connect("config-inited", execution.forget_stale_outputs)
    app.connect("config-inited", note_what_pages_depend_on)
    app.connect("env-before-read-docs", execution.compute_outputs)
    app.connect("config-inited", play_without_kernel)
    app.connect("config-inited", note_where_to_run)
    app.add_role("student-notebook", StudentNotebook())
    app.add_directive("repository", WhereRepository)
    app.add_directive("install-line", InstallLine)
    app.connect("html-page-context", _add_run_links)
    app.connect("html-page-context", _number_figures_in_chapters_only)
    app.connect("builder-inited", _add_filter, priority=900)
    app.connect("builder-inited", _index_without_solutions)
    app.connect("html-page-context", _serve_student_version, priority=950)
    app.connect("html-page-context", _leave_out_unused_files, priority=900)
    app.connect("build-finished", _quiet_console)
    app.connect("build-finished", _remove_old_pages)
    app.connect("build-finished", _build_lite)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
