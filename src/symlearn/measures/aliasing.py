"""How sampling breaks translation: closed forms for periodic functions.

A function on the torus is held as its spectrum: coefficients H_nm of exp(2 pi i (n y + m x)), y and
x in periods, modes -K..K in order along the last two axes. M samples per period cannot tell mode
n from its alias, n mod M in [-M/2, M/2). Sampling is a network's first operation, again at every
down-sampling, and after every pointwise nonlinearity, which makes modes that were not there.
docs/science/lie.md#the-aliasing-law derives the law.
"""

import math

import torch
from jaxtyping import Complex, Float, Int

Spectrum = Complex[torch.Tensor, "*batch row_mode col_mode"]
Modes = Int[torch.Tensor, " mode"]
Pair = tuple[int, int]


def modes(count: int) -> Modes:
    """The modes of a spectrum's axis: -K..K in order, 2K + 1 of them.

    Raises ValueError for even counts, which have no middle.
    """
    if count % 2 == 0:
        raise ValueError(f"a spectrum has modes -K..K, an odd number of them, not {count}")
    return torch.arange(count) - count // 2


def alias(mode: Modes, samples: int) -> Modes:
    """The mode in [-samples/2, samples/2) that has the same samples."""
    return (mode + samples // 2) % samples - samples // 2


def sample(spectrum: Spectrum, samples: Pair) -> Float[torch.Tensor, "*batch row col"]:
    """The real part of the function at the points of a grid (rows, columns)."""
    centred = _fold(spectrum, samples)
    unshifted = torch.fft.ifftshift(centred, dim=(-2, -1))
    return torch.fft.ifft2(unshifted, norm="forward").real


def sampling_derivative(
    spectrum: Spectrum, samples: Pair, velocity: tuple[float, float]
) -> Complex[torch.Tensor, "*batch row_bin col_bin"]:
    """The Lie derivative of sampling, as the spectrum of its samples: bins -M/2..M/2 in order.

    `velocity` is (rows, columns) in periods per unit of the translation. A mode moves with its own
    phase but is moved back with its alias's: L_b = sum over n in bin b of 2 pi i v.(n - b) H_n.
    """
    return _fold(2j * math.pi * _excess(spectrum, samples, velocity) * spectrum, samples)


def aliasing_error(
    spectrum: Spectrum, samples: Pair, velocity: tuple[float, float]
) -> Float[torch.Tensor, "*batch"]:
    """The mean square, over the samples, of the Lie derivative of sampling: exact.

    Modes of one bin interfere. It is zero exactly if no mode lies beyond half the samples, but for
    those that cancel.
    """
    return sampling_derivative(spectrum, samples, velocity).abs().square().sum(dim=(-2, -1))


def aliasing_error_without_interference(
    spectrum: Spectrum, samples: Pair, velocity: tuple[float, float]
) -> Float[torch.Tensor, "*batch"]:
    """The sum over modes (2 pi)^2 |H_n|^2 (v.(n - alias n))^2.

    It is `aliasing_error` where each bin holds one mode, and its mean over independent random
    phases of the modes.
    """
    excess = _excess(spectrum, samples, velocity)
    return (2 * math.pi * excess * spectrum.abs()).square().sum(dim=(-2, -1))


def filtered(spectrum: Spectrum, taps: Float[torch.Tensor, " tap"], samples: Pair) -> Spectrum:
    """The function after a filter along rows and columns: sum_t taps[t] h(j + t).

    Shifts t = 0, 1, ... are in points of a grid of `samples`. Average pooling of width w is w taps
    1/w, sampled at every w-th point; a binomial filter before a stride is anti-aliased pooling.
    """
    rows, cols = (
        _transfer(taps, modes(count), points)
        for count, points in zip(spectrum.shape[-2:], samples, strict=True)
    )
    return spectrum * (rows[:, None] * cols).to(spectrum)


def power(
    spectrum: Spectrum, exponent: int
) -> Complex[torch.Tensor, "*batch row_harmonic col_harmonic"]:
    """The spectrum of the function's integer power: modes up to `exponent` times the highest."""
    rows, cols = (exponent * (count - 1) + 1 for count in spectrum.shape[-2:])
    values = torch.fft.fft2(spectrum, s=(rows, cols))
    return torch.fft.ifft2(values**exponent)


def rectified_cosine_error(frequency: int, samples: int) -> float:
    """How far the mean of relu(cos) over samples depends on the phase, in closed form.

    The root mean square over phases of the derivative of mean_n relu(cos(2 pi k n / N + phase))
    by a shift of one sample. Only the even harmonics m with m k a multiple of N survive the mean;
    their amplitudes are 2 / (pi (m^2 - 1)). Not monotone in k: it depends on gcd(k, N). Derived in
    docs/science/lie.md#the-rectified-cosine. Raises ValueError where all samples are the same.
    """
    if frequency % samples == 0:
        raise ValueError(f"{samples} samples of a cosine of {frequency} periods are all the same")
    first = math.lcm(samples // math.gcd(frequency, samples), 2)
    # The sum over m = first, 2 first, ... of (m / (m^2 - 1))^2, with the partial fractions of cot.
    a = math.pi / first
    cotangent, cosecant = 1 / math.tan(a), 1 / math.sin(a)
    total = (a * cosecant) ** 2 / 4 - a * cotangent / 4
    return math.sqrt(total / 2) * (2 * math.pi * frequency / samples) * 2 / math.pi


def _transfer(
    taps: Float[torch.Tensor, " tap"], mode: Modes, samples: int
) -> Complex[torch.Tensor, " mode"]:
    phases = 2 * math.pi / samples * mode[:, None].double() * torch.arange(len(taps))
    return torch.polar(taps.expand(len(mode), -1), phases.to(taps)).sum(dim=1)


def _excess(
    spectrum: Spectrum, samples: Pair, velocity: tuple[float, float]
) -> Float[torch.Tensor, "row_mode col_mode"]:
    """v.(n - alias n): how much faster a mode's phase turns than its alias's."""
    rows, cols = (
        speed * (modes(count) - alias(modes(count), points)).double()
        for count, points, speed in zip(spectrum.shape[-2:], samples, velocity, strict=True)
    )
    return (rows[:, None] + cols).to(spectrum.real)


def _fold(spectrum: Spectrum, samples: Pair) -> Complex[torch.Tensor, "*batch row_bin col_bin"]:
    """Coefficients of one bin added up; bins -M/2..M/2 in order."""
    for axis, points in zip((-2, -1), samples, strict=True):
        bins = alias(modes(spectrum.shape[axis]), points) + points // 2
        shape = list(spectrum.shape)
        shape[axis] = points
        folded = spectrum.new_zeros(shape)
        spectrum = folded.index_add(axis, bins.to(spectrum.device), spectrum)
    return spectrum
