"""What code, docs and claims cite: each section, link and name is there."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCIENCE = sorted((ROOT / "docs/science").glob("*.md"))
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "figures/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
CITING = ("src", "tests", "benchmarks", "docs", "workflow")
SUFFIXES = {".py", ".yaml", ".md", ".smk", ".html"}

CITATION = re.compile(r"docs/science/([\w-]+\.md)(?:#([\w-]+))?")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"`(symlearn(?:\.\w+)+)`")
# Notes by number stood in no file that a reader has.
NOTE = re.compile(r"\bnotes? [A-Z]?[0-9]|\bscience[ ]notes?\b|\bthe[ ]note's\b", re.IGNORECASE)


def text(path):
    return path.read_text(encoding="utf-8")


def citing():
    """The files that may cite a section, by their path in the project."""
    files = [file for top in CITING for file in (ROOT / top).rglob("*")]
    files += [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "config.yaml"]
    kept = [file for file in files if file.suffix in SUFFIXES and file != Path(__file__)]
    return {file.relative_to(ROOT).as_posix(): text(file) for file in sorted(kept)}


@cache
def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text(page)), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = sum(1 for other in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other))
        found.append(f"{slug}-{count}" if count else slug)
    return set(found)


def fault(page, anchor):
    """What is wrong with a place, empty where nothing is."""
    if not page.exists():
        return f"no file {page.relative_to(ROOT)}"
    if anchor and anchor not in anchors(page):
        return f"no heading of {page.relative_to(ROOT)} has the anchor {anchor}"
    return ""


def test_anchors_are_those_of_github(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# D, G and R\n\n## The authors' `code`\n\n## Same\n\n```\n# none\n```\n## Same\n"
    )
    assert anchors(page) == {"d-g-and-r", "the-authors-code", "same", "same-1"}


def test_every_cited_section_exists():
    cited = [
        (path, *match) for path, words in citing().items() for match in CITATION.findall(words)
    ]
    places = {(path, name, anchor): fault(ROOT / "docs/science" / name, anchor)
              for path, name, anchor in cited}  # fmt: skip
    assert len(places) > 100
    assert [(path, problem) for (path, *_), problem in places.items() if problem] == []


def test_nothing_cites_a_note_by_number():
    python = {path: words for path, words in citing().items() if not path.endswith("claims.yaml")}
    assert [
        (path, NOTE.findall(words)) for path, words in python.items() if NOTE.search(words)
    ] == []


@pytest.mark.parametrize("page", [*PAGES, *SCIENCE], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    targets = [link for link in LINK.findall(FENCE.sub("", text(page))) if "://" not in link]
    problems = []
    for target in targets:
        file, _, anchor = target.partition("#")
        problems.append(fault((page.parent / file).resolve() if file else page, anchor))
    assert [problem for problem in problems if problem] == []


@pytest.mark.parametrize("page", SCIENCE, ids=lambda page: page.stem)
def test_named_code_can_be_imported(page):
    missing = [name for name in set(NAME.findall(text(page))) if not importable(name)]
    assert missing == []


def importable(name):
    """Whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part, None)
        return found is not None
    return False
