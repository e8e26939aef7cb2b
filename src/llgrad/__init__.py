"""llgrad: spin-torque oscillators, simulated and differentiated, and their parameters found from data.

>>> import llgrad as lg
>>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12)
"""

import importlib
from typing import TYPE_CHECKING, Any

from llgrad.core.speed.importing import without_collections

with without_collections():
    from llgrad.core.field_term import FieldTerm, Inputs
    from llgrad.core.record import quantity, table, vector
    from llgrad.core.status import Outcome, SimulationError
    from llgrad.core.trajectory import SystemTrajectory, Trajectory
    from llgrad.core.vector import Vec3
    from llgrad.datasets.frequencies import FrequencyTable, frequencies_of, read_frequencies
    from llgrad.datasets.images.images import Images, ImageSet
    from llgrad.datasets.images.load import load_images
    from llgrad.datasets.peaks import Peak, peak_of
    from llgrad.datasets.reader import describe, read_trace, read_waveform, write_trace
    from llgrad.datasets.spectra import read_spectrum
    from llgrad.datasets.sweeps import Sweeps, read_sweeps
    from llgrad.datasets.touchstone.reader import read_touchstone
    from llgrad.datasets.touchstone.scattering import Scattering
    from llgrad.datasets.trace import Trace, trace_of
    from llgrad.devices.array import OscillatorArray
    from llgrad.devices.arrays.mix import DenseMix, Mix, SumMix
    from llgrad.devices.arrays.system_array import SystemArray
    from llgrad.devices.bounds import between, positive, unbounded
    from llgrad.devices.coupling import Coupling, FieldCoupling, TensorCoupling
    from llgrad.devices.files import load_system, save_device
    from llgrad.devices.geometry import Ellipse, ellipse
    from llgrad.devices.junction import ConductanceJunction, Junction, LinearJunction
    from llgrad.devices.oscillator import Oscillator, ellipse_volume
    from llgrad.devices.ranges import direction
    from llgrad.devices.system import Spin, System
    from llgrad.drives.base import Waveform
    from llgrad.drives.chirp import Chirp
    from llgrad.drives.constant import Constant
    from llgrad.drives.drive import Drive
    from llgrad.drives.gaussian import GaussianPulse
    from llgrad.drives.noise import FlickerNoise, LorentzianNoise, coloured_noise
    from llgrad.drives.pulse import Pulse
    from llgrad.drives.sampled import Sampled
    from llgrad.drives.sine import Sine
    from llgrad.drives.step import Step
    from llgrad.experiments.loops.loop import loop
    from llgrad.experiments.loops.result import Jump, Loop
    from llgrad.experiments.rectification import Microwave
    from llgrad.experiments.resonances.resonance_map import ResonanceMap, resonance_map
    from llgrad.experiments.sweeps.files import load_map
    from llgrad.experiments.sweeps.record import Map
    from llgrad.experiments.sweeps.regions import Region
    from llgrad.experiments.sweeps.sweep import sweep
    from llgrad.experiments.switching.dwelling import DwellTimes, dwell_times
    from llgrad.experiments.switching.error_rate import ErrorRate, write_error_rate
    from llgrad.experiments.switching.result import Switching
    from llgrad.experiments.switching.switching import switching
    from llgrad.fitting.answers.posterior import Posterior, posterior
    from llgrad.fitting.answers.profile import Profile, profile
    from llgrad.fitting.answers.result import FitResult
    from llgrad.fitting.fit import fit
    from llgrad.fitting.methods.descent import GradientDescent
    from llgrad.fitting.methods.grid import GridSearch
    from llgrad.fitting.methods.guesses import Guess
    from llgrad.fitting.methods.least_squares import LevenbergMarquardt
    from llgrad.fitting.methods.starts import Starts
    from llgrad.fitting.orbits.tables.reading import read_orbit_table
    from llgrad.fitting.orbits.tables.table import OrbitTable
    from llgrad.fitting.planning.plan import plan
    from llgrad.fitting.planning.result import Plan
    from llgrad.fitting.resonance.analysis import fit_resonance
    from llgrad.fitting.targets.experiment import Experiment, segments
    from llgrad.kernels.steppers import RK4, DormandPrince5, DormandPrince8, Heun, Tsitouras5
    from llgrad.networks.baselines import SoftmaxNetwork, TanhNetwork
    from llgrad.networks.bench.design import Design
    from llgrad.networks.bench.files import load_design, save_design
    from llgrad.networks.bench.limits import Bench
    from llgrad.networks.bench.readout import Signal
    from llgrad.networks.bench.timeline import Frames, Timeline
    from llgrad.networks.files import load_network, save_network
    from llgrad.networks.imperfections import Imperfections
    from llgrad.networks.robustness import accuracy_of_arrays
    from llgrad.networks.trained.classifier import OscillatorClassifier
    from llgrad.networks.trained.layer import Limits, Part
    from llgrad.observables.amplitude import amplitude
    from llgrad.observables.frequency import frequency
    from llgrad.observables.levels.telegraph import Telegraph, telegraph
    from llgrad.observables.line_width import LineWidth, line_width
    from llgrad.observables.phase import instantaneous_phase, phase
    from llgrad.observables.resistance import load_voltage, resistance, voltage
    from llgrad.observables.spectrum import Spectrum, spectrum
    from llgrad.optimising.aims import maximise, minimise, of_device, of_orbit
    from llgrad.optimising.answers.result import Optimum, load_optimum
    from llgrad.optimising.front import Front, pareto_front
    from llgrad.optimising.grid import Grid, grid_search
    from llgrad.optimising.optimise import optimise
    from llgrad.optimising.robust import Expected, Worst
    from llgrad.orbits.branches.amplitude import amplitude_model
    from llgrad.orbits.branches.follow import follow, thresholds
    from llgrad.orbits.branches.result import Branch, Branches, Threshold
    from llgrad.orbits.cycle.finding import orbit
    from llgrad.orbits.equilibria.equilibria import equilibria
    from llgrad.orbits.equilibria.resonance import Resonance, resonance
    from llgrad.orbits.equilibria.result import Equilibria, Equilibrium
    from llgrad.orbits.lyapunov import Lyapunov, lyapunov
    from llgrad.orbits.results.locking import Locking
    from llgrad.orbits.results.orbit import Orbit
    from llgrad.physics import presets
    from llgrad.physics.anisotropy import PerpendicularAnisotropy, UniaxialAnisotropy
    from llgrad.physics.applied import AppliedField
    from llgrad.physics.arrays.apart import keep_apart
    from llgrad.physics.arrays.dipolar import DipolarCoupling
    from llgrad.physics.circuits.circuit import Circuit
    from llgrad.physics.circuits.connections import Parallel, Series
    from llgrad.physics.circuits.elements import Capacitor, CurrentSource, Inductor, Resistor, VoltageSource
    from llgrad.physics.cubic import CubicAnisotropy
    from llgrad.physics.demagnetisation import Demagnetisation, prism_factors
    from llgrad.physics.dipolar import dipolar_tensors
    from llgrad.physics.electric.biased import BiasedJunction
    from llgrad.physics.electric.oersted import OerstedField
    from llgrad.physics.electric.spin_orbit import SpinOrbitTorque
    from llgrad.physics.electric.voltage import VoltageAnisotropyTable, VoltageControlledAnisotropy
    from llgrad.physics.models.amplitude import AmplitudeModel
    from llgrad.physics.models.vortex import Vortex
    from llgrad.physics.presets.files import load_device
    from llgrad.physics.readout.bar import Film, HallBar
    from llgrad.physics.readout.effects import AHE, AMR, PHE, SMR, Magnetoresistance
    from llgrad.physics.readout.reading import longitudinal_resistance, transverse_resistance
    from llgrad.physics.slonczewski import SlonczewskiTorque
    from llgrad.physics.stacks.barrier import Barrier
    from llgrad.physics.stacks.coupling import InterlayerExchange, LayerCoupling
    from llgrad.physics.stacks.dmi import InterlayerDMI
    from llgrad.physics.stacks.layer import Layer
    from llgrad.physics.stacks.stack import Stack
    from llgrad.physics.stacks.stray import StrayField
    from llgrad.physics.stacks.tensors import dipole_tensor, ellipse_tensor, prism_tensor
    from llgrad.physics.stacks.torque import SpinTorque
    from llgrad.physics.torques import Torques, torque_at
    from llgrad.solve.native import Native
    from llgrad.solve.saving import End, Every, Interval
    from llgrad.solve.simulate import simulate
    from llgrad.solve.start import default_start
    from llgrad.solve.step_size import suggest_dt
    from llgrad.solve.xla import XLA
    from llgrad.training.evaluation import Evaluation, evaluate
    from llgrad.training.recipe import Recipe
    from llgrad.training.schedules import ConstantSchedule, CosineSchedule, EveryEpochs, EverySeconds
    from llgrad.training.stopping import TrainingError
    from llgrad.training.train import Trained, resume, train

if TYPE_CHECKING:
    from llgrad import plot
    from llgrad.solve.diffrax_engine import Diffrax

__all__ = [
    "AHE",
    "AMR",
    "PHE",
    "RK4",
    "SMR",
    "XLA",
    "AmplitudeModel",
    "AppliedField",
    "Barrier",
    "Bench",
    "BiasedJunction",
    "Branch",
    "Branches",
    "Capacitor",
    "Chirp",
    "Circuit",
    "ConductanceJunction",
    "Constant",
    "ConstantSchedule",
    "CosineSchedule",
    "Coupling",
    "CubicAnisotropy",
    "CurrentSource",
    "Demagnetisation",
    "DenseMix",
    "Design",
    "Diffrax",
    "DipolarCoupling",
    "DormandPrince5",
    "DormandPrince8",
    "Drive",
    "DwellTimes",
    "Ellipse",
    "End",
    "Equilibria",
    "Equilibrium",
    "ErrorRate",
    "Evaluation",
    "Every",
    "EveryEpochs",
    "EverySeconds",
    "Expected",
    "Experiment",
    "FieldCoupling",
    "FieldTerm",
    "Film",
    "FitResult",
    "FlickerNoise",
    "Frames",
    "FrequencyTable",
    "Front",
    "GaussianPulse",
    "GradientDescent",
    "Grid",
    "GridSearch",
    "Guess",
    "HallBar",
    "Heun",
    "ImageSet",
    "Images",
    "Imperfections",
    "Inductor",
    "Inputs",
    "InterlayerDMI",
    "InterlayerExchange",
    "Interval",
    "Jump",
    "Junction",
    "Layer",
    "LayerCoupling",
    "LevenbergMarquardt",
    "Limits",
    "LineWidth",
    "LinearJunction",
    "Locking",
    "Loop",
    "LorentzianNoise",
    "Lyapunov",
    "Magnetoresistance",
    "Map",
    "Microwave",
    "Mix",
    "Native",
    "OerstedField",
    "Optimum",
    "Orbit",
    "OrbitTable",
    "Oscillator",
    "OscillatorArray",
    "OscillatorClassifier",
    "Outcome",
    "Parallel",
    "Part",
    "Peak",
    "PerpendicularAnisotropy",
    "Plan",
    "Posterior",
    "Profile",
    "Pulse",
    "Recipe",
    "Region",
    "Resistor",
    "Resonance",
    "ResonanceMap",
    "Sampled",
    "Scattering",
    "Series",
    "Signal",
    "SimulationError",
    "Sine",
    "SlonczewskiTorque",
    "SoftmaxNetwork",
    "Spectrum",
    "Spin",
    "SpinOrbitTorque",
    "SpinTorque",
    "Stack",
    "Starts",
    "Step",
    "StrayField",
    "SumMix",
    "Sweeps",
    "Switching",
    "System",
    "SystemArray",
    "SystemTrajectory",
    "TanhNetwork",
    "Telegraph",
    "TensorCoupling",
    "Threshold",
    "Timeline",
    "Torques",
    "Trace",
    "Trained",
    "TrainingError",
    "Trajectory",
    "Tsitouras5",
    "UniaxialAnisotropy",
    "Vec3",
    "VoltageAnisotropyTable",
    "VoltageControlledAnisotropy",
    "VoltageSource",
    "Vortex",
    "Waveform",
    "Worst",
    "accuracy_of_arrays",
    "amplitude",
    "amplitude_model",
    "between",
    "coloured_noise",
    "default_start",
    "describe",
    "dipolar_tensors",
    "dipole_tensor",
    "direction",
    "dwell_times",
    "ellipse",
    "ellipse_tensor",
    "ellipse_volume",
    "equilibria",
    "evaluate",
    "fit",
    "fit_resonance",
    "follow",
    "frequencies_of",
    "frequency",
    "grid_search",
    "instantaneous_phase",
    "keep_apart",
    "line_width",
    "load_design",
    "load_device",
    "load_images",
    "load_map",
    "load_network",
    "load_optimum",
    "load_system",
    "load_voltage",
    "longitudinal_resistance",
    "loop",
    "lyapunov",
    "maximise",
    "minimise",
    "of_device",
    "of_orbit",
    "optimise",
    "orbit",
    "pareto_front",
    "peak_of",
    "phase",
    "plan",
    "plot",
    "positive",
    "posterior",
    "presets",
    "prism_factors",
    "prism_tensor",
    "profile",
    "quantity",
    "read_frequencies",
    "read_orbit_table",
    "read_spectrum",
    "read_sweeps",
    "read_touchstone",
    "read_trace",
    "read_waveform",
    "resistance",
    "resonance",
    "resonance_map",
    "resume",
    "save_design",
    "save_device",
    "save_network",
    "segments",
    "simulate",
    "spectrum",
    "suggest_dt",
    "sweep",
    "switching",
    "table",
    "telegraph",
    "thresholds",
    "torque_at",
    "trace_of",
    "train",
    "transverse_resistance",
    "unbounded",
    "vector",
    "voltage",
    "write_error_rate",
    "write_trace",
]


def __getattr__(name: str) -> Any:
    """matplotlib and diffrax are imported by what needs them, not by `import llgrad`."""
    if name == "plot":
        return importlib.import_module("llgrad.plot")
    if name == "Diffrax":
        return importlib.import_module("llgrad.solve.diffrax_engine").Diffrax
    raise AttributeError(f"module 'llgrad' has no attribute {name!r}")
