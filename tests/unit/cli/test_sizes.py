"""Counts that nobody can wait for, and memory that nobody has: a sentence each."""

import json

import pytest

import llgrad as lg

HUGE = {
    "loop": (("loop", "garcia2021", "--field", "-1kOe:1kOe", "--steps", "1000000000000"), "expected 1000000 at most"),
    "sweep": (("sweep", "kubota2013", "--current", "0.3mA:3mA:100000000000"), "a range has 1000000 values at most"),
    "map": (
        ("map", "kubota2013", "--current", "0:5mA:1000000", "--field", "0:500Oe:1000000"),
        "more memory than there",
    ),
    "pulses": (
        ("switch", "garcia2021", "--current", "0mA", "--pulse", "current=60uA:160uA:1000000000,5ns"),
        "a range has 1000000 values at most; give fewer",
    ),
    "runs": (
        ("switch", "garcia2021", "--current", "0mA", "--pulse", "current=60uA,5ns", "--runs", "100000000000"),
        "expected 100000000 at most; for rare errors see lg.experiments.write_error_rate",
    ),
    "nodes": (("reservoir", "narma2", "kubota2013", "--nodes", "100000000000"), "this needs more memory than there is"),
}


@pytest.mark.parametrize("name", HUGE)
def test_too_many_is_told(refused, name):
    words, sentence = HUGE[name]
    assert sentence in refused(*words)


@pytest.mark.parametrize("frequencies", ["-1GHz:20GHz", "0GHz:20GHz"])
def test_a_sentence_is_one_line_whatever_it_quotes(refused, frequencies):
    said = refused("resonance", "garcia2021", "--field", "3kOe:0Oe", "--frequency", frequencies)
    assert "Hz among 201 of the shape (201,), expected a list of positive ones in hertz" in said


def test_memory_of_xla_that_is_not_there_is_told(refused, monkeypatch):
    def raised(*_, **__):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4000000000000 bytes.\nmore")

    monkeypatch.setattr("llgrad.cli.states.loop.device_with", raised)
    said = refused("loop", "garcia2021", "--field", "-1kOe:1kOe")
    assert (
        said
        == "this needs more memory than there is (Out of memory allocating 4000000000000 bytes); ask for less at once"
    )


def test_an_empty_record_has_no_entries(refused, tmp_path):
    (tmp_path / "empty.json").write_text(json.dumps({}))
    assert refused("devices", "empty.json").endswith("this one has no entries")


def test_the_option_of_a_folder_is_named_as_it_was_given(refused, tmp_path):
    lg.save_device(tmp_path / "mine.json", lg.presets.kubota2013())
    assert refused("demo", "--out", "mine.json") == "--out mine.json is a file, expected the name of a folder"
