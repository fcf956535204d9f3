"""Stability against its definition written out, closed forms and numbers measured before.

See docs/science/stability.md#d-g-and-r and docs/science/stability.md#numbers-measured-before.
"""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from symlearn.measures.diffeo import remap, sample_fields
from symlearn.measures.stability import (
    OUTPUT,
    Outputs,
    Perturbation,
    Responses,
    StabilityWarning,
    mean_stability,
    measure,
    median_stability,
)

SIDE = 12
PERTURBATION = Perturbation.of_displacement(1.0, SIDE, draws=3)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    return torch.rand(15, 2, SIDE, SIDE, generator=generator(), dtype=torch.float64)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(400, 5),
    ).double()


def written_out(network, images, interpolation):
    """|f(tau x) - f(x)|^2 and |f(x + eta) - f(x)|^2 by image, draw and logit, and f(x)."""
    rng, shape = generator(7), (len(images), PERTURBATION.draws)
    fields = sample_fields(shape[0] * shape[1], SIDE, PERTURBATION.temperature, 3, rng, images)
    noise = torch.randn((*shape, *images.shape[1:]), generator=rng).double()
    deformed, noisy = np.empty((2, *shape, 5))
    still = torch.zeros(SIDE, SIDE, dtype=torch.float64)
    reference = remap(images, still, still, interpolation)

    def squares(moved, image):
        return (network(moved[None]) - network(image[None]))[0].detach().numpy() ** 2

    for i, k in np.ndindex(shape):
        dx, dy = (field[i * shape[1] + k] for field in fields)
        moved = remap(images[i], dx, dy, interpolation)
        eta = noise[i, k] / noise[i, k].norm() * (moved - reference[i]).norm()
        deformed[i, k] = squares(moved, reference[i])
        noisy[i, k] = squares(reference[i] + eta, reference[i])
    return deformed, noisy, network(reference).detach().numpy()


def separations(clean):
    squares = ((clean[:, None] - clean) ** 2).sum(axis=-1)
    return squares.sum(axis=1) / (len(clean) - 1)


@pytest.mark.parametrize("interpolation", ["bilinear", "gaussian", "nearest"])
def test_the_measurement_is_its_definition(network, images, interpolation):
    perturbation = replace(PERTURBATION, interpolation=interpolation)
    found = measure(network, images, perturbation, generator(7))
    deformed, noisy, clean = written_out(network.eval(), images, interpolation)
    np.testing.assert_allclose(found.outputs.deformed, deformed, rtol=1e-9)
    np.testing.assert_allclose(found.outputs.noisy, noisy, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.outputs.clean, clean, rtol=1e-12)
    output = found.layers[OUTPUT]
    np.testing.assert_allclose(output.deformed, deformed.sum(axis=-1), rtol=1e-9)
    np.testing.assert_allclose(output.noisy, noisy.sum(axis=-1), rtol=1e-9)
    np.testing.assert_allclose(output.separation, separations(clean), rtol=1e-9)


def intervals(responses, resamples=1000):
    """The ends of the 95 % bootstrap intervals of R, D and G; resamples weigh images.

    <|f(x) - f(z)|^2> is a mean over pairs: it follows to first order in the weights of both images.
    """
    count = len(responses.separation)
    rows = np.random.default_rng(0).integers(count, size=(resamples, count))
    found = []
    for row in rows:
        apart = responses.separation[row]
        second = apart.mean() / responses.separation.mean()
        one = Responses(responses.deformed[row], responses.noisy[row], apart * second)
        found.append(mean_stability(one))
    return np.quantile(found, (0.025, 0.975), axis=0).T


def test_means_are_over_images_and_draws(network, images):
    responses = measure(network, images, PERTURBATION, generator()).layers[OUTPUT]
    found = mean_stability(responses)
    assert found.deformation == pytest.approx(
        responses.deformed.mean() / responses.separation.mean()
    )
    assert found.noise == pytest.approx(responses.noisy.mean() / responses.separation.mean())
    assert found.relative == pytest.approx(found.deformation / found.noise)


def test_medians_are_those_of_the_authors():
    rng = np.random.default_rng(0)
    clean, moved, shaken = rng.normal(size=(3, 20, 4))
    squares = [(now - clean)[:, None] ** 2 for now in (moved, shaken)]
    found = median_stability(Outputs(clean, *squares))
    clean, moved, shaken = map(torch.from_numpy, (clean, moved, shaken))
    pairs = torch.cdist(clean, clean).pow(2).median()
    expected = [
        float((now - clean).pow(2).median(0).values.sum() / pairs) for now in (moved, shaken)
    ]
    assert found.deformation == pytest.approx(expected[0])
    assert found.noise == pytest.approx(expected[1])
    assert found.relative == pytest.approx(expected[0] / expected[1])


def test_the_identity_has_a_relative_stability_of_exactly_one(images):
    responses = measure(nn.Identity(), images, PERTURBATION, generator()).layers[OUTPUT]
    np.testing.assert_allclose(responses.noisy, responses.deformed, rtol=1e-12)
    assert mean_stability(responses).relative == pytest.approx(1.0, abs=1e-12)


def test_the_identity_on_mnist_has_the_deformation_stability_measured_before(mnist):
    images = torch.from_numpy(mnist.levels[:500, None] / 255)
    perturbation = Perturbation.of_displacement(1.0, 28, cutoff=3)
    found = mean_stability(measure(nn.Identity(), images, perturbation, generator()).layers[OUTPUT])
    assert found.relative == pytest.approx(1.0, abs=1e-12)
    assert found.deformation == pytest.approx(0.228, abs=0.005)


def test_a_network_that_averages_is_more_stable_to_deformations_than_to_noise(mnist):
    images = torch.from_numpy(mnist.levels[:200, None] / 255)
    blur = nn.AvgPool2d(7)
    perturbation = Perturbation.of_displacement(1.0, 28, cutoff=3, draws=2)
    pooled = measure(blur, images, perturbation, generator()).layers[OUTPUT]
    # Neighbouring pixels are taken apart: a filter that deformations excite and noise less so.
    sharp = nn.Conv2d(1, 1, (1, 2), bias=False).double()
    sharp.weight.data = torch.tensor([[[[1.0, -1.0]]]]).double()
    edges = measure(sharp, images, perturbation, generator()).layers[OUTPUT]
    (_, high), (low, _) = (intervals(one)[0] for one in (edges, pooled))
    assert high < 1 < low


def test_batches_change_nothing(network, images):
    whole = measure(network, images, PERTURBATION, generator(), layers=["0"])
    parts = measure(network, images, PERTURBATION, generator(), layers=["0"], batch=4)
    for name in ("0", OUTPUT):
        for found, expected in zip(
            vars(parts.layers[name]).values(), vars(whole.layers[name]).values(), strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(parts.outputs.deformed, whole.outputs.deformed, rtol=1e-8)


def test_a_layer_is_the_output_of_the_network_cut_there(network, images):
    layers = ["0", "1", "4"]
    found = measure(network, images, PERTURBATION, generator(), layers).layers
    assert list(found) == [*layers, OUTPUT]
    for name in layers:
        cut = network[: int(name) + 1]
        alone = measure(cut, images, PERTURBATION, generator()).layers[OUTPUT]
        for ours, expected in zip(vars(found[name]).values(), vars(alone).values(), strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-9)


def test_the_network_is_left_as_it_was(network, images):
    network.train()
    network[1].eval()
    state = copy.deepcopy(network.state_dict())
    measure(network, images, PERTURBATION, generator(), ["0"])
    assert [module.training for module in network[:4]] == [True, False, True, True]
    assert not network[0]._forward_hooks
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_measures_the_same(network, images, dtype):
    expected = mean_stability(measure(network, images, PERTURBATION, generator()).layers[OUTPUT])
    found = mean_stability(
        measure(network.to(dtype), images.to(dtype), PERTURBATION, generator()).layers[OUTPUT]
    )
    tolerance = {torch.float32: 1e-4, torch.bfloat16: 0.1}[dtype]
    assert found.relative == pytest.approx(expected.relative, rel=tolerance)
    assert found.noise == pytest.approx(expected.noise, rel=tolerance)


def test_a_constant_network_gives_nan_and_says_why(network, images):
    nn.init.zeros_(network[-1].weight)
    with pytest.warns(StabilityWarning, match="output: all images give the same values") as seen:
        found = measure(network, images, PERTURBATION, generator(), batch=7)
    assert len(seen) == 1
    assert np.isnan(mean_stability(found.layers[OUTPUT])).all()
    assert np.isnan(median_stability(found.outputs)).all()


def test_a_network_that_overflows_gives_nan_and_says_why(network, images):
    network[-1].weight.data *= float("inf")
    with pytest.warns(StabilityWarning, match="output: values are not finite"):
        found = measure(network, images, PERTURBATION, generator())
    assert np.isnan(mean_stability(found.layers[OUTPUT]).relative)


def test_blank_images_give_nan_and_say_why(images):
    levels = images[:, :1].mean(dim=(2, 3), keepdim=True).expand(-1, -1, SIDE, SIDE)
    with pytest.warns(StabilityWarning, match="output: noise of the deformations' size"):
        found = measure(nn.Identity(), levels, PERTURBATION, generator())
    relative, deformation, _ = mean_stability(found.layers[OUTPUT])
    assert np.isnan(relative)
    assert deformation == 0


def test_a_layer_that_the_network_does_not_have_is_named(network, images):
    with pytest.raises(ValueError, match="no submodule 'layer9'"):
        measure(network, images, PERTURBATION, generator(), ["layer9"])


def test_one_image_and_images_that_are_not_square_are_refused(images):
    with pytest.raises(ValueError, match="two images or more"):
        measure(nn.Identity(), images[:1], PERTURBATION, generator())
    with pytest.raises(ValueError, match="12 rows and 10 columns"):
        measure(nn.Identity(), images[..., :10], PERTURBATION, generator())


@pytest.mark.slow
def test_resampled_means_cover_the_truth_as_often_as_they_say():
    """Outputs are normal in 3 dimensions, so that <|f(x) - f(z)|^2> = 6 exactly."""
    rng = np.random.default_rng(0)
    problems, images = 200, 60
    hits = np.zeros(3)
    for _ in range(problems):
        clean = rng.normal(size=(images, 3))
        # Images with large outputs move more: numerator and denominator are correlated.
        scale = (clean**2).sum(axis=1)[:, None]
        deformed, noisy = (scale * rng.exponential(size=(images, 2)) for _ in range(2))
        found = intervals(Responses(deformed, noisy, separations(clean)), resamples=300)
        truth = (1.0, 0.5, 0.5)
        hits += [low <= true <= high for (low, high), true in zip(found, truth, strict=True)]
    assert ((hits / problems >= 0.88) & (hits / problems <= 0.99)).all()
