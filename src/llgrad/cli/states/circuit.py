"""`llgrad circuit`: junctions in series or in parallel with a source and a load, and what they do together."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Mapping
from typing import Annotated, Any, Final

import jax
import numpy as np
import typer

from llgrad.cli.answers.signals import last_half_of_system, write_run
from llgrad.cli.commands.completing import presets
from llgrad.cli.device_options import (
    DEVICE_HELP,
    AlphaOption,
    FieldOption,
    SetOption,
    device_with,
    field_values,
    quantity,
    values_given,
)
from llgrad.cli.output import (
    ForceOption,
    JsonOption,
    Outputs,
    PlotOption,
    check_outputs,
    command_line,
    print_json,
    save_pictures,
)
from llgrad.cli.progress import Report, working
from llgrad.core.run_record import run_record
from llgrad.core.trajectory import SystemTrajectory
from llgrad.core.units import show
from llgrad.core.vector import Vec3
from llgrad.devices.junction import ConductanceJunction
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.synchronisation import Synchronisation, synchronisation
from llgrad.kernels.steppers import RK4
from llgrad.physics.circuits.circuit import Circuit
from llgrad.physics.circuits.connections import Parallel, Series
from llgrad.physics.circuits.elements import CurrentSource, Resistor, VoltageSource
from llgrad.physics.stacks.stack import Stack
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate as run_device
from llgrad.solve.systems import step_of_system

TILT: Final = 0.3
"""Each begins about so far [rad] from where it starts by itself."""
STATES: Final = 20_000
"""So many are kept at most."""
LOAD: Final = "load"


def circuit(
    devices: Annotated[
        list[str],
        typer.Argument(metavar="DEVICE...", help=DEVICE_HELP + " Or one circuit, alone.", autocompletion=presets),
    ],
    series: Annotated[bool, typer.Option("--series", help="One after the other: they share the current.")] = False,
    parallel: Annotated[bool, typer.Option("--parallel", help="Side by side: they share the voltage.")] = False,
    source: Annotated[
        str | None, typer.Option(help="A direct current, such as 5mA, or a direct voltage, such as 1.75V.")
    ] = None,
    source_resistance: Annotated[str | None, typer.Option(help="Of a source of voltage, in series with it.")] = None,
    load: Annotated[
        str | None,
        typer.Option(help="A load, such as 50ohm: beside them with a source of current, else in series with them."),
    ] = None,
    resistance: Annotated[
        str | None, typer.Option(help="R_P of the junctions of devices that have none: 310ohm.")
    ] = None,
    tmr: Annotated[str | None, typer.Option(help="Their (R_AP − R_P)/R_P: 0.1 or 10%.")] = None,
    field: FieldOption = None,
    alpha: AlphaOption = None,
    temperature: Annotated[str | None, typer.Option(help="Temperature, such as 300K: thermal noise.")] = None,
    set_: SetOption = None,
    duration: Annotated[str, typer.Option(help="Simulated time; its second half is looked at.")] = "200ns",
    dt: Annotated[str | None, typer.Option(help="Time step, such as 1ps. Default: from the fields.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of where they begin, and of the thermal noise.")] = 0,
    out: Annotated[pathlib.Path | None, typer.Option(metavar="FILE", help="Write the run: .npz or .csv.")] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Simulate junctions in one circuit: frequencies, phases, whether they run in step, power into the load.

    `--set H_k=1.87T` is of all devices, `--set junction1.H_k=1.87T` of the second. Each begins some 20° from its start.
    """
    outputs = check_outputs(out, (".npz", ".csv"), plot, ("synchronisation", "spectrum"), force)
    shortcuts = {"alpha": alpha, "temperature": temperature}
    values = values_given(shortcuts, field_values(field, None, None, None), set_)
    parts = {"--source": source, "--source-resistance": source_resistance, "--load": load}
    flags = [word for word, flag in (("--series", series), ("--parallel", parallel)) if flag]
    model = _model(devices, _devices(devices, values, _junction(resistance, tmr)), flags, parts)
    times = quantity("--duration", duration, "s"), None if dt is None else quantity("--dt", dt, "s")
    run = working("simulating", lambda report: _run(model, seed, times, report), True)
    _report(" + ".join(devices), run, seed, outputs, json)


def _run(model: Circuit, seed: int, times: tuple[float, float | None], report: Report) -> SystemTrajectory:
    """The run, whose progress is reported."""
    duration, dt = times
    step = step_of_system(model, {}, RK4(), None) if dt is None else dt
    every = max(1, math.ceil(duration / step / STATES)) if step > 0 else 1
    settings: dict[str, Any] = {"duration": duration, "dt": step, "m0": _start(model, seed), "save": Every(every)}
    key = jax.random.key(seed) if model.noises else None
    return run_device(model, key=key, progress=lambda told: report({"fraction": told["fraction"]}), **settings)


# ---- what is asked


def _junction(resistance: str | None, tmr: str | None) -> ConductanceJunction | None:
    if (resistance is None) != (tmr is None):
        raise ValueError("--resistance and --tmr are of one junction; give both, as in --resistance 310ohm --tmr 10%")
    if resistance is None or tmr is None:
        return None
    return ConductanceJunction(quantity("--resistance", resistance, "Ω"), quantity("--tmr", tmr, "1"))


def _devices(names: list[str], values: Mapping[str, str], junction: ConductanceJunction | None) -> list[Any]:
    """The devices with their values, undriven, each with a junction."""
    own = {place: f"junction{place}." for place in range(len(names))}
    shared = {name: text for name, text in values.items() if not name.startswith(tuple(own.values()))}
    found, served = [], 0
    for place, name in enumerate(names):
        mine = {key.removeprefix(own[place]): text for key, text in values.items() if key.startswith(own[place])}
        device = device_with(name, shared | mine)
        if isinstance(device, Oscillator) and device.junction is None:
            if junction is None:
                raise ValueError(
                    f"{name} has no junction, so that its resistance is not known; give --resistance and --tmr, such "
                    "as --resistance 310ohm --tmr 10%"
                )
            device, served = device.replace(junction=junction), served + 1
        if isinstance(device, (Oscillator, Stack)):
            device = device.replace(current=0.0, **({"voltage": None} if isinstance(device, Stack) else {}))
        found.append(device)
    if junction is not None and not served:
        raise ValueError("--resistance and --tmr are for devices without a junction, and each has one; leave them out")
    if len(found) > 1 and (whole := [n for n, one in zip(names, found, strict=True) if isinstance(one, Circuit)]):
        raise ValueError(f"{whole[0]} is a circuit, and no part of one; give it alone, or give devices")
    return found


def _model(names: list[str], devices: list[Any], flags: list[str], parts: Mapping[str, str | None]) -> Circuit:
    """The circuit that is given, or the devices with a source, and a load where one is given."""
    if len(devices) == 1 and isinstance(devices[0], Circuit):
        if asked := [name for name, text in parts.items() if text is not None] + flags:
            raise ValueError(f"{names[0]} is a circuit already, with its source and its load; leave {asked[0]} out")
        return devices[0]
    if len(flags) > 1:
        raise ValueError("--series and --parallel contradict each other; give one of them")
    if len(devices) > 1 and not flags:
        raise ValueError(f"{len(devices)} devices can be connected in two ways; give --series or --parallel")
    text, inner, load = (parts[name] for name in ("--source", "--source-resistance", "--load"))
    if text is None:
        raise ValueError("this circuit has no source; give --source 5mA, or --source 1.75V")
    source = _source(text, inner)
    network = (Parallel if "--parallel" in flags else Series)(*devices)
    if load is not None:
        beside = Parallel if isinstance(source, CurrentSource) else Series
        network = beside(network, Resistor(quantity("--load", load, "Ω"), name=LOAD))
    return Circuit(source, network)


def _source(text: str, inner: str | None) -> CurrentSource | VoltageSource:
    try:
        volts = quantity("--source", text, "V")
    except ValueError:
        if inner is not None:
            raise ValueError(
                "--source-resistance is of a source of voltage; give --load to a source of current"
            ) from None
        try:
            return CurrentSource(quantity("--source", text, "A"))
        except ValueError as error:
            raise ValueError(f"{error}; or a voltage, such as 1.75V") from None
    return VoltageSource(volts, 0.0 if inner is None else quantity("--source-resistance", inner, "Ω"))


def _start(model: Circuit, seed: int) -> Any:
    """The start of the circuit, each direction turned by chance: what begins alike would only seem to be in step."""
    rng = np.random.default_rng(seed)

    def turned(node: Any) -> Any:
        if not isinstance(node, Vec3):
            return node
        m = np.array([float(part) for part in (node.x, node.y, node.z)]) + TILT / math.sqrt(2) * rng.normal(size=3)
        return dataclasses.replace(node, **dict(zip("xyz", (m / np.linalg.norm(m)).tolist(), strict=True)))

    return jax.tree.map(turned, model.start(), is_leaf=lambda node: isinstance(node, Vec3))


# ---- what is told


def _report(title: str, run: SystemTrajectory, seed: int, outputs: Outputs, json: bool) -> None:
    """Write the files, then tell."""
    with jax.enable_x64(True):
        found, told = synchronisation(run), _told(run.model, run)
    dtype = str(jax.tree.leaves(run.state)[0].dtype)
    record = run_record("circuit", device=run.model, seed=seed, dtype=dtype, command=command_line())
    record |= {"status": run.status.sentence, "synchronisation": found.to_json()} | told
    write_run(run, record, outputs)
    save_pictures(outputs, _pictures(run, found))
    if json:
        print_json(record | {"files": [str(file) for file in outputs.written()]})
        return
    print("\n".join([f"{title}: {run}", *_lines(run.model, found, told)]))
    for file in outputs.written():
        print(f"wrote {file}")


def _told(model: Circuit, run: SystemTrajectory) -> dict[str, Any]:
    """Mean current, voltage and resistance of each device, and the power into each resistor, of the second half."""
    half = last_half_of_system(run)

    def mean(name: str) -> float:
        return float(np.mean(np.asarray(half.signal(name).values)))

    found = {
        name: {what: mean(f"{name}.{what}") for what in ("current", "voltage", "resistance")} for name in model.devices
    }
    loads = {}
    for name, part in model.elements.items():
        if isinstance(part, Resistor):
            swing = np.asarray(half.signal(f"{name}.current").values)
            loads[name] = {"power": mean(f"{name}.power"), "alternating": float(part.resistance * np.var(swing))}
    return {"devices": found, "loads": loads}


def _lines(model: Circuit, found: Synchronisation, told: Mapping[str, Any]) -> list[str]:
    rows = []
    for place, signal in enumerate(found.signals):
        hertz, lag = found.frequencies[place], math.degrees(found.lags[place])
        moves = math.isfinite(hertz)
        owner = next(name for name in model.devices if signal.startswith(f"{name}."))
        means = told["devices"][owner]
        frequency = show(float(f"{hertz:.6g}"), "Hz") if moves else "at rest"
        driven = (_four(means["current"], "A"), _four(means["resistance"], "Ω"))
        rows.append((signal, frequency, f"{lag:+.1f}°" if moves else "", *driven))
    head = ("signal", "frequency", "lag", "mean current", "mean resistance")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    padded = (zip(row, widths, strict=True) for row in (head, *rows))
    table = ["  " + "  ".join(word.ljust(width) for word, width in row).rstrip() for row in padded]
    powers = [
        f"power into {name}: {_four(power['power'], 'W')}, of which alternating {_four(power['alternating'], 'W')} "
        f"({_dbm(power['alternating'])})"
        for name, power in told["loads"].items()
    ]
    return ["second half of the run:", *table, str(found), *powers]


def _four(value: float, unit: str) -> str:
    return show(float(f"{value:.4g}"), unit)


def _dbm(watts: float) -> str:
    return f"{10 * math.log10(watts / 1e-3):.1f} dBm" if watts > 0 else "none"


def _pictures(run: SystemTrajectory, found: Synchronisation) -> dict[str, Any]:
    from llgrad import plot

    output = "voltage" if isinstance(run.model.source, CurrentSource) else "current"
    seen = f"{LOAD}.voltage" if LOAD in run.model.elements else output
    return {
        "synchronisation": lambda: plot.synchronisation(found),
        "spectrum": lambda: plot.spectrum(last_half_of_system(run).signal(seen), title=f"Spectrum of {seen}"),
    }
