"""The measured file, where it is there."""

import pathlib

import pytest

from llgrad.datasets.sweeps import Sweeps, read_sweeps

FILE = pathlib.Path(__file__).parents[3] / "shared" / "data" / "spin-diode" / "5360_4p.csv"


@pytest.fixture(scope="session")
def measured() -> Sweeps:
    """A measured file of another project (GPL-2.0), read where it lies and never copied."""
    if not FILE.is_file():
        pytest.skip(f"the measured spin-diode file is not at {FILE}")
    return read_sweeps(FILE, field_unit="Oe", voltage_unit="V")
