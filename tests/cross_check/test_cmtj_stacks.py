"""Two layers against cmtj (C++, an independent program): exchange, stray fields and torques on each other.

With several coupled layers cmtj's RK4 is of first order and its Heun of second: of Heun's runs with two steps the limit
is taken (Richardson). Its log is one step late. Its dipole tensors are multiplied by the Ms of the layer that feels
them, so layers with them have one Ms here. It has no back-action of its own: each layer has its own current and names
its neighbour as its reference.
"""

import math

import equinox as eqx
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.constants import CMTJ_MU_0, MU_0

cmtj = pytest.importorskip("cmtj", reason="cmtj is not installed (pip install llgrad[test])")

DURATION, DT = 0.4e-9, 0.05e-12
AREA, HEXT = 1.2e-14, (8e4, -5e4, 9e4)
START = {"lower": lg.direction(math.radians(140), 0.7), "upper": lg.direction(math.radians(40), 0.4)}
LOWER = {"Ms": 1.4, "thickness": 3e-9, "Ku": 6e5, "damping": 0.03, "demagTensor": (0.03, 0.05, 0.92)}
UPPER = {"Ms": 1.4, "thickness": 2e-9, "Ku": 9e5, "damping": 0.02, "demagTensor": (0.02, 0.04, 0.94)}
TENSOR = lg.stacks.prism_tensor((120e-9, 100e-9, 3e-9), (120e-9, 100e-9, 3e-9), (5e-9, 8e-9, -4e-9))

# What of a stack each one switches on.
STACKS = {
    "nothing": {},
    "exchange": {"J1": -4e-4},
    "biquadratic exchange": {"J1": 1e-4, "J2": -2e-4},
    "stray field": {"tensor": TENSOR, "lower": {"thickness": 2e-9}},
    "torque on the upper layer": {"upper": {"J": -1.5e11, "spinPolarisation": 0.5, "beta": 0.1}},
    "torque and back": {
        "J1": -1e-4,
        "upper": {"J": -1.2e11, "spinPolarisation": 0.5, "SlonczewskiSpacerLayerParameter": 1.5},
        "lower": {"J": 1.2e11, "spinPolarisation": 0.4, "beta": -0.2},
    },
    "spin-orbit torque": {"upper": {"spin_orbit": (9e3, -4e3)}, "J1": -1e-4},
    "Oersted field": {"upper": {"oersted": (3e3, 8e3, -2e3)}, "J1": -1e-4},
    "unequal layers": {"J1": -3e-4, "J2": -5e-5, "lower": {"Ms": 0.9, "thickness": 4e-9}},
}

SPIN = (0.6, -0.64, 0.48)


class AsCmtj(lg.stacks.LayerCoupling):
    """The interlayer DMI as cmtj has it, m × D on both layers: it has the energy of none, see the test."""

    one: str = eqx.field(static=True)
    other: str = eqx.field(static=True)
    D: lg.Vec3 = lg.systems.vector("J/m²")

    @property
    def names(self):
        return self.one, self.other

    def fields(self, layers, m, inputs):
        pairs = ((self.one, self.other), (self.other, self.one))
        return {on: m[by].cross(self.D) * (1e3 / layers.layer(on).areal_moment) for on, by in pairs}


def settings_of(given, name):
    return {"lower": LOWER, "upper": UPPER}[name] | given.get(name, {})


def vector(values):
    return cmtj.CVector(*(float(v) for v in values))


def by_cmtj(given, dt, method="Heun"):
    """Final directions of both layers, lower first, (6,)."""
    layers, defaults = [], {"spinPolarisation": 0.0, "beta": 0.0, "SlonczewskiSpacerLayerParameter": 1.0}
    for name in ("lower", "upper"):
        one = defaults | settings_of(given, name)
        torque = {key: one[key] for key in defaults} if "spin_orbit" not in one else {}
        make = cmtj.Layer.createSTTLayer if torque else cmtj.Layer
        layers.append(
            make(
                id=name,
                mag=vector((START[name].x, START[name].y, START[name].z)),
                anis=vector((0, 0, 1)),
                Ms=one["Ms"],
                thickness=one["thickness"],
                cellSurface=AREA,
                damping=one["damping"],
                demagTensor=[vector(row) for row in np.diag(one["demagTensor"])],
                **torque,
            )
        )
        if "spin_orbit" in one:
            layers[-1].setReferenceLayer(vector(SPIN))
    if "tensor" in given:
        layers[0].setTopDipoleTensor([vector(row) for row in given["tensor"]])
        layers[1].setBottomDipoleTensor([vector(row) for row in given["tensor"]])
    junction = cmtj.Junction(layers)
    for name in ("lower", "upper"):
        one = settings_of(given, name)
        junction.setLayerAnisotropyDriver(name, cmtj.constantDriver(one["Ku"]))
        junction.setLayerExternalFieldDriver(name, cmtj.AxialDriver(vector(HEXT)))
        if one.get("J"):
            junction.setLayerReferenceType(name, cmtj.Reference.bottom if name == "upper" else cmtj.Reference.top)
            junction.setLayerCurrentDriver(name, cmtj.constantDriver(one["J"]))
        if "spin_orbit" in one:
            junction.setLayerDampingLikeTorqueDriver(name, cmtj.constantDriver(one["spin_orbit"][0]))
            junction.setLayerFieldLikeTorqueDriver(name, cmtj.constantDriver(one["spin_orbit"][1]))
        if "oersted" in one:
            junction.setLayerOerstedFieldDriver(name, cmtj.AxialDriver(vector(one["oersted"])))
    if "D" in given:
        junction.setIDMIDriver("lower", "upper", cmtj.AxialDriver(vector(given["D"])))
    junction.setIECDriver("lower", "upper", cmtj.constantDriver(given.get("J1", 0.0)))
    junction.setQuadIECDriver("lower", "upper", cmtj.constantDriver(given.get("J2", 0.0)))
    steps = round(DURATION / dt)
    junction.runSimulation((steps + 0.5) * dt, dt, dt, False, False, getattr(cmtj.SolverMode, method))
    log = junction.getLog()
    return np.array([log[f"{name}_m{axis}"][steps - 1] for name in ("lower", "upper") for axis in "xyz"])


def stack_of(given):
    """The same stack: each layer by way of the device that it is alone, J₁ and J₂ with cmtj's rounded µ0."""
    layers, couplings = [], []
    for name, other in (("lower", "upper"), ("upper", "lower")):
        one = settings_of(given, name)
        terms = []
        if "spin_orbit" in one:
            damping_like, field_like = one["spin_orbit"]
            terms.append(lg.physics.SpinOrbitTorque(MU_0 * damping_like, field_like / damping_like, SPIN, current=1.0))
        if "oersted" in one:
            terms.append(
                lg.physics.OerstedField([MU_0 * h for h in one["oersted"]], "heavy_metal_current", current=1.0)
            )
        one = {key: value for key, value in one.items() if key not in ("spin_orbit", "oersted")}
        alone = lg.Oscillator.from_cmtj(**one, cellSurface=AREA, Hext=HEXT, referenceLayer=(1, 0, 0))
        layers.append(
            lg.Layer(
                name,
                alone.Ms,
                one["thickness"],
                AREA,
                alone.alpha,
                alone.gamma,
                alone.H_k,
                demag=alone.demag,
                m=START[name],
                terms=tuple(terms),
            )
        )
        if one.get("J"):
            couplings.append(lg.stacks.SpinTorque(name, other, alone.polarization, alone.lambda_, alone.field_like))
    rounded = MU_0 / CMTJ_MU_0
    if "J1" in given:
        J1, J2 = given["J1"] * rounded, given.get("J2", 0.0) * rounded
        couplings.append(lg.stacks.InterlayerExchange(("lower", "upper"), J1, J2))
    if "D" in given:
        couplings.append(AsCmtj("lower", "upper", [d * rounded for d in given["D"]]))
    if "tensor" in given:
        couplings.append(lg.stacks.StrayField.from_tensor(("lower", "upper"), given["tensor"]))
    current = -settings_of(given, "upper").get("J", 0.0) * AREA
    return lg.Stack(layers, couplings, current, [MU_0 * h for h in HEXT])


def end(stack, dt=DT):
    run = lg.simulate(stack, duration=DURATION, dt=dt, save=lg.End())
    return np.concatenate([np.asarray(run.lower.stack()[-1]), np.asarray(run.upper.stack()[-1])])


@pytest.mark.parametrize("name", STACKS)
def test_the_stack_of_cmtj(name):
    given = STACKS[name]
    coarse, fine = by_cmtj(given, DT), by_cmtj(given, DT / 2)
    found, limit = end(stack_of(given)), (4 * fine - coarse) / 3
    error = np.abs(fine - coarse).max()
    assert error < 3e-4 and np.abs(found - limit).max() < 0.02 * error + 1e-9
    assert name == "nothing" or np.abs(end(stack_of({})) - found).max() > 1e-3, "what is switched on is seen"


def test_its_runge_kutta_method_is_of_first_order_in_a_stack():
    """Halving its step halves the error; of its Heun it is a quarter."""
    given = STACKS["exchange"]
    exact = end(stack_of(given))
    for method, order in (("RK4", 1), ("Heun", 2)):
        errors = [np.abs(by_cmtj(given, dt, method) - exact).max() for dt in (DT, DT / 2)]
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


def test_its_interlayer_dmi_has_one_sign_on_both_layers():
    """E/area = −D·(m₁ × m₂) gives m₂ × D on the first layer and D × m₁ on the second; cmtj has m × D on both."""
    given = {"D": (2e-4, -1e-4, 3e-4)}
    coarse, fine = by_cmtj(given, DT), by_cmtj(given, DT / 2)
    limit, error = (4 * fine - coarse) / 3, np.abs(fine - coarse).max()
    stack = stack_of(given)
    assert np.abs(end(stack) - limit).max() < 0.02 * error + 1e-9
    right = lg.stacks.InterlayerDMI(("lower", "upper"), [d * MU_0 / CMTJ_MU_0 for d in given["D"]])
    assert np.abs(end(stack.replace(couplings=right)) - limit).max() > 1e-2
