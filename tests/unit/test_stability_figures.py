"""The figures of relative stability on made-up networks, some of them without a stability."""

import json
from itertools import islice

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from matplotlib import pyplot as plt

from symlearn.menu.networks import STANDARD
from symlearn.papers.stability.figures import (
    stabilities,
    stability_depth,
    stability_error,
    stability_networks,
    stability_samples,
    stability_training,
    stability_trainsize,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs
from symlearn.plots.panels import labels_beside
from symlearn.randomness import generator

FIGURES = (stability_training, stability_error, stability_trainsize, stability_depth)
CIFAR = [
    "fully-connected", "lenet", "alexnet", "vgg11", "vgg11-bn", "vgg16", "vgg16-bn", "resnet18",
    "efficientnet-b0",
]  # fmt: skip
SIZES = (512, 4096, 45000)


def study(network, dataset, seeds=2, layers=("relu1", "relu2", "output"), sizes=SIZES):
    """R, D and G of made-up networks: the smaller the error, the smaller R."""
    rng = generator(3, network, dataset)
    shape = (2, len(sizes), seeds, len(layers))
    falling = np.array(sizes, dtype=float)[None, :, None, None] ** -0.3 * rng.uniform(2, 30)
    relative = falling * np.exp(0.15 * rng.normal(size=shape))
    relative[0] = np.exp(0.1 * rng.normal(size=shape[1:]))
    noise = 0.1 * np.exp(0.3 * rng.normal(size=shape))
    error = (0.2 * np.sqrt(relative[..., -1])).clip(0, 0.9)
    by_layer = ("moment", "train_size", "member", "layer")
    found = xr.Dataset(
        {
            "relative_stability": (by_layer, relative),
            "deformation_stability": (by_layer, relative * noise),
            "noise_stability": (by_layer, noise),
            "relative_median": (by_layer[:-1], relative[..., -1] * 0.9),
            "test_error": (by_layer[:-1], error),
            "train_error": (by_layer[:-1], error / 10),
            "relative_on_the_way": (("snapshot", "member"), relative[0, 0, :, -1:].T.repeat(3, 0)),
            "test_images": 1000,
        },
        {
            "moment": ["before", "after"],
            "train_size": list(sizes),
            "seed": ("member", np.arange(seeds)),
            "layer": list(layers),
            "snapshot": [0.125, 0.25, 0.5],
        },
    )
    spec = {
        "study": "stability", "labels": {"network": network, "dataset": dataset},
        "displacement": 1.0, "cutoff": 3, "images": 500, "draws": 8,
    }  # fmt: skip
    return found.assign_attrs(spec=json.dumps(spec))


def without_stability(dataset, train_size, member):
    """The same with one network whose output is constant after its training."""
    found = dataset.copy(deep=True)
    at = {"moment": 1, "train_size": train_size, "member": member}
    for name in ("relative_stability", "deformation_stability", "noise_stability"):
        found[name][{**at, "layer": -1}] = np.nan
    found["relative_median"][at] = np.nan
    return found


def drawn(module, datasets):
    """What a figure measures, its caption, and the figure."""
    plotted = module.gather(Inputs(tuple(datasets)))
    measured = module.measure(plotted)
    with style.applied():
        figure = module.draw(plotted, measured)
    return measured, module.caption(plotted), figure


def marks(figure, number):
    """Colours and markers of the lines of a panel; seeds are small dots."""
    plain = ("", "None", ".")
    lines = [line for line in figure.axes[number].lines if line.get_marker() not in plain]
    return {(line.get_color(), line.get_marker()) for line in lines}


@pytest.fixture(scope="module")
def paper():
    """Few networks on grey images, and nine on images with colours."""
    grey = ["fully-connected", "lenet", "resnet8-8"]
    return [study(n, "mnist") for n in grey] + [study(n, "cifar10") for n in CIFAR]


@pytest.mark.parametrize("module", [stability_error, stability_trainsize])
def test_a_legend_names_all_networks_by_what_is_drawn(module, paper):
    _, _, figure = drawn(module, paper)
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == list(dict.fromkeys(["fully-connected", "lenet", "resnet8-8", *CIFAR]))
    named = [(line.get_color(), line.get_marker()) for line in legend.get_lines()]
    assert len(set(named)) == len(names)
    shown = set.union(*(marks(figure, number) for number in range(len(figure.axes))))
    assert shown == set(named)


def test_points_have_a_network_s_colour_on_all_data_sets():
    """Own networks have spare looks, which must not begin anew for each data set."""
    datasets = [study("mine", "mnist"), study("yours", "cifar10"), study("mine", "cifar10")]
    _, _, figure = drawn(stability_training, datasets)
    first, second = (
        [line.get_color() for line in axes.lines if line.get_linewidth() == 1.6]
        for axes in figure.axes[:2]
    )
    assert len(first) == 1
    assert first == second[1:]
    assert first[0] != second[0]


@pytest.mark.parametrize("module", FIGURES)
def test_every_data_set_and_network_has_a_panel_with_a_letter(module):
    names = list(stabilities.NAMES)
    datasets = [study(n, name) for name in names for n in CIFAR[:3]]
    _, _, figure = drawn(module, datasets)
    used = [axes for axes in figure.axes if axes.axison]
    panels = {
        stability_training: 2 * len(names), stability_error: 2 * len(names),
        stability_trainsize: 3 * len(names), stability_depth: 2 * len(datasets),
    }  # fmt: skip
    assert len(used) == panels[module]
    texts = [axes.get_title(loc="left") for axes in used]
    assert len(set(texts)) == len(texts)
    assert all(axes.lines and text for axes, text in zip(used, texts, strict=True))


def test_letters_go_on_after_the_alphabet():
    _, panels = plt.subplots(4, 8)
    style.letters(panels.flat)
    texts = [axes.get_title(loc="left") for axes in panels.flat]
    assert texts[:2] == ["A", "B"]
    assert texts[24:29] == ["Y", "Z", "A2", "B2", "C2"]
    plt.close("all")


def test_no_two_networks_of_a_figure_look_alike():
    mine = [f"network-{number}" for number in range(20)]
    looks = style.models([*STANDARD, *mine, *mine])
    assert list(looks) == [*STANDARD, *mine]
    assert len(set(looks.values())) == len(looks)
    assert style.models(["resnet8-8", "resnet18"])["resnet18"] == style.model("resnet18")
    assert style.models(["mine", "vgg11-bn"])["vgg11-bn"] == style.model("vgg11-bn")


@pytest.mark.parametrize("module", FIGURES)
def test_networks_without_a_stability_or_an_error_are_left_out_and_told(module):
    datasets = [study(name, "mnist") for name in CIFAR[:4]]
    datasets[0] = without_stability(datasets[0], 0, 0)
    datasets[1] = without_stability(without_stability(datasets[1], 1, 0), 1, 1)
    datasets[2] = without_stability(datasets[2], 2, 1)
    datasets[3]["test_error"][1, 2] = 0.0
    measured, caption, _ = drawn(module, datasets)
    counts = {
        stability_training: "1 of 8",
        stability_error: "4 of 24",
        stability_trainsize: "4 of 24",
    }
    if module in counts:
        assert f"{counts[module]} trained networks are left out, because" in caption
    if module is stability_trainsize:
        assert np.isnan(measured["relative.mnist.lenet.p4096"].value)
        assert np.isfinite(measured["slope.relative.mnist.lenet"]).all()
    else:
        assert np.isfinite([found.value for found in measured.values()]).all()


def test_correlations_without_an_undefined_network_are_those_of_the_others():
    datasets = [study(name, "mnist") for name in CIFAR[:5]]
    for size in range(len(SIZES)):
        for member in (0, 1):
            datasets[4] = without_stability(datasets[4], size, member)
    found, _, _ = drawn(stability_error, datasets)
    expected, _, _ = drawn(stability_error, datasets[:4])
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, nan_ok=True)
    assert found["rank_correlation.difference.mnist"].uncertainty > 0


@pytest.mark.parametrize("module", FIGURES)
def test_networks_of_which_none_has_a_stability_are_drawn(module):
    dataset = study("lenet", "mnist", sizes=SIZES[:2])
    for size in (0, 1):
        for member in (0, 1):
            dataset = without_stability(dataset, size, member)
    _, _, figure = drawn(module, [dataset])
    figure.canvas.draw()
    assert "nan" not in figure.axes[0].get_title()


def test_the_correlations_of_one_network_have_no_interval():
    measured, _, figure = drawn(stability_error, [study("lenet", "mnist")])
    value = measured["rank_correlation.relative.mnist"]
    assert figure.axes[0].get_title() == f"MNIST: {value.value:.2f}"
    assert np.isnan(value.uncertainty)


def test_a_test_without_mistakes_counts_half_a_one():
    nets = stabilities.networks(Inputs((study("lenet", "mnist"),)))
    nets["test_error"][:] = 0.0
    np.testing.assert_allclose(stabilities.positive_errors(nets), 0.5 / 1001)
    nets["test_error"][:] = 1.0
    np.testing.assert_allclose(stabilities.positive_errors(nets), 1000.5 / 1001)


def test_intervals_over_few_seeds_are_student_s():
    values = np.exp([0.0, 0.2, 0.7])
    low, high = stabilities.ends(values)
    logs = np.log(values)
    reach = 4.303 * logs.std(ddof=1) / np.sqrt(3)
    assert np.log([low, high]) == pytest.approx(logs.mean() + np.array([-reach, reach]), abs=1e-3)


def test_values_stay_to_be_seen_beside_wide_intervals():
    """Of two seeds the interval has 12.7 standard errors to each side."""
    far = study("lenet", "mnist")
    far["relative_stability"][1, 0] *= np.array([0.1, 10.0])[:, None]
    for module in FIGURES:
        _, _, figure = drawn(module, [far])
        low, high = figure.axes[0].get_ylim()
        assert high / low < 1e5


def test_the_depth_of_a_network_with_one_layer_is_not_measured():
    datasets = [study("mine", "mnist", layers=["output"]), study("lenet", "mnist")]
    measured, _, _ = drawn(stability_depth, datasets)
    assert {name.rsplit(".", 1)[1] for name in measured} == {"lenet"}


def headline(names=("fully-connected", "vgg11", "resnet18", *CIFAR[1:3], *CIFAR[4:7]), size=10_000):
    """Networks of which the error is a fifth of the root of R, at one number of images."""
    found = []
    for name in names:
        dataset = study(name, "cifar10-part", seeds=3, sizes=(size,))
        spec = json.loads(dataset.attrs["spec"])
        spec["study"] = "stability-networks"
        found.append(dataset.assign_attrs(spec=json.dumps(spec)))
    return found


def test_the_headline_has_the_power_the_prefactor_and_both_correlations():
    datasets = headline()
    measured, caption, figure = drawn(stability_networks, datasets)
    r, d, error = (
        np.array([np.exp(np.log(values(one)).mean()) for one in datasets])
        for values in (
            lambda one: one["relative_stability"].values[1, 0, :, -1],
            lambda one: one["deformation_stability"].values[1, 0, :, -1],
            lambda one: (1000 * one["test_error"].values[1, 0] + 0.5) / 1001,
        )
    )
    fit = scipy.stats.linregress(np.log(r), np.log(error))
    name = "cifar10-part"
    assert measured[f"power.{name}"].value == pytest.approx(fit.slope)
    assert measured[f"power_low.{name}"].value <= fit.slope <= measured[f"power_high.{name}"].value
    mean = np.exp(np.log(error / np.sqrt(r)).mean())
    assert measured[f"prefactor.{name}"].value == pytest.approx(mean)
    for quantity, values in (("relative", r), ("deformation", d)):
        expected = scipy.stats.spearmanr(values, error).statistic
        assert measured[f"rank_correlation.{quantity}.{name}"].value == pytest.approx(expected)
    worst = max(float(one["train_error"][1].mean()) for one in datasets)
    assert measured[f"worst_train_error.{name}"].value == pytest.approx(worst)
    labels = {text.get_text() for text in figure.axes[0].texts}
    assert labels == {json.loads(one.attrs["spec"])["labels"]["network"] for one in datasets}
    assert "Solid: the fitted power" in caption


def test_few_networks_are_drawn_without_a_power():
    _, caption, figure = drawn(stability_networks, headline(CIFAR[:3]))
    assert "So few networks (3) say nothing about the relation" in caption
    assert not figure.axes[0].get_title()
    assert figure.axes[0].get_legend() is None


def test_labels_lie_on_no_other_label_where_there_is_room():
    figure, axes = plt.subplots()
    x = np.linspace(1, 2, 9)
    axes.plot(x, x % 0.3, "o")
    labels_beside(axes, x, x % 0.3, [f"network {number}" for number in range(9)])
    boxes = [text.get_window_extent(figure.canvas.get_renderer()) for text in axes.texts]
    assert len(boxes) == 9
    for number, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[number + 1 :])
    plt.close("all")


def samples(shares):
    shares = np.array([shares, shares])
    temperatures, cutoffs = [1e-3, 1e-2], [3, 5]
    found = xr.Dataset(
        {
            "reference": (("row", "col"), np.zeros((40, 40))),
            "deformed": (("cutoff", "temperature", "row", "col"), np.zeros((2, 2, 40, 40))),
            "unit_field": (("cutoff", "direction", "row", "col"), np.zeros((2, 2, 40, 40))),
            "lowest_temperature": ("cutoff", [1e-3, 1e-3]),
            "highest_temperature": ("cutoff", [1e-2, 1e-2]),
            "folded_share": (("cutoff", "displacement_share"), shares),
            "displacement": (("cutoff", "displacement_share"), np.ones_like(shares)),
            "expected_displacement": (("cutoff", "displacement_share"), np.ones_like(shares)),
            "folded_share_at_one_pixel": ("cutoff", [0.0, 1.0]),
        },
        {"cutoff": cutoffs, "temperature": temperatures, "displacement_share": [0.5, 1.0]},
    )
    return found.assign_attrs(fields=100, side=28, spec=json.dumps({"study": "stability-samples"}))


def test_no_or_every_field_that_folds_is_not_known_exactly():
    measured, _, figure = drawn(stability_samples, [samples([0.0, 1.0])])
    assert measured["folded_at_one_pixel.c3"].value == 0
    assert 0.005 < measured["folded_at_one_pixel.c3"].uncertainty < 0.03
    assert measured["folded_at_end.c5"].uncertainty == pytest.approx(
        measured["folded_at_one_pixel.c3"].uncertainty
    )
    bands = islice(figure.axes[1].collections, 2)
    for band in bands:
        heights = band.get_paths()[0].vertices[:, 1]
        # Wilson's: z^2 / (n + z^2) beside the share.
        assert heights.min() == pytest.approx(0.0, abs=1e-9)
        assert 0.03 < heights[heights < 0.5].max() < 0.04
        assert 0.96 < heights[heights > 0.5].min() < 0.97
