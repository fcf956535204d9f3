"""Write the account of the kept figures: figures/README.md, and two parts of README.md.

`symlearn publish` does it after it has kept figures. By itself the command is for a change of
words, in `account.yaml` or in `claims.yaml` of a wing: it judges the kept figures again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from symlearn.errors import StoreError
from symlearn.tools.account import kept, text
from symlearn.tools.account.verdicts import PRESET, sections
from symlearn.tools.claims.verdicts import summary
from symlearn.tools.commands import guarded

PAGE = Path("figures/README.md")
README = Path("README.md")


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the kept figures and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn account", description=__doc__)
    parser.add_argument("--preset", default=PRESET, help=f"of the figures (default {PRESET})")
    arguments = parser.parse_args(argv)

    def run() -> None:
        if not kept.names(kept.FOLDER):
            raise StoreError(f"{kept.FOLDER}: has no figures; `symlearn publish` keeps some")
        print(renew(arguments.preset))

    return guarded("account", run)


def renew(preset: str) -> str:
    """Judge the kept figures, write tables, list and account; returns what came out in a line."""
    table = kept.judged(kept.FOLDER, preset)
    kept.write_list(kept.FOLDER)
    account, shown = sections(table, preset), kept.names(kept.FOLDER)
    PAGE.write_text(text.page(account, preset, shown), encoding="utf-8")
    if README.exists():
        README.write_text(text.readme(README.read_text(encoding="utf-8"), account, shown), "utf-8")
    findings = f"Findings of the papers: {text.counts(account)}."
    return f"{len(shown)} figures are kept: {summary(table)}. {findings}"
