"""What plan, profile, posterior and the methods of a fit are given means something, or is refused in a sentence."""

import inspect

import equinox as eqx
import jax
import numpy as np
import pytest

import llgrad as lg

STO = lg.presets.kubota2013()
KEY = jax.random.key(0)
GIVEN = {
    "plan": {"source": STO, "settings": {"current": [2e-3]}, "free": ["alpha"], "noise": 0.01},
    "profile": {"result": STO, "name": "alpha"},
    "intervals": {"result": STO},
    "posterior": {"result": STO, "key": KEY},
}
# argument: values that mean nothing, with a part of the sentence
NOTHING = {
    "plan": {
        "source": [("kubota2013", "needs a FitResult or an Oscillator, got str")],
        "settings": [
            ({}, "at least one setting with values"),
            ({"current": []}, "at least one setting with values"),
            ({"current": 2e-3}, "at least one setting with values"),
            ({"current": "2mA"}, "at least one setting with values"),
            ({"curent": [2e-3]}, "unknown setting 'curent'"),
            ({"current": [np.nan]}, "not a finite number"),
        ],
        "free": [
            ((), "no free parameter"),
            (["alfa"], "free = 'alfa' is no parameter of this device"),
            (["alpha", "alfa"], "free = 'alfa' is no parameter of this device"),
            (["alpha", "m0.polar"], "free = 'm0.polar' is no parameter of this device"),
            (["alpha", "gain"], "free = 'gain' is no parameter of this device"),
            (["alpha", "current[2]"], r"free = 'current\[2\]' is no parameter of this device"),
        ],
        "duration": [(np.nan, "expected 8 to a million samples"), (20, "expected 8 to a million samples")],
        "interval": [(0.0, "expected 8 to a million samples")],
        "noise": [(np.nan, "positive standard deviation"), (0, "positive standard deviation")],
        "columns": [
            (["mx", "mx"], "one comes twice"),
            ([], "at least one column"),
            (["m_x"], "a trace has no column 'm_x'"),
        ],
        "settling": [(-1e-9, "a time in seconds"), (np.nan, "a time in seconds")],
        "apart": [(["current"], "is not free"), (["alpha"], "every parameter is apart")],
        "engine": [("native", "engine = 'native', expected Native")],
    },
    "profile": {
        "result": [(STO, "the result of a fit, got Oscillator")],
        "points": [(4, "points = 4"), (6.5, "points = 6.5"), ("7", "points = '7'"), (np.nan, "points = nan")],
        "span": [(0.0, "span = 0.0"), (np.nan, "span = nan"), (np.inf, "span = inf"), ("3", "span = '3'")],
    },
    "intervals": {
        "result": [(STO, "the result of a fit, got Oscillator")],
        "probability": [(value, "expected one between 0 and 1") for value in (0, 1, 1.5, -0.1, np.nan, "0.95", True)],
    },
    "posterior": {
        "result": [(STO, "the result of a fit, got Oscillator")],
        "key": [
            (0, "key = 0, expected a key"),
            (None, "key = None, expected a key"),
            ("0", "key = '0', expected a key"),
        ],
        "draws": [(0, "draws = 0"), (10.5, "draws = 10.5"), ("100", "draws = '100'")],
        "chains": [(1, "chains = 1"), (2.5, "chains = 2.5"), (True, "chains = True")],
        "warmup": [(10, "warmup = 10"), (np.float64(60.0), "warmup = ")],
    },
}
CASES = [
    (answer, name, value, said)
    for answer, arguments in NOTHING.items()
    for name, values in arguments.items()
    for value, said in values
]


@pytest.mark.parametrize(("answer", "name", "value", "said"), CASES)
def test_what_means_nothing_is_refused(answer, name, value, said):
    with pytest.raises(ValueError, match=said):
        getattr(lg.fitting, answer)(**(GIVEN[answer] | {name: value}))


def test_every_argument_is_in_the_table():
    for answer, arguments in NOTHING.items():
        told = {*inspect.signature(getattr(lg.fitting, answer)).parameters} - {"progress"}
        assert told - {*arguments} <= {"name", "names"}  # a name needs a fit: tests/unit/fitting


METHODS = [
    lg.fitting.Starts,
    lg.fitting.Guess,
    lg.fitting.LevenbergMarquardt,
    lg.fitting.GradientDescent,
    lg.fitting.GridSearch,
]
NUMBERS = [
    (method, field.name, field.default)
    for method in METHODS
    for field in method.__dataclass_fields__.values()
    if type(field.default) in (int, float)
]


@pytest.mark.parametrize(("method", "name", "default"), NUMBERS)
def test_numbers_of_a_search(method, name, default):
    """A number of NumPy or JAX is one of Python, without a warning; what is no such number is refused."""
    others = {"count": 3} if name == "spread" and method is lg.fitting.Starts else {}
    for kind in (np.int64, np.asarray, jax.numpy.asarray) if isinstance(default, int) else (np.float64, np.asarray):
        made = method(**others, **{name: kind(default)})
        assert type(getattr(made, name)) is type(default) and eqx.tree_equal(made, method(**others, **{name: default}))
    for wrong in (-1, np.nan, "3", None, *((2.5,) if isinstance(default, int) else ())):
        with pytest.raises(ValueError, match=f"{name} .*= .*, expected a (whole|positive) number"):
            method(**others, **{name: wrong})
