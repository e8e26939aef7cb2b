"""The picture of where a device rests: its fixed points in the flow of small and large deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jax
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.orbits.equilibria.domain import domain_of, rates
from llgrad.orbits.equilibria.result import Equilibria
from llgrad.orbits.flow import flow_of
from llgrad.plot.style import BLUE, GREY, ORANGE, PURPLE, VERMILION, figure, legend_above, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKS: Final = {
    "stable": (BLUE, "o"),
    "unstable": (VERMILION, "s"),
    "saddle": (ORANGE, "X"),
    "neutral": (PURPLE, "D"),
}
"""Colour and marker of each kind of fixed point."""
FINE: Final = 121


def equilibria(found: Equilibria) -> Figure:
    """The fixed points of a device with two degrees of freedom, in its flow.

    Of a macrospin the sphere is unrolled, azimuth against m_z, so that equal areas are equal.

    Args:
        found: what `lg.equilibria` found.

    Raises ValueError for a device with more degrees of freedom.

    >>> import llgrad as lg
    >>> found = lg.equilibria(lg.presets.kubota2013().replace(current=0.3e-3))
    >>> len(lg.plot.equilibria(found).axes) > 0
    True
    """
    check_kind("found", found, Equilibria, "give what lg.equilibria found")
    with jax.enable_x64(True):
        flow = flow_of(found.device, found.time)
        if flow.shape.freedom != 2:
            raise ValueError(
                f"a picture of the flow is for two degrees of freedom, this device has {flow.shape.freedom}; print the "
                "equilibria instead"
            )
        sphere = bool(flow.shape.spins)
        across, along, motion = _on_sphere(flow) if sphere else _in_plane(flow, found)
    with figure(4.6) as drawn:
        axes = drawn.add_subplot()
        axes.streamplot(across, along, *motion, color="#b5b5b5", linewidth=0.7, arrowsize=0.8, density=1.5)
        for kind, (colour, marker) in LOOKS.items():
            here = [point for point in found if point.kind == kind and not point.curve]
            curve = [point for point in found if point.kind == kind and point.curve]
            for points, look in ((here, {"color": colour}), (curve, {"color": "none", "edgecolors": colour})):
                if points:
                    label = kind if points is here else f"one of a curve, {kind} across"
                    places = np.array([_place(point.y, sphere) for point in points]).T
                    axes.scatter(*places, marker=marker, s=70, zorder=5, label=label, clip_on=False, **look)
        if sphere:
            axes.set_xlabel("azimuth of m (°)")
            axes.set_ylabel("$m_z$")
            axes.set_xticks(range(-180, 181, 60))
            axes.axhline(0, color=GREY, linewidth=0.6)
        else:
            axes.set_xlabel(flow.shape.names[0])
            axes.set_ylabel(flow.shape.names[1])
        axes.set_xlim(across[0], across[-1])
        axes.set_ylim(along[0], along[-1])
        axes.grid(False)
        legend_above(axes, 4)
        title(axes, "Equilibria")
    return drawn


def _place(y: np.ndarray, sphere: bool) -> tuple[float, float]:
    return (np.degrees(np.arctan2(y[1], y[0])), y[2]) if sphere else (y[0], y[1])


def _on_sphere(flow: Any) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Azimuth [°], m_z, and the direction of motion on that map."""
    azimuth, height = np.linspace(-180, 180, FINE), np.linspace(-0.998, 0.998, FINE)
    phi, z = np.meshgrid(np.radians(azimuth), height)
    side = np.sqrt(1 - z**2)
    m = np.stack([side * np.cos(phi), side * np.sin(phi), z], axis=-1)
    rate = rates(flow, m.reshape(-1, 3)).reshape(m.shape)
    turn = (rate[..., 1] * np.cos(phi) - rate[..., 0] * np.sin(phi)) / side
    return azimuth, height, (np.degrees(turn), rate[..., 2])


def _in_plane(flow: Any, found: Any) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    domain = domain_of(flow, found.within)
    axes = [np.linspace(c - w, c + w, FINE) for c, w in zip(domain.centre, domain.half_width, strict=True)]
    grid = np.stack(np.meshgrid(*axes), axis=-1)
    rate = rates(flow, grid.reshape(-1, 2)).reshape(grid.shape)
    return axes[0], axes[1], (rate[..., 0], rate[..., 1])
