"""What the menu says of images that fit a network, against what can be built."""

import pytest
import torch

from symlearn.menu.networks import MODELS, STANDARD, model_of, standard_entry
from symlearn.networks.build import build

PERCEPTRON = {"kind": "perceptron", "widths": [8]}
TRANSFORMER = {"mlp_width": 8, "head_width": 4}
TIED = [
    {"kind": kind, "group": group, "n": n, **more}
    for kind, more in (
        ("orbit-pooled", {"widths": [8]}),
        ("orbit-averaged", {"network": PERCEPTRON}),
    )
    for group in ("cyclic-rotation", "cyclic-shift", "dihedral")
    for n in (1, 2, 3, 4, 6, 8)
]
OTHERS = [
    {"kind": "orbit-averaged", "network": {"kind": "convnet", "channels": [2, 3], "hidden": 4}},
    {"kind": "efficientnet-b0", "width": 8, "stem_stride": 2},
    {"kind": "resnet", "width": 4, "blocks": [1, 1, 1, 1]},
    *({"kind": "vision-transformer", "width": w, **TRANSFORMER} for w in (2, 4, 6, 8, 10, 12)),
    *({"kind": "plain-transformer", "width": 8, "patch": p, **TRANSFORMER} for p in (1, 3, 7, 9)),
]


def is_built(entry, side):
    """Whether the network can be built for images of a side and takes one; without values."""
    try:
        with torch.device("meta"):
            network = build(entry, (1, side, side), 10, seed=0).eval()
    except ValueError:
        return False
    if "orbit" not in entry["kind"]:  # pixels are permuted by real indices
        with torch.no_grad():
            assert network(torch.empty(1, 1, side, side, device="meta")).shape == (1, 10)
    return True


@pytest.mark.parametrize("name", STANDARD)
def test_a_standard_network_fits_the_images_that_it_can_be_built_for(name):
    entry = standard_entry(name)
    model = model_of(entry)
    sides = range(4, 41)
    fitting = [side for side in sides if model.misfit(side) is None]
    assert fitting == [side for side in sides if is_built(entry, side)]


@pytest.mark.parametrize("entry", [*OTHERS, *TIED], ids=str)
def test_so_does_one_of_other_sizes(entry):
    model = model_of(entry)
    whole = model.model_dump()
    for side in (8, 9, 12, 14, 15, 16, 18, 21, 32):
        assert (model.misfit(side) is None) == is_built(whole, side), side


def test_every_kind_is_among_the_tested():
    tested = {entry["kind"] for entry in [*STANDARD.values(), *OTHERS, *TIED]}
    assert tested == set(MODELS)
