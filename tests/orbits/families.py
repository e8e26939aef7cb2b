"""Systems whose branches of cycles are known, in closed form or from others' programs."""

import jax.numpy as jnp

import llgrad as lg

UNIT = 1e9
"""A unit of time is a nanosecond."""


def turning(x, y, growth, omega=2 * jnp.pi):
    return {"x": UNIT * (growth * x - omega * y), "y": UNIT * (growth * y + omega * x)}


class Quintic(lg.System):
    """r' = μr + r³ − r⁵: cycles r² = ½ ± √(¼ + μ), which meet at μ = −¼."""

    mu: float = lg.quantity("1", default=-0.1)

    def start(self):
        return {"x": 0.5, "y": 0.0}

    def rate(self, state, inputs):
        x, y = state["x"], state["y"]
        p = x * x + y * y
        return turning(x, y, self.mu + p - p * p)


class Langford(lg.System):
    """r' = (z − b)r, z' = c + az − z³/3 − r²(1 + ez): a cycle z = b with r² = (c + ab − b³/3)/(1 + eb), whose
    deviations turn with the trace a − b² − er² and the determinant 2r²(1 + eb): W. F. Langford, in Nonlinear Dynamics
    and Turbulence (1983), without its term that breaks the symmetry."""

    c: float = lg.quantity("1", default=0.2)
    a, b, e = 0.95, 0.7, 0.25

    def start(self):
        return {"x": 0.3, "y": 0.0, "z": 0.7}

    def rate(self, state, inputs):
        x, y, z = state["x"], state["y"], state["z"]
        p = x * x + y * y
        rise = self.c + self.a * z - z**3 / 3 - p * (1 + self.e * z)
        return turning(x, y, z - self.b, 3.5) | {"z": UNIT * rise}


class Pitchfork(lg.System):
    """r² = μ and s' = (r² − ½)s − s³: at μ = ½ two more cycles, s² = μ − ½, leave the one with s = 0."""

    mu: float = lg.quantity("1", default=0.2)

    def start(self):
        return {"x": 0.5, "y": 0.0, "s": 0.1}

    def rate(self, state, inputs):
        x, y, s = state["x"], state["y"], state["s"]
        p = x * x + y * y
        return turning(x, y, self.mu - p) | {"s": UNIT * ((p - 0.5) * s - s**3)}


class Rossler(lg.System):
    """O. E. Rössler, Phys. Lett. A 57, 397 (1976), a = b = 0.2."""

    c: float = lg.quantity("1", default=2.5)

    def start(self):
        return {"x": 1.0, "y": 1.0, "z": 0.1}

    def rate(self, state, inputs):
        x, y, z = state["x"], state["y"], state["z"]
        return {"x": UNIT * (-y - z), "y": UNIT * (x + 0.2 * y), "z": UNIT * (0.2 + z * (x - self.c))}


class Lure(lg.System):
    """An adaptive control system: x''' + αx'' + βx' + x = x², β = 1."""

    alpha: float = lg.quantity("1", default=0.9)

    def start(self):
        return {"x": 0.1, "y": 0.0, "z": 0.0}

    def rate(self, state, inputs):
        x, y, z = state["x"], state["y"], state["z"]
        return {"x": UNIT * y, "y": UNIT * z, "z": UNIT * (-self.alpha * z - y - x + x * x)}


class Homoclinic(lg.System):
    """x' = y, y' = μy + x − x² + xy: S. H. Strogatz, Nonlinear Dynamics and Chaos (1994), section 8.4."""

    mu: float = lg.quantity("1", default=-0.9)

    def start(self):
        return {"x": 0.5, "y": 0.0}

    def rate(self, state, inputs):
        x, y = state["x"], state["y"]
        return {"x": UNIT * y, "y": UNIT * (self.mu * y + x - x * x + x * y)}


class OnCircle(lg.System):
    """r' = r(1 − r²), φ' = μ − y: the cycle r = 1 has the period 2π/√(μ² − 1), and there is no Hopf point."""

    mu: float = lg.quantity("1", default=2.0)

    def start(self):
        return {"x": 0.5, "y": 0.0}

    def rate(self, state, inputs):
        x, y = state["x"], state["y"]
        return turning(x, y, 1 - x * x - y * y, self.mu - y)
