"""Programs that are given the same tree again and again."""

import dataclasses
import gc
import operator
import weakref
from functools import partial
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from llgrad import presets
from llgrad.core.speed.held import HeldTree, held_jit, held_of, with_parts


def total(tree, x):
    return tree["scale"] * (x + tree["device"].alpha).sum() + tree["device"].field.z


@pytest.mark.parametrize("often", (False, True))
def test_a_held_tree_gives_what_the_function_gives_of_the_tree(often, rng):
    compiled = partial(held_jit, often=often)(total)
    for alpha, scale in ((0.1, 2.0), (0.2, 2.0), (0.2, 3.0)):
        tree = {"device": presets.kubota2013().replace(alpha=np.float64(alpha)), "scale": scale}
        x = rng.normal(size=4)
        np.testing.assert_allclose(compiled(HeldTree(tree), x), total(tree, x), rtol=1e-14)


def test_other_arrays_of_one_form_are_given_to_one_program():
    traced = []

    def counted(tree, x):
        traced.append(tree["b"])
        return tree["a"] * x

    compiled = held_jit(counted)
    for a, b in ((1.0, 0.0), (2.0, 0.0), (2.0, 1.0), (3.0, 1.0)):
        assert float(compiled(HeldTree({"a": np.float64(a), "b": b}), np.float64(5.0))) == 5 * a
    assert traced == [0.0, 1.0]


def test_forms_tell_types_of_equal_values_apart():
    assert HeldTree({"b": 1.0}).form != HeldTree({"b": 1}).form
    assert HeldTree({"b": 1.0}).form is HeldTree({"b": 1.0}).form


def test_what_is_left_of_a_record_is_made_once_while_its_parts_are_the_same():
    made = []

    def model_of(record):
        made.append(record)
        return record.model

    model = {"a": np.ones(2)}
    first = held_of(SimpleNamespace(model=model, data=1), model_of, ("data",))
    assert held_of(SimpleNamespace(model=model, data=2), model_of, ("data",)) is first
    assert held_of(SimpleNamespace(model={"a": np.ones(2)}, data=1), model_of, ("data",)) is not first
    with jax.enable_x64(not jax.config.jax_enable_x64):
        assert held_of(SimpleNamespace(model=model, data=1), model_of, ("data",)) is not first
    assert len(made) == 3


def test_what_is_remembered_holds_no_data():
    class Data:
        pass

    model, data = {"a": np.ones(2)}, Data()
    gone = weakref.ref(data)
    held_of(SimpleNamespace(model=model, data=data), operator.attrgetter("model"), ("data",))
    del data
    gc.collect()
    assert gone() is None


def test_a_copy_with_other_parts_is_that_of_dataclasses():
    device = presets.kubota2013()
    found, expected = with_parts(device, alpha=0.5), dataclasses.replace(device, alpha=0.5)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    assert jax.tree.leaves(found) == jax.tree.leaves(expected) and device.alpha != 0.5
