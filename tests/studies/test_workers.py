"""Workers that do not start."""

import distributed
import pytest

from llgrad.core.status import SimulationError
from llgrad.studies.workers import STARTS, client_of


def test_workers_that_never_start_are_a_sentence(monkeypatch):
    tried = []

    def failing(**how):
        tried.append(how)
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", failing)
    with (
        pytest.raises(SimulationError, match=r"did not start \(Nanny failed to start\); is there"),
        client_of(None, 2, 1),
    ):
        pass
    assert len(tried) == STARTS and tried[0]["n_workers"] == 2
