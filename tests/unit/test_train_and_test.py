import json
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import rotate

from symlearn import config, plan
from symlearn.errors import StoreError, TrainingError
from symlearn.menu.networks import STANDARD, standard_entry
from symlearn.networks import train_and_test
from symlearn.networks.augmentation import augmentation
from symlearn.networks.checkpoints import read_tensors, write_tensors
from symlearn.networks.held_out import held_out
from symlearn.networks.trained import trained
from symlearn.networks.training import recorded_epochs
from symlearn.pipeline import store
from symlearn.stages.networks import Training

SHAPE = (1, 8, 8)
CONFIG = Path(__file__).parents[2] / "config.yaml"


def shipped(preset):
    return config.parse({**yaml.safe_load(CONFIG.read_text()), "preset": preset})


def dataset(count=120, channels=None):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    size = (count, 8, 8) if channels is None else (count, channels, 8, 8)
    levels = rng.integers(0, 60, size=size).astype(np.uint8)
    for c in range(3):  # a bright row tells the class
        levels[labels == c, ..., 2 * c, :] += 180
    dims = ("image", "row", "col") if channels is None else ("image", "channel", "row", "col")
    return xr.Dataset({"levels": (dims, levels), "label": ("image", labels)}, {}, {"maximum": 255})


def spec(**recipe):
    return {
        "stage": "networks",
        "inputs": ["datasets/none"],
        "network": {"kind": "perceptron", "widths": [16], "dropout": 0.0},
        "problem": {
            "kind": "classification",
            "preparation": {"upsampling": 1, "padding": 0},
            "train": 60,
            "test": 40,
            "seeds": [0, 1],
        },
        "recipe": {
            "optimizer": "sgd", "epochs": 4, "batch": 10, "learning_rate": 0.1, "momentum": 0.9,
            "weight_decay": 0.0, "centred": False, **recipe,
        },
        "seed": 7,
        "labels": {"network": "small"},
    }  # fmt: skip


def run(tmp_path, given, source=None, *tests):
    """The stage on a spec; returns what it wrote."""
    out = tmp_path / "cell.nc"
    source = dataset() if source is None else source
    training = Training(out, "cpu", seconds=0.0)
    found = training.compute(given, [source, *tests])
    training.finish()
    store.write(found.drop_attrs(deep=False), out, given)
    return store.read(out)


def networks_of(tmp_path, history):
    """The networks whose history `run` read last from a folder."""
    return trained(history, tmp_path / "cell.safetensors")


def test_training_images_are_nested_and_no_test_images():
    small, large = spec(), spec()
    small["problem"] = {**small["problem"], "train": 20}
    for seed in (0, 1):
        few = train_and_test.training_images(120, small, seed)
        many = train_and_test.training_images(120, large, seed)
        assert (few == many[:20]).all()
        assert len(set(many)) == 60
        assert not set(many) & set(train_and_test.test_images(120, large))
    other = train_and_test.training_images(120, large, 0)
    assert set(other) != set(train_and_test.training_images(120, large, 1))


def test_too_many_images_are_refused(tmp_path):
    given = spec()
    given["problem"]["train"] = 100
    with pytest.raises(TrainingError, match="140 images are asked for, and the data set has 120"):
        run(tmp_path, given)


@pytest.mark.parametrize("channels", [None, 3])
def test_networks_learn_and_come_back_as_they_were(tmp_path, channels):
    given, source = spec(snapshots=[0, 2]), dataset(channels=channels)
    history = run(tmp_path, given, source)
    assert (history["test_accuracy"][:, -1] > 0.9).all()
    networks = networks_of(tmp_path, history)
    images, labels = train_and_test.images_of(source, given["problem"]["preparation"])
    test = train_and_test.test_images(len(labels), given)
    x = torch.from_numpy(images[test]).float() / 255
    for epoch, column in ((0, 0), (2, 2), (None, -1)):
        for member, network in enumerate(networks.networks(epoch)):
            right = (network(x).argmax(dim=1).numpy() == labels[test]).mean()
            assert right == pytest.approx(float(history["test_accuracy"][member, column]))
    with pytest.raises(StoreError, match="after epoch 3 were not kept"):
        networks.networks(3)


def test_fewer_records_are_some_of_all_and_change_no_network(tmp_path):
    for folder in ("all", "some"):
        (tmp_path / folder).mkdir()
    every = run(tmp_path / "all", spec(epochs=7))
    some = run(tmp_path / "some", spec(epochs=7, records=3))
    assert every["epoch"].values.tolist() == list(range(8))
    assert some["epoch"].values.tolist() == [0, 2, 5, 7]
    for name in ("train_loss", "test_accuracy"):
        assert (some[name].values == every[name].sel(epoch=some["epoch"]).values).all()
    few = networks_of(tmp_path / "some", some).networks()
    for one, other in zip(few, networks_of(tmp_path / "all", every).networks(), strict=True):
        weights = zip(one.parameters(), other.parameters(), strict=True)
        assert all((a == b).all() for a, b in weights)


@given(epochs=st.integers(1, 5000), records=st.integers(1, 50))
def test_records_are_even_with_both_ends(epochs, records):
    found = recorded_epochs({"epochs": epochs, "records": records})
    assert (found[0], found[-1]) == (0, epochs)
    assert len(found) == min(epochs, records) + 1
    assert np.ptp(np.diff(found)) <= 1
    assert min(np.diff(found)) >= 1


def test_a_loss_that_is_no_number_stops_at_once_however_few_records(tmp_path):
    with pytest.raises(TrainingError, match=r"network 0 is nan in epoch [12];"):
        run(tmp_path, spec(epochs=50, records=1, learning_rate=1e30))


def test_images_are_prepared_a_part_at_a_time_and_come_out_as_one(monkeypatch):
    preparation = {"upsampling": 2, "padding": 1}
    for channels in (None, 3):
        whole, labels = train_and_test.images_of(dataset(channels=channels), preparation)
        monkeypatch.setattr(train_and_test, "_AT_ONCE", 50)
        parts, _ = train_and_test.images_of(dataset(channels=channels), preparation)
        monkeypatch.undo()
        assert whole.shape == (120, channels or 1, 18, 18)
        assert (whole == parts).all()
        assert len(labels) == 120


def test_weights_of_other_networks_are_refused(tmp_path):
    history = run(tmp_path, spec())
    other = history.assign_attrs(spec=json.dumps({**spec(), "seed": 8}))
    with pytest.raises(StoreError, match="holds the weights of other networks"):
        networks_of(tmp_path, other)


@pytest.mark.parametrize("about", [{}, {"spec": spec(), "shape": SHAPE, "outputs": 3}])
def test_weights_in_the_form_of_an_earlier_version_are_refused(tmp_path, about):
    history = run(tmp_path, spec())
    weights = tmp_path / "cell.safetensors"
    write_tensors(read_tensors(weights)[0], weights, {"about": json.dumps(about)})
    with pytest.raises(StoreError, match="holds the weights of other networks"):
        networks_of(tmp_path, history)


def test_a_cosine_schedule_starts_at_the_rate_and_ends_at_rest(tmp_path):
    """Half a cosine over four epochs: 0.94 of the rate in the first, 0.05 in the last."""

    def moved(epoch, **schedule):
        recipe = {"momentum": 0.0, "learning_rate": 1e-3, "snapshots": [0, 1, 3, 4], **schedule}
        networks = networks_of(tmp_path, run(tmp_path, spec(**recipe)))
        before, after = (
            torch.cat([p.flatten() for p in networks.networks(e)[0].parameters()])
            for e in (epoch - 1, epoch)
        )
        return float((after - before).norm())

    # At this rate the gradients hardly change, so steps are as long as the rate says.
    assert moved(1, schedule="cosine") / moved(1) == pytest.approx(0.94, abs=0.03)
    assert moved(4, schedule="cosine") / moved(4) == pytest.approx(0.05, abs=0.03)


def test_the_invariance_loss_makes_networks_invariant(tmp_path):
    group = {"group": "cyclic-rotation", "n": 4}

    def error(strength):
        recipe = {"augmentation": {"kind": "group", **group}, "epochs": 60}
        if strength is not None:
            recipe["invariance"] = {**group, "strength": strength}
        network = networks_of(tmp_path, run(tmp_path, spec(**recipe))).networks()[0]
        x = torch.from_numpy(dataset()["levels"].values[:, None]).float() / 255
        turned = torch.rot90(x, dims=(2, 3))
        return float((network(x) - network(turned)).square().mean())

    assert error(10.0) < 0.1 * error(None)
    assert error(0.0) == error(None)
    with pytest.raises(TrainingError, match=r"strength of the invariance loss.*not nan"):
        error(float("nan"))


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "group", "group": "cyclic-rotation", "n": 4},
        {"kind": "rotation"},
        {"kind": "translation", "pixels": 2},
        {"kind": "crop-and-flip", "pixels": 2},
    ],
)
def test_augmentations_differ_by_image_and_follow_the_generators(entry):
    images = torch.rand(2, 6, *SHAPE, generator=torch.Generator().manual_seed(0))
    images[1] = images[0]
    apply = augmentation(entry, SHAPE)

    def once(*seeds):
        return apply(images, [torch.Generator().manual_seed(s) for s in seeds])

    moved = once(1, 2)
    assert moved.shape == images.shape
    assert torch.equal(moved, once(1, 2))
    assert not torch.equal(moved[0], moved[1])
    assert torch.equal(once(1, 1)[0], once(1, 1)[1])
    # Blending takes no intensity out of the range, and moves most of it.
    assert moved.min() >= 0
    assert moved.max() <= 1 + 1e-6
    assert (moved != images).flatten(2).any(dim=2).double().mean() > 0.6


def test_a_translation_moves_by_the_pixels_it_says():
    """A bright square's centre moves by a uniform amount of at most two pixels."""
    image = torch.zeros(1, 1, 1, 15, 15)
    image[..., 6:9, 6:9] = 1.0
    many = image.expand(1, 4000, 1, 15, 15)
    moved = augmentation({"kind": "translation", "pixels": 2}, (1, 15, 15))(
        many, [torch.Generator().manual_seed(0)]
    )[0, :, 0]
    at = torch.arange(15.0)
    for axis in (1, 2):
        centre = (moved.sum(dim=3 - axis) * at).sum(dim=1) / moved.sum(dim=(1, 2)) - 7
        assert centre.abs().max() < 2.001
        assert centre.abs().max() > 1.95
        assert centre.mean().abs() < 0.1
        assert centre.std() == pytest.approx(2 / 3**0.5, rel=0.05)


def test_a_rotation_is_that_of_scipy():
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.random((1, 1, 1, 9, 9))).float()
    generator = torch.Generator().manual_seed(5)
    angle = -360 * float(torch.rand(1, generator=torch.Generator().manual_seed(5)))
    moved = augmentation({"kind": "rotation"}, (1, 9, 9))(image, [generator])[0, 0, 0].numpy()
    expected = rotate(image[0, 0, 0].numpy(), angle, reshape=False, order=1)
    inside = np.hypot(*np.mgrid[-4:5, -4:5]) < 3.5  # scipy treats the border otherwise
    np.testing.assert_allclose(moved[inside], expected[inside], atol=1e-4)


@pytest.mark.parametrize("name", STANDARD)
def test_standard_networks_can_be_named_in_the_config(config, name):
    assert config.context.network(name) == standard_entry(name)


def test_networks_see_normalised_images_in_training_tests_and_measures(tmp_path):
    """As the same networks on images that were normalised before, but for what a crop adds."""
    usual = {"mean": [0.4, 0.5], "deviation": [0.25, 0.5]}
    given = spec(snapshots=[0])
    given["problem"]["normalisation"] = usual
    source = dataset(channels=2)
    problem = train_and_test.problem(source, given).to(torch.device("cpu"), torch.float32)
    raw = problem.images(torch.arange(4)[None])
    mean, deviation = (np.array(usual[key])[:, None, None] for key in ("mean", "deviation"))
    levels = source["levels"].values[:4]
    np.testing.assert_allclose(raw[0], levels / 255, rtol=1e-6)
    np.testing.assert_allclose(
        problem.seen(raw)[0], (levels / 255 - mean) / deviation, rtol=1e-5, atol=1e-6
    )
    plain = train_and_test.problem(source, spec())
    assert plain.seen(raw) is raw
    history = run(tmp_path, given, source)
    found = networks_of(tmp_path, history)
    images, labels = held_out(found, source)
    network = found.networks(dtype=torch.float64)[0]
    accuracy = float((network(images).argmax(dim=1) == labels).double().mean())
    assert accuracy == pytest.approx(float(history["test_accuracy"][0, -1]))
    chosen = train_and_test.test_images(120, given)
    expected = (source["levels"].values[chosen] / 255 - mean) / deviation
    np.testing.assert_allclose(images, expected)


def test_a_test_set_of_its_own_is_tested_on_and_all_images_may_be_trained_on(tmp_path):
    given = spec()
    given["problem"] |= {"train": 120, "test": 30, "test_set": "other"}
    other = dataset(count=50)
    other["levels"] = other["levels"] // 2  # so that they are told apart
    problem = train_and_test.problem(dataset(), given, other)
    assert [sorted(items.tolist()) for items in problem.train] == [list(range(120))] * 2
    for items in problem.tests["test"]:
        tested = problem.images(items[None])[0, :, 0]
        np.testing.assert_allclose(tested, other["levels"].values[:30] / 255, rtol=1e-6)
        assert problem.targets[items].tolist() == other["label"].values[:30].tolist()
    history = run(tmp_path, given, dataset(), other)
    found = networks_of(tmp_path, history)
    images, labels = held_out(found, other)
    np.testing.assert_allclose(images[:, 0], other["levels"].values[:30] / 255)
    for member, network in enumerate(found.networks(dtype=torch.float64)):
        accuracy = float((network(images).argmax(dim=1) == labels).double().mean())
        assert accuracy == pytest.approx(float(history["test_accuracy"][member, -1]))
    given["problem"]["test"] = 51
    with pytest.raises(ValueError, match="51 images are asked for, and the data set has 50"):
        train_and_test.problem(dataset(), given, other)


def test_recipes_that_train_alone_come_back_as_they_were(tmp_path):
    """Also with more members than one, which are then trained one after the other."""
    given = spec(precision="bfloat16", layout="channels-last", schedule="one-cycle")
    history = run(tmp_path, given)
    assert (history["test_accuracy"][:, -1] > 0.9).all()
    networks = networks_of(tmp_path, history)
    images, labels = held_out(networks, dataset())
    for member, network in enumerate(networks.networks(dtype=torch.float64)):
        accuracy = float((network(images).argmax(dim=1) == labels).double().mean())
        assert accuracy == pytest.approx(float(history["test_accuracy"][member, -1]))


def test_only_the_study_of_stability_normalises():
    named = {
        f"{cell.slug}": cell.settings["problem"].get("normalisation")
        for preset in ("quick", "standard", "paper")
        for job in plan.all_jobs(plan.figures(shipped(preset)).values())
        for cell in (job.parts or (job,))
        if cell.stage == "networks"
    }
    usual = {slug for slug, normalisation in named.items() if normalisation}
    assert usual == {
        slug
        for slug in named
        if slug.startswith("stability-") and ("cifar" in slug or "fashion" in slug)
    }
    assert usual
