"""`llgrad guide`: its code runs, and it explains every public name."""

import dataclasses
import importlib
import importlib.util
import json

import pytest
from tests.docs.test_readme import python_blocks
from tests.examples.processes import run_script

import llgrad as lg
from llgrad.cli.installation.guide import explained, whole_guide
from llgrad.core.run_record import version


def test_its_code_runs_as_one_program(tmp_path):
    script = tmp_path / "guide.py"
    script.write_text(python_blocks(whole_guide()), encoding="utf-8")
    done = run_script(script, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_it_is_of_this_version_and_lists_every_room(llgrad):
    ended = llgrad("guide")
    assert ended.status == 0 and ended.out.startswith(f"# llgrad {version()}:")
    assert all(f"- `lg.{room}`: " in ended.out for room in lg.ROOMS)
    assert len(ended.out.split()) < 1500, "short"
    assert json.loads(llgrad("guide", "--json").out)["text"] + "\n" == ended.out


@pytest.mark.parametrize("room", ["lg", *(f"lg.{room}" for room in lg.ROOMS)])
def test_every_room_is_told_with_its_names(room):
    text = explained(room)
    names = importlib.import_module(room.replace("lg", "llgrad", 1)).__all__
    assert text.startswith(f"{room}: ") and set(names) <= set(text.split("\n\n")[-1].splitlines())


def members(value):
    """The public members of a class, its fields without a default too."""
    if not isinstance(value, type):
        return []
    fields = [one.name for one in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else []
    found = {*dir(value), *fields, *getattr(value, "_fields", ())}
    return sorted(member for member in found if not member.startswith("_"))


@pytest.mark.parametrize("room", lg.ROOMS)
def test_every_public_name_and_all_its_members_are_explained(room):
    home = importlib.import_module(f"llgrad.{room}")
    for short in home.__all__:
        name = f"lg.{room}.{short}"
        if room == "torch" and importlib.util.find_spec("torch") is None:
            with pytest.raises(ValueError, match=rf"^{name} cannot be told: lg\.torch needs PyTorch"):
                explained(name)
            continue
        assert len(explained(name).partition("\n\n")[2]) > 40, f"{name} has no docstring"
        for member in members(getattr(home, short)):
            title, _, text = explained(f"{name}.{member}").partition("\n\n")
            assert title.startswith(f"{name}.{member}") and text


def test_it_explains_names_and_members(llgrad):
    assert llgrad("guide", "lg.fit").out.startswith("lg.fit(model")
    assert "line_width" in explained("lg.orbits.Orbit.line_width")
    assert explained("solvers.SimulationError").startswith("lg.solvers.SimulationError\n\n")
    assert explained("lg.Oscillator.alpha").startswith("lg.Oscillator.alpha: float = ")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lg.HallBar", "lg.HallBar is no public name of llgrad; there is lg.readout.HallBar"),
        ("lg.frequncy", "there is lg.observables.frequency"),
        ("lg.nothing_like_it", "the rooms are lg.circuits, "),
        ("lg.core", "lg.core is no public name of llgrad; "),
        ("lg.plot.as_room", "lg.plot.as_room is no public name of llgrad; "),
        ("lg.importlib", "lg.importlib is no public name of llgrad; "),
        ("lg.ROOMS", "lg.ROOMS is no public name of llgrad; "),
        ("", "the rooms are lg.circuits, "),
        ("lg.fit.", "what stands before it has none"),
        ("lg.orbits.Orbit.linewidth", "it has line_width"),
    ],
)
def test_another_name_is_refused_with_those_like_it(refused, name, words):
    assert words in refused("guide", name)
