import gzip
import hashlib
import http.server
import re
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from symlearn.datasets.files import download, find_file
from symlearn.datasets.sets import fashion_mnist, mnist
from symlearn.datasets.sources import RemoteFile
from symlearn.errors import DataError

PLAIN = hashlib.shake_256(b"incompressible").digest(200_000)
PACKED = gzip.compress(PLAIN, mtime=0)
NAME = "images.gz"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


FILE = RemoteFile(NAME, packed=sha256(PACKED), unpacked=sha256(PLAIN))
ONLY_PACKED = RemoteFile(NAME, packed=sha256(PACKED))


@dataclass
class Server:
    """What a loopback server answers, and what it was asked for."""

    url: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    cuts: int = 0
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)


def start_of(wanted):
    return int(re.fullmatch(r"bytes=(\d+)-", wanted).group(1))


def handler(state):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers["Range"] if state.ranges else None
            state.asked.append((self.path, self.headers["Range"]))
            content = state.content.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = start_of(wanted) if wanted else 0
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:] if not state.cuts else content[: len(content) // 2])
            state.cuts = max(0, state.cuts - 1)

        def log_message(self, *_):
            pass

    return Handler


@pytest.fixture
def server():
    state = Server()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(state)) as running:
        state.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        running.shutdown()
        thread.join()


@pytest.fixture
def closed():
    """The address of a mirror that answers nothing."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


def files_below(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("folder", ["root/set", "root", "cache/set"])
@pytest.mark.parametrize(("name", "content"), [(NAME, PACKED), ("images", PLAIN)])
def test_a_local_file_is_used_packed_or_not(tmp_path, closed, folder, name, content):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / name).write_bytes(content)
    found = find_file(FILE, "set", [closed], tmp_path / "root", tmp_path / "cache")
    assert found == PLAIN
    assert files_below(tmp_path) == [name]


def test_the_data_sets_own_folder_comes_before_data_root_and_the_cache(tmp_path, closed):
    for folder, text in [("root/set", PACKED), ("root", b"other"), ("cache/set", b"other")]:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / NAME).write_bytes(text)
    assert find_file(FILE, "set", [closed], tmp_path / "root", tmp_path / "cache") == PLAIN


def test_without_a_data_root_the_cache_is_looked_into(tmp_path, closed):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / NAME).write_bytes(PACKED)
    assert find_file(ONLY_PACKED, "set", [closed], None, tmp_path) == PLAIN


@pytest.mark.parametrize("file", [FILE, ONLY_PACKED], ids=["both-pinned", "packed-pinned"])
def test_a_wrong_checksum_names_the_file(tmp_path, closed, file):
    path = tmp_path / NAME
    path.write_bytes(gzip.compress(PLAIN[:-1]))
    with pytest.raises(DataError, match=rf"{re.escape(str(path))}: wrong checksum .* delete it"):
        find_file(file, "set", [closed], tmp_path, tmp_path / "cache")


def test_an_unpacked_file_without_a_pinned_checksum_is_refused(tmp_path, closed):
    (tmp_path / "images").write_bytes(PLAIN)
    with pytest.raises(DataError, match=r"images: only the packed file images\.gz can be verified"):
        find_file(ONLY_PACKED, "set", [closed], tmp_path, tmp_path / "cache")


def test_an_unreadable_file_is_named(tmp_path, closed, monkeypatch):
    path = tmp_path / NAME
    path.write_bytes(PACKED)

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=rf"{re.escape(str(path))}: cannot be read: Permission"):
        find_file(FILE, "set", [closed], tmp_path, tmp_path / "cache")


def test_an_unreadable_folder_is_named(tmp_path, closed, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(DataError, match=rf"{re.escape(str(tmp_path))}.*: cannot be read: Perm"):
        find_file(FILE, "set", [closed], tmp_path, tmp_path / "cache")


def test_a_folder_in_place_of_the_file_counts_as_missing(tmp_path, server):
    (tmp_path / "root" / NAME).mkdir(parents=True)
    server.content["/" + NAME] = PACKED
    found = find_file(FILE, "set", [server.url + "/"], tmp_path / "root", tmp_path / "cache")
    assert found == PLAIN


def test_a_missing_file_without_network_is_one_line_that_says_what_to_do(tmp_path, closed):
    with pytest.raises(DataError) as raised:
        find_file(FILE, "set", [closed, closed + "b/"], tmp_path / "root", tmp_path / "cache")
    message = str(raised.value)
    assert message.startswith(f"{NAME}: ")
    assert "data_root" in message
    root, cache = tmp_path / "root", tmp_path / "cache"
    assert f"is not in {root / 'set'}, {root}, {cache / 'set'}, and could not" in message
    assert f"{closed}: ConnectionError; {closed}b/: ConnectionError" in message
    assert "\n" not in message
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_cache_that_cannot_be_written_is_named(tmp_path, closed, below):
    (tmp_path / "cache").write_text("a file, not a folder")
    folder = tmp_path / "cache" / below
    with pytest.raises(DataError, match=rf"{re.escape(str(folder))}: cannot be written: \w"):
        download(FILE, [closed], folder)


def test_a_cache_without_permission_says_so(tmp_path, closed, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    with pytest.raises(DataError, match=r"cannot be written: .*Permission denied"):
        download(FILE, [closed], tmp_path)


def test_a_download_is_kept_under_its_name_and_not_repeated(tmp_path, server):
    server.content["/" + NAME] = PACKED
    for _ in range(2):
        assert find_file(FILE, "set", [server.url + "/"], None, tmp_path) == PLAIN
    assert (tmp_path / "set" / NAME).read_bytes() == PACKED
    assert files_below(tmp_path) == [NAME]
    assert server.asked == [("/" + NAME, None)]


def test_the_second_mirror_serves_where_the_first_does_not(tmp_path, server, closed):
    server.content["/good/" + NAME] = PACKED
    mirrors = [closed, f"{server.url}/bad/", f"{server.url}/good/"]
    assert download(FILE, mirrors, tmp_path).read_bytes() == PACKED
    assert [path for path, _ in server.asked] == ["/bad/" + NAME, "/good/" + NAME]
    assert files_below(tmp_path) == [NAME]


def test_a_broken_transfer_is_resumed_where_it_broke(tmp_path, server):
    server.content["/" + NAME] = PACKED
    server.cuts = 1
    assert download(FILE, [server.url + "/"], tmp_path).read_bytes() == PACKED
    first, second = (wanted for _, wanted in server.asked)
    assert first is None
    assert 0 < start_of(second) <= len(PACKED) // 2
    assert files_below(tmp_path) == [NAME]


def test_a_broken_transfer_is_resumed_from_another_mirror(tmp_path, server):
    server.content |= {"/a/" + NAME: PACKED, "/b/" + NAME: PACKED}
    server.cuts = 1
    path = download(FILE, [f"{server.url}/a/", f"{server.url}/b/"], tmp_path)
    assert path.read_bytes() == PACKED
    (_, first), (where, second) = server.asked
    assert (first, where) == (None, "/b/" + NAME)
    assert 0 < start_of(second) <= len(PACKED) // 2


def test_a_server_without_ranges_is_read_from_the_start(tmp_path, server):
    server.content["/" + NAME] = PACKED
    server.cuts, server.ranges = 1, False
    assert download(FILE, [server.url + "/"], tmp_path).read_bytes() == PACKED


def test_a_transfer_that_always_breaks_leaves_nothing_under_the_final_name(tmp_path, server):
    server.content["/" + NAME] = PACKED
    server.cuts, server.ranges = 100, False
    with pytest.raises(DataError, match=r"images\.gz: .*ChunkedEncodingError"):
        download(FILE, [server.url + "/"], tmp_path)
    assert files_below(tmp_path) == [NAME + ".part"]
    server.cuts = 0
    assert download(FILE, [server.url + "/"], tmp_path).read_bytes() == PACKED
    assert files_below(tmp_path) == [NAME]


def test_a_partial_file_that_is_too_long_is_dropped(tmp_path, server):
    server.content["/" + NAME] = PACKED
    (tmp_path / f"{NAME}.part").write_bytes(PACKED + b"more")
    assert download(FILE, [server.url + "/"], tmp_path).read_bytes() == PACKED
    assert files_below(tmp_path) == [NAME]


def test_a_foreign_partial_file_is_dropped(tmp_path, server):
    server.content["/" + NAME] = PACKED
    (tmp_path / f"{NAME}.part").write_bytes(b"of another file")
    assert download(FILE, [server.url + "/"], tmp_path).read_bytes() == PACKED
    assert files_below(tmp_path) == [NAME]


def test_a_wrong_checksum_from_one_mirror_is_mended_by_the_next(tmp_path, server):
    server.content |= {"/a/" + NAME: PACKED[:-1] + b"?", "/b/" + NAME: PACKED}
    path = download(FILE, [f"{server.url}/a/", f"{server.url}/b/"], tmp_path)
    assert path.read_bytes() == PACKED
    assert [wanted for _, wanted in server.asked] == [None, None]
    assert files_below(tmp_path) == [NAME]


def test_wrong_checksums_from_all_mirrors_leave_nothing(tmp_path, server):
    server.content["/" + NAME] = b"an error page"
    with pytest.raises(DataError, match=r"images\.gz: .*/: wrong checksum"):
        download(FILE, [server.url + "/"], tmp_path)
    assert files_below(tmp_path) == []


def test_every_source_is_pinned_and_has_a_second_mirror_over_tls():
    for source in (mnist.SOURCE, fashion_mnist.SOURCE):
        assert len(source.mirrors) >= 2
        assert all(re.fullmatch(r"https://.*/", mirror) for mirror in source.mirrors)
        for file in (source.images, source.labels):
            assert re.fullmatch(r"[0-9a-f]{64}", file.packed)
            assert file.name.endswith(".gz")
