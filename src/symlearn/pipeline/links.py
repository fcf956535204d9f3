"""Paths over links to other disks."""

import os
from pathlib import Path


def as_written(path: Path) -> Path:
    """An absolute path in which links stay links, so that what lies beside a link is found.

    `figures/`, or a folder of results, may be a link to another disk. The working folder is the one
    that the shell was led to, also over a link.
    """
    here = os.environ.get("PWD", "")
    try:
        start = here if os.path.samefile(here, ".") else os.getcwd()
    except OSError:
        start = os.getcwd()
    return Path(os.path.normpath(os.path.join(start, path)))
