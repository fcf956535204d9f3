import logging
import math

import pytest
import torch

from symlearn.errors import StoreError, TrainingError
from symlearn.networks.checkpoints import Checkpoints, read_tensors, write_tensors

IDENTITY = {"spec": "s", "members": "0-2", "code": "c", "device": "cpu"}


class Counter:
    """A run whose state is its epoch."""

    def __init__(self):
        self.epoch = 0

    def state(self):
        return {"value": torch.tensor([float(self.epoch)])}

    def load(self, state, epoch):
        assert state["value"].item() == epoch
        self.epoch = epoch


def kept(folder, epochs, seconds=0.0, identity=IDENTITY):
    """A folder after a run of so many epochs, each kept if it is time."""
    checkpoints, run = Checkpoints(folder, identity, seconds), Counter()
    for _ in range(epochs):
        run.epoch += 1
        checkpoints.keep(run, last=run.epoch == epochs)
    return checkpoints


def resumed(folder, identity=IDENTITY):
    run = Counter()
    Checkpoints(folder, identity, 0.0).resume(run)
    return run.epoch


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_run_goes_on_from_the_newest(tmp_path):
    kept(tmp_path, 5)
    assert resumed(tmp_path) == 5
    assert names(tmp_path) == ["epoch000004.safetensors", "epoch000005.safetensors"]


def test_without_checkpoints_a_run_starts_at_its_beginning(tmp_path):
    assert resumed(tmp_path / "none") == 0


def test_between_two_checkpoints_is_at_least_the_interval(tmp_path):
    kept(tmp_path, 5, seconds=math.inf)
    assert names(tmp_path) == ["epoch000005.safetensors"]  # the last is always kept


def test_a_truncated_checkpoint_falls_back_to_the_one_before(tmp_path, caplog):
    kept(tmp_path, 5)
    newest = tmp_path / "epoch000005.safetensors"
    newest.write_bytes(newest.read_bytes()[:-3])
    with caplog.at_level(logging.WARNING, "symlearn"):
        assert resumed(tmp_path) == 4
    assert "epoch000005" in caplog.text
    assert "goes back to the checkpoint before it" in caplog.text


@pytest.mark.parametrize("key", ["spec", "members"])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, key):
    kept(tmp_path, 2)
    with pytest.raises(TrainingError, match=f"epoch000002.*another run.*{key}.*delete it"):
        resumed(tmp_path, {**IDENTITY, key: "other"})


@pytest.mark.parametrize("key", ["code", "device"])
def test_checkpoints_of_another_code_or_device_make_way(tmp_path, caplog, key):
    kept(tmp_path, 9)
    changed = {**IDENTITY, key: "other"}
    with caplog.at_level(logging.WARNING, "symlearn"):
        assert resumed(tmp_path, changed) == 0
    assert f"epoch000009.safetensors: is of another {key}, and is removed" in caplog.text
    assert not names(tmp_path)
    kept(tmp_path, 3, identity=changed)
    assert resumed(tmp_path, changed) == 3


def test_equal_tensors_are_equal_bytes(tmp_path):
    tensors = {"b": torch.arange(6.0).reshape(2, 3).T, "a": torch.tensor([1], dtype=torch.uint8)}
    for name in ("one", "two"):
        write_tensors(tensors, tmp_path / name, {"spec": "x"})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    found, metadata = read_tensors(tmp_path / "one")
    assert metadata == {"spec": "x"}
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_nothing_is_left_where_writing_fails(tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(StoreError, match="cannot be written"):
        write_tensors({"a": torch.zeros(1)}, tmp_path / "taken" / "x", {})
    assert names(tmp_path) == ["taken"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"gone\.safetensors"):
        read_tensors(tmp_path / "gone.safetensors")
