"""Other processes that have a job's inputs open for writing.

HDF5 marks a file while it is open for writing, so that its bytes are not those that its sidecar
tells. A job waits for such a process before it checks what it reads: the file is not damaged. The
place for this is `stage.Inputs`, on which every result depends, so that a change of it remakes them
all; until it changes anyway, `symlearn` waits before it starts a stage.
"""

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path

from symlearn.pipeline import store
from symlearn.pipeline.specs import input_files, read_spec
from symlearn.pipeline.stage import guarded, results_of


def wait_for_writers(name: str, argv: Sequence[str]) -> int:
    """Wait until no other process writes what the job of a stage reads; returns the exit status.

    It is 1, with one line on standard error, where the wait is in vain. What cannot be opened for
    another reason is for the stage to say.
    """
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--spec", type=Path)
    spec: Path | None = parser.parse_known_args(argv)[0].spec
    if spec is None:
        return 0

    def wait() -> None:
        for file in input_files(results_of(spec), read_spec(spec)):
            with contextlib.suppress(OSError):
                store._wait_for_lock(file)  # a public name would remake every result

    return guarded(name, wait)
