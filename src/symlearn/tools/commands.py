"""What the commands that people run share: errors as one line, the config's files, cores."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from symlearn.config import Config, load
from symlearn.errors import ConfigError, SymlearnError


def guarded(name: str, action: Callable[[], int | None]) -> int:
    """Run `action`; a SymlearnError becomes one line on standard error and exit status 1."""
    try:
        return action() or 0
    except SymlearnError as error:
        print(f"symlearn {name}: error: {error}", file=sys.stderr)
        return 1


def config_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which config, preset and cores a command is about."""
    parser.add_argument("--preset", help="instead of the config's")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="default: all")
    configfile_option(parser)


def configfile_option(parser: argparse.ArgumentParser) -> None:
    """The option that names config files beside config.yaml."""
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], metavar="FILE",
        help="laid over config.yaml, as Snakemake does it",
    )  # fmt: skip


def chosen_config(arguments: argparse.Namespace) -> Config:
    """The config that the options ask for; raises ConfigError, also for no cores."""
    if arguments.cores < 1:
        raise ConfigError("--cores: at least 1")
    return loaded(arguments).choosing(arguments.preset)


def loaded(arguments: argparse.Namespace) -> Config:
    """The config of config.yaml and of the files that are laid over it; raises ConfigError.

    As for Snakemake, these are enough where there is no config.yaml.
    """
    own = [path for path in [Path("config.yaml")] if path.exists() or not arguments.configfile]
    return load(*own, *arguments.configfile)


def duration(seconds: float) -> str:
    """A time for people: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
