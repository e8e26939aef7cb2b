"""What a column is, by its name and unit, in the ways that people and instruments write them."""

import itertools

import pytest

from llgrad.datasets.tables.headers import header_of
from llgrad.datasets.tables.quantities import QuantityKind, quantity_of

# kind: the headers that mean it
WRITTEN = {
    QuantityKind.TIME: [
        "t (ns)",
        "Time [s]",
        "TIME",
        "Zeit / ns",
        "Messzeit (s)",
        "時間(s)",
        "x-axis (second)",
        "t_ns",
        "t in ps",
    ],
    QuantityKind.DURATION: ["Pulse width (ns)", "Last time step (s)", "dt (s)", "rise time (ps)", "Delay (ns)"],
    QuantityKind.FREQUENCY: [
        "f (GHz)",
        "Frequency [MHz]",
        "peak frequency (GHz)",
        "Peak_freq_G1[GHz]",
        "Resonanzfrequenz / GHz",
        "fréquence (GHz)",
        "周波数(GHz)",
        "共鳴周波数 (GHz)",
        "f_GHz",
        "f0 (Hz)",
        "x (GHz)",
    ],
    QuantityKind.LINE_WIDTH: [
        "Δf (MHz)",
        "∆f (MHz)",
        "Delta f (MHz)",
        "delta_f [MHz]",
        "linewidth",
        "Line width (MHz)",
        "Linewidth_G1[MHz]",
        "FWHM (MHz)",
        "peak width (MHz)",
        "Linienbreite / MHz",
        "Halbwertsbreite (MHz)",
        "半値幅 (MHz)",
        "ΔH_pp (Oe)",
        "µ0ΔH (mT)",
        "Frequency FWHM (kHz)",
    ],
    QuantityKind.FREQUENCY_SETTING: [
        "RBW (Hz)",
        "Frequency shift (MHz)",
        "sampling rate (Hz)",
        "resolution bandwidth (kHz)",
    ],
    QuantityKind.FIELD: [
        "flux density (mT)",
        "Magnetic Field (Oe)",
        "H",
        "B (mT)",
        "µ0H (mT)",
        "Feld (mT)",
        "磁束密度 (mT)",
    ],
    QuantityKind.CURRENT: [
        "I (mA)",
        "current [µA]",
        "current [μA]",
        "Strom / mA",
        "Stromstärke in A",
        "電流 (mA)",
        "I_A",
    ],
    QuantityKind.CURRENT_DENSITY: ["current density (A/m²)", "j (A/m2)"],
    QuantityKind.VOLTAGE: ["CH1 (V)", "U / mV", "Spannung (mV)", "1 (Volts)", "CH2_mV", "voltage"],
    QuantityKind.LEVEL: [
        "Min (dBm)",
        "PSD (nV²/(Hz mA²))",
        "Peak_power[nV2/Hz]",
        "Int_power (pW)",
        "level_dBm",
        "S (V/√Hz)",
    ],
    QuantityKind.MAGNETISATION: ["mx", "free_mx", "m_x/Ms", "mx ()", "<mx>", "Mx (A/m)", "m.region1x", "mx0", "m x"],
    QuantityKind.RESISTANCE: ["R (Ohm)", "R [Ω]", "R [\u2126]", "dV/dI (Ohm)", "Widerstand / kOhm"],
    QuantityKind.TEMPERATURE: ["T (K)", "T", "Temperature"],
    QuantityKind.ANGLE: ["angle (deg)", "Winkel / °", "theta [°]"],
    QuantityKind.ERROR: [
        "Freq_err (MHz)",
        "f error (MHz)",
        "σ (kHz)",
        "σ_f (MHz)",
        "std(f) (MHz)",
        "f_std",
        "sf (MHz)",
        "± (MHz)",
        "uncertainty of f (MHz)",
        "Frequenzfehler / MHz",
        "周波数誤差 (MHz)",
        "standard deviation (MHz)",
        "mx_err",
    ],
    QuantityKind.COMMENT: ["Comment", "Kommentar", "備考"],
    QuantityKind.MATERIAL: ["H_k (T)", "Hc (Oe)", "anisotropy field (mT)"],
    QuantityKind.INDEX: ["index", "Point", "#"],
    QuantityKind.AMBIGUOUS: [
        "df (MHz)",
        "δf (MHz)",
        "Hz",
        "Current monitor (V)",
        "Field (A)",
        "Time (mV)",
        "frequency (mT)",
    ],
    QuantityKind.OTHER: ["E_total (J)", "intensity", "dmx/dt", "velocity (m/s)"],
}


@pytest.mark.parametrize(("kind", "cell"), [(kind, cell) for kind, cells in WRITTEN.items() for cell in cells])
def test_what_a_header_says(kind, cell):
    found = quantity_of(*header_of(cell))
    assert found.kind is kind
    assert (len(found.choices) > 1) == (kind is QuantityKind.AMBIGUOUS)


@pytest.mark.parametrize(
    ("cell", "axis"),
    [
        ("field.z (Oe)", "z"),
        ("H_x (kA/m)", "x"),
        ("B_exty (T)", "y"),
        ("Bext_z (mT)", "z"),
        ("µ0Hz (mT)", "z"),
        ("Hz (Oe)", "z"),
        ("in-plane field y (mT)", "y"),
        ("B x (mT)", "x"),
        ("flux density (mT)", None),  # no axis is a letter at the end of a word
        ("intensity of B (mT)", None),
        ("Happly (Oe)", None),
        ("B_apply (mT)", None),
        ("Happl_y (Oe)", "y"),
        ("Happlx (Oe)", "x"),
        ("B (mT)", None),
        ("x (mT)", None),  # an abscissa
        ("free_my", "y"),
        ("mz ()", "z"),
    ],
)
def test_the_axis_of_a_field_and_of_a_magnetisation(cell, axis):
    assert quantity_of(*header_of(cell)).axis == axis


@pytest.mark.parametrize(
    ("cell", "of"),
    [
        ("Freq_err (MHz)", QuantityKind.FREQUENCY),
        ("Freq_err", QuantityKind.FREQUENCY),
        ("σ (kHz)", QuantityKind.FREQUENCY),
        ("linewidth error (MHz)", QuantityKind.LINE_WIDTH),
        ("FWHM_err (MHz)", QuantityKind.LINE_WIDTH),
        ("I std (µA)", QuantityKind.CURRENT),
        ("error", None),
    ],
)
def test_what_an_error_is_of(cell, of):
    assert quantity_of(*header_of(cell)).of is of


BRACKETS = ["{} ({})", "{} [{}]", "{}({})", "{} / {}", "{} in {}", "{}_{}"]
NAMES = [
    ("time", "ns", QuantityKind.TIME),
    ("frequency", "GHz", QuantityKind.FREQUENCY),
    ("linewidth", "MHz", QuantityKind.LINE_WIDTH),
    ("field", "mT", QuantityKind.FIELD),
    ("current", "µA", QuantityKind.CURRENT),
    ("current", "μA", QuantityKind.CURRENT),
    ("voltage", "mV", QuantityKind.VOLTAGE),
    ("Widerstand", "Ω", QuantityKind.RESISTANCE),
]


@pytest.mark.parametrize(("pattern", "name"), list(itertools.product(BRACKETS, NAMES)))
def test_a_unit_may_stand_in_any_way(pattern, name):
    word, unit, kind = name
    for spelt in (word, word.upper(), word.capitalize(), f"peak_{word}", f"{word} 1"):
        header = header_of(pattern.format(spelt, unit))
        assert (header.name, header.unit, quantity_of(*header).kind) == (spelt, unit, kind)


@pytest.mark.parametrize("cell", ["free_mx", "H_k", "Peak_freq_G1", "R_S", "m_s", "V_s", "f_T", "B_extx", "CH_A"])
def test_the_end_of_a_name_that_speaks_against_the_rest_is_no_unit(cell):
    assert header_of(cell) == (cell, None)
