"""Checkpoints of a training run: weights, optimiser, random state and history, as safetensors."""

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from symlearn.errors import StoreError, TrainingError

log = logging.getLogger("symlearn")

Tensors = Mapping[str, torch.Tensor]
_KEPT = 2  # the newest, and the one before it, should the newest be damaged


@runtime_checkable
class Resumable(Protocol):
    """A run that can give its state away and take it back."""

    epoch: int

    def state(self) -> Tensors:
        """All that the next epoch depends on."""

    def load(self, state: Tensors, epoch: int) -> None:
        """Go back to a state, after `epoch` epochs."""


class Checkpoints:
    """The checkpoints of one run in a folder of its own, at most one every `seconds`.

    `identity` says which run they are of: `spec` and `members` must be the run's, else they are
    refused. Those of another `code` or `device` are removed: two programs would mix, and the random
    numbers of one device are no other's.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str], seconds: float):
        self.folder = folder
        self.identity = dict(identity)
        self.seconds = seconds
        self._kept_at = time.monotonic()

    def resume(self, run: Resumable) -> None:
        """Take the run to its newest checkpoint that can be read, if there is one.

        Raises TrainingError for a checkpoint of another spec or other members.
        """
        for path in self._newest_first():
            found = self._read(path)
            if found is not None:
                state, epoch = found
                run.load(state, epoch)
                log.info("goes on from %s, epoch %d", path.name, epoch)
                return

    def keep(self, run: Resumable, *, last: bool) -> None:
        """Write a checkpoint if it is time for one, or the run's last; older ones go."""
        if not last and time.monotonic() - self._kept_at < self.seconds:
            return
        path = self.folder / f"epoch{run.epoch:06d}.safetensors"
        write_tensors(run.state(), path, {**self.identity, "epoch": str(run.epoch)})
        for old in self._newest_first()[_KEPT:]:
            old.unlink()
        self._kept_at = time.monotonic()

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("epoch*.safetensors"), reverse=True)

    def _read(self, path: Path) -> tuple[dict[str, torch.Tensor], int] | None:
        try:
            state, metadata = read_tensors(path)
        except StoreError as error:
            log.warning("%s; goes back to the checkpoint before it", error)
            return None
        for key in ("spec", "members"):
            if metadata.get(key) != self.identity[key]:
                raise TrainingError(f"{path}: is a checkpoint of another run ({key}); delete it")
        for key in ("code", "device"):
            if metadata.get(key) != self.identity[key]:
                log.warning("%s: is of another %s, and is removed", path, key)
                path.unlink()
                return None
        return state, int(metadata["epoch"])


def write_tensors(tensors: Tensors, path: Path, metadata: Mapping[str, str]) -> None:
    """Write named tensors to `path`, by a temporary file and a rename; raises StoreError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(plain, temporary, dict(metadata))
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path}: cannot be written: {error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def read_tensors(path: Path, prefix: str = "") -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors whose names start with `prefix`, without it, and the metadata of a file.

    Raises StoreError if it is missing or damaged.
    """
    with _opened(path) as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
        tensors = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
        return tensors, file.metadata() or {}


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a file alone; raises StoreError if it is missing or damaged."""
    with _opened(path) as file:
        return file.metadata() or {}


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path}: is missing or damaged ({error}); delete it") from None
