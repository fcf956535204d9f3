"""The kernels of transformers against neural-tangents, quadrature and wide random networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from symlearn.datasets.orbits import make_orbits
from symlearn.kernels import gram, infinite_width, tokens
from symlearn.kernels.of_orbits import exact_symmetries
from symlearn.menu.layers import layers_of

from .helpers import relative_difference

SIDE = 8
ENTRIES = {
    "plain": {"depth": 1},
    "deep": {"depth": 3},
    "relu": {"depth": 2, "units": "relu"},
    "without norms": {"depth": 2, "layer_norm": False},
    "with positions": {"depth": 2, "positions": "random"},
}
every_entry = pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)


def _entry(**parameters):
    return {"kind": "transformer", "patch": 4, **parameters}


def _images(count=5, seed=0):
    """Random images, one with empty patches and one that is its opposite."""
    images = np.random.default_rng(seed).normal(size=(count, SIDE, SIDE))
    images[1, :4] = 0.0
    images[2] = -images[0]
    return images


@every_entry
@pytest.mark.parametrize("kind", ["ntk", "nngp"])
def test_the_recursion_is_that_of_neural_tangents(entry, kind):
    images = _images()
    with jax.enable_x64(True):
        general = infinite_width.neural_tangents_kernel(layers_of(_entry(**entry)), kind)
        expected = np.asarray(general(jnp.asarray(images), jnp.asarray(images)))
    found = gram(_entry(**entry), images, kind=kind)
    # A ReLU's angle of a token with itself loses half of the digits in neural-tangents.
    off = ~np.eye(len(images), dtype=bool) if entry.get("units") == "relu" else ...
    assert relative_difference(found[off], expected[off]) <= 1e-10
    assert relative_difference(found, expected) <= 1e-7


@pytest.mark.parametrize("correlation", [-1.0, -0.6, 0.0, 0.5, 1.0])
def test_a_gelu_is_what_quadrature_says(correlation):
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / weights.sum()
    u = np.sqrt(0.7) * nodes[:, None]
    other = correlation * nodes[:, None] + np.sqrt(1 - correlation**2) * nodes[None, :]
    v = np.sqrt(1.9) * other
    both = weights[:, None] * weights[None, :]

    def unit(x):
        return x * scipy.special.ndtr(x)

    def slope(x):
        return scipy.special.ndtr(x) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)

    kernel = correlation * np.sqrt(0.7 * 1.9)
    with jax.enable_x64(True):
        outputs, slopes = tokens.gelu(*(jnp.asarray(a) for a in (kernel, 0.7, 1.9)))
    assert abs(float(outputs) - (both * unit(u) * unit(v)).sum()) <= 1e-10
    assert abs(float(slopes) - (both * slope(u) * slope(v)).sum()) <= 1e-10


@every_entry
def test_quarter_turns_and_shifts_of_whole_patches_are_symmetries(entry):
    images = np.random.default_rng(1).normal(size=(2, SIDE, SIDE))
    for group, n in (("cyclic-rotation", 4), ("dihedral", 4), ("cyclic-shift", 2)):
        orbits = make_orbits(images, group, n).reshape(-1, SIDE, SIDE)
        direct = gram(_entry(**entry), orbits)
        for moved in exact_symmetries(group, n, 2):
            assert relative_difference(direct[np.ix_(moved, moved)], direct) <= 1e-12
        shared = gram(_entry(**entry), orbits, symmetries=exact_symmetries(group, n, 2))
        assert relative_difference(shared, direct) <= 1e-12


def test_shifts_within_a_patch_are_none():
    images = np.random.default_rng(2).normal(size=(1, SIDE, SIDE))
    orbits = make_orbits(images, "cyclic-shift", 4).reshape(-1, SIDE, SIDE)
    direct = gram(_entry(), orbits)
    moved = exact_symmetries("cyclic-shift", 4, 1)[1]
    assert relative_difference(direct[np.ix_(moved, moved)], direct) > 1e-3


def test_positions_matter_where_patches_are_moved_in_one_image_alone():
    """Without positions all tokens are alike, so a shift by whole patches changes nothing."""
    images = np.random.default_rng(3).normal(size=(1, SIDE, SIDE))
    pair = np.concatenate([images, np.roll(images, 4, axis=2)])
    without, having = (gram(_entry(positions=code), pair) for code in ("none", "random"))
    assert abs(without[0, 1] / without[0, 0] - 1) <= 1e-12
    assert having[0, 1] / having[0, 0] < 1 - 1e-4


# A network of the same layers, written out: keys tied to queries, products divided by their width.


def _network(parameters, image, width, heads):
    embedding, key, value, out, first, second, readout = parameters
    patches = image.reshape(2, 4, 2, 4).transpose(0, 2, 1, 3).reshape(4, 16)
    x = patches @ embedding / 4
    keys = jnp.einsum("tn,hnm->htm", _norm(x), key)
    logits = jnp.einsum("htm,hum->htu", keys, keys) / (width * key.shape[-1])
    values = jnp.einsum("tn,hnm->htm", _norm(x), value)
    seen = jnp.einsum("htu,hum->thm", jax.nn.softmax(logits, axis=-1), values)
    x = x + seen.reshape(4, -1) @ out / np.sqrt(width * heads * key.shape[-1])
    hidden = jax.nn.gelu(_norm(x) @ first / np.sqrt(width), approximate=False)
    x = x + hidden @ second / np.sqrt(width)
    return (_norm(x).mean(axis=0) @ readout / np.sqrt(width))[0]


def _norm(x):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / jnp.sqrt(1e-12 + (centred**2).mean(axis=-1, keepdims=True))


def _sampled(images, width, draws):
    """The empirical tangent kernels of random networks of a width."""
    heads = width // 8
    shapes = [(16, width), *[(heads, width, width)] * 2, (heads * width, width)]
    shapes += [(width, width)] * 2 + [(width, 1)]
    gradient = jax.jit(jax.vmap(jax.grad(_network), (None, 0, None, None)), static_argnums=(2, 3))
    for number in range(draws):
        keys = jax.random.split(jax.random.key(number), len(shapes))
        drawn = [jax.random.normal(k, s) for k, s in zip(keys, shapes, strict=True)]
        rows = gradient(drawn, images, width, heads)
        flat = jnp.concatenate([g.reshape(len(images), -1) for g in rows], axis=1)
        yield np.asarray(flat @ flat.T)


def test_wide_networks_of_the_same_layers_approach_it():
    images = np.random.default_rng(4).normal(size=(3, SIDE, SIDE))
    expected = gram(_entry(), images)
    off = {
        width: np.mean(
            [relative_difference(found, expected) for found in _sampled(images, width, 6)]
        )
        for width in (16, 128)
    }
    # Fluctuations fall as the root of the width, here by a factor of 2.8.
    assert off[128] <= 0.5 * off[16]
    assert off[128] <= 0.15


@pytest.mark.parametrize("side", [6, 9])
def test_a_margin_of_zeros_lets_patches_tile_any_image(side):
    """As if the margin were part of the images; quarter turns stay symmetries."""
    images = np.random.default_rng(5).normal(size=(2, side, side))
    entry = {"kind": "transformer", "patch": 3 if side == 6 else 7}
    margin = layers_of(entry)[0].margin(side)
    wide = np.pad(images, [(0, 0), (margin, margin), (margin, margin)])
    assert relative_difference(gram(entry, images), gram(entry, wide)) <= 1e-14
    with jax.enable_x64(True):
        general = infinite_width.neural_tangents_kernel(layers_of(entry), "ntk")
        expected = np.asarray(general(jnp.asarray(images), jnp.asarray(images)))
    assert relative_difference(gram(entry, images), expected) <= 1e-10
    orbits = make_orbits(images, "cyclic-rotation", 4).reshape(-1, side, side)
    shared = gram(entry, orbits, symmetries=exact_symmetries("cyclic-rotation", 4, 2))
    assert relative_difference(shared, gram(entry, orbits)) <= 1e-12


def test_patches_of_even_side_tile_no_image_of_odd_side():
    with pytest.raises(ValueError, match="patches of 4 pixels tile no image of 9"):
        layers_of({"kind": "transformer", "patch": 4})[0].margin(9)
