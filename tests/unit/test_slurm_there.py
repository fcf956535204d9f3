"""A run that would submit to Slurm ends in one line where there is no Slurm."""

import pytest

from symlearn.errors import SymlearnError
from symlearn.pipeline.slurm import refuse_without_slurm

Settings = type("Settings", (), {"__module__": "snakemake_executor_plugin_slurm"})


def command(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_without_its_commands(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SymlearnError, match=r"there is no Slurm here \(no sbatch\); run"):
        refuse_without_slurm(Settings())


def test_where_no_controller_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    command(tmp_path, "sbatch", "")
    command(tmp_path, "sinfo", "echo one >&2; echo 'sinfo: fatal: no source' >&2; exit 1")
    with pytest.raises(SymlearnError, match=r"does not answer here \(sinfo: fatal: no source\); "):
        refuse_without_slurm(Settings())
    command(tmp_path, "sinfo", "exit 0")
    refuse_without_slurm(Settings())


@pytest.mark.parametrize("settings", [None, object()])
def test_other_runs_ask_for_no_slurm(tmp_path, monkeypatch, settings):
    monkeypatch.setenv("PATH", str(tmp_path))
    refuse_without_slurm(settings)
