"""Hashes of files, and of source by what it does."""

import ast
import contextlib
import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from symlearn.errors import StoreError


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes; raises StoreError where it may not be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None


def code_sha256(path: Path) -> str:
    """The SHA-256 of a module's syntax tree without docstrings: better words leave it as it is.

    To parse a file takes milliseconds, and every job asks for some forty. Hashes are kept in
    `__pycache__` of the package, by the hash of the file's bytes; where that folder cannot be
    written they are computed anew.
    """
    kept, digest = _kept(_CACHE), sha256(path)
    if digest not in kept:
        kept[digest] = tree_sha256(path.read_text(encoding="utf-8"))
        _keep(_CACHE, kept)
    return kept[digest]


def tree_sha256(source: str) -> str:
    """The SHA-256 of a source's syntax tree, without comments, docstrings and layout."""
    return hashlib.sha256(json.dumps(_plain(ast.parse(source))).encode()).hexdigest()


# Named after this module's own bytes: hashes that it would take otherwise now are others.
_CACHE = Path(__file__).parents[1] / "__pycache__" / f"code-{sha256(Path(__file__))[:12]}.json"


def _plain(node: Any) -> Any:
    """A syntax tree as lists. Empty fields are left out, of which newer Pythons have more."""
    if isinstance(node, ast.AST):
        fields = ((name, _plain(value)) for name, value in ast.iter_fields(node))
        return [type(node).__name__, *([n, v] for n, v in fields if v is not None and v != [])]
    if isinstance(node, list):
        return [_plain(one) for one in node if not _is_text(one)]
    return node if isinstance(node, str | None) else [type(node).__name__, repr(node)]


def _is_text(node: Any) -> bool:
    """Whether a statement is a string by itself, which does nothing: a docstring."""
    value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


@cache
def _kept(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(path: Path, kept: dict[str, str]) -> None:
    """In one step; of two programs that write at once one is kept, and the other asks again."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        temporary.write_text(json.dumps(kept), encoding="utf-8")
        temporary.replace(path)
