"""`study`: do what is not done yet, keep every row, gather them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from llgrad.core.arguments.kinds import check_kind, checked_path
from llgrad.core.files import read_json
from llgrad.solve.parts.telling import seconds
from llgrad.studies.result import Study
from llgrad.studies.store import KIND, RECORD, RESULTS, Store, check_libraries
from llgrad.studies.work import COLUMNS, Item, Work
from llgrad.studies.workers import Cluster, available, client_of, done_by, run_batch, workers_of

BATCH: Final = 256
"""Items that a worker does at a time."""
SHARES: Final = 4
"""Batches for each worker, where there are few items."""

Progress = bool | Callable[[dict[str, Any]], object] | None


def study(
    work: Work,
    folder: str | os.PathLike[str],
    *,
    workers: int | None = None,
    threads: int = 1,
    cluster: str | Cluster | None = None,
    batch: int = BATCH,
    overwrite: bool = False,
    retry_failed: bool = False,
    progress: Progress = None,
    command: str | None = None,
) -> Study:
    """Do thousands of fits, simulations, maps or evaluations, on Dask; one row each in a Parquet file.

    Batches of items go to workers, processes that are spawned and that do one batch at a time, and their rows are
    written as they come. What is killed or interrupted is resumed by the same call: an item is known by a hash of the
    recording, the device, its settings and what is asked, and one whose row is there is not done again. What fails is a
    row too, with the sentence that says why, and stays one, as the same work would fail again; where the reason lay
    elsewhere (a full disk, a missing library), `retry_failed` does those rows anew. The numbers are the same bits with
    any number of workers.

    A script that starts workers keeps what it does under `if __name__ == "__main__":`, as spawned processes read it.

    Args:
        work: `Fits`, `Simulations`, `Maps` or `Evaluations`.
        folder: of the study: `results.parquet`, `study.json`, and while it is done a file for each batch.
        workers: processes on this machine; by default one for each processor, 0 does all in this process.
        threads: of each worker that is started here; one of a cluster has as many as Dask gave it.
        cluster: the address of a Dask scheduler ("tcp://host:8786"), or a cluster object, as those of dask-jobqueue.
        batch: largest number of items that a worker does at a time.
        overwrite: whether a study that is in the folder is done anew.
        retry_failed: whether rows that failed are done anew; each stays until another takes its place.
        progress: True prints how far it is; a function is called with a dictionary: fraction, done, of, failed, left
            [s], dashboard (the address of Dask's page, where bokeh is installed), and waiting, a sentence where a
            cluster has had no worker for some seconds, else "". Without a function that sentence is printed.
        command: is kept in `study.json`.

    Returns:
        Study: the table, with populations and outliers.

    Raises ValueError for work that is none, a folder that holds something else, a scheduler that does not answer, and a
    missing library; SimulationError where workers do not start.

    >>> import llgrad as lg
    >>> work = lg.studies.Evaluations(lambda x: {"square": x**2}, [{"x": 2.0}, {"x": 3.0}])
    >>> lg.studies.study(work, "squares", workers=0)["square"].tolist()
    [4.0, 9.0]
    """
    check_kind("work", work, Work, "such as lg.studies.Fits(device, 'wafer/*.csv', free=['alpha'])")
    count = _checked(workers, threads, batch)
    if overwrite and retry_failed:
        raise ValueError("overwrite does every row anew, and retry_failed those that failed; give one of them")
    check_libraries(with_workers=bool(count) or cluster is not None)
    _refuse_spawned()
    store = Store(checked_path("folder", folder))
    items = _unlike(work.items())
    store.begin(work, overwrite, command)
    with store.alone():
        there = store.rows()
        failed = {key for key, row in there.items() if row["failure"] is not None}
        if retry_failed:
            store.finish(items)  # so that what is found now is told from what was
            there, failed = {key: row for key, row in there.items() if key not in failed}, set()
        missing = [item for item in items if item.key not in there]
        telling = _Telling(progress, len(items), len(items) - len(missing), sum(item.key in failed for item in items))

        def done(some: list[Item], rows: list[dict[str, Any]]) -> None:
            store.add(some, rows)
            telling.tell(rows)

        telling.tell([])
        try:
            if missing and (count or cluster is not None):
                with client_of(cluster, count, threads) as client:
                    telling.dashboard = client.dashboard_link if getattr(client, "dashboard_link", None) else ""
                    known = workers_of(client, cluster) or count or 1
                    done_by(client, work, _batches(missing, batch, known), done, telling.wait)
            else:
                for some in _batches(missing, batch, 1):
                    done(some, run_batch(work, some))
        finally:
            store.finish(items)
    return load_study(store.folder)


def load_study(folder: str | os.PathLike[str]) -> Study:
    """The study that `study` left in a folder.

    Raises ValueError for a folder that holds none.

    >>> import llgrad as lg
    >>> lg.studies.load_study("nowhere")
    Traceback (most recent call last):
        ...
    ValueError: nowhere holds no study: it has no results.parquet and study.json
    """
    check_libraries(with_workers=False)
    path = checked_path("folder", folder)
    if not (path / RESULTS).is_file() or not (path / RECORD).is_file():
        raise ValueError(f"{path} holds no study: it has no {RESULTS} and {RECORD}")
    import pyarrow.parquet as parquet

    return Study(path, parquet.ParquetFile(path / RESULTS).read(), read_json(path / RECORD, KIND))


def _checked(workers: Any, threads: Any, batch: Any) -> int:
    for name, value, least in (("workers", workers, 0), ("threads", threads, 1), ("batch", batch, 1)):
        if name == "workers" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} = {value!r}, expected a whole number from {least} on")
    return max(available() // threads, 1) if workers is None else workers


def _refuse_spawned() -> None:
    """A worker that reads the script of its driver must not begin the study again."""
    import multiprocessing

    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ValueError('a script that starts workers keeps what it does under if __name__ == "__main__":')


def _unlike(items: list[Item]) -> list[Item]:
    """The items, those alone that are not the same as an earlier one. Raises ValueError for none."""
    if not items:
        raise ValueError("the study has no items; give it data, devices or settings")
    if taken := [name for name in COLUMNS if any(name in item.labels for item in items)]:
        raise ValueError(f"a label, or an argument, is called {taken[0]}, as a column that every study has; rename it")
    found: dict[str, Item] = {}
    for item in items:
        if (first := found.setdefault(item.key, item)) is not item:
            raise ValueError(f"{item.labels} is the same as {first.labels}, to the last bit; leave one of them out")
    return items


def _batches(items: list[Item], most: int, workers: int) -> list[list[Item]]:
    """The items in batches, each of one group, so many that every worker has several."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    size = min(most, max(-(-len(items) // (SHARES * workers)), 1))
    return [group[i : i + size] for group in groups.values() for i in range(0, len(group), size)]


class _Telling:
    """Tells how far a study is."""

    def __init__(self, progress: Progress, count: int, done: int, failed: int):
        self.told = _print if progress is True else progress or None
        self.count, self.done, self.failed, self.dashboard = count, done, failed, ""
        self.first, self.began = done, time.perf_counter()

    def tell(self, rows: list[dict[str, Any]]) -> None:
        """Count rows that are done."""
        self.done += len(rows)
        self.failed += sum(row.get("failure") is not None for row in rows)
        if self.told is not None:
            self.told(self._entry())

    def wait(self, sentence: str) -> None:
        """Say that nobody does the rows that are left."""
        if self.told in (None, _print):
            print(sentence, file=sys.stderr, flush=True)
        else:
            self.told(self._entry() | {"waiting": sentence})

    def _entry(self) -> dict[str, Any]:
        new, elapsed = self.done - self.first, time.perf_counter() - self.began
        left = elapsed / new * (self.count - self.done) if new else None
        numbers = {"done": self.done, "of": self.count, "failed": self.failed, "left": left}
        return {"fraction": self.done / self.count, **numbers, "dashboard": self.dashboard, "waiting": ""}


def _print(told: dict[str, Any]) -> None:
    failed = f", {told['failed']} failed" if told["failed"] else ""
    left = "" if told["left"] is None else f", {seconds(told['left'])} left"
    board = f" ({told['dashboard']})" if told["dashboard"] else ""
    print(f"{told['done']} of {told['of']} done{failed}{left}{board}", file=sys.stderr, flush=True)
