"""Arrays of systems: what does not fit together gets a sentence; and small things that users do with them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.unit.solve.arrays import PowerMember, RingMember, dipoles, ring
from tests.unit.solve.systems import MEMBERS, Vortex

import llgrad as lg

MEMBER = RingMember(1e9, 2e9, 1.2e9)
EYE = np.eye(3)


def with_method(kind, **methods):
    """A member of a class with other methods."""
    return type("Changed", (kind,), methods)(1e9, 2e9, 1.2e9)


def dense(weights, of="re", to="push"):
    return lg.systems.DenseMix(weights, of=of, to=to)


REFUSED = {
    "no count": (lambda: lg.systems.SystemArray(MEMBER, 0), "count = 0, expected the number of members"),
    "a count that is no whole number": (
        lambda: lg.systems.SystemArray(MEMBER, 2.0),
        "count = 2.0, expected the number",
    ),
    "an oscillator": (
        lambda: lg.systems.SystemArray(lg.presets.kubota2013(), 2),
        "for oscillators use OscillatorArray",
    ),
    "no mix": (lambda: lg.systems.SystemArray(MEMBER, 3, np.eye(3)), "mixes is .*expected a tuple; give a DenseMix"),
    "a matrix among mixes": (lambda: lg.systems.SystemArray(MEMBER, 3, [np.eye(3)]), "expected a Mix; give a DenseMix"),
    "other leaves": (
        lambda: lg.systems.SystemArray(RingMember(1e9, 2e9, [1e9, 2e9]), 3),
        r"shape \(2,\), expected one number",
    ),
    "another size": (lambda: lg.systems.SystemArray(MEMBER, 2, dense(EYE)), "are for 3 members, this array has 2"),
    "no square": (lambda: dense(np.zeros((2, 3))), r"shape \(2, 3\), expected \(N, N\)"),
    "three axes": (lambda: dense(np.zeros((2, 2, 3))), r"shape \(2, 2, 3\), expected \(N, N\), or \(N, N, R, E\)"),
    "a tensor of another width": (
        lambda: lg.systems.SystemArray(MEMBER, 3, dense(np.zeros((3, 3, 1, 3)))),
        "for 3 emitted numbers, but a member emits 1",
    ),
    "what nobody emits": (
        lambda: lg.systems.SystemArray(MEMBER, 3, dense(EYE, of="m_x")),
        "of 'm_x', but RingMember emits re",
    ),
    "a silent member": (lambda: lg.systems.SystemArray(MEMBERS["Hopf"], 3, dense(EYE)), "Hopf emits nothing"),
    "what nobody reads": (
        lambda: lg.systems.SystemArray(MEMBER, 3, dense(EYE, to="current")),
        "RingMember receives 'current', which is no input of its: it has push",
    ),
    "a vector where a number is read": (
        lambda: lg.systems.SystemArray(
            with_method(RingMember, emit=lambda s, y: {"re": lg.Vec3(0.0, y["re"], 0.0)}), 3, dense(EYE)
        ),
        "receives a Vec3 for 'push', expected a number; see `receive`",
    ),
    "an emission that is no dictionary": (
        lambda: lg.systems.SystemArray(with_method(RingMember, emit=lambda s, y: y["re"]), 3, dense(EYE)),
        "emit gives .*, expected what it emits by name, a dictionary",
    ),
    "an emitted array": (
        lambda: lg.systems.SystemArray(with_method(RingMember, emit=lambda s, y: {"re": jnp.ones(2)}), 3, dense(EYE)),
        r"emit gives 're' of the shape \(2,\), expected numbers",
    ),
    "a reception that is no dictionary": (
        lambda: lg.systems.SystemArray(
            with_method(RingMember, receive=lambda s, mixed, i: mixed["push"]), 3, dense(EYE)
        ),
        "receive gives .*, expected inputs by name, a dictionary",
    ),
    "two forms for one name": (
        lambda: lg.systems.SystemArray(
            PowerMember(1e9, 2e9, 1.2e9), 3, [dense(EYE), lg.systems.SumMix(of="both", to="push")]
        ),
        "two mixes to 'push' differ in form",
    ),
    "no name": (lambda: lg.systems.SumMix(of=3, to="push"), "of = 3, expected the name"),
    "members of two kinds": (
        lambda: lg.systems.SystemArray.of([MEMBER, Vortex(2e9, 0.3, 0.02, 5e7)]),
        "RingMember, Vortex, expected",
    ),
    "no members": (lambda: lg.systems.SystemArray.of([]), "expected a list of systems"),
    "another start": (
        lambda: lg.simulate(ring(3), duration=1e-10, dt=1e-12, m0={"re": jnp.ones(2), "im": 0.0}),
        r"shape \(2,\), expected one number, or \(3,\) of the members",
    ),
    "another input": (
        lambda: lg.simulate(ring(3), duration=1e-10, dt=1e-12, drive={"field": lg.Sine(1.0, frequency=1e9)}),
        "'field', which is no input of RingMember",
    ),
    "no step": (
        lambda: lg.simulate(lg.systems.SystemArray(MEMBERS["Stack"], 2), duration=1e-10),
        "the step of Stack cannot be chosen",
    ),
    "positions": (lambda: lg.physics.dipolar_tensors(np.zeros((2, 2)), 1.0), r"shape \(2, 2\), expected \(N, 3\)"),
    "one place": (
        lambda: lg.physics.dipolar_tensors(np.zeros((2, 3)), 1.0),
        "positions 0 and 1 are .*, expected dipoles apart",
    ),
    "moments": (lambda: lg.physics.dipolar_tensors(np.eye(3), np.ones(2)), r"moment has the shape \(2,\)"),
    "a coupling without tensors": (
        lambda: lg.devices.TensorCoupling(np.eye(3)),
        r"shape \(3, 3\), expected \(N, N, 3, 3\)",
    ),
    "a coupling of another size": (
        lambda: lg.OscillatorArray(lg.presets.kubota2013(), 2, lg.devices.TensorCoupling(np.zeros((3, 3, 3, 3)))),
        "the coupling is for 3 oscillators, this array has 2",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_gets_a_sentence(name):
    make, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)


def test_every_leaf_has_one_value_for_each_member():
    array = lg.systems.SystemArray(MEMBER.replace(frequency=[1e9, 2e9]), 2)
    assert {leaf.shape for leaf in jax.tree.leaves(array.system)} == {(2,)}
    changed = array.replace(gain=3e9)
    assert np.array_equal(changed.system.gain, [3e9, 3e9])
    assert np.array_equal(changed.system.frequency, [1e9, 2e9])
    members = lg.systems.SystemArray.of([MEMBER, MEMBER.replace(frequency=1.3e9)])
    assert np.array_equal(members.system.frequency, [1.2e9, 1.3e9])
    assert members.count == 2


def test_members_that_do_not_feel_each_other_are_alone():
    frequencies = [1e9, 1.1e9, 1.3e9]
    settings = {"duration": 1e-9, "dt": 4e-12}
    run = lg.simulate(lg.systems.SystemArray(MEMBER.replace(frequency=frequencies), 3), **settings)
    assert (run.re.shape, run.stats.engine) == ((251, 3), "native")
    zero = lg.simulate(
        lg.systems.SystemArray(MEMBER.replace(frequency=frequencies), 3, dense(np.zeros((3, 3)))), **settings
    )
    for place, frequency in enumerate(frequencies):
        alone = lg.simulate(MEMBER.replace(frequency=frequency), **settings)
        for array in (run, zero):
            np.testing.assert_allclose(array.re[:, place], alone.re, rtol=0, atol=1e-14)


def test_a_run_tells_of_its_members():
    run = lg.simulate(dipoles(4), duration=1e-10, dt=2e-12)
    assert run.m.shape == (51, 4, 3)
    np.testing.assert_allclose(jnp.sum(run.m**2, axis=-1), 1.0, rtol=1e-14)
    assert "SystemTrajectory of SystemArray" in repr(run)
    assert "mixes.0.weights" in repr(dipoles(4))


def test_a_step_is_chosen_from_the_fastest_member():
    run = lg.simulate(ring(3), duration=1e-9)
    assert run.dt == pytest.approx(0.05 / (2 * np.pi * 1.2e9), rel=0.05)


class Neighbours(lg.systems.Mix):
    """A mix of one's own: the one before on a ring."""

    strength: float = lg.quantity("1/s")

    def mixed(self, emitted):
        return jax.tree.map(lambda x: self.strength * jnp.roll(x, 1), emitted)


def test_a_mix_of_ones_own_runs_and_says_where():
    settings = {"duration": 1e-10, "dt": 4e-12}
    own = lg.simulate(lg.systems.SystemArray(MEMBER, 3, Neighbours(2e8, of="re", to="push")), **settings)
    assert (own.stats.engine, own.stats.reason) == ("XLA", "the native engine has no kernel for Neighbours")
    same = lg.simulate(lg.systems.SystemArray(MEMBER, 3, dense(2e8 * np.roll(EYE, 1, axis=0))), **settings)
    assert (same.stats.engine, same.stats.reason) == ("native", "")
    np.testing.assert_allclose(own.re, same.re, rtol=1e-12)
