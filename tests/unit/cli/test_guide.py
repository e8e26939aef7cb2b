"""`llgrad guide`: its code runs, and it explains every public name."""

import json

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


def test_it_explains_names_and_rooms(llgrad):
    assert llgrad("guide", "lg.fit").out.startswith("lg.fit(model")
    assert "FitResult" in llgrad("guide", "lg.fitting").out
    assert "line_width" in explained("lg.orbits.Orbit.line_width")
    for room in lg.ROOMS:
        assert explained(f"llgrad.{room}")


def test_another_name_is_refused_with_those_like_it(llgrad):
    ended = llgrad("guide", "lg.HallBar")
    assert ended.status == 2 and "lg.HallBar is no public name of llgrad; there is lg.readout.HallBar" in ended.err
    assert "the rooms are lg.circuits, " in llgrad("guide", "lg.nothing_like_it").err
