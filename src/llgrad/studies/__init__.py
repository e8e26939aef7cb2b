"""Thousands of fits, simulations, maps or evaluations, on this machine or a cluster; what they say of a population."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.studies.evaluations import Evaluations
    from llgrad.studies.fits import Fits
    from llgrad.studies.maps import Maps
    from llgrad.studies.populations.correlations import Correlations, correlations
    from llgrad.studies.populations.population import Population, population
    from llgrad.studies.result import Study
    from llgrad.studies.simulations import Simulations
    from llgrad.studies.study import load_study, study

__all__ = [
    "Correlations",
    "Evaluations",
    "Fits",
    "Maps",
    "Population",
    "Simulations",
    "Study",
    "correlations",
    "load_study",
    "population",
    "study",
]

as_room(__name__)
