"""Writes tests/golden/snapshot/tiny.safetensors with the safetensors package: every type that Podium reads, a scalar, an
empty tensor, a name that JSON escapes. Run from the repository's root."""

from pathlib import Path

import torch
from safetensors.torch import save_file

tensors = {
    "encoder.weight": torch.tensor([[0.5, -1.25, 3.0], [1e-3, -0.0, 7.0]]),
    "encoder.half": torch.tensor([0.5, -1.25, 3.0], dtype=torch.float16),
    "encoder.brain": torch.tensor([[0.5], [-1.25], [3.0]], dtype=torch.bfloat16),
    "step": torch.tensor(1234567890123),
    "ids": torch.tensor([-7, 8], dtype=torch.int32),
    "double": torch.tensor([0.1], dtype=torch.float64),
    "mask": torch.tensor([0, 1, 2, 254, 255], dtype=torch.uint8),
    "empty": torch.zeros(0, 4),
    'quoted "ção"\n': torch.tensor([2.5]),
}
path = Path("tests/golden/snapshot/tiny.safetensors")
path.parent.mkdir(parents=True, exist_ok=True)
save_file(tensors, path, {"format": "pt"})
print(path, path.stat().st_size, "bytes")
