"""A run that would submit jobs in vain ends in one line."""

import sys

import pytest

from symlearn.errors import SymlearnError
from symlearn.pipeline.submission import refuse_vain_submission

Settings = type("Settings", (), {"__module__": "snakemake_executor_plugin_slurm"})
Generic = type("Settings", (), {"__module__": "snakemake_executor_plugin_cluster_generic"})


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """An environment whose path needs no quotes, wherever the tests run."""
    monkeypatch.setattr(sys, "executable", "/home/a/.venv/bin/python")


def command(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_without_its_commands(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SymlearnError, match=r"there is no Slurm here \(no sbatch\); run"):
        refuse_vain_submission(Settings())


def test_where_no_controller_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    command(tmp_path, "sbatch", "")
    command(tmp_path, "sinfo", "echo one >&2; echo 'sinfo: fatal: no source' >&2; exit 1")
    with pytest.raises(SymlearnError, match=r"does not answer here \(sinfo: fatal: no source\); "):
        refuse_vain_submission(Settings())
    command(tmp_path, "sinfo", "exit 0")
    refuse_vain_submission(Settings())


@pytest.mark.parametrize("settings", [None, object()])
def test_other_runs_ask_for_no_slurm(tmp_path, monkeypatch, settings):
    monkeypatch.setenv("PATH", str(tmp_path))
    refuse_vain_submission(settings)


@pytest.mark.parametrize("settings", [Settings(), Generic()])
@pytest.mark.parametrize("folder", ["My Drive", "it's"])
def test_an_environment_whose_path_a_shell_takes_apart(monkeypatch, settings, folder):
    monkeypatch.setattr(sys, "executable", f"/home/{folder}/.venv/bin/python")
    with pytest.raises(SymlearnError, match=f"would not find /home/{folder}/.venv/bin/python, "):
        refuse_vain_submission(settings)
    refuse_vain_submission(None)


def test_another_scheduler_is_not_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    refuse_vain_submission(Generic())
