"""What drives a device in time: a current, field or voltage of any waveform, and coloured noise."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.drives.base import Waveform
    from llgrad.drives.chirp import Chirp
    from llgrad.drives.constant import Constant
    from llgrad.drives.drive import Drive
    from llgrad.drives.gaussian import GaussianPulse
    from llgrad.drives.noise import FlickerNoise, LorentzianNoise, coloured_noise
    from llgrad.drives.pulse import Pulse
    from llgrad.drives.sampled import Sampled
    from llgrad.drives.sine import Sine
    from llgrad.drives.step import Step

__all__ = [
    "Chirp",
    "Constant",
    "Drive",
    "FlickerNoise",
    "GaussianPulse",
    "LorentzianNoise",
    "Pulse",
    "Sampled",
    "Sine",
    "Step",
    "Waveform",
    "coloured_noise",
]

as_room(__name__)
