"""Which columns of a table belong together: a field and a signal for each microwave frequency.

Columns are told apart by what they are. Only where no name and no unit tells, and every frequency has two columns, they
are pairs by their place; which of the two is the field must then follow from their values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.units import show, unit_factor
from llgrad.datasets.sweeping.columns import FEWEST_POINTS, SIGNALS, Column, SweepColumns
from llgrad.datasets.sweeping.written import frequencies_in, several
from llgrad.datasets.tables.quantities import QuantityKind

UNNAMED: Final = (QuantityKind.OTHER, QuantityKind.MAGNETISATION, QuantityKind.AMBIGUOUS)
"""Columns that may be signals, where there is a field beside them."""
_ADVICE: Final = "write it in the header, as in 'V (uV) 5 GHz', or give the frequencies"


class SweepPair(NamedTuple):
    """One sweep before units."""

    frequency: float
    field: Column
    signal: Column


class Paired(NamedTuple):
    """All sweeps of a file, and how they were found."""

    pairs: tuple[SweepPair, ...]
    layout: str
    source: str
    """Where the frequencies stand."""
    left_out: tuple[str, ...]
    """Names of the columns that are not used."""
    is_shared: bool
    """Whether one column of fields is that of all."""
    by_place: bool
    """Whether neither names nor units told field from signal."""


def paired(found: SweepColumns, given: Sequence[float] | None, chosen: Sequence[str] | None) -> Paired:
    """The sweeps of a file. `given` are its frequencies [Hz], `chosen` the names of the columns to use.

    Raises ValueError for what has several readings, or none.
    """
    path = found.path
    if len(found.columns) == 1:
        raise ValueError(f"{path} has one column; expected pairs of columns, field and voltage")
    columns = _kept(found, chosen)
    spoken = [column for column in columns if column.frequencies]
    swept = [c for c in columns if c.kind is QuantityKind.FREQUENCY and not c.frequencies]
    if given is None and not spoken and len([c for c in swept if np.ptp(c.values[np.isfinite(c.values)]) > 0]) > 0:
        from_rows = _long(found, columns, swept)
        return from_rows._replace(left_out=_unused(found, from_rows.pairs, swept))
    fields, signals = _fields_and_signals(path, columns)
    by_place = not fields
    twos = _by_place(path, columns) if by_place else _matched(path, fields, signals)
    if not twos:
        raise ValueError(f"{path}: {columns[0].name!r} is one column; expected pairs of columns, field and voltage")
    if given is not None:
        named, source = _as_given(path, len(twos), given), "as given"
    else:
        named, source = _named(found, twos)
    if twice := [f for number, f in enumerate(named) if f in named[:number]]:
        raise ValueError(
            f"{path} has two sweeps at {show(twice[0], 'Hz')}; name the columns to use (columns=, --columns), "
            "or leave one sweep out"
        )
    pairs = tuple(SweepPair(f, *two) for f, two in zip(named, twos, strict=True))
    shared = len({id(pair.field) for pair in pairs}) == 1 and len(pairs) > 1
    layout = _layout(len(pairs), shared)
    return Paired(pairs, layout, source, _unused(found, pairs, []), shared, by_place)


def _layout(count: int, shared: bool) -> str:
    if shared:
        return f"one column of fields and {count} of voltages"
    return f"{count} pair{'' if count == 1 else 's'} of columns, field and voltage"


def _kept(found: SweepColumns, chosen: Sequence[str] | None) -> list[Column]:
    """The columns that may be used: those chosen, or all that hold numbers."""
    for column in found.columns:
        if column.is_blank and column.frequencies:
            raise ValueError(
                f"{found.path}: the column {column.name!r} holds no numbers; if a comma in the header is a decimal "
                "one, separate the cells by semicolons, else remove the column"
            )
    if chosen is None:
        return [column for column in found.columns if not column.is_blank]
    kept: list[Column] = []
    for name in chosen:
        written = name.strip().casefold()
        same = [c for c in found.columns if written in (c.label.casefold(), c.name.casefold(), f"#{c.place + 1}")]
        if not same:
            names = ", ".join(dict.fromkeys(column.label or column.name for column in found.columns))
            raise ValueError(f"{found.path} has no column {name!r}; it has {names}")
        if blank := [column for column in same if column.is_blank]:
            raise ValueError(f"{found.path}: the column {blank[0].name!r} holds no numbers; name another")
        kept += [column for column in same if column not in kept]
    if len(kept) == 1 or all(column.kind is not QuantityKind.FIELD for column in kept):
        kept += [
            c
            for c in found.columns
            if c.kind in (QuantityKind.FIELD, QuantityKind.FREQUENCY) and c not in kept and not c.is_blank
        ]
    return [column for column in found.columns if column in kept]


def _fields_and_signals(path: object, columns: list[Column]) -> tuple[list[Column], list[Column]]:
    """Columns of fields and of signals; no fields where only the places of the columns tell."""
    fields = [column for column in columns if column.kind is QuantityKind.FIELD]
    moving = [column for column in fields if np.ptp(column.values[np.isfinite(column.values)]) > 0]
    fields = moving or fields
    signals = [column for column in columns if column.kind in SIGNALS or column.kind in UNNAMED]
    if any(column.frequencies for column in signals):
        signals = [c for c in signals if c.frequencies] if len(fields) == 1 else signals
    others = [column for column in columns if column not in (*fields, *signals)]
    if not fields and len(signals) == len(columns):
        unnamed = [column for column in signals if column.kind in UNNAMED]
        if len(unnamed) == 1 and len(signals) > 1 and not unnamed[0].frequencies:
            return unnamed, [column for column in signals if column is not unnamed[0]]
        return [], []
    if not fields and len(others) == 1:
        return others, signals  # its unit is refused with its name
    if not fields or not signals:
        what = "no column of fields" if not fields else "no column of a voltage or another signal beside its fields"
        names = ", ".join(column.name for column in columns)
        raise ValueError(
            f"{path} has {what}; it has {names}; write 'H (Oe)' above the fields, 'V (uV)' above the voltages"
        )
    return fields, signals


def _by_place(path: object, columns: list[Column]) -> list[tuple[Column, Column]]:
    """Pairs of columns whose names do not tell what they are."""
    if len(columns) % 2 and not columns[0].frequencies:
        return [(columns[0], column) for column in columns[1:]]
    said = [column.frequencies for column in columns]
    apart = len(columns) % 2 or any(first != second for first, second in zip(said[::2], said[1::2], strict=False))
    twice = any(said[::2].count(one) > 1 for one in said[::2] if one)
    if apart or twice:
        names = ", ".join(repr(column.name) for column in columns[:6])
        raise ValueError(
            f"{path}: the columns {names} do not tell fields from voltages, and are no pairs of neighbours with a "
            "frequency each; write 'H (Oe) 5 GHz' above the fields and 'V (uV) 5 GHz' above the voltages"
        )
    return list(zip(columns[::2], columns[1::2], strict=True))


def _matched(path: object, fields: list[Column], signals: list[Column]) -> list[tuple[Column, Column]]:
    """The field of each signal: the only one, the one of its frequency, or its neighbour."""
    if len(fields) == 1 and len(signals) == 1:
        return [(fields[0], signals[0])]
    said = [signal.frequencies for signal in signals]
    if several_of := [signals[i] for i, one in enumerate(said) if said.count(one) > 1 and one]:
        same = [s.name for s in signals if s.frequencies == several_of[0].frequencies]
        raise ValueError(
            f"{path} has {len(same)} signals for one frequency ({', '.join(same)}); {_choose(same, signals)}"
        )
    if len(fields) == 1:
        if not all(said):
            names = [signal.name for signal in signals]
            raise ValueError(f"{path} has several signals ({', '.join(names)}); {_choose(names, signals)}")
        return [(fields[0], signal) for signal in signals]
    by_frequency = [[field for field in fields if field.frequencies == one] for one in said]
    if all(said) and all(len(same) == 1 for same in by_frequency) and len(fields) == len(signals):
        return [(same[0], signal) for same, signal in zip(by_frequency, signals, strict=True)]
    every = sorted((*fields, *signals), key=lambda column: column.place)
    twos = list(zip(every[::2], every[1::2], strict=False))
    alternate = all((a in fields) != (b in fields) and (a in fields) == (every[0] in fields) for a, b in twos)
    if len(fields) != len(signals) or not alternate:
        raise ValueError(
            f"{path} has {len(fields)} columns of fields and {len(signals)} of signals, which are no pairs; "
            "write the frequency above both of a pair, as in 'H (Oe) 5 GHz' and 'V (uV) 5 GHz', or name the columns to "
            "use (columns=, --columns)"
        )
    return [(a, b) if a in fields else (b, a) for a, b in twos]


def _choose(names: list[str], signals: list[Column]) -> str:
    several_of = [signal for signal in signals if signal.name in names]
    label = several_of[0].label
    if len({signal.label for signal in several_of}) == 1:
        label = f"#{several_of[0].place + 1}"  # the name does not tell them apart, the place does
    return f"choose one, as in columns=[{label!r}] (--columns {label} on the command line)"


def _as_given(path: object, count: int, given: Sequence[float]) -> list[float]:
    if len(given) != count:
        sweeps = f"{count} sweep{'' if count == 1 else 's'}"
        frequencies = f"{len(given)} frequenc{'y' if len(given) == 1 else 'ies'}"
        raise ValueError(f"{path} has {sweeps}, got {frequencies}; give one for each")
    return [float(frequency) for frequency in given]


def _named(found: SweepColumns, twos: list[tuple[Column, Column]]) -> tuple[list[float], str]:
    """The frequency of each pair, from its header, or else from the file's notes or name, and where it stands."""
    path, named = found.path, []
    for field, signal in twos:
        both = [set(column.frequencies) for column in (field, signal) if column.frequencies]
        if not both and len(twos) == 1:
            return _of_the_file(found, field, signal)
        common = set.intersection(*both) if both else set()
        if not common:
            what = "different frequencies" if both else "no frequency"
            raise ValueError(f"{path}: the columns {field.name!r} and {signal.name!r} name {what}; {_ADVICE}")
        if len(common) > 1:
            name = signal.name if signal.frequencies else field.name
            raise ValueError(
                f"{path}: {name!r} can be read as {several(sorted(common))}; write it with a point, as in '5.1 GHz', "
                "or give the frequencies"
            )
        named.append(common.pop())
    elsewhere = frequencies_in(path.stem)
    if len(named) == 1 and len(elsewhere) == 1 and elsewhere != named:
        raise ValueError(
            f"{path}: the header says {show(named[0], 'Hz')}, and the name of the file {show(elsewhere[0], 'Hz')}; "
            "correct one, or give the frequencies"
        )
    return named, "from the header"


def _of_the_file(found: SweepColumns, field: Column, signal: Column) -> tuple[list[float], str]:
    noted = list(dict.fromkeys(f for note in found.notes for f in frequencies_in(note)))
    named = frequencies_in(found.path.stem)
    every = list(dict.fromkeys(noted + named))
    if len(every) > 1:
        raise ValueError(
            f"{found.path}: its notes and its name can be read as {several(sorted(every))}; give the frequencies"
        )
    if not every:
        raise ValueError(f"{found.path}: the columns {field.name!r} and {signal.name!r} name no frequency; {_ADVICE}")
    return every, "from the name of the file" if named else "from the notes in the file"


def _long(found: SweepColumns, columns: list[Column], swept: list[Column]) -> Paired:
    """A table with one row for each frequency and field."""
    path = found.path
    if len(swept) > 1:
        names = ", ".join(column.name for column in swept)
        raise ValueError(
            f"{path} has several columns of frequencies ({names}); name those to use (columns=, --columns)"
        )
    fields, signals = _fields_and_signals(path, [c for c in columns if c is not swept[0]])
    (field, signal), *others = _matched(path, fields, signals)
    if others:
        raise ValueError(f"{path} has several fields and signals beside its column of frequencies; name those to use")
    rows, hertz = _frequencies_of_rows(path, swept[0], field, signal)
    pairs = []
    for frequency in dict.fromkeys(hertz[rows].tolist()):
        mine = rows[hertz[rows] == frequency]
        cut = [_cut(column, mine) for column in (field, signal)]
        if np.unique(cut[0].values).size < FEWEST_POINTS:
            fixed = np.unique(field.values[rows])
            raise ValueError(
                f"{path} sweeps the frequency at {fixed.size} fixed field{'' if fixed.size == 1 else 's'} (at "
                f"{show(frequency, 'Hz')} it has {np.unique(cut[0].values).size} fields, expected at least "
                f"{FEWEST_POINTS}); lines are fitted against the field: record sweeps of the field at fixed frequencies"
            )
        pairs.append(SweepPair(float(frequency), *cut))
    layout = f"one row for each frequency and field ({swept[0].name}, {field.name}, {signal.name})"
    return Paired(tuple(pairs), layout, f"from the column {swept[0].name!r}", (), False, False)


def _frequencies_of_rows(path: object, swept: Column, field: Column, signal: Column) -> tuple[np.ndarray, np.ndarray]:
    """The rows with a frequency, and the frequencies [Hz] of all rows, without the last digits of an instrument."""
    if swept.texts:
        row, text = next(iter(swept.texts.items()))
        raise ValueError(f"{path}, line {swept.lines[row]}: {text!r} is not a number; mend or remove the row")
    if swept.unit is None:
        raise ValueError(f"{path}: the column {swept.name!r} has no unit; write it in the header, as in 'f (GHz)'")
    hertz = swept.values * unit_factor(swept.unit)[1]
    alone = ~np.isfinite(hertz) & (np.isfinite(field.values) | np.isfinite(signal.values))
    if alone.any():
        row = int(np.flatnonzero(alone)[0])
        raise ValueError(f"{path}, line {swept.lines[row]}: the cell of {swept.name!r} is blank; fill it in")
    rows = np.flatnonzero(np.isfinite(hertz))
    rounded = hertz.copy()
    rounded[rows] = [float(f"{value:.7g}") for value in hertz[rows]]
    return rows, rounded


def _cut(column: Column, rows: np.ndarray) -> Column:
    texts = {place: column.texts[row] for place, row in enumerate(rows.tolist()) if row in column.texts}
    return dataclasses.replace(
        column, values=column.values[rows], texts=texts, lines=tuple(column.lines[row] for row in rows)
    )


def _unused(found: SweepColumns, pairs: Sequence[SweepPair], others: list[Column]) -> tuple[str, ...]:
    used = {column.place for pair in pairs for column in (pair.field, pair.signal)} | {c.place for c in others}
    return tuple(column.name or "without a name" for column in found.columns if column.place not in used)
