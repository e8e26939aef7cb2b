"""Resistances that cannot be are refused in a sentence, and traced ones pass."""

import jax
import numpy as np
import pytest

from llgrad.devices.junction import ConductanceJunction, LinearJunction

WRONG = {
    "no resistance": (lambda: ConductanceJunction(R_P=0.0, tmr=1.0), r"ConductanceJunction: R_P = 0 Ω, expected a pos"),
    "below none": (lambda: LinearJunction(R_P=-1e3, delta_R=1.0), r"LinearJunction: R_P = -1 kΩ, expected a positive"),
    "per cent": (lambda: ConductanceJunction(R_P=1e3, tmr=-50.0), r"tmr = -50\.0, expected more than −1, .*100 % is"),
    "antiparallel": (
        lambda: LinearJunction(R_P=1e3, delta_R=-2e3),
        r"LinearJunction: R_P \+ delta_R = -1 kΩ, expected a positive resistance",
    ),
    "one of many": (lambda: LinearJunction(R_P=np.array([1.0, -1.0]), delta_R=0.5), "expected a positive resistance"),
    "infinite": (lambda: LinearJunction(R_P=np.inf, delta_R=0.5), "expected a positive resistance"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_resistance_that_cannot_be_is_refused(name):
    make, said = WRONG[name]
    with pytest.raises(ValueError, match=said):
        make()


def test_traced_values_and_inverse_junctions_pass():
    assert float(jax.jit(lambda R: ConductanceJunction(R_P=R, tmr=1.0).resistance(1.0))(-1.0)) == -1.0
    assert ConductanceJunction(R_P=1e3, tmr=-0.5).resistance(-1.0) == pytest.approx(500.0)
