"""Data files: a local folder first, else downloaded over TLS; always checked."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import pooch
import requests

from symlearn.datasets.idx import read_bytes
from symlearn.datasets.sources import RemoteFile
from symlearn.errors import DataError

log = logging.getLogger("symlearn")

_ATTEMPTS = 3
_TIMEOUT_S = 30
_CHUNK = 2**16
pooch.get_logger().setLevel(logging.WARNING)  # `log` says which file is downloaded


def find_file(
    file: RemoteFile, dataset: str, mirrors: Sequence[str], data_root: Path | None, cache: Path
) -> bytes:
    """The unpacked bytes of a data set's file, its checksum verified.

    Looked for under `data_root` (in it, or in its folder named as the data set; packed or not),
    then in `cache`, then downloaded to `cache`. Raises DataError.
    """
    plain = file.name.removesuffix(".gz")
    roots = [] if data_root is None else [data_root / dataset, data_root]
    for folder in [*roots, cache / dataset]:
        for name in (file.name, plain):
            if is_file(folder / name):
                return _verified(folder / name, file)
    fetched = download(file, mirrors, cache / dataset, [*roots, cache / dataset])
    return _verified(fetched, file)


def download(
    file: RemoteFile, mirrors: Sequence[str], folder: Path, looked_into: Sequence[Path] = ()
) -> Path:
    """Fetch a file from the first mirror that has it; three rounds, resuming what is there.

    Raises DataError that says what each mirror answered, which folders were `looked_into` before,
    and what to do.
    """
    answers: dict[str, str] = {}
    for _ in range(_ATTEMPTS):
        for mirror in mirrors:
            try:
                fetched = pooch.retrieve(
                    url=mirror + file.name,
                    known_hash=f"sha256:{file.packed}",
                    fname=file.name,
                    path=folder,
                    downloader=_resume,
                )
                return Path(fetched)
            except requests.RequestException as error:
                answers[mirror] = type(error).__name__
            except ValueError:  # pooch: the checksum is wrong
                answers[mirror] = "wrong checksum"
                _part(folder / file.name).unlink(missing_ok=True)
            except OSError as error:
                if error.errno is None and not isinstance(error, PermissionError):
                    # Not the system's, but a setting's of `requests`.
                    raise DataError(f"{file.name}: cannot be downloaded: {error}") from None
                raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from None
    tried = "; ".join(f"{mirror}: {answer}" for mirror, answer in answers.items())
    looked = ", ".join(str(path) for path in looked_into or [folder])
    raise DataError(
        f"{file.name}: is not in {looked}, and could not be downloaded ({tried}); "
        "put it into a folder and give it as data_root, or try again with a network"
    )


def _resume(url: str, output_file: str, manager: object) -> None:
    """Pooch's downloader: continue a partial file that an earlier, broken attempt left."""
    part = _part(Path(url.rsplit("/", 1)[1]), Path(output_file).parent)
    start = part.stat().st_size if part.exists() else 0
    # the file's own bytes, so that a size is an offset and a .gz arrives packed
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
        answer.raise_for_status()
        resumed = answer.status_code == requests.codes.partial_content
        log.info("%s %s", "continuing" if resumed else "downloading", url)
        with part.open("ab" if resumed else "wb") as stream:
            for chunk in answer.iter_content(_CHUNK):
                stream.write(chunk)
    part.replace(output_file)


def _part(target: Path, folder: Path | None = None) -> Path:
    """Where the partial download of a file lies."""
    return (folder or target.parent) / f"{target.name}.part"


def is_file(path: Path) -> bool:
    """Whether a path is a file; raises DataError where its folder may not be read."""
    try:
        return path.is_file()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def _verified(path: Path, file: RemoteFile) -> bytes:
    """The file's unpacked bytes; raises DataError unless a pinned checksum fits."""
    content = read_bytes(path)
    if file.unpacked is not None:
        found, expected = hashlib.sha256(content).hexdigest(), file.unpacked
    elif path.suffix == ".gz":
        found, expected = hashlib.sha256(path.read_bytes()).hexdigest(), file.packed
    else:
        raise DataError(f"{path}: only the packed file {file.name} can be verified; put that there")
    if found != expected:
        raise DataError(
            f"{path}: wrong checksum (SHA-256 {found[:12]}..., expected {expected[:12]}...); "
            "it is not the published file: delete it and fetch it again"
        )
    return content
