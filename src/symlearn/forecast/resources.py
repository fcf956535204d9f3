"""What rules declare against what their jobs took, with new values: from benchmark files.

Declared: `mem_mb` (MB) and `runtime` (minutes) of each rule, as `grows(...)`. Proposed: the most
that any job took and half of it again, in round steps, and never less than the smallest step.
"""

import argparse
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from symlearn.errors import ConfigError
from symlearn.forecast.commands import guarded
from symlearn.forecast.measured import read_benchmark

_MARGIN = 1.5
_STEP_MB, _STEP_MINUTES = 500, 5
_RULE = re.compile(r"^ *rule\b *(\w*):", re.MULTILINE)
_AMOUNT = r"\s*=\s*grows\((\d+)\)"


@dataclass(frozen=True)
class Rule:
    """A rule's declared resources, and the pattern of its benchmark files."""

    name: str
    memory: int
    runtime: int
    benchmarks: str


@dataclass(frozen=True)
class Use:
    """How many jobs of a rule ran, for which presets; the most memory (MB) and time (minutes)."""

    jobs: int
    presets: tuple[str, ...]
    memory: float
    runtime: float


def rules_in(text: str) -> Iterator[Rule]:
    """The rules of a Snakefile's text that declare memory, runtime and a benchmark."""
    starts = [*_RULE.finditer(text)]
    for match, following in zip(starts, [*starts[1:], None], strict=False):
        block = text[match.start() : following.start() if following else None]
        memory = re.search("mem_mb" + _AMOUNT, block)
        runtime = re.search("runtime" + _AMOUNT, block)
        benchmark = re.search(r'benchmark:\s*f?"([^"]+)"', block)
        if memory and runtime and benchmark:
            pattern = re.sub(r"\{.*?\}", "*", benchmark[1])
            name = match[1] or Path(pattern).parent.name
            yield Rule(name, int(memory[1]), int(runtime[1]), pattern)


def use_of(rule: Rule, root: Path) -> Use | None:
    """What a rule's jobs took in all presets, or None where none has run."""
    paths = sorted(root.glob(rule.benchmarks))
    measured = [(path, entry) for path in paths if (entry := read_benchmark(path)) is not None]
    if not measured:
        return None
    seconds, memory, _ = zip(*(entry for _, entry in measured), strict=True)
    presets = dict.fromkeys(path.relative_to(root).parts[1] for path, _ in measured)
    known = [value for value in memory if not math.isnan(value)]
    # MiB, as Snakemake writes, to MB, as it asks for them.
    most = max(known, default=0.0) * 1.048576
    return Use(len(measured), tuple(presets), most, max(seconds) / 60)


def proposed(most: float, step: int) -> int:
    """The most with its margin, rounded up to a multiple of the step."""
    return step * max(1, math.ceil(most * _MARGIN / step))


def verdict(declared: int, most: float, step: int) -> str:
    """What to do about one value: keep it where it is enough and not four times too much."""
    wanted = proposed(most, step)
    if most > declared:
        return f"TOO LITTLE, propose {wanted}"
    return "keep" if wanted <= declared <= 4 * wanted else f"propose {wanted}"


def report(root: Path) -> Iterator[str]:
    """The table as lines; raises ConfigError where there are no rules."""
    files = sorted((root / "workflow" / "rules").glob("*.smk"))
    rules = [rule for path in files for rule in rules_in(path.read_text())]
    if not rules:
        raise ConfigError(f"{root}: has no workflow/rules with resources; run in the project")
    for rule in rules:
        use = use_of(rule, root)
        if use is None:
            yield f"{rule.name}: no benchmark files; declared {rule.memory} MB, {rule.runtime} min"
            continue
        yield f"{rule.name}: {use.jobs} jobs, presets {', '.join(use.presets)}"
        yield _line("mem_mb", rule.memory, use.memory, _STEP_MB)
        yield _line("runtime", rule.runtime, use.runtime, _STEP_MINUTES)


def _line(what: str, declared: int, most: float, step: int) -> str:
    decision = verdict(declared, most, step)
    return f"  {what:<8} declared {declared:>6}   most {most:>8.1f}   {decision}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the report; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m symlearn.forecast.resources", description=__doc__
    )
    parser.add_argument("--project", type=Path, default=Path(), help="default: this folder")
    arguments = parser.parse_args(argv)

    def run() -> None:
        for line in report(arguments.project):
            print(line)

    return guarded("forecast.resources", run)


if __name__ == "__main__":
    sys.exit(main())
