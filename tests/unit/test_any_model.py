"""The measures of any classifier: numbers, units, and what is said of what cannot be measured."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import symlearn
from symlearn.errors import DataError
from symlearn.groups import cyclic, dihedral
from symlearn.groups.tensors import image_action
from symlearn.measures import invariance as by_hand
from symlearn.measures.any_model import blocks
from symlearn.measures.class_probabilities import probabilities
from symlearn.measures.lie import MeasureError, lie_derivative, mean_absolute
from symlearn.theory import exact_errors, orbit_block_errors


class Branches(nn.Module):
    """Blocks in containers, one of which acts twice, and a tuple on the way."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.stages = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()), nn.MaxPool2d(2)]
        )
        self.shared = nn.Tanh()
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = self.shared(self.stem(x))
        for stage in self.stages:
            x = stage(x)
        return self.head(self.shared(x).mean(dim=(2, 3)))


@pytest.fixture
def module():
    torch.manual_seed(0)
    return Branches().double().eval()


@pytest.fixture
def images():
    return torch.rand(6, 2, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_lie_errors_are_means_of_the_derivatives_with_their_standard_errors(module, images):
    found = symlearn.lie_error(module, images.numpy(), ["rotate", "scale"], batch=4)
    for name in ("rotate", "scale"):
        each = mean_absolute(lie_derivative(probabilities(module), images, name, "forward"))
        here = found.sel(generator=name)
        assert float(here["mean_absolute"]) == pytest.approx(float(each.mean()), rel=1e-12)
        error = float(each.std() / 6**0.5)
        assert float(here["mean_absolute_se"]) == pytest.approx(error, rel=1e-12)
    one = symlearn.lie_error(module, images, "scale", batch=4)
    xr.testing.assert_allclose(one, found.sel(generator=["scale"]))


def test_shares_of_layers_add_up_and_random_directions_agree_with_exact_terms(module, images):
    exact = symlearn.layer_errors(module, images, "rotate")
    assert exact.attrs["closure"] < 1e-12
    assert exact["name"].values.tolist()[0] == "stem"
    assert set(exact["kind"].values) >= {"convolution", "nonlinearity", "pooling", "dense"}
    random = symlearn.layer_errors(module, images, "rotate", probes=4000, seed=1)
    within = 6 * exact["contribution"] * (2 / 4000) ** 0.5 + 1e-30
    assert (abs(random["contribution"] - exact["contribution"]) < within).all()
    # Without an estimate over images that scatter, the shares of one image add up to one.
    one = symlearn.layer_errors(module, images[[0, 0]], "rotate")
    assert float(one["share"].sum()) == pytest.approx(1)


def test_blocks_stand_in_the_order_in_which_they_act(module, images):
    assert blocks(module, images) == ["stem", "stages.0.0", "stages.0.1", "stages.1"]
    found = symlearn.relative_stability(module, images, displacement=0.5, draws=3)
    assert found["layer"].values.tolist() == [*blocks(module, images), "output"]
    assert np.allclose(found["R"], found["D"] / found["G"])
    again = symlearn.relative_stability(module, images, displacement=0.5, draws=3, batch=2)
    xr.testing.assert_allclose(found, again)


def test_batch_statistics_change_a_copy_alone(images):
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
    ).double().eval()  # fmt: skip
    plain, own = (
        symlearn.relative_stability(module, images, 0.5, draws=2, batch_statistics=flag)
        for flag in (False, True)
    )
    assert module[1].running_mean is not None
    assert not np.allclose(plain["R"], own["R"])


def test_invariance_is_that_of_the_groups_poses(module, images):
    labels = module(images).argmax(dim=1)
    found = symlearn.invariance(module, images, n=4, labels=labels, batch=2)
    action = image_action("cyclic-rotation", 4, (8, 8))
    logits = by_hand.logits_of_poses(module, images, action)
    assert float(found["divergence"]) == pytest.approx(float(by_hand.divergences(logits).mean()))
    ratio = by_hand.logit_errors(logits).mean() / by_hand.spreads(logits[:, 0]).mean()
    assert float(found["relative_logit_error"]) == pytest.approx(float(ratio))
    assert float(found["accuracy"]) == 1


def test_every_number_has_units_and_a_standard_error(module, images):
    results = [
        symlearn.lie_error(module, images),
        symlearn.layer_errors(module, images),
        symlearn.relative_stability(module, images, 0.5),
        symlearn.invariance(module, images),
    ]
    for found in results:
        for name, variable in found.data_vars.items():
            assert variable.attrs["units"] == "1", name
            assert variable.attrs["long_name"], name
            assert name.endswith("_se") or f"{name}_se" in found
        for several in (found, {"one": found, "other": found}):
            assert symlearn.draw(several).axes


REFUSED = {
    "training mode": (lambda m, x: (m.train(), x), "must be in evaluation mode"),
    "another device": (lambda m, x: (m.to("meta"), x), "is on meta and the images on cpu: move"),
    "another type": (lambda m, x: (m, x.float()), "of torch.float64 and the images of"),
    "channels": (lambda m, x: (m, x[:, :1]), r"takes no images of 1 x 8 x 8: .*channels"),
    "axes": (lambda m, x: (m, x[0]), r"axes \(image, channel, row, col\), not shape \(2, 8, 8\)"),
    "integers": (lambda m, x: (m, (255 * x).to(torch.uint8)), "have no derivative: convert"),
    "one image": (lambda m, x: (m, x[:1]), "two images are needed"),
    "not finite": (lambda m, x: (m, x / 0), "values that are not finite"),
    "features": (lambda m, x: (m.stem, x), r"an output of shape \(2, 4, 8, 8\)"),
    "zero head": (lambda m, x: (zeroed(m), x), "the same output for all images"),
    "a tuple": (lambda m, x: (Two(m), x), "must return one tensor, not a tuple"),
    "NaN": (lambda m, x: (Nan(m), x), "outputs are not finite"),
}  # fmt: skip


def zeroed(module):
    nn.init.zeros_(module.head.weight)
    return module


class Two(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module
        self.eval()

    def forward(self, x):
        return self.module(x), x


class Nan(Two):
    def forward(self, x):
        return self.module(x) * float("nan")


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize(
    "measure", ["lie_error", "layer_errors", "relative_stability", "invariance"]
)
def test_what_cannot_be_measured_is_one_sentence(module, images, measure, case):
    change, message = REFUSED[case]
    with pytest.raises(MeasureError, match=message) as raised:
        getattr(symlearn, measure)(*change(module, images))
    assert "\n" not in str(raised.value)


def test_options_that_cannot_be_meant_are_one_sentence(module, images):
    with pytest.raises(MeasureError, match="no generator is called 'turn'"):
        symlearn.lie_error(module, images, "turn")
    with pytest.raises(MeasureError, match="no stencil is called 'best'"):
        symlearn.layer_errors(module, images, stencil="best")
    with pytest.raises(MeasureError, match="no submodule 'nothing'"):
        symlearn.relative_stability(module, images, 0.5, layers=["nothing"])
    with pytest.raises(MeasureError, match="of square images, not 8 x 6"):
        symlearn.relative_stability(module, images[..., :6])
    with pytest.raises(MeasureError, match="no group is called 'turns'"):
        symlearn.invariance(module, images, "turns")
    with pytest.raises(MeasureError, match="one element or none"):
        symlearn.invariance(module, images, n=1)
    with pytest.raises(MeasureError, match="cyclic-shift with n = 3 does not act"):
        symlearn.invariance(module, images, "cyclic-shift", n=3)
    large = torch.rand(2, 2, 224, 224, dtype=torch.float64)
    with pytest.raises(MeasureError, match="n = 8 interpolates, and on 224 x 224 pixels"):
        symlearn.invariance(module, large, n=8)
    with pytest.raises(MeasureError, match="one for each of the 6 images"):
        symlearn.invariance(module, images, labels=torch.zeros(3, dtype=torch.int64))
    with pytest.raises(DataError, match="results of one measure"):
        symlearn.draw({"a": symlearn.lie_error(module, images), "b": xr.Dataset()})


@pytest.mark.parametrize("group", [cyclic(4), dihedral(3)], ids=["cyclic", "dihedral"])
def test_errors_on_a_missing_pose_are_those_of_the_theory(group):
    rng = np.random.default_rng(0)
    poses = len(group)
    points = rng.normal(size=(2 * poses, 50))
    gram, labels = points @ points.T, np.array([1.0, -1.0])
    found = symlearn.missing_pose_errors(gram, 2, group, labels, ridge=0.1)
    each = np.repeat(labels, poses)
    for orbit in (0, 1):
        (residual,) = exact_errors(gram, each, [orbit * poses], ridge=0.1)
        assert float(found["exact_at_identity"][orbit]) == pytest.approx(residual * labels[orbit])
    block = orbit_block_errors(gram, 2, group, labels, 0.1) * labels
    np.testing.assert_allclose(found["orbit_block"], block)
    # The same points in another order, told by each point's orbit.
    mixed = np.arange(2 * poses).reshape(2, poses).T.ravel()
    orbits = mixed // poses
    again = symlearn.missing_pose_errors(gram[np.ix_(mixed, mixed)], orbits, group, labels, 0.1)
    xr.testing.assert_allclose(found, again)
    assert symlearn.draw(found).axes


def test_predictions_are_exact_of_an_invariant_kernel():
    group = dihedral(3)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3, 6, 40))
    moved = features[:, group.table[group.inverse]]  # (orbit, g, h): of g^-1 h
    averaged = np.einsum("cghf,dkhf->cgdk", moved, moved).reshape(18, 18)
    found = symlearn.missing_pose_errors(averaged, 3, group, [1.0, -1.0, 1.0], ridge=1e-3)
    for name in ("exact_mean", "orbit_block", "one_row"):
        np.testing.assert_allclose(found[name], found["exact_at_identity"], rtol=1e-8)
    assert "spectral" not in found


def test_sizes_and_labels_that_do_not_fit_are_named():
    gram, group = np.eye(8), cyclic(4)
    for orbits, labels, message in (
        (2, [1.0, 2.0], "labels are 1 or -1"),
        (3, [1.0, -1.0], "3 orbits need 3 labels"),
        (4, [1.0, -1.0, 1.0, -1.0], "4 orbits of 4 poses make 16 points"),
        (np.array([0, 0, 0, 1, 1, 1, 1, 1]), [1.0, -1.0], "each of 2 orbits has 4 points"),
    ):
        with pytest.raises(ValueError, match=message):
            symlearn.missing_pose_errors(gram, orbits, group, labels)
