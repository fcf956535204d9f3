"""How sensitive a network is to any perturbation: its layers' gains, gradients, noise.

These are the controls of spectral decay (docs/science/invariance.md#spectral-decay): a network that
becomes invariant by shrinking loses sensitivity to everything, one that becomes selective only to
the group.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from math import prod

import numpy as np
import scipy.sparse.linalg
import torch
from jaxtyping import Float, Inexact
from torch import nn

from symlearn.groups.tensors import Images
from symlearn.randomness import generator as named_generator

Shape = tuple[int, int, int]
Classifier = Callable[[torch.Tensor], torch.Tensor]
PerImage = Float[torch.Tensor, " image"]

# Convolutions with at most this many input pixels are made a matrix: Lanczos needs room.
_DENSE = 256


SingularValues = Float[np.ndarray, " rank"]


@dataclass(frozen=True)
class LargestSingularValues:
    """The largest singular value of every dense and convolutional layer, by the layer's name."""

    by_layer: dict[str, float]

    @property
    def product(self) -> float:
        """Their product: bounds the Lipschitz constant of a chain of layers joined by ReLU."""
        return prod(self.by_layer.values())


def largest_singular_values(
    network: nn.Module, shape: Shape, tolerance: float = 1e-10
) -> LargestSingularValues:
    """The gains of a network's layers for images of `shape` (channel, row, col), in float64.

    Biases and all layers but nn.Linear and nn.Conv2d are left out; a layer whose weights are
    shared by several poses counts once. Convolutions are operators on the image size that reaches
    them: exact by FFT where they are circular, exact as a matrix where they are small, otherwise
    by Lanczos iteration to the relative `tolerance`. The network is not changed.
    """
    values = singular_values(network, shape, 1, tolerance)
    return LargestSingularValues({name: float(one[0]) for name, one in values.items()})


def singular_values(
    network: nn.Module, shape: Shape, count: int, tolerance: float = 1e-10
) -> dict[str, SingularValues]:
    """The singular values of each dense and convolutional layer, falling, at most `count` of each.

    As `largest_singular_values`. Cost: a decomposition of each matrix, or of one for each
    frequency; `count` times some products with the operator where a convolution is large.
    """
    network = deepcopy(network).double().cpu().eval().requires_grad_(False)
    values: dict[str, SingularValues] = {}
    for name, layer, size in _linear_layers(network, shape):
        if isinstance(layer, nn.Conv2d):
            values[name] = _of_convolution(layer, size, count, tolerance)
        else:
            values[name] = _of_matrices(layer.weight, count)
    return values


def jacobian_singular_values(
    network: Classifier, images: Images
) -> Float[torch.Tensor, "image rank"]:
    """The singular values of each image's Jacobian (class, pixel), falling.

    Their squares add up to the square of `input_gradient_norms`. Images must not influence each
    other (batch norm in eval mode). Cost: a backward pass per class.
    """
    return torch.linalg.svdvals(_jacobians(network, images))


def input_gradient_norms(network: Classifier, images: Images) -> PerImage:
    """The Frobenius norm of each image's Jacobian (class, pixel): |df/dx|.

    For small noise of norm s on d pixels, E |f(x + noise) - f(x)|^2 is its square times s^2 / d.
    Images must not influence each other (batch norm in eval mode). Cost: a backward pass per class.
    """
    return _jacobians(network, images).flatten(1).norm(dim=1)


def _jacobians(network: Classifier, images: Images) -> Float[torch.Tensor, "image class_ pixel"]:
    """In float64."""
    inputs = images.detach().requires_grad_()
    logits = network(inputs)
    rows = [
        torch.autograd.grad(one.sum(), inputs, retain_graph=True)[0] for one in logits.unbind(dim=1)
    ]
    return torch.stack([row.double().flatten(1) for row in rows], dim=1)


def noise_sensitivities(
    network: Classifier, images: Images, norms: PerImage, generator: torch.Generator
) -> PerImage:
    """1/2 |f(x + noise) - f(x)|^2 for one draw of noise for each image.

    The noise has a uniform direction and the Euclidean norm given for each image. `generator`
    lives on the CPU, so that the draws are the same on every device.
    """
    noise = torch.randn(images.shape, generator=generator, dtype=images.dtype).to(images.device)
    scale = norms.to(images) / noise.flatten(1).norm(dim=1)
    with torch.no_grad():
        moved, still = network(images + noise * scale[:, None, None, None]), network(images)
    return 0.5 * (moved.double() - still.double()).square().sum(dim=1)


def _linear_layers(
    network: nn.Module, shape: Shape
) -> Iterator[tuple[str, nn.Linear | nn.Conv2d, torch.Size]]:
    """Dense and convolutional layers in the order of the network, with what reaches them."""
    layers = {n: m for n, m in network.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    sizes: dict[nn.Module, torch.Size] = {}

    def record(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        sizes[layer] = inputs[0].shape[1:]

    for layer in layers.values():
        layer.register_forward_pre_hook(record)
    network(torch.zeros(1, *shape, dtype=torch.float64))
    for name, layer in layers.items():
        if layer in sizes:
            yield name, layer, sizes[layer]


def _of_matrices(matrices: Inexact[torch.Tensor, "*batch row col"], count: int) -> SingularValues:
    """The largest singular values of a matrix, or of all matrices of a batch."""
    found = torch.linalg.svdvals(matrices).flatten().sort(descending=True).values
    return found[:count].numpy()


def _of_convolution(
    layer: nn.Conv2d, shape: torch.Size, count: int, tolerance: float
) -> SingularValues:
    layer.bias = None  # what is left is linear
    same_size = layer(torch.zeros(1, *shape, dtype=torch.float64)).shape[2:] == shape[1:]
    if layer.padding_mode == "circular" and layer.stride == (1, 1) and same_size:
        return _of_circular(layer, shape, count)
    if prod(shape) <= _DENSE:
        basis = torch.eye(prod(shape), dtype=torch.float64).reshape(-1, *shape)
        return _of_matrices(layer(basis).flatten(1), count)
    return _by_lanczos(layer, shape, count, tolerance)


def _of_circular(layer: nn.Conv2d, shape: torch.Size, count: int) -> SingularValues:
    """Fourier modes decouple: one matrix (channel in, channel out) for each frequency.

    Sedghi, Gupta and Long, ICLR 2019.
    """
    channels = shape[0]
    impulses = torch.zeros(channels, *shape, dtype=torch.float64)
    impulses[range(channels), range(channels), 0, 0] = 1.0
    return _of_matrices(torch.fft.fft2(layer(impulses)).permute(2, 3, 0, 1), count)


def _by_lanczos(
    layer: nn.Conv2d, shape: torch.Size, count: int, tolerance: float
) -> SingularValues:
    """The roots of the largest eigenvalues of A^T A, A^T by the layer's gradient.

    Lanczos and not power iteration: the largest singular values of a convolution are crowded, and
    power iteration would stop between them.
    """
    if not layer.weight.any():
        return np.zeros(count)  # no starting vector survives

    def gram(vector: Float[np.ndarray, "..."]) -> Float[np.ndarray, " pixel"]:
        image = torch.tensor(vector, dtype=torch.float64).reshape(1, *shape)
        response, transposed, *_ = torch.func.vjp(layer, image)
        return transposed(response)[0].numpy().ravel()

    pixels = prod(shape)
    operator = scipy.sparse.linalg.LinearOperator((pixels, pixels), gram, dtype=np.float64)
    start = named_generator(0, "lanczos", pixels).normal(size=pixels)
    values = scipy.sparse.linalg.eigsh(
        operator, k=min(count, pixels - 1), which="LA", v0=start, tol=tolerance,
        return_eigenvectors=False,
    )  # fmt: skip
    return np.sqrt(np.sort(values.clip(min=0))[::-1])
