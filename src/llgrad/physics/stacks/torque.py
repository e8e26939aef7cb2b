"""Spin torque of one layer of a stack on another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx

from llgrad.core.field_term import Inputs
from llgrad.core.record import quantity
from llgrad.core.vector import Number, Vec3
from llgrad.devices.bounds import between as within
from llgrad.devices.ranges import OSCILLATOR, check_record
from llgrad.physics.electric.laws import VoltageLaw
from llgrad.physics.slonczewski import torque_field, torque_per_ampere
from llgrad.physics.stacks.coupling import Directions, LayerCoupling, Layers, check_pair

RANGES = {name: OSCILLATOR[name] for name in ("polarization", "lambda_", "field_like")}


class SpinTorque(LayerCoupling):
    """Slonczewski's torque of the current through the stack: layer `by` polarises what acts on layer `on`.

        B_on = ±B_s (m_by × m_on + β m_by),   B_s = ħ η I/(2 e Ms V)/(1 + λ m_on·m_by),   of the layer `on`,

    with + where `on` lies above `by` (later in `Stack.layers`), and − where it lies below. A positive current flows
    from the first layer to the last, and its electrons (for η > 0) from the last to the first: the upper of two layers
    feels those that the lower one reflects, which drive it away from m_by, as in an `Oscillator`; the lower one feels
    those that the upper one let pass, and is drawn towards it. One flees, the other follows. Give two of them, with
    `on` and `by` exchanged, for a torque and its back-action. A fixed layer may be the polariser.

    The field-like part changes its sign with the damping-like one; where it is the same on both layers, as of an
    exchange, give the two opposite β. With V the voltage of the barrier between the two layers,

        β = field_like + field_like_per_volt V + field_like_law(V),   η = polarization + polarization_law(V),

    where a law is a `VoltagePolynomial` or a measured `VoltageTable`.

    Source of both torques: dŝ₁,₂/dt ∝ ŝ₁,₂ × (ŝ₁ × ŝ₂), J. C. Slonczewski, J. Magn. Magn. Mater. 159, L1 (1996), as it
    is usually cited (eq. 13; the article itself was not compared): ŝ₁ × (ŝ₁ × ŝ₂) leads ŝ₁ away from ŝ₂, and
    ŝ₂ × (ŝ₁ × ŝ₂) leads ŝ₂ towards ŝ₁. The form with λ: T. Taniguchi et al., Appl. Phys. Express 6, 123003 (2013).

    >>> import llgrad as lg
    >>> size = {"Ms": 1.0e6, "thickness": 3e-9, "area": 1e-14, "alpha": 0.02}
    >>> layers = (lg.Layer("lower", m=(1, 0, 0), **size), lg.Layer("upper", m=(-1, 0, 0), **size))
    >>> torque = lg.stacks.SpinTorque(on="upper", by="lower", polarization=0.4)
    >>> stack = lg.Stack(layers=layers, couplings=(torque,), current=1e-3)
    >>> "current" in stack.inputs
    True
    """

    on: str = eqx.field(static=True)
    by: str = eqx.field(static=True)
    polarization: float = quantity("1", default=0.5, about="spin polarisation η", bound=within(-2.0, 2.0))
    lambda_: float = quantity("1", default=0.0, about="angular asymmetry λ", bound=within(-0.999, 0.999))
    field_like: float = quantity("1", default=0.0, about="field-like over damping-like torque β")
    field_like_per_volt: Number | None = quantity(
        "1/V", default=None, about="change of β with the voltage of the barrier"
    )
    polarization_law: VoltageLaw | None = None
    field_like_law: VoltageLaw | None = None

    def __check_init__(self) -> None:
        check_pair("SpinTorque", (self.on, self.by))
        check_record(self, RANGES, "SpinTorque: ")
        for name in ("polarization_law", "field_like_law"):
            law = getattr(self, name)
            if law is not None and not isinstance(law, VoltageLaw):
                raise ValueError(
                    f"SpinTorque: {name} is {type(law).__name__}, expected VoltagePolynomial(…) or VoltageTable(…)"
                )

    @property
    def _follows(self) -> bool:
        laws = (self.field_like_per_volt, self.polarization_law, self.field_like_law)
        return any(law is not None for law in laws)

    @property
    def terminals(self) -> Mapping[str, str]:  # type: ignore[override]
        """The voltage, where η or β follows it."""
        return {"voltage": "V"} if self._follows else {}

    @property
    def names(self) -> tuple[str, ...]:
        return self.on, self.by

    def fields(self, layers: Layers, m: Directions, inputs: Inputs) -> dict[str, Vec3]:
        layer = layers.layer(self.on)
        sign = 1.0 if layers.place(self.on) > layers.place(self.by) else -1.0
        eta: Any = self.polarization
        beta: Any = self.field_like
        if self.polarization_law is not None:
            eta = eta + self.polarization_law.change(inputs.voltage)
        strength = torque_per_ampere(eta, layer.Ms, layer.volume) * sign
        if self.field_like_per_volt is not None:
            beta = beta + self.field_like_per_volt * inputs.voltage
        if self.field_like_law is not None:
            beta = beta + self.field_like_law.change(inputs.voltage)
        return {self.on: torque_field(m[self.on], m[self.by], strength * inputs.current, self.lambda_, beta)}
