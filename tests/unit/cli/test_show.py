"""`llgrad show`, and what `llgrad fit --read` tells of a trace."""

import json

import pytest
from benchmarks.fuzzing.recordings import isf, keysight, lecroy

from llgrad.cli.answers.reading import read_data


def test_a_sentence_a_table_and_a_picture(llgrad, tmp_path):
    (tmp_path / "a.bin").write_bytes(keysight())
    ended = llgrad("show", "a.bin", "--plot", "pictures")
    assert ended.status == 1  # something is to be told
    assert ended.out.splitlines() == [
        "a.bin: a recording of Agilent or Keysight (.bin), 2 channels",
        "name  unit  taken for  samples  times",
        "CH1   V     voltage    40       from -1 ns to 2.9 ns, every 100 ps",
        "CH2   V     voltage    40       from -1 ns to 2.9 ns, every 100 ps",
        "to be told: a.bin has several voltages (CH1, CH2); choose one, as in --read channel=CH1",
        "wrote pictures/contents.png",
    ]
    assert (tmp_path / "pictures" / "contents.png").stat().st_size > 20_000


def test_json_and_other_files(llgrad, trace, tmp_path):
    ended = llgrad("show", trace, "--json")
    found = json.loads(ended.out)
    assert ended.status == 0 and (found["format"], found["needs"]) == ("llgrad.contents", "")
    assert [row["name"] for row in found["rows"]] == ["t", "mx", "my", "mz"]
    (tmp_path / "x.s1p").write_text("# GHz S RI R 50\n1 0.5 0\n2 0.4 0\n")
    assert "S11   1     S parameter  2        at 1 GHz to 2 GHz" in llgrad("show", "x.s1p").out
    (tmp_path / "f.csv").write_text("I (mA),f (GHz)\n1,2\n2,3\n3,4\n")
    assert "a table of frequencies (read_frequencies)" in llgrad("show", "f.csv").out
    (tmp_path / "c.isf").write_bytes(isf())
    assert "read as it is: a waveform of Tektronix (.isf)" in llgrad("show", "c.isf").out


def test_times_that_were_rounded_are_told(llgrad, tmp_path):
    rows = "".join(f"{time}E-08,{k}\n" for k, time in enumerate(("-5.00", "-5.00", "-5.00", "-5.00", "-4.99", "-4.99")))
    (tmp_path / "rounded.csv").write_text("TIME (s),CH1 (V)\n" + rows)
    table = llgrad("show", "rounded.csv").out
    assert "from -50 ns to -49.9 ns, 4 of them at the time of the one before, as where times were rounded" in table
    assert "every 0 s" not in table and "they are counted from the first, every 20 ps" in table


def test_mistakes_are_sentences(refused, tmp_path):
    assert "is no file" in refused("show", "nothing.csv")
    (tmp_path / "cut.trc").write_bytes(lecroy()[:100])
    assert "cut off or damaged" in refused("show", "cut.trc")


def test_what_a_fit_is_told_of_a_recording(tmp_path):
    path = tmp_path / "a.trc"
    path.write_bytes(lecroy(3))
    found = read_data(path, None, {"segment": "2", "window": "0ns,1ns"})
    assert found.t.size == 10 and found.columns["voltage"].max() > 0.7
    for given, sentence in (
        ({"segment": "two"}, "expected its number"),
        ({"window": "1ns"}, "expected two times"),
        ({"peak": "G1"}, "a trace is read by channel, segment, unit, interval, window"),
    ):
        with pytest.raises(ValueError, match=sentence):
            read_data(path, None, given)
