"""Simulations as parts of PyTorch models: modules whose parameters stay within bounds, and the exchange of arrays.

Needs PyTorch 1.13 or later (`pip install 'llgrad[torch]'`, or a distribution's own); nothing else of llgrad loads it.
Arrays pass by DLPack, without copies where memory and layout allow, and never through NumPy.
"""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.torch.bridge import function
    from llgrad.torch.exchange import to_jax, to_torch
    from llgrad.torch.layer import OscillatorLayer
    from llgrad.torch.networks import from_network, to_design
    from llgrad.torch.simulator import Simulator

__all__ = [
    "OscillatorLayer",
    "Simulator",
    "from_network",
    "function",
    "to_design",
    "to_jax",
    "to_torch",
]

as_room(__name__)
