"""What the commands of this package share: errors as one line."""

import sys
from collections.abc import Callable

from symlearn.errors import ConfigError, SymlearnError


def guarded(name: str, action: Callable[[], int | None]) -> int:
    """Run `action`; a SymlearnError becomes one line on standard error and exit status 1."""
    try:
        return action() or 0
    except SymlearnError as error:
        print(f"symlearn.{name}: error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        sys.stderr.close()
        return 0


def check_cores(cores: int) -> None:
    """Raise ConfigError for a number of cores on which nothing runs."""
    if cores < 1:
        raise ConfigError("--cores: at least 1")


def duration(seconds: float) -> str:
    """A time for people: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
