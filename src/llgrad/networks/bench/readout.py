"""What is read of an array, and the linear layer behind it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self, cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from llgrad.core.field_term import Inputs
from llgrad.core.record import is_concrete
from llgrad.core.vector import Number
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.states.components import component_names
from llgrad.devices.system import System
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Pooling
from llgrad.networks.bench.wiring import Device


class Signal(enum.Enum):
    """What is measured of an `Oscillator` at a read-out; of a `System` see `OutputSignals`.

    >>> import llgrad as lg
    >>> [(signal.value, signal.names) for signal in lg.networks.Signal]
    [('magnetisation', ('m_x', 'm_y', 'm_z')), ('x', ('m_x',)), ('voltage', ('V/(I R(0))',))]
    """

    MAGNETISATION = "magnetisation"
    """All three components of m."""
    X = "x"
    """m_x alone."""
    VOLTAGE = "voltage"
    """The voltage I R(m·p) of its junction [V], over the device's own I R(0)."""

    @property
    def names(self) -> tuple[str, ...]:
        """What is read, as tables name it."""
        return {"magnetisation": ("m_x", "m_y", "m_z"), "x": ("m_x",), "voltage": ("V/(I R(0))",)}[self.value]

    @property
    def width(self) -> int:
        """Numbers per oscillator and read-out."""
        return len(self.names)

    @property
    def passed_on(self) -> Signal:
        """What the next array of a sequence is fed with."""
        return Signal.MAGNETISATION

    def read(
        self, states: Float[jax.Array, "... N 3"], device: Device, settings: Settings, given: Float[jax.Array, "... N"]
    ) -> Float[jax.Array, "... N width"]:
        """Signals (…, N, width) of magnetisations (…, N, 3), with the input (…, N) that acts."""
        current = settings.current
        if settings.wiring.input == "current":
            current = jnp.broadcast_to(current, given.shape) + given
        return self.of(states, cast(Oscillator, device), current)

    def of(
        self, m: Float[jax.Array, "... N 3"], device: Oscillator, current: Number
    ) -> Float[jax.Array, "... N width"]:
        """Signals (…, N, width) of magnetisations (…, N, 3)."""
        if self is Signal.MAGNETISATION:
            return m
        if self is Signal.X:
            return m[..., :1]
        p, junction = device.polariser, device.junction
        if junction is None:
            raise ValueError(
                "the voltage of an array cannot be read: its device has no junction; give one, as in "
                "device.replace(junction=ConductanceJunction(R_P=1e3, tmr=1.0))"
            )
        if is_concrete(device.current) and device.current == 0:
            raise ValueError(
                "the voltage of an array is read over I R(0) of its device, whose current is 0 A; give it one, as in "
                "device.replace(current=2e-3)"
            )
        cosine = m[..., 0] * p.x + m[..., 1] * p.y + m[..., 2] * p.z
        scale = device.current * junction.at_current(jnp.zeros((), m.dtype), device.current)
        current = jnp.broadcast_to(current, cosine.shape)
        return (current * junction.at_current(cosine, current) / scale)[..., None]


class OutputSignals(NamedTuple):
    """What is measured of a `System` at a read-out: components of its state ("x", "free.z") and outputs
    ("resistance"), each as (value − offset)/scale.
    """

    names: tuple[str, ...]
    offsets: tuple[float, ...]
    scales: tuple[float, ...]

    @classmethod
    def plain(cls, device: System, names: Iterable[str] = ()) -> Self:
        """The values as they are; without names all components. Raises ValueError for what is no signal."""
        known = device.signals(device.start())
        names = tuple(names) or component_names(device.start())
        if unknown := [name for name in names if name not in known]:
            raise ValueError(
                f"signal = {unknown[0]!r}: there is none of this name of {type(device).__name__}; it has "
                f"{', '.join(known)}"
            )
        return cls(names, (0.0,) * len(names), (1.0,) * len(names))

    @property
    def width(self) -> int:
        """Numbers per device and read-out."""
        return len(self.names)

    @property
    def passed_on(self) -> Self:
        """What the next array of a sequence is fed with: the same."""
        return self

    def read(self, states: Any, device: Any, settings: Settings, given: Any) -> Any:
        """Signals (…, N, width) of states, a tree of (…, N), with the input (…, N) that acts."""
        found: Mapping[str, Any] = dict(zip(component_names(states), jax.tree.leaves(states), strict=True))
        if not found.keys() >= set(self.names):
            found = {**self._observed(states, device, settings, given), **found}
        each = zip(*self, strict=True)
        return jnp.stack([(found[name] - offset) / scale for name, offset, scale in each], axis=-1)

    def _observed(self, states: Any, device: System, settings: Settings, given: Any) -> Mapping[str, Any]:
        shape = jax.tree.leaves(states)[0].shape
        flat = jax.tree.map(lambda part: part.reshape(-1, settings.count), states)
        given = jnp.broadcast_to(jnp.asarray(given, settings.offset.dtype), shape).reshape(-1, settings.count)

        def one(system: System, state: Any) -> Any:
            nothing = Inputs(0.0, (0.0,) * system.noises, dict.fromkeys(system.inputs, 0.0))
            return dict(system.observe(state, nothing))

        def at(state: Any, given: Any) -> Any:
            array: Any = settings.array(device, given)
            return jax.vmap(one)(array.system, state)

        return jax.tree.map(lambda part: part.reshape(shape), jax.vmap(at)(flat, given))


class Readout(eqx.Module):
    """logits = Σ weights · signals + bias, over all oscillators and read-outs."""

    weights: Any
    """(read-outs · N · width, classes)."""
    bias: Any
    """(classes,)."""
    signal: Signal | OutputSignals = eqx.field(static=True, default=Signal.MAGNETISATION)

    def __call__(self, signals: Any) -> Any:
        """Logits (B, classes) of signals (read-outs, B, N, width)."""
        flat = jnp.moveaxis(signals, 1, 0).reshape(signals.shape[1], -1)
        return jnp.matmul(flat, self.weights) + self.bias[None]

    def of_frames(self, signals: Any, pooling: Pooling, begun: Any = None) -> Any:
        """Answers of signals (frames, R, B, N, width) at the frames that are read, where they have `begun` (frames, B):
        (B, classes), or (B, frames, classes) where there is one at each.
        """
        if begun is not None:
            there = begun[:, None, :, None, None]
            signals = jnp.where(there, signals, jnp.zeros((), signals.dtype))
        if pooling is Pooling.EACH:
            return jnp.swapaxes(jax.vmap(self)(signals), 0, 1)
        if pooling is Pooling.MEAN:
            count = signals.shape[0] if begun is None else begun.sum(axis=0).astype(signals.dtype)[None, :, None, None]
            return self(signals.sum(axis=0) / count)
        return self(signals.reshape(-1, *signals.shape[2:]))
