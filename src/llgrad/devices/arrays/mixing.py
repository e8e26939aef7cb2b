"""All mixes of an array as one function of numbers: what engines are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.vector import Vec3
from llgrad.devices.arrays.mix import ALL, DenseMix, Mix, Products
from llgrad.devices.coupling import Coupling, FieldCoupling, LinearCoupling


class Link(NamedTuple):
    """Where the numbers of a mix stand among those emitted, and in which form it takes them."""

    places: tuple[int, ...]
    form: Any


class Mixing(eqx.Module):
    """From the E numbers that every member emits to the R that it receives: those of each mix, one after the other."""

    mixes: tuple[Mix | Coupling, ...]
    links: tuple[Link, ...] = eqx.field(static=True)

    def __call__(self, emitted: Sequence[Any]) -> list[Any]:
        """The received numbers, (N,) each."""
        found: list[Any] = []
        for mix, (places, form) in zip(self.mixes, self.links, strict=True):
            given = jax.tree.unflatten(form, [emitted[place] for place in places])
            found += jax.tree.leaves(mix.field(given) if isinstance(mix, Coupling) else mix.mixed(given))
        return found

    @property
    def odd(self) -> str:
        """The name of a mix that is no matrix and no sum; empty where there is none."""
        for mix, link in zip(self.mixes, self.links, strict=True):
            if isinstance(mix, Coupling) or mix.products(len(link.places)) is None:
                return type(mix).__name__
        return ""

    def products(self) -> Products:
        """All of it as matrices and sums."""
        matrices: list[Any] = []
        terms: list[tuple[int, int, int]] = []
        received = count = 0
        for mix, link in zip(self.mixes, self.links, strict=True):
            found = None if isinstance(mix, Coupling) else mix.products(len(link.places))
            if found is None:
                raise ValueError(f"{type(mix).__name__} is no matrix")
            for r, e, number in found.terms:
                terms.append((received + r, link.places[e], number if number == ALL else count + number))
            received += found.received
            if found.matrices is not None:
                matrices.append(found.matrices)
                count += len(found.matrices)
        stacked = None if not matrices else matrices[0] if len(matrices) == 1 else jnp.concatenate(matrices)
        return Products(stacked, tuple(terms), received)


class SpinLinks(NamedTuple):
    """A coupling of unit vectors: how it mixes, which components they emit, which inputs it acts on."""

    mixing: Mixing
    emits: tuple[int, ...]
    receives: tuple[str, ...]


def links_of_coupling(coupling: Coupling) -> SpinLinks:
    """What a coupling of oscillators is for an engine."""
    fields, vector = ("field_x", "field_y", "field_z"), jax.tree.structure(Vec3(0.0, 0.0, 0.0))
    if type(coupling) is FieldCoupling:
        link = Link((0,), jax.tree.structure(0.0))
        return SpinLinks(Mixing((DenseMix(coupling.weights, of="m_x", to="field_x"),), (link,)), (0,), fields[:1])
    mix = coupling
    if isinstance(coupling, LinearCoupling) and type(coupling).field is LinearCoupling.field:  # W is all there is to it
        mix = DenseMix(coupling.tensors(), of="m", to="field")
    return SpinLinks(Mixing((mix,), (Link((0, 1, 2), vector),)), (0, 1, 2), fields)
