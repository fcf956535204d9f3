"""Which process runs Snakemake in this folder: Snakemake's locks do not say, and outlive a kill."""

import json
import os
import socket
from pathlib import Path
from typing import Any

from symlearn.pipeline.specs import write_changed

_NOTE = Path(".snakemake", "auxiliary", "symlearn-run.json")


def note_run() -> None:
    """Note that this process has begun a run; it has locked the folder before."""
    _NOTE.unlink(missing_ok=True)  # so that its time is that of the run
    write_changed(_NOTE, json.dumps(_about(os.getpid())))


def is_over(locked: float) -> bool:
    """Whether the run that has locked the folder at that time has ended without unlocking it.

    False where that cannot be known: where the run is on another machine, which shares the folder,
    or has made no note, as one of another workflow that uses this one as a module.
    """
    try:
        noted, written = json.loads(_NOTE.read_text(encoding="utf-8")), _NOTE.stat().st_mtime
        here = noted["host"] == socket.gethostname()
        return here and written >= locked and noted != _about(noted["process"])
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _about(process: int) -> dict[str, Any]:
    """The host, a process and when it started, after the machine did; None if it does not run."""
    return {"host": socket.gethostname(), "process": process, "started": _started(process)}


def _started(process: int) -> str | None:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # somebody else's
        pass
    try:  # numbers of processes are used again, but not with the same start
        words = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        return words.split()[19]
    except OSError:  # no Linux
        return ""
