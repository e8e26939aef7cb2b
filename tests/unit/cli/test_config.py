"""`--config FILE.toml`: the words of a command from a file."""

import json
import sys

import pytest
import tomli_w
import typer

from llgrad.cli.commands.config import known_of, values_of
from llgrad.cli.commands.table import COMMANDS, CommandTable

TABLE = CommandTable()


@pytest.fixture
def parsed(tmp_path, monkeypatch):
    """What a command would be given, of words and of the text of a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["llgrad"])

    def parse(name, words, config=None):
        if config is not None:
            (tmp_path / "run.toml").write_text(config)
            words = [*words, "--config", "run.toml"]
        return TABLE[name].make_context(name, list(words)).params

    return parse


WORDS = ("1", "oscillators", "rows", "mean", "bash")
"""What parameters without a default take: most a number, others one of their words."""


def repeated(parameter):
    return getattr(parameter, "multiple", False) or parameter.nargs == -1


def accepted(name, parameter):
    """A value that a command takes: for an argument its own name, one of `WORDS`, or what it has as it is."""
    context = TABLE[name].make_context(name, [], resilient_parsing=True)
    own = (f"{parameter.name}.x",) if parameter.param_type_name == "argument" else ()
    for value in (*own, *WORDS, str(getattr(parameter.default, "value", parameter.default))):
        try:
            parameter.process_value(context, [value] if repeated(parameter) else value)
        except typer.BadParameter:
            continue
        return value
    raise AssertionError(f"llgrad {name} {parameter.opts}: no value found that it takes")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_word_of_every_command_means_the_same_in_a_file(name, parsed, tmp_path):
    entries, options, arguments = {}, [], []
    first = {id(one): word for word, one in reversed(known_of(TABLE[name].params).items())}
    for parameter in TABLE[name].params:
        if parameter.name == "config":
            continue
        word = first[id(parameter)]
        if parameter.param_type_name == "argument":
            value = accepted(name, parameter)
            entries[word] = [value, value] if repeated(parameter) else value
            arguments += [value] * (2 if repeated(parameter) else 1)
        elif parameter.is_flag:
            entries[word] = not parameter.default
            options.append((parameter.opts if entries[word] else parameter.secondary_opts)[0])
        else:
            value = accepted(name, parameter)
            entries[word] = [value, value] if parameter.multiple else value
            options += [f"{max(parameter.opts, key=len)}={value}"] * (2 if parameter.multiple else 1)
    assert len(entries) == len(TABLE[name].params) - 1, "two parameters of one word"
    on_the_line = parsed(name, options + arguments)
    assert parsed(name, [], tomli_w.dumps(entries)) == on_the_line
    assert sys.argv[1] == name and sorted(sys.argv[2:]) == sorted(options + arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_has_every_spelling_of_the_line_in_a_file(name):
    known = known_of(TABLE[name].params)
    spelled = {flag.removeprefix("--") for one in TABLE[name].params for flag in one.opts if flag.startswith("--")}
    assert spelled - {"config"} <= known.keys()


def test_two_spellings_are_one_word(parsed, tmp_path):
    assert parsed("optimise", [], 'device = "a"\nminimize = "power"')["to_minimise"] == ["power"]
    with pytest.raises(ValueError, match=r"run\.toml gives minimise twice"):
        parsed("optimise", [], 'device = "a"\nminimize = "power"\nminimise = "power"')


@pytest.mark.parametrize("name", [name for name in COMMANDS if any(one.required for one in TABLE[name].params)])
def test_missing_arguments_are_one_sentence_that_names_all(name, refused, tmp_path):
    (tmp_path / "run.toml").write_text("")
    needed = [one.opts[0] for one in TABLE[name].params if one.required]
    listed = needed[0] if len(needed) == 1 else f"{', '.join(needed[:-1])} and {needed[-1]}"
    place, more = f'on the line or as {needed[0].lstrip("-")} = "…" in run.toml', f"(see llgrad {name} --help)"
    assert refused(name) == f"llgrad {name} needs {listed} {more}"
    assert refused(name, "--config", "run.toml") == f"llgrad {name} needs {listed}, {place} {more}"


def test_only_what_is_missing_is_named(refused, tmp_path):
    (tmp_path / "run.toml").write_text('start = "1mA"')
    assert refused("follow", "kubota2013", "--config", "run.toml").startswith(
        "llgrad follow needs parameter and stop, "
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_as_windows_writes_it(parsed, tmp_path, encoding):
    (tmp_path / "run.toml").write_bytes('device = "kubota2013"  # µ\r\n'.encode(encoding))
    assert parsed("devices", ["--config", "run.toml"])["device"] == "kubota2013"


def test_kinds_of_values(parsed):
    found = parsed(
        "fit",
        [],
        """
        trace = "run 1.csv"
        free = "alpha,current"
        starts = 10
        accuracy = 1e-6
        time_limit = "60s"
        profiles = false
        json = false
        bounds = ["alpha=0.001:0.1", "current=1mA:3mA"]
        start = "alpha=0.01"
        [set]
        H_k = "18616Oe"
        ellipse.diameters = "100nm,50nm"
        alpha = 0.01
        """,
    )
    assert (found["free"], found["starts"], found["accuracy"]) == ("alpha,current", 10, 1e-6)
    assert (str(found["trace"]), found["time_limit"], found["profiles"]) == ("run 1.csv", "60s", False)
    assert found["json"] is False
    assert list(found["bounds"]) == ["alpha=0.001:0.1", "current=1mA:3mA"]
    assert list(found["start"]) == ["alpha=0.01"]
    assert list(found["set_"]) == ["H_k=18616Oe", "ellipse.diameters=100nm,50nm", "alpha=0.01"]


def test_the_line_wins(parsed):
    config = 'device = "a"\nfield = "200Oe"\nset = ["H_k=1T"]\nback = false\nsteps = 5\n'
    found = parsed("loop", ["b", "--field=-1Oe", "--set", "Ms=1MA/m", "--back"], config)
    assert (found["device"], found["field"], list(found["set_"])) == ("b", "-1Oe", ["Ms=1MA/m"])
    assert (found["back"], found["steps"]) == (True, 5)


def test_arguments_by_name_and_by_place(parsed):
    config = 'start = "-5mA"\nstop = "5mA"\nparameter = "alpha"\n'
    found = parsed("follow", ["kubota2013", "current"], config)
    assert [found[name] for name in ("device", "parameter", "start", "stop")] == [
        "kubota2013",
        "current",
        "-5mA",
        "5mA",
    ]


@pytest.mark.parametrize(
    "config, words",
    [
        ('feild = "200Oe"', ["run.toml", "'feild'", "did you mean 'field'", "llgrad simulate takes device, current"]),
        ('config = "a.toml"', ["unknown word 'config'"]),
        ("help = true", ["unknown word 'help'"]),
        ('json = "yes"', ["run.toml", "json = 'yes'", "expected true or false"]),
        ("field = true", ["run.toml", "field is true", "expected a text or a number"]),
        ('field = ["1Oe", "0Oe", "0Oe"]', ["run.toml", "field is a list", "given once"]),
        ("[field]\nz = 3", ["run.toml", "field is a table"]),
        ("duration = 12:00:00", ["run.toml", "duration is a date or time"]),
        ("set = [true]", ["run.toml", "set is true"]),
        ("[set]\nalpha = [1]", ["run.toml", "set.alpha is a list"]),
        ('save_every = "ten"', ["--save-every", "(from run.toml)"]),
        ('engine = "fast"', ["--engine", "native", "(from run.toml)"]),
        ("save-every = 1\nsave_every = 1", ["run.toml", "save-every twice"]),
        ("field 200Oe", ["--config run.toml is no TOML", "line 1"]),
        ("field = " + "[" * 9999, ["--config run.toml is no TOML", "nested too deep"]),
        ("field = 200", ["'200' has no unit"]),
    ],
)
def test_a_bad_file_is_one_sentence(refused, tmp_path, config, words):
    (tmp_path / "run.toml").write_text(config)
    sentence = refused("simulate", "kubota2013", "--config", "run.toml")
    for word in words:
        assert word in sentence


def test_a_file_that_cannot_be_read(refused, tmp_path):
    assert refused("simulate", "--config", "none.toml") == "none.toml: No such file or directory"
    (tmp_path / "latin.toml").write_bytes(b'field = "200\xe4"')
    assert "is no TOML" in refused("simulate", "--config", "latin.toml")
    assert "given twice" in refused("simulate", "--config=latin.toml", "--config", "latin.toml")
    (tmp_path / "ten.toml").write_text('save-every = "ten"')
    assert "(from" not in refused("simulate", "kubota2013", "--save-every", "x", "--config", "ten.toml")


def test_one_that_refuses_an_unused_option_refuses_it_from_a_file(refused, tmp_path, short_trace):
    (tmp_path / "fit.toml").write_text('device = "kubota2013"\nfree = "alpha"\nmax-field = "200Oe"\n')
    assert "--max-field is for field sweeps" in refused("fit", short_trace, "--config", "fit.toml")


def test_the_record_is_that_of_the_line(llgrad, tmp_path):
    (tmp_path / "card.toml").write_text('device = "kubota2013"\njson = true\n')
    of_file = json.loads(llgrad("devices", "--config", "card.toml").out)
    of_line = json.loads(llgrad("devices", "--json", "kubota2013").out)
    assert of_file | {"created": None} == of_line | {"created": None}
    assert of_file["command"] == "llgrad devices --json kubota2013"


def test_help_of_a_command_needs_no_file(llgrad):
    ended = llgrad("fit", "--config", "none.toml", "--help")
    assert ended.status == 0 and "--config" in ended.out


def test_values_of_a_file_are_texts_for_the_parser(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text(tomli_w.dumps({"sine_current": "0.1mA,1GHz", "seed": 3, "set": "alpha=1"}))
    found = values_of(str(file), known_of(TABLE["simulate"].params), "llgrad simulate")
    assert found == {"sine_current": ["0.1mA,1GHz"], "seed": "3", "set_": ["alpha=1"]}


SINGLE = [
    (name, max(one.opts, key=len))
    for name in COMMANDS
    for one in TABLE[name].params
    if one.param_type_name == "option" and not (one.multiple or one.is_flag) and one.name not in ("config", "help")
]


@pytest.mark.parametrize(("name", "flag"), SINGLE)
def test_an_option_with_one_value_is_given_once(name, flag):
    """On the line and beside a file: nothing keeps the last of two silently."""
    for words in ([flag, "1", flag, "2"], [f"{flag}=1", f"{flag}=1"]):
        with pytest.raises(ValueError, match=rf"^{flag} is given twice, and takes one value; give it once$"):
            TABLE[name].make_context(name, [*words])


def test_flags_and_lists_are_given_as_often_as_one_likes(parsed):
    given = parsed("reservoir", ["stm", "--json", "--json", "--read", "mx", "--read", "my"])
    assert given["json"] is True and list(given["read"]) == ["mx", "my"]
