"""The measures of all four papers for any classifier, as datasets with units.

Each takes a module (image, channel, row, col) to (image, class) in evaluation mode and the images
as it takes them, normalised. What is measured image by image has its standard error over images
beside it, by the name with `_se`. Use from Python: docs/python.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import nn

from symlearn.groups.tensors import ImageAction, image_action
from symlearn.measures.class_probabilities import classifier_errors, decisions, probabilities
from symlearn.measures.invariance import measure_invariance
from symlearn.measures.layer_kinds import layer_runs
from symlearn.measures.layers import decompose, operations_of
from symlearn.measures.lie import check_generator, check_images, check_model
from symlearn.measures.lie_action import STENCILS, MeasureError
from symlearn.measures.stability import OUTPUT, Perturbation, Responses, measure
from symlearn.menu.groups import GROUPS
from symlearn.networks.convolutional import normalise_by_batch
from symlearn.randomness import seed_of
from symlearn.statistics import Measured, mean, median, ratio_of_means

Array = np.ndarray | torch.Tensor

Images = Float[torch.Tensor, "image channel row col"]

# Units and long names of what is measured.
QUANTITIES: Mapping[str, tuple[str, str]] = {
    "mean_square": ("1", "mean square of the Lie derivative of the probabilities"),
    "mean_absolute": ("1", "mean absolute value of the Lie derivative of the probabilities"),
    "logits": ("1", "mean square of the logits' Lie derivative over the logits' variance"),
    "contribution": ("1", "squared norm of the layer's term"),
    "share": ("1", "median over images of the layer's share of the squared norms"),
    "R": ("1", "relative stability: D over G"),
    "D": ("1", "squared distance by deformations over that between images"),
    "G": ("1", "squared distance by noise of the same norm over that between images"),
    "divergence": ("1", "KL of the predicted probabilities of an image and a pose of it (nats)"),
    "logit_error": ("1", "half the squared distance between logits of an image and a pose of it"),
    "saliency_similarity": ("1", "cosine between absolute saliency maps, brought back"),
    "agreement": ("1", "how often a pose has the predicted class of its image"),
    "relative_logit_error": ("1", "logit error over that between different images"),
    "selectivity": ("1", "logit error over that of noise of the same size"),
    "accuracy": ("1", "share of images whose largest output is their class"),
}
_INVARIANCE = {
    "divergence": "divergence",
    "logit_error": "logit_error",
    "saliency_similarity": "saliency_absolute",
    "agreement": "agreement",
    "relative_logit_error": "relative_logit_error",
    "selectivity": "selectivity",
}
_TRIED = 2  # images on which a module is tried first
# Up to so many outputs the terms of layers are exact; of more, seen through as many directions.
_PROBES = 64
_LARGEST_MAPS = 2**31  # bytes of the matrices of a group that interpolates
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def lie_error(
    module: nn.Module,
    images: Array,
    generators: str | Sequence[str] = "rotate",
    *,
    stencil: str = "forward",
    batch: int = 16,
) -> xr.Dataset:
    """The Lie derivative of a classifier, end to end, by generator.

    `mean_square` and `mean_absolute` are of the derivative of the probabilities over classes and
    images: equation 4 of arXiv 2210.02984, and what its released code computes. `logits` is the
    mean square of the logits' derivative over the logits' variance over images. All are per unit of
    the normalised coordinates, in which an image goes from -1 to 1. `forward` is the released
    code's stencil (docs/science/lie.md#stencils); it needs float64 to be its numbers.

    Raises MeasureError for what it cannot be measured of. Cost: three to five forward passes of
    each image for each generator.
    """
    points = checked(module, images)
    names = [generators] if isinstance(generators, str) else list(generators)
    _check_actions(points, names, stencil)
    found = classifier_errors(module, points, names, stencil, batch).summary()
    named = {"square": "mean_square", "absolute": "mean_absolute", "logits": "logits"}
    values = {named[kind]: ("generator", by_generator) for kind, by_generator in found.items()}
    return _dataset("lie_error", values, {"generator": names}, stencil=stencil, images=len(points))


def layer_errors(
    module: nn.Module,
    images: Array,
    generator: str = "translate_x",
    *,
    stencil: str = "forward",
    probes: int | None = None,
    seed: int = 0,
    quiet: bool = True,
) -> xr.Dataset:
    """What each layer of a classifier contributes to its Lie derivative, in the layers' order.

    A layer's term is its own Lie derivative pushed on to the probabilities; the terms of all add up
    to the whole. `share` is the median over images of a term's squared norm, of the sum of them
    all, and `contribution` the mean squared norm. `kind` says what a layer does and `name` where in
    the module it is. Terms are exact where the outputs are at most 64, else seen through 64 random
    directions (`probes`, drawn by `seed`). `closure` is the largest difference between the whole
    and the sum of its terms, relative to the whole: rounding, if nothing was missed
    (docs/science/lie.md#layer-by-layer).

    Raises MeasureError as `lie_error`, and where the module's output does not come from torch's
    functions alone. Cost for each image: a trace that holds all values, and a backward pass for
    each output or direction.
    """
    points = checked(module, images)
    _check_actions(points, [generator], stencil)
    if probes is None and _outputs(module, points).shape[1] > _PROBES:
        probes = _PROBES
    runs = layer_runs(module, operations_of(module, points[:1]))
    rng = torch.Generator().manual_seed(seed_of(seed, "layer errors"))
    terms = decompose(probabilities(module), points, generator, stencil, probes=probes, rng=rng)
    # Probabilities come after the module's own operations, and are no layer.
    squares = terms.squares_of([numbers for _, numbers in runs]).double().cpu().numpy()
    total = squares.sum(axis=0)
    if not total.all():
        raise MeasureError("the module's outputs do not change with the images: no layer has part")
    shares = squares / total
    values = {
        "contribution": ("layer", [mean(one) for one in squares]),
        "share": ("layer", [median(one) for one in shares]),
    }
    found = _dataset(
        "layer_errors", values, {}, stencil=stencil, generator=generator, images=len(points),
        directions=probes or 0,
        closure=float(terms.closure.abs().max() / terms.whole.abs().max()),
    )  # fmt: skip
    return found.assign_coords(
        name=("layer", [layer.name for layer, _ in runs]),
        kind=("layer", [layer.kind for layer, _ in runs]),
    )


def relative_stability(
    module: nn.Module,
    images: Array,
    displacement: float = 1.0,
    cutoff: int = 3,
    draws: int = 8,
    seed: int = 0,
    batch_statistics: bool = False,
    *,
    layers: Sequence[str] | None = None,
    batch: int = 16,
) -> xr.Dataset:
    """How much less smooth deformations move a layer than noise of the same norm: R = D / G.

    `D` is the squared distance by which deformations of `displacement` pixels, of modes up to
    `cutoff`, move a layer's values, over that between different images; `G` is the same of noise;
    `R` is their ratio: 1 for a layer to which a deformation is as any change, small for one that is
    stable (docs/science/stability.md#d-g-and-r). Ratios are of means over images and `draws`.
    By layer in the order in which they act, the output last; `layers` names others than the
    module's blocks. `batch_statistics` normalises by each batch's own statistics, as is right for
    networks that were not trained (docs/science/stability.md#before-training).

    Raises MeasureError as `lie_error`, for images that are not square, and for unknown layers.
    Cost: 2 draws + 2 forward passes; in memory 3 draws copies of the images.
    """
    points = checked(module, images)
    if points.shape[-1] != points.shape[-2]:
        raise MeasureError(f"deformations are of square images, not {_by(points.shape[-2:])}")
    if batch_statistics:
        module = deepcopy(module)
        normalise_by_batch(module)
    names = list(blocks(module, points[:2]) if layers is None else layers)
    side = points.shape[-1]
    try:
        perturbation = Perturbation.of_displacement(displacement, side, cutoff, draws)
        stream = torch.Generator().manual_seed(seed_of(seed, "deformations"))
        found = measure(module, points, perturbation, stream, names, batch)
    except ValueError as error:
        raise MeasureError(str(error)) from None
    by_layer = [_ratios(found.layers[name]) for name in (*names, OUTPUT)]
    values = {key: ("layer", [one[key] for one in by_layer]) for key in ("R", "D", "G")}
    return _dataset(
        "relative_stability", values, {"layer": [*names, OUTPUT]}, images=len(points),
        displacement=displacement, cutoff=cutoff, draws=draws, seed=seed,
        batch_statistics=int(batch_statistics),
    )  # fmt: skip


def invariance(
    module: nn.Module,
    images: Array,
    group: str = "cyclic-rotation",
    n: int = 4,
    *,
    labels: Array | None = None,
    seed: int = 0,
    batch: int = 64,
) -> xr.Dataset:
    """The three metrics of arXiv 2308.03904 and their controls, for a finite group.

    Means over images and the poses other than the first: `divergence` is KL of the predicted
    probabilities in nats, `logit_error` half the squared distance of the logits, and
    `saliency_similarity` the cosine between absolute saliency maps, brought back to one
    orientation. `relative_logit_error` is the logit error over that between different images, and
    `selectivity` over that of noise of the same size: 0 for genuine invariance, unchanged where a
    network only shrinks. `agreement` is how often the predicted class stays. With `labels`,
    `accuracy` is that at the images as they are. The groups are cyclic-rotation, cyclic-shift,
    product-shift and dihedral at n (docs/science/invariance.md).

    Raises MeasureError as `lie_error`, and for a group that does not act on the images or that
    would take more than 2 GiB because it interpolates: of large pictures, n = 4 or less rotations,
    and shifts, are exact. Cost: about four passes and a backward pass for each pose.
    """
    points = checked(module, images)
    action = _action(group, n, points)
    stream = torch.Generator().manual_seed(seed_of(seed, "invariance"))
    found = measure_invariance(
        module, points, action, generator=stream, inputs=batch * len(action)
    ).summary()
    values = {name: ((), found[key]) for name, key in _INVARIANCE.items()}
    if labels is not None:
        values["accuracy"] = ((), accuracy(module, points, labels, batch))
    return _dataset("invariance", values, {}, group=group, n=n, images=len(points), seed=seed)


def accuracy(module: nn.Module, images: Array, labels: Array, batch: int = 64) -> Measured:
    """The share of images whose largest output is that of their label, a number of a class.

    Raises MeasureError for labels that do not belong to the images.
    """
    points, classes = checked(module, images), torch.as_tensor(labels)
    if classes.shape != (len(points),) or classes.is_floating_point():
        raise MeasureError(
            f"labels are whole numbers, one for each of the {len(points)} images, not "
            f"{tuple(classes.shape)} of {classes.dtype}"
        )
    found = decisions(module, points, batch).classes.cpu() == classes.cpu()
    return mean(found.double().numpy())


def checked(module: nn.Module, images: Array) -> Images:
    """The images as a tensor, where a classifier can be measured on them; raises MeasureError.

    The module must be in evaluation mode, on the images' device and of their type, and map them to
    finite outputs (image, class) that are not the same for all.
    """
    points = torch.as_tensor(images)
    _check_together(module, points)
    outputs = _outputs(module, points)
    if outputs.ndim != 2 or outputs.shape[1] < 2 or len(outputs) != len(points[:_TRIED]):
        raise MeasureError(
            f"the model makes an output of shape {tuple(outputs.shape)} of {len(outputs)} images; "
            "a classifier's axes are image and class, two classes or more"
        )
    if not outputs.isfinite().all():
        raise MeasureError("the model's outputs are not finite (NaN or infinite)")
    alike = (points[:_TRIED] == points[:1]).all()
    if (outputs == outputs[:1]).all() and not alike:
        raise MeasureError(
            "the model gives the same output for all images; its last layer may still be zero, as "
            "some are before training"
        )
    return points


def blocks(module: nn.Module, images: Images) -> list[str]:
    """The submodules at which a network is looked at, in the order in which they act.

    Its children, with those of containers in their place, that are called once and give a tensor
    with an entry for each image; the last, which gives the output, is left out.
    """
    calls: list[str] = []

    def note(name: str, output: object) -> None:
        whole = isinstance(output, torch.Tensor) and output.is_floating_point()
        if whole and output.ndim and len(output) == len(images):  # type: ignore[attr-defined, arg-type]
            calls.append(name)

    handles = [
        inner.register_forward_hook(lambda *seen, name=name: note(name, seen[2]))
        for name, inner in _unpacked("", module)
    ]
    try:
        with torch.no_grad():
            module(images)
    finally:
        for handle in handles:
            handle.remove()
    return [name for name in dict.fromkeys(calls) if calls.count(name) == 1 and name != calls[-1]]


def _unpacked(path: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The children of a module with their paths, containers replaced by what they hold."""
    for name, child in module.named_children():
        where = f"{path}.{name}" if path else name
        if isinstance(child, _CONTAINERS):
            yield from _unpacked(where, child)
        else:
            yield where, child


def _check_together(module: nn.Module, images: torch.Tensor) -> None:
    """Raises MeasureError for a module and images that do not belong together."""
    if not isinstance(module, nn.Module):
        raise MeasureError(f"the model is a torch.nn.Module, not a {type(module).__name__}")
    check_model(module)
    check_images(images, check_generator("saturate"))
    if len(images) < 2:
        raise MeasureError("two images are needed at least: of one, nothing varies")
    if not images.isfinite().all():
        raise MeasureError("the images hold values that are not finite")
    weights = next((p for p in module.parameters() if p.is_floating_point()), None)
    if weights is not None and weights.device != images.device:
        raise MeasureError(
            f"the model is on {weights.device} and the images on {images.device}: move one of them"
        )
    if weights is not None and weights.dtype != images.dtype:
        raise MeasureError(
            f"the model is of {weights.dtype} and the images of {images.dtype}: convert one of "
            "them, e.g. model.double() and images.double()"
        )


def _outputs(module: nn.Module, images: Images) -> torch.Tensor:
    """Of the first few images; raises MeasureError for images that the module does not take."""
    try:
        with torch.no_grad():
            outputs = module(images[:_TRIED])
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        reason = " ".join(str(error).split("\n")[0].split())
        shape = _by(images.shape[1:])
        raise MeasureError(f"the model takes no images of {shape}: {reason}") from None
    if not isinstance(outputs, torch.Tensor):
        raise MeasureError(f"the model must return one tensor, not a {type(outputs).__name__}")
    return outputs


def _check_actions(images: Images, generators: Sequence[str], stencil: str) -> None:
    if stencil not in STENCILS:
        raise MeasureError(f"no stencil is called {stencil!r}; there are {', '.join(STENCILS)}")
    for name in generators:
        check_images(images, check_generator(name))


def _ratios(found: Responses) -> dict[str, Measured]:
    """R, D and G with standard errors over images (docs/science/stability.md#d-g-and-r)."""
    deformed, noisy = found.deformed.mean(axis=1), found.noisy.mean(axis=1)
    return {
        "R": ratio_of_means(deformed, noisy),
        "D": ratio_of_means(deformed, found.separation),
        "G": ratio_of_means(noisy, found.separation),
    }


def _action(name: str, n: int, images: Images) -> ImageAction:
    rows, cols = images.shape[-2:]
    if name not in GROUPS:
        raise MeasureError(f"no group is called {name!r}; there are {', '.join(GROUPS)}")
    family = GROUPS[name]
    if n < 1 or family.order(n) < 2:
        raise MeasureError(f"{name} at n = {n} has one element or none: nothing to compare")
    size = family.order(n) * (rows * cols) ** 2 * 8
    if family.exact(n) < family.order(n) and size > _LARGEST_MAPS:
        raise MeasureError(
            f"{name} at n = {n} interpolates, and on {rows} x {cols} pixels its matrices take "
            f"{size / 2**30:.0f} GiB; take one that permutes pixels, such as quarter turns (n = 4)"
        )
    try:
        return image_action(name, n, (rows, cols))
    except ValueError as error:
        raise MeasureError(str(error)) from None


def _dataset(
    measure: str,
    values: Mapping[str, tuple[Any, Any]],
    coordinates: Mapping[str, Sequence[str]],
    **about: str | float,
) -> xr.Dataset:
    """Measured quantities, each with its standard error, what they are, and their units."""
    variables: dict[str, Any] = {}
    for name, (dims, found) in values.items():
        units, long_name = QUANTITIES[name]
        numbers = np.array(found, dtype=float)  # (..., value and standard error)
        error = {"units": units, "long_name": f"standard error over images of: {long_name}"}
        variables[name] = (dims, numbers[..., 0], {"units": units, "long_name": long_name})
        variables[f"{name}_se"] = (dims, numbers[..., 1], error)
    return xr.Dataset(variables, dict(coordinates), {"measure": measure, **about})


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))
