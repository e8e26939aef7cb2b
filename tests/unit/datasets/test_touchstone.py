"""S parameters from Touchstone files of versions 1 and 2, whatever their order and kind."""

import re
from itertools import permutations

import numpy as np
import pytest

import llgrad as lg
from llgrad.datasets.reader import describe
from llgrad.datasets.touchstone.reader import is_touchstone, read_touchstone
from llgrad.datasets.touchstone.scattering import Scattering

F = np.linspace(1e9, 3e9, 801)
LINE = "! made up\n# GHz S MA R 50\n1.0 0.5 0 0.1 0 0.2 90 0.5 0\n2.0 0.4 0 0.1 0 0.3 90 0.5 0\n"
HEADS = {"ri": "RI", "ma": "MA", "db": "DB"}


def network(ports, rng):
    """S parameters of a passive network that is not reciprocal, at 3 frequencies."""
    s = rng.normal(size=(3, ports, ports)) + 1j * rng.normal(size=(3, ports, ports))
    return 0.8 * s / np.linalg.norm(s, 2, axis=(1, 2))[:, None, None]


def written(s, form="ri", order=slice(None), suffix=""):
    """Lines of a Touchstone file: frequency in GHz, and pairs of numbers, two-ports column by column."""
    lines = []
    for f, matrix in list(zip((1.0, 2.5, 4.0), s, strict=True))[order]:
        cells = [form_of(z, form) for z in (matrix.T if len(matrix) == 2 else matrix).ravel()]
        lines.append(f"{f} " + " ".join(cells) + suffix)
    return "\n".join(lines) + "\n"


def form_of(z, form):
    size = 20 * np.log10(abs(z)) if form == "db" else abs(z)
    first, second = (z.real, z.imag) if form == "ri" else (size, np.degrees(np.angle(z)))
    return f"{first:.15g} {second:.15g}"


def reading(tmp_path, text, name="line.s2p"):
    (tmp_path / name).write_text(text)
    return read_touchstone(tmp_path / name)


def test_absorption_of_a_resonance_is_a_peak():
    reflected = 1 - 0.3 / (1 + 2j * (F - 2e9) / 5e7)
    scattering = Scattering(F, reflected[:, None, None])
    peak = lg.data.peak_of(scattering.lost())
    assert peak.frequency == pytest.approx(2e9, rel=1e-6) and peak.line_width == pytest.approx(5e7, rel=1e-5)
    assert scattering.power("S11").density == pytest.approx(np.abs(reflected) ** 2)
    assert repr(scattering) == "Scattering: 1 ports, 801 frequencies from 1 GHz to 3 GHz"
    for name in ("S21", "S11x", "S10", "S"):
        with pytest.raises(ValueError, match=f"there is no parameter '{name}' among those of 1 ports"):
            scattering.power(name)


def test_two_ports_stand_column_by_column(tmp_path):
    found = reading(tmp_path, LINE)
    assert found.frequency.tolist() == [1e9, 2e9] and found.notes == ("made up",)
    assert found.power("S21").density == pytest.approx([0.01, 0.01])
    assert found.power("S12").density == pytest.approx([0.04, 0.09])
    assert describe(found).startswith("Touchstone, version 1: S parameters of 2 ports as magnitudes and angles")


@pytest.mark.parametrize("order", ["rising", "falling", "from the middle outwards"])
def test_every_row_is_read_in_any_order(tmp_path, order):
    f = np.arange(4e9, 6.001e9, 1e7)
    s21 = np.sqrt(1 - 0.3 / (1 + (2 * (f - 5e9) / 1e8) ** 2))
    place = {"rising": f, "falling": -f, "from the middle outwards": np.abs(f - 4.9e9)}[order]
    rows = [f"{f[i]:.0f} 0 0 {s21[i]:.12f} 0 {s21[i]:.12f} 0 0 0" for i in np.argsort(place)]
    found = reading(tmp_path, "\n".join(["# Hz S RI R 50", *rows]))
    peak = lg.data.peak_of(found.lost())
    assert found.frequency == pytest.approx(f, rel=1e-12)
    assert peak.frequency == pytest.approx(5e9, rel=1e-6) and peak.line_width == pytest.approx(1e8, rel=1e-4)
    assert ("rows sorted by frequency" in describe(found)) == (order != "rising")


def option_lines():
    """Option lines with their words in any order, or left out: a line, and what is then left to the defaults."""
    words = {"unit": "MHz", "kind": "S", "form": "RI", "reference": "R 75"}
    for count in range(5):
        for names in permutations(words, count):
            yield "# " + " ".join(words[name] for name in names), set(names)


def test_the_words_of_the_option_line_stand_in_any_order_or_are_left_out(tmp_path):
    for number, (line, there) in enumerate(option_lines()):
        line = line.lower() if number % 2 else line
        found = reading(tmp_path, f"{line} ! a comment\n1 0.5 0.25\n2 0.5 0.25\n", "one.s1p")
        assert found.frequency[0] == (1e6 if "unit" in there else 1e9)
        assert found.reference == ((75.0,) if "reference" in there else (50.0,))
        expected = 0.5 + 0.25j if "form" in there else 0.5 * np.exp(1j * np.deg2rad(0.25))
        assert found.s[0, 0, 0] == pytest.approx(expected)
    assert reading(tmp_path, "1 0.5 0\n2 0.5 0\n", "one.s1p").frequency[0] == 1e9


@pytest.mark.parametrize("form", HEADS)
@pytest.mark.parametrize("ports", [1, 2, 3, 5])
def test_forms_and_ports(tmp_path, ports, form, rng):
    s = network(ports, rng)
    found = reading(tmp_path, f"# GHz S {HEADS[form]} R 50\n" + written(s, form, slice(None, None, -1)), f"n.s{ports}p")
    assert np.allclose(found.s, s, rtol=1e-10) and found.reference == (50.0,) * ports


def test_points_go_on_in_further_lines(tmp_path, rng):
    s = network(4, rng)
    lines = []
    for line in written(s).splitlines():
        cells = line.split()
        lines += [" ".join(cells[:9]) + " ! port 1", *(" ".join(cells[i : i + 8]) for i in (9, 17, 25))]
    assert np.allclose(reading(tmp_path, "# GHz S RI R 50\n" + "\n".join(lines), "n.s4p").s, s)


REFERENCE = np.array([50.0, 75.0])


def as_kind(s, kind, r):
    """A two-port's S parameters as Z, Y, H or G in ohm and siemens, from voltages and currents of its ports."""
    a = np.eye(2)
    v = (a + s) * np.sqrt(r)[:, None]
    i = (a - s) / np.sqrt(r)[:, None]
    mixed = {"h": ((v[0], i[1]), (i[0], v[1])), "g": ((i[0], v[1]), (v[0], i[1]))}
    answers, drives = mixed.get(kind, ((v, i) if kind == "z" else (i, v)))
    return np.array(answers) @ np.linalg.inv(np.array(drives))


def normalised(matrix, kind, r):
    """What version 1 writes: Z/R, Y R, and so on."""
    left = {"z": r**-0.5, "y": r**0.5, "h": r ** np.array([-0.5, 0.5]), "g": r ** np.array([0.5, -0.5])}[kind]
    return matrix * left[:, None] * left


@pytest.mark.parametrize("kind", "zyhg")
def test_other_parameters_are_normalised_in_version_1_only(tmp_path, kind, rng):
    s = network(2, rng)
    r = np.array([75.0, 75.0])
    first = np.array([normalised(as_kind(one, kind, r), kind, r) for one in s])
    found = reading(tmp_path, f"# GHz {kind.upper()} RI R 75\n" + written(first))
    assert np.allclose(found.s, s, rtol=1e-9) and f"{kind.upper()} parameters normalised" in describe(found)
    second = np.array([as_kind(one, kind, REFERENCE) for one in s])
    head = (
        f"[Version] 2.0\n# GHz {kind.upper()} RI\n[Number of Ports] 2\n[Two-Port Data Order] 21_12\n"
        "[Number of Frequencies] 3\n[Reference] 50\n75\n[Network Data]\n"
    )
    found = reading(tmp_path, head + written(second) + "[End]\n", "n.ts")
    assert np.allclose(found.s, s, rtol=1e-9) and found.reference == (50.0, 75.0)


def test_a_conductance_by_hand(tmp_path):
    """y = 0.5 is 0.01 S at 50 Ω: 100 Ω reflect 1/3."""
    found = reading(tmp_path, "# GHz Y RI R 50\n1 0.5 0\n2 0.5 0\n", "n.s1p")
    assert found.s.ravel() == pytest.approx([1 / 3, 1 / 3])


@pytest.mark.parametrize("form", ["full", "lower", "upper"])
def test_version_2(tmp_path, form, rng):
    s = network(3, rng)
    s = (s + s.transpose(0, 2, 1)) / 2
    keep = {"full": np.ones((3, 3), bool), "lower": np.tri(3, dtype=bool), "upper": np.tri(3, dtype=bool).T}[form]
    rows = [f"{f} " + " ".join(form_of(z, "ri") for z in matrix[keep]) for f, matrix in zip((1, 2, 3), s, strict=True)]
    head = (
        f"! by hand\n[Version] 2.1\n# MHz RI\n[Number of Ports] 3\n[Number of Frequencies] 3\n[Matrix Format] {form}\n"
        "[Begin Information]\nanything 1 2 3\n[End Information]\n[Network Data]\n"
    )
    found = reading(tmp_path, head + "\n".join(rows) + "\n[Noise Data]\n1 2 3 4 5\n[End]\n", "n.s3p")
    assert np.allclose(found.s, s) and found.frequency[0] == 1e6


def test_noise_parameters_are_left_out(tmp_path):
    found = reading(tmp_path, LINE + "0.5 1 0.3 20 0.1\n1.5 1 0.3 20 0.1\n")
    assert found.frequency.tolist() == [1e9, 2e9] and "2 rows of noise parameters left out" in describe(found)


V2 = "[Version] 2.0\n# GHz S RI R 50\n[Number of Ports] 2\n"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("bad.s2p", "nonsense", "line 1: 'nonsense' is not a finite number"),
        ("bad.s2p", "# GHz\n", "has no rows of network parameters"),
        ("bad.s2p", LINE.replace("0.4", "nan"), "line 4: 'nan' is not a finite number; mend or remove the frequency"),
        ("bad.s2p", LINE.replace("0.4", "0,4"), "line 4: '0,4' is not a finite number"),
        ("bad.s2p", LINE.replace("0.4", "1e999"), "line 4: '1e999' is not a finite number"),
        ("bad.s2p", LINE.replace("0.4", "1e99"), "at 2 GHz is not finite or above 1e\\+06"),
        ("bad.s2p", LINE.replace("2.0 ", "1.0 "), "1 GHz stands in the lines 3 and 4; remove one of them"),
        ("bad.s2p", LINE.replace(" 0.5 0\n2", "\n2"), "line 4: expected 9 numbers for a frequency of 2 ports, got 16"),
        ("bad.s2p", LINE[:-3], "ends within a frequency: 8 of 9 numbers; the file is cut off"),
        ("bad.s2p", LINE[:-14] + "\n", "ends within a frequency: 5 of 9 numbers"),
        ("bad.s1p", LINE, "line 3: expected 3 numbers for a frequency of 1 ports, got 9"),
        ("bad.s2p", LINE.replace("R 50", "R"), "line 2: R stands without a positive resistance"),
        ("bad.s2p", LINE.replace("R 50", "R -50"), "R stands without a positive resistance"),
        (
            "bad.s2p",
            LINE.replace("GHz", "THz"),
            "in the option line, 'thz' is no word of it; expected '# GHz S MA R 50'",
        ),
        ("bad.s2p", LINE.replace("GHz", "GHz MHz"), "in the option line, 'mhz' stands there twice"),
        ("bad.s2p", "\n".join(LINE.splitlines()[:3]), "there are S parameters at 1 frequencies, expected at least two"),
        ("bad.dat", "1 2 3 4\n2 3 4 5\n", "does not say how many ports there are; name the file .s1p"),
        (
            "bad.s3p",
            "# H\n" + "".join(f"{f} " + "1 " * 18 + "\n" for f in (1, 2)),
            "H parameters are those of two ports",
        ),
        ("bad.s1p", "# Z RI\n1 -1 0\n2 1 0\n", "1 \\+ z is singular"),
        ("bad.ts", V2 + "[Network Data]\n1 0 0 0 0 0 0 0 0\n", r"needs \[Two-Port Data Order\] 21_12 or 12_21"),
        ("bad.ts", V2 + "[Mixed-Mode Order] D1,2 C1,2\n[Network Data]\n1 0\n", "has mixed-mode parameters"),
        ("bad.ts", V2 + "[Matter]\n", r"line 4: \[Matter\] is no keyword"),
        ("bad.s3p", V2 + "[Network Data]\n1 0\n", "says 2 ports, and its name 3"),
        (
            "bad.ts",
            V2 + "[Reference] 50 -75\n[Two-Port Data Order] 12_21\n[Network Data]\n1 0 0 0 0 0 0 0 0\n",
            "one each",
        ),
        ("bad.ts", V2.replace("2\n", "two\n"), "has no rows"),
        ("bad.ts", V2.replace("Ports] 2", "Ports] two") + "[Network Data]\n1 2 3\n", "'two' is not a positive whole"),
        (
            "bad.ts",
            V2 + "[Number of Frequencies] 9\n[Two-Port Data Order] 12_21\n[Network Data]\n1 0 0 0 0 0 0 0 0\n",
            "says 9 frequencies, and has 1; the file is cut off",
        ),
    ],
)
def test_bad_files_get_a_sentence(tmp_path, name, text, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        reading(tmp_path, text, name)
    assert str(error.value).startswith(str(tmp_path / name)) and "\n" not in str(error.value)


def test_what_is_touchstone_by_its_name():
    assert all(map(is_touchstone, ("a.s1p", "A.S2P", "a.s12p", "a.ts", "a.y2p")))
    assert not any(map(is_touchstone, ("a.csv", "a.sp", "s2p", "a.s2px")))


@pytest.mark.parametrize(
    ("frequency", "s", "sentence"),
    [
        ([1e9, 2e9], np.zeros((2, 2)), r"shape \(2, 2\) do not go with"),
        ([2e9, 1e9], np.zeros((2, 1, 1)), "the frequency does not increase after 2 GHz"),
        ([1e9, np.nan], np.zeros((2, 1, 1)), "cannot be meant"),
        ([1e9, 2e9], np.full((2, 1, 1), np.nan), "at 1 GHz is not finite"),
    ],
)
def test_s_parameters_that_cannot_be(frequency, s, sentence):
    with pytest.raises(ValueError, match=sentence):
        Scattering(frequency, s)


@pytest.mark.parametrize("kind", ["s", "z"])
@pytest.mark.parametrize("ports", [1, 2, 3])
def test_scikit_rf_reads_the_same_where_it_is_right(tmp_path, ports, kind, rng):
    """Rising frequencies, a whole option line, S or Z: other files it reads otherwise, see the module."""
    skrf = pytest.importorskip("skrf", reason="scikit-rf is not installed")
    values = network(ports, rng) + (2 * np.eye(ports) if kind == "z" else 0)
    text = f"# GHz {kind.upper()} MA R 75\n" + written(values, "ma")
    found = reading(tmp_path, text, f"n.s{ports}p")
    other = skrf.Network(str(tmp_path / f"n.s{ports}p"))
    assert np.allclose(found.s, other.s) and np.allclose(found.frequency, other.f)
    assert re.search(r"reference 75 Ω", describe(found))
