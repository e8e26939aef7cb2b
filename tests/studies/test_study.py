"""Studies: every row once, whoever is killed and whenever; failures as rows; one folder, one study."""

import collections
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from tests.studies.doing import of_a_file, squared, work_that_dies

import llgrad as lg
from llgrad.studies.store import PARTS, Store

ROOT = pathlib.Path(__file__).parents[2]
SQUARES = [float(n * n) for n in range(15)]


def squares(numbers) -> lg.studies.Evaluations:
    return lg.studies.Evaluations(squared, [{"n": n} for n in numbers], described={"square": "1"})


def test_a_driver_that_is_killed_is_resumed_without_loss_or_double_work(tmp_path):
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    ended = []
    while not ended or ended[-1] != 0:
        assert len(ended) < 4
        ended.append(
            subprocess.run(
                [sys.executable, "-m", "tests.studies.doing", str(tmp_path)], env=environment, cwd=ROOT
            ).returncode
        )
    assert ended == [-signal.SIGKILL, 0]
    found = lg.studies.load_study(tmp_path / "study")
    assert found["square"].tolist() == SQUARES
    assert len(set(found.table["key"].to_pylist())) == 15
    done = collections.Counter((tmp_path / "done").read_text().split())
    assert {n: count for n, count in done.items() if count > 1} == {"2": 2}  # of the batch that was killed
    assert not [*(tmp_path / "study" / PARTS).iterdir()]


def test_a_worker_that_is_killed_is_replaced(tmp_path):
    told = []
    found = lg.studies.study(work_that_dies(str(tmp_path)), tmp_path / "study", workers=1, progress=told.append)
    assert found["square"].tolist() == SQUARES and found.failures == {}
    assert [entry["done"] for entry in told] == sorted(entry["done"] for entry in told)
    assert told[-1]["fraction"] == 1.0 and told[-1]["dashboard"].startswith("http://127.0.0.1")
    assert {path.name for path in tmp_path.glob("killed-*")} == {"killed-3"}


def test_a_row_that_was_gathered_and_not_yet_cleared_away_is_there_once(tmp_path):
    found = lg.studies.study(squares(range(4)), tmp_path / "s", workers=0)
    work = squares(range(6))
    store = Store(tmp_path / "s")
    store.add(work.items()[:3], work.run(work.items()[:3]))  # as after a kill between two steps of the end
    again = lg.studies.study(work, tmp_path / "s", workers=0)
    assert found["square"].tolist() == SQUARES[:4] and again["square"].tolist() == SQUARES[:6]


def test_failures_are_rows_with_their_sentence(tmp_path):
    found = lg.studies.study(squares([1, -1, 2]), tmp_path / "s", workers=0)
    assert found.failures == {"2": "ValueError: n = -1, expected a number from 0 on"}
    assert np.isnan(found["square"][1]) and found["square"][[0, 2]].tolist() == [1.0, 4.0]
    assert found.good.tolist() == [True, False, True] and "1 failed" in str(found)
    assert found.to_json()["failures"] == found.failures


def test_failed_rows_are_done_again_where_that_is_asked_for_and_no_others(tmp_path):
    cases = [{"n": n, "folder": str(tmp_path)} for n in range(6)]

    def study(**options):
        (tmp_path / "done").unlink(missing_ok=True)
        work = lg.studies.Evaluations(of_a_file, cases)
        found = lg.studies.study(work, tmp_path / "s", workers=0, batch=1, **options)
        done = (tmp_path / "done").read_text().split() if (tmp_path / "done").exists() else []
        return list(found.failures), done

    assert study() == (["2", "4", "6"], list("012345"))
    (tmp_path / "there-3").touch()
    assert study() == (["2", "4", "6"], [])
    told = []
    assert study(retry_failed=True, progress=told.append) == (["2", "6"], list("135"))
    assert [told[at]["failed"] for at in (0, -1)] == [0, 2] and [told[at]["done"] for at in (0, -1)] == [3, 6]
    assert lg.studies.load_study(tmp_path / "s")["square"][[0, 2, 3, 4]].tolist() == [0.0, 4.0, 9.0, 16.0]
    with pytest.raises(ValueError, match="give one of them"):
        study(retry_failed=True, overwrite=True)


def test_failed_rows_stay_where_doing_them_again_is_stopped(tmp_path):
    def stop(told):
        if told["done"] > 2:
            raise KeyboardInterrupt

    work = squares([1, -1, 2, -3])
    first = lg.studies.study(work, tmp_path / "s", workers=0)
    with pytest.raises(KeyboardInterrupt):
        lg.studies.study(work, tmp_path / "s", workers=0, batch=1, retry_failed=True, progress=stop)
    assert lg.studies.load_study(tmp_path / "s").table.equals(first.table)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"a": 1j}, "a = 1j, expected a number or a text"),
        ({"a": [1, 2]}, "a = [1, 2], expected a number or a text"),
        (np.arange(3), "value = array([0, 1, 2]), expected a number or a text"),
        (10**30, "expected a number or a text"),
        ({"square": "large"}, "square = 'large', expected a number"),
        ({"key": 1}, "'key', which no number can be called"),
        ({"failure": "x"}, "'failure', which no number can be called"),
        ({1: 1}, "gave 1, which no number can be called"),
    ],
)
def test_an_answer_of_which_there_is_no_row_is_a_failure(answer, said, tmp_path):
    work = lg.studies.Evaluations(
        lambda n: answer if n else {"square": 0.0}, [{"n": 0}, {"n": 1}], None, {"square": "1"}
    )
    found = lg.studies.study(work, tmp_path / "s", workers=0)
    assert said in found.failures["2"] and found.good.tolist() == [True, False]


def test_what_cannot_stand_in_one_table_is_refused(tmp_path):
    def refused(said, function, cases, names=None):
        with pytest.raises(ValueError, match=said):
            lg.studies.study(lg.studies.Evaluations(function, cases, names), tmp_path / said[:4], workers=0)

    refused("a is a number in some rows", lambda n: {"a": n or "none"}, [{"n": 0}, {"n": 1}])
    refused("n = 1 was found of what has n = 0 already", lambda n: {"n": n + 1}, [{"n": 0}])
    refused("is called key, as a column that every study has", lambda key: key, [{"key": 0}])
    refused("names is given, and cases have a name", lambda name: 1, [{"name": "a"}], ["b"])
    refused("cases has 3, expected the arguments", lambda n: 1, [3])


@pytest.mark.parametrize("column", ["alpha", "alpha.error", "explained", "current", "name"])
def test_labels_do_not_take_the_place_of_what_is_found(column):
    trace = lg.Trace(np.arange(3) * 1e-12, {"mx": np.ones(3)})
    with pytest.raises(ValueError, match=f"labels has a column '{column}', which the study has of itself"):
        lg.studies.Fits(
            lg.presets.kubota2013(), {"A": trace}, ["alpha"], {"current": ["1mA"]}, labels={"A": {column: 1.0}}
        )


def test_rows_of_one_name_are_told_apart(tmp_path):
    cases = [{"file": "A", "H_k": 1.5}, {"file": "A", "H_k": -1.0}, {"file": "B", "H_k": -1.0}]
    work = lg.studies.Evaluations(root_of, cases, ["A", "A", "B"], {"root": "1"})
    found = lg.studies.study(work, tmp_path / "s", workers=0)
    assert found.names == ["A (H_k = 1.5)", "A (H_k = -1)", "B"]
    assert list(found.failures) == ["A (H_k = -1)", "B"]
    assert found.counts() == ["3 rows, 1 good, 2 failed"]
    twice = lg.studies.Evaluations(squared, [{"n": 1}, {"n": -1}], ["A", "A"])
    assert list(lg.studies.study(twice, tmp_path / "t", workers=0).failures) == ["A (n = -1)"]


def root_of(file, H_k):
    if H_k < 0:
        raise ValueError("H_k is negative")
    return {"root": H_k**0.5}


def test_one_row_is_told_as_one(tmp_path):
    found = lg.studies.study(squares([3]), tmp_path / "s", workers=0)
    assert str(found).startswith("evaluations: 1 row, 1 good, 0 failed; ")
    with pytest.raises(TypeError):
        lg.plot.study_page(found, "page.html")


def test_a_study_that_was_stopped_before_its_first_row_can_be_looked_at(tmp_path):
    work = squares([1])
    store = Store(tmp_path / "s")
    store.begin(work, False, None)
    store.finish(work.items())
    found = lg.studies.load_study(tmp_path / "s")
    assert found.counts() == ["0 rows, 0 good, 0 failed"] and found.failures == {} and not found.good.any()


def test_a_folder_holds_one_study(tmp_path):
    lg.studies.study(squares([1]), tmp_path / "s", workers=0)
    other = lg.studies.Evaluations(len, [{"obj": "abc"}])
    with pytest.raises(ValueError, match="holds another study"):
        lg.studies.study(other, tmp_path / "s", workers=0)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(ValueError, match="holds files that are no study"):
        lg.studies.study(other, tmp_path / "mine", workers=0, overwrite=True)
    with Store(tmp_path / "s").alone(), pytest.raises(ValueError, match="another process works on the study"):
        lg.studies.study(squares([1, 2]), tmp_path / "s", workers=0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": -1}, "workers = -1, expected a whole number from 0"),
        ({"threads": 0}, "threads = 0"),
        ({"batch": 2.5}, "batch = 2.5"),
    ],
)
def test_numbers_that_are_none_are_refused(options, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        lg.studies.study(squares([1]), tmp_path / "s", **options)


def test_the_same_item_twice_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is the same as"):
        lg.studies.study(squares([1, 1]), tmp_path / "s", workers=0)


def test_simulations_of_settings_side_by_side(tmp_path):
    device = lg.presets.kubota2013()
    work = lg.studies.Simulations(
        device, 0.2e-9, {"current": ["0A", "1mA", "2mA"]}, dt=2e-12, options={"m0": (0.6, 0, 0.8)}
    )
    found = lg.studies.study(work, tmp_path / "s", workers=0)
    run = lg.simulate(device.replace(current=1e-3), duration=0.2e-9, dt=2e-12, m0=(0.6, 0, 0.8))
    half = run.mz.shape[0] // 2
    assert found["mean_mz"][1] == pytest.approx(float(np.mean(np.asarray(run.mz)[half:])), rel=1e-12)
    assert found["current"].tolist() == [0.0, 1e-3, 2e-3]


def test_a_page_of_a_study_has_its_parts(tmp_path):
    rng = np.random.default_rng(1)
    cases = [
        {"name": f"D{n}", "x": 1e-3 * (n % 5), "y": 1e-3 * (n // 5), "f": 1e9 + 1e7 * rng.normal()} for n in range(25)
    ]
    cases[7]["f"] = 9e9
    work = lg.studies.Evaluations(frequency_of, cases, described={"f": "Hz", "f2": "Hz"})
    found = lg.studies.study(work, tmp_path / "s", workers=0)
    text = lg.plot.study_page(found)
    assert all(f'id="{name}"' in text for name in ("populations", "wafer", "distributions", "correlations", "outliers"))
    assert "D7" in found.outliers and "D7" in text and "http" not in text.split("</style>")[1]
    assert "f" in found.populations
    json.dumps(found.to_json()["populations"])


def test_correlations_of_a_study_are_those_of_its_rows_without_their_errors(tmp_path):
    rng = np.random.default_rng(3)
    cases = [{"name": f"D{n}", "u": u, "v": v} for n, (u, v) in enumerate(rng.normal(size=(30, 2)))]
    cases[4]["v"] = float("inf")
    units = {"a": "T", "b": "Hz", "c": "1"}
    found = lg.studies.study(lg.studies.Evaluations(pair_of, cases, described=units), tmp_path / "s", workers=0)
    names, between = found.correlations()
    whole = np.isfinite(found["b"])
    x = np.stack([found["a"], found["b"]], axis=1)[whole]
    errors = np.broadcast_to([[0.09, 0.054], [0.054, 0.04]], (29, 2, 2))
    assert names == ["a", "b"] and between.members == 29
    np.testing.assert_allclose(between.matrix, lg.studies.correlations(x, errors).matrix, rtol=1e-9)
    assert f"a and b: {between.matrix[0, 1]:.3f} ± {between.errors[0, 1]:.3f}" in str(found)
    entry = json.loads(json.dumps(found.to_json()["correlations"], allow_nan=False))
    assert entry["names"] == names and entry["matrix"][0][1] == between.matrix[0, 1]
    page = lg.plot.study_page(found)
    assert f"± {between.errors[0, 1]:.2f}" in page and "correlated as each row says, are taken out" in page


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "no errors of the measurements are known, and none are taken out"),
        ({"a.error": 0.1}, "the errors of the measurements, taken for independent of each other, are taken out"),
        ({"a.error": 0.1, "b.error": 0.1, "a~b.correlation": 0.5}, "correlated as each row says"),
        ({"a.error": 0.1, "b.error": 0.1, "a~b.correlation": 0.5, "converged": True}, "as the fit of each device says"),
    ],
)
def test_a_page_says_of_correlations_what_is_known_of_errors(more, said, tmp_path):
    cases = [{"name": f"D{n}", "a": float(n), "b": float(n % 3), **more} for n in range(8)]
    table = pytest.importorskip("pyarrow").Table.from_pylist([case | {"failure": None, "key": ""} for case in cases])
    found = lg.studies.Study(tmp_path, table, {"units": {"a": "T", "b": "Hz"}, "kind": "evaluations"})
    assert said in found.errors_told


def pair_of(name, u, v):
    found = {"a": u, "a.error": 0.3, "b": 0.5 * u + v, "b.error": 0.2, "c": 3.0}
    return found | {"b~a.correlation": 0.9}


def frequency_of(name, x, y, f):
    return {"f": f, "f.error": 1e6, "f2": 2 * f}


@pytest.mark.parametrize(("missing", "workers"), [("pyarrow", 0), ("distributed", 1)])
def test_a_missing_library_is_named_before_the_work(missing, workers, tmp_path, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == missing else there(name, *rest)
    )
    with pytest.raises(ValueError, match=rf"needs {missing}, which .* pip install 'llgrad\[study\]'"):
        lg.studies.study(squares([1]), tmp_path / "s", workers=workers)
    assert not (tmp_path / "s").exists()
