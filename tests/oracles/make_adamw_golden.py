"""Writes tests/golden/optimizer/adamw_groups.safetensors: ten steps of torch.optim.AdamW on a tiny model with parameter
groups (no decay of vectors, a slower part), a frozen layer, clipping by the norm and an exponential moving average of the
weights. Run from the repository's root."""

from pathlib import Path

import torch
from safetensors.torch import save_file

torch.manual_seed(7)
SHAPES = {"encoder.layers.0.fc1.weight": (6, 4), "encoder.layers.0.fc1.bias": (6,),
          "encoder.layers.0.final_layer_norm.weight": (4,), "encoder.layers.1.fc1.weight": (6, 4),
          "encoder.layers.1.fc1.bias": (6,), "decoder.fc.weight": (3, 6), "decoder.fc.bias": (3,)}
STEPS, RATE, DECAY, CLIP, AVERAGE = 10, 0.05, 0.1, 0.5, 0.9

weights = {name: torch.nn.Parameter(torch.randn(shape)) for name, shape in SHAPES.items()}
inputs, targets = torch.randn(STEPS, 8, 4), torch.randn(STEPS, 8, 3)
for name, parameter in weights.items():
    parameter.requires_grad = not name.startswith("encoder.layers.1.")


def loss(step):
    w = weights
    x = torch.nn.functional.layer_norm(inputs[step], (4,), w["encoder.layers.0.final_layer_norm.weight"])
    hidden = torch.tanh(x @ w["encoder.layers.0.fc1.weight"].T + w["encoder.layers.0.fc1.bias"])
    hidden = hidden + torch.tanh(x @ w["encoder.layers.1.fc1.weight"].T + w["encoder.layers.1.fc1.bias"])
    return ((hidden @ w["decoder.fc.weight"].T + w["decoder.fc.bias"] - targets[step]) ** 2).sum()


def decays(name):
    return not name.endswith(".bias") and "layer_norm" not in name


groups = []
for slow in (True, False):
    for decayed in (True, False):
        chosen = [p for n, p in weights.items() if n.startswith("decoder.") == slow and decays(n) == decayed]
        groups.append({"params": chosen, "lr": RATE * (0.5 if slow else 1), "weight_decay": DECAY if decayed else 0.0})
optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-9)

tensors = {"before." + name: p.detach().clone() for name, p in weights.items()}
average = {name: p.detach().clone() for name, p in weights.items()}
norms = []
for step in range(STEPS):
    optimizer.zero_grad()
    loss(step).backward()
    for name, p in weights.items():
        # What a model whose frozen part is not left out would have: anything.
        tensors[f"gradient.{step}.{name}"] = torch.full(SHAPES[name], 3.0) if p.grad is None else p.grad.clone()
    norms.append(torch.nn.utils.clip_grad_norm_(weights.values(), CLIP))
    optimizer.step()
    decay = min(AVERAGE, (1 + step + 1) / (10 + step + 1))
    for name, p in weights.items():
        average[name].lerp_(p.detach(), 1 - decay)
for name, p in weights.items():
    tensors["after." + name] = p.detach().clone()
    tensors["average." + name] = average[name]
tensors["norms"] = torch.stack(norms)
path = Path("tests/golden/optimizer/adamw_groups.safetensors")
path.parent.mkdir(parents=True, exist_ok=True)
save_file(tensors, path, {"format": "pt"})
print(path, path.stat().st_size, "bytes; norms", [round(float(n), 3) for n in norms])
