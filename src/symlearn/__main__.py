"""`symlearn <command>`: the stages that jobs run, and the tools that people run beside them."""

import argparse
import ast
import errno
import io
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from symlearn.pipeline.specs import STAGES

TOOLS: Mapping[str, str] = {
    "account": "account.command",
    "claims": "claims.command",
    "plan": "forecast.command",
    "watch": "watch",
    "provenance": "provenance",
    "gallery": "gallery.command",
    "bundle": "bundle.command",
    "compare": "compare",
    "measure": "measure.command",
    "poses": "poses",
    "publish": "publish",
    "schema": "schema",
    "reference": "forecast.reference",
}
COMMANDS: Mapping[str, str] = {
    **{stage: f"symlearn.stages.{stage}" for stage in STAGES},
    **{name: f"symlearn.tools.{module}" for name, module in TOOLS.items()},
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="symlearn",
        description="Which symmetries do deep networks learn from data? Figures are drawn by "
        "`snakemake --cores all`; `symlearn <command> --help` says more of each command.",
        epilog="\n".join([*_listed("stages, which jobs run:", STAGES), *_listed("tools:", TOOLS)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    given = list(sys.argv[1:] if argv is None else argv)
    arguments = parser.parse_args(given[:1])  # what follows is the command's own
    for stream in (sys.stdout, sys.stderr):  # no letter that a locale lacks ends a command
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Figures are files: no display is needed, whatever backend the user's environment or settings
    # name. matplotlib reads this when it is first imported, which a command does.
    os.environ["MPLBACKEND"] = "agg"
    try:
        status = _run(arguments.command, given[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        _drop_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC and error.filename is None:
            raise
        if error.filename is None:  # standard output
            _drop_output()
        what = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
        print(f"symlearn {arguments.command}: error: {what}", file=sys.stderr)
        return 1
    return status


def _run(command: str, argv: Sequence[str]) -> int:
    if command in STAGES:
        from symlearn.pipeline.writers import wait_for_writers  # tools start without xarray

        if wait_for_writers(command, argv):
            return 1
    status: int = import_module(COMMANDS[command]).main(argv)
    return status


def _drop_output() -> None:
    """Keep Python from writing what is left when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _listed(heading: str, names: Sequence[str] | Mapping[str, str]) -> list[str]:
    return [heading, *(f"  {name:<11} {_summary(name)}" for name in names)]


def _summary(command: str) -> str:
    """The first line of a command's docstring, without importing it."""
    path = Path(__file__).parent.joinpath(*COMMANDS[command].split(".")[1:]).with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
