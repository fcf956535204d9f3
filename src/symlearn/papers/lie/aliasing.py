"""How much nonlinearities and down-samplings alias, by frequency: measured and in closed form.

Measured is the spectral Lie derivative of what torch computes, by translation along a row. See
docs/science/lie.md#what-aliases and docs/science/lie.md#the-rectified-cosine.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from jaxtyping import Complex, Float

from symlearn.measures import aliasing
from symlearn.measures.aliasing import Spectrum
from symlearn.measures.lie import GENERATORS, Image, lie_derivative, mean_square
from symlearn.measures.lie_action import act
from symlearn.randomness import seed_of

Map = Callable[[torch.Tensor], torch.Tensor]
Harmonics = Complex[torch.Tensor, "*batch row_harmonic col_harmonic"]

_FINER = 9  # of the grid that harmonics are found on; odd, as the pixels are
_WAVE_SAMPLES = 64
_GENERATOR, _STENCIL = "translate_x", "spectral"

ACTIVATIONS: Mapping[str, Map] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
}
_POWERS = {"square": 2, "cube": 3}
# Filters along rows and columns before every second pixel is kept.
FILTERS: Mapping[str, list[float]] = {
    "stride": [1.0],
    "average": [1 / 2, 1 / 2],
    "binomial-3": [1 / 4, 1 / 2, 1 / 4],
    "binomial-5": [1 / 16, 1 / 4, 3 / 8, 1 / 4, 1 / 16],
}


def compute(spec: Mapping[str, Any], _: list[xr.Dataset]) -> xr.Dataset:
    """Errors of activations and down-samplings (name, band, image), and of cosines (wave).

    Relative errors are the norm of the Lie derivative over that of X f(h), the output's own
    motion.
    """
    parts = [_activations(spec), _down_samplings(spec), _waves(spec["phases"])]
    return xr.merge(parts, join="outer").assign_attrs(pixels=spec["pixels"])


def _activations(spec: Mapping[str, Any]) -> xr.Dataset:
    """Applied to images whose modes all lie below the highest that the pixels can hold."""
    pixels = spec["pixels"]
    bands = range(1, pixels // 2 + 1)
    found = [
        [
            _compared(activation, images, pixels, harmonics(name, images, pixels))
            for images in (_random_images(spec, band) for band in bands)
        ]
        for name, activation in ACTIVATIONS.items()
    ]
    return _arranged("activation", list(ACTIVATIONS), np.array(bands), np.array(found))


def _down_samplings(spec: Mapping[str, Any]) -> xr.Dataset:
    """Applied to images of twice the pixels, to what those can hold."""
    pixels = 2 * spec["pixels"]
    bands = range(1, pixels // 2)
    kinds = [*FILTERS, "ideal", "max"]
    found = [
        [
            _compared(down_sampling(name, pixels), images, pixels, smooth(name, images, pixels))
            for images in (_random_images(spec, band) for band in bands)
        ]
        for name in kinds
    ]
    return _arranged("down_sampling", kinds, np.array(bands), np.array(found))


def _arranged(dim: str, names: list[str], bands: np.ndarray, found: np.ndarray) -> xr.Dataset:
    """Measured and predicted errors from (name, band, which, image); bands that lack are NaN."""
    dims = (dim, "band", "image")
    return xr.Dataset(
        {f"{dim}_error": (dims, found[:, :, 0]), f"{dim}_predicted": (dims, found[:, :, 1])},
        coords={dim: names, "band": bands},
    )


def _random_images(spec: Mapping[str, Any], band: int) -> Spectrum:
    """Spectra of real functions with independent normal modes to `band` along both axes."""
    rng = torch.Generator().manual_seed(seed_of(spec["seed"], "lie-aliasing", band))
    size = 2 * band + 1
    half = torch.randn(spec["draws"], size, size, generator=rng, dtype=torch.complex128)
    real = half + half.flip(-2, -1).conj()
    return real / real.abs().square().sum(dim=(1, 2), keepdim=True).sqrt()


def _compared(
    function: Map, spectrum: Spectrum, pixels: int, made: Harmonics | None
) -> Float[np.ndarray, "2 image"]:
    """The relative error, measured and predicted from the spectrum `made` before it is sampled."""
    images = aliasing.sample(spectrum, (pixels, pixels))[:, None]
    layout, full = Image(), (pixels, pixels)
    derivative = lie_derivative(function, images, _GENERATOR, _STENCIL, output=layout)
    output = function(images)
    own = mean_square(act(output, layout, GENERATORS[_GENERATOR], _STENCIL, full))
    if made is None:
        predicted = torch.full_like(own, torch.nan)
    else:
        samples = (output.shape[2], output.shape[3])
        # One unit of a translation is (pixels - 1) / 2 pixels.
        predicted = aliasing.aliasing_error(made, samples, (0.0, (pixels - 1) / 2 / pixels))
    return torch.stack([mean_square(derivative), predicted]).div(own).sqrt().numpy()


def harmonics(activation: str, spectrum: Spectrum, pixels: int) -> Harmonics:
    """The spectrum of an activation of a function: exact for powers, else from a finer grid."""
    if activation in _POWERS:
        return aliasing.power(spectrum, _POWERS[activation])
    values = ACTIVATIONS[activation](aliasing.sample(spectrum, (_FINER * pixels,) * 2))
    return torch.fft.fftshift(torch.fft.fft2(values, norm="forward"), dim=(-2, -1))


def down_sampling(name: str, pixels: int) -> Map:
    """A map from periodic images of `pixels` to half of them."""
    if name == "max":
        return lambda images: F.max_pool2d(images, 2)
    if name == "ideal":
        return lambda images: _ideal(images, pixels)
    taps = torch.tensor(FILTERS[name], dtype=torch.float64)
    kernel, reach = torch.outer(taps, taps)[None, None], len(taps) - 1

    def filtered(images: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.pad(images, (0, reach, 0, reach), mode="circular"), kernel, stride=2)

    return filtered


def smooth(name: str, spectrum: Spectrum, pixels: int) -> Spectrum | None:
    """The spectrum just before every second pixel is kept; None where there is no closed form."""
    if name == "max":
        return None
    if name == "ideal":
        return spectrum * _kept(aliasing.modes(spectrum.shape[-1]), pixels)
    taps = torch.tensor(FILTERS[name], dtype=torch.float64)
    return aliasing.filtered(spectrum, taps, (pixels, pixels))


def _ideal(images: torch.Tensor, pixels: int) -> torch.Tensor:
    mode = (torch.fft.fftfreq(pixels) * pixels).round().long()
    low = torch.fft.ifft2(torch.fft.fft2(images) * _kept(mode, pixels)).real
    return low[:, :, ::2, ::2]


def _kept(mode: torch.Tensor, pixels: int) -> Float[torch.Tensor, "row col"]:
    """One for modes that half of the pixels can hold."""
    kept = (mode.abs() < pixels / 4).double()
    return torch.outer(kept, kept)


def _waves(phases: int) -> xr.Dataset:
    """The mean over samples of a rectified cosine: root mean square over its phase."""
    waves = np.arange(1, _WAVE_SAMPLES // 2)
    return xr.Dataset(
        {
            "wave_error": ("wave", [_wave_error(int(wave), phases) for wave in waves]),
            "wave_predicted": (
                "wave",
                [aliasing.rectified_cosine_error(int(wave), _WAVE_SAMPLES) for wave in waves],
            ),
        },
        coords={"wave": waves},
    )


def _wave_error(wave: int, phases: int) -> float:
    phase = 2 * math.pi / phases * (torch.arange(phases).double()[:, None] + 0.5)
    angle = 2 * math.pi * wave / _WAVE_SAMPLES * torch.arange(_WAVE_SAMPLES).double()
    images = torch.cos(angle + phase)[:, None, None].expand(-1, 1, 2, -1).clone()

    def mean_of_rectified(x: torch.Tensor) -> torch.Tensor:
        return F.relu(x).mean(dim=(2, 3))

    slope = lie_derivative(mean_of_rectified, images, _GENERATOR, _STENCIL, units="pixel")
    return float(slope.square().mean().sqrt())
