"""What made a file: `symlearn provenance figures/quick/fig4.pdf [--verify]`."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from symlearn.pipeline.chain import Link, chain, state_of
from symlearn.pipeline.specs import parts_of
from symlearn.tools.commands import guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Print the chain of a file; with --verify, exit 1 unless every link is intact."""
    parser = argparse.ArgumentParser(prog="symlearn provenance", description=__doc__)
    parser.add_argument("file", type=Path, help="a figure or a result")
    parser.add_argument("--verify", action="store_true", help="say whether each link still holds")
    arguments = parser.parse_args(argv)
    return guarded("provenance", lambda: _run(arguments.file, verify=arguments.verify))


def _run(file: Path, *, verify: bool) -> int:
    """Print the chain; 1 if a link is asked about and does not hold."""
    intact = True
    for link in chain(file):
        print(_described(link))
        if verify:
            state, reason = state_of(link)
            intact &= state == "intact"
            print(f"{'  ' * link.depth}  {state}{': ' if reason else ''}{reason}")
    return 0 if intact else 1


def _described(link: Link) -> str:
    """A link's file, and from its record the settings, code, machine and cost."""
    indent = "  " * link.depth
    if link.record is None:
        return f"{indent}{link.path.name}"
    record = link.record
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    lines = (
        f"{link.path.name}  sha256 {record['sha256'][:12]}",
        *(f"  {line}" for line in _settings(record["spec"])),
        f"  commit  {record['commit']}, {len(record['code'])} source files",
        f"  made    {record['finished']}, {record['seconds']} s, {record['peak_memory_mib']} MiB, "
        f"{record['device']}, {record['precision']}",
        f"  with    {versions}",
    )
    return "\n".join(indent + line for line in lines)


def _settings(spec: Mapping[str, Any]) -> Iterator[str]:
    """Lines with the settings of each cell that a job made, and of what it made in place for it."""
    for part, own in parts_of(spec).items():
        yield f"spec    {f'{part} ' if part else ''}{_own(own)}"
        yield from (f"reads   {_own(read)}" for read in _in_place(own))


def _own(spec: Mapping[str, Any]) -> str:
    return json.dumps({k: v for k, v in spec.items() if k != "inputs"}, sort_keys=True)


def _in_place(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The specs of what a spec reads that has no file."""
    for read in spec.get("inputs", ()):
        if isinstance(read, Mapping):
            yield read
            yield from _in_place(read)
