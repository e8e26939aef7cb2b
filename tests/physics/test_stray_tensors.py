"""Tensors of the stray field between two bodies: other programs' numbers, factors of one body, sum rules, dipoles."""

import itertools

import numpy as np
import pytest

import llgrad as lg
from llgrad.physics.stacks import tensors

FILM, BLOCK = (100e-9, 60e-9, 2e-9), (80e-9, 90e-9, 5e-9)
OFFSETS = [(10e-9, 20e-9, 8e-9), (0.0, 0.0, -5e-9), (150e-9, 20e-9, -30e-9), (4e-7, -3e-7, 1e-7)]


@pytest.mark.parametrize("edges", [(3e-9, 1e-9, 2e-9), (1e-8, 1e-8, 1e-8), FILM])
def test_a_prism_on_itself_has_its_demagnetising_factors(edges):
    """By a formula of its own: A. Aharoni, J. Appl. Phys. 83, 3432 (1998)."""
    own, factors = lg.stacks.prism_tensor(edges, edges, (0.0, 0.0, 0.0)), lg.physics.prism_factors(*edges)
    assert own == pytest.approx(np.diag([factors.x, factors.y, factors.z]), abs=1e-13)


@pytest.mark.parametrize("offset", OFFSETS)
def test_trace_symmetry_and_reciprocity(offset):
    one, other = lg.stacks.prism_tensor(FILM, BLOCK, offset), lg.stacks.prism_tensor(BLOCK, FILM, -np.array(offset))
    size = np.abs(one).max()
    assert abs(np.trace(one)) < 1e-10 * size and (one == one.T).all()
    assert np.prod(FILM) * one == pytest.approx(np.prod(BLOCK) * other, rel=0, abs=1e-10 * np.prod(FILM) * size)


def test_a_body_is_the_sum_of_its_parts():
    """V N of a prism that is cut in eight is the sum over all pairs of its parts."""
    edges, parts = np.array([30e-9, 20e-9, 6e-9]), []
    for cut in itertools.product((0, 1), repeat=3):
        low = np.where(cut, [10e-9, 5e-9, 2e-9], 0.0)
        high = np.where(cut, edges, [10e-9, 5e-9, 2e-9])
        parts.append(((low + high) / 2, high - low))
    total = sum(np.prod(a) * lg.stacks.prism_tensor(a, b, at - by) for at, a in parts for by, b in parts)
    assert total / np.prod(edges) == pytest.approx(lg.stacks.prism_tensor(edges, edges, (0, 0, 0)), abs=1e-13)


def test_near_and_far_are_one():
    """The closed form and the quadrature where both hold, to the closed form's rounding."""
    a, b = np.array(FILM) / 1e-7, np.array(BLOCK) / 1e-7
    for offset in (np.array([1.9, 0.4, -0.3]), np.array([-1.2, 1.6, 0.2])):
        near, far = tensors._near(a, b, offset), tensors._far(a, b, offset)
        assert near == pytest.approx(far, rel=0, abs=1e-10 * np.abs(far).max())


def test_far_away_they_are_dipoles():
    offset = np.array([3e-6, -2e-6, 1e-6])
    exact, dipole = lg.stacks.prism_tensor(FILM, BLOCK, offset), lg.stacks.dipole_tensor(np.prod(BLOCK), offset)
    assert dipole == pytest.approx(exact, rel=0, abs=2e-3 * np.abs(exact).max())
    moments = np.array([0.0, np.prod(BLOCK)])
    field = lg.physics.dipolar_tensors([offset, np.zeros(3)], moments)[0, 1]
    assert -4e-7 * np.pi * dipole == pytest.approx(np.asarray(field), rel=1e-8)


# What OOMMF's demagcoef.cc (2012-09-28, as fidimag 1a74274 carries it) gives for equal prisms of these edges at these
# offsets: N_xx, N_yy, N_zz, N_yz, N_xz, N_xy.
OOMMF = {
    ((1, 1, 1), (1, 0, 0)): (-0.13501718054449519, 0.067508590272247551, 0.067508590272247551, 0, 0, 0),
    ((1, 1, 1), (1, 1, 0)): (
        -0.013785762048348178,
        -0.013785762048348178,
        0.027571524096696356,
        0,
        0,
        -0.045564822638914558,
    ),
    ((50, 30, 2), (0, 0, 3)): (0.0234625044375363, 0.0401494446494031, -0.0636119490869406, 0, 0, 0),
    ((50, 30, 2), (50, 0, 0)): (-0.0222086446277604, 0.00486665666716719, 0.0173419879605982, 0, 0, 0),
    ((50, 30, 2), (50, 30, 4)): (
        -0.00167128809326384,
        -0.000677348135905505,
        0.00234863622916811,
        -0.000821892890567095,
        -0.000876845534107253,
        -0.00307755830322666,
    ),
    ((50, 30, 2), (100, -30, 6)): (
        -0.000424468232074275,
        0.000170260936699661,
        0.000254207295329144,
        1.63468819287613e-05,
        -4.85329757969651e-05,
        0.000220064932335257,
    ),
}


@pytest.mark.parametrize(("edges", "offset"), OOMMF)
def test_the_numbers_of_oommf(edges, offset):
    found = lg.stacks.prism_tensor(np.array(edges) * 1e-9, np.array(edges) * 1e-9, np.array(offset) * 1e-9)
    n = [found[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))]
    assert n == pytest.approx(OOMMF[edges, offset], rel=1e-8, abs=1e-12)


def test_ellipses_by_the_rule_that_prisms_obey():
    """The rule that gives a pair of elliptic layers, of prisms, whose pairs are known without it; and their sum."""
    thick, gap, thin = 3e-9, 1.5e-9, 2e-9

    def whole(t):
        n = lg.physics.prism_factors(FILM[0], FILM[1], t)
        return t * np.array([n.x, n.y, n.z])

    rule = whole(thick + gap + thin) + whole(gap) - whole(thick + gap) - whole(gap + thin)
    pair = lg.stacks.prism_tensor((*FILM[:2], thick), (*FILM[:2], thin), (0.0, 0.0, (thick + thin) / 2 + gap))
    assert np.diag(rule) / (2 * thick) == pytest.approx(pair, abs=1e-12)
    one, other = (lg.devices.ellipse(diameters=FILM[:2], thickness=t) for t in (thick, thin))
    round_pair = lg.stacks.ellipse_tensor(one, other, gap)
    assert abs(np.trace(round_pair)) < 1e-12
    assert np.diag(round_pair) == pytest.approx(np.diag(pair), rel=0.25)
    assert thick * round_pair == pytest.approx(thin * lg.stacks.ellipse_tensor(other, one, gap), abs=1e-22)
    touching = thick * lg.stacks.ellipse_tensor(one, other, 0.0)
    own = [layer.thickness * np.array([d.x, d.y, d.z]) for layer in (one, other) if (d := layer.demag)]
    both = lg.devices.ellipse(diameters=FILM[:2], thickness=thick + thin).demag
    expected = (thick + thin) * np.array([both.x, both.y, both.z])
    assert sum(own) + 2 * np.diag(touching) == pytest.approx(expected, rel=1e-12)


REFUSED = {
    "overlap": (lambda: lg.stacks.prism_tensor(FILM, BLOCK, (0, 0, 1e-9)), "overlap at the offset"),
    "nanometres": (lambda: lg.stacks.prism_tensor((100, 60, 2), FILM, (0, 0, 5e-9)), "three edges .* in metres"),
    "two edges": (lambda: lg.stacks.prism_tensor(FILM[:2], FILM, (0, 0, 5e-9)), "three edges"),
    "no offset": (lambda: lg.stacks.prism_tensor(FILM, FILM, 5e-9), "three components of a distance"),
    "other ellipses": (
        lambda: lg.stacks.ellipse_tensor(
            lg.devices.ellipse(diameters="60nm, 60nm", thickness="2nm"),
            lg.devices.ellipse(diameters="60nm, 50nm", thickness="2nm"),
            0,
        ),
        "expected equal ones",
    ),
    "no ellipse": (lambda: lg.stacks.ellipse_tensor(FILM, FILM, 1e-9), r"target is tuple, expected an elliptic layer"),
    "a gap": (
        lambda: lg.stacks.ellipse_tensor(*[lg.devices.ellipse(diameters="60nm, 60nm", thickness="2nm")] * 2, -1e-9),
        "gap = -1e-09, expected the distance",
    ),
    "one place": (lambda: lg.stacks.dipole_tensor(1e-24, (0, 0, 0)), "not all zero"),
    "no volume": (lambda: lg.stacks.dipole_tensor(0.0, (0, 0, 1e-7)), "volume = 0.0, expected"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_tensor_is_refused(name):
    make, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
