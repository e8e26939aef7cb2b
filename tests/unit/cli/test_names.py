"""Names that are given to commands: each once, none beside its own part, none that something else decides."""

import pytest

import llgrad as lg
from llgrad.cli.device_options import names_in

FIT = ("--device", "kubota2013")
MAP = ("kubota2013", "--current", "0:5mA:3")

TWICE = {
    "fit --free": (("fit", "TRACE", *FIT, "--free", "alpha, alpha"), "--free names alpha twice; name it once"),
    "fit --free, whole": (("fit", "TRACE", *FIT, "--free", "field.z,field"), "names field and field.z, which is part"),
    "fit --free, empty": (("fit", "TRACE", *FIT, "--free", "alpha,,current"), "a name is missing before or after"),
    "fit --columns": (("fit", "TRACE", *FIT, "--free", "alpha", "--columns", "mx,mx"), "--columns names mx twice"),
    "fit --start": (
        ("fit", "TRACE", *FIT, "--free", "alpha", "--start", "alpha=1", "--start", "alpha=2"),
        "--start gives alpha twice (1, 2)",
    ),
    "fit --start, whole": (
        ("fit", "TRACE", *FIT, "--free", "field.z", "--start", "field=0T,0T,1T", "--start", "field.z=2T"),
        "--start names field and field.z, which is part of it",
    ),
    "plan --free": (("plan", "kubota2013", "--free", "alpha,alpha", "--currents", "1mA:3mA:3"), "--free names alpha"),
    "plan --apart": (
        ("plan", "kubota2013", "--free", "alpha", "--apart", "delay,delay", "--currents", "1mA:3mA:3"),
        "--apart names delay twice",
    ),
    "sweep --quantity": (
        ("sweep", *MAP, "--quantity", "power", "--quantity", "power"),
        "--quantity names power twice",
    ),
    "simulate --set": (
        ("simulate", "kubota2013", "--set", "field.z=1T", "--set", "field=0T,0T,2T"),
        "--set names field and field.z, which is part of it",
    ),
    "optimise --free": (
        ("optimise", "kubota2013", "--minimise", "frequency", "--free", "field=0:1T", "--free", "field.x=0:2T"),
        "--free names field and field.x, which is part of it",
    ),
    "follow": (
        ("follow", "kubota2013", "current", "0mA", "5mA", "--current", "1mA"),
        "current is followed from 0mA to 5mA, and 1mA is given for it; leave it out",
    ),
    "loop": (
        ("loop", "kubota2013", "--sweep", "current=0mA:5mA", "--current", "1mA"),
        "current is swept by --sweep, and --current 1mA is one value of it; leave it out",
    ),
}


@pytest.mark.parametrize("case", TWICE)
def test_what_is_said_twice_is_refused_in_a_sentence(refused, trace, case):
    words, sentence = TWICE[case]
    assert sentence in refused(*(str(trace) if word == "TRACE" else word for word in words))


@pytest.mark.parametrize("free", [["alpha", "alpha"], ["field", "field.z"], {"field.z": None, "field": None}])
def test_a_fit_refuses_names_that_overlap(trace, free):
    with pytest.raises(ValueError, match=r"free names .*: their values could not be told apart; name one"):
        lg.fit(lg.presets.kubota2013(), lg.read_trace(trace), free=free)


def test_names_that_only_begin_alike_are_two():
    assert names_in("--free", " H_k, H_k2 ,field.x,field.z") == ["H_k", "H_k2", "field.x", "field.z"]
