"""Systems with fixed points and exponents that are known."""

import llgrad as lg


class Lorenz(lg.System):
    """E. N. Lorenz, J. Atmos. Sci. 20, 130 (1963), with its unit of time taken as a nanosecond."""

    sigma: float = lg.quantity("1", default=10.0)
    rho: float = lg.quantity("1", default=28.0)
    beta: float = lg.quantity("1", default=8 / 3)

    def start(self):
        return {"x": 1.0, "y": 1.0, "z": 20.0}

    def rate(self, state, inputs):
        x, y, z = state["x"], state["y"], state["z"]
        return {
            "x": 1e9 * self.sigma * (y - x),
            "y": 1e9 * (x * (self.rho - z) - y),
            "z": 1e9 * (x * y - self.beta * z),
        }

    def fastest(self):
        return 30e9


class Pair(lg.System):
    """Two macrospins with an exchange field J and an anisotropy K along z, in a field along x."""

    exchange: float = lg.quantity("T")
    anisotropy: float = lg.quantity("T")
    field_x: float = lg.quantity("T")
    alpha: float = lg.quantity("1", default=0.0)
    gamma: float = lg.quantity("rad/(T s)", default=1.76e11)

    def start(self):
        return {"a": lg.systems.Spin(0.6, 0.0, 0.8), "b": lg.systems.Spin(0.0, 0.28, 0.96)}

    def rate(self, state, inputs):
        found = {}
        for name, other in (("a", "b"), ("b", "a")):
            m = state[name]
            torque = m.cross(state[other] * self.exchange + lg.Vec3(self.field_x, 0.0, self.anisotropy * m.z))
            found[name] = (torque + m.cross(torque) * self.alpha) * (-self.gamma / (1 + self.alpha**2))
        return found
