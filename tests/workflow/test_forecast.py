"""What the forecast says would run, and why, against what Snakemake plans."""

import re
import shutil

import pytest

from .project import Project

pytestmark = pytest.mark.workflow
RULES = {
    "datasets": "fetch_dataset",
    "orbits": "build_orbits",
    "kernels": "compute_kernel",
    "studies": "compute_study",
    "figures": "fig9",
}


@pytest.fixture
def copy(drawn, tmp_path):
    """A finished project that a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(drawn.folder, folder, symlinks=True)
    fresh = object.__new__(Project)
    fresh.folder = folder
    return fresh


BOTH = """
from symlearn.forecast.__main__ import main
main(["fig9", "--cores", "2"])
main(["--why", "fig9"])
"""


def foreseen(project):
    """How many jobs of each rule the forecast lists, and what else is printed."""
    done = project.python("-c", BOTH)
    assert done.returncode == 0, done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    return {RULES[r[0]]: int(r[1]) for r in rows if r[0] in RULES and r[1] != "0"}, done.stdout


def grow(config):
    config["presets"]["quick"]["rotations"]["n"] = [2, 4, 8]


def reseed(config):
    config["presets"]["quick"]["seed"] += 1


def edit(project, name):
    path = project.folder / "src/symlearn" / name
    path.write_text(path.read_text() + "\nUNUSED = 1\n")


def damage(project, pattern):
    path = sorted(project.folder.glob(pattern))[0]
    path.write_bytes(path.read_bytes() + b"x")


def remove(project, pattern):
    for path in project.folder.glob(pattern):
        path.unlink()


CHANGES = {
    "what nothing needs": (lambda p: remove(p, "results/quick/orbits/*"), "fig9 is up to date"),
    "a grid": (lambda p: p.edit(grow), r"presets\.quick\.rotations: .*n 8.* added"),
    "the seed": (lambda p: p.edit(reseed), r"presets\.quick\.seed: 124 -> 125"),
    "a module": (
        lambda p: edit(p, "theory/geometry.py"),
        r"changed +src/symlearn/theory/geometry\.py\n"
        r"(?:.*\n)*? +imported by +src/symlearn/studies/pairs\.py\n"
        r" +remakes +results/quick/studies/pairs-.*\.nc\n +remakes +figures/quick/fig9\.pdf\n",
    ),
    "a file of the figure": (
        lambda p: remove(p, "figures/quick/fig9.png"),
        r"missing +figures/quick/fig9\.png\n",
    ),
    "a source of what is gone": (
        lambda p: [remove(p, "results/quick/kernels/*"), edit(p, "studies/pairs.py")],
        r"changed +src/symlearn/studies/pairs\.py",
    ),
    "a result": (
        lambda p: damage(p, "results/quick/studies/pairs-*.nc"),
        r"changed +results/quick/studies/pairs-.*\.nc\n +remakes +figures/quick/fig9\.pdf",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_forecast_is_what_snakemake_plans_and_says_why(copy, change):
    act, expected = CHANGES[change]
    act(copy)
    jobs, printed = foreseen(copy)
    assert re.search(expected, printed), printed
    assert jobs == copy.planned("fig9")
