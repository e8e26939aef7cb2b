"""The picture of an array at work: the magnetisation of all oscillators while it sees one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.plot.style import figure, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def response(times: Any, m: Any, image: Any) -> Figure:
    """m_x, m_y and m_z of every oscillator (rows) against time, beside the image.

    Args:
        times: evenly spaced (T,) [s].
        m: (T, N, 3).
        image: (H, W) in [0, 1].
    """
    t, unit = scaled(times, "s")
    m = np.asarray(m)
    if t.shape != m.shape[:1] or m.ndim != 3 or t.size < 2:
        raise ValueError(f"times {t.shape} and m {m.shape}: expected (T,) and (T, oscillators, 3), two times or more")
    half = 0.5 * (t[1] - t[0])
    with figure(4.4) as drawn:
        all_axes = drawn.subplots(1, 4, width_ratios=[1, 1.4, 1.4, 1.4])
        all_axes[0].imshow(np.asarray(image), cmap="gray_r", vmin=0, vmax=1)
        all_axes[0].axis("off")
        title(all_axes[0], "Image")
        drawings = []
        for axis, axes in enumerate(all_axes[1:]):
            extent = (t[0] - half, t[-1] + half, m.shape[1] + 0.5, 0.5)
            drawings.append(
                axes.imshow(
                    m[:, :, axis].T, "RdBu_r", aspect="auto", extent=extent, vmin=-1, vmax=1, interpolation="none"
                )
            )
            axes.grid(False)
            axes.set_xlabel(named("time", unit))
            title(axes, f"$m_{'xyz'[axis]}$")
            axes.set_yticks([]) if axis else axes.set_ylabel("oscillator")
        drawn.colorbar(drawings[-1], ax=all_axes[-1], label="component of m (unit vector)")
    return drawn
