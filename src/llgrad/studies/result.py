"""What a study found: its table, and what it says of the population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llgrad.core.arguments.kinds import counted
from llgrad.core.files import plain
from llgrad.core.record import listed
from llgrad.studies.populations.correlations import Correlations, correlation_column, correlations
from llgrad.studies.populations.population import Population, outliers_of, outlying, population
from llgrad.studies.store import RESULTS

if TYPE_CHECKING:
    import pyarrow

MOST: Final = 3
"""Correlations that are told when a study is printed; the page and `to_json` have all."""


def told_apart(names: Sequence[str], labels: Mapping[str, Sequence[Any]], numbers: Sequence[str]) -> list[str]:
    """The names, those that come several times with the labels by which they differ, or else with their number.

    >>> told_apart(["a", "b", "b"], {"H_k": [1.0, 1.0, 1.5], "lot": [1, 2, 2]}, ["1", "2", "3"])
    ['a', 'b (H_k = 1)', 'b (H_k = 1.5)']
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    found = list(names)
    for name, same in places.items():
        if len(same) == 1:
            continue
        differ = {label: values for label, values in labels.items() if len({values[place] for place in same}) > 1}
        for place in same:
            told = [f"{label} = {_shown(values[place])}" for label, values in differ.items()]
            found[place] = f"{name} ({', '.join(told) or f'row {numbers[place]}'})"
    return found


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Study:
    """The rows of a study: `study[name]` is a column as a NumPy array, with NaN where a row has no number.

    >>> import llgrad as lg
    >>> work = lg.studies.Evaluations(lambda x: {"square": x**2}, [{"x": 2.0}, {"x": 3.0}])
    >>> found = lg.studies.study(work, "squares again", workers=0)
    >>> found["x"].tolist(), found["square"].tolist()
    ([2.0, 3.0], [4.0, 9.0])
    """

    folder: Path
    table: pyarrow.Table
    """All rows, a `pyarrow.Table`; `table.to_pandas()` is a DataFrame. Numbers are in SI."""
    record: dict[str, Any]
    """The run record, with the kind of the study and the units of its numbers."""

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.table.column_names:
            raise ValueError(f"the study has no column {name!r}; it has {listed(self.table.column_names)}")
        column = self.table[name].to_pylist()
        if any(isinstance(value, str) for value in column):
            return np.array(column, dtype=object)
        return np.array([np.nan if value is None else value for value in column])

    def __len__(self) -> int:
        return self.table.num_rows

    @property
    def units(self) -> dict[str, str]:
        """The numbers that describe a device, with their units, as far as rows have them."""
        return {name: unit for name, unit in self.record["units"].items() if name in self.table.column_names}

    @property
    def names(self) -> list[str]:
        """What each row is called: its recording, its device, or its number; and what it differs by from others of
        that name: "A1 (device = old, current = 0.001)"."""
        numbers = [str(number + 1) for number in range(len(self))]
        for name in ("name", "device"):
            if name in self.table.column_names:
                called = [str(value) for value in self.table[name].to_pylist()]
                return told_apart(called, self._labels(but=name), numbers)
        return numbers

    def _labels(self, but: str) -> dict[str, list[Any]]:
        """The columns of what rows are, which stand before their answers, except one."""
        columns = self.table.column_names
        return {name: self.table[name].to_pylist() for name in columns[: columns.index("key")] if name != but}

    @property
    def failures(self) -> dict[str, str]:
        """Why rows have no numbers, by their names."""
        sentences = self.table["failure"].to_pylist()
        if all(sentence is None for sentence in sentences):
            return {}
        return {name: sentence for name, sentence in zip(self.names, sentences, strict=True) if sentence is not None}

    @property
    def good(self) -> np.ndarray:
        """Which rows (N,) are used for populations: done, and of fits those that explain their data and converged."""
        good = np.array([sentence is None for sentence in self.table["failure"].to_pylist()], bool)
        for name in ("explained", "converged"):
            if name in self.table.column_names:
                good &= np.array([bool(value) for value in self.table[name].to_pylist()], bool)
        return good

    def numbers(self, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        """A column (N,) with its errors where it has some; NaN in rows that are not good."""
        values = np.where(self.good, self[name].astype(float), np.nan)
        if f"{name}.error" not in self.table.column_names:
            return values, None
        return values, np.where(self.good, self[f"{name}.error"].astype(float), np.nan)

    @property
    def populations(self) -> dict[str, Population]:
        """Mean and spread of every number that has errors, over the good rows, with the errors taken out."""
        found = {}
        for name in self.units:
            values, errors = self.numbers(name)
            if errors is not None and (np.isfinite(values) & np.isfinite(errors) & (errors > 0)).sum() > 1:
                found[name] = population(values, np.where(errors > 0, errors, np.nan))
        return found

    @property
    def outliers(self) -> dict[str, dict[str, float]]:
        """Rows too far from the others for chance: {name of the row: {column: distance in robust standard
        deviations}}."""
        found: dict[str, dict[str, float]] = {}
        for column in self.units:
            numbers = self.numbers(column)
            far = outlying(*numbers)
            for place in np.flatnonzero(outliers_of(*numbers)).tolist():
                found.setdefault(self.names[place], {})[column] = float(far[place])
        return found

    def correlations(self) -> tuple[list[str], Correlations | None]:
        """Names of the numbers that differ between the good rows, and their correlations there, the errors taken out.

        Errors of one row are correlated as its fit says (columns such as "alpha~current.correlation"), and independent
        where the study has no such columns. A number that less than half of the good rows know is left out; None
        where less than two are left, or too few rows know them all.
        """
        numbers = {name: self.numbers(name) for name in self.units}
        known = {
            name: np.isfinite(values) & (np.isfinite(errors) if errors is not None else True)
            for name, (values, errors) in numbers.items()
        }
        names = [
            name
            for name, (values, _) in numbers.items()
            if 2 * known[name].sum() >= self.good.sum() and known[name].any() and np.ptp(values[known[name]]) > 0
        ]
        whole = np.all([known[name] for name in names], axis=0) if names else np.zeros(len(self), bool)
        if len(names) < 2 or whole.sum() < len(names) + 2:
            return names, None
        values = np.stack([numbers[name][0][whole] for name in names], axis=1)
        if (np.ptp(values, axis=0) == 0).any():
            return names, None
        errors = [np.zeros(len(self)) if (error := numbers[name][1]) is None else error for name in names]
        covariances = np.zeros((len(values), len(names), len(names)))
        for i, j in np.ndindex(len(names), len(names)):
            covariances[:, i, j] = (errors[i] * errors[j])[whole] * self._correlation(names[i], names[j])[whole]
        return names, correlations(values, covariances)

    @property
    def errors_told(self) -> str:
        """What is known of the errors of this study's numbers, which populations and correlations take out."""
        columns = self.table.column_names
        if not any(f"{name}.error" in columns for name in self.units):
            return "no errors of the measurements are known, and none are taken out"
        known = any(name.endswith(correlation_column("", "").removeprefix("~")) for name in columns)
        if not known:
            how = "taken for independent of each other"
        else:
            how = (
                "correlated as the fit of each device says" if "converged" in columns else "correlated as each row says"
            )
        return f"the errors of the measurements, {how}, are taken out"

    def _correlation(self, one: str, other: str) -> np.ndarray:
        """Correlations (N,) of the errors of two numbers in each row."""
        if one == other:
            return np.ones(len(self))
        found = [correlation_column(one, other), correlation_column(other, one)]
        column = next((name for name in found if name in self.table.column_names), None)
        return np.zeros(len(self)) if column is None else self[column].astype(float)

    def counts(self) -> list[str]:
        """How many rows there are of which kind, in sentences."""
        failed, good = len(self.failures), int(self.good.sum())
        said = [f"{counted(len(self), 'row')}, {good} good, {failed} failed"]
        if other := len(self) - good - failed:
            does = "does not explain its data" if other == 1 else "do not explain their data"
            said.append(f"{counted(other, 'fit')} {does}, or did not converge: left out of what follows")
        return said

    def __str__(self) -> str:
        first, *others = self.counts()
        lines = [f"{self.record['kind']}: {first}; {self.folder / RESULTS}", *others]
        lines += [f"  {name}: {found.said(self.units[name])}" for name, found in self.populations.items()]
        names, between = self.correlations()
        if between is not None:
            lines.append(f"  correlations, surest first: {'; '.join(between.said(names)[:MOST])}")
        if outliers := self.outliers:
            lines.append(f"{counted(len(outliers), 'outlier')}: {listed(outliers)}")
        return "\n".join(lines)

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        """The record, with counts, populations, correlations, outliers and failures."""
        names, between = self.correlations()
        return self.record | {
            "rows": len(self),
            "good": int(self.good.sum()),
            "failures": self.failures,
            "populations": {name: found._asdict() for name, found in self.populations.items()},
            "correlations": None if between is None else {"names": names} | plain(between._asdict()),
            "outliers": self.outliers,
            "table": str(self.folder / RESULTS),
        }
