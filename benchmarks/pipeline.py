"""Snakemake's own cost: a dry run of the paper preset, its jobs, a run with nothing to do."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from common import machine

ROOT = Path(__file__).parents[1]
COPIED = ("Snakefile", "config.yaml", "claims.yaml", "pyproject.toml", "workflow", "envs", "src")
SMALL = "fig4"


def main() -> None:
    """Print the times of each, on a copy of the project whose quick preset is small."""
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder))
        start = snakemake(project, "--version")[0]
        snakemake(project, "-n", "--config", "preset=paper")  # writes the specs
        planned, output = snakemake(project, "-n", "--config", "preset=paper")
        print(f"snakemake --version: {start:.2f} s")
        print(f"snakemake -n of the paper preset: {planned:.2f} s, {jobs(output)} jobs")
        count = jobs(snakemake(project, "-n", SMALL)[1])
        first, _ = snakemake(project, "--cores", "1", SMALL)
        again, output = snakemake(project, "--cores", "1", SMALL)
        print(f"{SMALL}, small: {count} jobs in {first:.2f} s, {first / count:.2f} s for each")
        print(f"again, nothing to do ({'Nothing to be done' in output}): {again:.2f} s")


def copy_project(folder: Path) -> Path:
    """A copy of the project with tiny grids, so that a job is all overhead."""
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)
    (folder / "profiles").symlink_to("workflow/profiles")
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["presets"]["quick"]["rotations"] |= {"n": [2, 4], "pairs": 4}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def snakemake(folder: Path, *arguments: str) -> tuple[float, str]:
    """The wall time and the output of a run, which must succeed."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - start, done.stdout + done.stderr


def jobs(output: str) -> int:
    """The total of Snakemake's table of jobs."""
    return next(int(line.split()[1]) for line in output.splitlines() if line.startswith("total"))


if __name__ == "__main__":
    main()
