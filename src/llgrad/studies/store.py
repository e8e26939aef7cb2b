"""The rows of a study on the disk: one Parquet file a batch while it is done, one of all rows at its end.

Every file appears whole or not at all, and a row is known by its key, so that whatever is killed, and whenever, every
row is read once.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from llgrad.core.files import read_json, write_json, writing
from llgrad.core.run_record import run_record
from llgrad.studies.work import COLUMNS, Item, Work, digest

RESULTS: Final = "results.parquet"
RECORD: Final = "study.json"
PARTS: Final = "parts"
KIND: Final = "study"


def check_libraries(with_workers: bool) -> None:
    """Raise ValueError, in a sentence that says what to install, where a library of studies is missing."""
    needed = {"pyarrow": "writes its table"} | ({"distributed": "runs its workers"} if with_workers else {})
    for module, does in needed.items():
        if importlib.util.find_spec(module) is None:
            raise ValueError(
                f"a study needs {module}, which {does} and is not installed; install it, as in pip install "
                "'llgrad[study]'"
            )


class Store:
    """The folder of a study."""

    def __init__(self, folder: Path):
        self.folder = folder

    def begin(self, work: Work, overwrite: bool, command: str | None) -> None:
        """Make the folder, or open it. Raises ValueError where it holds another study, or other files."""
        record, identity = self.folder / RECORD, work.identity()
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"{self.folder} is a file, expected the name of a folder for the study")
        if record.exists() and not overwrite and read_json(record, KIND)["identity"] != identity:
            raise ValueError(
                f"{self.folder} holds another study (other free parameters, or other options); give another folder, or "
                "ask for it to be replaced"
            )
        if not record.exists() and self.folder.exists() and any(self.folder.iterdir()):
            raise ValueError(f"{self.folder} holds files that are no study; give another folder")
        if overwrite:
            shutil.rmtree(self.folder / PARTS, ignore_errors=True)
            (self.folder / RESULTS).unlink(missing_ok=True)
        (self.folder / PARTS).mkdir(parents=True, exist_ok=True)
        entry = run_record(KIND, command=command) | {"identity": identity, "kind": work.kind, "units": work.units()}
        write_json(record, entry, overwrite=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder. Raises ValueError where another process works on it; a lock dies with its process."""
        try:
            import fcntl
        except ImportError:  # a system without: two studies at once would do the same work twice, and no harm
            yield
            return
        with open(self.folder / ".lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(f"another process works on the study in {self.folder}; wait for its end") from None
            yield

    def add(self, items: Sequence[Item], rows: Sequence[dict[str, Any]]) -> None:
        """Keep the rows of a batch."""
        for item, row in zip(items, rows, strict=True):
            for name in row.keys() & item.labels.keys():
                if row[name] != item.labels[name]:
                    raise ValueError(
                        f"{name} = {row[name]!r} was found of what has {name} = {item.labels[name]!r} already; give "
                        "one of them another name"
                    )
        table = _table([{"key": item.key, **row} for item, row in zip(items, rows, strict=True)])
        _write(table, self.folder / PARTS / f"{digest([item.key for item in items])}.parquet")

    def rows(self) -> dict[str, dict[str, Any]]:
        """All rows that are there, by their keys; of one that was done again after it failed, the later."""
        import pyarrow.parquet as parquet

        files = [self.folder / RESULTS, *sorted((self.folder / PARTS).glob("[!.]*.parquet"))]
        found: dict[str, dict[str, Any]] = {}
        for file in files:
            if file.exists():
                for row in parquet.ParquetFile(file).read().to_pylist():
                    if row["key"] not in found or found[row["key"]]["failure"] is not None:
                        found[row["key"]] = row
        return found

    def finish(self, items: Iterable[Item]) -> None:
        """Gather the rows of items into one table, in their order, with their labels."""
        rows = self.rows()
        done = [item for item in items if item.key in rows]
        labels = {name: None for item in done for name in item.labels}
        numbers = {name: None for item in done for name in rows[item.key] if name not in labels}
        whole = [labels | item.labels | {n: rows[item.key].get(n) for n in numbers} for item in done]
        _write(_table(whole), self.folder / RESULTS)
        for part in (self.folder / PARTS).glob("*.parquet"):
            part.unlink()


def _table(rows: list[dict[str, Any]]) -> Any:
    """A table with a column for every name in any of the rows, and for those that each study has."""
    import pyarrow as pa

    names = dict.fromkeys([*(name for row in rows for name in row), *COLUMNS])
    for name in names:
        known = [row[name] for row in rows if row.get(name) is not None]
        texts = [value for value in known if isinstance(value, str)]
        if 0 < len(texts) < len(known):
            number = next(value for value in known if not isinstance(value, str))
            raise ValueError(f"{name} is a number in some rows ({number!r}) and a text in others ({texts[0]!r})")
    table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
    texts = [name for name in ("failure",) if name in names]
    for name in texts:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.string()))
    return table


def _write(table: Any, path: Path) -> None:
    import pyarrow.parquet as parquet

    with writing(path, overwrite=True) as file:
        parquet.write_table(table, file, compression="zstd")
