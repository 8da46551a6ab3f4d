"""The pages: links and anchors resolve, and their Python compiles."""

import ast
import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [page for glob in ("*.md", "docs/*.md") for page in sorted(ROOT.glob(glob))]
PAGES.append(ROOT / "benchmarks" / "README.md")
FENCE = re.compile(r"^( *)(`{3,})([^\n`]*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """Text of a page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#{1,6} +(.+?)\s*$", prose(page), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {word.replace(" ", "-") for word in words}


def broken_links(page: Path) -> list[str]:
    return [link for link in LINK.findall(prose(page)) if not resolves(page, link)]


def resolves(page: Path, link: str) -> bool:
    """Whether a link leads to a file, and to a heading of it if it names one."""
    if re.match(r"[a-z]+:", link):
        return True
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target)


def snippets(page: Path) -> list[str]:
    """Blocks of Python on a page; of a console session what was typed."""
    blocks = FENCE.findall(page.read_text(encoding="utf-8"))
    return [typed(body) for _, _, language, body in blocks if language == "python"]


def typed(body: str) -> str:
    if ">>> " not in body:
        return textwrap.dedent(body)
    lines = (line for line in body.splitlines() if line[:4] in (">>> ", "... "))
    return "\n".join(line[4:] for line in lines)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_resolve(page):
    assert broken_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_compiles(page):
    for snippet in snippets(page):
        ast.parse(snippet, filename=name(page))


@pytest.mark.parametrize("page", ["canon.md", "errata.md"])
def test_tests_named_on_a_page_exist(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    named = sorted(set(re.findall(r"`((?:[a-z_]+/)*test_[a-z_]+\.py)\b", text)))
    assert named
    assert [path for path in named if not (ROOT / "tests" / path).exists()] == []


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link).resolve() for link in LINK.findall(prose(index))}
    assert {page for page in PAGES if page != index} <= linked


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One heading, `two` words\n"
        "[a](nowhere.md) [b](#one-heading-two-words) [c](#no-heading) [d](page.md)\n"
        "```\n[e](inside-code.md)\n```\n",
        encoding="utf-8",
    )
    assert broken_links(page) == ["nowhere.md", "#no-heading"]


def test_python_is_found_in_all_its_forms(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 1\n```\n```python\n>>> y = 2\n2\n```\n```\nz\n```\n"
    )
    assert snippets(page) == ["x = 1\n", "y = 2"]
