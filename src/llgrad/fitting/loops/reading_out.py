"""What a loop is read out by: resistance, moment along the field, or any signal of a stack."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from llgrad.core.field_term import Inputs
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.loops.loop import seen_of
from llgrad.experiments.loops.swept import Swept, along
from llgrad.fitting.loops.measured import UNITS, MeasuredLoop
from llgrad.physics.stacks.stack import Stack


def still(device: Any) -> Any:
    """The device without its temperature: states at rest are those of a cold one."""
    return device.replace(temperature=None if isinstance(device, Stack) else 0.0)


def read_out(device: Any, quantity: str, state: Any, family: Swept) -> Any:
    """A quantity [SI] of a device in a state, where the field is along the axis of a family."""
    m, ohms = seen_of(device, state)
    if quantity == "resistance":
        return ohms
    if quantity in ("along", "moment"):
        part = jnp.dot(m, along(family.polar, family.azimuth).stack())
        return part if quantity == "along" else part * whole_moment(device)
    inputs = Inputs(0.0, (0.0,) * device.noises, dict.fromkeys(device.inputs, 0.0))
    return jnp.asarray(device.observe(state, inputs)[quantity])


def whole_moment(device: Any) -> Any:
    """The moment [A m²] of all layers in one direction."""
    layers = device.layers if isinstance(device, Stack) else (device,)
    return sum(layer.Ms * layer.volume for layer in layers)


def check_read_out(device: Any, loop: MeasuredLoop) -> None:
    """Raise ValueError where a device has no loop, or not what was measured."""
    if not isinstance(device, (Oscillator, Stack)):
        raise ValueError(f"a measured loop is that of an Oscillator or a Stack, got {type(device).__name__}")
    if isinstance(device, Oscillator):
        known = {"along": "1", "moment": "A m²"} | ({"resistance": "Ω"} if device.junction is not None else {})
        missing = "give the device its junction, as in junction=lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0)"
    else:
        known = {"along": "1", "moment": "A m²"} | dict(device.outputs)
        missing = "give the stack what it is read out by, as in barriers=lg.stacks.Barrier(…)"
    if loop.quantity not in known:
        hint = f"; {missing}" if loop.quantity in (*UNITS, "transverse", "longitudinal") else ""
        raise ValueError(
            f"the loop is of {loop.quantity!r}, which this device does not tell: it has {', '.join(known)}{hint}"
        )
    if loop.unit != known[loop.quantity]:
        raise ValueError(
            f"the loop of {loop.quantity!r} is in {loop.unit}, and the device tells it in {known[loop.quantity]}"
        )
