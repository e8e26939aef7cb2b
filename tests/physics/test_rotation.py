"""Law: turning the device and its magnetisation turns the dynamics: R f(m) = f(R m), to rounding.

A term with vectors turns with them; perpendicular anisotropy is only symmetric about z, a diagonal demagnetising tensor
under permutations of the axes.
"""

import dataclasses
import itertools

import numpy as np
import pytest
from tests.physics.terms import INPUTS, TERMS, array_of, random_states

import llgrad as lg
from llgrad.physics.llg import llg

COUNT = 100


def random_rotation(rng) -> np.ndarray:
    """A proper rotation, from the QR factors of a normal matrix."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)


def rotation_about_z(rng) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])


def even_permutations() -> list[np.ndarray]:
    matrices = [np.eye(3)[list(order)] for order in itertools.permutations(range(3))]
    return [matrix for matrix in matrices if np.linalg.det(matrix) > 0]


def turned(v: lg.Vec3, rotation: np.ndarray) -> lg.Vec3:
    x, y, z = (sum(rotation[i, j] * c for j, c in enumerate((v.x, v.y, v.z))) for i in range(3))
    return lg.Vec3(x, y, z)


def turned_term(term: lg.physics.FieldTerm, rotation: np.ndarray) -> lg.physics.FieldTerm:
    """The term with each of its vectors turned (its demagnetising factors, permuted)."""
    vectors = {f.name: getattr(term, f.name) for f in dataclasses.fields(term)}
    return term.replace(**{k: turned(v, rotation) for k, v in vectors.items() if isinstance(v, lg.Vec3)})


def rotations_of(kind: str, rng) -> list[np.ndarray]:
    if kind == "by permutation":
        return even_permutations()
    return [random_rotation(rng) if kind == "any" else rotation_about_z(rng) for _ in range(5)]


def worst_difference(term, rotation, m) -> float:
    """Largest |R f(m) − f_R(R m)| over the largest |f|, where f is the slope of the LLG line."""
    before = array_of(turned(llg(m, term.field(m, INPUTS), 1.0, 0.1), rotation), COUNT)
    m_turned = turned(m, rotation)
    after = array_of(llg(m_turned, turned_term(term, rotation).field(m_turned, INPUTS), 1.0, 0.1), COUNT)
    return np.max(np.abs(before - after)) / np.max(np.abs(before))


@pytest.mark.parametrize("name", TERMS)
def test_every_term_turns_with_the_device(name, rng):
    m = random_states(rng, COUNT)
    for rotation in rotations_of(TERMS[name].rotates, rng):
        assert worst_difference(TERMS[name].term, rotation, m) < 1e-14


@pytest.mark.parametrize("name", ["perpendicular", "demagnetisation"])
def test_a_term_tied_to_an_axis_does_not_turn_freely(name, rng):
    m = random_states(rng, COUNT)
    assert worst_difference(TERMS[name].term, random_rotation(rng), m) > 1e-2


def test_a_reflection_is_not_a_rotation(rng):
    m = random_states(rng, COUNT)
    assert worst_difference(TERMS["applied"].term, -np.eye(3), m) > 0.1
