"""What made a file: a JSON sidecar with spec, code, inputs, versions, machine and cost."""

import contextlib
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from symlearn.errors import StoreError
from symlearn.pipeline.closure import ROOT
from symlearn.pipeline.hashes import sha256
from symlearn.pipeline.manifests import code_of
from symlearn.pipeline.specs import modules_of, parts_of

_PACKAGES = (
    "numpy",
    "scipy",
    "jax",
    "jaxlib",
    "neural-tangents",
    "torch",
    "xarray",
    "h5netcdf",
    "matplotlib",
)


# What every sidecar holds.
_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "file": str, "sha256": str, "spec": dict, "code": dict, "inputs": dict, "commit": str,
    "versions": dict, "device": str, "precision": str, "seconds": (int, float),
    "peak_memory_mib": int, "finished": str,
}  # fmt: skip


def sidecar(path: Path) -> Path:
    """The path of a file's sidecar."""
    return path.with_name(path.name + ".json")


def commit() -> str:
    """The git commit of the source, with `-dirty` where files differ.

    `unknown` outside git, and in a repository that does not track the source: another project's, in
    which the package is installed.
    """
    try:
        _git("ls-files", "--error-unmatch", "__init__.py")
        return _git("describe", "--always", "--dirty", "--abbrev=12")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def write_sidecar(
    path: Path,
    spec: Mapping[str, Any],
    inputs: Iterable[Path],
    started: float,
    machine: Mapping[str, str] | None = None,
) -> None:
    """Write the sidecar of `path`, the result of `spec`, made since `started` (time.time()).

    `machine` holds its `device` and `precision` where these are not the CPU and the spec's.
    """
    record = {
        "file": path.name,
        "sha256": sha256(path),
        **({"weights": sha256(weights_of(path))} if weights_of(path).is_file() else {}),
        "spec": spec,
        "code": code_of(modules_of(spec)),
        "inputs": {f"{file.parent.name}/{file.name}": sha256(file) for file in inputs},
        "commit": commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "versions": {"python": platform.python_version(), **_versions()},
        "device": f"cpu, {platform.machine()}, {os.cpu_count()} cores",
        "threads": os.environ.get("OMP_NUM_THREADS", "unset"),
        "precision": next(iter(parts_of(spec).values())).get("precision", "float64"),
        **(machine or {}),
        "seconds": round(time.time() - started, 3),
        # Of the whole process, from its start; other work on the machine does not lengthen it.
        "processor_seconds": round(time.process_time(), 3),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    target = sidecar(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    temporary.replace(target)


def read_record(path: Path) -> Mapping[str, Any] | None:
    """A file's sidecar, or None where there is none that is whole."""
    try:
        record = json.loads(sidecar(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict):
        return None
    whole = all(isinstance(record.get(key), kind) for key, kind in _FIELDS.items())
    return record if whole and isinstance(record["spec"].get("stage"), str) else None


def refuse_damaged(path: Path) -> None:
    """Raise StoreError if a result's bytes, or its weights', are not those that were written.

    What is damaged is set aside as `<name>.damaged`, so that the next run makes it anew. Without
    a sidecar nothing is known of a file, and it passes. Cost: reads the file once.
    """
    record = read_record(path) or {}
    for file, written in ((path, record.get("sha256")), (weights_of(path), record.get("weights"))):
        if written is None or not file.is_file() or sha256(file) == written:
            continue
        aside = file.with_name(f"{file.name}.damaged")
        try:
            file.replace(aside)
        except OSError:
            raise StoreError(f"{file}: is damaged; delete it and run again") from None
        raise StoreError(f"{file}: is damaged, and now lies in {aside.name}; run again")


def weights_of(path: Path) -> Path:
    """Where the weights of networks lie whose NetCDF file is `path`."""
    return path.with_suffix(".safetensors")


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
