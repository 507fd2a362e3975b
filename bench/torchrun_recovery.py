"""Time from SIGKILL of a trainer to the next finished step under torchrun: workload (i) in PyTorch, data-parallel over
gloo, restarted by torchrun from the script's own checkpoint. The peer of recovery_bench.

    python bench/torchrun_recovery.py --kills 10
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ORACLES = Path(__file__).resolve().parent.parent / "tests" / "oracles"
DEADLINE = 60


def train(folder, checkpoint_every):
    """One rank, until it is killed."""
    import numpy
    import torch
    import torch.distributed
    from torch.nn.parallel import DistributedDataParallel

    sys.path.insert(0, str(ORACLES))
    import parity

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    (folder / f"process-{rank}").write_text(str(os.getpid()))
    torch.manual_seed(1)
    arguments = argparse.Namespace()
    model = parity.new_model(dict(parity.BENCHMARK_CONFIG), arguments)
    optimizer = parity.make_optimizer(list(model.parameters()), parity.DEFAULTS)
    step, checkpoint = 0, folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    parallel = DistributedDataParallel(model)
    generator = numpy.random.default_rng(rank)
    log = open(folder / "steps.jsonl", "a", buffering=1)
    while True:
        rows = lambda: generator.integers(1, 7999, (parity.BENCHMARK_PAIRS // size, parity.BENCHMARK_LENGTH)).tolist()
        tensors, target_tokens, _ = parity.tensors_of(
            {"source": rows(), "target_input": rows(), "labels": rows()}, model.config)
        model.train()
        optimizer.zero_grad(set_to_none=True)
        loss = parallel(*tensors, 0.0) / target_tokens
        loss.backward()
        model.zero_pad_gradients()
        optimizer.param_groups[0]["lr"] = 1e-4
        optimizer.step()
        step += 1
        if rank != 0:
            continue
        log.write(json.dumps({"process": os.getpid(), "step": step, "loss": loss.item()}) + "\n")
        if step % checkpoint_every == 0:
            beside = folder / "checkpoint.new"
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, beside)
            beside.replace(checkpoint)


class NoStep(Exception):
    pass


class Steps:
    """The lines of the step log, as they come."""

    def __init__(self, path):
        path.touch()
        self.path = path
        self.file, self.rest = open(path), ""

    def read(self):
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        return [json.loads(line) for line in lines]

    def wait(self, condition, torchrun):
        """The first line that fulfils it."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and torchrun.poll() is None:
            for line in self.read():
                if condition(line):
                    return line
            time.sleep(0.0005)
        words = (self.path.parent / "torchrun.txt").read_text()[-3000:]
        raise NoStep(f"no step came within {DEADLINE} s, or torchrun ended; it said:\n{words}")


def start(arguments, folder):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={arguments.workers}",
               f"--max-restarts={arguments.kills + 1}", __file__, "--train", str(folder),
               "--checkpoint-every", str(arguments.checkpoint_every)]
    output = open(folder / "torchrun.txt", "a")
    return subprocess.Popen(command, stdout=output, stderr=output, env=dict(os.environ, OMP_NUM_THREADS="1"))


def end(torchrun, folder):
    torchrun.kill()
    torchrun.wait()
    # Each of its processes has a session of its own, and outlives it.
    subprocess.run(["pkill", "-KILL", "-f", str(folder)], check=False)


def measure(arguments, folder):
    steps = Steps(folder / "steps.jsonl")
    begin = time.monotonic()
    torchrun = start(arguments, folder)
    first, further, lost, choose = [], [], 0, random.Random(1)
    try:
        steps.wait(lambda line: True, torchrun)
        started = time.monotonic() - begin
        for _ in range(arguments.kills):
            time.sleep(arguments.pause + choose.random())
            reached = max([line["step"] for line in steps.read()], default=0)
            processes = [int((folder / f"process-{rank}").read_text()) for rank in range(arguments.workers)]
            killed = time.monotonic()
            os.kill(choose.choice(processes), signal.SIGKILL)
            try:
                line = steps.wait(lambda line: line["process"] != processes[0], torchrun)
                recovered = time.monotonic() - killed
                if line["step"] <= reached:
                    steps.wait(lambda line: line["step"] > reached, torchrun)
                first.append(recovered)
                further.append(time.monotonic() - killed)
            except NoStep as error:
                lost += 1
                print(error, file=sys.stderr)
                end(torchrun, folder)
                torchrun = start(arguments, folder)
                steps.wait(lambda line: True, torchrun)
    finally:
        end(torchrun, folder)
    import torch
    print(f"torchrun, PyTorch {torch.__version__}, {arguments.workers} processes, one thread each, "
          f"a checkpoint every {arguments.checkpoint_every} steps")
    print(f"start to first finished step: {started:.2f} s; no step within {DEADLINE} s of a kill: {lost} of {arguments.kills}")
    for name, seconds in (("SIGKILL to next finished step", first), ("SIGKILL to the first step not done before", further)):
        print(f"{name}: median {statistics.median(seconds):.2f} s, best {min(seconds):.2f}, worst {max(seconds):.2f} "
              f"of {len(seconds)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--pause", type=float, default=2, help="seconds of training before each")
    parser.add_argument("--checkpoint-every", type=int, default=10, help="steps")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train(arguments.train, arguments.checkpoint_every)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments, Path(folder))


if __name__ == "__main__":
    main()
