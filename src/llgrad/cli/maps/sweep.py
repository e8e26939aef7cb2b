"""`llgrad sweep`: what a device does over a range of one of its numbers."""

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
from llgrad.cli.maps.running import figure_of_sweep, leave, looked, prepared
from llgrad.cli.maps.table import table_of
from llgrad.cli.output import ForceOption, JsonOption, PlotOption
from llgrad.experiments.sweeps.sweep import ACCURACY


def sweep(
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
    """Sweep one number of a device: frequency, power, line width, return rate, or any other number of its orbit.

    `llgrad sweep kubota2013 --current 0.3mA:1.5mA:13 --temperature 300K --lock field_x=0.1Oe --plot pictures`
    """
    given = asked(device, current, field, {"alpha": alpha, "temperature": temperature}, set_)
    wanted = quantities_of(quantities, lock, ratio, load, harmonic, input_)
    ready = prepared(given, 1, wanted, m0, accuracy, chaos, out, plot, force)
    found = looked(ready)
    leave(found, table_of(found), figure_of_sweep(found), ready.outputs, json)
