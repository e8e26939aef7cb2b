"""The orbits of a search: each is looked for once at each of its places, and all are told wherever it came from."""

import numpy as np

import llgrad as lg
from llgrad.fitting.orbits import looking, shooting

FREQUENCIES = np.array([10.66118909e9, 13.48428173e9, 15.22815796e9, 16.60470383e9, 17.78123684e9, 18.82792208e9])
"""[Hz], of a device of which two orbits attract at each current."""
TABLE = lg.data.FrequencyTable("current", np.linspace(3.4e-3, 5e-3, 6), FREQUENCIES, [1e6] * 6)


STEADY = lg.presets.kubota2013().replace(field=(0, 0, 0.018))
"""A device that comes to one orbit, in few turns, from wherever it begins."""
CURRENTS = np.linspace(2e-3, 3e-3, 8)


def looks_of(monkeypatch, device, table, free):
    """A fit, how many shootings it took, and what runs came to at each of its places, and come to alone."""
    shot, followed = shooting._shot, looking.followed
    shots, looks = [], []

    def counted(*given):
        shots.append(given)
        return shot(*given)

    def kept(*given):
        looks.append((followed(*given), given))
        return looks[-1][0]

    monkeypatch.setattr(shooting, "_shot", counted)
    monkeypatch.setattr(looking, "followed", kept)
    found = lg.fit(device, table, free=free)
    assert found.converged and found.explained and len(looks) >= 2
    return found, len(shots), [(here, followed(*given[:3])) for here, given in looks]


def told_at(orbits, k):
    """The frequencies of the orbits at setting k, each once, the smallest first."""
    found = np.sort(orbits.frequency[orbits.closed[:, k], k])
    return found[np.diff(found, prepend=0.0) > 1e-6 * found]


def test_orbits_are_told_wherever_a_search_came_from(monkeypatch):
    """Those that a search came from are among those that runs come to, and no other is lost."""
    device = lg.presets.lee2004().replace(alpha=0.012)
    _, _, looks = looks_of(monkeypatch, device, TABLE, ["alpha", "polarization"])
    for here, alone in looks:
        for k in range(len(FREQUENCIES)):
            np.testing.assert_allclose(told_at(here, k), told_at(alone, k), rtol=1e-9)
    assert all(len(told_at(looks[-1][0], k)) == 2 for k in range(len(FREQUENCIES)))


def test_orbits_are_shot_once_for_each_place_of_a_search(monkeypatch):
    """At its start once, and at each iterate: what is asked for again there is known."""
    f = np.array([lg.orbit(STEADY.replace(current=float(current))).frequency for current in CURRENTS])
    table = lg.data.FrequencyTable("current", CURRENTS, f, [1e6] * len(f))
    found, shots, looks = looks_of(monkeypatch, STEADY.replace(alpha=0.006), table, ["alpha", "field.z"])
    assert len(looks) == 2 and shots == 1 + len(found.history)
