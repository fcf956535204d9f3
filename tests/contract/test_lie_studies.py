"""The studies of trained networks' Lie derivatives, on networks trained for seconds."""

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from matplotlib import pyplot

from symlearn import wings
from symlearn.config import parse
from symlearn.measures.class_probabilities import probabilities
from symlearn.measures.layers import decompose
from symlearn.measures.lie import GENERATORS, Image, lie_derivative, mean_square
from symlearn.measures.lie_action import act
from symlearn.menu.networks import standard_entry
from symlearn.networks import train_and_test as classification
from symlearn.networks.build import build
from symlearn.networks.held_out import held_out
from symlearn.networks.trained import trained
from symlearn.papers.lie import published as lie_published
from symlearn.papers.lie.figures import (
    family as lie_family,
)
from symlearn.papers.lie.figures import (
    lie_augmentation,
    lie_layers,
    lie_measures,
    lie_models,
    lie_transforms,
    terms,
)
from symlearn.papers.lie.figures import lie_partial as partial_figure
from symlearn.pipeline import store
from symlearn.pipeline.provenance import weights_of
from symlearn.pipeline.specs import modules_of
from symlearn.plots import style
from symlearn.plots.inputs import Inputs
from symlearn.stages.datasets import compute as read_dataset
from symlearn.stages.studies import computation
from symlearn.statistics import rank_correlation

from .helpers import train

EXACT = ["forward", "central", "spectral"]  # stencils, in 64 bits
SMALL = {
    "networks": ["fully-connected", "resnet8-8", "vit-plain-32"],
    "seeds": 2,
    "train": 90,
    "test": 60,
    "images": 6,
    "pixels": 1,
    "draws": 2,
    "epochs": 1,
    "batch": 30,
}
PARTIAL = {
    "n": [2, 4],
    "networks": ["mlp"],
    "images": 100,
    "left_out": [2, 7],
    "epochs": 1,
    "batch": 50,
}


def small(text):
    raw = yaml.safe_load(text)
    quick = raw["presets"]["quick"]
    quick["lie_models"], quick["partial"] = SMALL, PARTIAL
    quick["lie_layers"] = {"networks": ["resnet8-8", "vit-plain-32"], "images": 2}
    quick["lie_partial"] = {"images": 5}
    return parse({**raw, "preset": "quick"})


class Made:
    """Cells computed once each, in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.done = {}

    def weights(self, cell):
        """Of networks that are computed already."""
        return weights_of(self.folder / f"{cell.name}.nc")

    def __call__(self, cell):
        if cell.name not in self.done:
            inputs = [self(read) for read in cell.inputs]
            out = self.folder / f"{cell.name}.nc"
            compute = {"datasets": self._data, "networks": self._train, "studies": self._study}
            found = compute[cell.stage](cell, inputs, out)
            store.write(found, out, cell.spec)
            self.done[cell.name] = store.read(out)
        return self.done[cell.name]

    def _data(self, cell, inputs, _):
        return read_dataset(cell.spec, inputs, None)

    def _train(self, cell, inputs, out):
        return train(cell.spec, inputs, out=out)

    def _study(self, cell, inputs, _):
        """As the stage: a computation gets the weights of its networks, if it reads some."""
        weights = [self.weights(read) for read in cell.inputs if read.stage == "networks"]
        return computation(cell.spec).compute(cell.spec, inputs, *([weights] if weights else []))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("cells"))


@pytest.fixture(scope="module")
def config(shipped_text):
    return small(shipped_text)


def cells(config, name):
    return config.call(wings.studies()[name])


@pytest.fixture(scope="module")
def plotted(made, config):
    """What each figure gathers."""
    modules = {
        "lie-models": lie_models, "lie-augmentation": lie_augmentation,
        "lie-measures": lie_measures, "lie-layers": lie_layers,
        "lie-transforms": lie_transforms, "lie-partial": partial_figure,
    }  # fmt: skip
    found = {}
    for figure, module in modules.items():
        read = [made(cell) for need in wings.needs_of(figure) for cell in cells(config, need)]
        found[figure] = module.gather(Inputs(tuple(read)))
    return found


def by_hand(made, config, network="fully-connected"):
    """The history of the networks without augmentation, and the images that are measured."""
    (cell,) = [c for c in cells(config, "lie-models") if c.labels["network"] == network]
    history, dataset = made(cell.inputs[0]), made(cell.inputs[-1])
    spec = store.spec_of(history)
    levels, labels = classification.images_of(dataset, spec["problem"]["preparation"])
    chosen = classification.test_images(len(labels), spec)
    networks = trained(history, made.weights(cell.inputs[0]))
    return made(cell), networks, torch.from_numpy(levels[chosen]).double() / 255, labels


def test_errors_are_those_of_the_trained_networks(made, config):
    found, networks, images, _ = by_hand(made, config)
    plain = found.sel(augmentation="none", image_set="upright")
    for member, network in enumerate(networks.networks(dtype=torch.float64)):
        for name in ("translate_x", "shear_y", "saturate"):
            expected = mean_square(
                lie_derivative(probabilities(network), images[:6], name, "forward")
            )
            value = float(plain["lie_square"].sel(generator=name)[member])
            assert value == pytest.approx(float(expected.mean()), rel=1e-4)
        before = networks.networks(epoch=0, dtype=torch.float64)[member]
        expected = mean_square(
            lie_derivative(probabilities(before), images[:6], "rotate", "forward")
        )
        value = float(
            found["lie_square_before"].sel(augmentation="none", generator="rotate")[member]
        )
        assert value == pytest.approx(float(expected.mean()), rel=1e-4)


def test_accuracy_is_that_of_the_history(made, config):
    found, networks, _, _ = by_hand(made, config)
    accuracy = found["accuracy"].sel(augmentation="none", image_set="upright").values
    np.testing.assert_allclose(accuracy, networks.history["test_accuracy"][:, -1], atol=1e-6)


def test_image_sets_differ_and_only_some_generators_are_measured_there(made, config):
    found, *_ = by_hand(made, config)
    errors = found["lie_square"]
    moved = errors.sel(image_set=["shifted", "turned"])
    measured = ["translate_x", "translate_y", "rotate"]
    assert errors.sel(image_set="upright").notnull().all()
    assert moved.sel(generator=measured).notnull().all()
    assert moved.drop_sel(generator=measured).isnull().all()
    assert (
        moved.sel(generator="rotate") != errors.sel(generator="rotate", image_set="upright")
    ).all()


def test_terms_add_up_and_triangles_hold(plotted):
    for found in plotted["lie-transforms"].values():
        if "contribution" not in found:
            continue
        assert float(found["closure"].max()) < 1e-10
        norms = np.sqrt(found["contribution"]).sum("layer")
        assert (norms >= np.sqrt(found["whole"]) * (1 - 1e-10)).all()
        np.testing.assert_allclose(terms.shares(found["contribution"]).sum("layer"), 1.0)


def test_layers_have_their_true_types(plotted):
    residual, transformer = plotted["lie-layers"].values()
    kinds = dict(zip(residual["layer_name"].values, residual["layer_kind"].values, strict=False))
    assert kinds["conv"] == "convolution"
    assert kinds["stage2.0.conv1"] == "strided convolution"
    assert kinds["stage2.0.shortcut.0"] == "strided convolution"
    assert kinds["pool"] == "pooling"
    assert (residual["layer_kind"] == "nonlinearity").sum() == 7
    names = transformer["layer_name"].values.tolist()
    found = transformer["layer_kind"].values.tolist()
    assert found[:2] == ["patch embedding", "addition"]
    assert [n for n, k in zip(names, found, strict=True) if k == "attention"] == [
        "attention.0", "attention.1",
    ]  # fmt: skip
    # What acts on each pixel's channels alone commutes with every transformation.
    shares = terms.shares(residual["contribution"])
    norms = np.flatnonzero(residual["layer_kind"] == "norm")
    assert float(shares.isel(layer=norms).sel(stencil=EXACT).max()) < 1e-20


def test_terms_are_those_of_each_stencil_and_precision(plotted, made, config):
    """By `decompose`, one stencil at a time; single precision follows the released code."""
    (cell,) = [c for c in cells(config, "lie-layers") if c.labels["network"] == "resnet8-8"]
    history = trained(made(cell.inputs[0]), made.weights(cell.inputs[0]))
    images, _ = held_out(history, made(cell.inputs[-1]), 2)
    found = plotted["lie-layers"]["resnet8-8"]
    kinds = found["layer_kind"].values
    pooled = np.flatnonzero(kinds == "pooling")
    for stencil, dtype in (
        *((s, torch.float64) for s in EXACT),
        ("forward, 32 bits", torch.float32),
    ):
        network = history.networks(dtype=dtype)[1]
        parts = decompose(
            probabilities(network), images.to(dtype), "translate_x", stencil.split(",")[0]
        )
        ours = found["contribution"].sel(stencil=stencil).isel(member=1)
        (number,) = (i for i, o in enumerate(parts.operations) if "pool" in o.function)
        expected = parts.squared_norms[number].double().numpy()
        tolerance = 1e-9 if dtype == torch.float64 else 1e-3
        np.testing.assert_allclose(ours.isel(layer=pooled[-1]), expected, rtol=tolerance)
        total = parts.terms.double().sum(dim=0).square().sum(dim=1).numpy()
        whole = parts.whole.double().square().sum(dim=1).numpy()
        np.testing.assert_allclose(total, whole, rtol=1e-3)


def test_shares_are_taken_image_by_image_and_the_stencils_are_compared(plotted):
    found = plotted["lie-layers"]["resnet8-8"]
    measured = lie_layers.measure({"resnet8-8": found})
    each = found["contribution"].sel(stencil=EXACT).values  # member, stencil, layer, image
    each = each / each.sum(axis=2, keepdims=True)
    common = np.median(each.min(axis=1).sum(axis=1), axis=1).mean()
    assert measured["common.resnet8-8"].value == pytest.approx(common)
    pooling = each[:, 0][:, found["layer_kind"].values == "pooling"].sum(axis=1)
    value = measured["share.pooling.forward.resnet8-8"].value
    assert value == pytest.approx(np.median(pooling, axis=1).mean())


def test_partial_networks_are_seen_at_images_that_they_were_not_trained_on(plotted, made, config):
    found = plotted["lie-partial"]["mlp"]
    assert found["n"].values.tolist() == [2, 2, 4, 4]
    assert found["left_out"].values.tolist() == [2, 7, 2, 7]
    (cell,) = cells(config, "lie-partial")
    for number, read in enumerate(cell.inputs[:-1]):
        history = made(read)
        accuracy = history["out_accuracy"][:, -1].values
        ours = found["accuracy"].sel(observed=False).values[2 * number : 2 * number + 2]
        # Five of the ten images of the class.
        assert (np.abs(ours - accuracy) <= 0.5 + 1e-9).all()


@pytest.mark.parametrize("figure", ["lie-models", "lie-augmentation", "lie-measures",
                                    "lie-layers", "lie-transforms", "lie-partial"])  # fmt: skip
def test_figures_measure_numbers_and_say_what_they_show(plotted, figure, tmp_path):
    modules = {
        "lie-models": lie_models, "lie-augmentation": lie_augmentation,
        "lie-measures": lie_measures, "lie-layers": lie_layers,
        "lie-transforms": lie_transforms, "lie-partial": partial_figure,
    }  # fmt: skip
    module = modules[figure]
    measured = module.measure(plotted[figure])
    assert measured
    assert all(np.isfinite(m.value) for m in measured.values())
    assert "nan" not in module.caption(plotted[figure])
    with style.applied():
        drawn = module.draw(plotted[figure], measured)
        drawn.canvas.draw()
        drawn.savefig(tmp_path / "drawn.png")


def test_the_patch_embedding_is_compared_with_the_largest_of_the_other_points(plotted):
    found = plotted["lie-layers"]["vit-plain-32"].sel(stencil="forward")
    each = found["contribution"] / found["contribution"].sum("layer")
    points = each.median("image").mean("member")
    inside = found["layer_kind"] == "patch embedding"
    measured = lie_layers.measure(plotted["lie-layers"])
    ratio = float(points[inside].max() / points[~inside].max())
    assert measured["embedding_over_next.forward.vit-plain-32"].value == pytest.approx(ratio)
    leads = each[:, inside].max("layer") == each.max("layer")
    assert measured["embedding_leads.forward.vit-plain-32"].value == float(leads.mean())


def test_the_family_s_repetitions_are_resampled_together(plotted):
    found = plotted["lie-models"]["family"]
    groups = lie_family.cells_of(found)
    numbers = xr.DataArray(np.arange(9).reshape(3, 3), dims=("cell", "augmentation"))
    repeated = numbers.expand_dims(member=found.sizes["member"])
    np.testing.assert_array_equal(lie_family.flat(1.0 * repeated), groups)
    accuracy = lie_family.flat(found["accuracy"].sel(image_set="upright"))
    error = lie_family.flat(lie_family.translation(found, "lie_square", "upright"))
    measured = lie_models.measure(plotted["lie-models"])["rank_correlation.lie_square.upright"]
    assert measured == rank_correlation(accuracy, error, groups)
    assert measured != rank_correlation(accuracy, error)


def test_the_caption_tells_images_of_errors_from_those_of_accuracies(plotted):
    text = lie_models.caption(plotted["lie-models"])
    assert "6 test images, per unit" in text
    assert "accuracy over all 60 test images" in text


def test_untrained_and_trained_are_compared_by_the_geometric_mean(plotted):
    found = plotted["lie-augmentation"]["family"].isel(cell=[0]).copy(deep=True)
    where = {"augmentation": "none", "generator": ["translate_x", "translate_y"]}
    found["lie_square_before"].loc[where] = 1.0
    found["lie_square"].loc[{**where, "image_set": "upright"}] = 1.0
    found["lie_square"].loc[{**where, "image_set": "upright", "member": 0}] = 4.0
    found["lie_square"].loc[{**where, "image_set": "upright", "member": 1}] = 0.25
    measured = lie_augmentation.measure({"family": found})
    assert measured["untrained_over_trained.fully-connected"].value == pytest.approx(1.0)


@pytest.mark.parametrize("count", [1, 3])
def test_transforms_are_drawn_of_any_number_of_networks(plotted, count):
    found = list(lie_transforms._terms(plotted["lie-transforms"]).values())
    several = {f"net-{i}": found[i % 2] for i in range(count)}
    several["family"] = plotted["lie-transforms"]["family"]
    letters = "ABCDEFGHIJKLM"[: 3 * count + 1]
    assert f"({letters[-1]}) The last panel" in lie_transforms.caption(several)
    figure = lie_transforms.draw(several, {})
    figure.canvas.draw()
    assert "".join(axes.get_title("left") for axes in figure.axes) == letters
    # The panel of errors and the first of each row name their transformations.
    named = [any(t.label1.get_visible() for t in a.yaxis.get_major_ticks()) for a in figure.axes]
    assert named == [i % 3 == 0 for i in range(3 * count + 1)]
    pyplot.close(figure)


def test_transformations_are_compared_by_medians_over_images(plotted, made, config):
    found = lie_transforms._terms(plotted["lie-transforms"])["resnet8-8"]
    measured = lie_transforms.measure({"resnet8-8": found})
    (cell,) = [c for c in cells(config, "lie-layers") if c.labels["network"] == "resnet8-8"]
    terms = made(cell)["contribution"].sel(stencil="spectral").values
    each = found["layer_share"].sel(stencil="spectral").values  # member, generator, layer, image
    np.testing.assert_allclose(each, terms / terms.sum(axis=2, keepdims=True), atol=2**-15, rtol=0)
    shares = np.median(each.astype(float), axis=3).mean(axis=0)
    expected = np.corrcoef(shares[0], shares[3])[0, 1]
    assert measured["layer_correlation.scale.spectral.resnet8-8"].value == pytest.approx(expected)


def test_the_noise_normalised_error_is_the_ratio_of_two_responses(made, config):
    """The response to noise, by drawing it."""
    found, networks, images, _ = by_hand(made, config)
    network, points = networks.networks(dtype=torch.float64)[0], images[:6]
    rng = torch.Generator().manual_seed(0)
    moved = act(points, Image(), GENERATORS["rotate"], "forward", (28, 28))
    squares = []
    for _ in range(400):
        noise = torch.randn(points.shape, generator=rng, dtype=torch.float64)
        scale = moved.flatten(1).norm(dim=1) / noise.flatten(1).norm(dim=1)
        noise = noise * scale[:, None, None, None]
        _, pushed = torch.func.jvp(probabilities(network), (points,), (noise,))
        squares.append(float(pushed.square().mean()))
    derivative = lie_derivative(probabilities(network), points, "rotate", "forward")
    expected = float(derivative.square().mean()) / np.mean(squares)
    value = found["measured_error"].sel(augmentation="none", measure="noise-normalised rotation")
    # 400 draws, of which each image's are spread by about their own size.
    assert float(value[0]) == pytest.approx(expected, rel=0.2)


def test_the_published_models_are_the_digitised_ones(config, reference):
    (cell,) = cells(config, "lie-published")
    found = lie_published.compute(cell.spec, [])
    given = np.load(reference / "lie_derivative_title_figure.npz")
    families = np.array(["CNN", "ViT", "Mixer"])[given["scatter_family"]]
    order = np.lexsort((given["scatter_lee"], given["scatter_acc"], given["scatter_family"]))
    assert (found["family"].values == families[order]).all()
    np.testing.assert_allclose(
        found["published_accuracy"], given["scatter_acc"][order], atol=0.0051
    )
    np.testing.assert_allclose(found["published_error"], given["scatter_lee"][order], atol=5.1e-6)


def test_another_file_of_published_models_is_refused():
    with pytest.raises(Exception, match="changed since the run was planned"):
        lie_published.compute({"sha256": {"models": "0", "layers": "0"}}, [])


def test_the_published_bars_are_the_digitised_ones_by_true_type(config, reference):
    """Of both networks the sums by type that can be told from the bars' order alone."""
    (cell,) = cells(config, "lie-published")
    found = lie_published.compute(cell.spec, [])
    given = np.load(reference / "lie_derivative_title_figure.npz")
    own = {
        (str(model), str(kind)): float(share)
        for model, kind, share in zip(
            found["layer_model"].values, found["layer_kind"].values,
            found["published_share"].values, strict=True,
        )
    }  # fmt: skip
    for model in ("ResNet-50", "ViT-Small"):
        assert sum(share for (name, _), share in own.items() if name == model) == pytest.approx(
            1, abs=1e-3
        )
    # timm's ResNet-50 begins with its stem and its max-pooling, and its ViT with the patches.
    stem, pool = (given["resnet50_h"][i] / given["resnet50_h"].sum() for i in (0, 3))
    assert own["ResNet-50", "pooling"] == pytest.approx(pool, abs=0.004)
    assert own["ResNet-50", "strided convolution"] > stem
    patches = given["vit_small_h"][0] / given["vit_small_h"].sum()
    assert own["ViT-Small", "patch embedding"] == pytest.approx(patches, abs=1e-3)


def test_studies_depend_on_what_builds_their_networks(config):
    for name in ("lie-models", "lie-layers"):
        for cell in cells(config, name):
            kind = config.context.network(cell.labels["network"])["kind"].replace("-", "_")
            assert any(kind in module or kind == "resnet" for module in modules_of(cell.spec))


def test_what_the_study_writes_is_read_again(made, config):
    for name in ("lie-models", "lie-layers", "lie-partial", "lie-published"):
        for cell in cells(config, name):
            assert isinstance(made(cell), xr.Dataset)


def test_a_norm_of_single_patches_is_steep_where_they_are_empty():
    """Why the family has a transformer of its own."""
    image = torch.zeros(1, 1, 12, 12)
    image[0, 0, 3:9, 4:8] = 1.0  # to the edges of a patch

    def steepness(kind):
        entry = {**standard_entry("vit-plain-32"), "kind": kind}
        network = build(entry, (1, 12, 12), 10, seed=0).eval().requires_grad_(False)
        return float(lie_derivative(network, image, "translate_x", "forward").norm())

    assert steepness("vision-transformer") > 30 * steepness("plain-transformer") > 0
