"""How invariant a classifier is under a finite group, and whether by selectivity.

After Moskalev et al. 2023 (arXiv 2308.03904), whose normalisations are not published: those here
are the project's own. A pair is an image x and a pose gx of it, g not the identity; the order of
poses is the group's (docs/science/invariance.md#pairs-and-averages). Logit errors grow with the
square of the logits, so two ratios go with them: to the spread between images, and to noise of the
same size (docs/science/invariance.md#two-ratios-that-do-not-see-scale).
"""

from dataclasses import dataclass, fields
from functools import partial
from math import log
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int

from symlearn.groups.tensors import ImageAction, Images, Poses
from symlearn.measures.spectra import Classifier, PerImage, noise_sensitivities
from symlearn.statistics import Measured, mean, ratio_of_means

Logits = Float[torch.Tensor, "image pose class_"]
Pairs = Float[torch.Tensor, "image pair"]
Labels = Int[torch.Tensor, " image"]
SaliencyClass = Literal["prediction", "label"]
Values = Float[np.ndarray, " image"]

# Network inputs in one pass. One that keeps what a gradient needs takes a quarter of them: 1.5 GB
# of a convolutional network whose logits are averaged over four poses.
_INPUTS = 4096


def logits_of_poses(
    network: Classifier, images: Images, action: ImageAction, inputs: int = _INPUTS
) -> Logits:
    """The logits of every pose of every image, in float64; pose 0 is the image itself.

    A block of images at a time, `inputs` with their poses.
    """
    with torch.no_grad():
        parts = [
            network(action.poses(part).flatten(0, 1)).double()
            for part in images.split(_block(action, inputs))
        ]
    return torch.cat(parts).unflatten(0, (len(images), len(action)))


def divergences(logits: Logits) -> Pairs:
    """KL(p(x) || p(gx)) of the predicted distributions, in nats.

    At most half the logit error: the Hessian of log-sum-exp has no eigenvalue above 1/2
    (docs/science/invariance.md#the-divergence-is-at-most-half-the-logit-error).
    """
    upright, moved = _pairs(logits.log_softmax(dim=-1))
    return _kl(upright, moved)


def jensen_shannon(logits: Logits) -> Pairs:
    """The Jensen-Shannon divergence of p(x) and p(gx), in nats: symmetric, at most log 2."""
    upright, moved = _pairs(logits.log_softmax(dim=-1))
    middle = torch.logaddexp(upright, moved) - log(2)
    return 0.5 * (_kl(upright, middle) + _kl(moved, middle))


def logit_errors(logits: Logits) -> Pairs:
    """1/2 |f(x) - f(gx)|^2, summed over classes (docs/science/invariance.md#logit-error)."""
    upright, moved = _pairs(logits)
    return 0.5 * (moved - upright).square().sum(dim=-1)


def agreements(logits: Logits) -> Pairs:
    """1 where x and gx have the same largest logit, otherwise 0."""
    upright, moved = _pairs(logits.argmax(dim=-1, keepdim=True))
    return (upright == moved)[..., 0].double()


def spreads(logits: Float[torch.Tensor, "image class_"]) -> PerImage:
    """How far each image's logits lie from their mean: m / (m - 1) |f(x) - mean f|^2 of m images.

    The mean over images is that of 1/2 |f(x) - f(z)|^2 over all pairs of different images.
    """
    count = len(logits)
    if count < 2:
        raise ValueError("the spread between images needs at least two images")
    distance = (logits - logits.mean(dim=0)).square().sum(dim=1)
    return distance * count / (count - 1)


def noise_errors(
    network: Classifier, images: Images, action: ImageAction, generator: torch.Generator
) -> Pairs:
    """1/2 |f(x + noise) - f(x)|^2, for each pair with noise of the norm |gx - x|."""
    upright, moved = _pairs(action.poses(images))
    norms = (moved - upright).flatten(2).norm(dim=2)
    repeated = images.repeat_interleave(norms.shape[1], dim=0)
    values = noise_sensitivities(network, repeated, norms.flatten(), generator)
    return values.reshape(norms.shape)


def saliency_of_poses(
    network: Classifier,
    images: Images,
    action: ImageAction,
    saliency_class: SaliencyClass = "prediction",
    labels: Labels | None = None,
    inputs: int = _INPUTS // 4,
) -> Poses:
    """The gradient by the input of one logit, at every pose, each in the orientation of the pose.

    The class is the same for all poses of an image: its label, or what is predicted for the
    upright image. Images must not influence each other (batch norm in eval mode). A block of
    images at a time, `inputs` with their poses.
    """
    size = _block(action, inputs)
    known = [None] * -(-len(images) // size) if labels is None else labels.split(size)
    maps = [
        _saliency(network, part, action, saliency_class, own)
        for part, own in zip(images.split(size), known, strict=True)
    ]
    return torch.cat(maps)


def _saliency(
    network: Classifier,
    images: Images,
    action: ImageAction,
    saliency_class: SaliencyClass,
    labels: Labels | None,
) -> Poses:
    if saliency_class == "prediction":
        with torch.no_grad():
            classes = network(images).argmax(dim=1)
    elif labels is None:
        raise ValueError('the saliency of class "label" needs the labels of the images')
    else:
        classes = labels.to(images.device)
    inputs = action.poses(images).flatten(0, 1).detach().requires_grad_()
    chosen = network(inputs).gather(1, classes.repeat_interleave(len(action))[:, None])
    (maps,) = torch.autograd.grad(chosen.sum(), inputs)
    return maps.unflatten(0, (len(images), len(action)))


def saliency_similarities(maps: Poses, action: ImageAction, *, signed: bool) -> Pairs:
    """The cosine between the map of x and that of gx brought back to the orientation of x.

    Maps as `saliency_of_poses` gives them, or their absolute values. Two maps that are zero
    everywhere are alike: 1. Absolute maps do not start from 0: unrelated images of MNIST have
    about 0.6 (docs/science/invariance.md#saliency-similarity).
    """
    back = action.undo(maps if signed else maps.abs()).double().flatten(2)
    norms = back.norm(dim=2)
    upright, moved = _pairs(back / norms.where(norms != 0, 1.0)[..., None])
    zero, also_zero = _pairs(norms == 0)
    return (upright * moved).sum(dim=2).masked_fill(zero & also_zero, 1.0)


def unrelated_similarity(maps: Images) -> PerImage:
    """The cosine between the absolute map of each image and that of the next image.

    What `saliency_similarities` of absolute maps gives without any invariance.
    """
    flat = maps.abs().double().flatten(1)
    return torch.cosine_similarity(flat, flat.roll(-1, dims=0), dim=1)


@dataclass(frozen=True)
class Invariance:
    """Measures of one classifier for each image, means over the image's pairs."""

    divergence: Values
    jensen_shannon: Values
    logit_error: Values
    agreement: Values
    saliency_absolute: Values
    saliency_signed: Values
    noise_error: Values
    spread: Values

    def summary(self) -> dict[str, Measured]:
        """Means over images with standard errors, and the two ratios that do not see scale.

        `relative_logit_error` is the logit error over the spread between images;
        `selectivity` the logit error over that of noise of the same size: 0 for genuine
        invariance, unchanged by pure shrinkage.
        """
        means = {field.name: mean(getattr(self, field.name)) for field in fields(self)}
        return means | {
            "relative_logit_error": ratio_of_means(self.logit_error, self.spread),
            "selectivity": ratio_of_means(self.logit_error, self.noise_error),
        }


def measure_invariance(
    network: Classifier,
    images: Images,
    action: ImageAction,
    *,
    generator: torch.Generator,
    saliency_class: SaliencyClass = "prediction",
    labels: Labels | None = None,
    inputs: int = _INPUTS,
) -> Invariance:
    """All measures for each image. Cost: about four passes and a backward pass for each pose.

    `generator` draws the noise. At most `inputs` images are in one pass, and a quarter of them
    where a gradient is kept. Raises ValueError for less than two images, a group of one
    element, images that the group does not act on, and missing labels where `saliency_class`
    is "label".
    """
    size = _block(action, inputs)
    measure = partial(_measure, network, action, generator, saliency_class, inputs)
    parts = images.split(size)
    known = [None] * len(parts) if labels is None else labels.split(size)
    pieces = [measure(part, own) for part, own in zip(parts, known, strict=True)]
    values = {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}
    values["spread"] = spreads(values.pop("upright"))
    return Invariance(**{name: value.cpu().numpy() for name, value in values.items()})


def _measure(
    network: Classifier,
    action: ImageAction,
    generator: torch.Generator,
    saliency_class: SaliencyClass,
    inputs: int,
    images: Images,
    labels: Labels | None,
) -> dict[str, Float[torch.Tensor, "image ..."]]:
    """The fields of Invariance but the spread, which all images share, and what it is made of."""
    logits = logits_of_poses(network, images, action, inputs)
    maps = saliency_of_poses(network, images, action, saliency_class, labels, inputs // 4)
    pairs = {
        "divergence": divergences(logits),
        "jensen_shannon": jensen_shannon(logits),
        "logit_error": logit_errors(logits),
        "agreement": agreements(logits),
        "saliency_absolute": saliency_similarities(maps, action, signed=False),
        "saliency_signed": saliency_similarities(maps, action, signed=True),
        "noise_error": noise_errors(network, images, action, generator),
    }
    return {name: values.mean(dim=1) for name, values in pairs.items()} | {"upright": logits[:, 0]}


def _block(action: ImageAction, inputs: int) -> int:
    """Images of which all poses go through a network in one pass."""
    return max(1, inputs // len(action))


def _pairs(poses: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The upright image, with an axis to broadcast, and the moved ones."""
    if poses.shape[1] < 2:
        raise ValueError("invariance is measured between two poses or more, not one")
    return poses[:, :1], poses[:, 1:]


def _kl(
    p: Float[torch.Tensor, "image _ class_"], q: Float[torch.Tensor, "image _ class_"]
) -> Pairs:
    """KL of distributions given by their logarithms; rounding does not make it negative."""
    return (p.exp() * (p - q)).sum(dim=-1).clamp(min=0.0)
