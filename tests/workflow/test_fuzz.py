import pytest

from .fuzz import fuzz


@pytest.mark.parametrize("seed", [0, 1])
def test_readers_take_damaged_input_or_refuse_it_in_one_line(seed):
    """A little of what `make fuzz` does for as long as it is told."""
    tried, faults = fuzz(seconds=600, count=30, seed=seed)
    assert faults == []
    assert set(tried.values()) == {30}
