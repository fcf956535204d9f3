"""Published models by their names in `timm`, with weights from a file, from the hub, or random.

timm is an optional dependency (the extra `timm`), and nothing else imports this module.
"""

import difflib
import importlib
import pickle
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from symlearn.errors import ConfigError, DataError, StoreError, SymlearnError
from symlearn.networks.checkpoints import read_tensors

_SHOWN = 5  # names that are like an unknown one
_WRAPPERS = ("state_dict", "model", "state_dict_ema", "model_ema")


def timm_model(name: str, weights: str = "random", seed: int = 0) -> nn.Module:
    """A model of timm in evaluation mode, without gradients.

    `weights` is "random" (initialised by `seed`), "hub" (timm's own, needs a network or its
    cache), or the path of a safetensors or PyTorch file; the latter is read as weights only,
    which runs no code of the file's. Raises SymlearnError where timm is not installed, ConfigError
    for a name that it does not have or that is no classifier, and DataError for weights that cannot
    be had or are of another architecture.
    """
    timm = _timm()
    if name.split(".")[0] not in timm.list_models():
        near = difflib.get_close_matches(name, timm.list_models(), n=_SHOWN, cutoff=0.5)
        hint = f"the nearest names are {', '.join(near)}" if near else "see timm.list_models()"
        raise ConfigError(f"timm has no model {name!r}; {hint}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _from_hub(timm, name) if weights == "hub" else timm.create_model(name)
    if not getattr(model, "num_classes", 0):
        raise ConfigError(
            f"{name} is no classifier: its outputs are features, which have no probabilities; "
            "choose a model with classes"
        )
    if weights not in ("hub", "random"):
        load_weights(model, Path(weights), name)
    return model.eval().requires_grad_(False)


def transform_of(model: nn.Module) -> Callable[[Any], torch.Tensor]:
    """What timm does to a picture (PIL) before this model sees it at a test."""
    data = importlib.import_module("timm.data")
    return data.create_transform(**data.resolve_model_data_config(model), is_training=False)


def load_weights(model: nn.Module, path: Path, name: str) -> None:
    """Give a model the weights of a file; raises DataError where they are not of this model."""
    found = {key.removeprefix("module."): value for key, value in _tensors(path).items()}
    own = model.state_dict()
    lacking = [key for key in own if key not in found]
    foreign = [key for key in found if key not in own]
    misshapen = [key for key in own if key in found and own[key].shape != found[key].shape]
    if lacking or foreign or misshapen:
        counted = {"missing": lacking, "unknown": foreign, "of another shape": misshapen}
        faults = [f"{len(k)} {what} (first {k[0]})" for what, k in counted.items() if k]
        raise DataError(f"{path}: holds weights of another architecture than {name}; of the "
                        f"{len(own)} tensors: {', '.join(faults)}")  # fmt: skip
    model.load_state_dict(found)


def _tensors(path: Path) -> Mapping[str, torch.Tensor]:
    """The named tensors of a safetensors or PyTorch file."""
    if not path.is_file():
        raise DataError(f"{path}: no such file of weights; weights are 'random', 'hub' or a file")
    if path.suffix == ".safetensors":
        try:
            return read_tensors(path)[0]
        except StoreError as error:
            raise DataError(str(error).removesuffix("; delete it")) from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise DataError(f"{path}: cannot be read as weights alone: {reason}") from None
    for key in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise DataError(f"{path}: holds no named tensors; save the model's state_dict()")
    return content


def _from_hub(timm: Any, name: str) -> nn.Module:
    try:
        return timm.create_model(name, pretrained=True)
    except (OSError, RuntimeError) as error:
        reason = str(error).split("\n")[0]
        raise DataError(
            f"the weights of {name} cannot be had from the hub ({reason}); without a network, "
            "give the path of a file"
        ) from None


@cache
def _schemas() -> torch.library.Library:
    """Two operations of torchvision that its build for another device declares too late.

    Beside a torch for the CPU alone, torchvision from a public index has no operations, and its
    import fails at the first that it describes. None of the models here uses them.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operation in ("nms", "qnms"):
        library.define(f"{operation}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def _timm() -> Any:
    try:
        return importlib.import_module("timm")
    except ImportError as error:
        raise SymlearnError(
            f"timm cannot be imported ({error}): pip install 'symlearn[published]', or timm and "
            "torchvision"
        ) from None
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        _schemas()
        return importlib.import_module("timm")
