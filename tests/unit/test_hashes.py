"""Hashes of source: what changes them, and that the file that keeps them changes nothing."""

import json

import pytest

from symlearn.pipeline import hashes
from symlearn.pipeline.hashes import code_sha256, sha256, tree_sha256

SOURCE = '''"""A module."""

from math import pi

SIZES = (1, 2.0, "3")  # a comment


class Kind:
    """A class."""

    size: int = 1


@decorated
def area(radius, scale=1.0, *, power=2):
    """A function."""
    if radius < 0:
        return None
    return scale * pi * radius**power
'''

SAME = {
    "comment": ("# a comment", "# other words"),
    "no comment": ("  # a comment", ""),
    "docstring of the module": ('"""A module."""', '"""Better words.\n\nAnd more.\n"""'),
    "no docstring of the module": ('"""A module."""\n', ""),
    "docstring of a class": ("A class.", "What it is."),
    "docstring of a function": ("A function.", "What it gives."),
    "no docstring of a function": ('    """A function."""\n', ""),
    "text after a constant": ("size: int = 1\n", 'size: int = 1\n    """What it is."""\n'),
    "blank line": ("    if radius", "\n\n    if radius"),
    "line break": ('(1, 2.0, "3")', '(\n    1,\n    2.0,\n    "3",\n)'),
    "backslash": ("scale * pi", "scale \\\n        * pi"),
    "quotes": ('"3"', "'3'"),
    "parentheses": ("scale * pi * radius**power", "(scale * pi) * (radius**power)"),
    "way to write a number": ("2.0", "2.00"),
    "spaces": ("scale=1.0", "scale = 1.0"),
}
OTHER = {
    "constant": ("2.0", "2.5"),
    "whole number": ("2.0", "2"),
    "truth": ("size: int = 1", "size: int = True"),
    "negative": ("(1,", "(-1,"),
    "text of a number": ("(1,", '("1",'),
    "number of a text": ('"3"', "3"),
    "bytes of a text": ('"3"', 'b"3"'),
    "empty text": ('"3"', '""'),
    "nothing": ('"3"', "None"),
    "order": ('(1, 2.0, "3")', '(2.0, 1, "3")'),
    "list of a tuple": ('(1, 2.0, "3")', '[1, 2.0, "3"]'),
    "name": ("from math import pi", "from math import e as pi"),
    "module": ("from math", "from cmath"),
    "name of an argument": ("radius", "r"),
    "operator": ("scale * pi", "scale / pi"),
    "comparison": ("radius < 0", "radius <= 0"),
    "grouping": ("scale * pi * radius**power", "scale * (pi * radius)**power"),
    "default argument": ("scale=1.0", "scale=2.0"),
    "no default argument": ("scale=1.0", "scale"),
    "default of a keyword": ("power=2", "power=3"),
    "kind of argument": ("*, power", "power"),
    "decorator": ("@decorated", "@cached"),
    "no decorator": ("@decorated\n", ""),
    "annotation": ("size: int", "size: float"),
    "base class": ("class Kind:", "class Kind(Base):"),
    "returned value": ("return None", "return 0"),
    "statement": ("    if radius", "    radius += 1\n    if radius"),
    "indentation": ("        return None\n    return", "        return None\n        return"),
    "text that is used": ('SIZES = (1, 2.0, "3")', 'SIZES = "A module."'),
}


def changed(change):
    before, after = change
    assert before in SOURCE
    return SOURCE.replace(before, after)


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Where hashes are kept, in place of the package's own file."""
    path = tmp_path / "kept" / "code-hashes.json"
    monkeypatch.setattr(hashes, "_CACHE", path)
    forgotten()
    yield path
    forgotten()


def forgotten():
    """As in a new process, which has read no file yet."""
    hashes._kept.cache_clear()


@pytest.mark.parametrize("change", SAME)
def test_words_and_layout_change_no_hash(change):
    source = changed(SAME[change])
    assert source != SOURCE
    assert tree_sha256(source) == tree_sha256(SOURCE)


@pytest.mark.parametrize("change", OTHER)
def test_what_a_source_does_changes_its_hash(change):
    assert tree_sha256(changed(OTHER[change])) != tree_sha256(SOURCE)


def test_no_two_of_these_changes_have_one_hash():
    found = {tree_sha256(changed(change)) for change in OTHER.values()}
    assert len(found) == len(OTHER)


def test_a_number_and_its_text_differ_wherever_they_stand():
    for one, other in (("1", '"1"'), ("True", '"True"'), ("None", '"None"'), ("1", "1.0")):
        for frame in ("x = {}", "f({})", "f(x={})", "[{}]", "{{0: {}}}", "{{{}: 0}}", "x[{}]"):
            pair = frame.format(one), frame.format(other)
            assert tree_sha256(pair[0]) != tree_sha256(pair[1]), pair


def test_words_that_stand_alone_do_nothing_and_those_that_are_used_do():
    assert tree_sha256('"""Words."""\n"""And more."""\n') == tree_sha256('"""Others."""')
    assert tree_sha256('f("Words.")') != tree_sha256('f("Other words.")')


def test_the_hash_is_the_same_with_the_file_that_keeps_hashes_and_without(module, cache):
    first = code_sha256(module)
    assert first == tree_sha256(SOURCE)
    assert json.loads(cache.read_text()) == {sha256(module): first}
    forgotten()
    assert code_sha256(module) == first
    cache.unlink()
    forgotten()
    assert code_sha256(module) == first


def test_a_kept_hash_is_taken_and_nothing_is_parsed(module, cache, monkeypatch):
    first = code_sha256(module)
    forgotten()
    monkeypatch.setattr(hashes, "tree_sha256", None)
    assert code_sha256(module) == first


def test_an_edit_is_seen_although_the_hash_of_before_is_kept(module, cache):
    first = code_sha256(module)
    module.write_text(changed(OTHER["constant"]))
    forgotten()
    assert code_sha256(module) == tree_sha256(module.read_text()) != first
    module.write_text(changed(SAME["comment"]))
    assert code_sha256(module) == first


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"3"])
def test_a_damaged_file_of_hashes_is_ignored_and_written_anew(module, cache, damage):
    cache.parent.mkdir()
    cache.write_bytes(damage)
    assert code_sha256(module) == tree_sha256(SOURCE)
    assert json.loads(cache.read_text()) == {sha256(module): tree_sha256(SOURCE)}


def test_a_file_of_hashes_that_is_cut_short_is_ignored(module, cache):
    first = code_sha256(module)
    content = cache.read_bytes()
    for kept in range(0, len(content), 7):
        cache.write_bytes(content[:kept])
        forgotten()
        assert code_sha256(module) == first


def test_hashes_are_had_where_none_can_be_kept(module, cache):
    cache.parent.write_text("a file, not a folder")
    assert code_sha256(module) == tree_sha256(SOURCE)
    assert cache.parent.read_text() == "a file, not a folder"


def test_letters_beyond_ascii_are_read_in_any_locale(module, cache):
    module.write_bytes('NAME = "Émilie"\n'.encode())
    assert code_sha256(module) == tree_sha256('NAME = "Émilie"')
