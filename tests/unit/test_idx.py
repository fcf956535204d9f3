import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symlearn.datasets.idx import parse_idx, read_bytes, read_idx
from symlearn.errors import DataError


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
WHOLE = idx(IMAGES)


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (0, 28, 28)])
def test_an_array_comes_back_as_it_was_written(tmp_path, shape):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    (tmp_path / "plain").write_bytes(idx(array))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx(array)))
    for name in ("plain", "packed.gz"):
        found = read_idx(tmp_path / name)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, array, strict=True)


DAMAGED = {
    "empty": b"",
    "wrong-magic-number": b"\1" + WHOLE[1:],
    "another-type": b"\0\0\x0d" + WHOLE[3:],
    "cut-in-magic-number": WHOLE[:3],
    "cut-in-header": WHOLE[:10],
    "truncated": WHOLE[:-1],
    "extra-bytes": WHOLE + b"\0",
    "no-axes": b"\0\0\x08\0\0",
    "huge-header": b"\0\0\x08\3" + b"\xff" * 12 + b"\0" * 8,
    "huge-but-empty": b"\0\0\x08\3" + b"\xff" * 8 + b"\0" * 4,
    "too-many-axes": b"\0\0\x08\x46" + b"\0\0\0\1" * 0x46 + b"\0",
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("fault", DAMAGED)
def test_a_damaged_file_is_named(tmp_path, fault, packed):
    path = tmp_path / ("images.gz" if packed else "images")
    path.write_bytes(gzip.compress(DAMAGED[fault]) if packed else DAMAGED[fault])
    with pytest.raises(DataError) as raised:
        read_idx(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("length", [0, 1, 5, 20, -9, -1])
def test_a_truncated_gzip_file_is_named(tmp_path, length):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(WHOLE)[:length])
    with pytest.raises(DataError, match=r"images\.gz: is no"):
        read_idx(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: cannot be read: No such file"):
        read_bytes(tmp_path / "nowhere")


headers = st.builds(
    lambda rank, dims, rest: bytes([0, 0, 8, rank]) + dims + rest,
    st.integers(0, 255),
    st.lists(st.sampled_from([0, 1, 2, 2**16, 2**32 - 1])).map(
        lambda sizes: b"".join(size.to_bytes(4, "big") for size in sizes)
    ),
    st.binary(max_size=8),
)


def result_or_message(function, *arguments):
    try:
        return function(*arguments)
    except DataError as error:
        return str(error)


@given(st.one_of(st.binary(), headers))
def test_any_bytes_are_an_array_or_a_data_error(content):
    result = result_or_message(parse_idx, content, "bytes")
    if isinstance(result, str):
        assert result.startswith("bytes: ")
    else:
        assert idx(result) == content


@given(st.one_of(st.binary(), st.binary().map(lambda tail: b"\x1f\x8b\x08" + tail)))
def test_any_packed_bytes_are_bytes_or_a_data_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.gz"
    path.write_bytes(content)
    result = result_or_message(read_bytes, path)
    if isinstance(result, str):
        assert result.startswith(f"{path}: ")
    else:
        assert gzip.decompress(content) == result
