"""The log handler that `snakemake --logger symlearn` takes: one line on a terminal.

Where there is no terminal, or somebody asked for more or less than Snakemake's usual text, it
keeps silent, and Snakemake writes as ever.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from logging import LogRecord
from pathlib import Path
from typing import TextIO

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from symlearn.config import load
from symlearn.errors import ConfigError
from symlearn.tools.oneline.asked import Asked, asked, estimate
from symlearn.tools.oneline.run import Run


class LogHandler(LogHandlerBase):
    """Shows a run of Snakemake as one line that is rewritten."""

    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        settings = self.common_settings
        usual = (
            settings.dryrun, settings.verbose, settings.debug_dag, settings.printshellcmds,
            settings.quiet,
        )  # fmt: skip
        self._line = None if any(usual) else line_of(sys.stdout if settings.stdout else sys.stderr)
        self._started = time.monotonic()
        self._run = Run()
        self._asked = asked(sys.argv[1:]) if self._line else None
        self._estimate: subprocess.Popen[str] | None = None

    @property
    def writes_to_stream(self) -> bool:
        """Whether this takes the place of Snakemake's own text."""
        return self._line is not None

    def emit(self, record: LogRecord) -> None:
        """Rewrite the line, below what is to stay."""
        if self._line is None:
            return
        try:
            kept = self._run.take(record)
            self._line.show(self._run.line(), above=kept)
            if self._asked and getattr(record, "event", None) == LogEvent.RUN_INFO:
                self._start_estimate(self._asked)
        except Exception:  # a fault here is no reason to end a run of hours
            self.handleError(record)

    def close(self) -> None:
        """Say how it ended; Snakemake calls this more than once."""
        self.acquire()
        line, self._line = self._line, None
        self.release()
        if self._estimate:
            self._estimate.terminate()
            self._estimate.wait()
        if line is not None:
            seconds = time.monotonic() - self._started
            line.show("", above=self._run.ending(seconds, figures_folder(self._asked), full_log()))
        super().close()

    def _start_estimate(self, asked: Asked) -> None:
        self._estimate = subprocess.Popen(
            estimate(asked),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._follow, args=(self._estimate,), daemon=True).start()

    def _follow(self, estimate: subprocess.Popen[str]) -> None:
        """Show what the estimate says until it ends."""
        with estimate:
            for left in estimate.stdout or ():
                self._show_left(left.strip())
        self._show_left("")

    def _show_left(self, left: str) -> None:
        self.acquire()
        try:
            self._run.left = left
            if self._line is not None:
                self._line.show(self._run.line())
        finally:
            self.release()


class Line:
    """The last line of a terminal, which is rewritten."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = ""

    def show(self, line: str, above: Sequence[str] = ()) -> None:
        """Write the line in the place of the last, and before it what is to stay."""
        width = (os.get_terminal_size(self._stream.fileno()).columns or 80) - 1
        if above or line[:width] != self._shown:
            self._shown = line[:width]
            kept = "".join(f"{text}\n" for text in above)
            self._stream.write(f"\r\033[K{kept}{self._shown}")
            self._stream.flush()


def line_of(stream: TextIO) -> Line | None:
    """The line of a stream; None where nobody looks on, or a line cannot be rewritten."""
    terminal = sys.stdout.isatty() and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return Line(stream) if terminal else None


def figures_folder(asked: Asked | None) -> Path | None:
    """Where the figures of the chosen preset are; None if that cannot be known."""
    if asked is None:
        return None
    try:
        config = load(Path("config.yaml"), *asked.configfiles)
        return Path("figures", config.choosing(asked.preset).preset)
    except (ConfigError, OSError):
        return None


def full_log() -> Path | None:
    """The file into which Snakemake writes all that it says."""
    for handler in logging.getLogger("snakemake.logging").handlers:
        if isinstance(handler, logging.FileHandler):
            path = Path(handler.baseFilename)
            return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return None
