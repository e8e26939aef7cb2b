"""What every picture must be."""

import io
import itertools

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg


def check_whole(name, figure):
    """900 pixels wide, not empty, nothing touches the edge (whatever were cut there would leave ink on it), and no
    title, legend or label stands on another."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", facecolor="white")
    pixels = matplotlib.image.imread(io.BytesIO(stream.getvalue()))[..., :3]
    assert pixels.shape[1] == 900, name
    edge = np.concatenate([pixels[:2].ravel(), pixels[-2:].ravel(), pixels[:, :2].ravel(), pixels[:, -2:].ravel()])
    assert edge.min() == 1.0, name
    assert pixels.min() < 0.5, name
    assert overlapping(figure) == [], name


def overlapping(figure):
    """Pairs of texts that share more than a pixel."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn, renderer = [], canvas.get_renderer()
    for axes in figure.axes:
        legend = axes.get_legend()
        texts = [axes.title, axes._left_title, axes._right_title, axes.xaxis.label, axes.yaxis.label]
        drawn += [text for text in texts if text.get_text() and text.get_visible() and axes.axison]
        drawn += [] if legend is None else [legend]
    boxes = [(part, part.get_window_extent(renderer).padded(-1)) for part in drawn]
    pairs = itertools.combinations(boxes, 2)
    return [(str(one), str(other)) for (one, a), (other, b) in pairs if a.overlaps(b)]
