import json
import os
import time

import pytest
import yaml

from symlearn import plan
from symlearn.config import load
from symlearn.pipeline import running
from symlearn.pipeline.outputs import benchmark_path
from symlearn.tools import watch
from symlearn.tools.forecast.targets import resolve
from symlearn.tools.watch import Progress, look, main

NOW = time.time()


@pytest.fixture
def folder(tmp_path, monkeypatch, shipped_text):
    """A working folder with the shipped config and no results."""
    (tmp_path / "config.yaml").write_text(shipped_text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text="", age=0.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (NOW - age, NOW - age))


def lock(folder, age):
    write(folder / ".snakemake/locks/0.output.lock", age=age)


def note(folder, age, **other):
    write(folder / running._NOTE, json.dumps({**running._about(os.getpid()), **other}), age)


@pytest.mark.parametrize(
    ("other", "active"),
    [
        ({}, True),
        ({"process": 2**22 + 1}, False),  # there is no such process
        ({"started": "1"}, False),  # another process has its number now
        ({"process": 2**22 + 1, "host": "login2"}, True),  # nobody knows
    ],
)
def test_a_lock_whose_run_was_killed_is_no_run(folder, other, active):
    lock(folder, age=100)
    assert watch.run_started() == pytest.approx(NOW - 100)  # without a note it counts
    note(folder, age=90, **other)
    assert (watch.run_started() is not None) == active
    progress, _ = seen(folder)
    assert progress.active == active
    lock(folder, age=80)  # of a run that came later, and made no note
    assert watch.run_started() is not None


def test_a_run_notes_its_process(folder):
    lock(folder, age=0)
    running.note_run()
    assert json.loads((folder / running._NOTE).read_text())["process"] == os.getpid()
    assert not running.is_over(NOW - 1)


def log(folder, cell, text, age):
    write(folder / f"logs/quick/{cell.stage}/{cell.name}.log", text, age)


def seen(folder):
    config = load(folder / "config.yaml")
    results = folder / "results/quick"
    targets = resolve(plan.figures(config), results.relative_to(folder), ["fig9"])
    return look(config, targets, cores=2), plan.all_jobs(targets.cells)


def test_without_a_run_all_jobs_wait(folder):
    progress, cells = seen(folder)
    assert (progress.done, progress.waiting, progress.running) == (0, len(cells), ())
    assert not progress.active
    assert progress.seconds_left > 10
    assert "no run is going on here" in str(progress)


def test_a_job_runs_from_its_log_to_its_benchmark_and_fails_with_an_error(folder):
    _, cells = seen(folder)
    done, runs, fails, earlier = [cell for cell in cells if cell.stage == "kernels"][:4]
    lock(folder, age=100)
    for cell in (done, runs):
        log(folder, cell, "kernels: mlp.nc from 1 files", age=50)
    write(benchmark_path(folder / "results/quick", done), "s\tmax_rss\tcpu_time\n1\t1\t1\n", age=40)
    log(folder, fails, "symlearn kernels: error: a fault", age=30)
    log(folder, earlier, "symlearn kernels: error: in an earlier run", age=200)
    progress, _ = seen(folder)
    assert progress.done == 1
    assert progress.running == (f"kernels/{runs.name}",)
    assert progress.failed == (f"kernels/{fails.name}",)
    assert progress.total == len(cells)
    assert f"1 FAILED ({fails.name}), 1 running ({runs.name})" in str(progress)


def test_a_finished_run_is_one_short_line():
    assert str(Progress(5, (), (), 0, 0.0, active=False)) == "5/5 jobs done"


def test_many_running_jobs_are_not_all_named():
    progress = Progress(0, tuple(f"kernels/k{i}" for i in range(5)), (), 0, 100.0, active=True)
    assert "5 running (k0, k1 and 3 more)" in str(progress)


def test_in_a_log_a_line_is_printed_only_when_something_has_changed(folder, capsys, monkeypatch):
    steps = iter([(0, 2), (0, 2), (1, 1), (2, 0)])

    def at_once(*_):
        done, waiting = next(steps)
        return Progress(done, (), (), waiting, 1.0, active=True)

    monkeypatch.setattr(watch, "look", at_once)
    assert main(["fig2", "--every", "0"]) == 0
    lines = [line.split("  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "0/2 jobs done, about 1 s left, 2 waiting",
        "1/2 jobs done, about 1 s left, 1 waiting",
        "2/2 jobs done",
    ]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--cores", "0"),
        ("--cores", "-1"),
        ("--every", "-1"),
        ("--every", "nan"),
        ("--every", "inf"),
    ],
)
def test_a_number_out_of_range_is_one_line(folder, capsys, option, value):
    assert main(["fig2", option, value]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"symlearn watch: error: {option}: ")
    assert err.count("\n") == 1


def test_a_preset_of_ones_own_is_watched_through_a_file_laid_over_the_config(folder, capsys):
    mine = {"extends": "quick", "rings": {"n": [4, 8]}, "rotations": {"pairs": 0}}
    (folder / "mine.yaml").write_text(yaml.safe_dump({"presets": {"mine": mine}}))
    options = ["--once", "--preset", "mine", "--configfile", "mine.yaml"]
    assert main(["fig2", *options]) == 0  # the fault in rotations is not fig2's
    assert "0/2 jobs done" in capsys.readouterr().out
    assert main(options) == 1
    err = capsys.readouterr().err
    assert "presets.mine.rotations.pairs" in err
    assert err.count("\n") == 1


def test_an_unknown_preset_is_one_line(folder, capsys):
    assert main(["fig2", "--once", "--preset", "mine"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("symlearn watch: error: ")
    assert "'mine' has no entry under presets" in err
    assert err.count("\n") == 1


def test_an_unknown_figure_is_one_line(folder, capsys):
    assert main(["fig44", "--once"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
