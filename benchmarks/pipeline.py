"""Snakemake's own cost: a dry run of the paper preset, its jobs, a run with nothing to do."""

import sys
import tempfile
import time
from pathlib import Path

from common import machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from workflow.project import Project, shrink

SMALL = "fig4"


def main() -> None:
    """Print the times of each, on a copy of the project whose quick preset is all overhead."""
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project")
        project.edit(shrink)
        start = snakemake(project, "--version")[0]
        first, _ = snakemake(project, "-n", "--config", "preset=paper")  # writes the specs
        planned, output = snakemake(project, "-n", "--config", "preset=paper")
        print(f"snakemake --version: {start:.2f} s")
        print(f"snakemake -n of the paper preset: {planned:.2f} s, {jobs(output)} jobs")
        print(f"the first time, in a new folder: {first:.2f} s")
        count = jobs(snakemake(project, "-n", SMALL)[1])
        took, _ = snakemake(project, "--cores", "1", SMALL)
        again, output = snakemake(project, "--cores", "1", SMALL)
        print(f"{SMALL}, small: {count} jobs in {took:.2f} s, {took / count:.2f} s for each")
        print(f"again, nothing to do ({'Nothing to be done' in output}): {again:.2f} s")


def snakemake(project: Project, *arguments: str) -> tuple[float, str]:
    """The wall time and the output of a run, which must succeed."""
    start = time.perf_counter()
    done = project.snakemake(*arguments)
    if done.returncode:
        sys.exit(done.stdout)
    return time.perf_counter() - start, done.stdout


def jobs(output: str) -> int:
    """The total of Snakemake's table of jobs."""
    return next(int(line.split()[1]) for line in output.splitlines() if line.startswith("total"))


if __name__ == "__main__":
    main()
