"""The time that a run has left, said again and again, for the line that shows it.

A process of its own, since the forecast may need PyTorch; it ends when nobody reads it any more.
"""

import argparse
import time
from collections.abc import Sequence

from symlearn.tools.commands import chosen_config, config_options, duration
from symlearn.tools.watch import look, targets_of

_SECONDS = 5.0


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
