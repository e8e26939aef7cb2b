"""Parameters from data: fits, their methods and starts, posteriors, profiles, and plans of what to measure next."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.fitting.answers.intervals import intervals
    from llgrad.fitting.answers.posterior import Posterior, posterior
    from llgrad.fitting.answers.profile import Profile, profile
    from llgrad.fitting.answers.result import FitResult
    from llgrad.fitting.fit import fit
    from llgrad.fitting.many.fit_each import fit_each
    from llgrad.fitting.many.summary import FitSummary
    from llgrad.fitting.methods.descent import GradientDescent
    from llgrad.fitting.methods.grid import GridSearch
    from llgrad.fitting.methods.guesses import Guess
    from llgrad.fitting.methods.least_squares import LevenbergMarquardt
    from llgrad.fitting.methods.starts import Starts
    from llgrad.fitting.planning.known import KnownParameters
    from llgrad.fitting.planning.plan import plan
    from llgrad.fitting.planning.result import Plan
    from llgrad.fitting.resonance.analysis import fit_resonance
    from llgrad.fitting.resonance.lorentzian import Background, FieldWindow
    from llgrad.fitting.resonance.result import ResonanceResult
    from llgrad.fitting.resonance.shapes.shape import LineShape
    from llgrad.fitting.resonance.spin_diode import SpinDiodeFit, fit_spin_diode
    from llgrad.fitting.targets.experiment import Experiment, segments

__all__ = [
    "Background",
    "Experiment",
    "FieldWindow",
    "FitResult",
    "FitSummary",
    "GradientDescent",
    "GridSearch",
    "Guess",
    "KnownParameters",
    "LevenbergMarquardt",
    "LineShape",
    "Plan",
    "Posterior",
    "Profile",
    "ResonanceResult",
    "SpinDiodeFit",
    "Starts",
    "fit",
    "fit_each",
    "fit_resonance",
    "fit_spin_diode",
    "intervals",
    "plan",
    "posterior",
    "profile",
    "segments",
]

as_room(__name__)
