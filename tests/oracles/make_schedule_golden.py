"""Writes tests/golden/optimizer/schedules.json: the learning rates of PyTorch's LambdaLR under transformers' schedules. Run
from the repository's root."""

import json
from pathlib import Path

import torch
from transformers import (get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup,
                          get_cosine_with_min_lr_schedule_with_warmup, get_inverse_sqrt_schedule,
                          get_linear_schedule_with_warmup, get_wsd_schedule)

PEAK, WARMUP, TOTAL, DECAY, STEPS, MINIMUM = 2e-3, 10, 110, 30, 130, 0.1


def entry(name, make, minimum=0.0, decay_steps=0, total=TOTAL):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = make(optimizer)
    rates = []
    for _ in range(STEPS + 1):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return {"name": name, "learning_rate": PEAK, "warmup_steps": WARMUP, "total_steps": total,
            "decay_steps": decay_steps, "minimum": minimum, "rates": rates}


def stable(decay, minimum):
    return lambda o: get_wsd_schedule(o, num_warmup_steps=WARMUP, num_decay_steps=DECAY, num_training_steps=TOTAL,
                                      decay_type=decay, min_lr_ratio=minimum)


entries = [
    entry("constant", lambda o: get_constant_schedule_with_warmup(o, WARMUP), total=0),
    entry("linear", lambda o: get_linear_schedule_with_warmup(o, WARMUP, TOTAL)),
    entry("inverse_square_root", lambda o: get_inverse_sqrt_schedule(o, WARMUP), total=0),
    entry("cosine", lambda o: get_cosine_schedule_with_warmup(o, WARMUP, TOTAL)),
    entry("cosine", lambda o: get_cosine_with_min_lr_schedule_with_warmup(o, WARMUP, TOTAL, min_lr_rate=MINIMUM),
          MINIMUM),
]
for ours, theirs in (("linear", "linear"), ("cosine", "cosine"), ("one_minus_square_root", "1-sqrt")):
    for minimum in (0.0, MINIMUM):
        entries.append(entry(f"warmup_stable_decay {ours}", stable(theirs, minimum), minimum, DECAY))

path = Path("tests/golden/optimizer/schedules.json")
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text("[\n" + ",\n".join(json.dumps(e) for e in entries) + "\n]\n")
print(path, path.stat().st_size, "bytes,", len(entries), "schedules")
