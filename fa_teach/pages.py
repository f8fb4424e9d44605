r"""What makes the built pages light, findable and citable: a Sphinx extension, named in ``_config.yml``.

- *Light.* One style sheet instead of nine, without the rules that no page uses; no script before the text; figures in
  the smaller of PNG and lossless WebP, loaded when they come into view; an explorer's data in a file beside the page.
- *Findable.* A description of each page, cards for those who share it, and, where the book's address is known, a
  canonical address, a site map, and a page for addresses that lead nowhere.
- *Citable.* Version, date (`SOURCE_DATE_EPOCH` is honoured) and a BibTeX entry on each page.

The address comes from the variable `BOOK_URL`, the repository from the theme's option `repository_url`; on GitHub both
are known. Nothing in the library imports this module, and no number on a page depends on it.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import imagesize
import tinycss2
import yaml
from PIL import Image

import fa_teach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.builders.html import StandaloneHTMLBuilder
    from sphinx.config import Config

SHEET = "_static/book.css"


# -- Where the book is --------------------------------------------------------------------------


def address(variables: Mapping[str, str]) -> str:
    """The address of the published book, with a slash at its end; empty where none is known.

    Examples
    --------
    >>> address({"BOOK_URL": "https://example.org/book"})
    'https://example.org/book/'
    >>> address({"GITHUB_REPOSITORY": "owner/name"})
    'https://owner.github.io/name/'
    >>> address({})
    ''
    """
    url = variables.get("BOOK_URL", "")
    if not url and "/" in (repository := variables.get("GITHUB_REPOSITORY", "")):
        owner, name = repository.split("/")
        url = f"https://{owner.lower()}.github.io/{name}"
    return url.rstrip("/") + "/" if url else ""


def repository(options: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    """The repository's address, without a slash at its end; empty where none is known."""
    url = str(options.get("repository_url") or "")
    if not url and variables.get("GITHUB_REPOSITORY"):
        url = f"{variables.get('GITHUB_SERVER_URL', 'https://github.com')}/{variables['GITHUB_REPOSITORY']}"
    return url.rstrip("/")


def tell_address(app: Sphinx, config: Config) -> None:
    """Set what Sphinx and its extensions want to know about the published book."""
    config.version = config.release = fa_teach.__version__
    url = address(os.environ)
    config.html_baseurl = config.ogp_site_url = url
    config.notfound_urls_prefix = urlsplit(url).path or "/"
    config.notfound_context = {
        "title": "Page not found",
        "body": "<h1>Page not found</h1><p>There is no page at this address. Begin with the "
        f'<a href="{config.notfound_urls_prefix}book/preface.html">preface</a>, use the search, '
        "or choose a chapter from the contents.</p>",
    }
    config.ogp_site_name = config.html_title or config.project
    config.ogp_image = "_static/card.png" if url else None
    config.ogp_social_cards = {"enable": False}  # one picture, made by the library: book/assets/make_card.py
    config.ogp_enable_meta_description = True
    config.ogp_image_alt = (
        "Phase portrait of the smallest network: feedback alignment follows a curve to its end."
    )
    config.ogp_custom_meta_tags = (
        ['<meta name="twitter:card" content="summary_large_image" />'] if url else []
    )
    config.html_context["repository"] = repository(config.html_theme_options, os.environ)
    config.html_context["branch"] = config.html_theme_options.get("repository_branch") or "main"


_NOT_WITHOUT_ADDRESS = re.compile(r'<meta property="og:(url|image)[^>]*>\s*')


def _absolute_tags_only(app: Sphinx, context: dict[str, Any]) -> None:
    """An address inside a tag has to be a whole one: without the book's own there is none to give."""
    if not app.config.html_baseurl:
        context["metatags"] = _NOT_WITHOUT_ADDRESS.sub("", context.get("metatags", ""))


def site_map(url: str, pages: Iterable[str]) -> str:
    """The list of pages that search engines ask for."""
    lines = (f"<url><loc>{html.escape(url + page)}</loc></url>" for page in pages)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        + "\n".join(lines)
        + "\n</urlset>\n"
    )


def _write_for_robots(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    url = app.config.html_baseurl
    out = Path(app.outdir)
    robots = "User-agent: *\nAllow: /\n"
    if url:
        pages = [f"{name}.html" for name in sorted(app.env.found_docs)]
        (out / "sitemap.xml").write_text(site_map(url, pages), encoding="utf-8")
        robots += f"Sitemap: {url}sitemap.xml\n"
    else:
        (out / "sitemap.xml").unlink(missing_ok=True)  # of an earlier build, which knew its address
    (out / "robots.txt").write_text(robots, encoding="utf-8")
    first = f"{app.config.root_doc}.html"
    title = html.escape(app.config.html_title or app.config.project)
    canonical = f'<link rel="canonical" href="{url}{first}">' if url else ""
    (out / "index.html").write_text(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>{canonical}\n'
        f'<meta http-equiv="refresh" content="0; url={first}"></head>\n'
        f'<body><main><p><a href="{first}">{title}</a></p></main></body></html>\n',
        encoding="utf-8",
    )


# -- Cite this page -----------------------------------------------------------------------------


def _name(person: Mapping[str, str]) -> str:
    return person.get("name") or f"{person['given-names']} {person['family-names']}"


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_])", r"\\\1", text)


def citation(
    about: Mapping[str, Any], *, title: str, book: str, date: str, key: str, url: str
) -> dict[str, str]:
    r"""How to cite a page, in words and as BibTeX.

    Parameters
    ----------
    about : mapping
        What ``CITATION.cff`` says.
    title, book : str
        The page's title and the book's.
    date : str
        The date of the build; a year is its last word.
    key : str
        The entry's key.
    url : str
        The page's address, or nothing.

    Returns
    -------
    dict of str
        ``words`` and ``bibtex``.

    Examples
    --------
    >>> cite = citation(
    ...     {"authors": [{"name": "A. Author"}], "version": "1.0"},
    ...     title="Chains", book="Networks", date="3 May 2026", key="chains", url="",
    ... )
    >>> cite["words"]
    'A. Author: “Chains”, in: Networks, version 1.0, 2026.'
    >>> print(cite["bibtex"])
    @incollection{chains,
      author = {{A. Author}},
      title = {{Chains}},
      booktitle = {{Networks}},
      year = {2026},
      note = {Version 1.0}
    }
    """
    names = [_name(person) for person in about["authors"]]
    year = date.rsplit(maxsplit=1)[-1]
    fields = {
        "author": " and ".join(f"{{{_tex(name)}}}" for name in names),
        "title": f"{{{_tex(title)}}}",
        "booktitle": f"{{{_tex(book)}}}",
        "year": year,
        "note": f"Version {about['version']}",
    }
    if url:
        fields["url"] = url
    entry = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    words = f"{', '.join(names)}: “{title}”, in: {book}, version {about['version']}, {year}." + (
        f" {url}" if url else ""
    )
    return {"words": words, "bibtex": f"@incollection{{{key},\n{entry}\n}}"}


def _add_citation(app: Sphinx, pagename: str, context: dict[str, Any]) -> None:
    if pagename in app.env.found_docs:
        about = yaml.safe_load(Path(app.srcdir, "CITATION.cff").read_text(encoding="utf-8"))
        url = app.config.html_baseurl
        context["citation"] = citation(
            about,
            title=app.env.titles[pagename].astext(),
            book=app.config.html_title or app.config.project,
            date=str(context.get("last_updated")),
            key="fa_teach:" + pagename.removeprefix("book/").replace("/", ":"),
            url=f"{url}{pagename}.html" if url else "",
        )


# -- Light pages --------------------------------------------------------------------------------


def _defer_scripts(app: Sphinx, context: dict[str, Any]) -> None:
    """Let no script stand before the text: settings into the page, the rest when the page has been read."""
    settings = Path(app.outdir, "_static", "documentation_options.js").read_text(encoding="utf-8")
    kept = []
    for script in context["script_files"]:
        name = str(getattr(script, "filename", None) or "")
        body = script.attributes.get("body") or ""
        if name.endswith("documentation_options.js"):
            script = type(script)("", priority=script.priority, body=re.sub(r"\s+", " ", settings))
        elif name:
            script = type(script)(
                script.filename, priority=script.priority, **{**script.attributes, "defer": "defer"}
            )
        elif "toggle" in body.lower():
            continue  # for a script that is left out
        kept.append(script)
    context["script_files"] = kept


_DATA = re.compile(r'<script type="application/json" class="fa-data">(.*?)</script>', re.DOTALL)
# Of Sphinx's bibliography: a list whose children are no items, and a role that has been given up.
_OLD_ROLES = re.compile(r' role="(?:list(?=" class="citation-list")|doc-biblioentry)"')
_THEBE = re.compile(
    r'<script type="text/x-thebe-config">.*?</script>\s*(<script>kernelName.*?</script>)?', re.DOTALL
)


# Sphinx's lists of functions are tables without headers.
_SUMMARY = re.compile(r'(<table class="autosummary[^>]*>\s*)')
_SUMMARY_HEAD = '<thead><tr><th scope="col">Name</th><th scope="col">What it is</th></tr></thead>'


def data_beside(body: str, *, folder: Path, up: str) -> str:
    """Put the data of explorers into scripts of their own, which ``nearby.js`` loads when they are wanted.

    Scripts, not requests: pages opened from a folder may make none.
    """

    def move(found: re.Match[str]) -> str:
        text = found[1].strip().replace("<\\/", "</")
        name = hashlib.sha256(text.encode()).hexdigest()[:16] + ".js"
        folder.mkdir(parents=True, exist_ok=True)
        code = f"document.currentScript.previousElementSibling.textContent = {json.dumps(text, ensure_ascii=False)};\n"
        (folder / name).write_text(code, encoding="utf-8")
        return (
            f'<script type="application/json" class="fa-data" data-source="{up}_static/data/{name}"></script>'
        )

    return _DATA.sub(move, body)


def smaller(png: Path, folder: Path) -> Path:
    """A picture as lossless WebP, where that is smaller; else the picture itself."""
    webp = folder / f"{png.stem}.webp"
    if not webp.exists() or webp.stat().st_mtime < png.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(png) as image:
            image.save(webp, lossless=True, quality=80, method=4)
    return webp if webp.stat().st_size < png.stat().st_size else png


_IMAGE = re.compile(r'<img\b[^>]*?\bsrc="(?:\.\./)*_images/([^"]+)"[^>]*>')


def _light_images(app: Sphinx, body: str) -> str:
    builder: StandaloneHTMLBuilder = app.builder  # type: ignore[assignment]  # html builders only
    sources = {name: Path(app.srcdir, path) for path, name in builder.images.items()}
    folder = Path(app.doctreedir).with_name("webp")

    def change(found: re.Match[str]) -> str:
        tag, name = found[0], found[1]
        source = sources.get(name)
        if source is None:
            return tag
        if source.suffix == ".png":
            light = smaller(source, folder)
            builder.images[str(light)] = light.name
            tag = tag.replace(f"_images/{name}", f"_images/{light.name}")
            source = light
        size = re.search(r"width: ([\d.]+)px; height: ([\d.]+)px", tag)
        width, height = size.groups() if size else imagesize.get(source)
        return tag.replace(
            "<img",
            f'<img loading="lazy" decoding="async" width="{float(width):.0f}" height="{float(height):.0f}"',
            1,
        )

    return _IMAGE.sub(change, body)


# -- One style sheet ----------------------------------------------------------------------------

# The order in which the pages named them.
SHEETS = (
    "basic.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "copybutton.css",
    "mystnb.*.css",
    "proof.css",
    "sphinx-design.min.css",
    "fa_teach.css",
)
_WITH_RULES = {"media", "supports", "layer", "container"}
_BUILT_BY_SCRIPTS = ("bs-tooltip", "bs-popover", "fade", "show")
_PSEUDO_WITH_LIST = re.compile(r":[\w-]+\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]")
_CLASS_OR_ID = re.compile(r"[.#]((?:[\w-]|\\.)+)")


def may_match(selector: str, words: set[str]) -> bool:
    """Whether each class and id that a selector asks for occurs somewhere in the pages or their scripts.

    Examples
    --------
    >>> may_match("div.cell > p:not(.hidden)", {"cell"}), may_match("a.btn-danger", {"btn"})
    (True, False)
    """
    names = _CLASS_OR_ID.findall(_PSEUDO_WITH_LIST.sub("", selector))
    return all(name in words or name.startswith(_BUILT_BY_SCRIPTS) for name in names)


def used_rules(rules: Iterable[Any], words: set[str]) -> str:
    """Those rules of a style sheet that a page may use, as text; conditions (``@media``) keep theirs."""
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = re.split(r",(?![^(\[]*[)\]])", tinycss2.serialize(rule.prelude))
            wanted = [selector.strip() for selector in selectors if may_match(selector, words)]
            if wanted:
                kept.append(f"{','.join(wanted)}{{{_tight(rule.content)}}}")
        elif rule.type == "at-rule" and rule.content is None:
            continue  # @charset and @import: the imported sheet is in the list
        elif rule.type == "at-rule" and rule.lower_at_keyword in _WITH_RULES:
            nested = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if inner := used_rules(nested, words):
                kept.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude).rstrip()}{{{inner}}}")
        elif rule.type == "at-rule":
            kept.append(
                f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude).rstrip()}{{{_tight(rule.content)}}}"
            )
    return "\n".join(kept)


def _tight(content: Iterable[Any]) -> str:
    """Declarations without comments and needless blanks."""
    text = tinycss2.serialize([token for token in content if token.type != "comment"])
    return re.sub(r"\s*\n\s*", " ", text).strip()


_URL = re.compile(r"""url\((["']?)(?!data:|#)([^"')]+)\1\)""")
_LARGE_ICON_FONT = re.compile(r"@font-face\{[^}]*vendor/fontawesome[^}]*\}\n?")


def _with_paths_from(text: str, folder: str) -> str:
    """A style sheet's addresses, as seen from the folder above."""

    def move(found: re.Match[str]) -> str:
        return f'url("{Path(os.path.normpath(f"{folder}/{found[2]}")).as_posix()}")'

    return _URL.sub(move, text)


def one_sheet(static: Path, words: set[str]) -> str:
    """The style sheets of the book in one, without the rules that no page uses."""
    parts = []
    for pattern in SHEETS:
        for path in sorted(static.glob(pattern)):
            up = path.parent.relative_to(static).as_posix()
            text = path.read_text(encoding="utf-8")
            text = _with_paths_from(text, up)
            rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
            parts.append(used_rules(rules, words))
    return _LARGE_ICON_FONT.sub("", "\n".join(parts)) + "\n"


def _write_sheet(app: Sphinx, error: Exception | None) -> None:
    """Write the one style sheet, and its hash into the pages that load it."""
    if error is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    pages = [*out.glob("*.html"), *Path(out, "book").rglob("*.html")]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    scripts = [
        *out.glob("_static/*.js"),
        *out.glob("_static/scripts/*-theme.js"),
        out / "_static/scripts/bootstrap.js",
    ]
    words: set[str] = set()
    for text in (*texts.values(), *(script.read_text(encoding="utf-8") for script in scripts)):
        words.update(re.findall(r"[\w-]+", text))
    sheet = one_sheet(out / "_static", words)
    (out / SHEET).write_text(sheet, encoding="utf-8")
    link = f"{SHEET}?v={hashlib.sha256(sheet.encode()).hexdigest()[:8]}"
    for page, text in texts.items():
        linked = re.sub(rf'{SHEET}(\?v=\w+)?"', f'{link}"', text)
        if linked != text:
            page.write_text(linked, encoding="utf-8")


# -- Each page ----------------------------------------------------------------------------------


def _improve(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if app.builder.name != "html":
        return
    _absolute_tags_only(app, context)
    _add_citation(app, pagename, context)
    if pagename != "search":  # its own script, further down, wants the others at once
        _defer_scripts(app, context)
    if "body" in context:
        up = "../" * pagename.count("/")
        body = _SUMMARY.sub(rf"\1{_SUMMARY_HEAD}", _THEBE.sub("", str(context["body"])))
        body = _OLD_ROLES.sub("", body)
        if 'class="fa-explorer"' in body:
            body = data_beside(body, folder=Path(app.outdir, "_static", "data"), up=up)
            library = f"{up}_static/explorers.js"
            body += f'<script defer src="{up}_static/nearby.js" data-explorers="{library}"></script>'
        context["body"] = _light_images(app, body)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of the above."""
    app.setup_extension("sphinxext.opengraph")
    app.setup_extension("notfound.extension")
    app.connect("config-inited", tell_address, priority=100)
    app.connect("html-page-context", _improve, priority=990)
    app.connect("build-finished", _write_for_robots)
    app.connect("build-finished", _write_sheet, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
