import subprocess
import sys
from pathlib import Path

import pytest

from .fuzz import fuzz


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_readers_take_damaged_input_or_refuse_it_in_one_line(seed):
    """A little of what `make fuzz` does for as long as it is told."""
    tried, faults = fuzz(seconds=600, count=30, seed=seed)
    assert faults == []
    assert set(tried.values()) == {30}


@pytest.mark.slow
def test_readers_do_not_ask_for_much_memory():
    """The command limits its memory, so that a forged length shows."""
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py")), "--seconds", "15"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
