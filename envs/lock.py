"""Resolves requirements.in and published.in into lock files: pip-compile with two changes.

Run by `make lock`, with the pip and pip-tools pinned in the Makefile; arguments go to pip-compile.

1. neural-tangents declares TensorFlow and tf2jax, which are neither used nor installed; timm and
   torchvision declare torch, which is in torch.txt. They are dropped before resolving, so that they
   constrain nothing.
2. Where the index states a file's SHA-256, it is taken from there. pip-compile would download
   every file of every platform from an index whose JSON pages differ from its file links.
"""

import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from pip._internal.metadata.importlib import Distribution
from pip._internal.models.link import Link
from pip._vendor.packaging.requirements import Requirement
from piptools.repositories import PyPIRepository
from piptools.scripts.compile import cli

PYTHON = (3, 11)
DROPPED = {"tensorflow", "tf2jax", "torch"}
NAMES = ("requirements", "published")
OPTIONS = [
    "--quiet",
    "--no-header",
    "--generate-hashes",
    "--strip-extras",
    "--unsafe-package=distribute",  # and not setuptools, which is pinned: it builds the package
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
]

declared_dependencies = Distribution.iter_dependencies
downloaded_hash = PyPIRepository._get_file_hash


def iter_dependencies(self: Distribution, extras: Collection[str] = ()) -> Iterator[Requirement]:
    """What a distribution declares, less what is dropped."""
    for requirement in declared_dependencies(self, extras):
        if requirement.name not in DROPPED:
            yield requirement


def file_hash(self: PyPIRepository, link: Link) -> str:
    """The SHA-256 that the index states; of the downloaded file only where it states none."""
    if link.hash_name == "sha256":
        return f"sha256:{link.hash}"
    return downloaded_hash(self, link)


def main() -> None:
    """Writes a lock file beside each of the files that name direct dependencies."""
    if sys.version_info[:2] != PYTHON:
        sys.exit(f"make lock: needs Python {'.'.join(map(str, PYTHON))}, the oldest supported")
    Distribution.iter_dependencies = iter_dependencies
    PyPIRepository._get_file_hash = file_hash
    os.chdir(Path(__file__).parent)
    for name in NAMES:
        files = [f"--output-file={name}.lock", f"{name}.in"]
        cli([*sys.argv[1:], *OPTIONS, *files], standalone_mode=False)


if __name__ == "__main__":
    main()
