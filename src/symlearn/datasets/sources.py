"""Files on servers, with their checksums."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """A gzipped file with the SHA-256 of its packed and (where known) unpacked bytes."""

    name: str
    packed: str
    unpacked: str | None = None


@dataclass(frozen=True)
class Source:
    """A data set's files and the servers that have them, in the order they are tried."""

    mirrors: tuple[str, ...]
    images: RemoteFile
    labels: RemoteFile
