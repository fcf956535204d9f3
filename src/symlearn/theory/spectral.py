"""The paper's spectral error: the Gram matrix averaged to a circulant, and its spectrum.

Points are interleaved, A0 B0 A1 B1 ..., so that the labels +1 -1 +1 -1 ... are the highest
frequency. All functions take any number of leading batch axes. The formula is derived in
docs/science/orbits.md#the-spectral-error.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

Ridge = float | Float[np.ndarray, "*batch"]  # one for all of a batch, or one each


def interleaved(poses: int) -> Int[np.ndarray, " point"]:
    """The order that turns points ordered (orbit, pose), two orbits, into A0 B0 A1 B1 ...."""
    return np.arange(2 * poses).reshape(2, poses).T.ravel()


def circulant_row(gram: Float[np.ndarray, "*batch point point"]) -> Float[np.ndarray, "*batch lag"]:
    """The row of the nearest circulant: the mean of each wrapped diagonal.

    See docs/science/orbits.md#averaging-to-a-circulant.
    """
    index = np.arange(gram.shape[-1])
    wrapped = (index[:, None] + index[None, :]) % len(index)
    return np.take_along_axis(gram, np.broadcast_to(wrapped, gram.shape), axis=-1).mean(axis=-2)


def spectrum(
    gram: Float[np.ndarray, "*batch point point"],
) -> Float[np.ndarray, "*batch frequency"]:
    """The eigenvalues of the nearest circulant, by frequency 0 .. 2N - 1.

    Frequency N is that of the labels: they are its eigenvector.
    """
    return np.fft.fft(circulant_row(gram), axis=-1).real


def cosine_normalised(
    gram: Float[np.ndarray, "*batch point point"],
) -> Float[np.ndarray, "*batch point point"]:
    """The Gram matrix with a diagonal of ones: K_ij / sqrt(K_ii K_jj).

    The circulant forgets how the orbits' norms differ. Taken out before, that costs nothing
    (docs/science/orbits.md#what-the-circulant-forgets).
    """
    root = np.sqrt(np.diagonal(gram, axis1=-2, axis2=-1))
    return gram / (root[..., :, None] * root[..., None, :])


def mean_reciprocal(
    eigenvalues: Float[np.ndarray, "*batch frequency"], ridge: Ridge = 0.0
) -> Float[np.ndarray, "*batch"] | np.float64:
    """The mean over frequencies of 1 / (eigenvalue + ridge).

    See docs/science/orbits.md#the-mean-reciprocal-eigenvalue.
    """
    return (1.0 / (eigenvalues + np.expand_dims(ridge, -1))).mean(axis=-1)


def spectral_error(
    gram: Float[np.ndarray, "*batch point point"], ridge: Ridge = 0.0
) -> Float[np.ndarray, "*batch"] | np.float64:
    """The spectral error lambda_N^-1 / <lambda^-1> of interleaved points.

    `ridge` is added to each eigenvalue as it is. The error is exact if the Gram matrix is
    circulant (docs/science/orbits.md#the-spectral-error).
    """
    eigenvalues = spectrum(gram)
    last = eigenvalues[..., eigenvalues.shape[-1] // 2] + ridge
    return 1.0 / (last * mean_reciprocal(eigenvalues, ridge))


def pairwise_spectral_errors(
    averages: Float[np.ndarray, "orbit orbit element"],
    first: Bool[np.ndarray, " orbit"],
    second: Bool[np.ndarray, " orbit"],
    ridge: float = 0.0,
) -> Float[np.ndarray, "seed other"]:
    """The spectral error of every pair of an orbit of one class and one of another.

    `averages` are the kernels k(u) of a cyclic group between all orbits. Each pair's circulant row
    follows from them without its Gram matrix (docs/science/orbits.md#averaging-to-a-circulant).
    For the use see docs/science/orbits.md#several-seeds-and-ten-classes.
    """
    poses = averages.shape[-1]
    own = np.einsum("qqu->qu", averages)
    even = 0.5 * (own[first][:, None] + own[second][None, :])
    between = averages[np.ix_(first, second)]
    odd = 0.5 * (between + between[..., (-np.arange(poses) - 1) % poses])
    row = np.stack([even, odd], axis=-1).reshape(*even.shape[:-1], 2 * poses)
    eigenvalues = np.fft.fft(row, axis=-1).real
    return 1.0 / ((eigenvalues[..., poses] + ridge) * mean_reciprocal(eigenvalues, ridge))
