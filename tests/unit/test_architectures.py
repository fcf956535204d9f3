from importlib import import_module
from inspect import signature

import pytest
from pydantic import TypeAdapter, ValidationError

from symlearn.config import Architecture
from symlearn.errors import ConfigError
from symlearn.menu.kinds import STANDARD, kinds, models, standard_architecture
from symlearn.menu.layers import (
    Convolution,
    Dense,
    Flatten,
    GlobalAveragePool,
    RadialBasis,
    Relu,
    layers_of,
)
from symlearn.menu.lookup import module_of


@pytest.mark.parametrize("name", STANDARD)
def test_a_standard_name_is_short_for_its_entry(name):
    entry = STANDARD[name]
    filled = models()[entry["kind"]].model_validate(entry).model_dump()
    assert filled.items() >= entry.items()
    assert filled == standard_architecture(name)
    assert layers_of(name) == layers_of(entry) == layers_of(filled)


def test_layers_are_those_of_the_papers():
    dense, relu = Dense(bias=True), Relu()
    assert layers_of("mlp-1") == (Flatten(), dense, relu, dense)
    assert layers_of("mlp-5") == (Flatten(), *(dense, relu) * 5, dense)
    readout = (Flatten(), Dense(bias=False))
    assert layers_of("cnn-fc-3") == (Convolution(3), relu, *readout)
    assert layers_of("cnn-gap-3") == (Convolution(3), relu, GlobalAveragePool(), *readout)


def test_entries_can_be_of_any_kind_and_depth():
    entry = {"kind": "cnn", "convolutions": 2, "filter_size": 5, "readout": "gap"}
    assert layers_of(entry).count(Convolution(5)) == 2
    assert layers_of({"kind": "rbf", "inverse_length": 0.5}) == (RadialBasis(0.5),)
    assert entry["kind"] == "cnn"


def test_every_kind_has_a_model_with_the_parameters_of_its_layers():
    assert list(models()) == kinds()
    assert {"cnn", "mlp", "rbf"} <= set(kinds())
    for kind, model in models().items():
        layers = import_module(module_of("symlearn.menu.architectures", kind)).layers
        assert list(model.model_fields) == ["kind", *signature(layers).parameters]


def test_defaults_are_one_convolution_of_three_pixels():
    filled = models()["cnn"].model_validate({"kind": "cnn", "readout": "flatten"}).model_dump()
    assert filled == {"kind": "cnn", "readout": "flatten", "filter_size": 3, "convolutions": 1}


REFUSED = [
    {"kind": "cnn", "readout": "gap", "filter_size": 4},
    {"kind": "cnn", "readout": "gap", "filter_size": 0},
    {"kind": "cnn", "readout": "gap", "convolutions": 17},
    {"kind": "cnn", "readout": "max"},
    {"kind": "cnn"},
    {"kind": "mlp", "hidden_layers": 0},
    {"kind": "mlp", "hidden_layers": 1, "width": 10},
    {"kind": "rbf", "inverse_length": 0},
    {"kind": "recurrent"},
]


@pytest.mark.parametrize("entry", REFUSED, ids=str)
def test_an_entry_out_of_range_is_refused(entry):
    with pytest.raises(ValidationError):
        TypeAdapter(Architecture).validate_python(entry)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="'cnn-gap-4' is unknown; allowed: mlp-1"):
        layers_of("cnn-gap-4")
