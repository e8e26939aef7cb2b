"""What cannot be meant is refused in a sentence that says what to do."""

import jax
import jax.numpy as jnp
import pytest

import llgrad as lg

STO = lg.presets.kubota2013()
FREE = {"current": (0, "3mA")}


def square(sto):
    return sto.current**2


def assert_refused(match, aim=None, free=None, limits=None, device=STO, **options):
    aim = lg.minimise(square) if aim is None else aim
    with pytest.raises(ValueError, match=match) as raised:
        lg.optimise(device, aim, FREE if free is None else free, limits, **options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("free", "match"),
    [
        ({}, "no free parameter; say what may be chosen"),
        ({"curent": (0, 1e-3)}, "unknown parameter 'curent'; it can be Ms, "),
        ({"field_z": (0, 1e-3)}, r"unknown parameter 'field_z' \(did you mean 'field.z'\?\)"),
        ({"field": (0, 1e-3)}, r"did you mean one of field.x, field.y, field.z\?"),
        ({"current": (3e-3, 0)}, "current from 3 mA to 0 A: nothing lies between; give low, then high"),
        ({"current": ("0", "3mT")}, "current: '3mT' is in T, expected a quantity in A"),
        ({"current": (0, "3")}, "current: '3' has no unit"),
        ({"current": (0, None)}, "current is free without two ends"),
        ({"current": lg.systems.positive()}, "current is free without two ends"),
        ({"current": ("1mA", "1mA")}, "current may only be 1 mA: set it, and leave it out"),
        ({"current": (0, 3.0)}, "current = 3 A is out of range"),
        ({"current": "3mA:"}, "current is free without two ends"),
        ({"current": ":"}, "':' has no end; expected LOW:HIGH, such as 0:3mA"),
        ({"current": [1, 2, 3]}, r"\[1, 2, 3\] is no interval; expected \(low, high\)"),
        ({"current": (0, True)}, "True is no end of an interval"),
        ({"drive.current.amplitude": (0, 1e-3)}, "unknown parameter 'drive.current.amplitude'"),
    ],
)
def test_ranges(free, match):
    assert_refused(match, free=free)


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        ({"linewidth": (0, 1e6)}, "'linewidth' is neither a number of the orbit nor a parameter; it can be frequency"),
        ({"frequency": ("6GHz", "5GHz")}, "frequency from 6 GHz to 5 GHz: nothing lies between"),
        ({"frequency": "6GHz±1mT"}, "frequency: '1mT' is in T, expected a quantity in Hz"),
        ({"frequency": (None, None)}, "the limit of frequency is open on both sides"),
        ({"current": ">= 4mA"}, "the limits of current contradict each other: between 0 A and 3 mA, and ≥ 4 mA"),
        ({"alpha": "<= 0.1"}, "alpha is limited, and it is not free: it is 0.005; set it, or give it as free"),
        ({"line_width": "<= 1MHz"}, "line_width is 0 at 0 K, whatever is chosen: give the device a temperature"),
        ({3.0: (0, 1)}, "a limit is a float, expected a name, or a function of the device"),
        ({"locking": (0, 1)}, "'locking' needs drive=…"),
        ([("frequency", 6e9)], "limits is a list, expected a mapping"),
    ],
)
def test_limits(limits, match):
    assert_refused(match, limits=limits)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"starts": 0}, "starts = 0, expected a number of searches"),
        ({"seed": -1}, "seed = -1, expected a whole number"),
        ({"steps": 3}, "steps = 3, expected the number of states"),
        ({"over": 3}, "over is an int, expected an Expected"),
        ({"over": lg.optimising.Expected({"curent": "1%"}, jax.random.key(0))}, "spread of 'curent': there is no such"),
        (
            {"over": lg.optimising.Expected({"current": 0.1}, jax.random.key(0))},
            "spread of current: 0.1 has no unit; write '5%'",
        ),
        (
            {"over": lg.optimising.Expected({"current": "-1%"}, jax.random.key(0))},
            "expected a standard deviation above 0",
        ),
        (
            {"over": lg.optimising.Expected({"field.x": "1%"}, jax.random.key(0))},
            "spread of field.x: 1% of 0 is nothing",
        ),
        ({"drive": lg.Pulse(1e-3, 0.0, 1e-9)}, "drive is a Pulse, expected a Drive"),
    ],
)
def test_options(options, match):
    assert_refused(match, **options)


def test_a_spread_needs_draws_and_a_key():
    with pytest.raises(ValueError, match="draws = 1, expected a number of devices"):
        lg.optimising.Expected({"alpha": "1%"}, jax.random.key(0), draws=1)
    with pytest.raises(ValueError, match="key = 0, expected the key of the draws"):
        lg.optimising.Worst({"alpha": "1%"}, 0)
    with pytest.raises(ValueError, match="expected standard deviations"):
        lg.optimising.Expected({}, jax.random.key(0))


def test_aims():
    assert_refused("aim is a str, expected an aim; say which way, as lg.minimise", aim="line_width")
    assert_refused(
        r"objective gives the shape \(2,\), expected one number", aim=lg.minimise(lambda s: jnp.ones(2) * s.current)
    )
    assert_refused("objective gives a tuple, expected one number", aim=lg.minimise(lambda s: (s.current, s.alpha)))
    assert_refused("objective gives a complex number", aim=lg.minimise(lambda s: 1j * s.current))
    assert_refused(
        "objective: not a number, or without a finite derivative, at all 32 designs",
        aim=lg.minimise(lambda s: s.current * jnp.nan),
    )
    assert_refused("cannot be differentiated .* lg.optimising.grid_search", aim=lg.minimise(lambda s: float(s.current)))
    assert_refused("this device has no junction", aim=lg.maximise("power"))
    assert_refused(
        "optimised of one oscillator or a System, not of coupled oscillators",
        aim=lg.minimise("period"),
        free={"oscillator.current": FREE["current"]},
        device=lg.OscillatorArray(STO, 2, lg.FieldCoupling(jnp.zeros((2, 2)))),
    )
    with pytest.raises(ValueError, match="'linewidth' is no quantity of an orbit"):
        lg.minimise("linewidth", load=50.0)
    with pytest.raises(ValueError, match="'colour' is no option of 'power'"):
        lg.maximise("power", colour="red")
    with pytest.raises(ValueError, match="load= is an option of a number of the orbit, and what is a function"):
        lg.maximise(square, load=50.0)
    with pytest.raises(ValueError, match="'power' has a unit of its own, W"):
        lg.maximise("power", unit="W")


def test_an_aim_by_the_name_of_a_parameter():
    assert lg.optimise(STO, lg.minimise("current"), {"current": ("1mA", "2mA")}, starts=2).value == 1e-3


def test_grids():
    def grid(match, **options):
        with pytest.raises(ValueError, match=match):
            lg.optimising.grid_search(STO, lg.minimise(square), {"current": (0, 1e-3), "alpha": (0, 0.1)}, **options)

    grid("points of current = 1, expected a number of values", points=1)
    grid("the axes are current, alpha", points={"current": 3})
    grid(": field.x is no axis; the axes are", points={"current": 3, "alpha": 3, "field.x": 3})
    grid("a grid of 4,000,000 points", points=2000)
    grid("solve = 'field.z' is not free", solve="field.z")
    grid("solve = 'alpha' needs a limit that is a value", solve="alpha")
    float_only = lg.optimising.grid_search(
        STO, lg.maximise(lambda s: float(s.current)), {"current": (0, 1e-3)}, points=3
    )
    assert float_only.value == 1e-3 and float_only.device.current == 1e-3


def test_fronts():
    with pytest.raises(ValueError, match="1 aims is a list, expected two aims; as"):
        lg.optimising.pareto_front(STO, [lg.minimise(square)], FREE)
    with pytest.raises(ValueError, match="points = 1, expected a number of points"):
        lg.optimising.pareto_front(STO, [lg.minimise(square), lg.maximise(square)], FREE, points=1)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("5GHz:6GHz", (5e9, 6e9)),
        ("0:6GHz", (0.0, 6e9)),
        (": 6GHz", (float("-inf"), 6e9)),
        ("≤6GHz", (float("-inf"), 6e9)),
        (">= 6GHz", (6e9, float("inf"))),
        ("6GHz ± 1GHz", (5e9, 7e9)),
        ("6GHz+-1GHz", (5e9, 7e9)),
        ("6GHz", (6e9, 6e9)),
        ((None, 6e9), (float("-inf"), 6e9)),
        (("5GHz", 6e9), (5e9, 6e9)),
        (6e9, (6e9, 6e9)),
    ],
)
def test_how_an_interval_is_written(text, ends):
    from llgrad.optimising.limits import interval_of

    assert tuple(interval_of("frequency", text, "Hz")) == ends
