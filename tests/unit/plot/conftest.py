"""What every picture must be."""

import io
import itertools

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color
from matplotlib.contour import ContourSet
from matplotlib.lines import Line2D

GREY = "#666666"
"""What a legend shows of lines that have several colours."""


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
    for label, handle in named_lines(figure):
        assert any(is_that(handle, line) for line in lines_of(figure)), f"{name}: no {label!r} in it"
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            assert axis.get_offset_text().get_text() == "", (
                f"{name}: numbers beside {axis.get_label_text()} to be added"
            )


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


def named_lines(figure):
    """The lines and markers in the legends, and what they are called there."""
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    for legend in filter(None, legends):
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            if isinstance(handle, Line2D):
                yield text.get_text(), handle


def lines_of(figure):
    """All lines of a picture, contours as lines of their points."""
    for axes in figure.axes:
        yield from axes.lines
        for contours in axes.collections:
            for path in contours.get_paths() if isinstance(contours, ContourSet) else ():
                style = "-" if contours.get_linestyles()[0][1] is None else "--"
                yield Line2D(*path.vertices.T, linestyle=style, color=contours.get_edgecolor()[0])


def is_that(handle, line):
    """Whether a line with points in it looks as the legend says."""
    x, y = (np.asarray(values, float) for values in line.get_data(orig=False))
    styles = (handle.get_linestyle(), handle.get_marker()) == (line.get_linestyle(), line.get_marker())
    coloured = same_color(handle.get_color(), line.get_color()) or same_color(handle.get_color(), GREY)
    return bool((np.isfinite(x) & np.isfinite(y)).any()) and styles and coloured
