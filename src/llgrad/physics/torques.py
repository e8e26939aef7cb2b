"""Each torque by itself at one magnetisation, as llgrad and as other programs write it: to check a convention with."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import jax
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.constants import CMTJ_ELEMENTARY_CHARGE, CMTJ_MU_0, ELEMENTARY_CHARGE, MU_0
from llgrad.core.field_term import inputs_of_term
from llgrad.core.record import have_shapes_of_one, is_concrete, rows_of
from llgrad.core.vector import Vec3
from llgrad.devices.conversions.asymmetry import Lambda_from_lambda
from llgrad.devices.conversions.names import vector_of
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import check_unit_vector
from llgrad.physics.equation import equation_of_motion
from llgrad.physics.slonczewski import SlonczewskiTorque

Vectors = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Torques:
    """The torques of a device at one magnetisation; `print` shows them as tables.

    `m` (3,); `fields` [T], the effective field of each term; `parts` [1/s], each part of dm/dt, whose sum is `total`;
    `programs`: for cmtj, mumax3 and OOMMF the same torque in the parts and units that each of them writes or prints;
    `settings`: what the device is called there (J with its sign, P, Λ, β or ε′, K1, K2, γ); `notes`: what has no place
    there.

    >>> import llgrad as lg
    >>> torques = lg.physics.torque_at(lg.presets.kubota2013(), (0.0, 0.6, 0.8), thickness=2e-9)
    >>> rest = sum(torques.parts.values()) - torques.total
    >>> len(torques.parts), bool(abs(rest).max() < 1e-6 * abs(torques.total).max())
    (6, True)
    """

    m: np.ndarray
    fields: Vectors
    parts: Vectors
    programs: Mapping[str, Vectors]
    settings: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]

    @property
    def total(self) -> np.ndarray:
        """dm/dt [1/s], (3,)."""
        return np.sum(list(self.parts.values()), axis=0)

    def __repr__(self) -> str:
        lines = [f"Torques at m = ({', '.join(f'{c:.6g}' for c in self.m)})"]
        lines += _table("effective field [T]", self.fields)
        lines += _table("llgrad: dm/dt [1/s], each part by itself", {**self.parts, "dm/dt, the sum": self.total})
        for program, parts in self.programs.items():
            lines += _table(f"the same as {program} writes it", parts)
            lines += ["  " + ", ".join(f"{name} = {_value(value)}" for name, value in self.settings[program].items())]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def torque_at(
    device: Oscillator, m: Vec3 | Sequence[float] | Float[ArrayLike, "3"], *, thickness: float | None = None
) -> Torques:
    """Every torque of a device at the magnetisation `m`, by itself, in SI and by the signs of cmtj, mumax3 and OOMMF.

    With B the sum of all fields but the spin torque's and B_s its strength (see `SlonczewskiTorque`), dm/dt is the sum
    of the precession −γ/(1+α²) m×B of each term, the damping −αγ/(1+α²) m×(m×B), the damping-like spin torque
    −γ B_s (1−αβ)/(1+α²) m×(p×m) and the field-like one −γ B_s (α+β)/(1+α²) m×p.

    Args:
        device: one oscillator; its current is the one that flows, and the time, where a term asks for it, is 0.
        m: magnetisation (x, y, z), a unit vector.
        thickness: thickness of the free layer [m]: with it the settings of the other programs hold area and current
            density, and are complete; without it they hold J times the area.

    Raises ValueError for an array, a traced device, an `m` that is no unit vector, a thickness that is not positive.
    What the other programs write is told, with file and version, in docs/conventions.md.

    >>> import llgrad as lg
    >>> torques = lg.physics.torque_at(lg.presets.kubota2013(), (0.0, 0.6, 0.8))
    >>> [round(float(c * 1e-9), 4) for c in torques.parts["damping-like spin torque"]]
    [-2.379, 0.0, 0.0]
    >>> [round(float(c * 1e3), 3) for c in torques.programs["mumax3"]["STTorque [T]"]]
    [-13.486, -0.054, 0.04]
    """
    if not isinstance(device, Oscillator):
        raise ValueError(f"torque_at takes one Oscillator, got {type(device).__name__}; give array.oscillator's parts")
    if not all(map(is_concrete, jax.tree.leaves(device))) or not have_shapes_of_one(device):
        raise ValueError("torque_at takes a device of plain numbers, got arrays or traced values; give one oscillator")
    if thickness is not None and not (thickness > 0 and math.isfinite(thickness)):
        raise ValueError(
            f"thickness = {thickness}, expected the thickness of the free layer, a positive number of metres"
        )
    check_kind("m", m, (Sequence, np.ndarray, jax.Array, Vec3), "give (device, m), the state a unit vector (x, y, z)")
    state = Vec3(*vector_of("m", m).tolist())
    check_unit_vector("m", state)
    with jax.enable_x64(True):
        return _torques(device, state, thickness)


def _torques(device: Oscillator, state: Vec3, thickness: float | None) -> Torques:
    equation = equation_of_motion(device)
    built_in, torque = equation.terms[:3], cast(SlonczewskiTorque, equation.terms[3])
    labelled = dict(zip(("applied field", "perpendicular anisotropy", "demagnetisation"), built_in, strict=True))
    labelled |= {f"terms.{i} {type(term).__name__}": term for i, term in enumerate(device.terms)}
    current = float(device.current)
    inputs = inputs_of_term(current, device.field, 0.0, equation.from_terminals(state, current))
    fields = {name: _array(term.field(state, inputs)) for name, term in labelled.items()}
    m, p, alpha, beta = _array(state), _array(device.polariser), float(device.alpha), float(device.field_like)
    rate = float(device.gamma) / (1 + alpha**2)
    strength = float(torque.per_ampere) * current / (1 + float(device.lambda_) * float(m @ p))
    B = np.sum(list(fields.values()), axis=0)
    parts = {f"precession, {name}": -rate * np.cross(m, field) for name, field in fields.items()}
    parts["damping"] = -rate * alpha * np.cross(m, np.cross(m, B))
    parts["damping-like spin torque"] = -rate * strength * (1 - alpha * beta) * np.cross(m, np.cross(p, m))
    parts["field-like spin torque"] = -rate * strength * (alpha + beta) * np.cross(m, p)
    damped = np.sum(list(parts.values())[:-2], axis=0)
    spin = parts["damping-like spin torque"] + parts["field-like spin torque"]
    programs = {
        "cmtj": {
            "dmdt * -GYRO * convTerm [1/s]": damped,
            "dampingLike * -sttTerm * convTerm [1/s]": parts["damping-like spin torque"],
            "fieldLike * sttTerm * beta * convTerm [1/s]": parts["field-like spin torque"],
            "all three [1/s]": damped + spin,
        },
        "mumax3": {
            "LLtorque [T]": damped / float(device.gamma),
            "STTorque [T]": spin / float(device.gamma),
            "torque [T]": (damped + spin) / float(device.gamma),
        },
        "OOMMF": {"mxH [A/m]": np.cross(m, B) / MU_0, "Spin torque [rad/s]": spin, "dm/dt [rad/s]": damped + spin},
    }
    fields |= {"spin torque": _array(torque.field(state, inputs))}
    settings, notes = _settings(device, float(m @ p), thickness)
    programs = {name: _no_minus_zero(rows) for name, rows in programs.items()}
    return Torques(m, _no_minus_zero(fields), _no_minus_zero(parts), programs, settings, notes)


def _settings(device: Oscillator, cosine: float, thickness: float | None) -> tuple[dict[str, dict[str, Any]], tuple]:
    """What the device is called in each program, and what it cannot be called there."""
    alpha, beta, eta, lambda_ = (
        float(getattr(device, name)) for name in ("alpha", "field_like", "polarization", "lambda_")
    )
    Ms, p, notes = float(device.Ms), _array(device.polariser), []
    Lambda, P = Lambda_from_lambda(lambda_, eta)
    K1, K2 = Ms * (float(device.H_k) + float(device.H_k2)) / 2, 0.0 - Ms * float(device.H_k2) / 4
    prime = -beta * eta / 2 / (1 + lambda_ * cosine)
    if beta and lambda_:
        notes.append("mumax3's and OOMMF's ε′ carries no angular factor: the one given here holds at this m only")
    if Lambda < 1:
        notes.append(f"OOMMF refuses Λ = {Lambda:.4g} below 1")
    if K2:
        notes.append("OOMMF's Oxs_UniaxialAnisotropy has no second order: K1 alone is given")
    if device.terms:
        notes.append(f"fields of your own have no name in the other programs: {', '.join(map(_name, device.terms))}")
    flow = _flow(device, thickness)
    field = _array(device.field)
    bulk = {"alpha": alpha, "P": P, "Lambda": Lambda, "eps_prime": prime, "mp": p.tolist()}
    constants = (MU_0 / CMTJ_MU_0) * (ELEMENTARY_CHARGE / CMTJ_ELEMENTARY_CHARGE)
    mumax_flow = {{"thickness": "FreeLayerThickness"}.get(name, name): value for name, value in flow.items()}
    cmtj_flow = {{"area": "cellSurface"}.get(name, name): value for name, value in flow.items()}
    settings = {
        "cmtj": {
            "Ms": Ms * CMTJ_MU_0, "damping": alpha, "SlonczewskiSpacerLayerParameter": Lambda,
            "beta": (alpha + beta) / (1 - alpha * beta), "spinPolarisation": P * (1 - alpha * beta) / constants,
            "referenceLayer": p.tolist(), "Ku": K1 * CMTJ_MU_0 / MU_0, "K2": K2 * CMTJ_MU_0 / MU_0,
            "Hext": (field / MU_0).tolist(), "demagTensor": np.diag(_array(device.demag)).tolist(),
            "gyromagnetic_ratio": float(device.gamma) * MU_0, "temperature": float(device.temperature), **cmtj_flow,
        },
        "mumax3": {
            "Msat": Ms, "alpha": alpha, "GammaLL": float(device.gamma), "Ku1": K1, "Ku2": K2, "Pol": P,
            "Lambda": Lambda, "EpsilonPrime": prime, "FixedLayer": p.tolist(), "FixedLayerPosition": "FIXEDLAYER_TOP",
            "B_ext": field.tolist(), "Temp": float(device.temperature), **mumax_flow,
        },
        "OOMMF": {"Ms": Ms, "gamma_G": float(device.gamma) * MU_0, "K1": K1, **bulk, **flow},
    }  # fmt: skip
    return settings, tuple(notes)


def _flow(device: Oscillator, thickness: float | None) -> dict[str, float]:
    """The current as all three count it: a positive one pulls m towards p, as a negative one does here."""
    current = -float(device.current)
    if thickness is None:
        return {"J times area [A]": current}
    area = float(device.volume) / thickness
    return {"thickness": thickness, "area": area, "J": current / area}


def _no_minus_zero(rows: Vectors) -> Vectors:
    return {name: row + 0.0 for name, row in rows.items()}


def _array(vector: Any) -> np.ndarray:
    return np.array([float(vector.x), float(vector.y), float(vector.z)])


def _name(term: Any) -> str:
    return f"{type(term).__name__}({', '.join(path for path, *_ in rows_of(term))})"


def _table(title: str, rows: Vectors) -> list[str]:
    width = max(map(len, rows))
    return ["", title, *(f"  {name:<{width}}  " + "  ".join(f"{c:+.6e}" for c in row) for name, row in rows.items())]


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "(" + ", ".join(_value(part) for part in value) + ")"
    return value if isinstance(value, str) else f"{value:.6g}"
