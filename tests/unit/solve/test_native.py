"""The native engine through `simulate`: the numbers of the XLA engine, what it says of itself, and what it refuses."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.solve import native

STO = lg.presets.kubota2013()
DT = 1e-12
SINE = lg.Drive(current=lg.Sine(amplitude=0.4e-3, frequency=5e9))


def mx(engine, current, alpha, **settings):
    device = STO.replace(current=current, alpha=alpha, temperature=300.0 if "key" in settings else 0.0)
    run = lg.simulate(device, duration=60 * DT, dt=DT, engine=engine, throw=False, **settings)
    return run.mx


def value_and_gradient(engine, **settings):
    def loss(values):
        trace = mx(engine, values[0] * 1e-3, values[1], **settings)
        return jnp.sum(trace**2), trace

    (_, trace), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(jnp.asarray([2.5, 0.02]))
    return trace, gradient


def assert_engines_agree(**settings):
    (trace, gradient), (expected, expected_gradient) = (
        value_and_gradient(engine, **settings) for engine in (lg.solvers.Native(), lg.solvers.XLA())
    )
    np.testing.assert_allclose(trace, expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-8)
    return trace


def test_value_and_gradient():
    assert_engines_agree(save=lg.Every(7))


def test_noise(key):
    assert_engines_agree(key=key)


@pytest.mark.parametrize("every", [2, 30])
def test_a_drive_in_chunks(monkeypatch, every):
    """10 steps to a chunk: several saves in each, or several chunks to a save, with a rest."""
    whole = assert_engines_agree(drive=SINE, save=lg.Every(every))
    monkeypatch.setattr(native, "_chunk", lambda task: 11)
    jax.clear_caches()
    np.testing.assert_allclose(assert_engines_agree(drive=SINE, save=lg.Every(every)), whole, rtol=0, atol=1e-13)
    jax.clear_caches()


def test_chunks_fit_the_memory(monkeypatch):
    found = []
    chunk = native._chunk
    monkeypatch.setattr(native, "SAMPLES", 3 * 8 * 20)
    monkeypatch.setattr(native, "_chunk", lambda task: found.append(chunk(task)) or found[-1])
    jax.clear_caches()
    lg.simulate(STO, duration=60 * DT, dt=DT, drive=SINE)
    jax.clear_caches()
    assert found == [20]


def test_the_default_engine_says_that_it_ran():
    stats = lg.simulate(STO, duration=60 * DT, dt=DT).stats
    assert (stats.engine, stats.reason) == ("native", "")


def test_a_run_that_goes_wrong():
    start = lambda x: lg.simulate(STO, duration=60 * DT, dt=DT, m0=lg.Vec3(x, 0.0, 0.8), engine=lg.solvers.Native())  # noqa: E731
    status = jax.jit(lambda x: start(x).status)(jnp.nan)
    assert int(status.code) == lg.solvers.Outcome.NON_FINITE
    assert "non-finite" in status.sentence


class Shift(lg.devices.Coupling):
    """A coupling that no kernel has."""

    size: float = lg.quantity("T")

    def field(self, m):
        return lg.Vec3(self.size * jnp.roll(m.x, 1), 0.0 * m.y, 0.0 * m.z)


def test_a_coupling_without_a_kernel_runs_in_xla_and_says_why():
    array = lg.OscillatorArray(STO, 3, Shift(0.01))
    run = lg.simulate(array, duration=5 * DT, dt=DT, engine=lg.solvers.Native())
    assert run.stats.engine == "XLA"
    assert run.stats.reason == "the native engine has no kernel for Shift"


def test_a_platform_without_kernels_runs_in_xla_and_warns_once(monkeypatch):
    def check():
        raise ValueError("jaxlib 9 has version 7.0 of the interface")

    monkeypatch.setattr("llgrad.kernels.machine.ffi.check_interface", check)
    native.reason_against_processor.cache_clear()
    with pytest.warns(UserWarning, match=r"jaxlib 9 has version 7.0 .*; the XLA engine takes over"):
        first = lg.simulate(STO, duration=5 * DT, dt=DT)
    second = lg.simulate(STO, duration=5 * DT, dt=DT)
    native.reason_against_processor.cache_clear()
    assert [run.stats.engine for run in (first, second)] == ["XLA", "XLA"]
    assert "jaxlib 9 has version 7.0" in second.stats.reason


class Card:
    """A device of JAX's that is no processor, and that nothing runs on."""

    platform, device_kind = "gpu", "a card"

    def memory_stats(self):
        return {"bytes_limit": 8 * 2**30}


@pytest.fixture
def card(monkeypatch):
    """JAX computes on a card, as far as the engine sees."""
    device = Card()
    monkeypatch.setattr(native, "_device", lambda: device)
    native._said.cache_clear()
    yield
    native._said.cache_clear()


def test_a_card_that_launches_nothing_runs_in_xla_and_warns_once(card):
    with pytest.warns(UserWarning, match=r"XLA launches no PTX on a card .* slow for few; .* JAX_PLATFORMS=cpu"):
        lg.simulate(STO, duration=5 * DT, dt=DT)
    stats = lg.simulate(STO, duration=5 * DT, dt=DT).stats
    assert stats.engine == "XLA"
    assert stats.reason.startswith("the native engine cannot run here: XLA launches no PTX on a card (")


def test_a_card_that_launches_runs_native_but_for_coupled_arrays(card, monkeypatch):
    monkeypatch.setattr("llgrad.kernels.gpu.probe.reason_against", lambda device: "")
    assert lg.simulate(STO, duration=5 * DT, dt=DT).stats[:2] == ("native", "")
    array = lg.OscillatorArray(STO, 3, lg.FieldCoupling(np.full((3, 3), 0.01)))
    with pytest.warns(
        UserWarning, match="coupled arrays have native kernels on the CPU only; JAX computes on gpu: the"
    ):
        stats = lg.simulate(array, duration=5 * DT, dt=DT, engine=lg.solvers.Native()).stats
    assert stats[:2] == ("XLA", "coupled arrays have native kernels on the CPU only; JAX computes on gpu")


def test_a_card_keeps_as_many_states_as_its_memory_allows(card, monkeypatch):
    told = []
    monkeypatch.setattr("llgrad.kernels.gpu.probe.reason_against", lambda device: "")
    monkeypatch.setattr(native, "_limits", lambda task, given=native._limits: told.append(given(task)) or told[-1])
    lg.simulate(STO, duration=30 * DT, dt=DT, drive=lg.Drive(current=lg.Sine(1e-4, frequency=1e9)))
    monkeypatch.setattr(native, "SAMPLES", 10 * 3 * 8)
    lg.simulate(STO, duration=31 * DT, dt=DT, drive=lg.Drive(current=lg.Sine(1e-4, frequency=1e9)))
    assert [limits["memory"] for limits in told] == [2 * 2**30, *[2**29] * (len(told) - 1)]  # three chunks and a rest


def test_processors_chosen_beside_another_device_run_native(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    for chosen in (jax.devices("cpu")[0], "cpu"):
        with jax.default_device(chosen):
            assert lg.simulate(STO, duration=5 * DT, dt=DT).stats.engine == "native"


class Bessel(lg.physics.FieldTerm):
    """A term with an operation that no kernel has."""

    strength: float = lg.quantity("T")

    def field(self, m, inputs):
        return lg.Vec3(self.strength * jax.scipy.special.i0(m.x), 0.0 * m.y, 0.0 * m.z)


def test_an_operation_without_code_runs_in_xla_which_names_it_and_its_term_once():
    device = STO.replace(terms=(Bessel(0.01),))
    reason = "the term Bessel (terms.0) uses the operation bessel_i0e, for which the native engine has no code"
    with pytest.warns(UserWarning, match=re.escape(reason) + "; the XLA engine takes over"):
        first = lg.simulate(device, duration=5 * DT, dt=DT)
    second = lg.simulate(device, duration=5 * DT, dt=DT)
    assert [(run.stats.engine, run.stats.reason) for run in (first, second)] == [("XLA", reason)] * 2
    np.testing.assert_array_equal(first.m, lg.simulate(device, duration=5 * DT, dt=DT, engine=lg.solvers.XLA()).m)


def test_engines_are_frozen_values():
    assert lg.solvers.Native() == lg.solvers.Native()
    with pytest.raises(dataclasses.FrozenInstanceError):
        lg.solvers.Native().steps = 3


def test_a_kernel_that_cannot_be_compiled_is_done_by_xla_in_gradients_and_under_jit_too(monkeypatch):
    def load(*_):
        raise RuntimeError("no compiler here")

    monkeypatch.setattr("llgrad.kernels.machine.cache.load", load)
    device = STO.replace(terms=(Half(0.01),))

    def last(engine, size):
        model = lg.OscillatorArray(device.replace(terms=(Half(size),)), 2, lg.FieldCoupling(jnp.full((2, 2), 0.01)))
        return sum(jnp.sum(lg.simulate(each, duration=4 * DT, dt=DT, engine=engine).mx) for each in (model, device))

    with pytest.warns(UserWarning, match=r"the term Half \(terms.0\) has no native kernel: .*no compiler here"):
        found = jax.jit(jax.value_and_grad(lambda size: last(lg.solvers.Native(), size)))(0.01)
    np.testing.assert_allclose(found, jax.value_and_grad(lambda size: last(lg.solvers.XLA(), size))(0.01), rtol=1e-9)
    stats = lg.simulate(device, duration=4 * DT, dt=DT).stats
    assert (stats.engine, "no compiler here" in stats.reason) == ("XLA", True)


class Half(lg.physics.FieldTerm):
    size: float = lg.quantity("T")

    def field(self, m, inputs):
        return lg.Vec3(self.size * jnp.where(self.size > 0, m.x, m.y), 0.0 * m.y, 0.5 * self.size * m.z)
