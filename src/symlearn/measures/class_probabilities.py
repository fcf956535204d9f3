"""Lie derivatives of classifiers: of their probabilities, as in the paper, and of their logits.

Probabilities reward confidence: where one of them is near 1 none of them can change. The logits
relative to their own variance do not (docs/science/lie.md#probabilities-and-logits).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import nn

from symlearn.measures.lie import (
    GENERATORS,
    STENCIL,
    Generator,
    Image,
    Images,
    check_generator,
    lie_derivative,
    mean_absolute,
    mean_square,
)
from symlearn.measures.lie_action import act
from symlearn.measures.spectra import input_gradient_norms
from symlearn.statistics import Measured, mean, ratio_of_means

Errors = Float[torch.Tensor, "generator image"]


@dataclass(frozen=True)
class ClassifierErrors:
    """Errors of each image under each generator, per unit of the normalised coordinates.

    `square` and `absolute` are the mean square (equation 4 of the paper) and the mean absolute
    value (the released code) of the probabilities' derivatives; `logits` is the mean square of
    the logits' derivatives over the logits' variance over the images (mean over classes), and
    `spread` what each image contributes to that variance, in units of it: its mean is 1.
    """

    square: Errors
    absolute: Errors
    logits: Errors
    spread: Float[torch.Tensor, " image"]

    def summary(self) -> dict[str, list[Measured]]:
        """The mean over images by kind and generator, with its standard error over images.

        That of `logits` is of a ratio of two means, and knows that the variance is estimated too
        (docs/science/lie.md#standard-errors).
        """
        by_kind = {"square": self.square, "absolute": self.absolute}
        spread = self.spread.double().cpu().numpy()
        found = {
            kind: [mean(row) for row in values.double().cpu().numpy()]
            for kind, values in by_kind.items()
        }
        logits = self.logits.double().cpu().numpy()
        return {**found, "logits": [ratio_of_means(row, spread) for row in logits]}


class Decisions(NamedTuple):
    """What a classifier predicts: the class of the largest probability, and that probability."""

    classes: Int[torch.Tensor, " image"]
    confidence: Float[torch.Tensor, " image"]


class LogitsAndProbabilities(nn.Module):
    """A classifier whose output is its logits and then its probabilities, in one vector."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Images) -> Float[torch.Tensor, "image output"]:
        """Logits and probabilities of images."""
        logits = self.network(images)
        return torch.cat([logits, logits.softmax(dim=1)], dim=1)


def probabilities(network: nn.Module) -> nn.Module:
    """A classifier whose output is its probabilities, in evaluation mode as the network is."""
    return nn.Sequential(network, nn.Softmax(dim=1)).train(network.training)


def decisions(network: nn.Module, images: Images, batch: int = 512) -> Decisions:
    """The predictions of a classifier (image, logit) for images, confidences in float64."""
    with torch.no_grad():
        shares = torch.cat([network(part).softmax(dim=1) for part in images.split(batch)])
    confidence, classes = shares.max(dim=1)
    return Decisions(classes, confidence.double())


def classifier_errors(
    network: nn.Module,
    images: Images,
    generators: Sequence[str | Generator] = tuple(GENERATORS),
    stencil: str = STENCIL,
    batch: int = 64,
) -> ClassifierErrors:
    """The errors of a classifier (image, logit) at each image under each generator.

    Raises MeasureError as `lie_derivative`. Cost: three to five forward passes of each image for
    each generator, for logits and probabilities together.
    """
    both = LogitsAndProbabilities(network).train(network.training)
    parts = images.split(batch)
    moved = torch.stack(
        [torch.cat([lie_derivative(both, part, x, stencil) for part in parts]) for x in generators]
    )
    logits, shares = (half.flatten(0, 1) for half in moved.chunk(2, dim=2))
    shape = moved.shape[:2]
    distances = _squared_distances(network, parts)
    variance = distances.mean()
    return ClassifierErrors(
        square=mean_square(shares).reshape(shape),
        absolute=mean_absolute(shares).reshape(shape),
        logits=mean_square(logits).reshape(shape) / variance,
        spread=distances / variance,
    )


def noise_responses(
    network: nn.Module,
    images: Images,
    generators: Sequence[str | Generator],
    stencil: str = STENCIL,
) -> Errors:
    """What `ClassifierErrors.square` would be for small noise as large as X x, in expectation.

    The mean square over classes of J eta for noise eta of uniform direction and the norm of X x:
    |J|^2 |X x|^2 / (pixels x classes), J the Jacobian of the probabilities by the pixels. The ratio
    of the two errors' means is 1 for a classifier to which the transformation is as any change
    (docs/science/lie.md#the-noise-normalised-error). Cost: a backward pass for each class.
    """
    with torch.no_grad():
        classes = network(images[:1]).shape[1]
    jacobian = input_gradient_norms(probabilities(network), images).square()
    size = (images.shape[2], images.shape[3])
    moved = [act(images, Image(), check_generator(x), stencil, size) for x in generators]
    sizes = torch.stack([one.flatten(1).square().sum(dim=1) for one in moved])
    return sizes * jacobian / (images[0].numel() * classes)


def _squared_distances(
    network: nn.Module, parts: Sequence[torch.Tensor]
) -> Float[torch.Tensor, " image"]:
    """Of the images' logits from their mean, mean over classes."""
    with torch.no_grad():
        logits = torch.cat([network(part) for part in parts])
    return (logits - logits.mean(dim=0)).square().mean(dim=1)
