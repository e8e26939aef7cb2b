"""The network of oscillators that recognises images and signals, as training sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Key, PyTree

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count, checked_pair
from llgrad.core.files import plain
from llgrad.core.random import checked_key
from llgrad.core.record import as_count, from_json, have_shapes_of_one, to_json
from llgrad.core.vector import Vec3
from llgrad.devices.system import System
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.files import signal_entry, signal_of, start_entry
from llgrad.networks.bench.readout import OutputSignals, Readout, Signal
from llgrad.networks.bench.timeline import Frames, Pooling
from llgrad.networks.bench.wiring import Device
from llgrad.networks.frames.backward import Backward
from llgrad.networks.imperfections import Imperfections
from llgrad.networks.network import Network
from llgrad.networks.trained.encoder import DenseEncoder, Encoder, PatchEncoder
from llgrad.networks.trained.layer import KNOBS_AND_COUPLING, Limits, Part, Trainable, TrainedLayer, name_of
from llgrad.networks.trained.natural import in_their_spread, natural_field
from llgrad.networks.trained.plan import ArrayPlan, part_of
from llgrad.solve.task import Engine

SHAPE: Final = "the size (H, W) of the images, or frames and features (T, F) of signals"
DRAWN: Final = 64
"""Random images by which the spread of signals is found."""


class OscillatorClassifier(Network):
    """Frames → field on each oscillator → the coupled array evolves → read-out → logits; all of it trained.

    An image is one frame, or its rows or pixels one after the other; a signal has frames of its own. Each is held for a
    time, and the state goes on from one to the next.

    The oscillators are `Oscillator`s, or any `System`: then the pixels enter by a terminal of it, and what is read are
    components of its state and its outputs. `design()` is the same network in physical numbers.

    >>> import llgrad as lg
    >>> vortex = lg.presets.guslienko2014().replace(current=1e-3)
    >>> with jax.enable_x64(False):  # networks compute in float32
    ...     network = OscillatorClassifier.create(
    ...         vortex, shape=(8, 8), classes=10, key=jax.random.key(0), oscillators=16, hold=2e-9, input="field_x",
    ...         settings={"current": (0.0, 2e-3)}, coupling=("x", "field_x"), signal=("x", "y"),
    ...     )
    ...     network(np.zeros((2, 8, 8), np.float32)).shape
    (2, 10)
    """

    layers: tuple[TrainedLayer, ...]
    readout: Readout
    shape: tuple[int, int] = eqx.field(static=True)
    """Size (H, W) of the images; (T, F) of signals."""
    trained: tuple[Trainable, ...] = eqx.field(static=True, default=KNOBS_AND_COUPLING)
    imperfections: Imperfections | None = eqx.field(static=True, default=None)
    """What training sees where it gives a key."""
    engine: Engine | None = eqx.field(static=True, default=None)
    backward: Backward = eqx.field(static=True, default=Backward())
    """What a gradient keeps of many frames."""

    def __check_init__(self) -> None:
        if self.imperfections is not None:
            check_kind(
                "imperfections", self.imperfections, Imperfections, "such as lg.networks.Imperfections(spread=0.1)"
            )

    @classmethod
    def create(
        cls,
        device: Device,
        *,
        shape: tuple[int, int],
        classes: int,
        key: Key[jax.Array, ""],
        oscillators: int | tuple[int, ...] = 256,
        hold: float | None = None,
        dt: float | None = None,
        frames: Frames = Frames.WHOLE,
        readouts: int = 1,
        frames_read: int | None = 1,
        every: int = 1,
        pooling: Pooling = Pooling.TOGETHER,
        segment: int | None = None,
        truncate: int | None = None,
        patch: tuple[int, int] | None = None,
        centre: Float[ArrayLike, "H W"] | None = None,
        spread: Float[ArrayLike, "H W"] | None = None,
        input: str = "field_x",
        coupling: tuple[str, str] | bool = True,
        settings: Mapping[str, tuple[float, float]] | None = None,
        signal: Signal | OutputSignals | str | Sequence[str] | None = None,
        start: Vec3 | Sequence[float] | Mapping[str, float] | None = None,
        limits: Limits | None = None,
        unit: float | None = None,
        coupling_unit: float | None = None,
        trained: tuple[Trainable, ...] | None = None,
        imperfections: Imperfections | None = None,
    ) -> Self:
        """A network with random weights.

        Args:
            device: what all oscillators have in common: an `Oscillator`, or any `System` (a `Stack`, a `Vortex`, …).
            shape: size (H, W) of the images; of signals (T, F), such as `data.shape`: their frames and features.
            classes: number of classes.
            key: a `jax.random.key` for the weights.
            oscillators: number in each array, one number for one array.
            hold: time for which a frame is held [s]; None takes 0.44 ns for an Oscillator.
            dt: time step [s]; None takes 16 steps in a frame, of a System more where it turns by more than 1 rad.
            frames: the whole image at once, or row by row, or pixel by pixel; `Frames.SIGNAL` for signals of any number
                of frames: the state goes on from frame to frame, and is reset between signals.
            readouts: read-outs in a frame, evenly spaced.
            frames_read: how many of the last frames the read-out sees; None for all.
            every: of every how many frames, counted from the end, they are.
            pooling: what becomes of them: `Pooling.TOGETHER` gives each frame weights of its own, `MEAN` reads their
                mean, `EACH` answers at each of them.
            segment: frames that a gradient takes again together, in place of keeping all; see `Backward`.
            truncate: frames after which a gradient goes no further back; None for the whole gradient.
            patch: (side, stride) of a convolution in the first encoder; None lets every pixel act on every oscillator.
            centre: the image (H, W), or the frame of it (F,), of which the input field is the bias alone, such as
                `data.train.mean`: training takes far fewer steps with it; None for a black one.
            spread: what each number of a frame is divided by (F,), such as `data.train.spread` of signals, whose
                features have other sizes than pixels; None for ones.
            input: where the input enters: a terminal of the device ("field_x", "current", "voltage"), or of a System
                any of its values ("layers.0.H_k").
            coupling: (what each emits, where the others receive it) of a System, as ("x", "field_x"): a component of
                its state or what its `emit` gives, and what its `receive` takes. True takes the first component, and
                the input's terminal; of an Oscillator m_x makes a field along x. False leaves them alone.
            settings: what each device of a System has of its own, by terminal or value, with the range (low, high) in
                SI: {"current": (0.0, 5e-3), "kappa": (1e-4, 2e-4)}. Terminals are trained; other values are made, and
                are trained where `trained` names them. An Oscillator has field along z, current and damping.
            signal: what is read: a `Signal` of an Oscillator (None: all of m), names of components and outputs of a
                System (None: all components that change), less their mean over their spread in the array as drawn.
            start: state after the reset; None is (0.6, 0, 0.8) for an Oscillator, and a System's own start. Another one
                is a mapping of its components, {"x": 0.2, "y": 0.0}.
            limits: of the settings; None takes `usual_limits`.
            unit: the input of a gain of 1 [unit of its terminal]; None takes `natural_field`, elsewhere what changes
                the state by its own size.
            coupling_unit: the same of a coupling of 1; None takes what goes with it.
            trained: what training may change: `Part`s, and names of settings.
            imperfections: what training sees.

        Raises ValueError, in one sentence, for what does not fit together.
        """
        counts, shape, classes, patch = _sizes(oscillators, shape, classes, patch)
        plan = ArrayPlan.of(
            device, frames, shape, hold, dt, readouts, (frames_read, every, cls._checked(pooling)), input, coupling,
            settings, signal, start, limits, (unit, coupling_unit), trained,
        )  # fmt: skip
        cut, read, layers = frames.count(shape), plan.signal, []
        keys = jax.random.split(checked_key(key), 2 * len(counts) + 1)
        mean = None if centre is None else _mean_frame(frames, centre, shape)
        width = shape[0] * shape[1] // cut
        for index, count in enumerate(counts):
            first = (patch, mean, _spread(spread, width)) if index == 0 else (None, None, None)
            encoder = _encoder(width, count, shape, *first, keys[2 * index])
            layers.append(plan.layer(count, encoder, keys[2 * index + 1]))
            if index == 0 and not isinstance(signal, OutputSignals):
                read = _as_drawn(read, layers[0], key, shape, signal is not None)
            width = read.passed_on.width * count * readouts
        readout = _drawn_readout(keys[-1], counts[-1] * readouts * plan.timeline.weighed(cut), classes, read)
        backward = Backward(segment, truncate).checked()
        return cls(tuple(layers), readout, (shape[0], shape[1]), plan.trained, imperfections, backward=backward)

    @classmethod
    def _checked(cls, pooling: Pooling) -> Pooling:
        """The same. Raises ValueError for frames that are read in another way than the answers are meant."""
        if pooling is Pooling.EACH:
            raise ValueError(
                "pooling = EACH: a classifier has one answer to a signal, give TOGETHER or MEAN; an "
                "OscillatorRegressor answers at each frame"
            )
        return pooling

    def design(self) -> Design:
        """The network in physical numbers."""
        stages = tuple(layer.stage(self.trained) for layer in self.layers)
        return Design(stages, self.readout, self.shape, engine=self.engine, backward=self.backward)

    def built(self) -> Design:
        return self.design()

    def __call__(self, images: Any, key: Any = None, first: Any = 0) -> Any:
        design = self.design()
        if key is None or self.imperfections is None:
            return design(images)
        made, run = jax.random.split(key)
        return self.imperfections.logits(self.imperfections.drawn(design, made), images, run, first)

    def trainable(self) -> PyTree[bool]:
        """True at the arrays of the trained parts."""
        everywhere = jax.tree.map(lambda _: False, self)
        for name in map(name_of, self.trained):
            where = self.arrays_of(name)
            everywhere = eqx.tree_at(where, everywhere, jax.tree.map(lambda _: True, where(self)))
        return everywhere

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of all that can be trained."""
        wiring = self.layers[0].wiring
        coupled = () if wiring.coupling is None else (Part.COUPLING.value,)
        return (Part.INPUT.value, *coupled, *(setting.part for setting in wiring.own), Part.READOUT.value)

    def arrays_of(self, part: str) -> Callable[[PyTree], list[Float[jax.Array, "..."]]]:
        """Where the arrays of a part are in a network like this one."""
        for place, setting in enumerate(self.layers[0].wiring.own):
            if setting.part == part:
                return lambda net: [layer.own[place] for layer in net.layers]
        return {
            Part.INPUT.value: lambda net: [leaf for layer in net.layers for leaf in jax.tree.leaves(layer.encoder)],
            Part.COUPLING.value: lambda net: [layer.coupling for layer in net.layers],
            Part.READOUT.value: lambda net: [net.readout.weights, net.readout.bias],
        }[part]

    def spec(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON."""
        first = self.layers[0]
        encoder, timeline, wiring = first.encoder, first.timeline, first.wiring
        is_system = isinstance(first.device, System)
        ranges = zip(wiring.own, first.bounds, strict=True) if is_system else ()
        return {
            "type": type(self).__name__,
            "device": to_json(first.device),
            "shape": list(self.shape),
            "classes": self.readout.bias.shape[0],
            "oscillators": [layer.count for layer in self.layers],
            "hold": timeline.hold,
            "dt": timeline.dt,
            "frames": timeline.frames.value,
            "readouts": timeline.readouts,
            "frames_read": timeline.frames_read,
            "every": timeline.every,
            "pooling": timeline.pooling.value,
            **self.backward._asdict(),
            "centre": None if encoder.centre is None else list(encoder.centre),
            "spread": None if encoder.spread is None else list(encoder.spread),
            "patch": [encoder.patch, encoder.stride] if isinstance(encoder, PatchEncoder) else None,
            "input": wiring.input,
            "coupled": None if wiring.coupling is None else list(wiring.coupling),
            "settings": {setting.name: list(bound) for setting, bound in ranges} if is_system else None,
            "signal": signal_entry(self.readout.signal),
            "start": start_entry(timeline.start),
            "limits": plain(first.limits._asdict()),
            "unit": first.scales.input,
            "coupling_unit": first.scales.coupling,
            "trained": [name_of(part) for part in self.trained],
            "imperfections": None if self.imperfections is None else to_json(self.imperfections),
        }

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """A network of the shape of a spec, with weights of no meaning. In a spec of before, a unit is that of a
        single frame, there is no centre, and the devices are oscillators that are fed and coupled in the usual way.
        """
        device = from_json(spec["device"])
        if not have_shapes_of_one(device):
            raise ValueError("its device has an array where a number is expected; the file is damaged")
        unit = spec["unit"] if "unit" in spec else natural_field(device, spec["hold"])
        coupled = spec.get("coupled", True)
        return cls.create(
            device,
            shape=tuple(spec["shape"]),
            classes=spec["classes"],
            key=jax.random.key(0),
            oscillators=tuple(spec["oscillators"]),
            hold=spec["hold"],
            dt=spec["dt"],
            frames=Frames(spec["frames"]),
            readouts=spec["readouts"],
            frames_read=_kept_frames(spec),
            every=spec.get("every", 1),
            pooling=Pooling(spec.get("pooling", "together")),
            segment=spec.get("segment"),
            truncate=spec.get("truncate"),
            patch=None if spec["patch"] is None else tuple(spec["patch"]),
            centre=spec.get("centre"),
            spread=spec.get("spread"),
            input=spec.get("input", "field_x"),
            coupling=(coupled[0], coupled[1]) if isinstance(coupled, list) else coupled is True,
            settings=None if spec.get("settings") is None else _pairs(spec["settings"]),
            signal=signal_of(spec["signal"]),
            start=spec["start"],
            limits=Limits(**_pairs(spec["limits"])),
            unit=unit,
            coupling_unit=spec.get("coupling_unit", unit),
            trained=tuple(part_of(value) for value in spec["trained"]),
            imperfections=None if spec["imperfections"] is None else from_json(spec["imperfections"]),
        )


def _kept_frames(spec: Mapping[str, Any]) -> int | None:
    """How many frames are read: in a spec of before it may be more than there are."""
    read, every = spec["frames_read"], spec.get("every", 1)
    there = -(-Frames(spec["frames"]).count(tuple(spec["shape"])) // every)
    return read if read is None or spec.get("pooling", "together") != "together" else min(read, there)


def _as_drawn(read: Any, layer: TrainedLayer, key: Any, shape: tuple[int, int], named: bool) -> Any:
    """What is read, that of systems in its spread in the array as drawn."""
    if not isinstance(read, OutputSignals):
        return read
    images = jax.random.uniform(jax.random.fold_in(key, 1), (DRAWN, *shape), jnp.float32)
    return in_their_spread(read, layer, layer.timeline.frames.cut(images), named)


def _drawn_readout(key: Any, reads: int, classes: int, read: Any) -> Readout:
    """Normal weights of so many read-outs of oscillators, that make logits of signals near 1 near 1."""
    seen = reads * read.width
    weights = jax.random.normal(key, (seen, classes), jnp.float32) * (seen**-0.5)
    return Readout(weights, jnp.zeros(classes, jnp.float32), read)


def _pairs(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of an entry as tuples."""
    return {name: tuple(value) if isinstance(value, (list, tuple)) else value for name, value in entry.items()}


def _sizes(
    oscillators: Any, shape: Any, classes: Any, patch: Any
) -> tuple[tuple[int, ...], tuple[int, int], int, tuple[int, int] | None]:
    """All counts of a network, checked."""
    side = None if patch is None else checked_pair("patch", patch, "(side, stride) of a convolution, such as (5, 3)")
    return _counts(oscillators), checked_pair("shape", shape, SHAPE), checked_count("classes", classes, 1), side


def _counts(given: int | tuple[int, ...]) -> tuple[int, ...]:
    """Devices in each array. Raises ValueError for none."""
    given = as_count(given)
    counts = tuple(map(as_count, given)) if isinstance(given, (tuple, list, np.ndarray)) else (given,)
    if not counts or any(isinstance(one, bool) or not isinstance(one, int) or one < 1 for one in counts):
        raise ValueError(f"oscillators = {given!r}, expected one or more in each array, a whole number for each")
    return counts


def _mean_frame(frames: Frames, image: Any, shape: tuple[int, int]) -> tuple[float, ...]:
    """The mean of the frames of an image, float32; a single frame is its own."""
    image = _real("centre", image)
    frame = shape[0] * shape[1] // frames.count(shape)
    if image.shape not in (shape, (frame,)) or not np.isfinite(image).all():
        raise ValueError(f"centre has the shape {image.shape}, expected a finite image {shape}")
    if image.ndim == 1:
        return tuple(image.tolist())
    return tuple(np.asarray(frames.cut(image[None])).mean(axis=(0, 1)).tolist())


def _real(name: str, given: Any) -> np.ndarray:
    """Numbers in float32. Raises ValueError for what is none."""
    array = np.asarray(given)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} = {given!r}, expected numbers")
    with np.errstate(over="ignore"):  # what is too large for float32 is not finite then
        return array.astype(np.float32)


def _spread(given: Any, width: int) -> tuple[float, ...] | None:
    """The spread of each number of a frame, float32. Raises ValueError for what is none."""
    if given is None:
        return None
    spread = _real("spread", given)
    if spread.shape != (width,) or not np.isfinite(spread).all() or spread.min() <= 0:
        raise ValueError(f"spread has the shape {spread.shape}, expected positive numbers ({width},)")
    return tuple(spread.tolist())


def _encoder(
    inputs: int,
    count: int,
    shape: tuple[int, int],
    patch: tuple[int, int] | None,
    centre: tuple[float, ...] | None,
    spread: tuple[float, ...] | None,
    key: Any,
) -> Encoder:
    """Gains so small that a usual image, or a frame in its spread, gives fields below the natural one."""
    if patch is None:
        size = 1.4 if spread is None else 0.5
        return DenseEncoder.create(inputs, count, key, size * inputs**-0.5, centre, spread)
    if spread is not None:
        raise ValueError("a patch is laid over the pixels of an image, which have no spread; leave one of them out")
    probe = PatchEncoder.create(shape, 1, *patch, key, 1.0)
    channels, rest = divmod(count, probe.places)
    if rest or not channels:
        raise ValueError(
            f"{count} oscillators over {probe.places} places of a {patch[0]}×{patch[0]} patch: expected a multiple of "
            f"{probe.places}, such as {max(channels, 1) * probe.places}"
        )
    return PatchEncoder.create(shape, channels, *patch, key, 1.4 / patch[0], centre)
