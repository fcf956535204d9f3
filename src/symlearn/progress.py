"""Progress of long loops: a bar on a terminal, plain lines with an estimate in a log."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
_SECONDS_BETWEEN_LINES = 15.0


def progress(items: Sequence[Item], what: str, *, quiet: bool = False) -> Iterator[Item]:
    """Iterate over `items`, saying on standard error how far it is and how long is left."""
    if quiet:
        yield from items
    elif sys.stderr.isatty():
        yield from tqdm(items, desc=what)
    else:
        yield from _lines(items, what)


def _lines(items: Sequence[Item], what: str) -> Iterator[Item]:
    start = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES and done < len(items):
            last = now
            left = (now - start) / done * (len(items) - done)
            print(f"{what}: {done}/{len(items)}, about {left:.0f} s left", file=sys.stderr)
