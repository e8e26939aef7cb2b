"""Networks of oscillators that classify, what a bench is set to for them, and what an array suffers."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.networks.baselines import SoftmaxNetwork, TanhNetwork
    from llgrad.networks.bench.design import Design
    from llgrad.networks.bench.files import load_design, save_design
    from llgrad.networks.bench.limits import Bench
    from llgrad.networks.bench.readout import Signal
    from llgrad.networks.bench.timeline import Frames, Pooling, Timeline
    from llgrad.networks.files import load_network, save_network
    from llgrad.networks.frames.streaming import Streamed, stream
    from llgrad.networks.imperfections import Imperfections
    from llgrad.networks.linear import LinearSoftmax, linear_softmax
    from llgrad.networks.memory import PulseResponse, pulse_response
    from llgrad.networks.robustness import accuracy_of_arrays
    from llgrad.networks.trained.classifier import OscillatorClassifier
    from llgrad.networks.trained.layer import Limits, Part
    from llgrad.networks.trained.regressor import OscillatorRegressor

__all__ = [
    "Bench",
    "Design",
    "Frames",
    "Imperfections",
    "Limits",
    "LinearSoftmax",
    "OscillatorClassifier",
    "OscillatorRegressor",
    "Part",
    "Pooling",
    "PulseResponse",
    "Signal",
    "SoftmaxNetwork",
    "Streamed",
    "TanhNetwork",
    "Timeline",
    "accuracy_of_arrays",
    "linear_softmax",
    "load_design",
    "load_network",
    "pulse_response",
    "save_design",
    "save_network",
    "stream",
]

as_room(__name__)
