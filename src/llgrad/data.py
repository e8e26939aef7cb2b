"""What was measured: traces, spectra, sweeps, tables, images and signals, read from files, described and written."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.datasets.frequencies import FrequencyTable, frequencies_of, read_frequencies
    from llgrad.datasets.images.images import Images, ImageSet
    from llgrad.datasets.images.load import load_images
    from llgrad.datasets.peaks import Peak, peak_of
    from llgrad.datasets.reader import describe, read_trace, read_waveform, write_trace
    from llgrad.datasets.recordings.contents import Contents, contents
    from llgrad.datasets.samples.reading import read_targets
    from llgrad.datasets.samples.targets import TargetSet, TargetSignals
    from llgrad.datasets.signals.frames.shaping import Deltas, Normalised, Trimmed
    from llgrad.datasets.signals.fronts import LogMel, RawSamples, Segments
    from llgrad.datasets.signals.reading import read_signals
    from llgrad.datasets.signals.sets import SignalSet
    from llgrad.datasets.signals.signals import Signals
    from llgrad.datasets.spectra import read_spectrum
    from llgrad.datasets.sweeps import Sweep, Sweeps, read_sweeps
    from llgrad.datasets.touchstone.fixtures import deembed
    from llgrad.datasets.touchstone.reader import read_touchstone
    from llgrad.datasets.touchstone.scattering import Scattering
    from llgrad.datasets.trace import Trace, trace_of
    from llgrad.fitting.loops.measured import MeasuredLoop, SwitchingFields
    from llgrad.fitting.loops.reading import read_loop
    from llgrad.fitting.orbits.tables.reading import read_orbit_table
    from llgrad.fitting.orbits.tables.table import OrbitTable

__all__ = [
    "Contents",
    "Deltas",
    "FrequencyTable",
    "ImageSet",
    "Images",
    "LogMel",
    "MeasuredLoop",
    "Normalised",
    "OrbitTable",
    "Peak",
    "RawSamples",
    "Scattering",
    "Segments",
    "SignalSet",
    "Signals",
    "Sweep",
    "Sweeps",
    "SwitchingFields",
    "TargetSet",
    "TargetSignals",
    "Trace",
    "Trimmed",
    "contents",
    "deembed",
    "describe",
    "frequencies_of",
    "load_images",
    "peak_of",
    "read_frequencies",
    "read_loop",
    "read_orbit_table",
    "read_signals",
    "read_spectrum",
    "read_sweeps",
    "read_targets",
    "read_touchstone",
    "read_trace",
    "read_waveform",
    "trace_of",
    "write_trace",
]

as_room(__name__)
