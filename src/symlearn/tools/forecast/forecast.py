"""The cost of a run before it starts: jobs, hours, memory and disk, and what is there already."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from symlearn import plan
from symlearn.config import Config
from symlearn.errors import ConfigError
from symlearn.pipeline.outputs import CLOSING_JOBS
from symlearn.pipeline.specs import Cell
from symlearn.tools.forecast.measured import Cost, Measurement, measured, measurements, reference
from symlearn.tools.forecast.model import CostModel
from symlearn.tools.forecast.schedule import Job, wall_time
from symlearn.tools.forecast.standing import Standing, key
from symlearn.tools.forecast.work import Work, counts_networks, work_of

# Before Snakemake starts its first job, and for each job it starts.
_START, _EACH = 3.0, 0.1
_UNKNOWN = Cost(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Task:
    """A job that would run: its work and its cost, None where nothing of its stage was measured."""

    cell: Cell
    work: Work
    cost: Cost | None

    @property
    def job(self) -> Job:
        """The job for the schedule."""
        after = tuple(key(cell) for cell in self.cell.reads)
        seconds = (self.cost or _UNKNOWN).seconds + _EACH
        return Job(key(self.cell), after, seconds, self.work.threads)


@dataclass(frozen=True)
class Forecast:
    """What a run would take."""

    stands: Standing
    tasks: list[Task]
    closing: list[Task]  # jobs after the figures, such as the table of claims
    speed: float

    @property
    def everything(self) -> list[Task]:
        """All jobs that would run."""
        return [*self.tasks, *self.closing]

    def core_hours(self, stage: str | None = None) -> float:
        """Wall time times threads, of all jobs or of a stage."""
        return self._hours(stage, lambda work: work.threads)

    def gpu_hours(self, stage: str | None = None) -> float:
        """Wall time times GPUs."""
        return self._hours(stage, lambda work: work.gpus)

    def _hours(self, stage: str | None, units: Callable[[Work], int]) -> float:
        hours = (
            task.cost.seconds * units(task.work) / 3600
            for task in self.everything
            if task.cost and stage in (None, task.cell.stage)
        )
        return sum(hours, 0.0)

    def disk(self, stage: str | None = None) -> float:
        """MiB that the jobs write."""
        costs = (t.cost for t in self.everything if t.cost and stage in (None, t.cell.stage))
        return sum(cost.disk for cost in costs) / 1024

    def memory(self, cores: int, stage: str | None = None) -> float:
        """MiB of the largest jobs that could run at once."""
        costs = (t.cost for t in self.everything if t.cost and stage in (None, t.cell.stage))
        return sum(sorted((cost.memory for cost in costs), reverse=True)[:cores], 0.0)

    def seconds(self, cores: int) -> float:
        """Wall time on so many cores; 0 where there is nothing to do."""
        jobs = {key(task.cell): task.job for task in self.everything}
        return _START + wall_time(jobs, cores) if jobs else 0.0

    @property
    def unmeasured(self) -> dict[str, int]:
        """How many jobs of which stage have no known cost."""
        names = [task.cell.stage for task in self.everything if task.cost is None]
        return {name: names.count(name) for name in dict.fromkeys(names)}


def forecast(
    results: Path, stands: Standing, model: CostModel, closing: Iterable[str] = ()
) -> Forecast:
    """What it takes to run what does not stand, and then the closing jobs."""
    tasks = [Task(cell, work_of(cell), _cost(results, cell, model)) for cell in stands.to_run]
    last = [cell for cell in stands.cells.values() if cell.stage == "figures"]
    after = [closing_cell(name, last) for name in closing]
    ends = [Task(cell, work_of(cell), _cost(results, cell, model)) for cell in after]
    return Forecast(stands, tasks, ends, model.speed)


def cost_model(config: Config, cells: Collection[Cell] | None = None) -> CostModel:
    """The model for the jobs of `cells` (any, if None), with all that was measured here.

    Trained networks count only where `cells` have some, because to count their work takes seconds.
    """
    networks = cells is None or any(map(counts_networks, cells))
    return CostModel(
        reference(), [row for preset in config.presets for row in _here(config, preset, networks)]
    )


def _here(config: Config, preset: str, networks: bool) -> Iterable[Measurement]:
    """What was measured in the results of a preset, of the figures that the config allows."""
    if not Path("results", preset, "benchmarks").is_dir():
        return ()
    try:
        figures = plan.figures(config.choosing(preset), wanted=()).values()
    except ConfigError:  # who chooses this preset is told
        return ()
    cells = plan.all_jobs(figures)
    return collect(preset, [cell for cell in cells if networks or not counts_networks(cell)])


def collect(
    preset: str, cells: Iterable[Cell], cost: Callable[[Path, Cell], Cost | None] = measured
) -> list[Measurement]:
    """What was measured of these cells and of the closing jobs, below the working folder."""
    closing = (closing_cell(name, ()) for name in CLOSING_JOBS)
    return list(measurements(Path("results", preset), [*cells, *closing], cost))


def closing_cell(name: str, figures: Iterable[Cell]) -> Cell:
    """A job that comes after all figures, in the shape of a cell."""
    return Cell(name, name, {}, tuple(figures))


def _cost(results: Path, cell: Cell, model: CostModel) -> Cost | None:
    """What the same job took here before, or what the model says."""
    return measured(results, cell) or model.cost(work_of(cell))
