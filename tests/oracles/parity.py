"""Trains the reference Transformer in PyTorch from the same initial weights and on the same batches as Podium.

    parity.py --initial SNAPSHOT --batches STEPS.jsonl --validation BATCHES.jsonl --settings '{"clip_norm": 1}'
    parity.py --benchmark --threads 1

A line of STEPS.jsonl is one step: {"step": 1, "learning_rate": 1e-4, "source": [[ids]], "target_input": [[ids]],
"labels": [[ids]]}; it may hold "micro_batches": [{"source", ...}, ...] instead, whose gradients are added. A line of
the validation file is one batch of the same form without the first two. Files are read line by line. Runs with
Debian's python3-torch (1.13) and newer ones; --bf16 and --compile need a newer one.
"""

import argparse
import contextlib
import itertools
import json
import shutil
import statistics
import sys
import time
from pathlib import Path

import numpy
import torch
from torch.nn import functional as F

import safetensors_file
from reference_transformer import (
    IGNORED, ReferenceTransformer, clip_gradients, loss_sum, padded, weights_from_file, weights_to_file,
)

DEFAULTS = {
    "label_smoothing": 0.0, "adam_beta1": 0.9, "adam_beta2": 0.98, "adam_epsilon": 1e-9, "weight_decay": 0.0,
    "clip_norm": 0.0,
}
DROPOUTS = ("dropout", "attention_dropout", "activation_dropout")

# Workload (i): the default preset.
BENCHMARK_CONFIG = {
    "d_model": 128, "encoder_layers": 4, "decoder_layers": 4, "encoder_attention_heads": 8, "decoder_attention_heads": 8,
    "encoder_ffn_dim": 512, "decoder_ffn_dim": 512, "vocab_size": 8000, "decoder_vocab_size": 8000,
    "share_encoder_decoder_embeddings": False, "tie_word_embeddings": False, "activation_function": "relu",
    "scale_embedding": True, "max_position_embeddings": 1000, "dropout": 0.1, "attention_dropout": 0.1,
    "activation_dropout": 0.0, "eos_token_id": 0, "pad_token_id": 7999, "decoder_start_token_id": 7999,
}
BENCHMARK_PAIRS, BENCHMARK_LENGTH = 64, 40


def matmul_gflops():
    """Of one product. Debian's PyTorch runs on whatever libblas.so.3 is: the reference one makes no honest peer."""
    a, b = torch.rand(512, 512), torch.rand(512, 512)
    a @ b
    begin = time.perf_counter()
    for _ in range(5):
        a @ b
    gflops = 5 * 2 * 512**3 / (time.perf_counter() - begin) / 1e9
    if gflops < 10:
        print(f"warning: matrix products run at {gflops:.1f} GFLOP/s; install libopenblas0-pthread before you compare "
              "speeds", file=sys.stderr)
    return round(gflops, 1)


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def tensors_of(batch, config):
    """Padded source, target input and labels, and the number of target tokens and of all tokens."""
    source, target = padded(batch["source"], config["pad_token_id"]), padded(batch["target_input"], config["pad_token_id"])
    labels = padded(batch["labels"], IGNORED)
    target_tokens = sum(map(len, batch["labels"]))
    return (source, target, labels), target_tokens, target_tokens + sum(map(len, batch["source"]))


def micro_batches_of(line, count):
    """A step's micro-batches: its own, or `count` of like lengths, so that padding costs less. The sum is the same."""
    if "micro_batches" in line:
        return line["micro_batches"]
    if count == 1:
        return [line]
    order = sorted(range(len(line["source"])), key=lambda i: (len(line["source"][i]), len(line["labels"][i])))
    parts = [order[len(order) * i // count:len(order) * (i + 1) // count] for i in range(count)]
    return [{key: [line[key][i] for i in part] for key in ("source", "target_input", "labels")} for part in parts if part]


def make_optimizer(parameters, settings):
    """Adam (with weight decay AdamW) in the fastest form that this PyTorch has on a CPU."""
    kind = torch.optim.AdamW if settings["weight_decay"] else torch.optim.Adam
    options = dict(lr=0.0, betas=(settings["adam_beta1"], settings["adam_beta2"]), eps=settings["adam_epsilon"],
                   weight_decay=settings["weight_decay"])
    newer = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 4)
    return kind(parameters, **options, **({"fused": True} if newer else {"foreach": True}))


class Trainer:
    def __init__(self, model, settings, bf16, compiled):
        self.model, self.settings = model, settings
        self.parameters = list(model.parameters())
        self.optimizer = make_optimizer(self.parameters, settings)
        self.loss_sum = torch.compile(model) if compiled else model
        self.precision = lambda: torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext()

    def step(self, batches, learning_rate):
        """One update from a step's micro-batches; returns the mean loss and the number of all tokens."""
        prepared = [tensors_of(batch, self.model.config) for batch in batches]
        target_tokens = sum(tokens for _, tokens, _ in prepared)
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for tensors, _, _ in prepared:
            with self.precision():
                loss = self.loss_sum(*tensors, self.settings["label_smoothing"]) / target_tokens
            loss.backward()
            total += loss.item()
        self.model.zero_pad_gradients()
        if self.settings["clip_norm"] > 0:
            clip_gradients(self.parameters, self.settings["clip_norm"])
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.step()
        return total, sum(tokens for _, _, tokens in prepared)

    @torch.no_grad()
    def evaluate(self, batches):
        """Per target token, without dropout: nll, loss (with label smoothing), accuracy."""
        self.model.eval()
        nll = loss = correct = count = 0
        for batch in batches:
            (source, target, labels), target_tokens, _ = tensors_of(batch, self.model.config)
            with self.precision():
                logits = self.model.decode(target, *self.model.encode(source)).float()
            nll += loss_sum(logits, labels).item()
            loss += loss_sum(logits, labels, self.settings["label_smoothing"]).item()
            correct += (logits.argmax(-1) == labels).sum().item()
            count += target_tokens
        return {"nll": nll / count, "loss": loss / count, "accuracy": correct / count, "tokens": count}


def read_snapshot(folder, no_dropout):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["decoder_vocab_size"] = config.get("decoder_vocab_size") or config["vocab_size"]
    for key in DROPOUTS:
        config[key] = 0.0 if no_dropout else float(config.get(key, 0.0))
    tensors, _ = safetensors_file.read(folder / "model.safetensors")
    return config, tensors


def save_snapshot(model, initial, folder):
    """The trained weights beside the initial snapshot's config and tokenizer. Without a manifest: it is no snapshot of a
    run, but translates."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in initial.iterdir():
        about_tokens = "vocab" in file.name or "token" in file.name or file.suffix == ".spm"
        if file.is_file() and (file.name in ("config.json", "generation_config.json") or about_tokens):
            shutil.copyfile(file, folder / file.name)
    safetensors_file.write(folder / "model.safetensors", weights_to_file(model))


def read_settings(text):
    given = {}
    if text:
        given = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
    unknown = set(given) - set(DEFAULTS) - set(DROPOUTS)
    if unknown:
        raise SystemExit(f"--settings: unknown {sorted(unknown)}; known are {sorted(DEFAULTS) + list(DROPOUTS)}")
    return given


def new_model(config, arguments):
    """PyTorch's fused attention where it has one for a CPU: not with dropout."""
    fused = hasattr(F, "scaled_dot_product_attention") and not config["attention_dropout"]
    return ReferenceTransformer(config, fused)


def save_checkpoint(path, trainer, step):
    state = {"step": step, "model": trainer.model.state_dict(), "optimizer": trainer.optimizer.state_dict(),
             "random": torch.get_rng_state()}
    torch.save(state, path.with_suffix(".writing"))
    path.with_suffix(".writing").replace(path)


def load_checkpoint(path, trainer):
    """Steps done."""
    if not path or not path.exists():
        return 0
    state = torch.load(path)
    trainer.model.load_state_dict(state["model"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    return state["step"]


def train(arguments):
    given = read_settings(arguments.settings)
    config, tensors = read_snapshot(arguments.initial, arguments.no_dropout)
    if not arguments.no_dropout:
        config.update({key: given[key] for key in DROPOUTS if key in given})
    model = new_model(config, arguments)
    weights_from_file(model, tensors)
    settings = dict(DEFAULTS, **{key: value for key, value in given.items() if key in DEFAULTS})
    trainer = Trainer(model, settings, arguments.bf16, arguments.compile)
    done = load_checkpoint(arguments.checkpoint, trainer)
    mode = "a" if done else "w"
    with open(arguments.output, mode, encoding="utf-8") if arguments.output else contextlib.nullcontext(sys.stdout) as out:
        report = lambda line: print(json.dumps(line), file=out, flush=True)
        report({"torch": torch.__version__, "threads": torch.get_num_threads(), "matmul_gflops": matmul_gflops(),
                "settings": settings, "dropout": {key: config[key] for key in DROPOUTS}})
        for line in itertools.islice(read_lines(arguments.batches), done, arguments.steps):
            begin = time.perf_counter()
            loss, tokens = trainer.step(micro_batches_of(line, arguments.micro_batches), line["learning_rate"])
            seconds = time.perf_counter() - begin
            report({"step": line["step"], "loss": loss, "seconds": round(seconds, 6), "tokens": tokens})
            if arguments.checkpoint and line["step"] % 200 == 0:
                save_checkpoint(arguments.checkpoint, trainer, line["step"])
            if arguments.validate_every and line["step"] % arguments.validate_every == 0:
                report({"step": line["step"], "validation": trainer.evaluate(read_lines(arguments.validation))})
        if arguments.validation:
            report({"validation": trainer.evaluate(read_lines(arguments.validation))})
    if arguments.save:
        save_snapshot(model, arguments.initial, arguments.save)


def benchmark(arguments):
    """Random tokens of workload (i), without padding: the time of whole steps, batch preparation included."""
    config = dict(BENCHMARK_CONFIG, **({key: 0.0 for key in DROPOUTS} if arguments.no_dropout else {}))
    torch.manual_seed(1)
    trainer = Trainer(new_model(config, arguments), dict(DEFAULTS), arguments.bf16, arguments.compile)
    random = numpy.random.default_rng(1)
    seconds = []
    for step in range(arguments.warm_up + arguments.steps):
        rows = lambda: random.integers(1, 7999, (BENCHMARK_PAIRS, BENCHMARK_LENGTH)).tolist()
        batch = {"source": rows(), "target_input": rows(), "labels": rows()}
        begin = time.perf_counter()
        _, tokens = trainer.step([batch], 1e-4)
        if step >= arguments.warm_up:
            seconds.append(time.perf_counter() - begin)
    median = statistics.median(seconds)
    print(json.dumps({
        "torch": torch.__version__, "threads": torch.get_num_threads(), "matmul_gflops": matmul_gflops(),
        "bf16": arguments.bf16,
        "compile": arguments.compile, "fused_attention": trainer.model.model.encoder.layers[0].self_attn.fused,
        "steps": len(seconds), "ms_per_step": round(median * 1e3, 1), "least_ms": round(min(seconds) * 1e3, 1),
        "tokens_per_second": round(tokens / median),
    }))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--initial", type=Path, help="a snapshot's folder")
    parser.add_argument("--batches", help="training steps, JSON lines")
    parser.add_argument("--validation", help="validation batches, JSON lines")
    parser.add_argument("--validate-every", type=int, default=0, metavar="STEPS", help="beside the end")
    parser.add_argument("--settings", help=f"JSON or a file of it; keys: {', '.join(list(DEFAULTS) + list(DROPOUTS))}")
    parser.add_argument("--no-dropout", action="store_true")
    parser.add_argument("--micro-batches", type=int, default=1, help="that a step is cut into, sorted by length")
    parser.add_argument("--steps", type=int, help="at most; in a benchmark those timed (20)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="of dropout")
    parser.add_argument("--output", help="a file for the JSON lines; default: standard output")
    parser.add_argument("--checkpoint", type=Path, help="a file of every 200th step, from which it goes on; lines of steps "
                        "done twice stand twice in the output, the last counts")
    parser.add_argument("--save", type=Path, help="a folder for the trained weights")
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    parser.add_argument("--benchmark", action="store_true")
    parser.add_argument("--warm-up", type=int, default=3, help="steps of a benchmark that are not timed")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    if arguments.benchmark:
        arguments.steps = arguments.steps or 20
        benchmark(arguments)
    elif arguments.initial and arguments.batches:
        if arguments.validate_every and not arguments.validation:
            parser.error("--validate-every needs --validation")
        train(arguments)
    else:
        parser.error("--initial and --batches, or --benchmark, are needed")


if __name__ == "__main__":
    main()
