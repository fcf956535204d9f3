"""What the studies of partially observed orbits can be set to, and what must fit together."""

from collections.abc import Iterable, Iterator
from math import comb
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from symlearn.menu.groups import (
    CyclicGroupName,
    DihedralName,
    RotationName,
    ShiftGroupName,
)
from symlearn.menu.values import (
    Class,
    ClassList,
    Closed,
    Context,
    Count,
    Distinct,
    Faults,
    Names,
    Order,
    Rate,
    RidgeFactor,
    Sizes,
    Whole,
    allowed,
    among,
    at_most,
    known_classes,
)
from symlearn.papers.orbits.shares import test_points
from symlearn.papers.orbits.views import pairs_of_poses


class Pairs(Closed):
    """Pairs of seed images of different classes, each with its orbit."""

    group: str
    n: Sizes = Field(description="order of the cyclic group, n of the n-gon, shifts per axis")
    pairs: Count
    chunk: Count = Field(default=128, description="pairs in one cell")
    architectures: Names


def _a_triangle(pairs: int) -> int:
    if pairs < 3:
        raise ValueError("three pairs or more make the triangles of figure 4's maps of the error")
    return pairs


class Rotations(Pairs):
    """Pairs under rotations, of which the quarter turns are exact."""

    group: RotationName
    pairs: Annotated[Whole, AfterValidator(_a_triangle)] = Field(
        description="three make a triangle of figure 4", json_schema_extra={"minimum": 3}
    )


class Dihedral(Pairs):
    """Pairs under rotations and reflections."""

    group: DihedralName


class Precision(Pairs):
    """Pairs under a cyclic group, in 32 and in 64 bits."""

    group: CyclicGroupName


class Shifts(Pairs):
    """Pairs under an exact group action, with ridges for the kernels whose orbits collapse."""

    group: ShiftGroupName
    ridge_factors: Annotated[list[RidgeFactor], Field(min_length=1), Distinct] = Field(
        description="ridge as a share of the Gram matrix's trace; the smallest serves as none"
    )


class Softness(Closed):
    """Kernels of `shifts`, at the n nearest 7, that are averaged over the group to some degree."""

    shares: Annotated[list[Annotated[float, Field(ge=0, lt=1)]], Field(min_length=2), Distinct] = (
        Field(description="share of the average over the group; 0 is the kernel as it is")
    )
    width: Count = Field(description="of networks that are augmented and tied to that degree")
    pairs: Count = Field(description="pairs that such networks are made for")


class Seeds(Closed):
    """Several seed images of each of two classes, drawn anew for each draw."""

    group: CyclicGroupName
    n: Sizes
    seeds_per_class: Count
    draws: Count
    chunk: Count = Field(default=16, description="draws in one cell")
    architectures: Names


class Classes(Closed):
    """Several seed images of every class of the data set, one draw."""

    group: CyclicGroupName
    n: Sizes
    seeds_per_class: Count
    architectures: Names


class SelfSupervised(Closed):
    """Orbits of every class; the first of each class has a label, and one of these is partial."""

    group: RotationName
    n: Sizes
    seeds_per_class: Annotated[Whole, Field(ge=2)]
    draws: Count
    architectures: Names
    few: Count = Field(description="features that the protocols learn")
    dimensions: Sizes = Field(description="numbers of features, beside as many as orbits")
    orbits: Sizes = Field(description="numbers of orbits that features are learned on")
    unlabelled: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2), Distinct]
    gains: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1), Distinct] = Field(
        description="standard deviations of the logarithm of random gains of the pixels"
    )
    chunk: Count = Field(default=1, description="draws in one cell")


class OfViews(Closed):
    """How single networks learn from the orbits of `self_supervised`; null is what others have."""

    partial: ClassList | None = None
    steps: Count | None = None
    batch: Count | None = None
    learning_rate: Rate | None = None
    layout: Literal["channels-last"] | None = None


class WithoutLabels(Closed):
    """Networks that learn from views of the orbits of `self_supervised`, and from labels."""

    n: Order
    networks: Names
    objectives: Annotated[list[Literal["contrastive", "vicreg"]], Field(min_length=1), Distinct]
    draws: Count = Field(description="draws of orbits, each with networks of its own")
    partial: ClassList = Field(description="classes whose labelled orbit is partial, in turn")
    few: Count = Field(description="features, as the protocols of `self_supervised` learn them")
    many: Count = Field(description="features, about as many as orbits")
    steps: Count = Field(description="steps of the optimiser on pairs of views, at least")
    batch: Count = Field(description="pairs of views in a step")
    learning_rate: Rate = 1e-3
    labelled_steps: Count = Field(description="steps on all labelled points")
    layout: Literal["channels-last"] | None = Field(
        default=None, description="of images and filters in memory; convolutions are faster for it"
    )
    by_network: dict[str, OfViews] = Field(default_factory=dict)

    def of(self, network: str) -> "WithoutLabels":
        """The study as it is for one of its networks."""
        own = self.by_network.get(network, OfViews())
        return self.model_copy(update=own.model_dump(exclude_none=True))


class RingSweeps(Closed):
    """Two rings of points under a Gaussian kernel."""

    n: Annotated[Sizes, Field(min_length=2)] = Field(
        description="points per ring, swept at separation 1"
    )
    separations: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2), Distinct] = (
        Field(description="distances of the rings' planes, swept at 6 points per ring")
    )
    ridge_factor: RidgeFactor = Field(description="ridge as a share of the training points' trace")


class Portrait(Closed):
    """Two seed images in many poses, for the pictures of orbits."""

    classes: Annotated[list[Class], Field(min_length=2, max_length=2), Distinct]
    poses: Annotated[Whole, Field(ge=8, le=720)]


class OfOneNetwork(Closed):
    """What one network of `partial` has in place of what the others have; null is the same."""

    n: Sizes | None = None
    images: Count | None = None
    left_out: ClassList | None = None
    epochs: Count | None = None
    batch: Count | None = None
    learning_rate: Rate | None = None


class Partial(Closed):
    """Networks trained on all rotations of all classes but the upright pose of one class."""

    n: Sizes
    networks: Names
    images: Count | None = Field(
        default=None, description="seed images, equally many of each class; all where it is null"
    )
    left_out: ClassList = Field(description="classes, each left out from networks of its own")
    seeds: Count = Field(default=1, description="initialisations for each class left out")
    chunk: Count = Field(default=10, description="classes left out in one cell")
    epochs: Count
    batch: Count
    learning_rate: Rate = 1e-3
    by_network: dict[str, OfOneNetwork] = Field(
        default_factory=dict,
        description="what single networks have instead, by name: some learn from fewer images, "
        "others cost so much that fewer classes are left out",
    )

    def of(self, network: str) -> "Partial":
        """The study as it is for one of its networks."""
        own = self.by_network.get(network, OfOneNetwork())
        return self.model_copy(update=own.model_dump(exclude_none=True))


class LongTraining(Closed):
    """The task of `partial` for many epochs, with and without weight decay."""

    n: Order
    network: str
    images: Count | None = None
    left_out: ClassList
    seeds: Count = Field(default=1, description="initialisations for each class left out")
    epochs: Count
    batch: Count
    learning_rate: Rate = 1e-3
    weight_decays: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1), Distinct] = (
        Field(description="decoupled weight decay; 0 is none")
    )


class TrainedPairs(Closed):
    """Networks of finite width trained on the pairs of `rotations`, by Adam as in the paper."""

    n: Order
    pairs: Count
    chunk: Count = Field(default=64, description="pairs in one cell")
    architecture: str
    width: Count
    steps: Count = Field(description="full-batch steps of the optimiser")
    learning_rate: Rate = 1e-3


class TrainedPoses(Closed):
    """Networks of finite width on the pairs of `rotations` at several n, by Adam."""

    n: Sizes
    pairs: Count
    chunk: Count = Field(default=64, description="pairs in one cell")
    architectures: Annotated[list[str], Distinct] = Field(
        description="beside that of `widths`, whose networks are shown too"
    )
    width: Count
    steps: Count = Field(description="full-batch steps of the optimiser")
    learning_rate: Rate = 1e-3


class Widths(Closed):
    """Networks over width, trained by gradient descent on the pairs of `rotations`."""

    n: Sizes
    pairs: Count
    architecture: str
    widths: Annotated[list[Count], Field(min_length=2), Distinct]
    linearised: Annotated[list[Count], Distinct] = Field(
        default_factory=list,
        description="further widths, of networks that are linearised and not trained",
    )
    seeds: Count = Field(default=1, description="initialisations for each pair and missing pose")
    steps: Count
    learning_rate: Rate = Field(
        default=0.05,
        description="of the mean squared error; much above it, narrow networks die on the way",
    )
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.98


class TrainedClasses(Closed):
    """A network trained on the ten classes of `classes`."""

    n: Sizes
    network: str
    epochs: Count
    least_steps: Count = Field(
        default=1, description="epochs are added where few rotations make them shorter than this"
    )
    batch: Count
    learning_rate: Rate = 1e-3


class Settings(Closed):
    """The studies of this paper, by their keys in a preset."""

    title: ClassVar[str] = "Partially observed orbits"
    rank: ClassVar[int] = 1  # of the papers, in the order in which figures are shown

    rings: RingSweeps
    portrait: Portrait
    rotations: Rotations
    seeds: Seeds
    classes: Classes
    self_supervised: SelfSupervised
    without_labels: WithoutLabels
    shifts: Shifts
    softness: Softness
    dihedral: Dihedral
    precision: Precision
    partial: Partial
    long_training: LongTraining
    trained_pairs: TrainedPairs
    trained_classes: TrainedClasses
    trained_poses: TrainedPoses
    widths: Widths


# Each public function from here on is a check: it says what does not fit among the settings that
# its arguments name, and is asked where a figure needs all of them.


def rotations_have_pairs(context: Context, rotations: Rotations) -> Faults:
    """Pairs differ, at least on the whole: of few images the same are drawn again and again."""
    yield from _kernels_fit(context, "rotations", rotations)
    facts = context.dataset.facts
    there = comb(facts.classes, 2) * facts.smallest_class**2
    yield from at_most("rotations.pairs", rotations.pairs, there, "the pairs that there are")


def dihedral_fits_the_images(context: Context, dihedral: Dihedral) -> Faults:
    """Patches tile the images."""
    yield from _kernels_fit(context, "dihedral", dihedral)


def shifts_divide_the_images(context: Context, shifts: Shifts) -> Faults:
    """Cyclic shifts are by whole pixels, and by whole patches."""
    yield from _kernels_fit(context, "shifts", shifts)


def precision_divides_the_images(context: Context, precision: Precision) -> Faults:
    """Likewise."""
    yield from _kernels_fit(context, "precision", precision)


def seeds_fit_the_data(context: Context, seeds: Seeds) -> Faults:
    """Likewise, and a class has no more images than it has."""
    yield from _kernels_fit(context, "seeds", seeds)
    yield from _enough_of_each_class(context, "seeds", seeds)


def classes_fit_the_data(context: Context, classes: Classes) -> Faults:
    """Likewise, and a class has no more images than it has."""
    yield from _kernels_fit(context, "classes", classes)
    yield from _enough_of_each_class(context, "classes", classes)


def self_supervised_fits_the_data(context: Context, self_supervised: SelfSupervised) -> Faults:
    """There are so many orbits, of other classes than the partial one's, or than a pair's."""
    yield from _kernels_fit(context, "self_supervised", self_supervised)
    yield from _enough_of_each_class(context, "self_supervised", self_supervised)
    classes, rest = context.dataset.facts.classes, self_supervised.seeds_per_class - 1
    there = classes + (classes - 1) * rest
    for name in ("orbits", "dimensions"):
        for number in getattr(self_supervised, name):
            yield from at_most(f"self_supervised.{name}", number, there, "the orbits of a draw")
    full = (classes - 1) * rest
    yield from at_most("self_supervised.few", self_supervised.few, full, "the full orbits")
    most = max(self_supervised.unlabelled)
    yield from at_most(
        "self_supervised.unlabelled", most, (classes - 2) * rest, "those that there are"
    )


def without_labels_fits_the_data(
    context: Context, without_labels: WithoutLabels, self_supervised: SelfSupervised
) -> Faults:
    """Partial orbits are of classes that there are, and recipes of networks that are known."""
    study = without_labels
    yield from known_classes("without_labels.partial", study.partial, context.dataset.facts)
    for name in study.by_network:
        if name not in context.networks:
            choices = allowed(name, context.networks)
            yield f"without_labels.by_network.{name}", f"{name!r} is unknown; {choices}"
    seeds = self_supervised.seeds_per_class
    classes = context.dataset.facts.classes
    for network in study.networks:
        batch = study.of(network).batch
        pairs = pairs_of_poses(classes, seeds, study.n, joint=False)
        yield from at_most(
            "without_labels.batch", batch, pairs, "the pairs of views of full orbits"
        )


def portrait_is_of_classes_that_there_are(context: Context, portrait: Portrait) -> Faults:
    """Classes are counted from 0."""
    yield from known_classes("portrait.classes", portrait.classes, context.dataset.facts)


def left_out_classes_are_there(context: Context, partial: Partial) -> Faults:
    """Likewise for figure 1's networks."""
    for key, study in _by_network(partial, "left_out"):
        yield from known_classes(key, study.left_out, context.dataset.facts)


def networks_with_a_recipe_are_known(context: Context, partial: Partial) -> Faults:
    """A recipe of its own is for a network that the config knows, trained in this preset or not."""
    for name in partial.by_network:
        if name not in context.networks:
            choices = allowed(name, context.networks)
            yield f"partial.by_network.{name}", f"{name!r} is unknown; {choices}"


def long_training_leaves_out_classes_that_there_are(
    context: Context, long_training: LongTraining
) -> Faults:
    """Likewise for figure 11's."""
    left_out = long_training.left_out
    yield from known_classes("long_training.left_out", left_out, context.dataset.facts)


def partial_has_images(context: Context, partial: Partial) -> Faults:
    """Equally many images of each class; two, between which figure invariance-partial measures."""
    facts = context.dataset.facts
    for key, study in _by_network(partial, "images"):
        yield from _equally_many(context, key, study.images)
        yield from _some_to_test(context, key, study.images, study.n)
        if (study.images or facts.images) < 2 * facts.classes or facts.smallest_class < 2:
            yield (
                key,
                f"{study.images} is less than two of each of the {facts.classes} classes, of which "
                "figure invariance-partial measures the spread; take a larger number, or add "
                "images",
            )


def _by_network(partial: Partial, field: str) -> Iterator[tuple[str, Partial]]:
    """The study as most networks have it and as each that differs in a setting, with its key."""
    yield f"partial.{field}", partial
    for name, own in partial.by_network.items():
        if getattr(own, field) is not None:
            yield f"partial.by_network.{name}.{field}", partial.of(name)


def long_training_has_images(context: Context, long_training: LongTraining) -> Faults:
    """Equally many images of each class."""
    images = long_training.images
    yield from _equally_many(context, "long_training.images", images)
    yield from _some_to_test(context, "long_training.images", images, [long_training.n])


def trained_pairs_have_a_theory(
    context: Context, trained_pairs: TrainedPairs, rotations: Rotations
) -> Faults:
    """What networks are trained on, kernels see too."""
    yield from among("trained_pairs.n", trained_pairs.n, rotations.n, "rotations.n")
    yield from at_most(
        "trained_pairs.pairs", trained_pairs.pairs, rotations.pairs, "rotations.pairs"
    )
    name = trained_pairs.architecture
    yield from _with_theory(context, "trained_pairs.architecture", name, rotations, ("mlp", "cnn"))


def trained_poses_have_a_theory(
    context: Context, trained_poses: TrainedPoses, rotations: Rotations
) -> Faults:
    """What networks are trained on, kernels see too."""
    for n in trained_poses.n:
        yield from among("trained_poses.n", n, rotations.n, "rotations.n")
    for name in trained_poses.architectures:
        yield from _with_theory(
            context, "trained_poses.architectures", name, rotations, ("mlp", "cnn")
        )
    yield from at_most(
        "trained_poses.pairs", trained_poses.pairs, rotations.pairs, "rotations.pairs"
    )


def widths_have_a_theory(context: Context, widths: Widths, rotations: Rotations) -> Faults:
    """What networks are trained on, kernels see too."""
    for n in widths.n:
        yield from among("widths.n", n, rotations.n, "rotations.n")
    yield from at_most("widths.pairs", widths.pairs, rotations.pairs, "rotations.pairs")
    yield from _with_theory(
        context, "widths.architecture", widths.architecture, rotations, ("mlp",)
    )


def trained_classes_have_a_theory(
    context: Context, trained_classes: TrainedClasses, classes: Classes
) -> Faults:
    """What networks are trained on, kernels see too."""
    for n in trained_classes.n:
        yield from among("trained_classes.n", n, classes.n, "classes.n")


def _with_theory(
    context: Context,
    key: str,
    architecture: str,
    theory: Rotations,
    kinds: tuple[str, ...],
) -> Faults:
    """The architecture at a key has kernels, and networks of the kinds that are trained here."""
    yield from among(key, architecture, theory.architectures, "rotations.architectures")
    kind = context.architectures.get(architecture, {"kind": kinds[0]})["kind"]
    if kind not in kinds:
        yield (
            key,
            f"{architecture!r} is of kind {kind}, and networks are trained here of "
            f"{' and '.join(kinds)}",
        )


def _kernels_fit(
    context: Context, key: str, study: Pairs | Seeds | Classes | SelfSupervised
) -> Faults:
    """Shifts move whole pixels, patches tile images with a margin, and a shift moves whole patches.

    A transformer is invariant under no other shifts, and its kernel is computed for one point of
    each class of exact symmetries.
    """
    side = context.dataset.side
    shifted = study.group.endswith("shift")
    for n in study.n:
        if shifted and side % n:
            yield f"{key}.n", f"{n} does not divide the images' side, {side} pixels"
    for name in study.architectures:
        entry = context.architectures.get(name, {})
        if (patch := entry.get("patch")) is None:
            continue
        if side % 2 and patch % 2 == 0:
            where = f"{key}.architectures"
            yield where, f"{name} has patches of {patch} pixels, which tile no image of {side}"
        for n in study.n:
            if shifted and side % n == 0 and (side % patch or (side // n) % patch):
                yield (
                    f"{key}.n",
                    f"{n} shifts of {side // n} pixels do not move whole patches of {name}, "
                    f"{patch} pixels",
                )


def _enough_of_each_class(
    context: Context, key: str, study: Seeds | Classes | SelfSupervised
) -> Faults:
    smallest, name = context.dataset.facts.smallest_class, context.dataset.name
    if study.seeds_per_class > smallest:
        yield (
            f"{key}.seeds_per_class",
            f"{study.seeds_per_class} is more than the {smallest} images of the smallest class of "
            f"{name}; take a smaller number",
        )


def _equally_many(context: Context, key: str, images: int | None) -> Faults:
    classes = context.dataset.facts.classes
    most = classes * context.dataset.facts.smallest_class
    if images is None:
        return
    if not classes <= images <= most:
        size = "smaller" if images > most else "larger"
        yield (
            key,
            f"{images} is not from {classes} to {most}, equally many of each of the {classes} "
            f"classes of {context.dataset.name}; take a {size} number, or null for all",
        )
    elif images % classes:
        yield (
            key,
            f"{images} is no multiple of {classes}, and there are equally many of each of the "
            f"{classes} classes; take {images // classes * classes}",
        )


def _some_to_test(context: Context, key: str, images: int | None, sizes: Iterable[int]) -> Faults:
    """A fault where a tenth of the poses, which test in distribution, is none."""
    facts = context.dataset.facts
    images = images or facts.images
    for n in sizes:
        if not test_points(images * n - images // facts.classes):
            yield (
                key,
                f"{images} images in {n} poses are too few for a test on a tenth of them; take a "
                "larger number",
            )
