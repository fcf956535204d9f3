"""The training stage as it is run: killed and taken up again, bad input, the same bytes twice."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from symlearn import wings
from symlearn.config import parse
from symlearn.networks.checkpoints import read_tensors
from symlearn.pipeline import store
from symlearn.pipeline.specs import write_spec
from symlearn.stages.datasets import main as datasets_main

pytestmark = pytest.mark.workflow

EPOCHS = 30
SMALL = {
    "n": [4], "networks": ["mlp"], "images": 50, "left_out": [2, 7], "epochs": EPOCHS, "batch": 16,
}  # fmt: skip


def cell_of(shipped, **changes):
    shipped["presets"]["quick"]["partial"] = {**SMALL, **changes}
    (cell,) = parse(shipped).call(wings.studies()["partial"])
    return cell


def start(results, cell, *options):
    """The stage as a process, on a data set that is there."""
    data = cell.inputs[0]
    written = results / "datasets" / f"{data.name}.nc"
    if not written.exists():
        datasets_main(["--spec", str(write_spec(results, data)), "--out", str(written)])
    out = results / "networks" / f"{cell.name}.nc"
    spec = write_spec(results, cell)
    command = ["-m", "symlearn", "networks", "--spec", spec, "--out", out, "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *command, *options], stderr=subprocess.PIPE, text=True, env=environment
    ), out  # fmt: skip


def run(results, cell, *options):
    process, out = start(results, cell, *options)
    _, said = process.communicate(timeout=300)
    return process.returncode, said, out


def content(out):
    return out.read_bytes(), out.with_suffix(".safetensors").read_bytes()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, shipped_text):
    import yaml

    cell = cell_of(yaml.safe_load(shipped_text))
    status, said, out = run(tmp_path_factory.mktemp("unbroken"), cell)
    assert status == 0, said
    return out


@pytest.mark.slow
def test_a_killed_run_ends_as_an_unbroken_one(unbroken, shipped, tmp_path):
    cell = cell_of(shipped)
    process, out = start(tmp_path, cell, "--checkpoint-seconds", "0")
    checkpoints = out.with_suffix(".checkpoints")
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("*/*/epoch00000[3-9].safetensors")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not out.exists()
    status, said, _ = run(tmp_path, cell)
    assert status == 0, said
    assert "goes on from epoch0000" in said
    assert content(out) == content(unbroken)
    assert not checkpoints.exists()


@pytest.mark.slow
def test_a_truncated_checkpoint_costs_an_epoch_and_no_number(unbroken, shipped, tmp_path):
    cell = cell_of(shipped)
    process, out = start(tmp_path, cell, "--checkpoint-seconds", "0")
    checkpoints = out.with_suffix(".checkpoints")
    while len(found := sorted(checkpoints.glob("*/*/epoch*.safetensors"))) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    found = sorted(checkpoints.glob("*/*/epoch*.safetensors"))
    found[-1].write_bytes(found[-1].read_bytes()[:1000])
    status, said, _ = run(tmp_path, cell)
    assert status == 0, said
    assert "goes back to the checkpoint before it" in said
    assert content(out) == content(unbroken)


def test_history_and_weights_hold_what_was_trained(unbroken):
    result = store.read(unbroken, "networks")
    assert dict(result.sizes) | {"member": 2, "epoch": EPOCHS + 1} == dict(result.sizes)
    assert result["left_out"].values.tolist() == [2, 7]
    accuracy = result["train_accuracy"].values
    assert (accuracy[:, -1] > accuracy[:, 0] + 0.3).all()
    record = json.loads(unbroken.with_name(unbroken.name + ".json").read_text())
    assert record["precision"] == "float32"
    assert record["device"].startswith("cpu, ")
    weights, metadata = read_tensors(unbroken.with_suffix(".safetensors"))
    (about,) = json.loads(metadata["about"]).values()
    assert about["spec"] == store.spec_of(result)
    assert {value.shape[0] for value in weights.values()} == {2}


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"learning_rate": 1e30}, (), "the loss of network 0 is nan in epoch 1"),
        ({}, ("--device", "cuda"), "the device cuda was asked for and is not there"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(shipped, tmp_path, changes, options, message):
    status, said, out = run(tmp_path, cell_of(shipped, **changes), *options)
    assert status == 1
    errors = [line for line in said.splitlines() if "error" in line]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in said
    assert not out.exists()
    assert not out.with_suffix(".safetensors").exists()
