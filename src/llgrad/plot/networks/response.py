"""The picture of an array at work: the magnetisation of all oscillators while it sees one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.plot.style import figure, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST: Final = 6
"""Components that are shown."""


def response(
    times: Float[ArrayLike, " T"],
    m: Float[ArrayLike, "T N components"],
    image: Float[ArrayLike, "H W"],
    names: Sequence[str] = ("m_x", "m_y", "m_z"),
    what: str = "Image",
) -> Figure:
    """m_x, m_y and m_z of every oscillator (rows) against time, beside the image; or up to six components of a state.

    Args:
        times: evenly spaced (T,) [s].
        m: (T, N, 3), or (T, N, C) of other components.
        image: (H, W) in [0, 1]; the frames and features of a signal (T, F), scaled so.
        names: of the components; those of a unit vector are shown from −1 to 1, others over their own range.
        what: stands over the image: "Image", or "Signal", whose frames go downwards.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> m = np.zeros((50, 4, 3)) + np.array([0.0, 0.0, 1.0])
    >>> figure = lg.plot.response(1e-11 * np.arange(50), m, np.zeros((8, 8)))
    >>> len(figure.axes) >= 4
    True
    """
    t, unit = scaled(times, "s")
    m = np.asarray(m)
    if t.shape != m.shape[:1] or m.ndim != 3 or t.size < 2 or m.shape[2] != len(names):
        raise ValueError(
            f"times {t.shape} and m {m.shape}: expected (T,) and (T, oscillators, {len(names)}), two times or more"
        )
    names, spins = tuple(names)[:MOST], tuple(names) == ("m_x", "m_y", "m_z")
    half = 0.5 * (t[1] - t[0])
    with figure(4.4) as drawn:
        all_axes = drawn.subplots(1, 1 + len(names), width_ratios=[1, *len(names) * [1.4]])
        _given(all_axes[0], np.asarray(image), what)
        drawings = []
        for axis, axes in enumerate(all_axes[1:]):
            most = 1.0 if spins else float(np.abs(m[:, :, axis]).max()) or 1.0
            extent = (t[0] - half, t[-1] + half, m.shape[1] + 0.5, 0.5)
            drawings.append(
                axes.imshow(
                    m[:, :, axis].T / most,
                    "RdBu_r",
                    aspect="auto",
                    extent=extent,
                    vmin=-1,
                    vmax=1,
                    interpolation="none",
                )
            )
            axes.grid(False)
            axes.set_xlabel(named("time", unit))
            title(axes, f"${names[axis]}$" if spins else f"{names[axis]} (up to {most:.3g})")
            axes.set_yticks([]) if axis else axes.set_ylabel("oscillator")
        drawn.colorbar(
            drawings[-1],
            ax=all_axes[-1],
            label=f"component of {'m (unit vector)' if spins else 'the state, over its largest'}",
        )
    return drawn


def _given(axes: Axes, image: np.ndarray, what: str) -> None:
    """What the array is shown: an image, or the frames of a signal from the top."""
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, aspect="equal" if what == "Image" else "auto")
    if what == "Image":
        axes.axis("off")
    else:
        axes.set(xlabel="feature", ylabel="frame", xticks=[])
        axes.locator_params(axis="y", integer=True)
        axes.grid(False)
    title(axes, what)
