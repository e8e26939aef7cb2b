"""A coupled array of oscillators as a layer of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import wrong_kind
from llgrad.core.record import as_count
from llgrad.core.vector import Vec3
from llgrad.networks.bench.readout import OutputSignals, Signal
from llgrad.networks.bench.timeline import Frames, Pooling
from llgrad.networks.bench.wiring import Device
from llgrad.networks.trained.classifier import OscillatorClassifier
from llgrad.networks.trained.layer import Limits, Trainable, TrainedLayer, name_of
from llgrad.solve.task import Engine
from llgrad.torch.bounded import ProgramModule, check_batch, dtype_of
from llgrad.torch.bridge import TensorProgram
from llgrad.torch.compiled import called
from llgrad.torch.exchange import to_jax, to_torch
from llgrad.torch.library import torch


class OscillatorLayer(ProgramModule):
    """Numbers → input of each device → the coupled array evolves → what is read of it: a layer where `torch.nn.Linear`
    might stand, of devices whose settings stay within what can be made.

    The array is that of `lg.networks.OscillatorClassifier`, drawn alike from the same seed. `free` holds its
    parameters, which are unbounded: gains and offsets (`weights`, `bias`, of a convolution `kernels`) and `coupling` in
    units of what turns a device by about its own size, settings of each device (of an Oscillator `field`, `current`,
    `alpha`) as u of low + (high − low)/(1 + e^{−u}). `settings()` tells all in SI.

    >>> import llgrad as lg
    >>> from llgrad.torch.library import torch
    >>> layer = lg.torch.OscillatorLayer(lg.presets.kubota2013(), 16, 8)
    >>> network = torch.nn.Sequential(layer, torch.nn.Linear(layer.width, 3))
    >>> tuple(network(torch.rand(5, 16)).shape)
    (5, 3)
    """

    def __init__(
        self,
        device: Device,
        inputs: int,
        count: int,
        *,
        frames: int = 1,
        sequence: bool = False,
        seed: int = 0,
        engine: Engine | None = None,
        dtype: torch.dtype | None = None,
        hold: float | None = None,
        dt: float | None = None,
        readouts: int = 1,
        frames_read: int | None = 1,
        every: int = 1,
        pooling: Pooling = Pooling.TOGETHER,
        centre: Float[ArrayLike, "H W"] | None = None,
        input: str = "field_x",
        coupling: tuple[str, str] | bool = True,
        settings: Mapping[str, tuple[float, float]] | None = None,
        signal: Signal | OutputSignals | str | Sequence[str] | None = None,
        start: Vec3 | Sequence[float] | Mapping[str, float] | None = None,
        limits: Limits | None = None,
        unit: float | None = None,
        coupling_unit: float | None = None,
        trained: tuple[Trainable, ...] | None = None,
    ):
        """
        Args:
            device: what all devices have in common: an `Oscillator`, or any `System`.
            inputs: numbers F in a frame, about 0 to 1 each.
            count: devices N.
            frames: frames K that are fed one after the other, without a reset between them.
            sequence: whether what is read after every frame is returned, (…, K, width), as the next layer of a stack
                needs it; else of the frames that `frames_read`, `every` and `pooling` name, (…, width).
            seed: of the weights at the start.
            engine: of the runs; None takes the usual one.
            dtype: of the parameters; None takes PyTorch's default.
            hold, dt, readouts, frames_read, every, pooling, centre, input, coupling, settings, signal, start, limits,
                unit, coupling_unit, trained: as of `lg.networks.OscillatorClassifier.create`.

        Raises ValueError, in one sentence, for what does not fit together.
        """
        inputs, frames = _counted("inputs", inputs), _counted("frames", frames)
        with jax.enable_x64(False):  # networks are drawn in float32
            network = OscillatorClassifier.create(
                device,
                shape=(frames, inputs),
                classes=1,
                key=jax.random.key(seed),
                oscillators=_counted("count", count),
                frames=Frames.WHOLE if frames == 1 else Frames.ROWS,
                hold=hold, dt=dt, readouts=readouts, frames_read=frames_read, every=every, pooling=pooling,
                centre=centre, input=input, coupling=coupling, settings=settings, signal=signal, start=start,
                limits=limits, unit=unit, coupling_unit=coupling_unit, trained=trained,
            )  # fmt: skip
        self._hold(network.layers[0], network.readout.signal, network.trained, sequence, frames, engine, dtype)

    @classmethod
    def of(
        cls,
        layer: TrainedLayer,
        signal: Signal | OutputSignals,
        trained: tuple[Trainable, ...],
        *,
        frames: int = 1,
        sequence: bool = False,
        engine: Engine | None = None,
        dtype: torch.dtype | None = None,
    ) -> Self:
        """A layer of a classifier, with its weights (see `lg.torch.from_network`)."""
        made = cls.__new__(cls)
        made._hold(layer, signal, trained, sequence, frames, engine, dtype)
        return made

    def _hold(
        self, layer: Any, signal: Any, trained: Any, sequence: bool, frames: int, engine: Any, dtype: Any
    ) -> None:
        super().__init__()
        self.drawn = layer
        leaves = jax.tree.leaves(eqx.filter(layer, eqx.is_array))
        self.signal, self.trained, self.sequence, self.frames, self.engine = signal, trained, sequence, frames, engine
        self.places = _names_of_leaves(layer)
        changes = _changed_by(layer, trained)
        dtype = dtype_of(dtype)
        self.free = torch.nn.ParameterDict()
        for name, leaf in zip(self.places, leaves, strict=True):
            value = torch.empty(leaf.shape, dtype=dtype).copy_(to_torch(leaf))
            self.free[name] = torch.nn.Parameter(value, requires_grad=name in changes)
        self.inputs, self.count = layer.encoder.gains().shape
        timeline = layer.timeline
        read = 1 if sequence else timeline.weighed(frames)
        self.width = read * timeline.readouts * self.count * signal.width
        self.register_buffer("bounds", _table(layer))
        self._begin()

    def forward(self, x: Float[torch.Tensor, "..."]) -> Float[torch.Tensor, "..."]:
        """What is read (…, width) of inputs (…, F), of several frames (…, K, F); of a `sequence` (…, K, width).

        Raises ValueError for what is no tensor, another shape, and a batch of none.
        """
        if not isinstance(x, torch.Tensor):
            raise ValueError(wrong_kind("x", x, "a tensor", "give torch.tensor(…, dtype=…)"))
        own = (self.inputs,) if self.frames == 1 and not self.sequence else (self.frames, self.inputs)
        if tuple(x.shape[x.ndim - len(own) :]) != own:
            wanted = ", ".join(map(str, own))
            raise ValueError(f"x has the shape {tuple(x.shape)}, expected (…, {wanted})")
        batch = x.shape[: x.ndim - len(own)]
        check_batch("x", batch)
        tensors = [self.free[name] for name in self.places]
        read = called(self.program, self.number, *tensors, x.reshape(-1, self.frames, self.inputs))
        return read if len(batch) == 1 else read.reshape(batch + read.shape[1:])

    def settings(self) -> dict[str, Float[torch.Tensor, "..."]]:
        """Every setting of the array in SI by its name, differentiable: gains (F, N), offset (N,), what each device has
        of its own (N,), coupling (N, N). `units` tells their units."""
        return self.physical(*(self.free[name] for name in self.places))

    @property
    def units(self) -> dict[str, str]:
        """The unit of each setting."""
        layer = self.layer()
        return layer.settings(self.trained).units

    def layer(self) -> TrainedLayer:
        """The same layer in JAX, with the weights as they are now."""
        with jax.enable_x64(False):
            values = [to_jax(self.free[name].detach().cpu().float()) for name in self.places]
            return self._with([jnp.array(value, copy=True) for value in values])

    def extra_repr(self) -> str:
        """What the array is, for `print`."""
        kind, frames = type(self.drawn.device).__name__, "" if self.frames == 1 else f"{self.frames} frames of "
        return f"{kind}, {frames}{self.inputs} inputs → {self.count} devices → {self.width}"

    def _with(self, leaves: Any) -> Any:
        arrays, rest = eqx.partition(self.drawn, eqx.is_array)
        return eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), leaves), rest)

    def _make_program(self) -> TensorProgram:
        self.physical = TensorProgram(lambda *leaves: (self._with(leaves).settings(self.trained).varying, None))
        return TensorProgram(self._read, names=[*self.places, "x"].__getitem__)

    def _read(self, *arrays: Any) -> tuple[Any, Any]:
        """What is read (B, width), or (B, K, width), of the leaves and of frames (B, K, F)."""
        stage = self._with(arrays[:-1]).stage(self.trained)
        return stage.features(self.signal, jnp.swapaxes(arrays[-1], 0, 1), self.sequence, self.engine), None


def _counted(name: str, value: Any) -> int:
    count = as_count(value)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"{name} = {value!r}, expected a positive whole number")
    return count


def _names_of_leaves(layer: TrainedLayer) -> tuple[str, ...]:
    """A name for each array of a layer, in their order."""
    names = []
    for path, _ in jax.tree_util.tree_flatten_with_path(eqx.filter(layer, eqx.is_array))[0]:
        own = getattr(path[0], "name", "") == "own"
        names.append(layer.wiring.own[path[1].idx].name.replace(".", "_") if own else path[-1].name)
    return tuple(names)


def _changed_by(layer: TrainedLayer, trained: tuple[Trainable, ...]) -> set[str]:
    """The names of the arrays that training changes."""
    parts = {name_of(part) for part in trained}
    own = {setting.name.replace(".", "_") for setting in layer.wiring.own if setting.part in parts}
    encoder = {"weights", "kernels", "bias"} if "input" in parts else set()
    return own | encoder | ({"coupling"} & parts)


def _table(layer: TrainedLayer) -> Any:
    """Ranges of the settings, limits and units, which a state_dict holds so that it is not read by another layer."""
    scales, limits = layer.scales, layer.limits
    rows = [*layer.bounds, (limits.input, limits.coupling), (scales.input, scales.coupling)]
    return torch.tensor(rows, dtype=torch.float64)
