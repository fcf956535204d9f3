"""Kernel regression that stops: gradient descent with momentum after finitely many steps.

See docs/science/orbits.md#gradient-descent-on-a-kernel.
"""

import numpy as np
from jaxtyping import Float


def descended(
    gram: Float[np.ndarray, "*batch point point"],
    labels: Float[np.ndarray, "*batch point"],
    steps: int,
    rate: float,
    momentum: float,
) -> Float[np.ndarray, " *batch"]:
    """The prediction at the last point after `steps` steps of full-batch training on the others.

    That of a model which is linear in its parameters, starts at zero and has the tangent kernel
    `gram`. The loss is the mean squared error, and each step is PyTorch's: v <- momentum v + g,
    parameters <- parameters - rate v. Many steps lead to kernel regression without a ridge. Cost:
    an eigendecomposition of each Gram matrix.
    """
    trained, targets = gram[..., :-1, :-1], labels[..., :-1]
    values, vectors = np.linalg.eigh(trained)
    learned = (1.0 - left(values, targets.shape[-1], steps, rate, momentum)) / values
    along = np.einsum("...pm,...p->...m", vectors, targets)
    weights = np.einsum("...pm,...m->...p", vectors, learned * along)
    return np.einsum("...p,...p->...", gram[..., -1, :-1], weights)


def left(
    eigenvalues: Float[np.ndarray, "*batch mode"],
    points: int,
    steps: int,
    rate: float,
    momentum: float,
) -> Float[np.ndarray, "*batch mode"]:
    """The share of the residual that training leaves along each eigenvector of the Gram matrix."""
    slope = 2.0 * eigenvalues / points
    # Acts on the residual and on its velocity v, which starts at zero.
    one = np.full_like(slope, momentum)
    step = np.stack(
        [
            np.stack([1.0 - rate * slope, -rate * one], axis=-1),
            np.stack([slope, one], axis=-1),
        ],
        axis=-2,
    )
    return np.asarray(np.linalg.matrix_power(step, steps)[..., 0, 0])
