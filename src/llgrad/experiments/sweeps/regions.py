"""What a device does at a point, as a number and a sentence."""

from __future__ import annotations

import enum
from typing import Final

import numpy as np

from llgrad.experiments.sweeps.looking.searching import How


class Region(enum.IntEnum):
    """What a device does at a point.

    >>> import llgrad as lg
    >>> found = lg.sweep(lg.presets.kubota2013(), {"current": "0.2mA:1mA:5"}, quantities="frequency")
    >>> lg.experiments.Region(int(found.regions[0])).name
    'BELOW'
    """

    NOT_COMPUTED = 0
    OSCILLATES = 1
    BISTABLE = 2
    REST = 3
    BELOW = 4
    DEATH = 5
    WRONG_SIGN = 6
    NEITHER = 7
    LOST = 8
    UNRESOLVED = 9


NAMES: Final[dict[Region, str]] = {
    Region.NOT_COMPUTED: "not computed",
    Region.OSCILLATES: "oscillates",
    Region.BISTABLE: "bistable",
    Region.REST: "at rest",
    Region.BELOW: "below threshold",
    Region.DEATH: "beyond oscillation death",
    Region.WRONG_SIGN: "wrong sign of the current",
    Region.NEITHER: "neither at rest nor periodic",
    Region.LOST: "runs away",
    Region.UNRESOLVED: "orbit not resolved",
}
SENTENCES: Final[dict[Region, str]] = {
    Region.NOT_COMPUTED: "the search was ended before it came here",
    Region.OSCILLATES: "an orbit attracts, and no state at rest does",
    Region.BISTABLE: "an orbit attracts, and a state at rest too: which one is reached depends on the past",
    Region.REST: "a run from the start comes to rest, and no attracting orbit was found",
    Region.BELOW: "at rest, and with a larger current of the same sign in this map it oscillates",
    Region.DEATH: "at rest, and with a smaller current of the same sign in this map it oscillates: the torque holds m",
    Region.WRONG_SIGN: "at rest, and in this map it oscillates only with the current reversed",
    Region.NEITHER: "within the time of the search it neither repeats itself nor comes to rest: chaotic, of several "
    "periods, or too slow",
    Region.LOST: "from its start the state runs away to infinity",
    Region.UNRESOLVED: "there is an orbit, and with as many states round it as are taken it is not accurate: near a "
    "homoclinic its period grows without a limit",
}
WITH_ORBIT: Final = (Region.OSCILLATES, Region.BISTABLE)
AT_REST: Final = (Region.REST, Region.BELOW, Region.DEATH, Region.WRONG_SIGN)


def regions_of(how: np.ndarray, stable: np.ndarray, currents: np.ndarray | None) -> np.ndarray:
    """Regions (P, …) of how a search ended and the number of stable states at rest; `currents` (P,) [A] are those of
    the first axis, where it is the current."""
    found = np.zeros(how.shape, int)
    has = np.isin(how, (How.ORBIT, How.FROM_NEIGHBOUR))
    found[has] = np.where(stable[has] > 0, Region.BISTABLE, Region.OSCILLATES)
    pairs = ((How.REST, Region.REST), (How.LOST, Region.LOST), (How.NEITHER, Region.NEITHER))
    for ended, region in (*pairs, (How.UNRESOLVED, Region.UNRESOLVED)):
        found[how == ended] = region
    if currents is not None:
        columns = found.reshape(len(currents), -1)
        for column in columns.T:
            column[:] = _by_current(column, currents)
    return found


def _by_current(column: np.ndarray, currents: np.ndarray) -> np.ndarray:
    """Points at rest told by where, on a line of currents, there are oscillations."""
    found = column.copy()
    moves = currents[np.isin(column, WITH_ORBIT)]
    for i in np.flatnonzero(column == Region.REST).tolist():
        alike = np.abs(moves[moves * currents[i] > 0])
        if not moves.size:
            continue
        if currents[i] == 0.0:
            found[i] = Region.BELOW
        elif not alike.size:
            found[i] = Region.WRONG_SIGN
        elif alike.min() > abs(currents[i]):
            found[i] = Region.BELOW
        elif alike.max() < abs(currents[i]):
            found[i] = Region.DEATH
    return found
