"""`llgrad map` and `llgrad sweep`: what a device does over two of its numbers, and over one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llgrad.cli.device_options import DeviceArgument, StateOption
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
from llgrad.cli.maps.running import figure_of_sweep, figures_of_map, leave, looked, prepared, usual_of
from llgrad.cli.maps.table import table_of
from llgrad.cli.output import ForceOption, JsonOption, PlotOption
from llgrad.experiments.sweeps.record import Map
from llgrad.experiments.sweeps.sweep import ACCURACY


def _command(
    name: str, count: int, text: Callable[[Map], str], figures: Callable[[Map], Mapping[str, Any]], help: str
) -> Callable[..., None]:
    """The command of a name, which takes that many ranges and shows its map as text and in figures."""

    def command(
        device: DeviceArgument,
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
        given = asked(device, current, field, {"alpha": alpha, "temperature": temperature}, set_)
        names = usual_of(given) if quantities is None else quantities
        wanted = quantities_of(given.device, names, lock, ratio, load, harmonic, input_)
        ready = prepared(given, count, wanted, m0, accuracy, chaos, out, plot, force)
        found = looked(ready)
        leave(found, text(found), figures(found), ready.outputs, json)

    command.__name__, command.__doc__ = name, help
    return command


map_ = _command(
    "map",
    2,
    str,
    figures_of_map,
    """Map what a device does over two of its numbers: where it oscillates, how fast, how narrow; and where not, why.

    `llgrad map kubota2013 --current 0:5mA:101 --field 0:500Oe:101 --temperature 300K --plot pictures --out map.npz`
    """,
)
sweep = _command(
    "sweep",
    1,
    table_of,
    figure_of_sweep,
    """Sweep one number of a device: frequency, power, line width, return rate, or any other number of its orbit.

    `llgrad sweep kubota2013 --current 0.3mA:1.5mA:13 --temperature 300K --lock field_x=0.1Oe --plot pictures`
    """,
)
