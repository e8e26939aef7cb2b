"""Networks of oscillators between JAX and PyTorch: one that was trained in either is a module, or a design, of the
other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from llgrad.core.arguments.kinds import check_kind
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.readout import Readout
from llgrad.networks.bench.timeline import Frames
from llgrad.networks.trained.classifier import OscillatorClassifier
from llgrad.torch.exchange import to_jax, to_torch
from llgrad.torch.layer import OscillatorLayer
from llgrad.torch.library import torch

FORMS = (torch.nn.Flatten, torch.nn.Unflatten, torch.nn.Identity)
"""What changes no number of an image."""


def from_network(network: OscillatorClassifier, *, dtype: torch.dtype | None = None) -> torch.nn.Sequential:
    """A classifier of oscillators, with its weights, as `torch.nn.Sequential` of its layers and a `torch.nn.Linear`.

    Args:
        network: a classifier, as `lg.train` or `lg.networks.load_network` give it. Its imperfections stay behind.
        dtype: of the parameters; None takes PyTorch's default.

    Returns:
        A module of images (B, H, W) in [0, 1], or of signals (B, T, F), which gives logits (B, classes).

    Raises ValueError for anything but a classifier.

    >>> import jax
    >>> import llgrad as lg
    >>> from llgrad.torch.library import torch
    >>> network = lg.OscillatorClassifier.create(
    ...     lg.presets.kubota2013(), shape=(4, 4), classes=3, key=jax.random.key(0), oscillators=8
    ... )
    >>> model = lg.torch.from_network(network)
    >>> tuple(model(torch.rand(5, 4, 4)).shape)
    (5, 3)
    """
    check_kind("network", network, OscillatorClassifier, "give one, as lg.train gives it")
    frames, readout = network.layers[0].timeline.frames, network.readout
    count = frames.count(network.shape)
    modules: list[Any] = [] if frames in (Frames.ROWS, Frames.SIGNAL) else [torch.nn.Flatten(1)]
    if frames is Frames.PIXELS:
        modules.append(torch.nn.Unflatten(1, (count, 1)))
    for place, layer in enumerate(network.layers, 1):
        last = place == len(network.layers)
        signal = readout.signal if last else readout.signal.passed_on
        made = OscillatorLayer.of(
            layer,
            signal,
            network.trained,
            frames=count,
            sequence=not last and count > 1,
            engine=network.engine,
            dtype=dtype,
        )
        modules.append(made)
    linear = torch.nn.Linear(*readout.weights.shape, dtype=dtype)
    with torch.no_grad():
        linear.weight.copy_(to_torch(readout.weights).T)
        linear.bias.copy_(to_torch(readout.bias))
    return torch.nn.Sequential(*modules, linear)


def to_design(
    model: torch.nn.Sequential,
    shape: tuple[int, int] | None = None,
    *,
    scale: float = 1.0,
    classes: Iterable[str] | None = None,
) -> Design:
    """The network of `OscillatorLayer`s and a last `torch.nn.Linear` in physical numbers: what a bench is set to, what
    `lg.networks.save_design` writes, and `llgrad evaluate` reads.

    Args:
        model: `torch.nn.Sequential` of oscillator layers and a linear one, with modules of form (`Flatten`) before.
        shape: size (H, W) of the images; None takes (frames, inputs) of the first layer.
        scale: the pixel value that is fed as 1.
        classes: names of the classes.

    Raises ValueError, in one sentence, for a module that no bench has, and for what does not fit together.

    >>> import llgrad as lg
    >>> from llgrad.torch.library import torch
    >>> layer = lg.torch.OscillatorLayer(lg.presets.kubota2013(), 16, 8)
    >>> model = torch.nn.Sequential(torch.nn.Flatten(1), layer, torch.nn.Linear(layer.width, 3))
    >>> design = lg.torch.to_design(model, shape=(4, 4))
    >>> design.stages[0].settings.current.shape
    (8,)
    """
    check_kind("model", model, torch.nn.Sequential, "put the layers into one, in their order")
    layers, linear = _parts(model)
    shape = _shape(layers[0], shape)
    with jax.enable_x64(False):
        weight = jnp.array(to_jax(linear.weight.detach().cpu().float()).T, copy=True)
        bias = jnp.zeros(weight.shape[1]) if linear.bias is None else to_jax(linear.bias.detach().cpu().float())
        readout = Readout(weight, jnp.array(bias, copy=True), layers[-1].signal)
        stages = tuple(layer.layer().stage(layer.trained) for layer in layers)
        design = Design(stages, readout, shape, scale=float(scale), engine=layers[0].engine)
    return design if classes is None else design.with_images(scale, classes)


def _parts(model: Any) -> tuple[list[OscillatorLayer], Any]:
    """The oscillator layers and the linear one. Raises ValueError where there are not just these, in this order."""
    modules = list(model)
    while modules and isinstance(modules[0], FORMS):
        del modules[0]
    *layers, linear = modules or [None]
    for module in layers:
        if not isinstance(module, OscillatorLayer):
            raise ValueError(
                f"the model has a {type(module).__name__} among its layers, which no bench has; a design is of "
                "OscillatorLayers and one torch.nn.Linear behind the last"
            )
    if not layers or not isinstance(linear, torch.nn.Linear):
        raise ValueError("the model has to end with an OscillatorLayer and a torch.nn.Linear, as a design does")
    last = layers[-1]
    for layer in layers[:-1]:
        if layer.signal != last.signal.passed_on or (layer.frames > 1 and not layer.sequence):
            raise ValueError(
                f"a layer passes {layer.signal} on, and a design passes {last.signal.passed_on} of every frame; make "
                "it with that signal, and sequence=True where there are several frames"
            )
    widths = [layer.width for layer in layers]
    taken = [*(layer.inputs for layer in layers[1:]), linear.in_features]
    if taken != widths or last.sequence:
        raise ValueError(
            f"the layers give {widths} numbers and take {taken}, which do not fit together; the last one is no sequence"
        )
    return layers, linear


def _shape(layer: OscillatorLayer, given: tuple[int, int] | None) -> tuple[int, int]:
    """The size of the images. Raises ValueError for one that the first layer cannot be fed with."""
    rows, columns = (layer.frames, layer.inputs) if given is None else (int(given[0]), int(given[1]))
    frames = layer.layer().timeline.frames.count((rows, columns))
    if frames != layer.frames or rows * columns != layer.frames * layer.inputs:
        raise ValueError(
            f"shape = ({rows}, {columns}), and the first layer takes {layer.frames} frame(s) of {layer.inputs} numbers"
        )
    return rows, columns
