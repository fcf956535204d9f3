"""A copy of the project to run Snakemake in, so that tests may edit it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from symlearn.config import overlaid
from symlearn.pipeline.submission import taken_apart

ROOT = Path(__file__).parents[2]
COPIED = (
    "Snakefile", "Makefile", "README.md", "CITATION.cff", "LICENSE", "CHANGELOG.md",
    "config.yaml", "pyproject.toml", "workflow", "envs", "src", "tests",
)  # fmt: skip
submits = pytest.mark.skipif(
    taken_apart(sys.executable),
    reason="Snakemake does not quote the environment's path in submitted jobs",
)
_FEW_PAIRS = {"n": [2, 4], "pairs": 3, "architectures": ["mlp-1"]}
_FEW_POINTS = [{"points": 16, "seeds": 2}, {"points": 32, "seeds": 2}]
# What `shrink` lays over the quick preset: mappings are merged, lists are replaced.
SMALL: dict[str, Any] = {
    "rings": {"n": [4, 8], "separations": [0, 1], "ridge_factor": 1.0e-5},
    "portrait": {"poses": 8},
    "rotations": _FEW_PAIRS,
    "dihedral": _FEW_PAIRS,
    "precision": _FEW_PAIRS,
    "shifts": {"n": [2, 4], "pairs": 3},
    "softness": {"width": 4, "pairs": 2},
    "seeds": {"n": [2], "seeds_per_class": 2, "draws": 3},
    "classes": {"n": [2], "seeds_per_class": 2},
    "partial": {"n": [2], "networks": ["mlp"], "images": 20, "left_out": [2, 7], "epochs": 1},
    "long_training": {"network": "mlp", "images": 20, "epochs": 2},
    "trained_pairs": {"n": 4, "pairs": 2, "width": 8, "steps": 2},
    "self_supervised": {
        "n": [4],
        "seeds_per_class": 3,
        "dimensions": [2, 15],
        "orbits": [10, 28],
        "unlabelled": [0, 10],
        "gains": [0, 1],
    },
    "without_labels": {"draws": 1, "partial": [2], "steps": 2, "labelled_steps": 2},
    "trained_poses": {"architectures": [], "n": [4], "pairs": 2},
    "trained_classes": {"n": [2], "epochs": 1},
    "widths": {"n": [4], "pairs": 2, "widths": [4, 8], "steps": 2},
    "stability_samples": {"fields": 10},
    "stability": {
        "tasks": [
            {
                "dataset": "digits",
                "networks": ["fully-connected"],
                "points": [20, 40],
                "test": 20,
                "seeds": 3,
                "steps": 2,
                "batch": 20,
            }
        ],
        "images": 20,
        "draws": 1,
    },
    "stability_networks": {
        "dataset": "digits",
        "networks": ["fully-connected"],
        "points": 20,
        "test": 20,
        "seeds": 3,
        "steps": 2,
        "batch": 20,
        "images": 20,
        "draws": 1,
    },
    "stability_displacement": {"images": 20, "displacements": [0.5, 1], "cutoffs": [3]},
    "stripe_training": {
        "width": 60,
        "test_points": 200,
        **dict.fromkeys(("feature", "cylinder", "lazy", "kernel"), _FEW_POINTS),
        "checks": _FEW_POINTS[0],
    },
    "lie_aliasing": {"draws": 2, "phases": 50},
    "invariance": {
        "train": 60,
        "test": 20,
        "images": 10,
        "seeds": 2,
        "epochs": 2,
        "families": [
            {
                "network": "mlp-128",
                "group": "cyclic-rotation",
                "n": 4,
                "strengths": [1],
                "tied": ["pooled"],
                "weight_decays": [1],
            }
        ],
        "shifts": ["noise"],
        "shift_strengths": [1],
        "snapshots": [0, 1],
    },
    "lie_models": {
        "networks": ["fully-connected"],
        "train": 100,
        "test": 40,
        "images": 4,
        "draws": 1,
        "epochs": 1,
    },
    "lie_layers": {"networks": ["fully-connected"], "images": 2},
    "lie_partial": {"images": 2},
    "speed": {
        "n": [2, 4],
        "pairs": [1, 2],
        "padding": [0, 1],
        "width": [4, 8],
        "jobs": [1, 2],
        "cores": [1],
    },
}


class Project:
    """A copy of the project in a folder of its own, with its own package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source,
                    folder / name,
                    ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
                )
            else:
                shutil.copy2(source, folder / name)
        (folder / "profiles").symlink_to("workflow/profiles")

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which this copy's package is the one that is imported."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**os.environ, "PYTHONPATH": str(self.folder / "src"), "PATH": path}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake in the copy, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake in the copy to its end."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=2400)
        return subprocess.CompletedProcess(arguments, process.returncode, output, None)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy, with its package."""
        return self._command(sys.executable, *arguments)

    def shell(self, lines: str) -> subprocess.CompletedProcess[str]:
        """Run lines as a person would type them, each of which must succeed."""
        return self._command("bash", "-euo", "pipefail", "-c", lines)

    def _command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def run(self, *targets: str) -> str:
        """Run Snakemake, which must succeed."""
        done = self.snakemake("--cores", "2", *targets)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def planned(self, *targets: str) -> dict[str, int]:
        """How many jobs of each rule a dry run would start."""
        done = self.snakemake("-n", *targets)
        assert done.returncode == 0, done.stdout
        return job_counts(done.stdout)

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the copy's config."""
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text())
        change(config)
        path.write_text(yaml.safe_dump(config))

    def results(self) -> dict[str, bytes]:
        """The bytes of all NetCDF files made so far."""
        files = (self.folder / "results").glob("*/*/*.nc")
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


def job_counts(output: str) -> dict[str, int]:
    """The table of jobs that Snakemake prints, without its total."""
    if "Job stats:" not in output:
        assert "Nothing to be done" in output, output
        return {}
    table = output.split("Job stats:")[1].split("total")[0].splitlines()
    rows = [line.split() for line in table if line.strip() and not line.startswith(("job", "-"))]
    return {name: int(count) for name, count in rows}


def copied(project: Project, folder: Path) -> Project:
    """A finished project once more, which a test may change."""
    shutil.copytree(project.folder, folder, symlinks=True)
    fresh = object.__new__(Project)
    fresh.folder = folder
    return fresh


def shrink(config: dict[str, Any]) -> None:
    """The quick preset with grids so small that a figure takes seconds."""
    presets = config["presets"]
    presets["quick"] = overlaid(presets["quick"], SMALL)


def end_session(process: subprocess.Popen[str]) -> None:
    """Kill Snakemake and all its jobs at once, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait until a condition holds; fail after a while."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
