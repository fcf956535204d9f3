"""Representations of orbits in a kernel's space, by dense algebra on the kernel as it is.

Each is a set of functions, given by their values at all points that are asked for. They are the
counterparts of the closed forms of `symlearn.theory.beyond_supervision`, with no average over the
group: docs/science/orbits.md#beyond-supervision and docs/science/orbits.md#protocols.
"""

import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float, Int

from symlearn.theory import solve_gram

Kernel = Float[np.ndarray, "point other"]
Values = Float[np.ndarray, "point feature"]


def constant_on(
    cluster: Int[np.ndarray, " seen"], gram: Float[np.ndarray, "seen seen"], dimensions: int
) -> Float[np.ndarray, "seen feature"]:
    """Weights of the functions that are constant on clusters of points, of the least norm first.

    The values anywhere are the kernel with the points times these weights. As the spectral
    contrastive loss has them at vanishing ridge: orthonormal over the points.
    """
    member = np.eye(cluster.max() + 1)[cluster]
    inverse = solve_gram(gram).inverse
    norms, masses = member.T @ inverse @ member, np.diag(member.sum(axis=0))
    _, vectors = scipy.linalg.eigh(norms, masses, subset_by_index=[0, dimensions - 1])
    return inverse @ member @ vectors


def principal(gram: Float[np.ndarray, "seen seen"], dimensions: int) -> Values:
    """Weights of the leading principal components, uncentred: no pairs are known."""
    size = len(gram)
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=[size - dimensions, size - 1])
    return vectors / np.sqrt(values)


def auto_encoder(
    gram: Float[np.ndarray, "seen seen"], targets: Float[np.ndarray, "seen pixel"], dimensions: int
) -> Values:
    """Weights of the regression onto the leading principal coordinates of the targets, uncentred.

    It is the interpolator of minimum norm through the best approximation of the targets by so many
    dimensions, and its outputs are the code.
    """
    coordinates = targets @ np.linalg.svd(targets, full_matrices=False)[2][:dimensions].T
    return solve_gram(gram).inverse @ coordinates


def probe(
    features: Values, classes: Int[np.ndarray, " point"], seen: Bool[np.ndarray, " point"]
) -> Int[np.ndarray, " point"]:
    """The class that a linear probe finds at every point.

    Least squares onto +1 and -1 for each class, of minimum norm, from the points that are seen.
    """
    targets = 2.0 * np.eye(classes.max() + 1)[classes] - 1.0
    weights = np.linalg.lstsq(features[seen], targets[seen], rcond=None)[0]
    return (features @ weights).argmax(axis=1)
