"""Where a user finds a name: few at the top, each in one room, and no two classes of one name."""

import ast
import collections
import importlib
import importlib.util
import inspect
import pathlib

import grimp
import pytest

import llgrad as lg

SRC = pathlib.Path(__file__).parents[2] / "src"
ROOMS = {name: importlib.import_module(f"llgrad.{name}") for name in lg.ROOMS}
TOP = [name for name in lg.__all__ if name not in ROOMS]
MOST_AT_THE_TOP = 40
GATHERED = {"llgrad.plot"}  # the command draws with it


def test_few_names_are_at_the_top():
    assert 25 < len(TOP) <= MOST_AT_THE_TOP


def test_every_public_name_is_in_one_room():
    kept = collections.defaultdict(list)
    for room, module in ROOMS.items():
        if room != "plot":  # which draws what other rooms find, under the same names
            for name in module.__all__:
                kept[name].append(room)
    assert {name: rooms for name, rooms in kept.items() if len(rooms) > 1} == {}
    assert [name for name in TOP if name not in kept] == []
    for name in TOP:
        assert getattr(lg, name) is getattr(ROOMS[kept[name][0]], name)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for(room):
    module = ROOMS[room]
    assert getattr(lg, room) is module and len(inspect.getdoc(module) or "") > 60
    assert 5 <= len(module.__all__) <= MOST_AT_THE_TOP
    if room == "torch" and importlib.util.find_spec("torch") is None:
        with pytest.raises(ImportError, match=r"needs PyTorch, which is not installed; install it, as in pip install"):
            getattr(module, module.__all__[0])
    else:
        assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_a_type_checker_sees_what_is_there():
    block = next(node for node in ast.parse((SRC / "llgrad/__init__.py").read_text()).body if isinstance(node, ast.If))
    seen = {name.name: node.module for node in block.body for name in node.names}
    assert {*seen} == {*lg.__all__} <= {*dir(lg)}
    assert {name: module for name, module in seen.items() if name not in ROOMS} == {
        name: f"llgrad.{room}" for name, room in lg._TOP.items()
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("HallBar", "lg.HallBar is now lg.readout.HallBar"),
        ("profile", "lg.profile is now lg.fitting.profile"),
        ("load", "lg.load is now lg.presets.load"),
        ("Nothing", "module 'llgrad' has no attribute 'Nothing'"),
    ],
)
def test_an_absent_name_says_where_it_is(name, said):
    with pytest.raises(AttributeError) as raised:
        getattr(lg, name)
    assert str(raised.value) == said


def test_the_library_imports_from_where_a_name_is_defined():
    graph = grimp.build_graph("llgrad", cache_dir=None)
    rooms = {f"llgrad.{room}" for room in ROOMS} - GATHERED
    assert {room: by for room in rooms if (by := graph.find_modules_that_directly_import(room) - {"llgrad"})} == {}


def test_no_two_classes_have_one_name():
    found = collections.defaultdict(list)
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.relative_to(SRC).as_posix())
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
