"""The picture of an array's settings: the coupling matrix, and how training moved fields, currents and dampings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from llgrad.core.arguments.kinds import check_parts
from llgrad.plot.style import BLUE, GREY, figure, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = ("coupling", "own", "wiring")
LABELS = {"alpha": "damping α"}
COLOURS = {"before": GREY, "trained": BLUE}
BINS = 24


class ArraySettings(Protocol):
    """The settings of an array, as `design.stages[0].settings` has them."""

    @property
    def coupling(self) -> Any:
        """W_ij (N, N), from device j to i."""
        ...

    @property
    def own(self) -> Any:
        """What each device has of its own (N,), by name."""
        ...

    @property
    def wiring(self) -> Any:
        """What these are, and their units."""
        ...


def settings(before: ArraySettings | None, after: ArraySettings) -> Figure:
    """The trained coupling matrix, and histograms of what each device has of its own before and after training: field,
    current and damping of oscillators.

    Args:
        before: Settings of an array at the start, or None where they are not known.
        after: Settings of the same array, trained.

    >>> import jax, llgrad as lg
    >>> with jax.enable_x64(False):
    ...     network = lg.OscillatorClassifier.create(
    ...         lg.presets.kubota2013(), shape=(8, 8), classes=10, key=jax.random.key(0), oscillators=16
    ...     )
    ...     settings = network.design().stages[0].settings
    >>> figure = lg.plot.settings(None, settings)
    >>> len(figure.axes) > 1
    True
    """
    for name, given in (("after", after), ("before", after if before is None else before)):
        check_parts(name, given, PARTS, "the settings of an array, as design.stages[0].settings")
    shown = after.wiring.own
    rows = max(1, -(-(len(shown) + 1) // 2))
    with figure(3.2 * rows) as drawn:
        panels = drawn.subplots(rows, 2, squeeze=False)
        _coupling(drawn, panels[0, 0], after.coupling, after.wiring.coupling_unit)
        for axes in panels.ravel()[len(shown) + 1 :]:
            axes.axis("off")
        for axes, setting in zip(panels.ravel()[1:], shown, strict=False):
            sets = [np.asarray(one.own[setting.name], float) for one in (before, after) if one is not None]
            values, unit = scaled(np.stack(sets), setting.unit)
            named_sets = {"trained": values[-1]} if len(values) == 1 else dict(zip(COLOURS, values, strict=True))
            _histograms(axes, named_sets, unit)
            axes.locator_params(axis="x", nbins=5 if unit else 3)
            axes.set_xlabel(named(LABELS.get(setting.name) or setting.about, unit))
            axes.set_ylabel("oscillators")
        handles = [_sample(colour, label) for label, colour in COLOURS.items()]
        handles = handles if before is not None else handles[-1:]
        panels[0, 1].legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    return drawn


def _coupling(drawn: Any, axes: Any, coupling: Any, unit: str) -> None:
    noun = "coupling field" if unit == "T" else "coupling"
    values, unit = scaled(coupling, unit)
    limit = float(np.quantile(np.abs(values), 0.995)) or 1.0
    end = values.shape[0] + 0.5
    image = axes.imshow(
        values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest", extent=(0.5, end, end, 0.5)
    )
    axes.grid(False)
    axes.set_xlabel("from oscillator")
    axes.set_ylabel("to oscillator")
    if values.any():
        drawn.colorbar(image, ax=axes, label=named(noun, unit))
    else:
        axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", va="center")
    title(axes, "Coupling")


def _histograms(axes: Any, sets: dict[str, np.ndarray], unit: str) -> None:
    """Histograms over the same bins. Where all oscillators are alike there is a line instead, with the number."""
    low, high = (float(bound([bound(values) for values in sets.values()])) for bound in (min, max))
    if _alike(np.array([low, high])):
        axes.axvline(low, color=BLUE, linewidth=2)
        axes.set(xlim=_around(low), yticks=[])
        unchanged = "" if len(sets) == 1 else ",\nbefore and after"
        text = " ".join(filter(None, (f"{low:.4g}", unit, f"on every oscillator{unchanged}")))
        axes.text(0.04, 0.9, text, transform=axes.transAxes, va="top", bbox={"color": "white", "pad": 3})
        return
    axes.locator_params(axis="y", integer=True)
    for label, values in sets.items():
        if _alike(values):
            axes.axvline(float(values[0]), color=COLOURS[label], linewidth=2)
        else:
            axes.hist(values, np.linspace(low, high, BINS + 1), color=COLOURS[label], alpha=0.6)


def _alike(values: np.ndarray) -> bool:
    return float(np.ptp(values)) <= 1e-6 * float(np.abs(values).max())


def _around(value: float) -> tuple[float, float]:
    width = 0.5 * abs(value) or 1.0
    return value - width, value + width


def _sample(colour: str, label: str) -> Any:
    """What stands for a histogram in the legend."""
    from matplotlib.patches import Patch

    return Patch(color=colour, alpha=0.6, label=label)
