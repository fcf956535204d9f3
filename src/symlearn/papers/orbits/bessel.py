"""Closed form of the spectrum of two rings under a Gaussian kernel.

Derived in docs/science/orbits.md#two-rings.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import ive

# Terms of the sum over p beyond this many are below rounding for every setting used.
_TERMS = 60


def bessel_spectrum(
    n: int, separation: float, inverse_length: float
) -> Float[np.ndarray, " frequency"]:
    """Eigenvalues by frequency of the kernel exp(-L^2 |x - x'|^2) on two rings of radius 1.

    lambda_w = n sum_p [1 + (-1)^p E] e^-a I_(w + p n)(a), a = 2 L^2, E = exp(-L^2 separation^2).
    A sum of positive terms, so each eigenvalue has full relative precision however small.
    """
    a = 2 * inverse_length**2
    decay = np.exp(-((inverse_length * separation) ** 2))
    p = np.arange(-_TERMS, _TERMS + 1)
    frequency = np.arange(2 * n)[:, None]
    weights = np.where(p % 2 == 0, 1 + decay, -np.expm1(-((inverse_length * separation) ** 2)))
    return n * (weights * ive(np.abs(frequency + p * n), a)).sum(axis=1)


def bessel_error(n: int, separation: float, inverse_length: float) -> float:
    """The spectral error without ridge, exact for this kernel, far below rounding of a solve."""
    eigenvalues = bessel_spectrum(n, separation, inverse_length)
    return float(1.0 / (eigenvalues[n] * (1.0 / eigenvalues).mean()))
