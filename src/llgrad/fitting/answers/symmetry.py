"""Discrete symmetries: other devices that give exactly the same data, which no singular value shows."""

from __future__ import annotations

from llgrad.devices.system import System
from llgrad.fitting.orbits.recording import OrbitRecording
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.segmented import SegmentedRecording
from llgrad.fitting.targets.starting import is_start
from llgrad.fitting.targets.traces import TraceRecording


def symmetries(problem: Problem, unknown_start: bool) -> tuple[str, ...]:
    """Sentences on the symmetries that leave these data unchanged.

    For a polariser along x, (H_z, m_y, m_z) → −(H_z, m_y, m_z) leaves m_x(t), the voltage and the frequency the same:
    where
    only these are recorded and the starting state is free, the sign of the field along z cannot be found.
    """
    if any(isinstance(recording.model, System) for recording in problem.recordings):
        return ()  # nobody knows its symmetries
    field_is_free = any(name.split("[")[0] == "field.z" for name in problem.names)
    start_is_free = unknown_start and any(is_start(name) for name in problem.names)
    blind = all(_sees_only_mx(r) for r in problem.recordings)
    tables = all(isinstance(r, (OrbitRecording, SegmentedRecording)) for r in problem.recordings)
    if field_is_free and blind and (start_is_free or tables):
        return (
            "field.z and −field.z give the same data (with m_y and m_z reversed): the sign of field.z is "
            "that of the start, "
            "not found from the data",
        )
    return ()


def _sees_only_mx(recording: object) -> bool:
    if isinstance(recording, (TraceRecording, SegmentedRecording)):
        p = recording.model.polariser  # pyright: ignore[reportAttributeAccessIssue]  (that of a device, by `symmetries`)
        along_x = [p.x, p.y, p.z] == [1.0, 0.0, 0.0]
        return along_x and set(recording.columns) <= {"mx", "voltage"}
    return isinstance(recording, OrbitRecording)
