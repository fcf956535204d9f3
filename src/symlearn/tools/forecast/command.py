"""What a run would cost, and why a figure would be drawn again; `symlearn plan`."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from symlearn import plan
from symlearn.config import Config
from symlearn.pipeline.outputs import CLOSING_JOBS
from symlearn.pipeline.specs import STAGES
from symlearn.tools.commands import chosen_config, config_options, duration, guarded
from symlearn.tools.forecast.forecast import Forecast, cost_model, forecast
from symlearn.tools.forecast.standing import standing
from symlearn.tools.forecast.targets import Targets, resolve
from symlearn.tools.forecast.why import why

_HEAD = f"{'stage':<10}{'jobs':>6}{'cached':>8}{'core-h':>9}{'GPU-h':>8}{'memory':>10}{'disk':>10}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the forecast, or with --why the chain of a figure; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn plan", description=__doc__)
    parser.add_argument("targets", nargs="*", help="figures, files, or all (the default)")
    parser.add_argument("--each", action="store_true", help="a line for each figure, by itself")
    config_options(parser)
    parser.add_argument("--why", metavar="FIGURE", help="why it would be drawn again")
    arguments = parser.parse_args(argv)
    return guarded("plan", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> None:
    config = chosen_config(arguments)
    if arguments.why:
        lines = _why(config, arguments.why)
    else:
        lines = (_each if arguments.each else _plan)(config, arguments)
    for line in lines:
        print(line)


def _why(config: Config, name: str) -> Iterator[str]:
    results = Path("results", config.preset)
    targets = resolve(plan.figures(config, plan.wanted([name])), results, [name])
    stands, target = targets.standing(results), targets.cells[0]
    steps = why(config, results, stands, target)
    if not steps:
        yield f"{name} is up to date."
        return
    yield f"{name} would be made again, with {len(stands.runs)} of {len(stands.cells)} jobs:"
    for step in steps:
        yield f"  {step.how:<12}{step.what}"


def _plan(config: Config, arguments: argparse.Namespace) -> Iterator[str]:
    results = Path("results", config.preset)
    targets = _targets(config, arguments)
    stands = targets.standing(results)
    cast = forecast(results, stands, cost_model(config, stands.to_run))
    yield f"Preset {config.preset}: {' '.join(arguments.targets) or 'all'}"
    yield _HEAD
    for stage in dict.fromkeys([*STAGES, *CLOSING_JOBS]):
        yield from _row(cast, stage, arguments.cores)
    yield from _total(cast, arguments.cores)


def _each(config: Config, arguments: argparse.Namespace) -> Iterator[str]:
    """What each target would take by itself: figures share what they are made from."""
    results, cells = Path("results", config.preset), _targets(config, arguments).cells
    model = cost_model(config, standing(results, cells).to_run)
    yield f"{'target':<26}{'jobs':>6}{'core-h':>14}{'training':>14}{'wall time':>14}"
    for cell in cells:
        cast = forecast(results, standing(results, [cell]), model)
        yield (
            f"{cell.slug:<26}{len(cast.everything):>6}{cast.core_hours():>14.3f}"
            f"{cast.core_hours('networks'):>14.3f}{duration(cast.seconds(arguments.cores)):>14}"
        )


def _targets(config: Config, arguments: argparse.Namespace) -> Targets:
    """What is asked for; only the studies that it needs can refuse the config."""
    figures = plan.figures(config, plan.wanted(arguments.targets))
    return resolve(figures, Path("results", config.preset), arguments.targets)


def _row(cast: Forecast, stage: str, cores: int) -> Iterator[str]:
    """One stage's line, where the stage has jobs."""
    jobs = sum(task.cell.stage == stage for task in cast.everything)
    made = sum(
        cell.stage == stage and name not in cast.stands.runs
        for name, cell in cast.stands.cells.items()
    )
    if jobs or made:
        yield _line(cast, stage, jobs, made, cores)


def _line(cast: Forecast, stage: str | None, jobs: int, made: int, cores: int) -> str:
    return (
        f"{stage or 'total':<10}{jobs:>6}{made:>8}{cast.core_hours(stage):>9.3f}"
        f"{cast.gpu_hours(stage):>8.2f}{cast.memory(cores, stage):>6.0f} MiB"
        f"{cast.disk(stage):>6.0f} MiB"
    )


def _total(cast: Forecast, cores: int) -> Iterator[str]:
    yield _line(cast, None, len(cast.everything), cast.stands.cached, cores)
    if cast.stands.unrecorded:
        yield (
            f"Not recorded in .snakemake: {cast.stands.unrecorded} results, which count as made "
            "while nothing that they read is newer; `symlearn provenance FILE --verify` reads them."
        )
    if not cast.everything:
        yield "Nothing to be done."
        return
    yield f"About {duration(cast.seconds(cores))} on {cores} cores; memory is that of {cores} jobs."
    yield f"Jobs take {cast.speed:.2g} times as long here as in the reference measurements."
    for stage, count in cast.unmeasured.items():
        yield f"Not counted: {count} jobs of the stage {stage}, of which none was measured."
