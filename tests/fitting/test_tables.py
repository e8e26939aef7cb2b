"""A measured curve is found number by number, under the name of its table."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.record import get_leaf, listed, set_leaf, with_entries

VOLTAGES = [0.5, 1.0, 1.5, 2.0]
TRUE = np.array([0.03, 0.01, -0.02, -0.01])
DRIVE = lg.Drive(current=lg.Sine(1.3e-3, frequency=0.7e9))
START = [0.6, 0.0, 0.8]


class VoltageControlled(lg.physics.FieldTerm):
    """A perpendicular anisotropy that follows the voltage."""

    voltages: list = lg.systems.table("V", ascending=True)
    values: list = lg.systems.table("T")
    resistance: float = lg.quantity("Ω", default=500.0)

    def field(self, m, inputs):
        H_k = jnp.interp(self.resistance * inputs.current, self.voltages, self.values)
        return lg.Vec3(0.0 * m.x, 0.0 * m.y, H_k * m.z)


def device(values):
    return lg.presets.kubota2013().replace(terms=(VoltageControlled(VOLTAGES, values),))


def test_a_table_is_fitted_and_each_of_its_numbers_has_a_name():
    with jax.enable_x64(True):
        run = lg.simulate(device(TRUE), duration=1.5e-9, dt=10e-12, m0=START, drive=DRIVE)
    found = lg.fit(
        device(np.zeros(4)),
        run,
        free="terms.0.values",
        drive=DRIVE,
        m0=START,
        dt=10e-12,
        guess=lg.fitting.Guess(slopes=False),
    )
    assert found.names == tuple(f"terms.0.values.{place}" for place in range(4))
    assert found.units["terms.0.values.2"] == "T"
    np.testing.assert_allclose(list(found.values.values()), TRUE, atol=1e-6)
    np.testing.assert_allclose(found.model.terms[0].values, TRUE, atol=1e-6)


def test_a_bound_of_a_table_is_that_of_each_number_without_its_own():
    wide, narrow = lg.systems.between(-1.0, 1.0), lg.systems.between(-0.1, 0.1)
    found = with_entries(device(TRUE), {"alpha": None, "terms.0.values.2": wide, "terms.0.values": narrow})
    assert found["terms.0.values.2"] is wide
    assert [found[f"terms.0.values.{place}"] for place in (0, 1, 3)] == [narrow] * 3
    assert with_entries(device(TRUE), ("terms.0.values[2]",))[3] == "terms.0.values.3[2]"


def test_a_number_of_a_table_is_read_and_changed_by_its_name():
    changed = set_leaf(device(TRUE), "terms.0.values.1", 0.5)
    assert get_leaf(changed, "terms.0.values.1") == pytest.approx(0.5)
    slope = jax.grad(lambda value: get_leaf(set_leaf(device(TRUE), "terms.0.values.1", value), "terms.0.values").sum())
    assert slope(0.2) == 1.0


def test_a_name_that_there_is_not_is_told_the_range_of_a_table():
    with pytest.raises(
        ValueError, match=r"unknown parameter 'terms\.0\.value'; .* terms\.0\.values\.0 … terms\.0\.val"
    ):
        lg.fit(device(TRUE), lg.Trace(np.arange(9) * 1e-10, {"mx": np.ones(9)}), free=["terms.0.value"])
    assert listed(["a", "b.0", "b.1", "b.2", "c"]) == "a, b.0 … b.2, c"
