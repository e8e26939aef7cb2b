"""Frequencies in names, in any way that people write numbers, and tables of sweeps in any layout."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import llgrad as lg
from llgrad.datasets.sweeping.written import frequencies_in, without_frequency
from llgrad.datasets.sweeps import looks_like_sweeps, read_sweeps

WAYS = (
    "{0} GHz", "{0}GHz", "{0:.2f} GHz", "{c} GHz", "{p}GHz", "run_{0}_GHz", "f={0} GHz", "f = {c}GHz", "({0} GHz)",
    "{m:.0f} MHz", "{m:.0f}MHz", "{hz:.4e} Hz", "{hz:.4E}Hz", "{0}ghz", "{0} GHZ", "0{0} GHz", "f (GHz) = {0}",
    "f_GHz_{0}", "V (uV) {0} GHz", "4pf_{0}_GHz", "2024-11-05_{0}GHz", "lock-in 1 kHz, {0} GHz", "@{0}GHz",
)  # fmt: skip


def written(way, ghz):
    text = f"{ghz:g}"
    return way.format(text if "0:" not in way else ghz, c=text.replace(".", ","), p=text.replace(".", "p"), m=1e3 * ghz,
                      hz=1e9 * ghz)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=25, deadline=None)
@given(tenths=st.integers(11, 399).filter(lambda n: n % 10))
def test_a_frequency_is_read_however_it_is_written(way, tenths):
    name = written(way, tenths / 10)
    assert frequencies_in(name) == [pytest.approx(tenths * 1e8)], name


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("5_1GHz", [1e9, 5.1e9]),
        ("scan_3_10_GHz", [10e9, 3.1e9]),
        ("5,100 MHz", [5.1e6, 5.1e9]),
        ("5.100 MHz", [5.1e6, 5.1e9]),
        ("5 100 MHz", [1e8, 5.1e9]),
        ("5.1 GHz 6.2 GHz", [5.1e9, 6.2e9]),
        ("3-5 GHz", [5e9, 3.5e9]),
        ("5.100 GHz", [5.1e9]),
        ("1.234,5 MHz", [1.2345e9]),
        ("scan 1 5 GHz", [5e9]),
        ("CH1 5 GHz", [5e9]),
        ("run_3_10.0_GHz", [10e9]),
        ("f (GHz)", []),
        ("f2 (GHz)", []),
        ("f (GHz) 2", []),
        ("Peak_freq_G1[GHz]", []),
        ("H (Oe)", []),
        ("1 kHz", []),
        ("2024.11.5 GHz", []),
    ],
)
def test_what_can_be_read_in_two_ways_has_two_readings(text, readings):
    assert frequencies_in(text) == pytest.approx(readings)


def test_the_name_without_its_frequency_keeps_its_unit():
    assert [without_frequency(f"{name} {way}") for name in ("V (uV)", "H [Oe]") for way in ("5 GHz", "5p1GHz")] == [
        "V (uV)",
        "V (uV)",
        "H [Oe]",
        "H [Oe]",
    ]


def write(folder, text, name="sweeps.csv"):
    (folder / name).write_text(text)
    return folder / name


ROWS = "100;1;100;2\n200;2;200;3\n300;1;300;2\n400;0;400;0\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("5,1 GHz", "6,2 GHz"),
        ("5p1GHz", "6p2GHz"),
        ("5.1e9 Hz", "6.2e9 Hz"),
        ("f=5.1 GHz", "f=6.2 GHz"),
        ("5100MHz", "6200MHz"),
        ("05.10GHz", "06.20GHz"),
    ],
)
def test_decimal_marks_in_a_header(tmp_path, first, second):
    header = f"H (Oe) {first};V (uV) {first};H (Oe) {second};V (uV) {second}\n"
    sweeps = read_sweeps(write(tmp_path, header + ROWS))
    assert sweeps.frequencies == pytest.approx([5.1e9, 6.2e9])
    assert sweeps.sweeps[0].field == pytest.approx([0.01, 0.02, 0.03, 0.04])
    assert sweeps.sweeps[1].voltage == pytest.approx([2e-6, 3e-6, 2e-6, 0])


FIELDS, SIGNAL = [0.01, 0.02, 0.03], {5.0: [1.0, 2.0, 1.5], 6.0: [2.0, 4.0, 1.0]}


def layouts(unit, per_tesla):
    """The same two sweeps in the layouts of a lab, fields in a unit."""
    h = [f"{field * per_tesla:.9g}" for field in FIELDS]
    five, six = ([f"{value:g}" for value in SIGNAL[f]] for f in (5.0, 6.0))
    rows = list(zip(h, five, six, strict=True))
    wide = "".join(f"{a};{b};{a};{c}\n" for a, b, c in rows)
    long = [(f, a, v) for f, values in ((5, five), (6, six)) for a, v in zip(h, values, strict=True)]
    return {
        "pairs": f"H ({unit}) 5 GHz;V (uV) 5 GHz;H ({unit}) 6 GHz;V (uV) 6 GHz\n{wide}",
        "signal first": f"V (uV) 5 GHz;H ({unit}) 5 GHz;V (uV) 6 GHz;B ({unit}) 6 GHz\n"
        + "".join(f"{b};{a};{c};{a}\n" for a, b, c in rows),
        "fields, then signals": f"H [{unit}] 5 GHz;H [{unit}] 6 GHz;V [uV] 5 GHz;V [uV] 6 GHz\n"
        + "".join(f"{a};{a};{b};{c}\n" for a, b, c in rows),
        "one field": f"V (uV) 5 GHz;field ({unit});V (uV) 6 GHz\n" + "".join(f"{b};{a};{c}\n" for a, b, c in rows),
        "a field that rests": f"Hy ({unit});Hx ({unit});V (uV) 5 GHz;V (uV) 6 GHz;comment\n"
        + "".join(f"0;{a};{b};{c};ok\n" for a, b, c in rows),
        "three lines of header": f"H;V;H;V\n5 GHz;;6 GHz;\n{unit};uV;{unit};uV\n{wide}",
        "long": f"f (GHz);H ({unit});V (uV)\n" + "".join(f"{f};{a};{v}\n" for f, a, v in long),
        "long, other order": f"# lab\nT (K);V (uV);Frequency (MHz);H ({unit});note\n"
        + "".join(f"300;{v};{1000 * f};{a};\n" for f, a, v in reversed(long)),
    }


@pytest.mark.parametrize(("unit", "per_tesla"), [("Oe", 1e4), ("mT", 1e3), ("T", 1), ("A/m", 1 / (4e-7 * np.pi)),
                                                 ("kA/m", 1e-3 / (4e-7 * np.pi)), ("G", 1e4), ("kOe", 10)])  # fmt: skip
@pytest.mark.parametrize("layout", layouts("T", 1))
def test_every_layout_gives_the_same(tmp_path, layout, unit, per_tesla):
    path = write(tmp_path, layouts(unit, per_tesla)[layout])
    sweeps = read_sweeps(path)
    assert sweeps.frequencies == pytest.approx([5e9, 6e9])
    for sweep, values in zip(sweeps.sweeps, SIGNAL.values(), strict=True):
        order = np.argsort(sweep.field)
        assert sweep.field[order] == pytest.approx(FIELDS, rel=1e-6)
        assert sweep.voltage[order] == pytest.approx(1e-6 * np.array(values))
    assert looks_like_sweeps(path)
    assert lg.data.describe(sweeps) == "; ".join(sweeps.understood) and f"fields in {unit} (from" in str(sweeps)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FMR_5,1GHz.csv", ""),
        ("FMR_5p1GHz.csv", ""),
        ("a.csv", "# f = 5.1 GHz\n"),
        ("a.csv", "sample: Py\nFrequency: 5.1 GHz\n"),
    ],
)
def test_the_frequency_of_a_single_sweep_may_stand_elsewhere(tmp_path, name, text):
    path = write(tmp_path, text + "H (Oe);V (uV)\n100;1\n200;2\n300;1\n", name)
    assert read_sweeps(path).frequencies == pytest.approx([5.1e9]) and looks_like_sweeps(path)


def test_signals_without_a_scale_and_what_is_left_out_are_told(tmp_path):
    text = "H (mT) 5 GHz;dP/dH (a.u.) 5 GHz;T (K)\n10;1;300\nNaN;NaN;300\n20;2;n/a\n30;1;300\n"
    sweeps = read_sweeps(write(tmp_path, text))
    assert sweeps.signal_unit == "a.u." and sweeps.sweeps[0].voltage.tolist() == [1, 2, 1]
    assert "signals (dP/dH) in a.u. (from the header)" in lg.data.describe(sweeps)
    assert "1 other column left out (T (K)); 1 point left out, for blank or NaN cells" in lg.data.describe(sweeps)


def test_one_of_two_channels_is_named(tmp_path):
    path = write(tmp_path, "H (Oe);X (V) 5 GHz;Y (V) 5 GHz\n100;1;3\n200;2;3\n300;1;2\n")
    assert read_sweeps(path, columns=["X"]).sweeps[0].voltage.tolist() == [1, 2, 1]
    assert read_sweeps(path, columns=["#3"]).sweeps[0].voltage.tolist() == [3, 3, 2]
    with pytest.raises(ValueError, match="has no column 'Z'; it has H, X, Y"):
        read_sweeps(path, columns=["Z"])


def test_columns_without_names_are_pairs_where_their_values_tell(tmp_path):
    turned = write(tmp_path, "r_5GHz;r_5GHz\n1e-6;100\n2e-6;200\n1e-6;300\n")
    assert read_sweeps(turned, field_unit="Oe", voltage_unit="V").sweeps[0].field == pytest.approx([0.01, 0.02, 0.03])


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("H (Oe) 5_1GHz;V (uV) 5_1GHz\n1;1\n2;2\n3;1\n", {}, "'V (uV) 5_1GHz' can be read as 1 GHz or 5.1 GHz"),
        ("H (Oe);X (V) 5 GHz;Y (V) 5 GHz\n1;1;3\n2;2;3\n3;1;2\n", {}, "2 signals for one frequency"),
        ("V (V) 5 GHz;H (Oe) 5 GHz;V (V) 5 GHz;H (Oe) 5 GHz\n" + ROWS, {}, "choose one, as in columns=['#1']"),
        ("H_a (Oe);H_b (Oe);V (V) 5 GHz\n1;1;3\n2;2;3\n3;3;2\n", {}, "2 columns of fields and 1 of signals"),
        ("f (GHz);H (mT);V (V)\n5;1;1\n6;1;2\n7;1;3\n8;1;3\n", {}, "sweeps the frequency at 1 fixed field"),
        ("H (Oe) 5 GHz;S21 (dB) 5 GHz\n1;1\n2;2\n3;1\n", {}, "dB is a logarithm"),
        ("H (Oe) 5 GHz;V (V) 5 GHz\n1;1\n2;inf\n3;1\n", {}, "line 3: 'inf' is not a number"),
        (
            "H (Oe) 5 GHz;V (V) 5 GHz\n1,5;1\n2;2.5\n3;1\n",
            {},
            "a decimal comma in line 2 and a decimal point in line 3",
        ),
        ("H (Oe),V (V) 5,1 GHz\n1,1\n2,2\n3,1\n", {}, "'1 GHz' holds no numbers; if a comma in the header"),
        ("r_5GHz;r_5GHz\n1;100\n2;200\n3;300\n", {"field_unit": "Oe", "voltage_unit": "uV"}, "nothing tells which of"),
        ("r_5GHz;r_6GHz;r_5GHz;r_6GHz\n" + ROWS, {"field_unit": "Oe", "voltage_unit": "uV"}, "no pairs of neighbours"),
        ("H (Oe) 5 GHz;V (V) 5 GHz;H (mT) 6 GHz;V (V) 6 GHz\n" + ROWS, {}, "different units (Oe, mT)"),
        (
            "f (GHz);f2 (GHz);H (mT);V (V)\n5;1;1;1\n6;1;2;2\n7;1;3;3\n",
            {},
            "several columns of frequencies (f (GHz), f2",
        ),
        ("1;2\n1;1\n2;2\n3;1\n", {}, "expected a header"),
    ],
)
def test_what_is_ambiguous_is_refused_with_its_choices(tmp_path, text, options, sentence):
    with pytest.raises(ValueError) as caught:
        read_sweeps(write(tmp_path, text), **options)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "Current[mA],Field[Oe],Peak_freq[GHz],Power[nV2/Hz]\n" + "".join(f"2,{h},.{h},2\n" for h in range(100, 200, 9)),
        "I (mA),H (Oe),f (GHz)\n2.5,150,0.1\n2.5,200,0.4\n2.5,250,0.6\n2.5,300,0.8\n",
        "frequency (GHz),power (dBm)\n1,-60\n2,-50\n3,-60\n4,-60\n",
        "t (ns),V (mV) at 5 GHz\n0,1\n1,2\n2,3\n3,1\n",
    ],
)  # fmt: skip
def test_tables_of_peaks_spectra_and_traces_are_no_sweeps(tmp_path, text):
    assert not looks_like_sweeps(write(tmp_path, text))
