"""Vortex oscillators."""

from __future__ import annotations

from llgrad.physics.models.vortex import Vortex


def guslienko2014() -> Vortex:
    """Vortex in a permalloy disk, 200 nm across and 7 nm thick, with a perpendicular polariser: its core gyrates at
    0.440 GHz.

    Modelled and simulated by K. Y. Guslienko, O. V. Sukhostavets, D. V. Berkov, Nanoscale Res. Lett. 9, 386 (2014), of
    which the abstract and, in copies elsewhere, paragraphs of its method and results were read, and not its equations:
    Ms = 800 G, A = 1e-6 erg/cm, α = 0.01, R = 100 nm, 5, 7 and
    10 nm thick (7 here). Not in those parts: spin polarisation and γ. The polarisation is chosen, 0.2, and divides
    every current; γ is the free electron's. Chosen too: the current, 6 % above the threshold, and that its Oersted
    field turns as the vortex does.

    Reproduced: the core's polarity and the spin that the current brings are opposite; the time in which the square of
    the orbit's radius comes back is 20 to 30 ns at 1.5 times the threshold (22 ns); by thickness the threshold goes as
    1 : 1.78 : 3.32, the current at which the simulated core turns over as 2.7 : 5.0 : 10.2 MA/cm² = 1 : 1.85 : 3.78.
    Not reproduced: the coefficient by which the radius grows, s² = (I/I_c − 1)/λ, λ = 0.81 by its theory for 7 nm and
    0.83 in its simulations (0.43 here, without the Oersted field); and the frequency, 15 to 20 % less in its
    simulations than by its theory at 10 nm.

    >>> import llgrad as lg
    >>> vortex = lg.presets.guslienko2014()
    >>> type(vortex).__name__, sorted(vortex.inputs)
    ('Vortex', ['current', 'field_x', 'field_y'])
    """
    return Vortex.from_disk(
        radius=100e-9,
        thickness=7e-9,
        Ms=800e3,
        exchange=1e-11,
        alpha=0.01,
        polarization=0.2,
        current=1.55e-3,
    )
