"""llgrad: spin-torque oscillators, simulated and differentiated, and their parameters found from data.

>>> import llgrad as lg
>>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12)

What is typed most is here; everything, that included, is in rooms that say what they hold, such as `lg.devices` and
`lg.fitting`. `dir(lg)` names them, `help(lg.fitting)` says what one is for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from llgrad.core.speed.importing import without_collections

if TYPE_CHECKING:
    from llgrad import (
        circuits,
        data,
        devices,
        drives,
        experiments,
        fitting,
        networks,
        observables,
        optimising,
        orbits,
        physics,
        plot,
        presets,
        readout,
        reservoir,
        solvers,
        stacks,
        studies,
        systems,
        torch,
        training,
    )
    from llgrad.data import Trace, load_images, read_sweeps, read_trace, trace_of
    from llgrad.devices import FieldCoupling, Oscillator, OscillatorArray, Vec3, direction, save_device
    from llgrad.drives import Drive, Pulse, Sine
    from llgrad.experiments import sweep
    from llgrad.fitting import Experiment, fit, fit_resonance
    from llgrad.networks import OscillatorClassifier
    from llgrad.observables import frequency, spectrum
    from llgrad.optimising import maximise, minimise, optimise
    from llgrad.orbits import equilibria, follow, orbit
    from llgrad.presets import load_device
    from llgrad.solvers import End, Every, simulate
    from llgrad.stacks import Layer, Stack
    from llgrad.systems import System, quantity
    from llgrad.training import Recipe, evaluate, train

__all__ = [
    "Drive",
    "End",
    "Every",
    "Experiment",
    "FieldCoupling",
    "Layer",
    "Oscillator",
    "OscillatorArray",
    "OscillatorClassifier",
    "Pulse",
    "Recipe",
    "Sine",
    "Stack",
    "System",
    "Trace",
    "Vec3",
    "circuits",
    "data",
    "devices",
    "direction",
    "drives",
    "equilibria",
    "evaluate",
    "experiments",
    "fit",
    "fit_resonance",
    "fitting",
    "follow",
    "frequency",
    "load_device",
    "load_images",
    "maximise",
    "minimise",
    "networks",
    "observables",
    "optimise",
    "optimising",
    "orbit",
    "orbits",
    "physics",
    "plot",
    "presets",
    "quantity",
    "read_sweeps",
    "read_trace",
    "readout",
    "reservoir",
    "save_device",
    "simulate",
    "solvers",
    "spectrum",
    "stacks",
    "studies",
    "sweep",
    "systems",
    "torch",
    "trace_of",
    "train",
    "training",
]

ROOMS = (
    "circuits",
    "data",
    "devices",
    "drives",
    "experiments",
    "fitting",
    "networks",
    "observables",
    "optimising",
    "orbits",
    "physics",
    "plot",
    "presets",
    "readout",
    "reservoir",
    "solvers",
    "stacks",
    "studies",
    "systems",
    "torch",
    "training",
)
"""Where every public name is."""

_TOP = {
    "Drive": "drives",
    "End": "solvers",
    "Every": "solvers",
    "Experiment": "fitting",
    "FieldCoupling": "devices",
    "Layer": "stacks",
    "Oscillator": "devices",
    "OscillatorArray": "devices",
    "OscillatorClassifier": "networks",
    "Pulse": "drives",
    "Recipe": "training",
    "Sine": "drives",
    "Stack": "stacks",
    "System": "systems",
    "Trace": "data",
    "Vec3": "devices",
    "direction": "devices",
    "equilibria": "orbits",
    "evaluate": "training",
    "fit": "fitting",
    "fit_resonance": "fitting",
    "follow": "orbits",
    "frequency": "observables",
    "load_device": "presets",
    "load_images": "data",
    "maximise": "optimising",
    "minimise": "optimising",
    "optimise": "optimising",
    "orbit": "orbits",
    "quantity": "systems",
    "read_sweeps": "data",
    "read_trace": "data",
    "save_device": "devices",
    "simulate": "solvers",
    "spectrum": "observables",
    "sweep": "experiments",
    "trace_of": "data",
    "train": "training",
}
"""The room of each name that is here too. A room is imported when something of it is asked for first."""


def _room(name: str) -> Any:
    with without_collections():
        return importlib.import_module(f"llgrad.{name}")


def _absent(name: str) -> str:
    """What is said of a name that is not here: in which room it is."""
    if not name.startswith("_"):
        for room in ROOMS:
            if room != "plot" and name in _room(room).__all__:
                return f"lg.{name} is now lg.{room}.{name}"
    return f"module 'llgrad' has no attribute {name!r}"


if not TYPE_CHECKING:  # so that a type checker reports a name that is not here

    def __getattr__(name):
        if name in ROOMS:
            return _room(name)
        if name not in _TOP:
            raise AttributeError(_absent(name))
        globals()[name] = value = getattr(_room(_TOP[name]), name)
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
