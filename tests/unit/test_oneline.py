import logging
import os
import pty
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from symlearn.tools.commands import duration
from symlearn.tools.oneline import handler, left
from symlearn.tools.oneline.asked import Asked, asked, estimate
from symlearn.tools.oneline.handler import Line, LogHandler, figures_folder, line_of
from symlearn.tools.oneline.run import Run, failure, job_name

TRAINING = {
    "jobid": 3, "rule_name": "train_networks", "rule_msg": None,
    "wildcards": {"preset": "quick", "cell": "partial-mlp-0123456789"},
}  # fmt: skip
FIGURE = {"jobid": 4, "rule_name": "fig4", "rule_msg": None, "wildcards": {}}


def record(event=None, text="", level=logging.INFO, **facts):
    return logging.makeLogRecord({"event": event, "msg": text, "levelno": level, **facts})


def error(text, event=LogEvent.ERROR):
    return record(event, text, logging.ERROR)


def failed(job, logs=()):
    return record(LogEvent.JOB_ERROR, level=logging.ERROR, **{**job, "log": list(logs)})


def run_of(*records):
    run = Run()
    said = [line for one in records for line in run.take(one)]
    return run, said


BEFORE = (
    record(LogEvent.WORKFLOW_STARTED, "Workflow has started!"),
    record(text="Building DAG of jobs..."),
)
START = (
    *BEFORE,
    record(LogEvent.RUN_INFO, "Job stats: ...", stats={"fig4": 1, "total": 126}),
    record(text="Select jobs to execute..."),
    record(LogEvent.JOB_INFO, **TRAINING),
    record(LogEvent.JOB_INFO, **FIGURE),
)


def test_the_line_says_how_far_it_is_and_what_runs():
    run, said = run_of(*START, record(LogEvent.PROGRESS, None, done=37, total=126))
    assert said == []
    assert run.line() == "37 of 126 jobs, 2 running: train_networks partial-mlp, fig4"
    run.left = "6 min"
    run.take(record(LogEvent.JOB_FINISHED, job_id=4))
    assert run.line() == "37 of 126 jobs, 1 running, about 6 min left: train_networks partial-mlp"


def test_before_the_run_the_line_is_what_snakemake_says():
    run, said = run_of(*BEFORE)
    assert (run.line(), said) == ("Building DAG of jobs...", [])


def test_a_failed_job_is_named_with_its_error_and_its_log(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("epoch 1\nsymlearn networks: error: the loss is nan\n\n")
    run, said = run_of(*START, error("CalledProcessError: ..."), failed(TRAINING, [str(log)]))
    assert said == [
        "train_networks partial-mlp failed: symlearn networks: error: the loss is nan",
        f"  its log: {log}",
    ]
    assert run.line() == "0 of 126 jobs, 1 failed, 1 running: fig4"
    run.take(error("Exiting because a job execution failed. Look above for error messages", None))
    run.take(error("WorkflowError:\nAt least one job did not complete successfully."))
    assert run.ending(720.0, Path("figures/quick"), Path("x.log")) == [
        "0 of 126 jobs done in 12 min, 1 failed, 125 not done.",
        "Snakemake's full log: x.log",
    ]


def test_a_job_that_is_tried_again_has_not_failed():
    run, _ = run_of(*START, failed(TRAINING), record(LogEvent.JOB_INFO, **TRAINING))
    assert run.line() == "0 of 126 jobs, 2 running: fig4, train_networks partial-mlp"


@pytest.mark.parametrize(
    ("logs", "message", "lines"),
    [
        ([], None, ["fig4 failed"]),
        (["nowhere.log"], None, ["fig4 failed", "  its log: nowhere.log"]),
        (["nowhere.log"], "TIMEOUT", ["fig4 failed: TIMEOUT", "  its log: nowhere.log"]),
    ],
)
def test_a_failure_without_a_readable_log_is_still_told(logs, message, lines):
    assert failure("fig4", logs, message) == lines


def test_an_error_of_no_job_is_told_in_full():
    run, said = run_of(*START, error("OSError: no room"))
    assert said == []
    assert run.ending(5.0, None, None) == [
        "OSError: no room", "0 of 126 jobs done in 5 s, 0 failed, 126 not done."
    ]  # fmt: skip


def test_an_error_before_the_run_is_told_at_once():
    run, said = run_of(*BEFORE, error("WorkflowError: did you mean 'architectures'?"))
    assert said == ["WorkflowError: did you mean 'architectures'?"]
    assert run.ending(1.0, Path("figures/quick"), Path("x.log")) == ["Snakemake's full log: x.log"]


def test_a_warning_stays_above_the_line():
    _, said = run_of(*START, record(text="latency", level=logging.WARNING))
    assert said == ["latency"]


def test_the_end_says_where_the_figures_are_and_how_long_it_took():
    run, _ = run_of(*START, record(LogEvent.PROGRESS, None, done=126, total=126))
    run.left = "1 s"
    assert "left" not in run.line()
    assert run.ending(720.0, Path("figures/quick"), Path("x.log")) == [
        "126 of 126 jobs done in 12 min; the figures are in figures/quick."
    ]


def test_where_nothing_is_to_be_done_or_drawn_snakemake_has_the_last_word():
    run, _ = run_of(*BEFORE, record(text="Nothing to be done."))
    told = ["Nothing to be done; the figures are in figures/quick."]
    assert run.ending(1.0, Path("figures/quick"), None) == told
    run, _ = run_of(*BEFORE, record(text="Unlocked working directory."))
    assert run.ending(1.0, Path("figures/quick"), None) == ["Unlocked working directory."]
    assert Run().ending(1.0, Path("figures/quick"), None) == []


def test_a_job_has_the_name_of_its_rule_and_its_cell():
    assert job_name(TRAINING) == "train_networks partial-mlp"
    assert job_name(FIGURE) == "fig4"


@pytest.fixture
def terminal():
    """A pseudo-terminal: the stream to write to it, and what reads it up to its last words."""
    shows, writes = pty.openpty()

    def read(last):
        shown = ""
        while not shown.endswith(last):
            shown += os.read(shows, 10_000).decode()
        return shown

    with os.fdopen(writes, "w") as stream:
        yield stream, read
    os.close(shows)


def test_the_line_is_rewritten_when_it_changes_and_cut_where_the_terminal_ends(terminal):
    stream, read = terminal
    line = Line(stream)
    line.show("x" * 200)
    line.show("x" * 200)
    line.show("y", above=["kept"])
    assert read("y") == "\r\033[K" + "x" * 79 + "\r\033[Kkept\r\ny"


def settings(**others):
    names = ("dryrun", "verbose", "debug_dag", "printshellcmds", "quiet", "stdout")
    return SimpleNamespace(**dict.fromkeys(names, False) | others)


def test_without_a_terminal_snakemake_writes_itself(tmp_path, monkeypatch):
    with (tmp_path / "errors").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        silent = LogHandler(settings(), None)
        assert not silent.writes_to_stream
        silent.emit(error("x"))
        silent.close()
    assert (tmp_path / "errors").read_text() == ""


def test_a_run_shows_what_its_estimate_says_and_ends_it(terminal, monkeypatch):
    stream, read = terminal
    says = "import time; print('6 min', flush=True); time.sleep(600)"
    monkeypatch.setattr(handler, "line_of", lambda _: Line(stream))
    monkeypatch.setattr(handler, "asked", lambda _: Asked())
    monkeypatch.setattr(handler, "estimate", lambda _: [sys.executable, "-c", says])
    shows = LogHandler(settings(), None)
    for one in START[:4]:
        shows.emit(one)
    read("\r\033[K0 of 126 jobs, about 6 min left")
    for _ in range(2):  # as Snakemake does
        shows.close()
    assert shows._estimate.poll() is not None
    assert "126 not done" in read("not done.\r\n")


@pytest.mark.parametrize("option", ["dryrun", "verbose", "debug_dag", "printshellcmds", "quiet"])
def test_who_asks_for_more_or_for_less_gets_snakemakes_own_text(monkeypatch, option):
    monkeypatch.setattr(handler, "line_of", Line)
    assert LogHandler(settings(), None).writes_to_stream
    assert not LogHandler(settings(**{option: True}), None).writes_to_stream


def test_a_terminal_that_rewrites_no_line_is_none(terminal, monkeypatch):
    stream, _ = terminal
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    assert line_of(stream) is not None
    monkeypatch.setenv("TERM", "dumb")
    assert line_of(stream) is None


def test_snakemake_finds_the_plugin():
    assert LoggerPluginRegistry().get_plugin("symlearn").log_handler is LogHandler


def test_the_estimate_is_asked_for_what_snakemake_was():
    words = [
        "--logger", "symlearn", "--cores", "2", "fig4", "--config", "preset=standard",
        "data_root=x", "--configfile", "mine.yaml",
    ]  # fmt: skip
    what = Asked(("fig4",), "standard", (Path("mine.yaml"),), 2)
    assert asked(words) == what
    assert estimate(what)[3:] == [
        "fig4", "--preset", "standard", "--cores", "2", "--configfile", "mine.yaml",
    ]  # fmt: skip
    assert estimate(Asked())[1:] == ["-m", left.__name__]
    assert asked(["--no-such-option"]) is None


def test_the_estimate_is_that_of_watch_again_and_again(tmp_path, monkeypatch, shipped_text, capsys):
    (tmp_path / "config.yaml").write_text(shipped_text)
    monkeypatch.chdir(tmp_path)
    looks = iter([100.0, 50.0])
    monkeypatch.setattr(left, "look", lambda *_: SimpleNamespace(seconds_left=next(looks)))
    monkeypatch.setattr(left.time, "sleep", lambda _: None)
    with pytest.raises(StopIteration):
        left.main(["fig4", "--cores", "2"])
    assert capsys.readouterr().out.splitlines() == [duration(100.0), duration(50.0)]


def test_the_figures_are_in_the_folder_of_the_preset(tmp_path, monkeypatch, shipped_text):
    (tmp_path / "config.yaml").write_text(shipped_text)
    monkeypatch.chdir(tmp_path)
    assert figures_folder(Asked()) == Path("figures/quick")
    assert figures_folder(Asked(preset="paper")) == Path("figures/paper")
    assert figures_folder(Asked(preset="no-such-preset")) is None
    assert figures_folder(None) is None
