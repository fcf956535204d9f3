"""What Snakemake was asked for, and the command that estimates such a run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# By name: every Snakemake imports this module, and what it needs for a forecast would come along.
_ESTIMATE = "symlearn.tools.oneline.left"


@dataclass(frozen=True)
class Asked:
    """What of Snakemake's command line says which jobs there are and how many run at once."""

    targets: tuple[str, ...] = ()
    preset: str | None = None
    configfiles: tuple[Path, ...] = ()
    cores: int | None = None


def asked(argv: Sequence[str]) -> Asked | None:
    """What these words ask Snakemake for; None if they are not Snakemake's."""
    from snakemake.cli import get_argument_parser  # which imports the plugins, and so this

    try:
        options = get_argument_parser().parse_args(argv)
    except SystemExit:
        return None
    return Asked(
        targets=tuple(options.targets),
        preset=dict(word.partition("=")[::2] for word in options.config or []).get("preset"),
        configfiles=tuple(options.configfile),
        cores=options.cores or options.jobs,
    )


def estimate(asked: Asked) -> list[str]:
    """The command that estimates a run."""
    words = [sys.executable, "-m", _ESTIMATE, *asked.targets]
    words += ["--preset", asked.preset] if asked.preset else []
    words += ["--cores", str(asked.cores)] if asked.cores else []
    words += ["--configfile", *map(str, asked.configfiles)] if asked.configfiles else []
    return words
