"""Every public function refuses an object of another kind, such as a run where a device belongs, in a sentence."""

import importlib.util
import inspect

import jax
import numpy as np
import pytest
from tests.networks.small import classifier, labelled

import llgrad as lg

JUNCTION = lg.devices.LinearJunction(R_P=1e3, delta_R=1e2)
BAR = lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.AHE(0.5)), length=2e-6, width=1e-6)
STO = lg.presets.kubota2013().replace(junction=JUNCTION)
RUN = lg.simulate(STO, duration=1e-10, dt=5e-12)
TRACE = lg.trace_of(RUN)
SPECTRUM = lg.observables.Spectrum(np.arange(1.0, 9.0), np.ones(8), "V²/Hz")
NETWORK, IMAGES = classifier(), labelled(6)
DESIGN = NETWORK.design()
WRONG = {"a device": STO, "a run": RUN, "a drive": lg.Drive(), "a number": 3.0, "None": None, "a dictionary": {"a": 1}}
KEY = jax.random.key(0)
MICROWAVE = lg.experiments.Microwave(current=1e-6)
TORCH = importlib.util.find_spec("torch") is not None
AIM, FREE = lg.minimise(lambda sto: sto.current**2), {"current": (0, "1mA")}

WITHOUT_ARGUMENTS = {preset.make.__module__ for preset in lg.presets.PRESETS.values()} | {lg.presets.names.__module__}
PUBLIC = {
    f"plot.{name}" if room is lg.plot else name: getattr(room, name)
    for room in (getattr(lg, room) for room in lg.ROOMS if room != "torch" or TORCH)
    for name in room.__all__
    if inspect.isfunction(getattr(room, name)) and getattr(room, name).__module__ not in WITHOUT_ARGUMENTS
}

# What each function is given, by its name where another kind is tried, and what else it needs.
GIVEN = {
    "accuracy_of_arrays": (
        {"design": DESIGN, "imperfections": lg.networks.Imperfections(), "images": IMAGES},
        {"key": KEY},
    ),
    "amplitude": ({"source": RUN}, {}),
    "amplitude_model": ({"device": STO}, {}),
    "default_start": ({"device": STO}, {}),
    "coloured_noise": ({"density": None, "key": KEY}, {"duration": 1e-9, "interval": 1e-11}),
    "dwell_times": ({"device": STO}, {}),
    "stream": ({"network": NETWORK}, {"piece": np.zeros((2, 4))}),
    "pulse_response": ({"design": DESIGN}, {"frame": [0.0], "height": [1.0]}),
    "plot.pulse_response": ({"before": None, "after": None}, {}),
    "switching": ({"device": STO, "pulse": lg.Drive()}, {"key": KEY}),
    "synchronisation": ({"run": STO}, {}),
    "telegraph": ({"source": RUN}, {}),
    "write_error_rate": ({"device": STO, "pulse": lg.Drive()}, {}),
    "equilibria": ({"device": STO}, {}),
    "follow": ({"device": STO}, {"parameter": "current", "start": 0.0, "stop": 1e-4}),
    "intervals": ({"result": None}, {}),
    "loop": ({"device": STO}, {"parameter": "current", "start": 0.0, "stop": 1e-4}),
    "lyapunov": ({"device": STO}, {"duration": 1e-9}),
    "orbit": ({"model": STO}, {}),
    "grid_search": ({"device": STO, "aim": AIM}, {"free": FREE, "points": 2}),
    "load_optimum": ({"path": "x.json"}, {}),
    "of_device": ({"function": None}, {}),
    "of_orbit": ({"what": None}, {}),
    "maximise": ({"what": None}, {}),
    "minimise": ({"what": None}, {}),
    "optimise": ({"device": STO, "aim": AIM, "free": FREE}, {}),
    "pareto_front": ({"device": STO, "aims": [AIM, AIM]}, {"free": FREE}),
    "harmonic_hall": ({"device": STO}, {"parameter": "field", "start": 0.1, "stop": 0.2, "current": 1e-3}),
    "aim_of_task": ({"task": None}, {}),
    "consistency": ({"reservoir": None}, {"signal": np.zeros(100)}),
    "driven_exponent": ({"reservoir": None}, {"signal": np.zeros(100)}),
    "memory_capacity": ({"reservoir": None, "task": None}, {}),
    "ranks": ({"reservoir": None}, {}),
    "tune": ({"reservoir": None, "aim": None}, {"free": {"gain": (0.1, 1.0)}}),
    "tuning_grid": ({"reservoir": None, "aim": None}, {"free": {"gain": (0.1, 1.0)}}),
    "at_resolution": ({"reservoir": None}, {"bits": 8}),
    "load_reservoir": ({"path": "x.json"}, {}),
    "save_reservoir": ({"path": "x.json", "reservoir": None}, {}),
    "contents": ({"path": None}, {}),
    "deembed": ({"data": None, "fixture": None}, {}),
    "read_loop": ({"path": None}, {}),
    "effective_fields": ({"along": None, "across": None}, {}),
    "resonance_map": ({"device": STO}, {"start": 0.1, "stop": 0.2, "frequencies": [1e9]}),
    "resonance": ({"device": STO}, {}),
    "spin_diode": ({"device": STO, "microwave": MICROWAVE}, {"fields": [0.1], "frequencies": [1e9]}),
    "thresholds": ({"device": STO}, {"parameter": "current", "start": 0.0, "stop": 1e-4}),
    "describe": ({"data": TRACE}, {}),
    "committee": ({"evaluations": None}, {}),
    "evaluate": ({"network": NETWORK, "images": IMAGES}, {}),
    "fit": ({"model": STO, "data": TRACE}, {"free": ["alpha"]}),
    "fit_each": ({"model": STO}, {"data": [TRACE], "free": ["alpha"]}),
    "fit_resonance": ({"sweeps": None}, {}),
    "fit_spin_diode": ({"device": STO, "sweeps": None}, {"free": ("alpha",), "microwave": MICROWAVE}),
    "frequencies_of": ({"spectra": [SPECTRUM]}, {"setting": "current", "values": [1e-3]}),
    "frequency": ({"source": RUN}, {}),
    "instantaneous_phase": ({"source": RUN}, {}),
    "line_width": ({"source": RUN}, {}),
    "linear_softmax": ({"data": None}, {}),
    "load_design": ({"path": "x.json"}, {}),
    "load_device": ({"name": "x.json"}, {}),
    "load_images": ({"name_or_path": "digits"}, {}),
    "load_map": ({"path": "x.npz"}, {}),
    "load_network": ({"path": "x.json"}, {}),
    "load_system": ({"name": "x.json"}, {"kind": lg.System}),
    "load_voltage": ({"run": RUN, "junction": JUNCTION, "load": 50.0}, {}),
    "longitudinal_resistance": ({"source": RUN, "bar": BAR}, {}),
    "transverse_resistance": ({"source": RUN, "bar": BAR}, {}),
    "peak_of": ({"spectrum": SPECTRUM}, {}),
    "phase": ({"source": RUN}, {}),
    "plan": ({"source": STO, "settings": {"current": [1e-3]}}, {"free": ["alpha"]}),
    "plot.branches": ({"found": None}, {}),
    "plot.capacity": ({"found": None}, {}),
    "plot.reservoir": ({"found": None}, {"task": None}),
    "plot.contents": ({"found": None}, {}),
    "plot.cycle": ({"orbit": None}, {}),
    "plot.equilibria": ({"found": None}, {}),
    "plot.fit": ({"result": None}, {}),
    "plot.front": ({"found": None}, {}),
    "plot.optimum": ({"result": None}, {}),
    "plot.sensitivities": ({"result": None}, {}),
    "plot.resonance_map": ({"found": None}, {}),
    "plot.harmonics": ({"found": None}, {}),
    "plot.loop": ({"found": None}, {}),
    "plot.distributions": ({"found": None}, {}),
    "plot.study_page": ({"found": None}, {}),
    "plot.wafer": ({"found": None}, {"name": "alpha"}),
    "study": ({"work": None}, {"folder": "x"}),
    "load_study": ({"folder": None}, {}),
    "plot.history": ({"result": None}, {}),
    "plot.orbit": ({"source": RUN}, {}),
    "plot.phase_diagram": ({"found": None}, {}),
    "plot.switching": ({"found": None}, {}),
    "plot.synchronisation": ({"found": None}, {}),
    "plot.telegraph": ({"found": None}, {}),
    "plot.phase_noise": ({"orbit": None}, {}),
    "plot.report": ({"result": None}, {}),
    "plot.save": ({"figure": None}, {"path": "x.png"}),
    "plot.save_report": ({"text": "", "path": "x.html"}, {}),
    "plot.settings": ({"before": None, "after": None}, {}),
    "plot.spectrum": ({"source": RUN}, {}),
    "plot.sweep": ({"found": None}, {}),
    "plot.trace": ({"source": RUN}, {}),
    "posterior": ({"result": None}, {"key": KEY}),
    "profile": ({"result": None}, {"name": "alpha"}),
    "read_frequencies": ({"path": "x.csv"}, {}),
    "read_orbit_table": ({"path": "x.csv"}, {}),
    "read_signals": ({"path": None}, {}),
    "read_spectrum": ({"path": "x.csv"}, {}),
    "read_sweeps": ({"path": "x.csv"}, {}),
    "read_targets": ({"path": None}, {}),
    "read_touchstone": ({"path": "x.s2p"}, {}),
    "read_trace": ({"path": "x.csv"}, {}),
    "read_waveform": ({"path": "x.csv"}, {}),
    "resistance": ({"run": RUN, "junction": JUNCTION}, {}),
    "resume": ({"run": "folder", "data": None}, {}),
    "save_design": ({"path": "x.json", "design": DESIGN}, {}),
    "save_device": ({"path": "x.json", "device": STO}, {}),
    "save_network": ({"path": "x.json", "network": NETWORK}, {}),
    "segments": ({"trace": TRACE, "length": 2e-11}, {}),
    "simulate": ({"model": STO, "drive": lg.Drive()}, {"duration": 1e-10}),
    "spectrum": ({"source": RUN}, {}),
    "sweep": ({"model": STO}, {"parameters": {"current": [1e-3, 2e-3]}}),
    "suggest_dt": ({"model": STO, "drive": lg.Drive()}, {}),
    "torque_at": ({"device": STO, "m": (0.0, 0.0, 1.0)}, {}),
    "trace_of": ({"run": RUN, "columns": ("mx",)}, {}),
    "train": ({"network": NETWORK, "data": None, "recipe": lg.Recipe(epochs=1, batch=2)}, {}),
    "voltage": ({"run": RUN, "junction": JUNCTION}, {}),
    "write_trace": ({"path": "x.csv", "trace": TRACE}, {}),
}
if TORCH:
    GIVEN |= {
        "from_network": ({"network": NETWORK}, {}),
        "function": ({"of_arrays": None}, {}),
        "to_design": ({"model": None}, {}),
        "to_jax": ({"tensor": None}, {}),
        "to_torch": ({"array": None}, {}),
    }
OF_NUMBERS = {"between", "dipolar_tensors", "direction", "ellipse", "ellipse_volume", "positive", "prism_factors"}
OF_NUMBERS |= {"keep_apart", "effective_fields_in_plane"}
OF_NUMBERS |= {"capacity_aim", "information_capacity", "mackey_glass", "narma", "parity", "short_term_memory"}
OF_NUMBERS |= {"correlations", "population", "sine_square"}
OF_NUMBERS |= {"dipole_tensor", "ellipse_tensor", "prism_tensor", "quantity", "table", "unbounded", "vector"}
OF_NUMBERS |= {
    f"plot.{name}" for name in ("confusion", "examples", "learning_curves", "predictions", "response", "signal_course")
}
# Where a kind of WRONG is right: None leaves an optional argument out, and so on.
RIGHT = {
    *((name, argument, "None") for name in ("voltage", "resistance", "load_voltage") for argument in ("junction",)),
    ("load_voltage", "load", "a number"),
    ("segments", "length", "a number"),
    ("plot.settings", "before", "None"),
    ("plot.pulse_response", "before", "None"),
    *((name, "source", "a run") for name in ("amplitude", "frequency", "instantaneous_phase", "line_width", "phase")),
    *((name, "source", "a run") for name in ("spectrum", "plot.orbit", "plot.spectrum", "plot.trace")),
    *((f"{name}_resistance", "source", "a run") for name in ("longitudinal", "transverse")),
    *((name, "run", "a run") for name in ("voltage", "resistance", "load_voltage", "trace_of")),
    *((name, "model", "a device") for name in ("simulate", "fit", "fit_each", "suggest_dt")),
    *((name, "drive", kind) for name in ("simulate", "suggest_dt") for kind in ("a drive", "None")),
    ("default_start", "device", "a device"),
    *((name, "model", "a device") for name in ("orbit", "sweep")),
    *((name, "device", "a device") for name in ("grid_search", "optimise", "pareto_front")),
    ("trace_of", "columns", "None"),
    ("amplitude_model", "device", "a device"),
    *((name, "device", "a device") for name in ("resonance_map", "spin_diode")),
    *((name, "device", "a device") for name in ("equilibria", "follow", "loop", "lyapunov", "resonance", "thresholds")),
    *((name, "device", "a device") for name in ("torque_at", "save_device")),
    ("fit", "data", "a run"),
    ("plan", "source", "a device"),
}
CASES = [
    (name, argument, kind)
    for name, (objects, _) in GIVEN.items()
    for argument in objects
    for kind in WRONG
    if (name, argument, kind) not in RIGHT
]


@pytest.mark.parametrize(("name", "argument"), sorted({(name, argument) for name, argument, _ in CASES}))
def test_an_object_of_another_kind_is_refused(name, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function = PUBLIC[name]
    objects, others = GIVEN[name]
    for kind in [kind for one, other, kind in CASES if (one, other) == (name, argument)]:
        with pytest.raises(ValueError, match=r".{20}") as raised:
            function(**(objects | {argument: WRONG[kind]}), **others)
        said = str(raised.value)
        assert "\n" not in said and (";" in said or "expected" in said or "needs" in said), (kind, said)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("function", [lg.observables.voltage, lg.observables.resistance, lg.observables.load_voltage])
def test_a_run_and_a_device_that_change_places(function):
    with pytest.raises(
        ValueError, match=r"run is an Oscillator, expected a Trajectory; give \(run, junction\), the run"
    ):
        function(STO, RUN)
    with pytest.raises(
        ValueError, match="junction is an Oscillator, expected a Junction; leave it out where the device"
    ):
        function(RUN, STO)


def test_every_public_function_is_in_the_table():
    assert {*PUBLIC} == {*GIVEN} | OF_NUMBERS
