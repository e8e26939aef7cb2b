"""`llgrad map`: the phase diagram of a device over two of its numbers."""

from __future__ import annotations

from typing import Annotated

import typer

from llgrad.cli.device_options import DEVICE_HELP, StateOption
from llgrad.cli.maps.options import (
    AccuracyOption,
    ChaosOption,
    HarmonicOption,
    InputOption,
    LoadOption,
    LockOption,
    OutOption,
    QuantityOption,
    RangeOrAlpha,
    RangeOrCurrent,
    RangeOrField,
    RangeOrTemperature,
    RangesAmongSet,
    RatioOption,
    asked,
    quantities_of,
)
from llgrad.cli.maps.running import figures_of_map, leave, looked, prepared
from llgrad.cli.output import ForceOption, JsonOption, PlotOption
from llgrad.experiments.sweeps.sweep import ACCURACY


def map(
    device: Annotated[str, typer.Argument(help=DEVICE_HELP)],
    current: RangeOrCurrent = None,
    field: RangeOrField = None,
    alpha: RangeOrAlpha = None,
    temperature: RangeOrTemperature = None,
    set_: RangesAmongSet = None,
    quantities: QuantityOption = None,
    lock: LockOption = None,
    ratio: RatioOption = None,
    load: LoadOption = None,
    harmonic: HarmonicOption = None,
    input_: InputOption = None,
    m0: StateOption = None,
    accuracy: AccuracyOption = ACCURACY,
    chaos: ChaosOption = None,
    out: OutOption = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Map what a device does over two of its numbers: where it oscillates, how fast, how narrow; and where not, why.

    `llgrad map kubota2013 --current 0:5mA:101 --field 0:500Oe:101 --temperature 300K --plot pictures --out map.npz`
    """
    given = asked(device, current, field, {"alpha": alpha, "temperature": temperature}, set_)
    wanted = quantities_of(quantities, lock, ratio, load, harmonic, input_)
    ready = prepared(given, 2, wanted, m0, accuracy, chaos, out, plot, force)
    found = looked(ready)
    leave(found, str(found), figures_of_map(found), ready.outputs, json)
