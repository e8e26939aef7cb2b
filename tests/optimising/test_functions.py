"""Optima of functions of a device, whose answers are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.experiments.rectification import Microwave, rectified
from llgrad.orbits.equilibria.relaxed import relaxed

STO = lg.presets.kubota2013()
RANGES = {"current": (0, "3mA"), "field.z": (0, "5kOe")}


def bowl(sto):
    """Smallest, 1, at 1 mA and 0.2 T."""
    return 1 + (sto.current / 1e-3 - 1) ** 2 + 4 * (sto.field.z / 0.1 - 2) ** 2


def two_valleys(sto):
    """Smallest at 0.5 mA, 0, and at 2.5 mA, 0.1."""
    x = sto.current / 1e-3
    return ((x - 0.5) * (x - 2.5)) ** 2 + 0.05 * (x - 0.5)


def test_the_bottom_of_a_bowl():
    found = lg.optimise(STO, lg.minimise(bowl, unit="J"), RANGES)
    assert found.value == pytest.approx(1.0, abs=1e-9) and found.device.current == pytest.approx(1e-3, rel=1e-4)
    assert found.device.field.z == pytest.approx(0.2, rel=1e-4) and found.unit == "J" and found.name == "bowl"
    sharp, flat = found.curvatures  # second derivatives by range²: 2·5²·4 and 2·3²
    assert (sharp.value, flat.value) == pytest.approx((200.0, 18.0), rel=1e-4)
    assert abs(sharp.moves["field.z"]) == pytest.approx(np.sqrt(2 * 0.01 / 200) * 0.5, rel=1e-3)
    assert not any(one.at for one in found.parameters.values())


def test_a_limit_binds_and_has_its_price():
    found = lg.optimise(
        STO,
        lg.minimise(bowl),
        RANGES,
        {"current": "≤ 0.8mA", lg.optimising.of_device(lambda sto: sto.field.z, unit="T"): "≥ 0.25T"},
    )
    current, (field,) = found.parameters["current"], found.constraints
    assert current.at == "upper end" and current.value == 0.8e-3
    assert current.price == pytest.approx(2 * (0.8 - 1) / 1e-3, rel=1e-6)
    assert field.binds == "lower end" and field.price == pytest.approx(8 * (2.5 - 2) / 0.1, rel=1e-6)
    assert field.per_percent == pytest.approx(field.price * 0.25 / 100)
    assert found.curvatures == () and any("corner" in note for note in found.notes)


def test_several_optima_are_told():
    found = lg.optimise(STO, lg.minimise(two_valleys), {"current": (0, "3mA")}, starts=16)
    assert [round(one.values["current"] * 1e3, 2) for one in found.optima] == [0.49, 2.49]
    assert sum(one.starts for one in found.optima) == 16
    assert any(note.startswith("2 optima") for note in found.notes)


def test_largest_is_smallest_of_the_negative():
    up = lg.optimise(STO, lg.maximise(lambda sto: 5 - bowl(sto)), RANGES)
    assert up.value == pytest.approx(4.0) and up.sense == "largest"
    assert up.curvatures[0].value == pytest.approx(-200.0, rel=1e-4)


def test_holes_in_the_domain_are_walked_round():
    def with_hole(sto):
        return jnp.where(sto.current > 1.5e-3, jnp.nan, bowl(sto))

    found = lg.optimise(STO, lg.minimise(with_hole), RANGES, starts=12)
    assert found.value == pytest.approx(1.0, abs=1e-8)
    assert {one.how for one in found.starts} <= {"converged", "no number"}


def test_at_the_edge_of_a_hole_the_value_is_told_to_be_no_optimum():
    def with_hole(sto):
        return jnp.where(sto.current > 0.7e-3, jnp.nan, bowl(sto))

    found = lg.optimise(STO, lg.minimise(with_hole), RANGES, starts=6)
    assert found.device.current <= 0.7e-3 and found.notes[0].startswith("no optimum: with_hole still improves")


def test_a_function_that_looks_at_numbers_goes_one_by_one():
    """As those that search do, and those that say in a sentence why a device has no number."""

    def steep_beyond(sto):
        if sto.current > 2.5e-3:
            raise lg.solvers.SimulationError("too much current")
        return bowl(sto) if sto.current > 0.8e-3 else 3 * bowl(sto)

    found = lg.optimise(STO, lg.minimise(steep_beyond), RANGES, starts=3)
    assert found.value == pytest.approx(1.0, abs=1e-8) and any("one by one" in note for note in found.notes)
    with pytest.raises(ValueError, match=r"at all 12 designs tried \(the last: too much current\)"):
        lg.optimise(STO, lg.minimise(steep_beyond), {"current": ("2.6mA", "3mA")}, starts=3)


def test_a_pulse_is_shaped():
    """A drive's numbers are free too: the least energy whose area is what is asked for is spread evenly."""
    drive = lg.Drive(current=lg.drives.Sampled(t=[0.0, 1e-9, 2e-9], values=[1e-3, 0.0, 0.0]))

    def energy(sto, drive):
        return jnp.sum(drive.current.values**2)

    def area(sto, drive):
        return jnp.sum(drive.current.values)

    found = lg.optimise(
        STO, lg.minimise(energy), {"drive.current.values": (0, "2mA")}, {area: (3e-3, None)}, drive=drive
    )
    np.testing.assert_allclose(found.drive.current.values, 1e-3, rtol=1e-4)
    assert found.values.keys() == {f"drive.current.values.{i}" for i in range(3)}


def test_a_simulation_is_differentiated():
    def swing(sto):
        return lg.simulate(sto, duration=1e-10, dt=5e-12, m0=(1.0, 0.0, 0.0)).mz[-1]

    found = lg.optimise(STO, lg.maximise(swing), {"current": (0, "3mA"), "field.z": (0, "1kOe")}, starts=3)
    near = lg.optimising.grid_search(STO, lg.maximise(swing), {"current": (0, "3mA"), "field.z": (0, "1kOe")}, points=4)
    assert found.value >= near.value - 1e-9 and near.evaluations == 16


def test_the_lowest_threshold():
    """The least current at which the state at rest is unstable: the Hopf current, at the smallest field."""
    growth = lg.optimising.of_device(lambda sto: relaxed(sto).growth, unit="1/s")
    ranges = {"current": ("0.1mA", "2mA"), "field.z": ("200Oe", "1kOe")}
    found = lg.optimise(STO, lg.minimise("current"), ranges, {growth: (0, None)}, starts=4)
    assert found.value == pytest.approx(0.395998e-3, rel=1e-6) and found.parameters["field.z"].at == "lower end"
    gain = {one.name: one.best_per_percent for one in found.sensitivities}
    assert gain["alpha"] == pytest.approx(found.value / 100, rel=0.02)  # I_c ∝ α to leading order


def test_a_sensitivity_of_the_spin_diode():
    """V/W at 2 GHz, of a device that must be at rest; it grows as the threshold comes near, up to the limit on that."""

    def response(sto):
        return rectified(sto, Microwave(current=1e-6), 2e9)

    def sensitivity(sto):
        return response(sto).voltage / (0.5 * 1e-12 * 1e3)

    device = STO.replace(current=0.0, field=(0.05, 0.0, 0.0), junction=lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0))
    ranges = {"field.x": ("100Oe", "2kOe"), "field.z": (0, "2kOe"), "current": ("-0.3mA", "0.3mA")}
    growth = lg.optimising.of_device(lambda sto: response(sto).growth, unit="1/s")
    found = lg.optimise(device, lg.maximise(sensitivity, unit="V/W"), ranges, {growth: (None, -5e7)}, starts=6)
    (limit,) = found.constraints
    assert limit.binds == "upper end" and limit.price > 0
    assert found.value > 0 and limit.value == pytest.approx(-5e7, rel=1e-5)


def test_what_grows_without_end_is_told_to_be_no_optimum():
    def pole(sto):
        return 1 / (1e-12 + (sto.current / 1e-3 - 1.2345) ** 2)

    found = lg.optimise(STO, lg.maximise(pole), {"current": (0, "3mA")}, starts=3)
    assert found.value == pytest.approx(1e12, rel=1e-3) or found.notes[0].startswith("no optimum")


def off_centre(sto):
    return (sto.current / 1e-3 - 1) ** 2


def test_the_mean_over_a_spread():
    over = lg.optimising.Expected({"current": "10%"}, key=jax.random.key(1), draws=32)
    found = lg.optimise(STO, lg.minimise(off_centre), {"current": (0, "3mA")}, over=over, starts=2)
    draws = 1 + 0.1 * np.asarray(jax.random.normal(jax.random.key(1), (32, 1)))[:, 0]
    best = draws.mean() / (draws**2).mean()
    assert found.device.current == pytest.approx(best * 1e-3, rel=1e-5)
    assert found.value == pytest.approx(((best * draws - 1) ** 2).mean(), rel=1e-8) and "mean" in found.sense


def test_the_worst_over_a_spread():
    over = lg.optimising.Worst({"current": "0.2mA"}, key=jax.random.key(1), draws=8)
    found = lg.optimise(STO, lg.minimise(off_centre), {"current": (0, "3mA")}, over=over, starts=3)
    draws = 0.2 * np.asarray(jax.random.normal(jax.random.key(1), (8, 1)))[:, 0]
    middle, half = (draws.max() + draws.min()) / 2, (draws.max() - draws.min()) / 2
    assert found.device.current == pytest.approx((1 - middle) * 1e-3, rel=1e-5)
    assert found.value == pytest.approx(half**2, rel=1e-6) and "worst" in found.sense


def test_a_front_between_two_aims():
    """Of x² and (x − 2)² it is all of 0 ≤ x ≤ 2."""
    aims = [
        lg.minimise(lambda sto: (sto.current / 1e-3) ** 2),
        lg.minimise(lambda sto: (sto.current / 1e-3 - 2) ** 2 + (sto.field.z / 0.1) ** 2),
    ]
    front = lg.optimising.pareto_front(STO, aims, RANGES, points=5)
    x = np.array([one.parameters["current"] for one in front.points]) / 1e-3
    assert len(x) >= 4 and (np.diff(x) > 0).all() and x[0] < 1e-3 and x[-1] == pytest.approx(2.0, abs=1e-3)
    for one, place in zip(front.points, x, strict=True):
        assert one.values[0] == pytest.approx(place**2) and one.parameters["field.z"] < 1e-4


def test_a_result_is_saved_and_read(tmp_path):
    found = lg.optimise(STO, lg.minimise(bowl), RANGES, {lambda sto: sto.alpha: (None, 1.0)}, starts=2)
    found.save(tmp_path / "best.json")
    again = lg.optimising.load_optimum(tmp_path / "best.json")
    assert again == found or (again.value, again.starts, again.constraints) == (
        found.value,
        found.starts,
        found.constraints,
    )
    assert str(again) == str(found)
    assert lg.load_device(tmp_path / "best.json").current == found.device.current
