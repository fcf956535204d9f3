"""The study of trained networks' stability, on small networks that a stage has trained."""

import warnings
from itertools import starmap

import numpy as np
import pytest
import torch

from symlearn.measures.diffeo import DeformationWarning
from symlearn.measures.stability import (
    Perturbation,
    StabilityWarning,
    mean_stability,
    measure,
    median_stability,
)
from symlearn.networks import train_and_test as classification
from symlearn.networks.build import build
from symlearn.networks.convolutional import normalise_by_batch
from symlearn.networks.held_out import held_out
from symlearn.networks.trained import trained
from symlearn.papers.stability import displacement
from symlearn.papers.stability import relative_stability as stability
from symlearn.papers.stability.figures import stabilities
from symlearn.pipeline import store
from symlearn.pipeline.provenance import weights_of
from symlearn.plots.inputs import Inputs
from symlearn.randomness import seed_of
from symlearn.stages.datasets import compute as read_dataset

from .helpers import train

PREPARATION = {"upsampling": 1, "padding": 2}
SPEC = {
    "stage": "studies",
    "study": "stability",
    "labels": {"network": "small", "dataset": "digits"},
    "seed": 5,
    "displacement": 0.5,
    "cutoff": 3,
    "images": 60,
    "draws": 2,
}
TRANSFORMERS = [
    {"kind": kind, "patch": 4, "width": 8, "depth": 2, "heads": 1, "head_width": 4, "mlp_width": 8}
    for kind in ("vision-transformer", "plain-transformer")
]
RESNET = {"kind": "resnet", "width": 4, "blocks": [1, 1]}


def networks_spec(train_size, network):
    return {
        "stage": "networks",
        "inputs": ["datasets/digits"],
        "network": network,
        "problem": {
            "kind": "classification", "preparation": PREPARATION, "train": train_size, "test": 80,
            "seeds": [0, 1],
        },
        "recipe": {
            "optimizer": "sgd", "epochs": 2, "batch": 20, "learning_rate": 0.05, "momentum": 0.9,
            "weight_decay": 0.0, "centred": False, "snapshots": [0],
        },
        "seed": 5,
        "labels": {},
    }  # fmt: skip


@pytest.fixture(scope="module")
def digits():
    return read_dataset({"name": "digits"}, [], None)


@pytest.fixture(scope="module")
def histories(tmp_path_factory, digits):
    """Each with its weights; the larger number of training images first: order does not matter."""
    found = []
    for size in (120, 40):
        out = tmp_path_factory.mktemp("networks") / "cell.nc"
        given = networks_spec(size, RESNET)
        history = train(given, [digits], out=out, seconds=0.0)
        store.write(history, out, given)
        found.append((store.read(out), weights_of(out)))
    return found


@pytest.fixture(scope="module")
def found(histories, digits):
    read, weights = zip(*histories, strict=True)
    return stability.compute(SPEC, [*read, digits], list(weights))


def test_it_can_be_stored_and_arranged(found, tmp_path):
    paths = [tmp_path / "one.nc", tmp_path / "two.nc"]
    others = found.isel(train_size=[1], member=[0])
    for path, dataset, name in zip(paths, (found, others), ("digits", "mnist"), strict=True):
        spec = {**SPEC, "labels": {**SPEC["labels"], "dataset": name}}
        store.write(dataset.drop_attrs(deep=False), path, spec)
    nets = stabilities.networks(Inputs(tuple(store.read(path) for path in paths)))
    assert stabilities.datasets_of(nets) == ["digits", "mnist"]
    assert stabilities.seeds_of(nets) == "2 (digits), 1 (MNIST)"
    assert stabilities.seeds_of(stabilities.on(nets, "mnist")) == "1"
    sizes = {tag: cell["train_size"].values.tolist() for tag, cell in stabilities.cells_of(nets)}
    assert sizes == {"digits.small": [40, 120], "mnist.small": [120]}


def test_sizes_are_in_order_and_start_from_the_same_weights(found, histories):
    assert found["train_size"].values.tolist() == [40, 120]
    before, after = (found["relative_stability"].sel(moment=m) for m in ("before", "after"))
    np.testing.assert_array_equal(before.isel(train_size=0), before.isel(train_size=1))
    assert (after.isel(train_size=0) != after.isel(train_size=1)).all()
    first, second = (trained(*pair).networks(0) for pair in histories)
    for one, two in zip(first, second, strict=True):
        assert torch.equal(one.dense.weight, two.dense.weight)


def test_values_are_those_of_the_measure(found, histories, digits):
    (cell,) = (c for c in starmap(trained, histories) if c.spec["problem"]["train"] == 120)
    levels, labels = classification.images_of(digits, PREPARATION)
    images = (
        torch.from_numpy(levels[classification.test_images(len(labels), cell.spec)[:60]]).float()
        / 255
    )
    perturbation = Perturbation.of_displacement(0.5, 12, draws=2)
    for moment, epoch in (("before", 0), ("after", None)):
        network = cell.networks(epoch)[1]
        if epoch == 0:
            normalise_by_batch(network)
        stream = torch.Generator().manual_seed(seed_of(5, "deformations"))
        result = measure(network, images, perturbation, stream, ["relu"])
        here = found.sel(moment=moment, train_size=120).isel(member=1)
        mean = mean_stability(result.layers["output"])
        for name in ("relative", "deformation", "noise"):
            value = here[f"{name}_stability"].sel(layer="output")
            assert float(value) == pytest.approx(getattr(mean, name))
        assert float(here["relative_median"]) == median_stability(result.outputs).relative
        first = mean_stability(result.layers["relu"]).relative
        assert float(here["relative_stability"].sel(layer="relu")) == pytest.approx(first)
        error = 1 - cell.history["test_accuracy"][1, 0 if epoch == 0 else -1]
        assert float(here["test_error"]) == pytest.approx(float(error))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"kind": "perceptron", "widths": [8, 8], "dropout": 0.0}, ["2", "4"]),
        (RESNET, ["relu", "stage1.0", "stage2.0", "pool"]),
        (
            {"kind": "lenet", "width": 6},
            ["relu1", "pool1", "relu2", "pool2", "relu3", "relu4"],
        ),
        *((entry, ["attention.0", "mlp.0.2", "attention.1", "mlp.1.2"]) for entry in TRANSFORMERS),
    ],
)
def test_layers_are_nonlinearities_blocks_and_poolings(entry, expected):
    assert stability.layer_names(build(entry, (1, 12, 12), 10, seed=0)) == expected


def test_a_transformer_is_measured_after_attentions_and_mlps():
    images = torch.rand(20, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    for entry in TRANSFORMERS:
        found = stability._one(build(entry, (1, 12, 12), 10, seed=0), images, SPEC)
        assert found["layer"].values.tolist()[-2:] == ["mlp.1.2", "output"]
        assert (found["relative_stability"] > 0).all()


def test_blocks_of_efficientnet_are_whole():
    entry = {"kind": "efficientnet-b0", "width": 8, "stem_stride": 1}
    names = stability.layer_names(build(entry, (3, 16, 16), 10, seed=0))
    assert "stage2.0" in names
    assert not any(name.startswith("stage2.0.") for name in names)
    assert names[0].startswith("stem.")


def test_a_network_with_one_answer_has_no_stability_and_says_why(digits):
    network = build({"kind": "perceptron", "widths": [8], "dropout": 0.0}, (1, 12, 12), 10, seed=0)
    network[-1].weight.data.zero_()
    images = torch.rand(20, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    with pytest.warns(StabilityWarning, match="output: all images give the same values"):
        found = stability._one(network, images, SPEC)
    assert np.isnan(found["relative_stability"].sel(layer="output"))
    assert np.isnan(found["relative_median"])
    assert np.isnan(stabilities.log_mean(np.array([np.nan, np.nan])).value)
    assert stabilities.log_mean(np.array([np.nan, 2.0])).value == pytest.approx(2.0)


def test_deformations_out_of_range_warn_with_the_share_that_folds(digits):
    network = build({"kind": "perceptron", "widths": [8], "dropout": 0.0}, (1, 12, 12), 10, seed=0)
    images = torch.rand(20, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    with pytest.warns(DeformationWarning, match=r"above .* of the fields fold"):
        stability._one(network, images, {**SPEC, "displacement": 4.0})


def test_images_that_are_not_square_are_refused():
    network = build({"kind": "perceptron", "widths": [8], "dropout": 0.0}, (1, 12, 10), 10, seed=0)
    images = torch.rand(20, 1, 12, 10, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="12 rows and 10 columns"):
        stability._one(network, images, SPEC)


def test_means_of_seeds_are_geometric():
    values = np.array([1.0, 4.0])
    assert stabilities.log_mean(values).value == pytest.approx(2.0)
    low, high = stabilities.ends(values)
    assert low * high == pytest.approx(4.0)


def test_stability_over_displacements_is_that_of_the_measure_at_each(histories, digits):
    history, weights = histories[0]
    spec = {
        **SPEC, "study": "stability-displacement", "cutoffs": [3, 5], "displacements": [0.5, 4.0],
        "seeds": 1,
    }  # fmt: skip
    found = displacement.compute(spec, [history, digits], [weights])
    assert found.sizes["member"] == 1
    cell = trained(history, weights)
    images, _ = held_out(cell, digits, 60, torch.float32)
    for moment in ("before", "after"):
        network = stability.networks_at(cell, moment)[0]
        for cutoff, size, how in ((3, 0.5, "bilinear"), (5, 4.0, "gaussian")):
            perturbation = Perturbation.of_displacement(size, 12, cutoff, 2, how)
            stream = torch.Generator().manual_seed(seed_of(5, "deformations", cutoff))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeformationWarning)
                result = mean_stability(
                    measure(network, images, perturbation, stream).layers["output"]
                )
            at = {
                "moment": moment, "cutoff": cutoff, "nominal_displacement": size,
                "interpolation": how,
            }  # fmt: skip
            here = found.sel(at).isel(member=0)
            for name, value in result._asdict().items():
                assert float(here[f"{name}_stability"]) == pytest.approx(value)


def test_on_the_way_the_output_is_measured_at_each_snapshot(tmp_path, digits):
    given = networks_spec(120, RESNET)
    given["recipe"] |= {"epochs": 4, "snapshots": [0, 1, 2]}
    history = train(given, [digits], out=tmp_path / "cell.nc", seconds=0.0)
    store.write(history, tmp_path / "cell.nc", given)
    read, weights = store.read(tmp_path / "cell.nc"), weights_of(tmp_path / "cell.nc")
    found = stability.compute(SPEC, [read, digits], [weights])
    assert found["snapshot"].values.tolist() == [0.25, 0.5]
    cell = trained(read, weights)
    images, _ = held_out(cell, digits, 60, torch.float32)
    perturbation = Perturbation.of_displacement(0.5, 12, draws=2)
    for place, epoch in enumerate((1, 2)):
        stream = torch.Generator().manual_seed(seed_of(5, "deformations"))
        network = cell.networks(epoch)[1]
        value = mean_stability(measure(network, images, perturbation, stream).layers["output"])
        here = found.isel(snapshot=place, member=1)
        assert float(here["relative_on_the_way"]) == pytest.approx(value.relative)
        assert float(here["noise_on_the_way"]) == pytest.approx(value.noise)
    error = 1 - cell.history["train_accuracy"][1, -1]
    after = found["train_error"].sel(moment="after", train_size=120)[1]
    assert float(after) == pytest.approx(float(error))
