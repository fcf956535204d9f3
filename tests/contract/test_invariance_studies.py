"""The studies of invariance on small networks, and what their figures measure of them."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib import pyplot
from PIL import Image

from symlearn.datasets.distribution_shift import SHIFTS
from symlearn.errors import ConfigError
from symlearn.groups.nearest import nearest_rotation_action, nearest_rotations
from symlearn.measures import invariance as measures
from symlearn.measures.invariance import unrelated_similarity
from symlearn.papers.invariance import decay, families, partial, saliency
from symlearn.papers.invariance.figures import families as family_figures
from symlearn.papers.invariance.figures import invariance_decay as decay_figure
from symlearn.papers.invariance.figures import invariance_regulariser as regulariser
from symlearn.papers.invariance.figures import invariance_shift as shift_figure
from symlearn.pipeline import store
from symlearn.pipeline.provenance import weights_of
from symlearn.plots.inputs import Inputs
from symlearn.statistics import Measured

from .helpers import train

SIDE, GROUP = 8, {"group": "cyclic-rotation", "n": 4}
FREE = {"kind": "perceptron", "widths": [12], "dropout": 0.0}
AUGMENTED = {"augmentation": {"kind": "group", **GROUP}}
# Networks by label: entry, recipe, labels.
KINDS = {
    "plain": (FREE, {}, {"model": "plain"}),
    "augmented": (FREE, AUGMENTED, {"model": "augmented"}),
    "regularised": (
        FREE,
        {**AUGMENTED, "invariance": {**GROUP, "strength": 1.0}},
        {"model": "regularised", "strength": 1.0},
    ),
    "decayed": (
        FREE,
        {**AUGMENTED, "weight_decay": 0.5},
        {"model": "decayed", "weight_decay": 0.5},
    ),
    "tied": ({"kind": "orbit-averaged", "network": FREE, **GROUP}, {}, {"model": "averaged"}),
}
SPEC = {
    "labels": {"network": "small", **GROUP}, **GROUP, "images": 12, "shifts": list(SHIFTS),
    "shift_strengths": [0.75, 1.0], "other": None, "strength": 1.0, "seed": 3, "class_": 2,
}  # fmt: skip


class Networks(NamedTuple):
    """What the stage of networks leaves of a cell."""

    history: xr.Dataset
    weights: Path


def dataset():
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    levels = rng.integers(0, 60, size=(120, SIDE, SIDE)).astype(np.uint8)
    for c in range(3):
        levels[labels == c, 2 * c, :] += 180
    images = xr.Dataset({"levels": (("image", "row", "col"), levels), "label": ("image", labels)})
    return images.assign_attrs(maximum=255, spec=json.dumps({"stage": "datasets"}))


def network_spec(problem, entry, recipe, labels):
    preparation = {"upsampling": 1, "padding": 0}
    return {
        "stage": "networks",
        "inputs": [],
        "network": entry,
        "problem": {"preparation": preparation, **problem},
        "recipe": {
            "optimizer": "adam", "epochs": 4, "batch": 15, "learning_rate": 0.01,
            "betas": [0.9, 0.999], "weight_decay": 0.0, "centred": False, "snapshots": [0, 1],
            **recipe,
        },
        "seed": 7,
        "labels": labels,
    }  # fmt: skip


def trained_cell(folder, given):
    out = folder / "cell.nc"
    folder.mkdir()
    found = train(given, [dataset()], out=out, seconds=0.0)
    store.write(found.drop_attrs(deep=False), out, given)
    return Networks(store.read(out), weights_of(out))


def computed(study, spec, networks, *others):
    """A study of trained networks, as the stage runs it."""
    histories, weights = zip(*networks, strict=True)
    return study.compute(spec, [*histories, *others], list(weights))


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    problem = {"kind": "classification", "train": 60, "test": 40, "seeds": [0, 1]}
    folder = tmp_path_factory.mktemp("networks")
    return [
        trained_cell(folder / name, network_spec(problem, *kind)) for name, kind in KINDS.items()
    ]


@pytest.fixture(scope="module")
def family(cells):
    return computed(families, SPEC, cells, dataset()).assign_attrs(SPEC["labels"])


def test_results_can_be_stored(family, tmp_path):
    store.write(family, tmp_path / "study.nc", {"stage": "studies"})


def test_a_tied_network_is_invariant_under_every_shift(family):
    tied = family.isel(model=list(KINDS).index("tied"))["invariance"]
    assert float(tied.sel(measure=["divergence", "logit_error"]).max()) < 1e-12
    assert float(tied.sel(measure="saliency_absolute").min()) > 0.999999
    free = family.isel(model=0)["invariance"]
    assert float(free.sel(measure="logit_error").min()) > 1e-6


def test_no_shift_is_the_same_for_all_and_a_full_one_is_not(family):
    still = family["invariance"].sel(shift_strength=0.0)
    assert (still == still.isel(shift=0)).all()
    full = family["invariance"].sel(shift_strength=1.0, measure="logit_error").isel(model=0)
    assert len(np.unique(full.isel(member=0))) == len(SHIFTS)


def test_accuracies_are_those_of_the_training(family, cells):
    for row, (history, _) in enumerate(cells):
        upright = family["upright_accuracy"].isel(model=row).values
        np.testing.assert_allclose(upright, history["test_accuracy"][:, -1], atol=1e-6)


def test_another_data_set_is_a_further_shift(cells):
    other = dataset().assign_attrs(maximum=510)  # the same images at half the brightness
    preparation = {"name": "other", "upsampling": 1, "padding": 0, "crop": 0}
    spec = {**SPEC, "shifts": ["noise"], "other": preparation}
    found = computed(families, spec, [cells[1]], dataset(), other)
    assert list(found["shift"].values) == ["noise", "interpolation"]


def test_other_images_are_made_grey_and_cut():
    """As Pillow makes them grey, to its rounding to whole levels."""
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, size=(5, 3, SIDE + 4, SIDE + 4), dtype=np.uint8)
    data = xr.Dataset(
        {"levels": (("image", "channel", "row", "col"), levels), "label": ("image", np.arange(5))},
        attrs={"maximum": 255},
    )
    preparation = {"name": "other", "upsampling": 1, "padding": 0, "crop": 2}
    found = families._other_images(data, torch.zeros(5, 1, SIDE, SIDE), preparation)
    assert found.shape == (5, 1, SIDE, SIDE)
    for image, grey in zip(levels, found[:, 0], strict=True):
        expected = np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L"))[2:-2, 2:-2]
        np.testing.assert_allclose(255 * grey, expected, atol=1)


def test_captions_name_the_other_data_set(family, tmp_path):
    other = {"name": "digits", "upsampling": 3, "padding": 2, "crop": 1}
    spec = {**SPEC, "stage": "studies", "study": "invariance", "other": other}
    store.write(family.drop_attrs(deep=False).assign_attrs(strength=1.0, images=12),
                tmp_path / "study.nc", spec)  # fmt: skip
    plotted = regulariser.gather(Inputs((store.read(tmp_path / "study.nc"),)))
    for figure in (regulariser, shift_figure):
        words = "digits, upsampled 3 times, padded by 2 pixels on each side, in grey, without 1 "
        assert words in figure.caption(plotted)
        assert "interpolation: to" not in figure.caption({"family1": family})


def scaled(family, kind, factor):
    """A family whose networks of a kind are others of the first kind with logits times `factor`."""
    row = list(KINDS).index(kind)
    found = family.copy(deep=True)
    source = list(KINDS).index("augmented")
    for measure, power in (("logit_error", 2), ("noise_error", 2), ("selectivity", 0)):
        values = family["invariance"].sel(measure=measure).isel(model=source).values
        place = {"model": row, "measure": list(family["measure"].values).index(measure)}
        found["invariance"][place] = values * factor**power
    return found


def test_mere_shrinkage_is_all_lost_sensitivity(family):
    shrunk = scaled(family, "regularised", 0.1)
    measured = regulariser.measure({"family1": shrunk})
    for where in ("test", *SHIFTS):
        assert measured[f"fall.logit_error.family1.{where}"].value == pytest.approx(100)
        assert measured[f"fall.selectivity.family1.{where}"].value == pytest.approx(1)
        assert measured[f"lost_sensitivity.family1.{where}"].value == pytest.approx(1)


def test_the_control_is_the_one_as_sensitive_to_noise(family):
    measured = shift_figure.measure({"family1": scaled(scaled(family, "decayed", 0.5),
                                                       "regularised", 0.5)})  # fmt: skip
    assert measured["matched_noise_error.family1"].value == pytest.approx(1)
    assert measured["selectivity_over_decayed.family1.noise"].value == pytest.approx(1)


def test_spectra_start_alike_and_end_apart(cells):
    chosen = [cells[list(KINDS).index(k)] for k in ("augmented", "regularised", "decayed")]
    found = computed(decay, SPEC, chosen, dataset())
    assert list(found["epoch"].values) == [0, 1, 4]
    start, end = found.isel(epoch=0), found.isel(epoch=-1)
    # Before training all ways have the same networks.
    assert (start["gain"] == start["gain"].isel(model=0)).all()
    assert (end["gain"] != end["gain"].isel(model=0)).isel(model=slice(1, None)).all()
    np.testing.assert_allclose(found["gain"].prod("layer"), found["gain_product"])
    ratio = found.assign(selectivity=found["logit_error"] / found["noise_error"])
    measured = decay_figure.measure({"decay": ratio})
    assert measured["fall.noise_error"].value > 0
    assert "the loss of strength 1." in decay_figure.caption({"decay": ratio})


def over_training(noise_errors, layers=2):
    """Sensitivities made up: the error by noise of each model, named by its strength and decay."""
    rng = np.random.default_rng(0)
    dims, sizes = ("model", "member", "epoch"), (len(noise_errors), 2, 2)
    strengths, decays = np.array(list(noise_errors)).T
    kinds = np.where(strengths > 0, "regularised", np.where(decays > 0, "decayed", "augmented"))
    noise = np.array(list(noise_errors.values()))[:, None, None] * np.ones(sizes)
    others = ("gain_product", "input_gradient", "logit_error", "selectivity")
    return xr.Dataset(
        {name: (dims, rng.uniform(1, 2, size=sizes)) for name in others}
        | {"noise_error": (dims, noise)}
        | {
            "gain": ((*dims, "layer"), rng.uniform(1, 2, size=(*sizes, layers))),
            "singular_value": (
                ("model", "member", "layer", "rank"),
                np.sort(rng.uniform(1, 2, size=(len(kinds), 2, layers, 7)))[..., ::-1],
            ),
            "jacobian_value": (
                ("model", "member", "jacobian_rank"),
                np.sort(rng.uniform(1, 2, size=(len(kinds), 2, 3)))[..., ::-1],
            ),
        },
        coords={"model": kinds, "strength": ("model", strengths), "epoch": [0, 5],
                "weight_decay": ("model", decays)},
        attrs={"images": 5, "strength": 10.0},
    )  # fmt: skip


def test_the_control_of_the_decay_is_that_of_the_one_strength():
    errors = {(0, 0): 9.0, (1, 0): 4.0, (10, 0): 1.0, (0, 0.5): 4.0, (0, 2): 1.0}
    for strength, rate in ((1.0, 0.5), (10.0, 2)):
        found = over_training(errors).assign_attrs(strength=strength)
        drawn = found.isel(model=decay_figure._drawn(found))
        text = decay_figure.caption({"decay": drawn})
        assert f"with weight decay {rate:g} instead" in text
        assert f"the loss of strength {strength:g}." in text


def test_spectra_are_relative_to_the_augmented_network_s():
    found = over_training({(0, 0): 9.0, (1, 0): 4.0, (0, 2): 1.0}).assign_attrs(strength=1.0)
    measured = decay_figure.measure({"decay": found})
    values = found["singular_value"].values
    ratio = values[1, :, 0, 0] / values[0, :, 0, 0]
    expected = np.exp(np.log(ratio).mean())
    assert measured["spectrum.largest.layer1.strength1"].value == pytest.approx(expected)
    jacobian = found["jacobian_value"].values
    median = np.median(jacobian[2] / jacobian[0], axis=1)
    expected = np.exp(np.log(median).mean())
    assert measured["spectrum.median.jacobian.decayed"].value == pytest.approx(expected)
    # Equal spectra have the ratio 1 throughout.
    same = found.copy(deep=True)
    same["singular_value"][:] = same["singular_value"].isel(model=0)
    assert decay_figure.measure({"decay": same})["spectrum.median.layer2.strength1"].value == 1


def test_a_line_stops_where_nothing_is_defined(family):
    figure, axes = pyplot.subplots()
    found = family_figures.over_strengths(family.isel(model=0), "logit_error", next(iter(SHIFTS)))
    family_figures.curve(axes, np.arange(3), [*found[:1], Measured(float("nan")), *found[-1:]])
    assert np.isnan(axes.lines[0].get_ydata()).tolist() == [False, True, False]
    pyplot.close(figure)


def test_the_one_strength_is_measured_and_named_by_the_figures_of_families(family):
    strong = regulariser.models(family, "regularised")[0].assign_coords(strength=10.0)
    strong["invariance"] = strong["invariance"] / 7
    both = xr.concat([family, strong], dim="model", combine_attrs="override")
    falls = []
    for strength in (1.0, 10.0):
        plotted = {"family1": both.assign_attrs(strength=strength)}
        falls.append(regulariser.measure(plotted)["fall.logit_error.family1.test"].value)
        assert f"has the strength {strength:g}." in shift_figure.caption(plotted)
    assert falls[1] == pytest.approx(7 * falls[0])


def test_the_least_strength_and_not_the_best_is_asked_for_its_accuracy(family):
    (mild,) = regulariser.models(family, "regularised")
    mild["orbit_accuracy"] = mild["orbit_accuracy"] * 0 + 0.5
    better = mild.assign_coords(strength=10.0).assign(orbit_accuracy=mild["orbit_accuracy"] + 0.4)
    augmented = family.isel(model=[0, 1, 3, 4])
    augmented["orbit_accuracy"] = augmented["orbit_accuracy"] * 0 + 0.6
    both = xr.concat([augmented, mild, better], dim="model", combine_attrs="override")
    measured = regulariser.measure({"family1": both})
    assert measured["accuracy_change_smallest.family1"].value == pytest.approx(-0.1)
    assert measured["accuracy_change_at_most.family1"].value == pytest.approx(0.3)


def test_rises_and_falls_do_not_favour_either_side(family):
    """Two networks, one twice as bad under shift and one half: no change on the whole."""
    row = list(KINDS).index("augmented")
    found = family.copy(deep=True)
    where = {
        "model": row,
        "shift": 0,
        "measure": list(found["measure"].values).index("selectivity"),
    }
    found["invariance"][{**where, "shift_strength": 0}] = [1.0, 1.0]
    found["invariance"][{**where, "shift_strength": -1}] = [2.0, 0.5]
    name = found["shift"].values[0]
    measured = shift_figure.measure({"family1": found})
    assert measured[f"rise.selectivity.family1.{name}.augmented"].value == pytest.approx(1.0)


@pytest.mark.parametrize("layers", [1, 4, 6])
def test_panels_without_a_curve_have_no_frame(layers):
    found = over_training({(0, 0): 2.0, (10, 0): 1.0, (0, 2): 1.0}, layers)
    figure = decay_figure.draw({"decay": found}, {})
    framed = [axes for axes in figure.axes if axes.axison]
    assert len(framed) == layers + 1 + 4
    assert all(axes.lines for axes in framed)
    pyplot.close(figure)


def test_a_class_without_test_image_is_one_line(cells):
    with pytest.raises(ConfigError, match=r"^invariance\.test: none of 40 .* class 7, .*class_"):
        computed(saliency, {**SPEC, "class_": 7}, [cells[1]], dataset())


def test_all_images_go_through_networks_in_blocks():
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(7, 1, SIDE, SIDE, generator=rng, dtype=torch.float64)
    action = nearest_rotation_action(4, (SIDE, SIDE))
    weights = torch.rand(SIDE**2, 3, generator=rng, dtype=torch.float64)
    sizes = []

    def network(inputs):
        sizes.append(len(inputs))
        return (inputs.flatten(1) @ weights).tanh()

    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    whole = [
        measures.logits_of_poses(network, images, action),
        measures.saliency_of_poses(network, images, action),
        measures.saliency_of_poses(network, images, action, "label", labels),
    ]
    sizes.clear()
    parts = [
        measures.logits_of_poses(network, images, action, inputs=8),
        measures.saliency_of_poses(network, images, action, inputs=8),
        measures.saliency_of_poses(network, images, action, "label", labels, inputs=8),
    ]
    assert max(sizes) == 8
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-14)


def test_maps_of_a_tied_network_are_equal_when_turned_back(cells):
    found = computed(saliency, SPEC, [cells[1], cells[-1]], dataset())
    untrained, free, tied = (found.isel(model=i) for i in range(3))
    assert list(found["model"].values)[:2] == ["untrained", "augmented"]
    assert (untrained["saliency"] != free["saliency"]).any()
    assert float(tied["similarity"]) > 0.999999
    assert float(tied["similarity_signed"]) > 0.999999
    assert float(free["saliency"].min()) < 0 < float(free["saliency"].max())
    assert float(abs(tied["returned"] - tied["returned"][0]).max()) < 1e-12
    assert float(abs(free["returned"] - free["returned"][0]).max()) > 1e-3
    np.testing.assert_array_equal(found["reference"][1], np.rot90(found["reference"][0]))


def test_unrelated_maps_are_those_of_neighbours():
    maps = torch.tensor([[1.0, 0.0], [-1.0, 1.0], [0.0, 2.0]]).reshape(3, 1, 1, 2)
    expected = torch.tensor([0.5**0.5, 0.5**0.5, 0.0], dtype=torch.float64)
    torch.testing.assert_close(unrelated_similarity(maps), expected)


@pytest.mark.parametrize("n", [2, 4, 8])
def test_nearest_rotations_act_as_on_levels(n):
    levels = np.random.default_rng(0).integers(0, 255, size=(3, 6, 6)).astype(np.uint8)
    action = nearest_rotation_action(n, (6, 6))
    poses = action.poses(torch.from_numpy(levels / 1.0)[:, None])[:, :, 0]
    np.testing.assert_array_equal(poses.numpy().swapaxes(0, 1), nearest_rotations(levels, n))


def test_the_class_left_out_is_measured_apart(tmp_path):
    members = [[0, 0], [2, 0]]
    problem = {"kind": "partial-rotations", "n": 2, "images": 30, "members": members}
    networks = trained_cell(tmp_path / "partial", network_spec(problem, FREE, {}, {"n": 2}))
    spec = {"labels": {"network": "small"}, "images": 5, "seed": 1}
    found = computed(partial, spec, [networks], dataset())
    store.write(found, tmp_path / "study.nc", {"stage": "studies"})
    assert dict(found.sizes) == {"member": 2, "role": 2, "measure": 10}
    assert list(found["left_out"].values) == [0, 2]
    logit_error = found["invariance"].sel(measure="logit_error")
    assert (logit_error > 0).all()
    assert (logit_error.sel(role="left-out") != logit_error.sel(role="others")).all()
