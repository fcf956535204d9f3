"""Archives whose bytes depend on their members alone, and their safe unpacking."""

import hashlib
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from symlearn.errors import StoreError

MANIFEST = "MANIFEST.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a ZIP file can hold
_LIMIT = 4 * 2**30  # bytes unpacked, against archives made to fill a disk
# What zipfile raises on damaged archives: each step in reading one has its own errors.
_UNREADABLE = (
    OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error
)  # fmt: skip


def pack(members: Mapping[str, bytes], out: Path, about: Mapping[str, Any]) -> None:
    """Write members by name, sorted, with a manifest of their SHA-256, in one step."""
    hashes = {name: hashlib.sha256(members[name]).hexdigest() for name in sorted(members)}
    manifest = json.dumps({**about, "files": hashes}, indent=1, sort_keys=True) + "\n"
    temporary = out.with_name(f".{out.name}.tmp")
    with zipfile.ZipFile(temporary, "w") as archive:
        for name in [MANIFEST, *hashes]:
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3  # Unix, whatever this is
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            content = manifest.encode() if name == MANIFEST else members[name]
            archive.writestr(member, content, compresslevel=9)
    temporary.replace(out)


def unpack(path: Path, into: Path) -> dict[str, Any]:
    """Unpack into a folder that is empty or not there; returns the manifest.

    Nothing is written unless every member is a plain file inside the folder, is listed in the
    manifest and has the contents listed; raises StoreError.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise StoreError(f"{into}: is not empty; give a folder of its own")
    try:
        with zipfile.ZipFile(path) as archive:
            manifest, contents = _checked(path, archive)
    except _UNREADABLE as error:
        raise StoreError(f"{path}: cannot be read as a bundle ({error})") from None
    for name, content in contents.items():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return manifest


def _checked(path: Path, archive: zipfile.ZipFile) -> tuple[dict[str, Any], dict[str, bytes]]:
    members = list(_members(path, archive))
    if sum(member.file_size for member in members) > _LIMIT:
        raise StoreError(f"{path}: holds more than {_LIMIT // 2**30} GiB, which no bundle does")
    contents = {member.filename: archive.read(member) for member in members}
    try:
        manifest = json.loads(contents[MANIFEST])
        hashes = dict(manifest["files"])
    except (KeyError, ValueError, TypeError):
        raise StoreError(f"{path}: has no manifest, so it is no bundle") from None
    if contents.keys() - {MANIFEST} != hashes.keys():
        raise StoreError(f"{path}: holds other files than its manifest lists")
    for name, digest in hashes.items():
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise StoreError(f"{path}: {name} is not what the manifest lists")
    return manifest, contents


def _members(path: Path, archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """The members, each of which must be a plain file below the folder, and stand once."""
    seen: set[str] = set()
    for member in archive.infolist():
        name = member.filename
        parts = PurePosixPath(name).parts
        outside = not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name
        kind = stat.S_IFMT(member.external_attr >> 16)
        if outside or member.is_dir() or kind not in (0, stat.S_IFREG) or name in seen:
            raise StoreError(f"{path}: refuses to unpack the member {name!r}")
        seen.add(name)
        yield member
