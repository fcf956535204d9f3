"""`python -m symlearn`: the stages of the pipeline and how to run one by hand."""

import argparse
import ast
import sys
from collections.abc import Sequence

from symlearn.closure import ROOT
from symlearn.plan import STAGES


def main(argv: Sequence[str] | None = None) -> int:
    """Print the stages, in the order in which the pipeline runs them."""
    lines = [f"  symlearn.{stage:<10} {_summary(stage)}" for stage in STAGES]
    parser = argparse.ArgumentParser(
        prog="python -m symlearn",
        description="The stages of the pipeline; each has `python -m symlearn.<stage> --help`.",
        epilog="stages:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(argv)
    parser.print_help()
    return 0


def _summary(stage: str) -> str:
    """The first line of a stage's docstring, without importing it."""
    package = ROOT / stage / "__main__.py"
    path = package if package.is_file() else ROOT / f"{stage}.py"
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return docstring.splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
