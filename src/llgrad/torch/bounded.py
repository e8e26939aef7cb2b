"""What the modules here have in common: parameters with bounds, and a program that is made anew in each process."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, Final, Self

import jax.numpy as jnp
import numpy as np

from llgrad.core.status import SimulationError, Status
from llgrad.torch.bridge import TensorProgram
from llgrad.torch.library import torch

UNIT_LENGTH: Final = 1e-5
"""By how much the length of a starting state may differ from 1, as in `lg.simulate`."""


class ProgramModule(torch.nn.Module, abc.ABC):
    """A module around a program. Copies and pickles leave the program behind; `bounds` must be those of a state_dict
    that is loaded."""

    bounds: Any

    @abc.abstractmethod
    def _make_program(self) -> TensorProgram:
        """The program of this module, which is compiled when it first runs."""

    def _begin(self) -> None:
        self.program = self._make_program()
        self.number = self.program.number

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not isinstance(value, TensorProgram)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._begin()

    def _apply(self, fn: Any, *arguments: Any, **named: Any) -> Self:
        """As PyTorch does, but for the bounds, which stay in double precision."""
        before = self.bounds
        super()._apply(fn, *arguments, **named)
        self.bounds = before.to(self.bounds.device)
        return self

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        """As PyTorch does; bounds that are not this module's are told, as the numbers would mean something else."""
        found, errors = state_dict.get(f"{prefix}bounds"), others[4]
        own = self.bounds.clone()
        super()._load_from_state_dict(state_dict, prefix, *others)
        if found is not None and not (
            found.shape == own.shape and torch.allclose(found.to(own), own, rtol=1e-12, atol=0)
        ):
            errors.append(
                f"the numbers of {prefix or 'this state_dict'} are within other bounds than this module's, so they "
                "would mean other values; make the module with the bounds with which it was saved"
            )
        self.bounds.copy_(own)


def told_of(status: Status, lengths: Any = None) -> tuple[Any, ...]:
    """What is looked at after runs: whether anything is wrong, as one number that is read in every call, and then
    code and time of each run, and the length of the state where it began."""
    wrong = jnp.any(status.code != 0)
    if lengths is None:
        return wrong, status.code, status.time
    return wrong | jnp.any(jnp.abs(lengths - 1) > UNIT_LENGTH), status.code, status.time, lengths


def check_status(told: Any) -> None:
    """Raise SimulationError where a run went wrong (its `Outcome` is not 0), ValueError as `check_starts`."""
    if np.asarray(told[0]):
        check_starts(told)
        raise SimulationError(Status(told[1], told[2]).sentence)


def check_starts(told: Any) -> None:
    """Raise ValueError where a run begins with no unit vector: lengths that are told, and are not 1."""
    if not np.asarray(told[0]) or len(told) < 4:
        return
    if (wrong := np.abs(np.asarray(told[3]) - 1) > UNIT_LENGTH).any():
        length = np.asarray(told[3])[wrong].flat[0]
        raise ValueError(f"m0 has length {length:.6g}, expected unit vectors; divide each by its length")


def check_batch(name: str, batch: tuple[int, ...]) -> None:
    """Raise ValueError for a batch of no runs."""
    if 0 in batch:
        raise ValueError(f"{name} is a batch {tuple(batch)} of no runs, expected one or more")


def common_batch(names: Sequence[str], batches: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The axes (…) of all inputs together. Raises ValueError for such as do not go together."""
    try:
        return tuple(torch.broadcast_shapes(*batches))
    except RuntimeError:
        told = ", ".join(f"{name} {tuple(batch)}" for name, batch in zip(names, batches, strict=True))
        raise ValueError(
            f"the batches do not go together: {told}; give each input the same leading axes, or 1 where it is the same "
            "for all"
        ) from None


def dtype_of(given: Any) -> torch.dtype:
    """The type of parameters: PyTorch's default for None. Raises ValueError for one in which JAX does not compute."""
    dtype = torch.get_default_dtype() if given is None else given
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype = {dtype!r}, expected torch.float32 or torch.float64, or None for PyTorch's default")
    return dtype
