"""A run with every rule in it, killed again and again."""

import random
import subprocess
import time

import pytest

from .project import Project, end_session, shrink

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

_KILLS = 30
_START = 3.0  # seconds that Snakemake takes to its first job


def test_a_run_killed_thirty_times_ends_as_an_unbroken_one(project, tmp_path):
    unbroken = Project(tmp_path / "unbroken")
    unbroken.edit(shrink)
    started = time.monotonic()
    unbroken.run()
    # On any machine thirty attempts end before the run does, and share it out among them.
    longest = _START + 2 * (time.monotonic() - started) / _KILLS
    rng = random.Random(0)
    arguments = ["--cores", "2", "--rerun-incomplete"]
    progress = set()
    for _ in range(_KILLS):
        process = project.start(*arguments)
        try:
            output, _ = process.communicate(timeout=rng.uniform(0, longest))
        except subprocess.TimeoutExpired:
            end_session(process)
        else:
            assert process.returncode == 0, output
            break  # it came to its end between two kills
        assert project.snakemake("--unlock").returncode == 0
        progress.add(len(project.results()))
    project.run("--rerun-incomplete")
    assert project.planned() == {}
    assert len(progress) > _KILLS // 3  # the kills were spread over the run
    assert _numbers(project) == _numbers(unbroken)


def _numbers(project):
    """The bytes of results and of plotted data, but for times that were measured."""
    figures = (project.folder / "figures").glob("*/*.nc")
    found = project.results() | {path.name: path.read_bytes() for path in figures}
    return {name: content for name, content in found.items() if "speed" not in name}
