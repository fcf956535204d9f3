"""A job that trains the networks of several cells: their weights in one file, and a killed run."""

import json
import logging
import warnings
from dataclasses import replace

import pytest
import torch

from symlearn.errors import StoreError
from symlearn.networks.checkpoints import Checkpoints, read_metadata, read_tensors
from symlearn.networks.trained import split_inputs, trained
from symlearn.pipeline import store
from symlearn.pipeline.provenance import read_record
from symlearn.pipeline.specs import Cell, weight_files, write_spec
from symlearn.pipeline.stage import Inputs
from symlearn.stages import networks
from symlearn.stages.datasets import main as datasets_main
from symlearn.stages.networks import Training

DATA = Cell("datasets", "digits", {"name": "digits"})
EPOCHS = 4


def cell(slug, **recipe):
    settings = {
        "network": {"kind": "perceptron", "widths": [6], "dropout": 0.0},
        "problem": {
            "kind": "classification", "preparation": {"upsampling": 1, "padding": 0},
            "train": 40, "test": 20, "seeds": [0, 1],
        },
        "recipe": {
            "optimizer": "sgd", "epochs": EPOCHS, "batch": 10, "learning_rate": 0.1,
            "momentum": 0.9, "weight_decay": 0.0, "centred": False, **recipe,
        },
        "seed": 7,
        "labels": {"network": slug},
    }  # fmt: skip
    return Cell("networks", slug, settings, (DATA,), together="both")


PARTS = (cell("fast"), cell("slow", learning_rate=0.01, snapshots=[2]))
JOB = Cell("networks", "both", {}, parts=PARTS)
FAST, SLOW = (replace(part, within=JOB) for part in PARTS)


@pytest.fixture(autouse=True)
def untouched_warnings(monkeypatch):
    """A stage sends warnings to its log; here they go back to where they were."""
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    yield
    logging.captureWarnings(False)


def output(results, one):
    return results / one.stage / f"{one.name}.nc"


def run(results, one, *more):
    if not output(results, DATA).exists():
        spec = write_spec(results, DATA)
        assert datasets_main(["--spec", str(spec), "--out", str(output(results, DATA))]) == 0
    options = ["--spec", str(write_spec(results, one)), "--out", str(output(results, one))]
    return networks.main([*options, "--device", "cpu", *more])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Of the job, and of each of its parts alone."""
    folder = tmp_path_factory.mktemp("results")
    for one in (JOB, *PARTS):
        assert run(folder, one) == 0
    return folder


def assert_same(one, other):
    for a, b in zip(one.networks(), other.networks(), strict=True):
        assert torch.equal(
            torch.cat([p.flatten() for p in a.parameters()]),
            torch.cat([p.flatten() for p in b.parameters()]),
        )


@pytest.mark.parametrize("order", [(FAST, SLOW), (SLOW, FAST)])
def test_a_study_of_parts_gets_the_weights_of_each(results, order):
    spec = Cell("studies", "measured", {"study": "s", "module": "m"}, (*order, DATA)).spec
    read = Inputs(results)
    inputs = [read(reference) for reference in spec["inputs"]]
    found, others = split_inputs(inputs, weight_files(results, spec))
    assert [one.labels["network"] for one in found] == [part.slug for part in order]
    assert [store.spec_of(one) for one in others] == [DATA.spec]
    for one, part in zip(found, order, strict=True):
        file = output(results, replace(part, within=None))
        alone = trained(store.read(file), file.with_suffix(".safetensors"))
        assert_same(one, alone)
        assert one.snapshots == alone.snapshots
    with pytest.raises(AssertionError):
        assert_same(*found)


def test_weights_of_all_parts_are_one_file_that_says_whose_each_is(results):
    path = output(results, JOB).with_suffix(".safetensors")
    about = json.loads(read_metadata(path)["about"])
    assert {part: entry["spec"] for part, entry in about.items()} == {
        "0/": FAST.spec, "1/": SLOW.spec,
    }  # fmt: skip
    tensors, _ = read_tensors(path)
    for number, part in enumerate(PARTS):
        alone, _ = read_tensors(output(results, part).with_suffix(".safetensors"), "0/")
        here, _ = read_tensors(path, f"{number}/")
        assert here.keys() == alone.keys()
        assert all(torch.equal(here[name], alone[name]) for name in alone)
        tensors = {name: t for name, t in tensors.items() if not name.startswith(f"{number}/")}
    assert not tensors
    record = read_record(output(results, JOB))
    assert (record["spec"], record["precision"]) == (JOB.spec, "float32")
    assert record["device"].startswith("cpu, ")
    assert not output(results, JOB).with_suffix(".checkpoints").exists()


def test_a_part_of_another_job_is_refused(results):
    history = store.read(output(results, PARTS[0]))
    other = output(results, PARTS[1]).with_suffix(".safetensors")
    with pytest.raises(StoreError, match="holds the weights of other networks"):
        trained(history, other)


class Killed(BaseException):
    """The end of a process, as far as a test can have one."""


def train(results, out, folder_of_death=None):
    """The parts as the stage trains them; killed in epoch 2 of those with checkpoints there."""
    training, read = Training(out, "cpu", seconds=0.0), Inputs(results)
    keep = Checkpoints.keep

    def dying(self, run, *, last):
        keep(self, run, last=last)
        if self.folder.parent.name == folder_of_death and run.epoch == 2:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "keep", dying)
        histories = [
            training.compute(part.spec, [read(reference) for reference in part.spec["inputs"]])
            for part in PARTS
        ]
    training.finish()
    return histories


def test_a_killed_job_goes_on_in_the_part_that_it_was_in(results, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="symlearn")
    whole, broken = tmp_path / "whole.nc", tmp_path / "broken.nc"
    expected = train(results, whole)
    with pytest.raises(Killed):
        train(results, broken, folder_of_death="1")
    checkpoints = broken.with_suffix(".checkpoints")
    assert sorted(path.name for path in checkpoints.iterdir()) == ["0", "1"]
    assert not broken.with_suffix(".safetensors").exists()
    caplog.clear()
    found = train(results, broken)
    went_on = [line for line in caplog.messages if line.startswith("goes on from")]
    assert went_on == [
        f"goes on from epoch{epoch:06d}.safetensors, epoch {epoch}" for epoch in (EPOCHS, 2)
    ]
    for one, other in zip(found, expected, strict=True):
        assert one.identical(other)
    files = [path.with_suffix(".safetensors").read_bytes() for path in (whole, broken)]
    assert files[0] == files[1]
    assert not checkpoints.exists()


def test_a_part_that_fails_leaves_no_result_and_the_checkpoints_of_those_before_it(
    results, tmp_path, capsys
):
    wrong = Cell("networks", "both", {}, parts=(PARTS[0], cell("wild", learning_rate=1e30)))
    assert run(tmp_path, wrong, "--checkpoint-seconds", "0") == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert "the loss of network 0 is nan" in errors[0]
    made = sorted(path.name for path in output(tmp_path, wrong).parent.iterdir())
    assert made == [f"{wrong.name}.checkpoints"]
    assert list(output(tmp_path, wrong).with_suffix(".checkpoints").glob("0/*/epoch000004.*"))
