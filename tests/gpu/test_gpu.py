"""On a GPU: every kind of network, checkpoints, kernels and measures, against the CPU.

Training on a GPU rounds in another order, so that numbers agree to a tolerance: after a few steps
losses to 1e-3 of themselves. Networks with dropout draw other masks there, and are held to learn.
Measures and kernels are in double precision and agree to 1e-9.
"""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import yaml

import symlearn
from symlearn import plan
from symlearn.__main__ import main
from symlearn.config import overlaid, parse
from symlearn.pipeline import store
from symlearn.pipeline.specs import input_files, write_spec

DEVICE = "cuda"
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch sees no GPU (CUDA) on this machine"
)
# Networks of each kind on 8 x 8 digits, a few steps each.
NETWORKS = [
    "fully-connected", "lenet", "cnn", "resnet8-8", "vgg11-bn-narrow", "efficientnet-b0-narrow",
    "vit-plain-32", "mlp", "vit-48",
]  # fmt: skip
WITH_DROPOUT = ("vit-48",)
SMALL = {
    "dataset": {"name": "digits", "upsampling": 4},
    "lie_models": {
        "networks": NETWORKS, "train": 200, "test": 40, "images": 4, "epochs": 2, "batch": 50,
    },
    "trained_pairs": {"n": 4, "pairs": 2, "width": 8, "steps": 4},
    "trained_classes": {"n": [2], "epochs": 2},
    "classes": {"n": [2], "seeds_per_class": 2},
}  # fmt: skip


def cells_of_networks():
    """The jobs that train networks, by study and network, of a config of few steps."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    raw["presets"]["quick"] = overlaid(raw["presets"]["quick"], SMALL)
    wanted = ["lie-models", "fig5", "fig6"]
    figures = plan.figures(parse(raw), wanted)
    found = {}
    for job in plan.all_jobs(figures[name] for name in wanted):
        for cell in job.makes if job.stage == "networks" else ():
            name = cell.labels.get("network") or cell.labels.get("architecture")
            found.setdefault(f"{cell.settings['study']}-{name}", job)
    return found


CELLS = cells_of_networks()


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder with the inputs of all cells, made by their stages on the CPU."""
    results = tmp_path_factory.mktemp("gpu") / "results" / "quick"
    for job in plan.all_jobs(CELLS.values()):
        if job.stage != "networks":
            spec, out = write_spec(results, job), results / job.stage / f"{job.name}.nc"
            assert main([job.stage, "--spec", str(spec), "--out", str(out)]) == 0
    return results


def train(results, job, device, *options):
    """The histories of a job's parts, trained on a device."""
    spec, out = write_spec(results, job), results / device / f"{job.name}.nc"
    assert all(file.exists() for file in input_files(results, job.spec))
    arguments = ["--spec", str(spec), "--out", str(out), "--device", device, *options]
    assert main(["networks", *arguments]) == 0
    return store.read_groups(out) if job.parts else {"": store.read(out)}


@pytest.mark.parametrize("kind", CELLS)
def test_a_network_is_trained_as_on_the_cpu(data, kind):
    ours, theirs = (train(data, CELLS[kind], device) for device in (DEVICE, "cpu"))
    for part, history in ours.items():
        names = [str(name) for name in history.data_vars if str(name).endswith("loss")]
        assert names
        for name in names:
            losses, expected = (
                each[name].transpose("member", "epoch").values for each in (history, theirs[part])
            )
            assert np.isfinite(losses).all()
            if kind.endswith(WITH_DROPOUT):
                assert (losses[:, -1] < losses[:, 0]).all()
            else:
                np.testing.assert_allclose(losses, expected, rtol=1e-3, atol=1e-6)


def test_a_checkpoint_of_one_device_is_none_of_another(data):
    """A job that was stopped on the GPU and goes on elsewhere gives the numbers of elsewhere."""
    job = CELLS["lie-models-fully-connected"]
    whole = train(data, job, "cpu")
    out = data / "moved" / f"{job.name}.nc"
    spec = write_spec(data, job)
    arguments = ["networks", "--spec", str(spec), "--out", str(out), "--checkpoint-seconds", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "symlearn", *arguments, "--device", DEVICE], cwd=ROOT / "src"
    )
    folder = out.with_suffix(".checkpoints")
    while process.poll() is None and not any(folder.rglob("*.safetensors")):
        pass
    process.kill()
    process.wait()
    assert main([*arguments, "--device", "cpu"]) == 0
    moved = store.read_groups(out) if job.parts else {"": store.read(out)}
    for part, history in moved.items():
        xr.testing.assert_identical(history, whole[part])


def test_two_jobs_share_a_device(data):
    jobs = [CELLS["lie-models-lenet"], CELLS["lie-models-fully-connected"]]
    processes = []
    for job in jobs:
        spec, out = write_spec(data, job), data / "shared" / f"{job.name}.nc"
        command = ["networks", "--spec", str(spec), "--out", str(out), "--device", DEVICE]
        processes.append(
            subprocess.Popen([sys.executable, "-m", "symlearn", *command], cwd=ROOT / "src")
        )
    assert [process.wait(timeout=600) for process in processes] == [0, 0]


def test_too_little_memory_is_one_line(data, capsys):
    job = CELLS["lie-models-resnet8-8"]
    spec, out = write_spec(data, job), data / "small" / f"{job.name}.nc"
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-6)
    try:
        arguments = ["--spec", str(spec), "--out", str(out), "--device", DEVICE]
        assert main(["networks", *arguments]) == 1
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert errors[0].startswith("symlearn networks: error: ")


@pytest.mark.parametrize(
    ("measure", "options"),
    [
        ("lie_error", {"generators": ["rotate", "translate_x"]}),
        ("layer_errors", {}),
        ("relative_stability", {"draws": 2}),
        ("invariance", {}),
    ],
)
def test_measures_are_those_of_the_cpu(measure, options):
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(),
        torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(256, 5),
    ).double().eval()  # fmt: skip
    images = torch.rand(4, 1, 16, 16, dtype=torch.float64)
    function = getattr(symlearn, measure)
    here = function(network, images, **options)
    there = function(copy.deepcopy(network).to(DEVICE), images.to(DEVICE), **options)
    xr.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", ["mlp-1", "cnn-fc-3", "cnn-gap-3"])
def test_kernels_on_the_gpu_are_those_of_the_cpu(name):
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    try:
        gpu = jax.devices("gpu")[0]
    except RuntimeError:
        pytest.skip("this JAX has no GPU")
    from symlearn.kernels import gram

    images = np.random.default_rng(0).random((8, 12, 12))
    found = []
    for device in (jax.devices("cpu")[0], gpu):
        with jax.default_device(device):
            found.append(gram(name, images))
    np.testing.assert_allclose(*found, rtol=1e-9)
