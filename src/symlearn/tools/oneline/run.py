"""What the log records of Snakemake say of a run: a line of how far it is, and what went wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from logging import WARNING, LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from symlearn.tools.commands import duration

_HASH = re.compile(r"-[0-9a-f]{10}$")
# What Snakemake says at the end of every run with a job that failed; the jobs are named by then.
_FAILED = ("Exiting because a job execution failed", "At least one job did not complete")

_NOTHING = "Nothing to be done"


@dataclass
class Run:
    """A run so far; `take` is given every record, `left` is what an estimate says."""

    left: str = ""
    done: int = 0
    total: int = 0
    running: dict[int, str] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    stopped: bool = False  # by an error before any job
    _said: str = ""

    def take(self, record: LogRecord) -> list[str]:
        """Learn from a record; returns the lines that are to stay on the screen."""
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                self.total = vars(record)["stats"]["total"]
            case LogEvent.JOB_INFO:
                self.failed.discard(_id(record))  # another attempt
                self.running[_id(record)] = job_name(vars(record))
            case LogEvent.JOB_FINISHED:
                self.running.pop(vars(record)["job_id"], None)
            case LogEvent.PROGRESS:
                self.done, self.total = vars(record)["done"], vars(record)["total"]
            case LogEvent.JOB_ERROR:
                return self._failure(record)
            case None | LogEvent.ERROR:
                return self._message(record)
        return []

    def _failure(self, record: LogRecord) -> list[str]:
        self.failed.add(_id(record))
        self.errors.clear()  # these were of this job, and its log says more
        name = self.running.pop(_id(record), vars(record)["rule_name"])
        return failure(name, vars(record)["log"], vars(record)["rule_msg"])

    def _message(self, record: LogRecord) -> list[str]:
        text = record.getMessage()
        if record.levelno < WARNING:
            self._said = text
        elif record.levelno == WARNING:
            return [text]
        elif not self.total:
            self.stopped = True
            return [text]
        elif not any(end in text for end in _FAILED):
            self.errors.append(text)
        return []

    @property
    def succeeded(self) -> bool:
        """Whether all was done, or there was nothing to do."""
        return not self.stopped and not self.errors and self.done == self.total

    def line(self) -> str:
        """How far the run is. Names come last: a narrow terminal cuts them off."""
        if not self.total:
            return self._said.partition("\n")[0]
        parts = [f"{self.done} of {self.total} jobs"]
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        parts += [f"{len(self.running)} running"] if self.running else []
        parts += [f"about {self.left} left"] if self.left and self.done < self.total else []
        return ": ".join([", ".join(parts), *filter(None, [", ".join(self.running.values())])])

    def ending(self, seconds: float, figures: Path | None, log: Path | None) -> list[str]:
        """What is said when Snakemake ends."""
        jobs = f"{self.done} of {self.total} jobs done in {duration(seconds)}"
        if self.succeeded:
            said = jobs if self.total else self._said.rstrip(".")
            drawn = self.total or said.startswith(_NOTHING)
            place = f"; the figures are in {figures}" if figures and drawn else ""
            return [f"{said}{place}."] if said else []
        left = self.total - self.done - len(self.failed)
        counts = [f"{jobs}, {len(self.failed)} failed, {left} not done."] if self.total else []
        return [*self.errors, *counts, *([f"Snakemake's full log: {log}"] if log else [])]


def failure(name: str, logs: list[str], message: str | None) -> list[str]:
    """The lines that say which job failed, why, and where its logs are."""
    reasons = [message] if message else list(filter(None, map(last_line, logs)))[:1]
    return [": ".join([f"{name} failed", *reasons]), *(f"  its log: {log}" for log in logs)]


def last_line(log: str) -> str:
    """The last line of a job's log, which names the error; empty where there is none."""
    try:
        text = Path(log).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rstrip().rpartition("\n")[2].strip()


def job_name(job: Mapping[str, Any]) -> str:
    """The rule of a job and what it works on, without the preset, which all share, and hashes."""
    wildcards = [str(value) for key, value in job["wildcards"].items() if key != "preset"]
    return " ".join([job["rule_name"], *(_HASH.sub("", value) for value in wildcards)])


def _id(record: LogRecord) -> int:
    return int(vars(record)["jobid"])
