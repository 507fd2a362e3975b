"""Reads the event files of a folder with TensorBoard itself and prints what it found.

    python read_events.py snapshots/RUN/tensorboard      (with tensorboard from PyPI)
"""
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0, "tensors": 0})
events.Reload()
tags = events.Tags()
for tag in sorted(tags["scalars"]):
    values = events.Scalars(tag)
    print(f"{tag}: {len(values)} values, steps {values[0].step} to {values[-1].step}, the last {values[-1].value:.6g}")
for tag in sorted(tags["images"]):
    image = events.Images(tag)[-1]
    print(f"{tag}: image {image.width}x{image.height}, {len(image.encoded_image_string)} bytes")
for tag in sorted(tags["tensors"]):
    print(f"{tag}: {events.Tensors(tag)[-1].tensor_proto.string_val[0].decode()[:60]!r}")
