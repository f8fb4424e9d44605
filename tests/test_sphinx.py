"""The book's own Sphinx extension: what it must never let through, such as a formula not understood."""

import re
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

pytest.importorskip("sphinx")
math_core = pytest.importorskip("math_core")

from docutils import nodes  # noqa: E402 # comes with Sphinx
from docutils.utils import new_document  # noqa: E402 # comes with Sphinx

from fa_teach import sphinx as extension  # noqa: E402 # needs both of the above


def test_a_changed_table_of_contents_is_read_again(tmp_path):
    """Every page shows it, but Sphinx looks only at the pages."""
    app = Mock()
    extension.setup(app)
    rebuild = {call.args[0]: call.args[2] for call in app.add_config_value.call_args_list}
    assert rebuild["fa_teach_reading"] == "env", "all pages are to be read again"
    seen = set()
    for title in ("One", "Two"):
        (tmp_path / "_toc.yml").write_text(f"title: {title}")
        config = SimpleNamespace(external_toc_path="_toc.yml")
        extension.note_what_pages_depend_on(SimpleNamespace(srcdir=tmp_path), config)
        seen.add(config.fa_teach_reading)
    assert len(seen) == 2


def test_what_a_cell_printed_is_shown_as_it_was_printed():
    """The kernel cuts where its clock says so; a line of a table must not be cut there, too."""
    text = "rule   loss   angle\nFA     0.10    20°\n\n  BP   0.09     0°\n"
    whole = {"output_type": "stream", "name": "stdout", "text": text}
    for cut in range(1, len(text)):
        pieces = [
            {**whole, "text": text[:cut]},
            {"output_type": "display_data"},
            {**whole, "text": text[cut:]},
        ]
        shown = extension.join_streams(pieces)
        assert [output["output_type"] for output in shown] == ["stream", "display_data"]
        assert shown[0]["text"] == text
        assert pieces[0]["text"] == text[:cut], "the notebook itself is not changed"


@pytest.mark.parametrize(
    ("text", "together"),
    [
        ("where $y$. Then", ["y."]),
        ("the loss ($y$), or", ["(y),"]),
        ("an $n$-vector; $k$th of $m$ rows", ["n-vector;", "kth"]),
        ("with $n$-dimensionality that is long", []),
        ("$y$", []),
        ("$a$, $b$, and $c$.", ["a,", "b,", "c."]),
    ],
)
def test_no_line_begins_with_what_follows_a_formula(text, together):
    """Browsers may break a line on both sides of a formula, even before a full stop."""
    document = new_document("page")
    line = nodes.paragraph()
    for i, part in enumerate(text.split("$")):
        if part:
            line += nodes.math(part, part) if i % 2 else nodes.Text(part)
    document += line
    extension.KeepTogether(document).run()
    assert [node.astext() for node in document.findall(nodes.inline)] == together
    assert document.astext() == text.replace("$", "")


@pytest.mark.parametrize(
    "latex",
    [
        r"\delta_l = (W_{l+1}^\top \delta_{l+1}) \odot \varphi'(a_l)",
        r"\begin{align} a &= b \\ c &= d \end{align}",
        r"\begin{aligned} a &= b, & c &= d \end{aligned}",
        r"J = \begin{pmatrix} -w_2 b & -w_1 b \\ -w_2^2 & -2 w_1 w_2 \end{pmatrix}",
        r"f(x) = \begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}",
        r"\mathbb{E}\bigl[\lVert x \rVert_F^2\bigr], \quad x \in \mathbb{R}^{n \times m}, \quad A \succeq 0",
        r"\operatorname{tr} J < 0, \quad \det J > 0",
        r"\cos\theta = \frac{\langle g, \hat g \rangle}{\lVert g \rVert \, \lVert \hat g \rVert}",
        r"\underbrace{W^\top \delta}_{\text{transport}} \ne \widehat{W} \tilde x \bar y \dot w",
        r"\mathbf{x}, \boldsymbol{\theta}, \mathcal{L}, 90^\circ",
        r"\min_W \tfrac12 \sum_{i=1}^n \int_0^\infty \nabla_W \mathcal{L} \, \mathrm{d}t \approx \sqrt{2/\pi}",
    ],
)
def test_mathematics_of_the_book_is_understood(latex):
    mathml = extension.to_mathml(latex, display=True)
    assert mathml.startswith('<math display="block">')
    assert "merror" not in mathml
    assert "\\" not in re.sub(r"<[^>]*>", "", mathml), f"left as LaTeX: {mathml}"


@pytest.mark.parametrize(
    "latex",
    [
        r"g = -e\begin{pmatrix} w_2 \\ w_1 \end{pmatrix}, \qquad u = -e\begin{pmatrix} b \\ w_1 \end{pmatrix}",
        r"a &= b \\ c &= \begin{pmatrix} 1 \\ 2 \end{pmatrix}",
    ],
)
def test_displayed_lines_are_understood(latex):
    """A matrix inside a formula is no reason to align the formula; lines beside it are."""
    mathml = extension.to_mathml(extension.with_lines(latex), display=True)
    assert mathml.count("<mtable") == len(re.findall(r"pmatrix", latex)) // 2 + ("&=" in latex)


def test_environments_leave_numbering_to_sphinx():
    """Two numbers beside one equation would contradict each other."""
    assert "(1)" not in extension.to_mathml(r"\begin{align} a &= b \end{align}", display=True)


def test_unknown_command_is_an_error():
    """Only then does `make book` fail, instead of printing LaTeX on the page."""
    with pytest.raises(math_core.LatexError):
        extension.to_mathml(r"\nonsense{x}", display=False)


def test_only_unused_scripts_are_dropped():
    kept = '<script defer src="_static/scripts/bootstrap.js"></script>'
    icons = '<script defer src="_static/scripts/fontawesome.js?digest=1"></script>\n'
    search = '<script src="searchindex.js"></script>'
    assert extension.without_unused_scripts(icons + search + kept) == kept


@pytest.mark.parametrize(
    ("secnumbers", "numbered"),
    [({}, False), ({"page": {"": None}}, False), ({"page": {"": (4,), "#part": (4, 1)}}, True)],
)
def test_figures_are_numbered_in_chapters_only(secnumbers, numbered):
    """On pages without a number Sphinx counts on from page to page."""
    app = Mock(env=SimpleNamespace(toc_secnumbers=secnumbers))
    caption = '<span class="caption-number">Fig. 5 </span><span class="caption-text">What to see.</span>'
    context = {"body": f"<p>{caption}</p>"}
    extension._number_figures_in_chapters_only(app, "page", "page.html", context, None)
    assert ("Fig. 5" in context["body"]) == numbered
    assert "What to see." in context["body"]
    extension._number_figures_in_chapters_only(app, "page", "search.html", {}, None)
