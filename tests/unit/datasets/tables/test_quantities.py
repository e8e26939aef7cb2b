"""What a column is, by its name and unit, in the ways that people and instruments write them."""

import itertools

import pytest

from llgrad.datasets.tables.headers import header_of
from llgrad.datasets.tables.quantities import Kind, quantity_of

# kind: the headers that mean it
WRITTEN = {
    Kind.TIME: [
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
    Kind.DURATION: ["Pulse width (ns)", "Last time step (s)", "dt (s)", "rise time (ps)", "Delay (ns)"],
    Kind.FREQUENCY: [
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
    Kind.LINE_WIDTH: [
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
    Kind.FREQUENCY_SETTING: ["RBW (Hz)", "Frequency shift (MHz)", "sampling rate (Hz)", "resolution bandwidth (kHz)"],
    Kind.FIELD: ["flux density (mT)", "Magnetic Field (Oe)", "H", "B (mT)", "µ0H (mT)", "Feld (mT)", "磁束密度 (mT)"],
    Kind.CURRENT: ["I (mA)", "current [µA]", "current [μA]", "Strom / mA", "Stromstärke in A", "電流 (mA)", "I_A"],
    Kind.CURRENT_DENSITY: ["current density (A/m²)", "j (A/m2)"],
    Kind.VOLTAGE: ["CH1 (V)", "U / mV", "Spannung (mV)", "1 (Volts)", "CH2_mV", "voltage"],
    Kind.LEVEL: ["Min (dBm)", "PSD (nV²/(Hz mA²))", "Peak_power[nV2/Hz]", "Int_power (pW)", "level_dBm", "S (V/√Hz)"],
    Kind.MAGNETISATION: ["mx", "free_mx", "m_x/Ms", "mx ()", "<mx>", "Mx (A/m)", "m.region1x", "mx0", "m x"],
    Kind.RESISTANCE: ["R (Ohm)", "R [Ω]", "R [\u2126]", "dV/dI (Ohm)", "Widerstand / kOhm"],
    Kind.TEMPERATURE: ["T (K)", "T", "Temperature"],
    Kind.ANGLE: ["angle (deg)", "Winkel / °", "theta [°]"],
    Kind.ERROR: [
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
    Kind.COMMENT: ["Comment", "Kommentar", "備考"],
    Kind.MATERIAL: ["H_k (T)", "Hc (Oe)", "anisotropy field (mT)"],
    Kind.INDEX: ["index", "Point", "#"],
    Kind.AMBIGUOUS: ["df (MHz)", "δf (MHz)", "Hz", "Current monitor (V)", "Field (A)", "Time (mV)", "frequency (mT)"],
    Kind.OTHER: ["E_total (J)", "intensity", "dmx/dt", "velocity (m/s)"],
}


@pytest.mark.parametrize(("kind", "cell"), [(kind, cell) for kind, cells in WRITTEN.items() for cell in cells])
def test_what_a_header_says(kind, cell):
    found = quantity_of(*header_of(cell))
    assert found.kind is kind
    assert (len(found.choices) > 1) == (kind is Kind.AMBIGUOUS)


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
        ("Freq_err (MHz)", Kind.FREQUENCY),
        ("Freq_err", Kind.FREQUENCY),
        ("σ (kHz)", Kind.FREQUENCY),
        ("linewidth error (MHz)", Kind.LINE_WIDTH),
        ("FWHM_err (MHz)", Kind.LINE_WIDTH),
        ("I std (µA)", Kind.CURRENT),
        ("error", None),
    ],
)
def test_what_an_error_is_of(cell, of):
    assert quantity_of(*header_of(cell)).of is of


BRACKETS = ["{} ({})", "{} [{}]", "{}({})", "{} / {}", "{} in {}", "{}_{}"]
NAMES = [
    ("time", "ns", Kind.TIME),
    ("frequency", "GHz", Kind.FREQUENCY),
    ("linewidth", "MHz", Kind.LINE_WIDTH),
    ("field", "mT", Kind.FIELD),
    ("current", "µA", Kind.CURRENT),
    ("current", "μA", Kind.CURRENT),
    ("voltage", "mV", Kind.VOLTAGE),
    ("Widerstand", "Ω", Kind.RESISTANCE),
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
