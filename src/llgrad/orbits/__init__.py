"""Without a long run: states at rest and their modes, closed orbits, thresholds, and branches of both."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
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

__all__ = [
    "Branch",
    "Branches",
    "Equilibria",
    "Equilibrium",
    "Locking",
    "Lyapunov",
    "Orbit",
    "Resonance",
    "Threshold",
    "amplitude_model",
    "equilibria",
    "follow",
    "lyapunov",
    "orbit",
    "resonance",
    "thresholds",
]

as_room(__name__)
