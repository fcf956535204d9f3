"""The cost of a job from its work: a constant and a rate for each kind, fitted to measurements.

A job takes start + rate * amount seconds, and its memory and file grow with the values that it
holds. The constants come from the reference table, or from the measurements of this machine where
it has enough of a kind; other kinds are scaled by how fast this machine was on those it has run.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from symlearn.tools.forecast.measured import Cost, Measurement
from symlearn.tools.forecast.work import Work


@dataclass(frozen=True)
class Line:
    """A constant and a slope, neither negative."""

    constant: float
    slope: float

    def __call__(self, x: float) -> float:
        """The value at x."""
        return self.constant + self.slope * x


@dataclass(frozen=True)
class Curves:
    """What the jobs of one kind take."""

    seconds: Line
    memory: Line
    disk: Line

    def cost(self, work: Work) -> Cost:
        """The cost of a job of this kind."""
        return Cost(self.seconds(work.amount), self.memory(work.values), self.disk(work.values))


class CostModel:
    """Predicts what a job takes from what is in the reference table and was measured here."""

    def __init__(self, reference: Sequence[Measurement], local: Sequence[Measurement] = ()) -> None:
        self._curves = {kind: fit(rows) for kind, rows in _by_kind(reference).items()}
        self._speed = _speed(self._curves, local)
        own = {kind: fit(rows) for kind, rows in _by_kind(local).items() if _covered(rows)}
        self._curves |= {kind: _scaled(curves, 1 / self._speed) for kind, curves in own.items()}

    @property
    def speed(self) -> float:
        """How much longer jobs took here than in the reference table."""
        return self._speed

    def cost(self, work: Work) -> Cost | None:
        """What a job takes; its stage's most for an unknown kind, None for a stage without any."""
        if work.kind in self._curves:
            return _scaled(self._curves[work.kind], self._speed).cost(work)
        alike = [c.cost(Work("")) for kind, c in self._curves.items() if _of(kind, work.stage)]
        if not alike:
            return None
        worst = max(alike, key=lambda cost: cost.seconds)
        return Cost(worst.seconds * self._speed, worst.memory, worst.disk)


def fit(rows: Sequence[Measurement]) -> Curves:
    """The curves of one kind through its measurements."""
    seconds = [(work.amount, cost.seconds) for work, cost in rows]
    memory = [(work.values, cost.memory) for work, cost in rows]
    disk = [(work.values, cost.disk) for work, cost in rows]
    return Curves(line(seconds), line(memory), line(disk))


def line(points: Iterable[tuple[float, float]]) -> Line:
    """The line of least squared errors, each over its y; (0, 0) where nothing is known.

    So neither the many small jobs nor the few large ones decide alone. Of two parameters, hence in
    closed form; what would be negative is zero.
    """
    known = [(x, y) for x, y in points if math.isfinite(y) and y > 0]
    if not known:
        return Line(0.0, 0.0)
    ones = sum(1 / y for _, y in known)
    first, second = sum(x / y for x, y in known), sum(x * x / y for x, y in known)
    count, total = len(known), sum(x for x, _ in known)
    determinant = ones * second - first**2
    if determinant > 1e-9 * ones * second:
        constant = (count * second - total * first) / determinant
        slope = (total * ones - count * first) / determinant
        if constant >= 0 and slope >= 0:
            return Line(constant, slope)
        if constant < 0:
            return Line(0.0, total / second)
    return Line(count / ones, 0.0)


def _covered(rows: Sequence[Measurement]) -> bool:
    """Whether a machine's own measurements tell a constant from a rate: amounts far apart."""
    amounts = [work.amount for work, _ in rows]
    return len(set(amounts)) >= 4 and max(amounts) > 100 * min(amounts)


def _speed(curves: Mapping[str, Curves], local: Sequence[Measurement]) -> float:
    ratios = [
        cost.seconds / curves[work.kind].cost(work).seconds
        for work, cost in local
        if work.kind in curves and cost.seconds > 0
    ]
    return median(ratios) if ratios else 1.0


def _scaled(curves: Curves, factor: float) -> Curves:
    seconds = Line(curves.seconds.constant * factor, curves.seconds.slope * factor)
    return Curves(seconds, curves.memory, curves.disk)


def _by_kind(rows: Iterable[Measurement]) -> dict[str, list[Measurement]]:
    kinds: dict[str, list[Measurement]] = defaultdict(list)
    for work, cost in rows:
        kinds[work.kind].append((work, cost))
    return kinds


def _of(kind: str, stage: str) -> bool:
    return kind.split()[0] == stage
