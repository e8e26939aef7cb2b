"""Where a user finds a name: few at the top, each in one room, and no two classes of one name."""

import ast
import collections
import importlib
import importlib.util
import inspect
import pathlib
import re
import sys

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


FIELDS = ("quantity", "table", "vector")
"""What declares a field gives what the field is said to be, as dataclasses.field does."""
OPEN = re.compile(r"\b(dict|Mapping)\[str, Any\]|Callable\[\.\.\., Any\]")
"""What may hold anything: entries of files, and functions of one's own."""


def untyped(thing):
    """Names in the signatures of a function, or of a class and its public methods, that may be anything."""
    functions = [thing] if inspect.isfunction(thing) else []
    members = vars(thing) if inspect.isclass(thing) else {}
    for name, member in members.items():
        member = getattr(member, "__func__", getattr(member, "fget", member))
        if inspect.isfunction(member) and not name.startswith("_"):
            functions.append(member)
    passed = {
        f: {p.name for p in inspect.signature(f).parameters.values() if p.kind is p.VAR_KEYWORD} for f in functions
    }
    found = [
        (f.__qualname__, name, kind)
        for f in functions
        for name, kind in f.__annotations__.items()
        if name not in passed[f]
    ]
    found += [
        (thing.__qualname__, name, kind) for name, kind in (inspect.get_annotations(thing) if members else {}).items()
    ]
    return [f"{where}: {name}" for where, name, kind in found if re.search(r"\bAny\b", OPEN.sub("", str(kind)))]


@pytest.mark.parametrize("room", ROOMS)
def test_signatures_of_a_room_say_what_they_take(room):
    if room == "torch":
        pytest.importorskip("torch", reason="PyTorch's room needs PyTorch")
    names = [name for name in ROOMS[room].__all__ if name not in FIELDS]
    assert [row for name in names for row in untyped(getattr(ROOMS[room], name))] == []


def test_what_takes_anything_is_found():
    def open_to_all(a: "Any", b: "dict[str, Any]", **options: "Any") -> "list[Any]": ...

    assert [row.rpartition(" ")[2] for row in untyped(open_to_all)] == ["a", "return"]


def public_things():
    """What the rooms hold, by name. PyTorch's room needs PyTorch."""
    there = [name for name in ROOMS if name != "torch" or importlib.util.find_spec("torch")]
    return {f"lg.{room}.{name}": getattr(ROOMS[room], name) for room in there for name in ROOMS[room].__all__}


def named_in(function):
    """The library's classes in the signature of a function: those that it takes, and those that it gives."""
    signature = inspect.signature(function)
    takes = set().union(*(classes_in(p.annotation, function) for p in signature.parameters.values()))
    return takes, classes_in(signature.return_annotation, function)


def classes_in(annotation, thing):
    """The library's classes that an annotation of a function or class names."""
    around = vars(sys.modules[inspect.unwrap(thing).__module__])
    named = [around.get(word) for word in re.findall(r"\w+", str(annotation))]
    return {kind for kind in named if inspect.isclass(kind) and kind.__module__.startswith("llgrad.")}


def out_of_reach(things):
    """Classes that a public function takes and nobody can make, and those that it gives and nothing tells of.

    Of a protocol anything may be that has its methods. A class can be made where it, or a kind of it, is public, given
    by a public function, or part of what is public; one that is given needs no page of its own where a public function
    takes it.
    """
    public = {id(thing) for thing in things.values()}
    signatures = {name: named_in(thing) for name, thing in things.items() if inspect.isfunction(thing)}
    shown = {thing for thing in things.values() if inspect.isclass(thing)}
    taken = set().union(*(takes for takes, _ in signatures.values()))
    given = set().union(*(gives for _, gives in signatures.values()))
    parts = set().union(*(classes_in(each, one) for one in shown for each in inspect.get_annotations(one).values()))
    taken = {kind for kind in taken if not getattr(kind, "_is_protocol", False)}
    lost = {kind for kind in taken if not any(issubclass(made, kind) for made in shown | given | parts)}
    lost |= {kind for kind in given if id(kind) not in public and not any(issubclass(kind, one) for one in taken)}
    return sorted(kind.__name__ for kind in lost)


def unused(sources):
    """Functions and classes, with no name of the inside (`_…`) and no decorator, that no source names but where they
    are defined."""
    words = collections.Counter(word for text in sources for word in re.findall(r"\w+", text))
    tops = [node for text in sources for node in ast.parse(text).body]
    kinds = [node for node in tops if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list]
    return [node.name for node in kinds if words[node.name] == 1 and not node.name.startswith("_")]


def test_what_is_written_is_used():
    assert unused([path.read_text() for path in sorted(SRC.rglob("*.py"))]) == []
    assert unused(["def f(): ...", "def g(): f()"]) == ["g"]


MEASURES = ["DeviceNumber", "OrbitNumber"]
"""What `of_device` and `of_orbit` give to `maximise`, which takes any function: their page is that of these."""


def test_what_public_functions_take_and_give_can_be_reached():
    assert out_of_reach(public_things()) == MEASURES


def test_what_is_out_of_reach_is_found():
    things = public_things()
    shown = {name: thing for name, thing in things.items() if "Processes" not in name}
    assert out_of_reach(shown) == [*MEASURES, "Processes"]


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
