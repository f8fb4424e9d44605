"""The book, built once more elsewhere: the same pages, and what an address adds. Run `make book` first."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from browsing import HTML, PAGES, ROOT

pytestmark = pytest.mark.browser

NOT_COPIED = {".git", ".venv", "_build", "build", "course", "dist", "node_modules", "__pycache__"}
COURSE = "https://example.org/course"
DATE = re.compile(r"built on \d{1,2} \w+ \d{4}")


def build(folder, **variables):
    """Build from a copy of the sources, with the notebooks' outputs as they were computed for the first book."""
    for path in ROOT.iterdir():
        if path.name not in NOT_COPIED:
            copy = shutil.copytree if path.is_dir() else shutil.copy2
            ignore = {"ignore": shutil.ignore_patterns(*NOT_COPIED)} if path.is_dir() else {}
            copy(path, folder / path.name, **ignore)
    shutil.copytree(ROOT / "_build" / ".jupyter_cache", folder / "_build" / ".jupyter_cache")
    shutil.copy2(ROOT / "_build" / ".fa_teach", folder / "_build")
    lite = str(int((HTML / "lite").exists()))  # all else is as it was for the first book
    environment = {**os.environ, "PYTHONPATH": str(folder), "LITE": lite, **variables}
    code = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", code, "build", ".", "-W", "-n", "--keep-going"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "_build" / "html"


def test_building_twice_gives_the_same_pages(tmp_path):
    """Byte for byte, but for the date; and the same library for students to install in the browser."""
    if not PAGES:
        pytest.fail("the book is not built: run `make book`")
    again = build(tmp_path, PYTHONHASHSEED="7")
    for name in PAGES:
        texts = [DATE.sub("", (site / name).read_text(encoding="utf-8")) for site in (HTML, again)]
        assert texts[0] == texts[1], name
    files = [path for path in again.rglob("*") if path.parent.name in {"_images", "_static", "data", "book"}]
    files += again.glob("lite/pypi/fa_teach-*.whl")  # where the book was built with JupyterLite
    assert len(files) > 50
    for path in files:
        if path.is_file() and path.suffix not in {".html", ".json"}:
            assert (HTML / path.relative_to(again)).read_bytes() == path.read_bytes(), path.name


def test_an_address_makes_pages_findable(tmp_path):
    """The site map names every page; each has its address; cards have whole addresses; the 404 page knows its root."""
    if not PAGES:
        pytest.fail("the book is not built: run `make book`")
    published = build(tmp_path, BOOK_URL=COURSE, GITHUB_REPOSITORY="someone/course", GITHUB_SHA="abc123")
    shown = {name for name in PAGES if name.startswith("book/")}
    listed = re.findall(r"<loc>([^<]*)</loc>", (published / "sitemap.xml").read_text(encoding="utf-8"))
    assert set(listed) == {f"{COURSE}/{name}" for name in shown}
    assert f"Sitemap: {COURSE}/sitemap.xml" in (published / "robots.txt").read_text(encoding="utf-8")
    for name in shown:
        text = (published / name).read_text(encoding="utf-8")
        assert f'<link rel="canonical" href="{COURSE}/{name}" />' in text
        assert f'<meta property="og:url" content="{COURSE}/{name}" />' in text
        (card,) = re.findall(rf'<meta property="og:image" content="{COURSE}/([^"]*)" />', text)
        assert (published / card).is_file()
        assert f"url = {{{COURSE}/{name}}}" in text, "the BibTeX entry"
    run = (published / "book" / "run.html").read_text(encoding="utf-8")
    assert "git+https://github.com/someone/course@abc123" in run
    assert "was built elsewhere" not in run
    lost = (published / "404.html").read_text(encoding="utf-8")
    links = re.findall(r'<(?:script|link|a)\b[^>]*?\s(?:src|href)="([^"]+)"', lost)
    inside = [link for link in links if not link.startswith("https://")]
    assert len(inside) > 20
    assert all(link.startswith(("/course/", "#")) for link in inside), inside


def test_without_an_address_none_is_claimed():
    """A copy on a laptop or in a classroom is at no address that could be named."""
    if os.environ.get("BOOK_URL") or os.environ.get("GITHUB_REPOSITORY"):
        pytest.skip("this book was built with an address")
    assert not (HTML / "sitemap.xml").exists()
    run = (HTML / "book" / "run.html").read_text(encoding="utf-8")
    assert "was built elsewhere" in run
    assert "git+https" not in run
    for name in PAGES:
        text = (HTML / name).read_text(encoding="utf-8")
        assert not re.search(r'rel="canonical"|property="og:(?:url|image)', text), name
