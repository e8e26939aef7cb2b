"""How does a synthetic antiferromagnet follow a field, and where does it ring? Expect saturation at 200 mT.

Two films of 1 MA/m and 3 nm with J₁ = −0.3 mJ/m² stand antiparallel at no field and are parallel from 2 |J₁|/(Ms t) on.
Half way, at 100 mT, each has turned to cosθ = 0.5, and rings at 7.56 GHz (both together, γ B √(1 + µ0 Ms/B_s)) and at
12.17 GHz (against each other, γ √(B_s µ0 Ms (1 − B²/B_s²))).
"""

import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg

FILM = {"Ms": 1.0e6, "thickness": 3e-9, "area": 1e-14}


def stack(field, J1=-0.3e-3, alpha=0.1):
    """The two films in a field [T] along x, from directions near ±y."""
    return lg.Stack(
        layers=(
            lg.Layer("lower", m=lg.direction("90deg", "80deg"), alpha=alpha, **FILM),
            lg.Layer("upper", m=lg.direction("90deg", "-80deg"), alpha=alpha, **FILM),
        ),
        couplings=(lg.stacks.InterlayerExchange(("lower", "upper"), J1=J1),),
        field=(field, 0.0, 0.0),
    )


@jax.jit
@jax.vmap
def alignment(field):
    """m_x of the stack at rest, the mean of both layers."""
    run = lg.simulate(stack(field), duration=10e-9, dt=2e-12, save=lg.End())
    return (run.lower.x[-1] + run.upper.x[-1]) / 2


with jax.enable_x64(True):
    fields = jnp.linspace(0.0, 0.25, 11)
    found = np.asarray(alignment(fields))
    print("field (mT)", "  m_x")
    for field, m_x in zip(np.asarray(fields), found, strict=True):
        print(f"{field * 1e3:10.0f} {m_x:6.3f}")
    slope = (found[4] - found[2]) / float(fields[4] - fields[2])
    print(
        f"saturation at {1e3 / slope:.1f} mT, 2 |J₁|/(Ms t) = {2e3 * 0.3e-3 / (FILM['Ms'] * FILM['thickness']):.1f} mT"
    )

    rest = lg.simulate(stack(0.1), duration=10e-9, dt=2e-12, save=lg.End())
    state = jax.tree.map(lambda leaf: float(leaf[-1]), rest.state)

    def modes(J1):
        return jnp.sort(lg.orbits.resonance(stack(0.1, J1, alpha=0.0), state).modes.frequencies)

    (low, high), (by_low, by_high) = jax.jvp(modes, (-0.3e-3,), (-0.01e-3,))
    print(f"modes at 100 mT: {low / 1e9:.2f} and {high / 1e9:.2f} GHz")
    print(f"for 10 µJ/m² more of |J₁|: {by_low / 1e6:+.0f} and {by_high / 1e6:+.0f} MHz")
