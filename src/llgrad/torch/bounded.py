"""What the modules here have in common: parameters with bounds, and a program that is made anew in each process."""

from __future__ import annotations

import abc
from typing import Any, Self

from llgrad.core.status import SimulationError, Status
from llgrad.torch.bridge import TensorProgram
from llgrad.torch.library import torch


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


def check_status(told: Any) -> None:
    """Raise SimulationError for runs of which one went wrong."""
    status = Status(*told)
    if not status.ok:
        raise SimulationError(status.sentence)
