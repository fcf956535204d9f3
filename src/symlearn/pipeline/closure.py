"""The first-party modules that a module needs, found in the source without importing it.

Their hashes are an input of the jobs that run the module (`symlearn.pipeline.manifests`).
"""

import ast
import re
from functools import cache
from pathlib import Path

PACKAGE = "symlearn"
ROOT = Path(__file__).parents[1]
# Lists of what is chosen by name, the package's own among them. What is chosen counts
# (`symlearn.pipeline.specs.modules_of`), the list does not: else a new entry would remake all
# results. Nor do the words of the vocabulary: they describe numbers, and a file has those of the
# day when it was made.
INDEXES = frozenset({PACKAGE, "symlearn.menu.registry", "symlearn.pipeline.vocabulary"})

# An import to the end of its line, with lines that go on by a backslash, or of its parentheses.
_STATEMENT = re.compile(
    r"(?:^|[:;])[ \t]*((?:from|import)\b(?:\\\n|[^(\n])*(?:\([^)]*\))?)", re.MULTILINE
)


def closure(*modules: str) -> list[Path]:
    """The files of `modules` (dotted names) and of all that they import from this package."""
    return list(_closure(ROOT, modules))


@cache  # asked once for each job, and jobs are many more than stages
def _closure(root: Path, modules: tuple[str, ...]) -> tuple[Path, ...]:
    seen: dict[str, Path] = {}
    waiting = [part for module in modules for part in _with_parents(module)]
    while waiting:
        module = waiting.pop()
        path = _file_of(root, module)
        if module not in seen and module not in INDEXES and path is not None:
            seen[module] = path
            waiting.extend(_imports(path))
    return tuple(sorted(seen.values()))


def imports_of(path: Path) -> list[Path]:
    """The files of this package that a file of it imports itself."""
    files = (_file_of(ROOT, module) for module in _imports(path))
    return list(dict.fromkeys(file for file in files if file is not None))


def _with_parents(module: str) -> list[str]:
    """The module and the packages that importing it runs."""
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


@cache
def _file_of(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split(".")[1:])
    package, plain = path / "__init__.py", path.with_suffix(".py")
    return package if package.is_file() else plain if plain.is_file() else None


@cache
def _imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(_import_statements(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from package import name` may import a module of that name
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    own = [name for name in found if name.split(".")[0] == PACKAGE]
    return [part for name in own for part in _with_parents(name)]


def _import_statements(source: str) -> ast.Module:
    """The source's imports of this package alone: to parse all of it takes twenty times as long."""
    found = [text for text in _STATEMENT.findall(source) if PACKAGE in text]
    try:
        return ast.parse("\n".join(found))
    except SyntaxError:  # a line of prose that begins as an import does, or an unusual layout
        return ast.parse(source)
