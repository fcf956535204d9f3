"""The time that a run has left, said again and again, for the line that shows it.

A process of its own, since the forecast may need PyTorch; it ends when nobody reads it any more.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from symlearn.tools.commands import chosen_config, config_options, duration
from symlearn.tools.watch import look, targets_of

_SECONDS = 5.0


@dataclass(frozen=True)
class Asked:
    """What of Snakemake's command line says which jobs there are and how many run at once."""

    targets: tuple[str, ...] = ()
    preset: str | None = None
    configfiles: tuple[Path, ...] = ()
    cores: int | None = None


def command(asked: Asked) -> list[str]:
    """The command that estimates a run."""
    words = [sys.executable, "-m", __name__, *asked.targets]
    words += ["--preset", asked.preset] if asked.preset else []
    words += ["--cores", str(asked.cores)] if asked.cores else []
    words += ["--configfile", *map(str, asked.configfiles)] if asked.configfiles else []
    return words


def main(argv: Sequence[str] | None = None) -> None:
    """Print how long is left, every few seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*")
    config_options(parser)
    arguments = parser.parse_args(argv)
    config = chosen_config(arguments)
    targets = targets_of(config, arguments.targets or ["figures"])
    while True:
        print(duration(look(config, targets, arguments.cores).seconds_left), flush=True)
        time.sleep(_SECONDS)


if __name__ == "__main__":
    main()
