"""The options of `llgrad train`, in the groups in which its help shows them."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated, Any, Final

import typer

from llgrad.cli.commands.completing import presets
from llgrad.cli.device_options import DEVICE_HELP
from llgrad.networks.bench.timeline import Frames, Pooling

IMAGES: Final = "Images and signals"
CHANGED: Final = "How those to train are changed at random"
NETWORK: Final = "Network"
FRAMES: Final = "Frames, and how they are read"
TRAINED: Final = "What is trained, and within which limits"
TRAINING: Final = "Training"
RUN: Final = "The run"


class ImageFrames(enum.Enum):
    """How an image is cut into frames; a signal has frames of its own."""

    WHOLE = Frames.WHOLE.value
    ROWS = Frames.ROWS.value
    PIXELS = Frames.PIXELS.value


class ReadPooling(enum.Enum):
    """How a classifier reads several frames."""

    TOGETHER = Pooling.TOGETHER.value
    MEAN = Pooling.MEAN.value


class NetworkKind(enum.Enum):
    """What stands between the pixels and the classes."""

    OSCILLATORS = "oscillators"
    TANH = "tanh"
    """A static layer of equal width, and as many trained numbers, in place of the oscillators."""
    SOFTMAX = "softmax"
    """Nothing: a linear classifier of the pixels."""


def option(panel: str, about: str, *names: str, **more: Any) -> Any:
    """An option in one group of the help."""
    return typer.Option(*names, help=about, rich_help_panel=panel, **more)


DataOption = Annotated[
    pathlib.Path | None, option(IMAGES, "Folder of the IDX files of mnist and fashion-mnist.", metavar="DIR")
]
SplitOption = Annotated[int | None, option(IMAGES, "Which images are kept to test, for digits.", min=0)]
PermutedOption = Annotated[
    int | None,
    option(
        IMAGES,
        "Put the pixels of all images in one order drawn by this seed, for --frames pixels.",
        min=0,
        metavar="SEED",
    ),
]
TestOption = Annotated[
    str | None,
    option(
        IMAGES,
        "Of signals: what is kept to test: index=0:4, group=NAME (a speaker), or part=20% (default) drawn by --split; "
        "of signals with targets the last part.",
        metavar="RULE",
    ),
]
FrontOption = Annotated[
    list[str] | None,
    option(
        IMAGES,
        "Of signals: a front end before the network: logmel:channels=32,hop=16ms, raw:width=80, trimmed:below=35, "
        "normalised:variance=yes, deltas:width=2, segments:count=8. Several are taken in turn.",
        metavar="NAME:SETTINGS",
    ),
]
AheadOption = Annotated[
    int | None,
    option(IMAGES, "Predict a signal so many frames ahead, in place of classes or targets.", min=1, metavar="FRAMES"),
]
PieceOption = Annotated[
    int | None,
    option(
        IMAGES,
        "Of signals with targets: cut them into pieces of so many frames. Default: 100 of a single signal.",
        min=1,
        metavar="FRAMES",
    ),
]
WashoutOption = Annotated[
    int | None,
    option(
        FRAMES,
        "Of signals with targets: frames at the beginning of a piece that are not read. Default: 0.",
        min=0,
        metavar="FRAMES",
    ),
]
ValidationOption = Annotated[
    str | None, option(IMAGES, "Hold back a part of the training images: 10%.", metavar="PART")
]
ShiftOption = Annotated[int | None, option(CHANGED, "Move training images by up to so many pixels.")]
RotationOption = Annotated[str | None, option(CHANGED, "Turn training images by up to this: 10deg.", metavar="ANGLE")]
ZoomOption = Annotated[
    str | None, option(CHANGED, "Make training images larger or smaller by up to this: 10%.", metavar="PART")
]
MirrorOption = Annotated[bool, option(CHANGED, "Let left and right change places in half of the training images.")]
AugmentOption = Annotated[
    str | None,
    option(
        CHANGED,
        "Change training signals at random: stretch=10%,shift=2,warp=10%,time_mask=4,feature_mask=4,noise=10%.",
        metavar="SETTINGS",
    ),
]

KindOption = Annotated[
    NetworkKind | None, option(NETWORK, "Coupled oscillators, or what to compare them with. Default: oscillators.")
]
OscillatorsOption = Annotated[
    str | None, option(NETWORK, "Oscillators; 128,64 for two arrays in sequence.", metavar="N")
]
DeviceOption = Annotated[
    str | None, option(NETWORK, f"What all oscillators are like. {DEVICE_HELP}", autocompletion=presets)
]
FramesOption = Annotated[
    ImageFrames | None,
    option(FRAMES, "Show the image at once, or its rows or pixels one after the other. Default: whole."),
]
DurationOption = Annotated[
    str | None,
    option(FRAMES, "How long a frame is shown: 0.44ns. Default in a sequence: 50ps, in 2 steps.", metavar="TIME"),
]
DtOption = Annotated[str | None, option(FRAMES, "Time step: 20ps.", "--dt", metavar="TIME")]
ReadoutsOption = Annotated[int | None, option(FRAMES, "Read-outs while a frame is shown, evenly spaced.", min=1)]
FramesReadOption = Annotated[
    int | None,
    option(
        FRAMES,
        "How many of the last frames the read-out sees. Default: all rows; the last row of pixels; of signals the last "
        "frame.",
        min=1,
    ),
]
EveryOption = Annotated[
    int | None, option(FRAMES, "Read every so-many-th frame only, counted from the last.", min=1, metavar="K")
]
PoolingOption = Annotated[
    ReadPooling | None,
    option(
        FRAMES,
        "Read the frames together, each with weights of its own, or their mean. Default: together; the mean of all "
        "frames where signals have different lengths.",
    ),
]
SegmentOption = Annotated[
    int | None, option(TRAINING, "Frames that a gradient takes again together, for less memory.", min=1)
]
TruncateOption = Annotated[
    int | None, option(TRAINING, "Frames after which a gradient goes no further back. Default: the whole.", min=1)
]
PatchOption = Annotated[
    str | None, option(NETWORK, "Input by a convolution: side and stride of its patch, 5,3.", metavar="P,S")
]
SignalOption = Annotated[
    str | None,
    option(
        NETWORK,
        "What is read: magnetisation (default), x or voltage; of a stack, a vortex or another system names of its "
        "components and outputs, such as free.x,resistance. Default: all components.",
        metavar="NAMES",
    ),
]
InputOption = Annotated[
    str | None,
    option(
        NETWORK, "Where the input enters: a terminal of the device, such as current. Default: field_x.", metavar="NAME"
    ),
]
CoupleOption = Annotated[
    str | None,
    option(NETWORK, "What the devices of a system feel of each other, and where: x,field_x.", metavar="OF,TO"),
]
SettingOption = Annotated[
    list[str] | None,
    option(
        NETWORK,
        "What each device of a system has of its own, and its range: current=0mA:5mA.",
        metavar="NAME=LOW:HIGH",
    ),
]
NoCouplingOption = Annotated[bool, option(NETWORK, "The same array without coupling.", "--no-coupling")]

AlsoOption = Annotated[
    str | None,
    option(TRAINED, "Train this too, such as damping, which is fixed by default.", "--train", metavar="PART"),
]
OnlyOption = Annotated[
    str | None,
    option(
        TRAINED,
        "Train only these: input, coupling, field, current, damping, readout. --only readout is a reservoir.",
        metavar="PARTS",
    ),
]
MaxFieldOption = Annotated[
    str | None, option(TRAINED, "Largest field, of the input and along z: 500Oe.", metavar="FIELD")
]
MaxCurrentOption = Annotated[str | None, option(TRAINED, "Largest direct current: 3mA.", metavar="CURRENT")]
MaxCouplingOption = Annotated[
    str | None, option(TRAINED, "Largest coupling field on an oscillator, all others together.", metavar="FIELD")
]

EpochsOption = Annotated[int | None, option(TRAINING, "How often every training image is seen.")]
BatchOption = Annotated[int | None, option(TRAINING, "Images, or signals, in a step.")]
LearningRateOption = Annotated[float | None, option(TRAINING, "Largest step of the optimiser.")]
SmoothingOption = Annotated[
    str | None, option(TRAINING, "Part of each target that is spread over all classes: 10%.", metavar="PART")
]
DecayOption = Annotated[float | None, option(TRAINING, "Pull of the weights towards zero.")]
SeedOption = Annotated[int | None, option(TRAINING, "Seed of weights, order and augmentation.", min=0)]

OutOption = Annotated[
    pathlib.Path | None, option(RUN, "Folder of the run. Default: llgrad-digits, …-2, …", metavar="RUN")
]
ResumeOption = Annotated[
    pathlib.Path | None, option(RUN, "Go on with a run that was stopped or killed.", metavar="RUN")
]
TimeLimitOption = Annotated[
    str | None, option(RUN, "Save and stop after this time, to be resumed: 600s.", metavar="TIME")
]
NoPicturesOption = Annotated[bool, option(RUN, "Draw no pictures at the end.", "--no-pictures")]
