"""Good files of instruments, small and made up: by the libraries that write them, or by bytes as their makers publish.

Those whose library is not there are left out.
"""

from __future__ import annotations

import functools
import importlib.util
import pathlib
import struct
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

SAMPLES = 40
T = -1e-9 + 1e-10 * np.arange(SAMPLES)
CODES = np.round(100 * np.sin(0.3 * np.arange(SAMPLES))).astype(np.int16)


@functools.cache
def recordings() -> dict[str, bytes]:
    """Files by their names."""
    found = {
        "sequence.trc": lecroy(3),
        "frames.wfm": tektronix(2),
        "internal.isf": isf(),
        "segments.bin": keysight(2),
        "classic.nc": _written("x.nc", _netcdf3),
    }
    for module, name, write in (
        ("h5py", "lab.h5", _hdf5),
        ("h5py", "matlab.mat", _matlab),
        ("nptdms", "labview.tdms", _tdms),
        ("h5netcdf", "qcodes.nc", _netcdf4),
    ):
        if importlib.util.find_spec(module) is not None:
            found[name] = _written(name, write)
    if importlib.util.find_spec("RigolWFM") is not None:
        found["rigol.bin"] = rigol()
    return found


def _written(name: str, write: Callable[[pathlib.Path], Any]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        write(path)
        return path.read_bytes()


def _hdf5(path: pathlib.Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        scope = file.create_group("scope")
        scope["time"] = T * 1e9
        scope["time"].attrs["units"] = "ns"
        scope["time"].make_scale("time")
        packed: dict[str, Any] = {"chunks": (16,), "compression": "gzip", "shuffle": True, "fletcher32": True}
        channel = scope.create_dataset("CH1", data=CODES.astype(np.float32), **packed)
        channel.attrs["units"] = "mV"
        channel.dims[0].attach_scale(scope["time"])
        scope["CH1"].attrs["instrument"] = "made up"
        file["note"] = "made up"


def _matlab(path: pathlib.Path) -> None:
    """As MATLAB writes version 7.3: a block of 512 bytes first, columns as rows, the class in an attribute."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in (("t", T), ("voltage", 1e-3 * CODES)):
            file[name] = values[None, :]
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        file["comment"] = np.array([[109], [97]], dtype=np.uint16)
        file["comment"].attrs["MATLAB_class"] = np.bytes_("char")
    content = bytearray(path.read_bytes())
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: made up HDF5 schema 1.00 ."
    content[:128] = head.ljust(124) + b"\x00\x02IM"
    path.write_bytes(bytes(content))


def _netcdf4(path: pathlib.Path) -> None:
    """As xarray writes data of QCoDeS: packed numbers with a scale and a value for what is missing."""
    import h5netcdf

    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"time": SAMPLES}
        time = file.create_variable("time", ("time",), data=T)
        time.attrs["units"] = "s"
        codes = CODES.copy()
        codes[-1] = -32768
        signal = file.create_variable("signal", ("time",), data=codes, fillvalue=np.int16(-32768))
        signal.attrs["units"] = "V"
        signal.attrs["scale_factor"] = 0.001
        signal.attrs["add_offset"] = 0.5


def _netcdf3(path: pathlib.Path) -> None:
    import scipy.io

    with scipy.io.netcdf_file(path, "w") as file:
        file.createDimension("time", SAMPLES)
        for name, kind, values, unit in (("time", "d", T, "s"), ("signal", "h", CODES, "mV")):
            variable = file.createVariable(name, kind, ("time",))
            variable[:] = values
            variable.units = unit


def _tdms(path: pathlib.Path) -> None:
    import nptdms

    said = {"wf_increment": 1e-10, "wf_start_offset": -1e-9, "unit_string": "Volts"}
    with nptdms.TdmsWriter(path) as writer:
        for half in (slice(0, 25), slice(25, SAMPLES)):
            writer.write_segment(
                [
                    nptdms.ChannelObject("scope", "AI0", 1e-3 * CODES[half], properties=said),
                    nptdms.ChannelObject("scope", "AI1", CODES[half], properties=said | {"unit_string": "mV"}),
                ]
            )


def lecroy(segments: int = 1, codes: np.ndarray = CODES, order: str = "<", unit: str = "V") -> bytes:
    """A trace of LeCroy, of the template LECROY_2_3, in 16 bit."""
    head = bytearray(346)
    starts = [-1e-9 - 1e-11 * k for k in range(segments)]

    def put(at: int, kinds: str, *values: Any) -> None:
        struct.pack_into(order + kinds, head, at, *values)

    put(0, "16s16s", b"WAVEDESC", b"LECROY_2_3")
    put(32, "hh", 1, int(order == "<"))
    put(36, "iiiiii", 346, 0, 0, 16 * segments if segments > 1 else 0, 0, 0)
    put(60, "i", 2 * codes.size * segments)
    put(76, "16s", b"MADE UP")
    put(116, "iiii", codes.size * segments, 0, 0, codes.size * segments - 1)
    put(144, "i", segments)
    put(156, "ff", 0.001, 0.25)
    put(174, "h", segments)
    put(176, "fd", 1e-10, starts[0])
    put(196, "48s48s", unit.encode(), b"S")
    put(344, "h", 1)
    pairs = struct.pack(f"{order}{2 * segments}d", *(x for s in starts for x in (0.0, s))) if segments > 1 else b""
    body = np.concatenate([codes + 1000 * k for k in range(segments)]).astype(f"{order}i2").tobytes()
    length = len(head) + len(pairs) + len(body)
    return f"#9{length:09d}".encode() + bytes(head) + pairs + body


def tektronix(frames: int = 1, version: int = 3, order: str = "<", codes: np.ndarray = CODES) -> bytes:
    """A waveform of Tektronix in 16 bit, with samples for interpolation before and behind those of each frame."""
    start, explicit, implicit = {1: (166, 156, 132), 2: (168, 156, 132), 3: (168, 160, 136)}[version]
    across = start + 2 * explicit
    curves = across + 2 * implicit + 24 + 24
    begin = curves + 30 + (frames - 1) * 54
    head = bytearray(begin)

    def put(at: int, kinds: str, *values: Any) -> None:
        struct.pack_into(order + kinds, head, at, *values)

    put(0, "H8s", 0x0F0F if order == "<" else 0xF0F0, b":WFM#00%d" % version)
    put(15, "Bi", 2, begin)
    put(40, "32s", b"made up")
    put(72, "I", frames - 1)
    put(122, "i", 2)
    put(142, "I", 1)
    put(start, "ddI20s", 0.001, 0.25, 0, b"V")
    put(start + 72, "ii", 0, 0)
    put(across, "ddI20s", 1e-10, -1e-9, codes.size, b"s")
    places = (0, 8, 8 + 2 * codes.size, 16 + 2 * codes.size, 16 + 2 * codes.size)
    for k in range(frames):
        at = curves if k == 0 else curves + 30 + (frames - 1) * 24 + (k - 1) * 30
        put(at + 10, "IIIII", *places)
        put(curves - 24 + 4 if k == 0 else curves + 30 + (k - 1) * 24 + 4, "d", 0.25 * k)
    kind = f"{order}i2"
    edge = np.full(4, 9999).astype(kind).tobytes()
    return bytes(head) + b"".join(edge + (codes + 1000 * k).astype(kind).tobytes() + edge for k in range(frames))


def isf(codes: np.ndarray = CODES, width: int = 2, long: bool = False) -> bytes:
    """A waveform of Tektronix in the internal format, in the short form of its keys or the long one."""
    short = (
        f":WFMP:BYT_N {width};BIT_N {8 * width};ENC BIN;BN_F RI;BYT_O MSB;"
        'WFI "Ch1, DC coupling, 100.0mV/div; 1GS/s";'
        f'NR_P {codes.size};PT_F Y;XUN "s";XIN 1.0E-10;XZE -1.0E-9;PT_O 0;YUN "V";YMU 1.0E-3;YOF -2.5E2;YZE 0.0;'
    )
    keys = ("BYT_N:BYT_NR", "BIT_N:BIT_NR", "ENC:ENCDG", "BN_F:BN_FMT", "BYT_O:BYT_OR", "WFI:WFID", "NR_P:NR_PT")
    keys += ("PT_F:PT_FMT", "XUN:XUNIT", "XIN:XINCR", "XZE:XZERO", "PT_O:PT_OFF", "YUN:YUNIT", "YMU:YMULT")
    keys += ("YOF:YOFF", "YZE:YZERO", ":WFMP:WFMPRE")
    for pair in keys if long else ():
        old, new = pair.rsplit(":", 1)
        short = short.replace(f"{old} " if old[0] != ":" else f"{old}:", f"{new} " if old[0] != ":" else f":{new}:")
    body = codes.astype(f">i{width}").tobytes()
    size = str(len(body))
    return (short + (":CURVE #" if long else ":CURV #") + f"{len(size)}{size}").encode() + body


def keysight(segments: int = 1, values: np.ndarray | None = None, cookie: bytes = b"AG10", unit: int = 1) -> bytes:
    """A recording of Keysight: two channels, each in segments."""
    numbers = (0.25 + 0.001 * CODES if values is None else values).astype("<f4")
    body = b""
    for k in range(segments):
        for channel in (b"CH1", b"CH2"):
            body += struct.pack("<IIIIIfddd", 140, 1, 1, numbers.size, 0, 4e-9, -1e-9, 1e-10, -1e-9)
            body += struct.pack("<II16s16s24s16sdI", 2, unit, b"", b"", b"MADE UP:1", channel, 1e-3 * k, k + 1)
            body += struct.pack("<IHH", 16 if cookie == b"AG03" else 12, 1, 4)
            body += struct.pack("<Q" if cookie == b"AG03" else "<I", numbers.nbytes) + numbers.tobytes()
    size = struct.pack("<Q" if cookie == b"AG03" else "<I", len(body) + (16 if cookie == b"AG03" else 12))
    return cookie + size + struct.pack("<I", 2 * segments) + body


def rigol(values: np.ndarray | None = None) -> bytes:
    """A waveform of a Rigol MSO5000 (RG01), which says the time of its first sample with the other sign."""
    numbers = (0.25 + 0.001 * CODES if values is None else values).astype("<f4")
    body = struct.pack("<IIIIIfddd", 140, 1, 1, numbers.size, 0, 4e-9, 1e-9, 1e-10, 1e-9)
    body += struct.pack("<II16s16s24s16sdI", 2, 1, b"", b"", b"MSO5074:1", b"CH1", 0.0, 0)
    body += struct.pack("<IHHI", 12, 1, 4, numbers.nbytes) + numbers.tobytes()
    return b"RG01" + struct.pack("<II", len(body) + 12, 1) + body
