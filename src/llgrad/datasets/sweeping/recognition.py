"""Whether a table is one of field sweeps, before it is read as such."""

from __future__ import annotations

from typing import Final

import numpy as np

from llgrad.datasets.sweeping.columns import FEWEST_POINTS, SIGNALS, Column, SweepColumns
from llgrad.datasets.sweeping.written import frequencies_in
from llgrad.datasets.tables.quantities import QuantityKind

_ANOTHER: Final = (QuantityKind.TIME, QuantityKind.LINE_WIDTH, QuantityKind.CURRENT)


def is_table_of_sweeps(found: SweepColumns) -> bool:
    """Whether the columns are those of field sweeps: frequencies in most names, or one row for each frequency and field
    with a signal, or a field and a signal in a file that names one frequency."""
    columns = [column for column in found.columns if not column.is_blank]
    kinds = [column.kind for column in columns]
    swept = [c for c in columns if c.kind is QuantityKind.FREQUENCY and not c.frequencies]
    if QuantityKind.TIME in kinds:
        return False
    if not swept:
        named = sum(bool(column.frequencies) for column in found.columns)
        return named >= len(found.columns) // 2 > 0 or _is_single(found, columns)
    fields = [column for column in columns if column.kind is QuantityKind.FIELD]
    signals = [column for column in columns if column.kind in SIGNALS or column.kind is QuantityKind.OTHER]
    if len(swept) > 1 or not fields or not signals or any(_varies(c) for c in columns if c.kind in _ANOTHER):
        return False
    rows = len(swept[0].values)
    repeated = FEWEST_POINTS * np.unique(swept[0].values).size <= rows
    blocks = [np.unique(field.values).size for field in fields if _varies(field)]
    return bool(repeated or any(FEWEST_POINTS * count <= rows for count in blocks))


def _is_single(found: SweepColumns, columns: list[Column]) -> bool:
    kinds = [column.kind for column in columns]
    signals = sum(kind in SIGNALS or kind is QuantityKind.OTHER for kind in kinds)
    written = [found.path.stem, *found.notes]
    return kinds.count(QuantityKind.FIELD) == 1 and signals == 1 and any(frequencies_in(text) for text in written)


def _varies(column: Column) -> bool:
    values = column.values[np.isfinite(column.values)]
    return values.size > 0 and bool(np.ptp(values) > 0)
