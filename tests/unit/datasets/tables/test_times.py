"""Times that an instrument rounded are counted from the first; what else does not increase is refused."""

import numpy as np
import pytest

from llgrad.datasets.reader import describe, read_trace
from llgrad.datasets.tables.times import interval_of, roundings_of

ROUNDED = (
    "TIME (s),CH1 (V)\n-5.00E-08,0.10\n-5.00E-08,0.12\n-5.00E-08,0.15\n-4.99E-08,0.14\n-4.99E-08,0.11\n-4.99E-08,0.09\n"
)


def read(tmp_path, text):
    (tmp_path / "scope.csv").write_text(text)
    return read_trace(tmp_path / "scope.csv")


def test_rounded_times_are_counted_and_told(tmp_path):
    trace = read(tmp_path, ROUNDED)
    assert trace.t == pytest.approx(np.linspace(-5e-8, -4.99e-8, 6), rel=1e-9) and trace.evenly_spaced
    assert trace.columns["voltage"].tolist() == [0.10, 0.12, 0.15, 0.14, 0.11, 0.09]
    assert (
        "the instrument rounded its times to 100 ps: they are counted from the first, every 20 ps ± 20 ps"
        in describe(trace)
    )


@pytest.mark.parametrize("style", ["e", "f"])
@pytest.mark.parametrize("digits", [2, 3, 4, 5])
@pytest.mark.parametrize("step", [4.7123e-11, 1 / 3e9, 3.125e-11])
@pytest.mark.parametrize("start", [-5e-8, 0.0, 1e-6])
def test_a_record_that_was_rounded_has_its_true_times_within_its_rounding(tmp_path, rng, style, digits, step, start):
    truth = start + step * np.arange(4000)
    scale, unit = (1.0, "s") if style == "e" else (1e9, "ns")
    rows = [f"{t * scale:.{digits}{style}},{v:.3f}" for t, v in zip(truth, rng.normal(size=truth.size), strict=True)]
    quantum = 10.0 ** (np.floor(np.log10(np.abs(truth).max())) - digits) if style == "e" else 10.0 ** (-9 - digits)
    trace = read(tmp_path, f"t ({unit}),CH1 (V)\n" + "\n".join(rows))
    assert np.abs(trace.t - truth).max() <= 1.01 * quantum
    assert trace.dt == pytest.approx(step, abs=1.01 * quantum / 3999)
    assert trace.evenly_spaced
    assert ("rounded its times" in describe(trace)) >= (quantum > 3e-3 * step)


def test_the_interval_of_the_preamble_is_believed_where_it_fits(tmp_path):
    rows = ROUNDED.split("\n", 1)[1]
    for line in ("Sample Interval,3.3e-11", "Sample Interval,3.3e-11 s", "Sampling Rate,30.303 GS/s"):
        trace = read(tmp_path, f"Model,X\n{line}\nTIME (s),CH1 (V)\n{rows}")
        assert np.diff(trace.t) == pytest.approx(np.full(5, 3.3e-11), rel=1e-3) and "as the preamble says" in describe(
            trace
        )
    assert "±" in describe(read(tmp_path, f"Model,X\nSample Interval,1e-9\nTIME (s),CH1 (V)\n{rows}"))


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ([0, 1, 2, 2, 3, 4], "line 5: the time does not increase; where a row was written twice"),
        ([0, 1, 2, 1, 2, 3], "line 5: the time does not increase; sort the rows by time"),
        ([0, 0, 0, 0, 0, 0], "line 3: the time does not increase"),
        ([3, 2, 1, 0, -1, -2], "line 3: the time does not increase; sort"),
        ([0, 0, 0, 5, 9, 9], "line 3: the time does not increase"),
    ],
)
def test_other_times_are_refused(tmp_path, times, sentence):
    with pytest.raises(ValueError, match=sentence):
        read(tmp_path, "t (ns),mx\n" + "\n".join(f"{t},{k}" for k, t in enumerate(times)))


def test_rows_that_were_written_twice_are_no_rounding(tmp_path):
    with pytest.raises(ValueError, match="written twice"):
        read(tmp_path, "t (ns),mx\n" + "\n".join(f"{k // 2},{k // 2}" for k in range(12)))


def test_uneven_times_stay_as_they_are(tmp_path, rng):
    times = np.sort(rng.choice(1000, 40, replace=False)) / 1000
    trace = read(tmp_path, "t (ns),mx\n" + "\n".join(f"{t},{t}" for t in times))
    assert trace.t == pytest.approx(times * 1e-9, rel=1e-12) and "rounded" not in describe(trace)


@pytest.mark.parametrize(
    ("preamble", "interval"),
    [
        ({"sample interval": "4e-10"}, 4e-10),
        ({"sampling frequency (hz)=": "500000000"}, 2e-9),
        ({"sample rate": "5.0 GSa/s"}, 2e-10),
        ({"xinc": "5e-11"}, 5e-11),
        ({"delta_x": "1.0E-9 1.0E-9"}, 1e-9),
        ({"sample interval": "soon"}, None),
        ({"sample interval": "0"}, None),
        ({"model": "4e-10"}, None),
    ],
)
def test_the_interval_that_a_preamble_says(preamble, interval):
    assert interval_of(preamble) == (None if interval is None else pytest.approx(interval))


def test_times_near_the_smallest_number_give_no_warning():
    for values in ([0.0, 5e-320], [0.0, 1e-308, 1e300]):
        assert all(np.isfinite(quanta).all() for quanta in roundings_of(np.array(values)))
