"""Laws of every preset: it says where its numbers were read, goes to a file and back, and knows what it is."""

import inspect

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.physics.presets import PRESETS
from llgrad.physics.presets.files import read_device


@pytest.mark.parametrize("ending", ["json", "toml"])
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_goes_to_a_file_and_back(name, ending, tmp_path):
    device = lg.presets.load(name)
    lg.save_device(tmp_path / f"a.{ending}", device)
    found = lg.load_device(tmp_path / f"a.{ending}")
    assert type(found) is type(device) and jax.tree.structure(found) == jax.tree.structure(device)
    np.testing.assert_array_equal(jax.tree.leaves(found), jax.tree.leaves(device))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_function_of_its_name_with_a_source(name):
    preset = PRESETS[name]
    assert getattr(lg.presets, name) is preset.make and preset.make.__name__ == name
    assert preset.kind and preset.source and isinstance(preset.make(), lg.Oscillator | lg.System)
    first, _, rest = inspect.getdoc(preset.make).partition("\n\n")
    assert first.endswith(".") and rest, "one sentence on what it is, then its source and numbers"
    assert preset.source.split(",")[0] in rest.replace("\n", " "), "the source in the table stands in the docstring"


def test_the_area_of_a_stack_is_that_of_its_layers(tmp_path):
    size = {"Ms": 1.0e6, "thickness": 3e-9}
    layers = [lg.Layer("a", area=1e-14, **size), lg.Layer("b", area=1e-14, **size)]
    lg.save_device(tmp_path / "one.json", lg.Stack(layers=layers))
    lg.save_device(tmp_path / "two.json", lg.Stack(layers=[layers[0], layers[1].replace(area=2e-14)]))
    assert read_device(tmp_path / "one.json")[1] == 1e-14
    assert read_device(tmp_path / "two.json")[1] is None
    (tmp_path / "dense.toml").write_text(
        'type = "Stack"\ncurrent = "1e10A/m2"\n[[layers]]\ntype = "Layer"\nname = "a"\nMs = "1MA/m"\n'
        'thickness = "3nm"\narea = "10000nm2"\n'
    )
    assert lg.load_device(tmp_path / "dense.toml").current == pytest.approx(1e-4)


def test_a_class_of_ones_own_does_not_take_the_place_of_llgrads(tmp_path):
    class Stack(lg.System):
        def start(self):
            return {"x": 1.0}

        def rate(self, state, inputs):
            return {"x": 0.0}

    stack = lg.Stack(layers=lg.Layer("a", Ms=1e6, thickness=3e-9, area=1e-14))
    lg.save_device(tmp_path / "a.json", stack)
    assert type(lg.load_device(tmp_path / "a.json")) is lg.Stack and not hasattr(Stack, "layers")
