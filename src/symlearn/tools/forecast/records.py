"""What Snakemake has recorded of the files that it made, in `.snakemake/metadata`.

Results that came without these records, as copies do, are judged by the times of files alone, by
Snakemake and here. (Records that `--persistence-backend db` keeps are not read.)
"""

import hashlib
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symlearn.pipeline.hashes import sha256

_FOLDER = Path(".snakemake", "metadata")
_LONGEST = 254  # characters of a name; longer ones are folders in folders, marked by an @
_LARGEST = 1_000_000  # bytes of a file whose checksum Snakemake takes, by default


@dataclass(frozen=True)
class Record:
    """Of one job: the files that it read, and the checksums of small ones."""

    inputs: frozenset[str] | None = None  # None where it is not known
    checksums: Mapping[str, str] = field(default_factory=dict)

    def has_same(self, path: Path, text: str | None) -> bool:
        """Whether a file that the job read has the contents of then.

        `text` is what is to be written to it before the next run; None takes it as it lies there.
        """
        known = self.checksums.get(str(path))
        if known is None:
            return False
        if text is not None:
            return known == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        return path.stat().st_size <= _LARGEST and known == f"sha256:{sha256(path)}"


def read_record(path: Path) -> Record | None:
    """The record of the job that made a file; None where there is none."""
    try:
        found = json.loads(_place(path).read_text(encoding="utf-8"))
        return Record(_inputs(found), dict(found.get("input_checksums") or {}))
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def _inputs(found: Mapping[str, Any]) -> frozenset[str] | None:
    read = found.get("input")
    return None if read is None else frozenset(map(str, read))


def _place(path: Path) -> Path:
    name = urlsafe_b64encode(os.fsencode(path)).decode()
    parts = [name[start : start + _LONGEST] for start in range(0, len(name), _LONGEST)]
    return _FOLDER.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
