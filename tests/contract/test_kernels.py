"""Kernels against neural-tangents, dense evaluations in numpy and wide random networks."""

import importlib.util
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symlearn.datasets.orbits import make_orbits, normalise, rotation_orbits
from symlearn.errors import DataError, SymlearnError
from symlearn.groups import action_of
from symlearn.kernels import blocks, gram, infinite_width
from symlearn.kernels.neural_tangents_adapter import load_stax
from symlearn.kernels.of_orbits import exact_symmetries
from symlearn.menu.layers import has_closed_form, layers_of

from .helpers import F32, F64, difference, relative_difference, scale_of

READOUTS = ["flatten", "gap"]
KINDS = ["ntk", "nngp"]
STANDARD = ["mlp-1", "mlp-5", "cnn-fc-3", "cnn-gap-3"]
SIDE = 8


def _rng(seed=0):
    return np.random.default_rng(seed)


def _hard_images():
    """Random, its copy, its opposite, on constant backgrounds (zero and not), and all zero."""
    rng = _rng()
    random = rng.random((SIDE, SIDE))
    patch = np.zeros((SIDE, SIDE))
    patch[2:5, 3:6] = rng.random((3, 3))
    return np.stack([random, random, -random, patch, patch - patch.mean(), np.zeros((SIDE, SIDE))])


def _cnn(readout, size=3, convolutions=1):
    return {
        "kind": "cnn",
        "readout": readout,
        "filter_size": size,
        "convolutions": convolutions,
    }


def _patches(images, size):
    reach = range(-(size // 2), size // 2 + 1)
    shifted = [np.roll(images, (down, right), (1, 2)) for down in reach for right in reach]
    return np.stack(shifted, axis=-1).reshape(len(images), -1, size**2)


def _careful_entry(p, q, readout, kind):
    """One entry of the kernel of one convolution, with a careful angle.

    See docs/science/orbits.md#one-convolution.
    """
    if readout == "gap":
        p, q = p[:, None], q[None, :]
    p_norm, q_norm = np.linalg.norm(p, axis=-1), np.linalg.norm(q, axis=-1)
    u = p / np.where(p_norm > 0, p_norm, 1.0)[..., None]
    v = q / np.where(q_norm > 0, q_norm, 1.0)[..., None]
    angle = 2 * np.arctan2(np.linalg.norm(u - v, axis=-1), np.linalg.norm(u + v, axis=-1))
    both = 2 if kind == "ntk" else 1
    dual = (np.sin(angle) + both * (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    return (p_norm * q_norm * dual).mean() / p.shape[-1]


def _careful_gram(images, readout, size, kind):
    patches = _patches(images, size)
    return np.array([[_careful_entry(p, q, readout, kind) for q in patches] for p in patches])


def _neural_tangents_gram(architecture, images, kind):
    with jax.enable_x64(True):
        tile = infinite_width._neural_tangents_tile(layers_of(architecture), images.shape[1:], kind)
        return np.asarray(tile.evaluate(images, images))


def _relu_duals(covariance, first, second):
    """Kernel and derivative kernel of a ReLU of unit scale, variances along rows and columns."""
    angle = np.arctan2(np.sqrt(np.maximum(first * second - covariance**2, 0.0)), covariance)
    scale = np.sqrt(first * second)
    kernel = scale / (2 * np.pi) * (np.sin(angle) + (np.pi - angle) * np.cos(angle))
    return kernel, (np.pi - angle) / (2 * np.pi)


def _mlp_recursion(images, hidden_layers):
    flat = images.reshape(len(images), -1)
    nngp = flat @ flat.T / flat.shape[1] + 1.0
    ntk = nngp.copy()
    for _ in range(hidden_layers):
        variance = np.diag(nngp)
        dual, derivative = _relu_duals(nngp, variance[:, None], variance[None, :])
        nngp = dual + 1.0
        ntk = ntk * derivative + nngp
    return {"nngp": nngp, "ntk": ntk}


def _cnn_recursion(images, readout, size, convolutions):
    """The same over all pairs of pixels, for convolutions without bias."""
    count, height, width = images.shape
    flat = images.reshape(count, -1)
    nngp = flat[:, None, :, None] * flat[None, :, None, :]  # (point, other, pixel, pixel)
    ntk = np.zeros_like(nngp)
    pixels = np.arange(height * width).reshape(height, width)
    reach = range(-(size // 2), size // 2 + 1)
    moves = [np.roll(pixels, (down, right), (0, 1)).ravel() for down in reach for right in reach]

    def average(kernel):
        return np.mean([kernel[:, :, move][..., move] for move in moves], axis=0)

    own = np.arange(count)
    for _ in range(convolutions):
        nngp, ntk = average(nngp), average(ntk)
        ntk = ntk + nngp
        variance = np.einsum("aapp->ap", nngp[own][:, own])
        nngp, derivative = _relu_duals(nngp, variance[:, None, :, None], variance[None, :, None, :])
        ntk = ntk * derivative
    both = {"nngp": nngp, "ntk": ntk + nngp}
    if readout == "gap":
        return {kind: kernel.mean(axis=(2, 3)) for kind, kernel in both.items()}
    return {kind: np.einsum("abpp->ab", k) / (height * width) for kind, k in both.items()}


def test_neural_tangents_still_loads_and_computes():
    advice = (
        "neural_tangents.stax no longer works with the installed jax: pin jax back to the version "
        "in envs/requirements.lock, or port Dense, Conv, Relu, GlobalAvgPool and Flatten "
        "(docs/science/orbits.md#kernels) to symlearn/kernels and drop "
        "symlearn/kernels/neural_tangents_adapter.py"
    )
    try:
        stax = load_stax()
        *_, kernel = stax.serial(stax.Dense(1), stax.Relu(), stax.Dense(1))
        value = float(kernel(jnp.ones((1, 4)), jnp.ones((1, 4)), "ntk")[0, 0])
    except Exception as error:
        pytest.fail(f"{advice} ({type(error).__name__}: {error})")
    assert value == pytest.approx(1.0, rel=1e-3), advice


def test_neural_tangents_brings_in_no_tensorflow():
    load_stax()
    assert "tensorflow" not in sys.modules


def test_missing_neural_tangents_is_one_clear_line(monkeypatch):
    monkeypatch.delitem(sys.modules, "neural_tangents", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SymlearnError, match="make env"):
        load_stax()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("readout", READOUTS)
def test_closed_form_of_one_convolution_is_neural_tangents(readout, size, kind):
    images = _hard_images()
    expected = _neural_tangents_gram(_cnn(readout, size), images, kind)
    found = gram(_cnn(readout, size), images, kind=kind)
    # With a filter of one pixel most patches are equal, and there neural-tangents takes the angle
    # from the root of a rounded zero; the careful evaluation below holds the closed form to 1e-12.
    bound = F64["kernel of one pixel" if size == 1 else "kernel"]
    assert difference(found, expected, scale_of(found)) <= bound


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("readout", READOUTS)
def test_closed_form_of_one_convolution_is_a_careful_dense_evaluation(readout, size, kind):
    images = _hard_images()
    expected = _careful_gram(images, readout, size, kind)
    found = gram(_cnn(readout, size), images, kind=kind)
    tolerance = F64["kernel against a careful evaluation"]
    assert difference(found, expected, scale_of(expected)) <= tolerance


@pytest.mark.parametrize("readout", READOUTS)
def test_closed_form_on_nearly_equal_images_keeps_its_digits(readout):
    rng = _rng(3)
    image = rng.random((SIDE, SIDE))
    steps = 10.0 ** -np.arange(2, 7)
    images = image + steps[:, None, None] * rng.normal(size=(len(steps), SIDE, SIDE))
    expected = _careful_gram(images, readout, 3, "ntk")
    tolerance = F64["kernel against a careful evaluation"]
    assert relative_difference(gram(_cnn(readout), images), expected) <= tolerance


def test_pooled_kernel_of_rotated_digits_keeps_its_digits(mnist):
    # Round a rotated digit lie patches that are constant but for the spline's decaying ripples.
    poses = rotation_orbits(mnist.levels[[0, 1]] / mnist.maximum, 8)
    images = np.stack([poses[0, 1], poses[1, 3]])
    expected = _careful_gram(images, "gap", 3, "ntk")
    tolerance = F64["kernel against a careful evaluation"]
    assert relative_difference(gram("cnn-gap-3", images), expected) <= tolerance


@pytest.mark.parametrize("hidden_layers", [1, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_kernel_of_a_perceptron_follows_the_recursion(hidden_layers, kind):
    different = normalise(_rng(1).random((6, SIDE, SIDE)))
    images = np.concatenate([different, different[:2], np.zeros((1, SIDE, SIDE))])
    architecture = {"kind": "mlp", "hidden_layers": hidden_layers}
    found = gram(architecture, images, kind=kind)
    expected = _mlp_recursion(images, hidden_layers)[kind]
    # Element by element, also of a point with itself and with its copy.
    assert relative_difference(found, expected) <= F64["kernel of dense layers"]
    by_neural_tangents = _neural_tangents_gram(architecture, images, kind)
    assert relative_difference(found, by_neural_tangents) <= F64["kernel of a point with itself"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("readout", READOUTS)
def test_kernel_of_two_convolutions_follows_the_recursion(readout, kind):
    architecture = _cnn(readout, convolutions=2)
    assert not has_closed_form(layers_of(architecture))
    images = _rng(2).normal(size=(3, 5, 5))
    found = gram(architecture, images, kind=kind)
    expected = _cnn_recursion(images, readout, size=3, convolutions=2)[kind]
    # Of a point with itself, neural-tangents takes angles from the root of a rounded zero.
    tolerance = np.where(np.eye(3), np.sqrt(np.finfo(float).eps), F64["kernel"])
    assert difference(found, expected, scale_of(expected) * tolerance) <= 1


def test_gaussian_kernel_is_the_exponential_of_the_squared_distance():
    images = _rng(4).normal(size=(5, 3, 3))
    squared = ((images[:, None] - images[None]) ** 2).sum(axis=(2, 3))
    found = gram({"kind": "rbf", "inverse_length": 0.7}, images)
    assert difference(found, np.exp(-(0.7**2) * squared)) <= 1e-14


DRAWS, WIDTH = 3000, 128
STANDARD_ERRORS = 4.5


def _perceptron(weights, images):
    first, bias, last, last_bias = weights
    flat = images.reshape(len(images), -1)
    hidden = jax.nn.relu(flat @ first / np.sqrt(flat.shape[1]) + bias)
    return hidden @ last / np.sqrt(len(last)) + last_bias


def _pooled_convolution(weights, images):
    filters, last = weights
    patches = jnp.asarray(_patches(np.asarray(images), 3))
    hidden = jax.nn.relu(patches @ filters / 3.0).mean(axis=1)
    return hidden @ last / np.sqrt(len(last))


NETWORKS = {
    "mlp-1": (_perceptron, [(16, WIDTH), (WIDTH,), (WIDTH,), ()]),
    "cnn-gap-3": (_pooled_convolution, [(9, WIDTH), (WIDTH,)]),
}


@pytest.fixture(scope="module", params=NETWORKS)
def random_networks(request):
    """Products of outputs and of gradients of many random networks, on three images."""
    network, shapes = NETWORKS[request.param]
    images = _rng(5).normal(size=(3, 4, 4)).astype(np.float32)

    def draw(key):
        keys = jax.random.split(key, len(shapes))
        weights = [jax.random.normal(k, shape) for k, shape in zip(keys, shapes, strict=True)]
        output = network(weights, images)
        gradients = jax.jacrev(network)(weights, images)
        flat = jnp.concatenate([g.reshape(len(images), -1) for g in gradients], axis=1)
        return output[:, None] * output[None, :], flat @ flat.T

    keys = jax.random.split(jax.random.key(0), DRAWS)
    products = jax.lax.map(draw, keys, batch_size=100)
    return request.param, images.astype(float), dict(zip(KINDS[::-1], products, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_wide_random_networks_agree_with_the_kernel(random_networks, kind):
    architecture, images, products = random_networks
    draws = np.asarray(products[kind], dtype=float)
    standard_error = draws.std(axis=0) / np.sqrt(DRAWS)
    expected = gram(architecture, images, kind=kind)
    assert (standard_error < 0.05 * scale_of(expected)).all()
    assert difference(draws.mean(axis=0), expected, standard_error) <= STANDARD_ERRORS


@settings(max_examples=15)
@given(st.sampled_from(STANDARD), st.sampled_from(KINDS), st.integers(0, 2**32 - 1))
def test_kernels_are_symmetric_and_positive_semi_definite(architecture, kind, seed):
    rng = _rng(seed)
    images = rng.normal(size=(6, 4, 4)) * rng.exponential(size=(6, 1, 1))
    images[5] = images[4]
    matrix = gram(architecture, images, kind=kind)
    assert (matrix == matrix.T).all()
    smallest = np.linalg.eigvalsh(matrix).min()
    assert smallest > -F64["semi-definite"] * np.trace(matrix)


SYMMETRIC = [("cyclic-rotation", 4), ("cyclic-rotation", 8), ("cyclic-shift", 4), ("dihedral", 4)]
SYMMETRIC += [("product-shift", 2), ("dihedral", 3)]


@pytest.mark.parametrize("architecture", STANDARD)
@pytest.mark.parametrize(("group", "n"), SYMMETRIC)
def test_symmetries_change_no_entry_and_hold_to_the_last_bit(group, n, architecture):
    orbits = make_orbits(_rng(6).random((3, SIDE, SIDE)), group, n)
    images = orbits.reshape(-1, SIDE, SIDE)
    symmetries = exact_symmetries(group, n, orbits=3)
    assert len(symmetries) == len(action_of(group).exact(n))
    found = gram(architecture, images, symmetries=symmetries)
    for moved in symmetries:
        assert (found[np.ix_(moved, moved)] == found).all()
    assert (found == found.T).all()
    tolerance = F64["symmetry, pooled" if "gap" in architecture else "symmetry"]
    assert relative_difference(found, gram(architecture, images)) <= tolerance


@pytest.mark.parametrize("architecture", STANDARD)
def test_single_precision_is_near_double_precision(architecture):
    orbits = make_orbits(_rng(7).random((2, SIDE, SIDE)), "cyclic-rotation", 4)
    images = orbits.reshape(-1, SIDE, SIDE)
    single = gram(architecture, images, precision="float32")
    assert single.dtype == np.float64
    tolerance = F32["kernel" if "mlp" in architecture else "kernel of a convolution"]
    assert relative_difference(single, gram(architecture, images)) <= tolerance


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_that_are_not_finite_are_refused(value):
    images = np.ones((2, 4, 4))
    images[1, 2, 3] = value
    with pytest.raises(DataError, match="not finite"):
        gram("mlp-1", images)


@pytest.mark.parametrize("architecture", STANDARD)
@pytest.mark.parametrize("with_symmetries", [False, True])
def test_the_memory_limit_changes_nothing(architecture, with_symmetries, monkeypatch):
    orbits = make_orbits(_rng(8).random((3, SIDE, SIDE)), "cyclic-rotation", 4)
    images = orbits.reshape(-1, SIDE, SIDE)
    symmetries = exact_symmetries("cyclic-rotation", 4, orbits=3) if with_symmetries else None
    expected = gram(architecture, images, symmetries=symmetries)
    for limit in (1, 5**2 * 8 * 4 * SIDE**2):
        monkeypatch.setattr(blocks, "MEMORY_LIMIT", limit)
        found = gram(architecture, images, symmetries=symmetries)
        assert relative_difference(found, expected) <= F64["tiles"]
