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

import yaml

ROOT = Path(__file__).parents[2]
COPIED = (
    "Snakefile", "Makefile", "README.md", "CITATION.cff", "config.yaml", "claims.yaml",
    "pyproject.toml", "workflow", "envs", "src",
)  # fmt: skip
RINGS = {"n": [4, 8], "separations": [0, 1], "ridge_factor": 1.0e-5}


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
        return subprocess.run(
            [sys.executable, *arguments],
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


def shrink(config: dict[str, Any]) -> None:
    """The quick preset with grids so small that a figure takes seconds."""
    quick = config["presets"]["quick"]
    quick["rings"] = RINGS
    for study in ("rotations", "dihedral", "precision"):
        quick[study] |= {"n": [2, 4], "pairs": 3, "architectures": ["mlp-1"]}
    quick["shifts"] |= {"n": [2, 4], "pairs": 3}
    quick["seeds"] |= {"n": [2], "seeds_per_class": 2, "draws": 3}
    quick["classes"] |= {"n": [2], "seeds_per_class": 2}
    quick["portrait"] |= {"poses": 8}
    quick["partial"] |= {
        "n": [2],
        "networks": ["mlp"],
        "images": 20,
        "left_out": [2, 7],
        "epochs": 1,
    }
    quick["long_training"] |= {"network": "mlp", "images": 20, "epochs": 2}
    quick["trained_pairs"] |= {"n": 4, "pairs": 2, "width": 8, "steps": 2}
    quick["trained_classes"] |= {"n": [2], "epochs": 1}
    quick["widths"] |= {"n": [4], "pairs": 2, "widths": [4, 8], "steps": 2}
    quick["stability_samples"] |= {"fields": 10}
    quick["stability"] |= {"images": 20, "draws": 1}
    task = quick["stability"]["tasks"][0]
    task |= {
        "networks": ["fully-connected"],
        "points": [20, 40],
        "test": 20,
        "steps": 2,
        "batch": 20,
    }
    few = [{"points": 16, "seeds": 2}, {"points": 32, "seeds": 2}]
    quick["stripe_training"] |= {"width": 60, "test_points": 200, "checks": few[0]}
    quick["stripe_training"] |= {"feature": few, "cylinder": few, "lazy": few, "kernel": few}
    quick["lie_aliasing"] |= {"draws": 2, "phases": 50}
    family = {"group": "cyclic-rotation", "n": 4, "strengths": [1], "weight_decays": [1]}
    quick["invariance"] |= {
        "train": 60,
        "test": 20,
        "images": 10,
        "seeds": 2,
        "epochs": 2,
        "families": [{"network": "mlp-128", "tied": ["pooled"], **family}],
        "shifts": ["noise"],
        "shift_strengths": [1],
        "snapshots": [0, 1],
    }
    quick["lie_models"] |= {"networks": ["fully-connected"], "train": 100, "test": 40}
    quick["lie_models"] |= {"images": 4, "draws": 1, "epochs": 1}
    quick["lie_layers"] |= {"networks": ["fully-connected"], "images": 2}
    quick["lie_partial"] |= {"images": 2}
    sizes = {"n": [2, 4], "pairs": [1, 2], "padding": [0, 1], "width": [4, 8], "jobs": [1, 2]}
    quick["speed"] |= {**sizes, "cores": [1]}


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
