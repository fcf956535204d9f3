"""What the forecast says would run, and why, against what Snakemake plans."""

import os
import re
import shutil
import time

import pytest
import yaml

from .project import Project

pytestmark = pytest.mark.workflow
RULES = {
    "datasets": "fetch_dataset",
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
import sys
from symlearn.tools.forecast.command import main
main(["fig9", "--cores", "2", *sys.argv[1:]])
main(["--why", "fig9", *sys.argv[1:]])
"""


def foreseen(project, *options):
    """How many jobs of each rule the forecast lists, and what else is printed."""
    done = project.python("-c", BOTH, *options)
    assert done.returncode == 0, done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    return {RULES[r[0]]: int(r[1]) for r in rows if r[0] in RULES and r[1] != "0"}, done.stdout


def grow(config):
    config["presets"]["quick"]["rotations"]["n"] = [2, 4, 8]


def reseed(config):
    config["presets"]["quick"]["seed"] = config["base"]["seed"] + 1


def edit(project, name, line="UNUSED = 1"):
    path = project.folder / "src/symlearn" / name
    path.write_text(path.read_text() + f"\n{line}\n")


def damage(project, pattern):
    path = sorted(project.folder.glob(pattern))[0]
    path.write_bytes(path.read_bytes() + b"x")


def remove(project, pattern):
    for path in project.folder.glob(pattern):
        path.unlink()


def forget(project):
    shutil.rmtree(project.folder / ".snakemake")


def renew(project, *patterns):
    """Files as if they were written just now, one pattern after the other."""
    for second, pattern in enumerate(patterns, 10):
        for path in project.folder.glob(pattern):
            os.utime(path, (time.time() + second,) * 2)


def come_from_other_sources(project):
    """Results copied here whose sources are others, after the sources here were looked at."""
    edit(project, "theory/geometry.py")
    project.planned("fig9")
    forget(project)
    stages = [f"results/quick/{stage}/*" for stage in ("datasets", "kernels", "studies")]
    renew(project, *stages, "results/quick/benchmarks/*/*", "figures/quick/*")


CHANGES = {
    "Snakemake's records": (forget, "Not recorded in .snakemake: 4 results"),
    "the records, and files copied in another order": (
        lambda p: [forget(p), renew(p, "results/quick/kernels/*.nc")],
        r"newer +results/quick/kernels/.*\n +remakes +results/quick/studies/",
    ),
    "the records, and an edited module": (
        lambda p: [forget(p), edit(p, "theory/geometry.py")],
        r"changed +src/symlearn/theory/geometry\.py",
    ),
    "the records, and what an archive of figures leaves out": (
        lambda p: [
            forget(p),
            *(remove(p, f"results/quick/{name}/*") for name in ("kernels", "code", "specs/*")),
        ],
        "newer +results/quick/",
    ),
    "the records and the sidecars": (
        lambda p: [forget(p), remove(p, "results/quick/[dks]*/*.nc.json")],
        "fig9 is up to date",
    ),
    "the records, of other sources": (come_from_other_sources, "fig9 is up to date"),
    "the sidecars": (lambda p: remove(p, "results/quick/*/*.nc.json"), "fig9 is up to date"),
    "the figure's benchmark": (
        lambda p: remove(p, "results/quick/benchmarks/figures/*"),
        r"missing +results/quick/benchmarks/figures/fig9\.tsv",
    ),
    "the time of all results": (
        lambda p: renew(p, "results/quick/kernels/*", "results/quick/datasets/*"),
        "fig9",
    ),
    "what nothing needs": (lambda p: remove(p, "results/quick/kernels/*"), "fig9 is up to date"),
    "a grid": (lambda p: p.edit(grow), r"presets\.quick\.rotations: .*n 8.* added"),
    "the seed": (lambda p: p.edit(reseed), r"presets\.quick\.seed: 124 -> 125"),
    "a comment": (
        lambda p: edit(p, "papers/orbits/pairs.py", "# Nothing is computed otherwise."),
        "fig9 is up to date",
    ),
    "a module": (
        lambda p: edit(p, "theory/geometry.py"),
        r"changed +src/symlearn/theory/geometry\.py\n"
        r"(?:.*\n)*? +imported by +src/symlearn/papers/orbits/pairs\.py\n"
        r" +remakes +results/quick/studies/rotations-.*\.nc\n +remakes +figures/quick/fig9\.pdf\n",
    ),
    "a file of the figure": (
        lambda p: remove(p, "figures/quick/fig9.png"),
        r"missing +figures/quick/fig9\.png\n",
    ),
    "a source of what is gone": (
        lambda p: [remove(p, "results/quick/kernels/*"), edit(p, "papers/orbits/pairs.py")],
        r"changed +src/symlearn/papers/orbits/pairs\.py",
    ),
    "a result": (
        lambda p: damage(p, "results/quick/studies/rotations-*.nc"),
        r"changed +results/quick/studies/rotations-.*\.nc\n +remakes +figures/quick/fig9\.pdf",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_forecast_is_what_snakemake_plans_and_says_why(copy, change):
    act, expected = CHANGES[change]
    act(copy)
    jobs, printed = foreseen(copy)
    assert re.search(expected, printed), printed
    assert jobs == copy.planned("fig9")


def test_a_preset_of_ones_own_in_another_file_is_foreseen_as_snakemake_plans_it(copy):
    """The file lies beside the config, which stays as it is."""
    rotations = {"n": [4], "architectures": ["mlp-1", "cnn-fc-3"]}
    mine = {"preset": "mine", "presets": {"mine": {"extends": "quick", "rotations": rotations}}}
    (copy.folder / "mine.yaml").write_text(yaml.safe_dump(mine))
    jobs, printed = foreseen(copy, "--configfile", "mine.yaml")
    assert printed.startswith("Preset mine: fig9\n")
    assert (jobs["compute_kernel"], jobs["compute_study"]) == (2, 2)
    assert jobs == copy.planned("fig9", "--configfile", "mine.yaml")
