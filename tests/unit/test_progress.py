import pytest

from symlearn import progress as module
from symlearn.progress import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by ten seconds whenever it is read."""
    readings = iter(range(0, 10_000, 10))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(readings)))


def test_a_log_gets_plain_lines_with_an_estimate(capsys, clock):
    assert list(progress(list("abcdef"), "Gram matrices")) == list("abcdef")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "Gram matrices: 2/6, about 40 s left",
        "Gram matrices: 4/6, about 20 s left",
    ]


def test_a_short_loop_says_nothing_in_a_log(capsys):
    assert list(progress([1, 2, 3], "Gram matrices")) == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_a_quiet_loop_says_nothing(capsys, clock, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(progress(range(100), "Gram matrices", quiet=True)) == list(range(100))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(progress([1, 2, 3], "Gram matrices")) == [1, 2, 3]
    err = capsys.readouterr().err
    assert "Gram matrices" in err
    assert "3/3" in err


def test_nothing_to_do_is_no_error(capsys):
    assert list(progress([], "Gram matrices")) == []
