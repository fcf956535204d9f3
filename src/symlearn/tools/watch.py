"""How far a run is: jobs done, running and left, and the time left; in the project's folder.

On a terminal one line is rewritten; elsewhere a line is printed when something has changed. It
reads files only, so it may be started and ended at any time, on any machine that sees them.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from symlearn import plan
from symlearn.config import Config
from symlearn.errors import ConfigError
from symlearn.pipeline.outputs import benchmark_path, log_path
from symlearn.pipeline.specs import Cell
from symlearn.tools.commands import chosen_config, config_options, duration, guarded
from symlearn.tools.forecast.forecast import cost_model, forecast
from symlearn.tools.forecast.schedule import wall_time
from symlearn.tools.forecast.standing import key, standing
from symlearn.tools.forecast.targets import Targets, resolve

State = Literal["waiting", "running", "done", "failed"]
_DAY = 86_400.0


@dataclass(frozen=True)
class Progress:
    """A run at one moment."""

    done: int
    running: tuple[str, ...]
    failed: tuple[str, ...]
    waiting: int
    seconds_left: float
    active: bool  # whether Snakemake holds the folder's lock

    @property
    def total(self) -> int:
        """All jobs of the targets."""
        return self.done + len(self.running) + len(self.failed) + self.waiting

    def __str__(self) -> str:
        parts = [f"{self.done}/{self.total} jobs done"]
        if self.running or self.waiting:
            parts += [f"about {duration(self.seconds_left)} left", f"{self.waiting} waiting"]
            parts += [] if self.active else ["no run is going on here"]
        # Names come last: a narrow terminal cuts them off.
        if self.failed:
            parts.append(f"{len(self.failed)} FAILED ({_some(self.failed)})")
        if self.running:
            parts.append(f"{len(self.running)} running ({_some(self.running)})")
        return ", ".join(parts)


def _some(names: Sequence[str]) -> str:
    """The first two of the names of jobs."""
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(name.split("/", 1)[1] for name in names[:2]) + more


def targets_of(config: Config, names: Sequence[str]) -> Targets:
    """The targets of these names, which are figures or files."""
    figures = plan.figures(config, plan.wanted(names))
    return resolve(figures, Path("results", config.preset), names)


def look(config: Config, targets: Targets, cores: int) -> Progress:
    """How far the targets are, from the files of a preset below the working folder."""
    results = Path("results", config.preset)
    stands = standing(results, targets.cells)
    model, started = cost_model(config, stands.to_run), run_started()
    states = {name: _state(results, stands.cells[name], started) for name in stands.runs}
    running, failed = (
        tuple(name for name in stands.cells if states.get(name) == state)
        for state in ("running", "failed")
    )
    jobs = {
        key(task.cell): task.job
        for task in forecast(results, stands, model).tasks
        if states[key(task.cell)] in ("waiting", "running")
    }
    for name in running:  # half done, for all that is known
        jobs[name] = jobs[name].with_seconds(jobs[name].seconds / 2)
    return Progress(
        done=len(stands.cells) - len(jobs) - len(failed),
        running=running,
        failed=failed,
        waiting=len(jobs) - len(running),
        seconds_left=wall_time(jobs, max(cores, len(running))),
        active=started is not None,
    )


def run_started() -> float | None:
    """When the run began that holds the lock of the working folder; None if there is none."""
    times = [path.stat().st_mtime for path in Path(".snakemake", "locks").glob("*")]
    return min(times, default=None)


def _state(results: Path, cell: Cell, started: float | None) -> State:
    """What became of a job in the run: it opens its log as it starts, its benchmark as it ends."""
    log = log_path(results, cell)
    if started is None or _time_of(log) < started:
        return "waiting"
    if _time_of(benchmark_path(results, cell)) >= started:
        return "done"  # with sources that have been edited since, or it would stand
    *_, last = log.read_text(errors="replace").splitlines() or [""]
    return "failed" if "error" in last.lower() else "running"


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """Watch until everything is made, or look once; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn watch", description=__doc__)
    parser.add_argument("targets", nargs="*", help="figures or files; default: all figures")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between looks")
    parser.add_argument("--once", action="store_true", help="look once and end")
    config_options(parser)
    arguments = parser.parse_args(argv)
    return guarded("watch", lambda: _watch(arguments))


def _watch(arguments: argparse.Namespace) -> None:
    config = chosen_config(arguments)
    if not 0 <= arguments.every <= _DAY:
        raise ConfigError(f"--every: from 0 to {_DAY:.0f} seconds")
    targets = targets_of(config, arguments.targets or ["figures"])
    last = ""
    try:
        while True:
            now = look(config, targets, arguments.cores)
            if str(now) != last:
                last = str(now)
                _show(last)
            if arguments.once or not (now.running or now.waiting):
                break
            time.sleep(arguments.every)
    except KeyboardInterrupt:
        pass
    if sys.stdout.isatty():
        print()


def _show(line: str) -> None:
    """Rewrite the line on a terminal, print it elsewhere."""
    if sys.stdout.isatty():
        width = os.get_terminal_size().columns - 1
        print(f"\r\033[K{line[:width]}", end="", flush=True)
    else:
        print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)
