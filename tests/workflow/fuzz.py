"""Readers on damaged input: each must read it or raise the project's own error, in little memory.

`make fuzz SECONDS=3600` runs for that long in total and prints how many inputs were tried. Damage
is drawn from a seed, so that what was found can be found again.
"""

import argparse
import contextlib
import gzip
import io
import json
import random
import resource
import shutil
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from PIL import Image

from symlearn import config
from symlearn.datasets.cifar import load_batches, parse_batch
from symlearn.datasets.idx import parse_idx, read_bytes
from symlearn.datasets.pictures import labels_of, opened
from symlearn.datasets.sets import mnist_5k
from symlearn.errors import DataError, SymlearnError
from symlearn.menu.own_images import found_at
from symlearn.networks.checkpoints import read_tensors, write_tensors
from symlearn.pipeline import provenance, specs, store
from symlearn.pipeline.chain import chain, state_of
from symlearn.pipeline.stage import Inputs
from symlearn.tools.bundle import archive
from symlearn.tools.claims.form import load_claims
from symlearn.tools.forecast import records
from symlearn.tools.measure.report import published_errors
from symlearn.tools.poses import read_images

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "src/symlearn/papers/orbits/claims.yaml"
# A file that is laid over the config, with entries and a preset of one's own.
OVERLAY = """
preset: mine
architectures: {wide: {kind: mlp, hidden_layers: 2}}
networks: {small: {kind: perceptron, widths: [8, 8]}}
presets:
  mine:
    extends: quick
    seed: 7
    dataset: {name: digits, padding: 1, upsampling: 1}
    rotations: {n: [2, 4], pairs: 8, architectures: [wide, mlp-1]}
    stability: {draws: 2}
"""
LABELS = b"picture,class\na.png,3\nb.png,4\n"
PUBLISHED = b"model,error\nresnet18,0.08\nresnet50,0.07\n"
_MEMORY = 2**31  # bytes above what the imports took; a forged header asks for more
_FORGED = (0, 1, 0x7F, 0xFF, 2**15, 2**31 - 1, 2**31, 2**32 - 1)

Reader = Callable[[bytes, Path], object]


def damaged(whole: bytes, rng: random.Random) -> bytes:
    """The bytes with one to four faults: cut, flipped, forged lengths, doubled, shuffled parts."""
    data = bytearray(whole)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        fault = rng.randrange(6)
        if fault == 0:
            del data[at:]
        elif fault == 1:
            del data[at : at + rng.randint(1, 64)]
        elif fault == 2 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif fault == 3:  # lengths stand in the first bytes of most formats
            early = rng.randrange(64)
            data[early : early + 4] = struct.pack(">I", rng.choice(_FORGED))
        elif fault == 4:
            data[at:at] = data[at : at + rng.randint(1, 64)]
        else:
            data[at:at] = rng.randbytes(rng.randint(1, 16))
    return bytes(data)


def readers(folder: Path) -> dict[str, tuple[bytes, Reader]]:
    """For each reader something that it takes whole, and how it is called."""
    idx = struct.pack(">HBBIII", 0, 8, 3, 5, 4, 4) + bytes(range(80))
    cell = specs.Cell("kernels", "kernels", {"n": 8}, together="some")
    cell = specs.Cell("kernels", "some", {}, parts=(cell,))
    spec, spec_file = cell.spec, specs.write_spec(folder, cell)
    result = folder / "kernels" / "some-0123456789.nc"
    grams = np.random.default_rng(0).random((2, 12, 12))
    dataset = xr.Dataset({"gram": (("task", "point", "other"), grams)})
    store.write_parts({"kernels": dataset}, result, spec)
    provenance.write_sidecar(result, spec, [], time.time())
    weights = folder / "weights.safetensors"
    write_tensors({"a": torch.ones(3, 4)}, weights, {"spec": "{}"})
    cifar = bytes(10_000 * 3073)
    bundle = folder / "bundle.zip"
    archive.pack({"a/b.txt": b"text " * 50, "c.txt": b"more"}, bundle, {"preset": "quick"})

    def in_file(name: str, read: Callable[[Path], object]) -> Reader:
        def run(data: bytes, scratch: Path) -> object:
            (scratch / name).write_bytes(data)
            return read(scratch / name)

        return run

    def whole_bundle(path: Path) -> object:
        shutil.rmtree(path.parent / "unpacked", ignore_errors=True)
        return archive.unpack(path, path.parent / "unpacked")

    def whole_chain(data: bytes, scratch: Path) -> object:
        shutil.copy(result, scratch)
        provenance.sidecar(scratch / result.name).write_bytes(data)
        return [state_of(link) for link in chain(scratch / result.name)]

    def whole_result(data: bytes, scratch: Path) -> object:
        kernels = scratch / "kernels"
        kernels.mkdir(exist_ok=True)
        (kernels / result.name).write_bytes(data)
        shutil.copy(provenance.sidecar(result), kernels)
        return Inputs(scratch)(f"kernels/{result.stem}#kernels")

    def laid_over(path: Path) -> object:
        return config.load(ROOT / "config.yaml", path)

    def recorded(data: bytes, scratch: Path) -> object:
        with contextlib.chdir(scratch):
            made = Path("figures/quick/fig2.pdf")
            place = records._place(made)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            record = records.read_record(made)
            return record and record.has_same(Path("results/spec.json"), "{}")

    picture = io.BytesIO()
    Image.effect_noise((24, 24), 50).convert("RGB").save(picture, "png")
    jpeg = io.BytesIO()
    Image.effect_noise((24, 24), 50).convert("RGB").save(jpeg, "jpeg")
    own = io.BytesIO()
    np.savez_compressed(own, images=np.eye(5)[None].repeat(4, 0), labels=np.arange(4) % 2)
    record = {"input": ["results/spec.json"], "input_checksums": {"results/spec.json": "sha256:0"}}

    return {
        "idx": (idx, lambda data, _: parse_idx(data, "fuzzed")),
        "idx.gz": (gzip.compress(idx), _unpacked),
        "cifar": (cifar, lambda data, _: parse_batch(data, "fuzzed")),
        "cifar.gz": (gzip.compress(cifar), _batch_of),
        "csv.gz": (mnist_5k.installed().read_bytes(), in_file("x.csv.gz", mnist_5k.read_table)),
        "spec": (spec_file.read_bytes(), in_file(spec_file.name, specs.read_spec)),
        "config": ((ROOT / "config.yaml").read_bytes(), in_file("config.yaml", config.load)),
        "overlay": (OVERLAY.encode(), in_file("mine.yaml", laid_over)),
        "poses": (own.getvalue(), in_file("x.npz", lambda path: read_images(path, None))),
        "own images": (own.getvalue(), in_file("y.npz", _own_images)),
        "labels": (LABELS, in_file("labels.csv", _labels)),
        "published": (PUBLISHED, in_file("published.csv", published_errors)),
        "png": (picture.getvalue(), in_file("x.png", opened)),
        "jpeg": (jpeg.getvalue(), in_file("x.jpg", opened)),
        "record": (json.dumps(record).encode(), recorded),
        "claims": (CLAIMS.read_bytes(), in_file("claims.yaml", load_claims)),
        "netcdf": (result.read_bytes(), whole_result),
        "safetensors": (weights.read_bytes(), in_file("w.safetensors", read_tensors)),
        "sidecar": (provenance.sidecar(result).read_bytes(), whole_chain),
        "bundle": (bundle.read_bytes(), in_file(bundle.name, whole_bundle)),
    }


def _own_images(path: Path) -> object:
    """As the config asks, whose faults are ValueErrors that it makes its own errors of."""
    try:
        return found_at(path)
    except ValueError as error:
        raise DataError(str(error)) from None


def _labels(path: Path) -> object:
    return labels_of([path.with_name("a.png")], path.parent, path, [])


def _unpacked(data: bytes, scratch: Path) -> object:
    (scratch / "x.gz").write_bytes(data)
    return parse_idx(read_bytes(scratch / "x.gz"), "fuzzed")


def _batch_of(data: bytes, scratch: Path) -> object:
    (scratch / "data_batch_1.bin.gz").write_bytes(data)
    return load_batches(["data_batch_1.bin"], scratch, scratch)


def try_one(read: Reader, data: bytes, scratch: Path) -> str | None:
    """Read; returns what went wrong, or None where it was read or refused in the project's way."""
    try:
        read(data, scratch)
    except SymlearnError as error:
        return None if "\n" not in str(error) else f"several lines: {error}"
    except Exception as error:  # what this looks for
        return f"{type(error).__name__}: {error}"
    return None


def fuzz(seconds: float, count: int | None, seed: int) -> tuple[dict[str, int], list[str]]:
    """Inputs tried for each reader, and what went wrong, for that long or that often each."""
    tried: dict[str, int] = {}
    faults = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = readers(folder)
        scratch = folder / "scratch"
        scratch.mkdir()
        for reader, (whole, read) in known.items():
            end, tried[reader] = time.monotonic() + seconds / len(known), 0
            while tried[reader] != count and time.monotonic() < end:
                rng = random.Random(f"{seed}/{reader}/{tried[reader]}")
                found = try_one(read, damaged(whole, rng), scratch)
                if found is not None:
                    faults.append(f"{reader} {seed}/{tried[reader]}: {found}")
                tried[reader] += 1
    return tried, faults


def main() -> int:
    """Fuzz all readers; exit status 1 where one did anything but read or refuse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
    tried, faults = fuzz(given.seconds, None, given.seed)
    print(json.dumps(tried))
    print("\n".join(faults[:20]) or "no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
