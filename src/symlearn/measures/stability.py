"""Relative stability: how much less smooth deformations move an output than noise of their size.

After Petrini et al. 2021. With f a network's output or a layer, tau x a deformed image and eta
noise of the norm of tau x - x (docs/science/stability.md#noise-of-equal-norm),

    D_f = <|f(tau x) - f(x)|^2> / <|f(x) - f(z)|^2>       deformations
    G_f = <|f(x + eta) - f(x)|^2> / <|f(x) - f(z)|^2>     noise
    R_f = D_f / G_f                                       relative

These are derived in docs/science/stability.md#d-g-and-r. A network is measured in evaluation mode;
first the squared distances, image by image, then their averages. The primary average is the
mean; the authors' median is of the outputs only, since the median of a component that is mostly
zero says nothing (docs/science/stability.md#means-and-medians).
"""

import dataclasses
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from symlearn.measures.diffeo import (
    Interpolation,
    remap,
    sample_fields,
    square_side,
    temperature,
)

# The network's own output, beside the names of its layers.
OUTPUT = "output"

Images = Float[torch.Tensor, "image channel row col"]
Draws = Float[torch.Tensor, "image draw channel row col"]
# By layer; one row for each image.
Activations = Mapping[str, Float[torch.Tensor, "*image feature"]]
Run = Callable[[Images], Activations]


class StabilityWarning(UserWarning):
    """A network that does not tell images apart, so that its stability is not defined."""


@dataclass(frozen=True)
class Perturbation:
    """What is done to each image: deformations, and for each one noise of the same norm."""

    temperature: float
    cutoff: int
    draws: int = 8
    interpolation: Interpolation = "bilinear"

    @classmethod
    def of_displacement(
        cls,
        displacement: float,
        side: int,
        cutoff: int = 3,
        draws: int = 8,
        interpolation: Interpolation = "bilinear",
    ) -> "Perturbation":
        """By the nominal displacement in pixels, of images of `side` pixels."""
        return cls(temperature(displacement, side, cutoff), cutoff, draws, interpolation)


@dataclass(frozen=True)
class Responses:
    """Squared distances in one layer's space."""

    deformed: Float[np.ndarray, "image draw"]  # from f(x) to f(tau x)
    noisy: Float[np.ndarray, "image draw"]  # from f(x) to f(x + eta)
    separation: Float[np.ndarray, " image"]  # from f(x) to f(z), the mean over the other images


@dataclass(frozen=True)
class Outputs:
    """The network's outputs, and the squares of their changes one by one."""

    clean: Float[np.ndarray, "image logit"]
    deformed: Float[np.ndarray, "image draw logit"]
    noisy: Float[np.ndarray, "image draw logit"]


class Measurement(NamedTuple):
    """Squared distances by layer (`OUTPUT` among them), and the outputs component by component."""

    layers: dict[str, Responses]
    outputs: Outputs


class Stability(NamedTuple):
    """R_f, D_f and G_f."""

    relative: float
    deformation: float
    noise: float


def measure(
    network: nn.Module,
    images: Images,
    perturbation: Perturbation,
    generator: torch.Generator,
    layers: Sequence[str] = (),
    batch: int = 500,
) -> Measurement:
    """The responses of a network and of its submodules `layers` to deformations and to noise.

    Images as the network takes them, normalised; with `gaussian` interpolation the reference images
    are blurred as the deformed ones are. Of a submodule that acts several times, the last output is
    taken. Warns of layers without a stability. Cost: 2 draws + 2 forward passes; in memory 3 draws
    copies of the images and the activations of a few batches.
    """
    if len(images) < 2:
        raise ValueError("the stability of a network is measured on two images or more")
    fields, noise = _draw(images, perturbation, generator)
    how = perturbation.interpolation
    parts = [slice(start, start + batch) for start in range(0, len(images), batch)]
    with recorded(network, layers) as run:
        centres = _centres(run(_undeformed(images[part], how)) for part in parts)
        found = [
            _respond(run, centres, *_perturbed(images[part], fields[part], noise[part], how))
            for part in parts
        ]
    measurement = _join(found)
    for name, responses in measurement.layers.items():
        _warn_if_undefined(name, responses)
    return measurement


def mean_stability(responses: Responses) -> Stability:
    """The primary averages: means over images and draws, f(z) over all other images.

    NaN where a denominator is zero.
    """
    return _ratios(
        float(responses.deformed.mean()),
        float(responses.noisy.mean()),
        float(responses.separation.mean()),
    )


def median_stability(outputs: Outputs) -> Stability:
    """The authors' averages: medians over images and draws of each logit's square, then their sum.

    <|f(x) - f(z)|^2> is the median over all ordered pairs, those of an image with itself among
    them. Of an even number of values, the lower of the middle two. NaN where a denominator is zero.
    """
    clean = outputs.clean
    squares = ((clean[:, None] - clean) ** 2).sum(axis=-1, keepdims=True)
    return _ratios(*map(_sum_of_medians, (outputs.deformed, outputs.noisy, squares)))


@contextmanager
def recorded(network: nn.Module, layers: Sequence[str]) -> Iterator[Run]:
    """A function from images to the outputs of the network and of its submodules `layers`.

    In evaluation mode and without gradients; the modes are put back at the end. Raises ValueError
    for a name that the network does not have.
    """
    modules = dict(network.named_modules())
    unknown = [name for name in layers if name not in modules]
    if unknown:
        raise ValueError(f"the network has no submodule {unknown[0]!r}: see named_modules()")
    kept: dict[str, torch.Tensor] = {}

    def keeper(name: str) -> Callable[..., None]:
        # A copy: the next layer may work in place.
        return lambda module, inputs, output: kept.update({name: output.clone()})

    def run(images: Images) -> dict[str, torch.Tensor]:
        kept[OUTPUT] = network(images)
        return {name: kept[name].flatten(1) for name in (*layers, OUTPUT)}

    modes = [(module, module.training) for module in network.modules()]
    hooks = [modules[name].register_forward_hook(keeper(name)) for name in layers]
    try:
        network.eval()
        with torch.no_grad():
            yield run
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode


def _draw(
    images: Images, perturbation: Perturbation, generator: torch.Generator
) -> tuple[Float[torch.Tensor, "image draw 2 row col"], Draws]:
    """The fields, and noise whose norm is still to be matched.

    All are drawn at once, so that they do not depend on the size of a batch.
    """
    side, shape = square_side(images), (len(images), perturbation.draws)
    dx, dy = sample_fields(
        math.prod(shape), side, perturbation.temperature, perturbation.cutoff, generator, images
    )
    noise = torch.randn((*shape, *images.shape[1:]), generator=generator, device=generator.device)
    return torch.stack((dx, dy), dim=1).unflatten(0, shape), noise.to(images)


def _undeformed(images: Images, interpolation: Interpolation) -> Images:
    """The images as an interpolation gives them back: Gaussian weights blur even at rest."""
    if interpolation != "gaussian":
        return images
    still = torch.zeros(images.shape[-2:], device=images.device)
    return remap(images, still, still, interpolation)


def _perturbed(
    images: Images,
    fields: Float[torch.Tensor, "image draw 2 row col"],
    noise: Draws,
    interpolation: Interpolation,
) -> tuple[Images, Draws, Draws]:
    """x, tau x and x + eta, with |eta| = |tau x - x| for each image and draw."""
    reference = _undeformed(images, interpolation)
    repeated = images[:, None].expand(noise.shape)
    deformed = remap(repeated, fields[:, :, 0], fields[:, :, 1], interpolation)
    norms = _norms(deformed - reference[:, None])
    return reference, deformed, reference[:, None] + noise * (norms / _norms(noise))


def _respond(
    run: Run, centres: Activations, images: Images, deformed: Draws, noisy: Draws
) -> Measurement:
    """The measurement on one batch, with squared distances from the centre for `separation`."""
    clean = run(images)
    deformed_sums, deformed_squares = _changes(run, clean, deformed)
    noisy_sums, noisy_squares = _changes(run, clean, noisy)
    layers = {
        name: Responses(
            deformed_sums[name],
            noisy_sums[name],
            _array(_squares(clean[name], centres[name]).sum(dim=1)),
        )
        for name in clean
    }
    return Measurement(layers, Outputs(_array(clean[OUTPUT]), deformed_squares, noisy_squares))


def _changes(
    run: Run, clean: Activations, moved: Draws
) -> tuple[dict[str, Float[np.ndarray, "image draw"]], Float[np.ndarray, "image draw logit"]]:
    """Squared distances from f(x) by layer, and the output's component by component."""
    sums: dict[str, list[np.ndarray]] = {name: [] for name in clean}
    outputs = []
    for images in moved.unbind(1):
        for name, now in run(images).items():
            squares = _squares(now, clean[name])
            sums[name].append(_array(squares.sum(dim=1)))
            if name == OUTPUT:
                outputs.append(_array(squares))
    return {name: np.stack(each, axis=1) for name, each in sums.items()}, np.stack(outputs, axis=1)


def _centres(batches: Iterable[Activations]) -> Activations:
    """The mean over images of each layer's activations.

    As a shift from the first image's, which is exactly zero where all images give the same.
    """
    first: Activations = {}
    total: dict[str, torch.Tensor] = {}
    count = 0
    for clean in batches:
        first = first or {name: now[0] for name, now in clean.items()}
        shifts = {name: (now - first[name]).sum(dim=0) for name, now in clean.items()}
        total = {name: total.get(name, 0) + shift for name, shift in shifts.items()}
        count += len(clean[OUTPUT])
    return {name: first[name] + shift / count for name, shift in total.items()}


def _join(batches: Sequence[Measurement]) -> Measurement:
    """One measurement of all images, squared distances from the centre turned into separations."""
    layers = {}
    for name in batches[0].layers:
        parts = [batch.layers[name] for batch in batches]
        spread = np.concatenate([part.separation for part in parts])
        layers[name] = Responses(
            np.concatenate([part.deformed for part in parts]),
            np.concatenate([part.noisy for part in parts]),
            (len(spread) * spread + spread.sum()) / (len(spread) - 1),
        )
    outputs = [
        np.concatenate([getattr(batch.outputs, field.name) for batch in batches])
        for field in dataclasses.fields(Outputs)
    ]
    return Measurement(layers, Outputs(*outputs))


def _warn_if_undefined(layer: str, responses: Responses) -> None:
    if not all(np.isfinite(values).all() for values in vars(responses).values()):
        reason = "values are not finite"
    elif not responses.separation.any():
        reason = "all images give the same values"
    elif not responses.noisy.any():
        reason = "noise of the deformations' size changes nothing"
    else:
        return
    warnings.warn(f"{layer}: {reason}, so its stability is NaN", StabilityWarning, stacklevel=3)


def _ratios(deformed: float, noisy: float, apart: float) -> Stability:
    """R, D and G of averages; NaN where the denominator is zero."""
    pairs = ((deformed, noisy), (deformed, apart), (noisy, apart))
    return Stability(*(above / below if below > 0 else math.nan for above, below in pairs))


def _sum_of_medians(values: Float[np.ndarray, "*sample component"]) -> float:
    """The lower median of each component, summed over components."""
    values = values.reshape(-1, values.shape[-1])
    middle = (len(values) - 1) // 2
    return float(np.partition(values, middle, axis=0)[middle].sum())


def _squares(now: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """Squared differences, in single precision at least."""
    return (now - before).to(torch.promote_types(now.dtype, torch.float32)).square_()


def _norms(images: Draws) -> Float[torch.Tensor, "image draw 1 1 1"]:
    return torch.linalg.vector_norm(images, dim=(2, 3, 4), keepdim=True)


def _array(values: torch.Tensor) -> Float[np.ndarray, "..."]:
    return values.cpu().double().numpy()
