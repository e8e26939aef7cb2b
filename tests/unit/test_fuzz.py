"""A few of the damaged files of `python -m benchmarks.fuzz`, and that it can tell a fault."""

import numpy as np
import pytest
from benchmarks.fuzz import instruments, run
from benchmarks.fuzzing.readers import READERS, readers_of
from benchmarks.fuzzing.samples import samples
from benchmarks.fuzzing.verdict import fault_of

from llgrad.datasets.trace import Trace


@pytest.mark.float32
def test_damaged_files_are_read_or_refused_in_a_sentence(tmp_path):
    found = run(range(250), 0, tmp_path)
    assert [f"file {fault.number} ({fault.sample}) {fault.reader}: {fault.what}" for fault in found.faults] == []
    outcomes = [sum(n for (_, one), n in found.outcomes.items() if one == kind) for kind in ("read", "refused")]
    assert outcomes[0] > 100 and outcomes[1] > 500


def test_damaged_files_of_instruments_are_read_or_refused_in_a_sentence(tmp_path):
    found = run(range(240), 0, tmp_path, kinds=instruments())
    assert [f"file {fault.number} ({fault.sample}): {fault.what}\n{fault.trace}" for fault in found.faults] == []
    assert found.outcomes["every channel", "read"] > 20 and found.outcomes["every channel", "refused"] > 150


def test_every_sample_is_good_for_one_of_its_readers(tmp_path):
    for sample in samples():
        path = tmp_path / sample.name
        path.write_bytes(sample.content)
        assert [r.name for r in readers_of(sample) if r.name != "looks_like" and _reads(r, path)] != [], sample.name
    for sample in instruments():
        path = tmp_path / sample.name
        path.write_bytes(sample.content)
        assert all(_reads(reader, path) for reader in readers_of(sample)), sample.name
    assert {reader.name for sample in samples() for reader in readers_of(sample)} == {r.name for r in READERS}


def _reads(reader, path):
    try:
        return fault_of(reader.read(path)) is None
    except ValueError:
        return False


@pytest.mark.parametrize(
    ("result", "what"),
    [
        (Trace([0.0, 1.0], {"mx": [0.0, 1.0]}), None),
        ({"a": (1.0, [np.array([1.0, np.nan])])}, "dict['a'][1][0] is not finite"),
        (ValueError("the file is damaged; mend it"), None),
        (ValueError("the file\nis damaged"), "no sentence, but 'the file\\nis damaged' of 19 signs"),
        (ValueError(""), "no sentence, but '' of 0 signs"),
        (KeyError("device"), "KeyError: 'device'"),
    ],
)
def test_what_a_fault_is(result, what):
    assert fault_of(result) == what
