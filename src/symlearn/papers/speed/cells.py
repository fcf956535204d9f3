"""The study of speed."""

from symlearn.menu.kinds import standard_architecture
from symlearn.menu.values import Context
from symlearn.papers.speed.settings import Speed
from symlearn.pipeline.frame import dataset_cell, study_cell
from symlearn.pipeline.specs import Cell

_GROUP = "cyclic-rotation"


def speed(context: Context, speed: Speed) -> list[Cell]:
    """What kernels, theory, training and jobs cost, by their sizes."""
    sizes = speed.model_dump()
    axes = {name: sizes[name] for name in ("n", "pairs", "padding", "width")}
    dense, convolutional = map(standard_architecture, ("mlp-1", "cnn-gap-3"))
    settings = {
        "group": _GROUP,
        "axes": axes,
        "base": {name: values[0] for name, values in axes.items()},
        "jobs": sizes["jobs"],
        "cores": sizes["cores"],
        "dense": dense,
        "convolutional": convolutional,
        "seed": context.seed,
    }
    uses = {("networks", "ntk")}
    uses |= {("architectures", entry["kind"]) for entry in (dense, convolutional)}
    data = dataset_cell(context.dataset.image_set)
    return [study_cell("speed", "speed.timings", [data], settings, uses=frozenset(uses))]
