"""Ferrimagnets, as stacks of two sublattices: the modes and the motion of an independent program."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import llgrad as lg

MS, GAMMA, ALPHA, H_K = (1.1e6, 0.75e6), (1.76e11, 1.85e11), (0.004, 0.012), (0.3, 0.5)
THICKNESS, J1, FIELD = 1.5e-9, -6e-3, (0.02, 0.0, 0.4)
STARTS = (0.3, 0.0), (np.pi - 0.2, -np.pi / 2)


def stack(ms=MS, alpha=ALPHA, field=FIELD, starts=STARTS):
    turned = [(np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)) for p, a in starts]
    layers = [
        lg.Layer(name, Ms=ms[i], thickness=THICKNESS, area=4e-15, alpha=alpha[i], gamma=GAMMA[i], H_k=H_K[i],
                 demag=(0, 0, 0), m=tuple(map(float, turned[i])))
        for i, name in enumerate("ab")
    ]  # fmt: skip
    exchange = lg.stacks.InterlayerExchange(("a", "b"), J1=J1)
    return lg.Stack(layers=tuple(layers), couplings=(exchange,), field=field), np.ravel(turned)


def rate(_, y):
    found = []
    for i, m in enumerate(y.reshape(2, 3)):
        other = y.reshape(2, 3)[1 - i]
        b = np.add(FIELD, [0, 0, H_K[i] * m[2]]) + J1 * other / (MS[i] * THICKNESS)
        turn = np.cross(m, b)
        found.append(-GAMMA[i] / (1 + ALPHA[i] ** 2) * (turn + ALPHA[i] * np.cross(m, turn)))
    return np.concatenate(found)


def test_the_motion_is_that_of_an_independent_program():
    device, begun = stack()
    run = lg.simulate(device, duration=0.1e-9, dt=2e-14)
    exact = solve_ivp(rate, (0, 0.1e-9), begun, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    found = [float(run.signal(f"{name}.{axis}").values[-1]) for name in "ab" for axis in "xyz"]
    np.testing.assert_allclose(found, exact, atol=1e-9)


@pytest.mark.parametrize("second", [0.75e6, 1.1e6 * 1.85 / 1.76], ids=["two moments", "no angular momentum"])
def test_the_modes_are_those_of_two_circular_motions(second):
    """ω m₁ = γ₁[(H₁ + E₁) m₁ + E₁ m₂], ω m₂ = −γ₂[(H₂ + E₂) m₂ + E₂ m₁], E_i = |J₁|/(Ms_i t); α² is left out."""
    alpha, up_and_down = (1e-4, 1e-4), ((0.0, 0.0), (np.pi, 0.0))
    device, _ = stack((MS[0], second), alpha, (0.0, 0.0, 0.0), up_and_down)
    exchange = [-J1 / (ms * THICKNESS) for ms in (MS[0], second)]
    matrix = [
        [GAMMA[0] * (H_K[0] + exchange[0]), GAMMA[0] * exchange[0]],
        [-GAMMA[1] * exchange[1], -GAMMA[1] * (H_K[1] + exchange[1])],
    ]
    exact = np.sort(np.abs(np.linalg.eigvals(matrix))) / (2 * np.pi)
    (state,) = [p for p in lg.equilibria(device) if p.y[2] > 0.999 and p.y[5] < -0.999]
    np.testing.assert_allclose(np.sort(state.frequencies), exact, rtol=1e-6)
