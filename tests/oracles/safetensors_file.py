"""Reads and writes safetensors files with numpy alone, so that Debian's python3 needs no package for it."""

import json
import struct

import numpy

DTYPES = {"F64": numpy.float64, "F32": numpy.float32, "F16": numpy.float16, "I64": numpy.int64, "I32": numpy.int32}
NAMES = {numpy.dtype(dtype): name for name, dtype in DTYPES.items()}


def read(path):
    """({name: array}, {key: text}) of the file's tensors and its metadata."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    data = memoryview(content)[8 + length :]
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
    return tensors, metadata


def write(path, tensors, metadata=None):
    """Writes {name: array}, widest elements first, so that all are aligned. Hugging Face wants the format "pt" named."""
    arrays = {name: numpy.ascontiguousarray(array).reshape(numpy.shape(array)) for name, array in tensors.items()}
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header = {"__metadata__": dict({"format": "pt"}, **(metadata or {}))}
    offset = 0
    for name in order:
        array = arrays[name]
        shape = list(array.shape)
        header[name] = {"dtype": NAMES[array.dtype], "shape": shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            file.write(arrays[name].tobytes())
