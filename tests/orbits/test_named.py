"""Every named quantity of an orbit is a finite number of its own, and of what it is given."""

import math

import jax
import pytest
from tests.orbits.devices import reference

import llgrad as lg
from llgrad.orbits.results.named import QUANTITIES, quantity_of

ORBIT = lg.orbit(reference(0.2, 2.5e-3).replace(junction=lg.devices.LinearJunction(R_P=1e3, delta_R=1e2)))
GIVEN = {"sensitivity": {"input": "current"}, "locking": {"drive": {"field_x": 1e-5}}}


@pytest.mark.parametrize("name", QUANTITIES)
def test_each_is_a_finite_number(name):
    value = quantity_of(ORBIT, name, **GIVEN.get(name, {}))
    assert value.shape == () and math.isfinite(value)


def test_asked_again_none_is_compiled_anew(caplog):
    def ask(orbit):
        return [quantity_of(orbit, name, **GIVEN.get(name, {})) for name in QUANTITIES]

    ask(ORBIT)
    with jax.log_compiles():
        ask(ORBIT)
    assert not [record.message for record in caplog.records if "Compiling" in record.message]


@pytest.mark.parametrize("name", [name for name, quantity in QUANTITIES.items() if quantity.needs])
def test_what_is_missing_is_told(name):
    with pytest.raises(ValueError, match=f"needs {QUANTITIES[name].needs[0]}=…"):
        quantity_of(ORBIT, name)


@pytest.mark.parametrize("name", QUANTITIES)
def test_an_option_of_no_quantity_is_refused(name):
    with pytest.raises(ValueError, match="'colour' is no option"):
        quantity_of(ORBIT, name, colour="red")


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="'linewidth' is no quantity of an orbit; it can be frequency, period, "):
        quantity_of(ORBIT, "linewidth")
