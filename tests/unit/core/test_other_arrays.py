"""Arrays of other libraries where a number, a vector or samples are meant: as NumPy's, to the bit."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import llgrad as lg

DEVICE = lg.presets.kubota2013()
WAVE = np.sin(0.1 * np.arange(500))
ENTRIES = [("current", 1e-3), ("alpha", [0.01, 0.02]), ("field", [0.0, 0.0, 0.02])]


@pytest.mark.parametrize("library", [pd.Series, xr.DataArray])
@pytest.mark.parametrize(("name", "value"), ENTRIES)
def test_numbers_of_a_device(library, name, value):
    given, usual = (DEVICE.replace(**{name: one}) for one in (library(value), np.asarray(library(value))))
    for one, other in zip(vars(given).values(), vars(usual).values(), strict=True):
        assert type(one) is type(other) and str(one) == str(other)


@pytest.mark.parametrize("library", [pd.Series, xr.DataArray])
def test_samples(library):
    assert lg.frequency(library(WAVE), 1e-12) == lg.frequency(WAVE, 1e-12)
    assert lg.observables.amplitude(library(WAVE), 1e-12) == lg.observables.amplitude(WAVE, 1e-12)


def test_what_holds_no_numbers_is_refused():
    with pytest.raises(ValueError, match="could not convert string to float: 'fast'"):
        DEVICE.replace(current=pd.Series(["fast"]))
