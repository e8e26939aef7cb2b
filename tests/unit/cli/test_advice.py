"""What a command advises is an option of the command, never an argument of a function in Python."""

import re

import pytest

from llgrad.core.arguments.doors import by_door, command_line

DEVICE = ("--device", "kubota2013")
T = "t (ns),mx (1),my (1),mz (1)\n" + "".join(f"{0.01 * k:.2f},0,0,1\n" for k in range(20))
# the file, what the command is given, and its advice
ADVICE = {
    "a width or an error": (
        "I (mA),f (GHz),df (MHz)\n1,1.5,2\n2,1.6,3\n",
        ["fit", "data.csv", *DEVICE, "--free", "alpha"],
        "or give --read error=df",
    ),
    "two errors": (
        "I (mA),f (GHz),f_err (MHz),f_std (MHz)\n1,1.5,2,2\n2,1.6,3,3\n",
        ["fit", "data.csv", *DEVICE, "--free", "alpha"],
        "choose one, as in --read error=f_err",
    ),
    "a current density": (
        "J (A/m²),f (GHz)\n1e11,1.5\n2e11,1.6\n",
        ["fit", "data.csv", *DEVICE, "--free", "alpha"],
        "give its cross section, as in --read area=4900nm2",
    ),
    "a bandwidth": (
        T,
        ["fit", "data.csv", *DEVICE, "--free", "alpha,bandwidth"],
        "give one, such as --start bandwidth=1GHz",
    ),
    "noise": (T, ["plan", "kubota2013", "--free", "alpha", "--currents", "2mA:3mA:2"], "give --noise …, such as 0.01"),
}


@pytest.mark.parametrize(("content", "arguments", "advice"), ADVICE.values(), ids=ADVICE)
def test_advice_names_an_option(refused, tmp_path, content, arguments, advice):
    (tmp_path / "data.csv").write_text(content)
    said = refused(*arguments)
    assert advice in said
    assert not re.search(r"(?<![-\w])(?!read |start )[a-z_]+=(…|['\[\d])", said.replace(advice, "")), said


def test_the_advice_of_the_options_is_taken(llgrad, tmp_path):
    (tmp_path / "data.csv").write_text("J (A/m²),f (GHz)\n1e11,1.5\n2e11,1.6\n")
    ended = llgrad("fit", "data.csv", *DEVICE, "--free", "alpha,nothing", "--read", "area=4900nm2")
    assert "unknown parameter 'nothing'" in ended.err  # and no word about the area


def test_both_doors():
    assert by_door("segment=1e-9", "--segment 1ns") == "segment=1e-9"
    with command_line():
        assert by_door("segment=1e-9", "--segment 1ns") == "--segment 1ns"
    assert by_door("segment=1e-9", "--segment 1ns") == "segment=1e-9"
