"""A machine that fails: no room, no permission, two runs at once, a config that means harm."""

import json
import subprocess
import sys

import pytest

from .project import wait_for

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

# A process that makes its machine worse, then becomes the command that follows. (Done in a process
# of its own: between fork and exec, Python may not run here, JAX having threads.)
FULL_DISK = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # bytes; less than any result
os.execv(sys.argv[1], sys.argv[1:])
"""
# Root writes anywhere; without this capability it is held to the modes of folders.
NO_PRIVILEGE = """
import ctypes, os, sys
dac_override, drop = 1, 24  # linux/capability.h, linux/prctl.h
if os.getuid() == 0:
    ctypes.CDLL(None).prctl(drop, dac_override, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def stage_by_hand(project, stage, target, machine):
    """Run the command of one cell again on a worse machine, writing to `target`."""
    (spec, *_) = sorted((project.folder / f"results/quick/specs/{stage}").glob("*.json"))
    if stage == "figures":
        spec = next(s for s in spec.parent.glob("fig9-*.json"))
    command = [sys.executable, "-m", "symlearn", stage, "--spec", str(spec), "--out", str(target)]
    return subprocess.run(
        [sys.executable, "-c", machine, *command],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_one_line(done, stage, target):
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    assert len(errors) == 1, done.stderr
    assert errors[0].startswith(f"symlearn {stage}: error: ")
    assert "Traceback" not in done.stderr
    assert list(target.parent.iterdir()) == [] if target.parent.is_dir() else True


@pytest.mark.parametrize("stage", ["datasets", "kernels", "figures"])
def test_a_full_disk_is_one_line_and_leaves_nothing(drawn, tmp_path, stage):
    """A limit on the size of files stands for the disk: writing fails half-way all the same."""
    target = tmp_path / "out" / ("fig9.pdf" if stage == "figures" else "x.nc")
    target.parent.mkdir()
    done = stage_by_hand(drawn, stage, target, FULL_DISK)
    assert_one_line(done, stage, target)


@pytest.mark.parametrize("stage", ["datasets", "figures"])
def test_a_folder_without_permission_is_one_line(drawn, tmp_path, stage):
    target = tmp_path / "locked" / ("fig9.pdf" if stage == "figures" else "x.nc")
    target.parent.mkdir(mode=0o555)
    done = stage_by_hand(drawn, stage, target, NO_PRIVILEGE)
    assert_one_line(done, stage, target)
    assert "cannot be written" in done.stderr


def test_a_second_run_in_the_same_folder_is_refused_and_does_no_harm(project, drawn):
    first = project.start("--cores", "1", "fig9")
    wait_for(lambda: any(project.folder.glob("results/quick/datasets/*.nc")))
    second = project.snakemake("--cores", "1", "fig9")
    assert second.returncode != 0
    assert "cannot be locked" in second.stdout
    output, _ = first.communicate(timeout=600)
    assert first.returncode == 0, output
    assert project.results() == drawn.results()


def test_names_of_the_config_reach_no_shell(project):
    """A folder's name is data to the rules, whatever is in it."""
    marks = [project.folder / f"mark{number}" for number in range(3)]
    name = f"x'; touch {marks[0]}; $(touch {marks[1]}) `touch {marks[2]}` {{threads}}"
    (project.folder / name).mkdir(parents=True)
    project.edit(lambda config: config.update(data_root=name))
    project.run("fig9")
    assert not any(mark.exists() for mark in marks)
    (sidecar, *_) = project.folder.glob("results/quick/datasets/*.nc.json")
    assert name in json.loads(sidecar.read_text())["command"]


@pytest.mark.parametrize("name", ["a;b", "a b", "../a", "$(a)", "A", ""])
def test_names_that_become_file_names_are_plain(project, name):
    entry = {"kind": "mlp", "hidden_layers": 1}
    project.edit(lambda config: config.update(architectures={name: entry}))
    done = project.snakemake("-n")
    assert done.returncode != 0
    assert "architectures" in done.stdout
