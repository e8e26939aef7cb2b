"""How the numbers of a magnet depend on the temperature."""

from __future__ import annotations

import abc
from typing import Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from llgrad.core.record import Record, is_concrete, quantity, table
from llgrad.core.vector import Number
from llgrad.devices.bounds import positive, unbounded

LEAST: Final = 1e-3
"""1 − (T/T_c)^a is not taken below this: at the Curie temperature a macrospin has no meaning."""


class TemperatureLaw(Record):
    """A number of a device that follows the temperature, by a law f: value(T) = value f(T)/f(T₀), its value in the
    record being that at the ambient T₀. One of your own is one small class with `f`.

    `path` names it: "Ms" or "H_k" (of a `Stack`: of all its layers), or the path of any other number, such as
    "layers.0.terms.0.H_k".

    >>> import llgrad as lg
    >>> class Linear(lg.systems.TemperatureLaw):
    ...     slope: float = lg.quantity("1/K")
    ...     def f(self, T):
    ...         return 1 - self.slope * T
    >>> round(Linear("Ms", slope=1e-3).factor(400.0, 300.0), 4)  # 0.6/0.7
    0.8571
    """

    path: str = eqx.field(static=True)

    @abc.abstractmethod
    def f(self, temperature: Number) -> Number:
        """The law, of a temperature [K]; a factor common to all temperatures does not matter."""

    def factor(self, temperature: Number, ambient: Number) -> Number:
        """value(T)/value(T₀)."""
        return self.f(temperature) / self.f(ambient)


class PowerLaw(TemperatureLaw):
    """f(T) = [1 − (T/T_c)^a]^b.

    With a = 3/2 and b = 1 it is Bloch's law of the magnetisation, continued to T_c; near T_c the exponent b is the
    critical one, and a = 1, b = 1/2 is that of a mean field. An anisotropy constant K ∝ Ms^n makes H_k = 2K/Ms ∝
    Ms^(n−1): the same a and T_c, and b (n − 1); n = 3 for single-ion anisotropy. 1 − (T/T_c)^a is not taken below
    0.001.

    Source: F. Bloch, Z. Phys. 61, 206 (1930); H. B. Callen, E. Callen, J. Phys. Chem. Solids 27, 1271 (1966)
    (recalled).

    >>> round(PowerLaw("Ms", curie=1000.0).factor(600.0, 300.0), 4)  # (1 − 0.6^1.5)/(1 − 0.3^1.5)
    0.6405
    """

    curie: float = quantity("K", default=None, about="Curie temperature T_c", bound=positive())
    inner: float = quantity("1", default=1.5, about="exponent a of the temperature", bound=positive())
    outer: float = quantity("1", default=1.0, about="exponent b", bound=unbounded(1.0))

    def __check_init__(self) -> None:
        if self.curie is None:
            raise ValueError(f"PowerLaw({self.path!r}) has no Curie temperature; give curie=… in kelvin")
        for name in ("curie", "inner"):
            value = getattr(self, name)
            if is_concrete(value) and not np.all(np.asarray(value) > 0):
                raise ValueError(f"PowerLaw({self.path!r}): {name} = {value}, expected a positive number")

    def f(self, temperature: Number) -> Number:
        part = 1 - (temperature / self.curie) ** self.inner
        if isinstance(part, float):
            return max(part, LEAST) ** self.outer
        return jnp.where(part > LEAST, part, LEAST) ** self.outer


class TemperatureTable(TemperatureLaw):
    """A measured law: values at temperatures, in any unit, with straight lines between them, and constant beyond.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> law = lg.systems.TemperatureTable("H_k", np.array([300.0, 400.0]), np.array([1.0, 0.8]))
    >>> round(float(law.factor(350.0, 300.0)), 4)
    0.9
    """

    temperatures: Float[np.ndarray | jax.Array, "K"] = table("K", ascending=True, about="temperatures")
    values: Float[np.ndarray | jax.Array, "K"] = table("1", about="value at each, in any unit")

    def __check_init__(self) -> None:
        if len(self.temperatures) != len(self.values):
            raise ValueError(
                f"TemperatureTable({self.path!r}): {len(self.temperatures)} temperatures and {len(self.values)} values,"
                " expected one for each"
            )

    def f(self, temperature: Number) -> Number:
        return jnp.interp(temperature, self.temperatures, self.values)
