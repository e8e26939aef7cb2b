"""What a worker of somebody else's cluster is told before it begins. Imported where distributed is there."""

from __future__ import annotations

import os
from typing import Any

from distributed import WorkerPlugin


class OwnThreads(WorkerPlugin):
    """As many threads for the kernels as Dask gave the worker, set before JAX starts there: a worker does one batch at
    a time, and XLA would else take every processor of the node in each of its workers."""

    name = "llgrad-threads"

    def setup(self, worker: Any) -> None:
        """As Dask calls it, in each worker that is there or comes."""
        os.environ.setdefault("NPROC", str(worker.state.nthreads))
