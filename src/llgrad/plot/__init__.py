"""The only room that knows matplotlib: one file for each picture, results in and a Figure out."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.plot.agitation.switching import switching
    from llgrad.plot.agitation.telegraph import telegraph
    from llgrad.plot.cycles import cycle, phase_noise
    from llgrad.plot.fits import fit
    from llgrad.plot.histories import history
    from llgrad.plot.networks.course import pulse_response, signal_course
    from llgrad.plot.networks.learning import learning_curves
    from llgrad.plot.networks.prediction import predictions
    from llgrad.plot.networks.recognition import confusion, examples
    from llgrad.plot.networks.response import response
    from llgrad.plot.networks.settings import settings
    from llgrad.plot.optima.front import front
    from llgrad.plot.optima.optimum import optimum, sensitivities
    from llgrad.plot.orbits import orbit
    from llgrad.plot.pages.contents import contents
    from llgrad.plot.pages.report import report, save_report
    from llgrad.plot.pages.studies import study_page
    from llgrad.plot.populations.distributions import distributions
    from llgrad.plot.populations.wafers import wafer
    from llgrad.plot.reservoirs.capacity import capacity
    from llgrad.plot.reservoirs.course import reservoir
    from llgrad.plot.saving import save
    from llgrad.plot.spectra import spectrum
    from llgrad.plot.states.branches import branches
    from llgrad.plot.states.diagrams import phase_diagram, sweep
    from llgrad.plot.states.equilibria import equilibria
    from llgrad.plot.states.harmonics import harmonics
    from llgrad.plot.states.loops import loop
    from llgrad.plot.states.resonance_maps import resonance_map
    from llgrad.plot.states.synchronisation import synchronisation
    from llgrad.plot.traces import trace

__all__ = [
    "branches",
    "capacity",
    "confusion",
    "contents",
    "cycle",
    "distributions",
    "equilibria",
    "examples",
    "fit",
    "front",
    "harmonics",
    "history",
    "learning_curves",
    "loop",
    "optimum",
    "orbit",
    "phase_diagram",
    "phase_noise",
    "predictions",
    "pulse_response",
    "report",
    "reservoir",
    "resonance_map",
    "response",
    "save",
    "save_report",
    "sensitivities",
    "settings",
    "signal_course",
    "spectrum",
    "study_page",
    "sweep",
    "switching",
    "synchronisation",
    "telegraph",
    "trace",
    "wafer",
]

as_room(__name__)
