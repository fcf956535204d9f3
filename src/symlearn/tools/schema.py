"""The JSON schema of config.yaml, for editors: workflow/config.schema.json."""

import argparse
from collections.abc import Sequence

from symlearn.config import schema_text


def main(argv: Sequence[str] | None = None) -> int:
    """Print the schema; returns the exit status."""
    argparse.ArgumentParser(prog="symlearn schema", description=__doc__).parse_args(argv)
    print(schema_text(), end="")
    return 0
