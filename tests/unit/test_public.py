"""docs/public.md: it lists what is exported, what the pages import, and the commands there are."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

import symlearn
from symlearn.__main__ import COMMANDS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
PAGE = (ROOT / "docs/public.md").read_text(encoding="utf-8")
ADDITIONS = sorted((ROOT / "docs").glob("add-*.md"))
ROW = re.compile(r"^\| `(symlearn[\w.]*)` \| ([^|]+) \|(.*)$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")


def rows(*, with_page):
    """The names that the page lists by module, in its first table or in that of the additions."""
    return {
        module: set(CODE.findall(names))
        for module, names, rest in ROW.findall(PAGE)
        if bool(rest.strip()) is with_page
    }


def exported():
    """The names that modules give in `__all__`, by module."""
    found = {}
    for file in (SOURCE / "symlearn").rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                found[dotted(file)] = set(ast.literal_eval(node.value))
    return found


def dotted(file):
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported():
    """What the files that pages add import of symlearn, but for what the pages add themselves."""
    found: dict[str, set[str]] = {}
    for page in ADDITIONS:
        text = page.read_text(encoding="utf-8")
        for module, names in re.findall(r"^\+from (symlearn\S*) import (.+)$", text, re.MULTILINE):
            if not module.startswith("symlearn.papers"):
                found.setdefault(module, set()).update(names.split(", "))
    return found


def test_every_exported_name_is_listed():
    own = set(getattr(symlearn, "__all__", ["__version__"]))
    assert all(f"`symlearn.{name}`" in PAGE for name in own)
    assert rows(with_page=False) == {k: v for k, v in exported().items() if k != "symlearn"}


def test_what_the_pages_import_is_listed():
    listed = rows(with_page=True)
    missing = {
        module: names - listed.get(module, set()) - exported().get(module, set())
        for module, names in imported().items()
    }
    assert {module: names for module, names in missing.items() if names} == {}
    assert set(listed) <= set(imported())
    assert all(names <= imported()[module] for module, names in listed.items())


@pytest.mark.parametrize("with_page", [False, True])
def test_listed_names_can_be_imported(with_page):
    for module, names in rows(with_page=with_page).items():
        for name in names:
            __import__(module, fromlist=[name])  # a name may be a module of a package
            assert hasattr(import_module(module), name), (module, name)


def test_the_commands_are_those_there_are():
    listed = re.findall(r"`symlearn (\w+)`", PAGE.split("## The config")[0])
    assert sorted(listed) == sorted(COMMANDS)
