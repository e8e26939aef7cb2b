"""What a worker of somebody else's cluster is told before it begins. Imported where distributed is there."""

from __future__ import annotations

import os
import sys
from typing import Any

from distributed import WorkerPlugin


class PreparedWorker(WorkerPlugin):
    """A worker that can do what those that llgrad starts can.

    Its kernels have as many threads as Dask gave it, set before JAX starts there: a worker does one batch at a time,
    and XLA would else take every processor of the node in each of its workers. And it can import what the driver can,
    such as the functions of a study beside its file.
    """

    name = "llgrad"

    def __init__(self) -> None:
        self.folders = [folder for folder in sys.path if os.path.isabs(folder)]

    def setup(self, worker: Any) -> None:
        """As Dask calls it, in each worker that is there or comes."""
        os.environ.setdefault("NPROC", str(worker.state.nthreads))
        sys.path.extend(folder for folder in self.folders if folder not in sys.path)
