"""What every picture must be."""

import io

import matplotlib.image
import numpy as np


def check_whole(name, figure):
    """900 pixels wide, not empty, and nothing touches the edge: whatever were cut there would leave ink on it."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", facecolor="white")
    pixels = matplotlib.image.imread(io.BytesIO(stream.getvalue()))[..., :3]
    assert pixels.shape[1] == 900, name
    edge = np.concatenate([pixels[:2].ravel(), pixels[-2:].ravel(), pixels[:, :2].ravel(), pixels[:, -2:].ravel()])
    assert edge.min() == 1.0, name
    assert pixels.min() < 0.5, name
