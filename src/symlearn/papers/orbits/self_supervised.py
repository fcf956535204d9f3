"""What lets a symmetry transfer to a missing pose: labels, unlabelled orbits, frozen features.

Orbits of all classes; the first of each class has a label, and one of these lacks pose 0. All
others have none, and those of the partial orbit's class are left out. See
docs/science/orbits.md#protocols.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from symlearn.datasets.orbits import make_orbits
from symlearn.groups import FiniteGroup, Subgroup, action_of
from symlearn.kernels import gram as gram_of
from symlearn.papers.orbits import representations as found_by
from symlearn.progress import progress
from symlearn.randomness import generator
from symlearn.theory import (
    average_over_subgroup,
    contrastive_features,
    semi_supervised_errors,
    solve_gram,
)

PROTOCOLS = {
    "supervised": "labels of single orbits",
    "semi-supervised": "and unlabelled orbits, constant",
    "joint": "features of all orbits, few",
    "joint, all": "features of all orbits, as many as orbits",
    "kernel PCA": "components without pairs",
    "auto-encoder": "codes of images",
    "auto-encoder of means": "codes of orbits' means",
    "frozen": "features of full orbits alone",
    "frozen, supervised": "outputs for full orbits' labels",
    "frozen auto-encoder": "codes of full orbits' images",
    "frozen auto-encoder of means": "codes of full orbits' means",
    "frozen, other group": "features of another group's orbits",
    "frozen, clusters": "features of random clusters",
}


@dataclass(frozen=True)
class Setting:
    """The orbits of one draw with one of them partial, labelled ones first, in order of class.

    `points` are theirs among all points of the draw.
    """

    points: Int[np.ndarray, " point"]
    gram: Float[np.ndarray, "point point"]
    pixels: Float[np.ndarray, "point pixel"]
    group: FiniteGroup
    classes: Int[np.ndarray, " orbit"]
    labelled: int
    partial: int

    @property
    def poses(self) -> int:
        """Poses of an orbit."""
        return len(self.group)

    @property
    def orbit(self) -> Int[np.ndarray, " point"]:
        """The orbit of each point."""
        return np.repeat(np.arange(len(self.classes)), self.poses)

    @property
    def hole(self) -> int:
        """The point that is missing: pose 0 of the partial orbit."""
        return self.partial * self.poses

    @property
    def with_label(self) -> slice:
        """The points of labelled orbits."""
        return slice(self.labelled * self.poses)

    def first(self, orbits: int) -> "Setting":
        """With so many orbits only."""
        kept = slice(orbits * self.poses)
        return replace(
            self,
            points=self.points[kept],
            gram=self.gram[kept, kept],
            pixels=self.pixels[kept],
            classes=self.classes[:orbits],
        )


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """Deviations, residuals and wrong poses (task, orbit, ...) for each labelled orbit in turn."""
    kernels, orbits = inputs
    group = action_of(spec["group"]).group(int(kernels["n"]))
    tasks = []
    for number, gram in enumerate(kernels["gram"].values):
        pixels = orbits["pixels"].values[number]
        classes = np.unique(kernels["class_"].values[number], return_inverse=True)[1]
        labelled = np.unique(classes, return_index=True)[1]
        control = _of_another_group(spec, pixels, labelled, int(kernels["n"]), number)
        turns = [
            _one(spec, setting, control(setting), number)
            for setting in progress(list(settings_of(gram, pixels, group, classes)), "orbits")
        ]
        turn = xr.concat(turns, dim="orbit")
        tasks.append(turn.assign(_broken(spec, gram, pixels, group, classes, number)))
    result = xr.concat(tasks, dim="task").assign_coords(n=kernels["n"])
    return result.assign_attrs(spec["labels"])


def settings_of(
    gram: Float[np.ndarray, "point point"],
    pixels: Float[np.ndarray, "orbit pose row col"],
    group: FiniteGroup,
    classes: Int[np.ndarray, " orbit"],
) -> Iterator[Setting]:
    """For each class in turn: its labelled orbit partial, its unlabelled ones left out."""
    labelled = np.unique(classes, return_index=True)[1]
    unlabelled = np.setdiff1d(np.arange(len(classes)), labelled)
    # Classes take turns, so that the first of them are of all classes.
    unlabelled = unlabelled[np.argsort(_rank_in_class(classes[unlabelled]), kind="stable")]
    for partial in range(len(labelled)):
        kept = unlabelled[classes[unlabelled] != partial]
        chosen = np.concatenate([labelled, kept])
        points = (chosen[:, None] * len(group) + np.arange(len(group))).ravel()
        among, flat = gram[np.ix_(points, points)], pixels[chosen].reshape(len(points), -1)
        yield Setting(points, among, flat, group, classes[chosen], len(labelled), partial)


def _rank_in_class(classes: Int[np.ndarray, " orbit"]) -> Int[np.ndarray, " orbit"]:
    """How many orbits of the same class come before each."""
    return np.array([(classes[:place] == own).sum() for place, own in enumerate(classes)])


def _one(spec: Mapping[str, Any], setting: Setting, control: np.ndarray, number: int) -> xr.Dataset:
    sizes = [size for size in spec["orbits"] if size <= len(setting.classes)]
    deviations = [_deviations(setting.first(size), spec["dimensions"]) for size in sizes]
    wrong = wrong_by_protocol(setting, spec["few"], generator(spec["seed"], "clusters", number))
    wrong["frozen, other group"] = _wrong(setting, control)
    order = list(PROTOCOLS)
    return xr.Dataset(
        {
            "deviation": (("orbit_count", "dimension"), [exact for exact, _, _ in deviations]),
            "deviation_predicted": (
                ("orbit_count", "dimension"),
                [line for _, line, _ in deviations],
            ),
            "retrieved": (("orbit_count", "dimension"), [found for *_, found in deviations]),
            **_residuals(setting, spec["unlabelled"]),
            "wrong": ("protocol", [wrong[name][0] for name in order]),
            "wrong_seen": ("protocol", [wrong[name][1] for name in order]),
        },
        coords={
            "protocol": order,
            "orbit_count": sizes,
            "dimension": [*spec["dimensions"], 0],
            "unlabelled": spec["unlabelled"],
        },
    )


def _deviations(
    setting: Setting, dimensions: list[int]
) -> tuple[list[float], list[float], list[float]]:
    """Of contrastive features, by their number (all at the end): how far the missing pose is off.

    Its distance from the value at the orbit's seen poses, over the root mean square distance of the
    other orbits from that value: exact, by the closed form; and whether its nearest orbit is its
    own.
    """
    count = len(setting.classes)
    weights = _joint(setting, count)
    values = setting.gram @ weights
    first = np.arange(count) * setting.poses + 1  # a seen pose of each orbit
    exact, missing = values[first], values[setting.hole]
    averages = average_over_subgroup(setting.gram, count, Subgroup.whole(setting.group))
    predicted = contrastive_features(averages, setting.group, setting.partial, count)
    rows: tuple[list[float], list[float], list[float]] = ([], [], [])
    for number in [*dimensions, count]:
        if number > count:
            found = (np.nan, np.nan, np.nan)
        else:
            own = _off(exact[:, :number], missing[:number], setting.partial)
            line = _off(predicted.seen[:, :number], predicted.missing[:number], setting.partial)
            nearest = np.linalg.norm(exact[:, :number] - missing[:number], axis=1).argmin()
            found = (own, line, float(nearest == setting.partial))
        for row, value in zip(rows, found, strict=True):
            row.append(value)
    return rows


def _off(seen: np.ndarray, missing: np.ndarray, partial: int) -> float:
    others = np.delete(seen, partial, axis=0) - seen[partial]
    between = np.sqrt((others**2).sum(axis=1).mean())
    return float(np.linalg.norm(missing - seen[partial]) / between)


def _joint(setting: Setting, dimensions: int) -> Float[np.ndarray, "point feature"]:
    """Weights, zero on the missing point, of features constant on all orbits' seen poses."""
    seen = np.delete(np.arange(len(setting.gram)), setting.hole)
    weights = np.zeros((len(setting.gram), dimensions))
    among = setting.gram[np.ix_(seen, seen)]
    weights[seen] = found_by.constant_on(setting.orbit[seen], among, dimensions)
    return weights


def _residuals(setting: Setting, unlabelled: list[int]) -> dict[str, Any]:
    """Of a labelled pair, by the number of unlabelled orbits: exact, and by the closed form.

    The pair is the partial orbit and the next labelled one; unlabelled orbits are of other classes
    than both. The exact residual is the mean over missing poses.
    """
    other = (setting.partial + 1) % setting.labelled
    rest = np.arange(setting.labelled, len(setting.classes))
    rest = rest[setting.classes[rest] != other]
    exact, predicted = [], []
    for count in unlabelled:
        chosen = np.concatenate([[setting.partial, other], rest[:count]])
        points = (chosen[:, None] * setting.poses + np.arange(setting.poses)).ravel()
        gram = setting.gram[np.ix_(points, points)]
        exact.append(semi_supervised_residual(gram, setting.poses).mean())
        averages = average_over_subgroup(gram, len(chosen), Subgroup.whole(setting.group))
        closed = semi_supervised_errors(averages, setting.group, [1.0, -1.0], [0, 1])
        predicted.append(closed[0])
    return {"residual": ("unlabelled", exact), "residual_predicted": ("unlabelled", predicted)}


def semi_supervised_residual(
    gram: Float[np.ndarray, "point point"], poses: int
) -> Float[np.ndarray, " pose"]:
    """The first orbit's residual at each pose missing from it, by dense algebra.

    The first orbit has the label 1, the second -1, all others are constant at whatever value: the
    norm z^T K^-1 z is least over their values and over that at the missing point.
    """
    inverse = solve_gram(gram).inverse
    count = len(gram) // poses
    member = np.repeat(np.eye(count), poses, axis=0)
    labels = member[:, 0] - member[:, 1]
    residuals = []
    for pose in range(poses):
        free = np.column_stack([np.eye(len(gram))[pose], member[:, 2:]])
        solved = np.linalg.solve(free.T @ inverse @ free, free.T @ inverse @ labels)
        residuals.append(solved[0])  # the value at the missing point is the label less this
    return np.array(residuals)


Outcome = tuple[bool, float]  # whether the missing pose is wrong; the share of seen ones that are


def wrong_by_protocol(setting: Setting, few: int, rng: np.random.Generator) -> dict[str, Outcome]:
    """What a probe on the labelled orbits makes of the missing pose, by way of learning."""
    seen = np.delete(np.arange(len(setting.gram)), setting.hole)
    full = np.arange(setting.with_label.stop, len(setting.gram))
    targets = {"": setting.pixels, " of means": _means(setting)}

    def learned(points: np.ndarray, weights: np.ndarray) -> Outcome:
        return _wrong(setting, setting.gram[setting.with_label][:, points] @ weights)

    def among(points: np.ndarray) -> np.ndarray:
        return setting.gram[np.ix_(points, points)]

    every = np.arange(len(setting.gram))
    classes = np.unique(setting.classes[setting.orbit[full]], return_inverse=True)[1]
    one_of = 2.0 * np.eye(classes.max() + 1)[classes] - 1.0
    outcomes = {
        "supervised": _regressed(setting, semi=False),
        "semi-supervised": _regressed(setting, semi=True),
        "joint": learned(every, _joint(setting, few)),
        "joint, all": learned(every, _joint(setting, len(setting.classes))),
        "kernel PCA": learned(seen, found_by.principal(among(seen), few)),
        "frozen": learned(full, _on_clusters(setting, full, setting.orbit[full], few)),
        "frozen, supervised": learned(full, solve_gram(among(full)).inverse @ one_of),
        "frozen, clusters": learned(
            full, _on_clusters(setting, full, rng.permutation(setting.orbit[full]), few)
        ),
    }
    for name, images in targets.items():
        for prefix, points in (("auto", seen), ("frozen auto", full)):
            weights = found_by.auto_encoder(among(points), images[points], few)
            outcomes[f"{prefix}-encoder{name}"] = learned(points, weights)
    return outcomes


def _on_clusters(
    setting: Setting, points: np.ndarray, cluster: np.ndarray, few: int
) -> Float[np.ndarray, "point feature"]:
    numbers = np.unique(cluster, return_inverse=True)[1]
    return found_by.constant_on(numbers, setting.gram[np.ix_(points, points)], few)


def _means(setting: Setting) -> Float[np.ndarray, "point pixel"]:
    """Of each point, the mean image of its orbit's seen poses."""
    seen = np.ones(len(setting.gram))
    seen[setting.hole] = 0.0
    by_orbit = (seen[:, None] * setting.pixels).reshape(len(setting.classes), setting.poses, -1)
    counts = seen.reshape(len(setting.classes), setting.poses).sum(axis=1)
    return np.repeat(by_orbit.sum(axis=1) / counts[:, None], setting.poses, axis=0)


def _wrong(setting: Setting, features: Float[np.ndarray, "point feature"]) -> Outcome:
    """By a probe on features of the points of labelled orbits."""
    classes = np.repeat(np.arange(setting.labelled), setting.poses)
    seen = np.arange(len(classes)) != setting.hole
    right = found_by.probe(features, classes, seen) == classes
    return bool(not right[setting.hole]), float((~right[seen]).mean())


def _regressed(setting: Setting, semi: bool) -> Outcome:
    """Regression on the labelled orbits, with or without unlabelled ones; it fits what it saw."""
    orbits = len(setting.classes) if semi else setting.labelled
    part = setting.first(orbits)
    inverse = solve_gram(part.gram).inverse
    member = np.repeat(np.eye(orbits), part.poses, axis=0)
    labels = member[:, : part.labelled] @ (2.0 * np.eye(part.labelled) - 1.0)
    free = np.column_stack([np.eye(len(part.gram))[part.hole], member[:, part.labelled :]])
    solved = np.linalg.solve(free.T @ inverse @ free, free.T @ inverse @ labels)
    predicted = labels[part.hole] - solved[0]
    return bool(predicted.argmax() != part.partial), 0.0


def _of_another_group(
    spec: Mapping[str, Any],
    pixels: Float[np.ndarray, "orbit pose row col"],
    labelled: Int[np.ndarray, " labelled"],
    n: int,
    number: int,
) -> Callable[[Setting], Float[np.ndarray, "point feature"]]:
    """The control: features of the same images' full orbits under another group.

    It turns images whose pixels are permuted, and permutes them back.
    """
    orbits, poses, rows, columns = pixels.shape
    permuted = generator(spec["seed"], "another group", number).permutation(rows * columns)
    upright = pixels[:, 0].reshape(orbits, -1)[:, permuted].reshape(orbits, rows, columns)
    turned = make_orbits(upright, spec["group"], n).reshape(orbits * poses, -1)
    back = turned[:, np.argsort(permuted)].reshape(-1, rows, columns)
    here = pixels[labelled].reshape(-1, rows, columns)
    whole = gram_of(spec["architecture"], np.concatenate([here, back]))
    own, across = whole[len(here) :, len(here) :], whole[: len(here), len(here) :]

    def features(setting: Setting) -> Float[np.ndarray, "point feature"]:
        full = setting.points[setting.with_label.stop :]
        cluster = np.repeat(np.arange(len(full) // poses), poses)
        weights = found_by.constant_on(cluster, own[np.ix_(full, full)], spec["few"])
        return across[:, full] @ weights

    return features


def _broken(
    spec: Mapping[str, Any],
    gram: Float[np.ndarray, "point point"],
    pixels: Float[np.ndarray, "orbit pose row col"],
    group: FiniteGroup,
    classes: Int[np.ndarray, " orbit"],
    number: int,
) -> dict[str, Any]:
    """The frozen protocol where gains of the pixels break the kernel's invariance."""
    rows, columns = pixels.shape[2:]
    noise = generator(spec["seed"], "gains", number).standard_normal((rows, columns))
    wrong, broken = [], []
    for strength in spec["gains"]:
        changed = pixels * np.exp(strength * noise)
        images = changed.reshape(-1, rows, columns)
        found = gram_of(spec["architecture"], images) if strength else gram
        broken.append(non_invariance(found, len(classes), group))
        each = [
            _frozen(setting, spec["few"]) for setting in settings_of(found, changed, group, classes)
        ]
        wrong.append(np.mean(each))
    return {
        "wrong_frozen": ("pixel_gain", wrong),
        "non_invariance": ("pixel_gain", broken),
        "pixel_gain": list(spec["gains"]),
    }


def _frozen(setting: Setting, few: int) -> bool:
    full = np.arange(setting.with_label.stop, len(setting.gram))
    weights = _on_clusters(setting, full, setting.orbit[full], few)
    return _wrong(setting, setting.gram[setting.with_label][:, full] @ weights)[0]


def non_invariance(
    gram: Float[np.ndarray, "point point"], orbits: int, group: FiniteGroup
) -> float:
    """Root mean square distance of a kernel from its average over the group, in units of spread.

    The spread is the standard deviation of the averaged kernel over pairs of different orbits.
    """
    averages = average_over_subgroup(gram, orbits, Subgroup.whole(group))
    poses = len(group)
    rows = gram.reshape(orbits, poses, orbits, poses)
    # The average of the entry of poses g and h is that of g^-1 h.
    element = group.table[group.inverse]
    invariant = averages[:, :, element].transpose(0, 2, 1, 3)
    between = averages[~np.eye(orbits, dtype=bool)]
    return float(np.sqrt(((rows - invariant) ** 2).mean()) / between.std())
