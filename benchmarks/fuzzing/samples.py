"""Good files of every kind that llgrad reads, small and made up."""

from __future__ import annotations

import functools
import gzip
import io
import json
import pathlib
import tempfile
from typing import NamedTuple

import jax
import numpy as np
import scipy.io

import llgrad as lg
from llgrad.core.files import write_npz
from llgrad.core.run_record import run_record
from llgrad.datasets.images.idx import idx_bytes

DATA = pathlib.Path(__file__).parents[2] / "tests" / "data"


class Sample(NamedTuple):
    """A good file."""

    name: str
    content: bytes


TEXTS = {
    "trace.csv": "# made up\nt (ns),mx,my,mz\n" + "".join(f"{0.1 * i:.1f},0.{i},0.5,-0.{9 - i}\n" for i in range(9)),
    "german.csv": "time [s]; voltage [mV]\n" + "".join(f"{i}e-11; {i},5\n" for i in range(8)),
    "scope.csv": "x-axis,1,2\nsecond,Volt,Volt\n-2E-09,,+1.00E-03\n-1E-09,+2.0E-03,+1.50E-03\n+0E-09,+3.0E-03,+2E-03\n",
    "tektronix.csv": (
        "Model,MDO4014B-3\nHorizontal Units,S\nSample Interval,4e-10\nRecord Length,3\nVertical Units,V\n,\nLabel,\n"
        "TIME,CH2\n-4.0e-10,3.25\n0,3.5\n4.0e-10,3.75\n"
    ),
    "rigol.csv": "X,CH1,Start,Increment,\nSequence,Volt,-6.0e-9,2.0e-9\n0,1.2e-01,,\n1,1.3e-01,,\n2,1.5e-01,,\n",
    "xinc.csv": "Type:,NORMAL\nPoints:,3\nXInc:,1e-9\nXOrg:,0\nData:\n0.1\n0.2\n0.3\n",
    "lecroy.csv": (
        "LECROYWM610Zi,12345,Waveform\nSegments,2,SegmentSize,2\nSegment,TrigTime,TimeSinceSegment1\n"
        "#1,14-Mar-2012 10:15:32,0\n#2,14-Mar-2012 10:15:33,1\nTime,Ampl\n-5e-09,0.0012\n-4e-09,0.0013\n"
        "-5e-09,0.0022\n-4e-09,0.0023\n"
    ),
    "beside.csv": (
        '"Record Length",4,"Points",0.0,0.25,\nSample Interval,4e-10,,4e-10,0.5,\nVertical Units,mV,,8e-10,0.75,\n'
        "Model Number,TDS2024C,,1.2e-9,1.0,\n"
    ),
    "mumax.txt": "# t (s)\tmx ()\tmy ()\tmz ()\n0\t1\t0\t0\n1e-12\t0.9\t0.1\t0\n2e-12\t0.8\t0.2\t0.1\n",
    "oommf.odt": (
        "# ODT 1.0\n# Table Start\n# Columns: {Evolver::Total energy} {Driver::mx} {Driver::Simulation time}\n"
        "# Units: {J} {} {s}\n1 0.5 1e-12\n2 0.6 2e-12\n# Table End\n"
    ),
    "labview.lvm": (
        "LabVIEW Measurement\t\nSeparator\tTab\nX_Columns\tNo\n***End_of_Header***\t\n\t\n"
        "Channels\t1\t\nSamples\t3\t\nY_Unit_Label\tVolts\t\nX_Dimension\tTime\t\nX0\t0.0E+0\t\nDelta_X\t1.0E-9\t\n***End_of_Header***\t\t\n"
        "X_Value\tSTO\tComment\n\t0.001\n\t0.002\n\t0.003\n"
    ),
    "cmtj.csv": "time;free_mx;free_my;free_mz;R_free;\n0;0.1;0;1;117;\n1e-12;0.2;0;1;118;\n2e-12;0.3;0;1;119;\n",
    "waveform.csv": "t (ns), current (mA)\n0, 0\n0.1, 1.5\n0.2, 2\n0.3, 0\n",
    "sweep.csv": (
        "H (Oe) 5 GHz;V (uV) 5 GHz;H (Oe) 6,2 GHz;V (uV) 6,2 GHz\n100;1;100;1\n200;2;200;2\n300;1;300;1\n400;0;400;0\n"
    ),
    "shared.csv": "field (mT),V_5GHz (uV),V_6GHz (uV)\n10,1,2\n20,2,3\n30,4,1\n40,1,1\n",
    "spectrum.csv": "RBW,1 MHz\nFrequency (GHz),P (dBm)\n1.0,-80\n1.1,-60\n1.2,-80\n1.3,-81\n",
    "density.csv": "f (GHz); S (nV²/Hz)\n1,0; 2\n1,1; 5\n1,2; 1\n",
    "keysight.csv": (
        "Trace\nSwept SA\nNumber of Points,4\nStart Frequency,1000000000\nStop Frequency,1003000000\nRBW,3000000\n"
        "RBW Filter,Gaussian\nVBW,3000\nAverage Type,LogPower(Video)\nDetector,Sample\nX Axis Units,Hz\n"
        "Y Axis Units,dBm\nDATA\n1000000000,-80\n1001000000,-70\n1002000000,-60\n1003000000,-70\n"
    ),
    "fsw.dat": (
        "Type;R&S FSW;\nRBW;100000;Hz\nx-Unit;Hz;\ny-Unit;dBm;\nTrace 1;;\nDetector;AUTOPEAK;\nValues; 3;\n"
        "1000000000;-70.3;-75.7\n1000100000;-60.5;-66.9\n1000200000;-72.0;-77.4\n"
    ),
    "peaks.csv": (
        "Current[mA],Field[Oe],Peak_freq[GHz],Peak_freq_err[MHz],Peak_power[nV2/Hz],Linewidth[MHz]\n"
        "2.5,150,0.16,1,2,20\n2.5,200,0.3,1,3,19\n2.5,250,0.44,2,9,18\n2.5,300,0.54,2,14,17\n"
    ),
    "frequencies.csv": "I (mA); f (GHz); error (MHz)\n1,5; 1,52; 2\n2; 1,61; 2\n2,5; 1,7; 3\n",
    "one.s1p": "! made up\n# MHz S DB R 75\n1000 -1 20\n2000 -3 40\n3000 -2 60\n",
    "two.s2p": "# GHz S MA R 50\n" + "".join(f"{f} 0.5 10 0.{f} 0 0.2 90 0.5 0\n" for f in (4, 3, 2, 1)),
    "y.s2p": "# GHz Y RI R 50\n1 1 0 -0.5 0 -0.5 0 1 0.1\n2 1 0 -0.5 0.1 -0.5 0.1 1 0\n0.5 1 0.3 20 0.1\n",
    "three.s3p": "# R 50\n" + "".join(f"{f} " + "0.1 10 0.2 20 0.3 30\n" * 3 for f in (1, 2)),
    "two.ts": (
        "[Version] 2.0\n# GHz Z RI R 50\n[Number of Ports] 2\n[Two-Port Data Order] 12_21\n[Number of Frequencies] 2\n"
        "[Reference] 50 75\n[Matrix Format] Lower\n[Network Data]\n1 50 0 10 0 60 1\n2 50 1 10 0 60 0\n[End]\n"
    ),
}


@functools.cache
def samples() -> tuple[Sample, ...]:
    """The good files."""
    found = [Sample(name, text.encode()) for name, text in TEXTS.items()]
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        _write(folder)
        found += [Sample(file.name, file.read_bytes()) for file in sorted(folder.iterdir())]
    return tuple(found)


def _write(folder: pathlib.Path) -> None:
    device = lg.presets.kubota2013().replace(junction=lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0))
    lg.save_device(folder / "device.json", device)
    lg.save_device(folder / "device.toml", device)
    (folder / "short.toml").write_text('type = "Oscillator"\n' + (folder / "device.toml").read_text().split("\n", 1)[1])
    with jax.enable_x64(False):
        network = lg.OscillatorClassifier.create(
            device, key=jax.random.key(0), shape=(2, 2), classes=2, oscillators=2, hold=0.2e-9, dt=25e-12
        )
        lg.networks.save_network(folder / "classifier.json", network)
        lg.networks.save_network(folder / "softmax.json", lg.networks.SoftmaxNetwork.create((2, 2), 2))
        lg.networks.save_design(folder / "design.json", network.design().with_images(1.0, "ab"))
    (folder / "fit.json").write_bytes((DATA / "fit_v1.json").read_bytes())
    (folder / "run.npz").write_bytes((DATA / "trajectory_v1.npz").read_bytes())
    np.savez(folder / "arrays.npz", t_ns=np.arange(6) * 0.1, voltage_mV=np.arange(6.0), m=np.full((6, 3), 3**-0.5))
    pixels = np.linspace(0, 255, 80).reshape(20, 2, 2).astype(np.uint8)
    np.savez_compressed(folder / "images.npz", images=pixels, labels=np.arange(20) % 2)
    record = run_record("checkpoint", dtype="float32") | {"place": {"step": 3, "epoch_steps": 5}}
    write_npz(folder / "checkpoint.npz", record, {"network.weights": np.ones((2, 2), np.float32)})
    scipy.io.savemat(folder / "trace.mat", {"t": np.arange(5) * 1e-9, "voltage": np.arange(5.0)})
    idx = idx_bytes(pixels)
    (folder / "images.idx").write_bytes(idx)
    (folder / "images.gz").write_bytes(gzip.compress(idx))
    metrics = [run_record("metrics"), {"step": 1, "loss": 0.5}, {"step": 2, "event": "checkpoint"}]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in metrics))


def arrays_of(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
