"""The parts of a page: escaped text, tables, pictures as data in the file, and the style. No scripts, no network."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARPNESS: Final = 160
"""Dots per inch of a picture on a page: sharp on paper and on a dense screen."""

STYLE: Final = """
:root { color-scheme: light; --ink: #1d1f23; --soft: #5b616b; --line: #d9dce1; --wash: #f5f6f8; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 60rem; color: var(--ink); background: #fff;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .4rem; }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .8rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p { margin: .5rem 0; } .soft { color: var(--soft); }
nav { margin: 1rem 0 0; font-size: .9rem; } nav a { color: var(--accent); margin-right: 1.1rem; text-decoration: none; }
.badge { display: inline-block; padding: .1rem .65rem; border-radius: 1rem; font-size: .85rem; font-weight: 600;
  vertical-align: .2rem; background: #e2f3ea; color: #00603f; } .badge.bad { background: #fbe6d9; color: #8a3a00; }
ul.verdict { list-style: none; margin: 1rem 0; padding: .7rem 1.1rem; border-left: 4px solid var(--accent);
  background: var(--wash); } ul.verdict li { margin: .25rem 0; }
ul.verdict li::first-letter { text-transform: uppercase; }
ul.verdict.bad { border-color: #b3470a; background: #fdf1ea; } ul.verdict.bad li:first-child { font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; min-width: 50%; }
th, td { padding: .35rem .9rem .35rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--soft); } td:first-child { font-weight: 600; }
table.heat { min-width: 0; }
table.heat th, table.heat td { padding: .4rem .7rem; text-align: right; border: 1px solid #fff; }
table.heat th { text-align: left; } table.heat td:first-child { font-weight: 400; }
figure { margin: 1rem 0 1.6rem; } figure img { display: block; width: 100%; max-width: 900px; height: auto; }
figcaption { color: var(--soft); font-size: .88rem; margin-top: .3rem; }
code, pre { font: .86rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--wash); padding: .8rem 1rem; margin: .6rem 0; }
@media print { body { padding: 0; max-width: none; font-size: 10pt; } nav { display: none; } h2 { break-after: avoid; }
  figure, table { break-inside: avoid; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @page { margin: 16mm; } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole document. Nothing may be loaded from elsewhere: its own policy forbids it."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style></head><body>",
            *body,
            "</body></html>\n",
        ]
    )


def section(name: str, heading: str, *parts: str) -> str:
    """A part of the page with an anchor."""
    return "\n".join([f'<section id="{name}"><h2>{escape(heading)}</h2>', *parts, "</section>"])


def table(name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table id="{name}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def heat_table(
    name: str,
    names: Sequence[str],
    matrix: Sequence[Sequence[float]],
    errors: Sequence[Sequence[float]] | None = None,
) -> str:
    """A matrix from −1 to 1 as a table with coloured cells: blue below zero, orange above; with errors below them."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in ["", *names])
    lines = []
    for place, (label, row) in enumerate(zip(names, matrix, strict=True)):
        cells = ""
        for column, value in enumerate(row):
            error = "" if errors is None or column == place else _error(value, errors[place][column])
            cells += f'<td style="background:{_colour(value)}">{_digits(value)}{error}</td>'
        lines.append(f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>')
    body = f"<thead><tr>{top}</tr></thead><tbody>{chr(10).join(lines)}</tbody>"
    return f'<div class="wide"><table class="heat" id="{name}">{body}</table></div>'


def _colour(value: float) -> str:
    """White at zero, a pale strong colour at ±1, dark enough to tell apart and pale enough for black text."""
    strength = min(abs(value), 1.0) if math.isfinite(value) else 0.0
    full = (230, 159, 0) if value > 0 else (86, 180, 233)
    return "#" + "".join(f"{round(255 - strength * (255 - part)):02x}" for part in full)


def _digits(value: float) -> str:
    """Two decimals, and four where two would say one; a dash for what is not known."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.4f}" if 0.995 <= abs(value) < 0.99995 else f"{value:.2f}"


def _error(value: float, error: float) -> str:
    if not math.isfinite(value):
        return ""
    said = "edge" if not math.isfinite(error) else f"± {error:.2f}" if error >= 0.005 else f"± {error:.1g}"
    return f"<br><small>{said}</small>"


def picture(name: str, drawn: Figure, words: str) -> str:
    """A figure as PNG inside the page; `words` stand below it and in its place."""
    stream = io.BytesIO()
    drawn.savefig(stream, format="png", dpi=SHARPNESS, facecolor="white")
    data = base64.b64encode(stream.getvalue()).decode()
    alt = escape(words, quote=True)
    return (
        f'<figure id="{name}"><img alt="{alt}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(words)}</figcaption></figure>"
    )


def sentences(items: Iterable[str], bad: bool = False) -> str:
    """The verdict: a list of sentences; `bad` ones stand out. Nothing where there are none."""
    listed = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f'<ul class="verdict{" bad" if bad else ""}">{listed}</ul>' if listed else ""
