#!/usr/bin/env bash
# Trains the same model here and in PyTorch: the same initial weights, the same batches (`make parity`).
#   1. without dropout: each of the first 100 losses agrees within 1e-4, relatively
#   2. with dropout, after the same STEPS steps: validation loss within 2%, BLEU of the validation set within 1 point
# BIN: a folder with the programs. PYTHON: an interpreter with torch and numpy (Debian's python3-torch will do). THREADS: for both.
# PRESET, STEPS: of the second part; the tutorial in full: PRESET=tutorial STEPS=10320 (hours). MICRO_BATCHES: that PyTorch cuts a step
# into, by length: less padding, the same sum.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-/usr/bin/python3} STEPS=${STEPS:-1500} THREADS=${THREADS:-2}
PRESET=${PRESET:-quickstart} MICRO_BATCHES=${MICRO_BATCHES:-1}
bin=${BIN:-build/release/bin} work=build/parity corpus=data/libreoffice-help/validation.pt-en.tsv
rm -rf "$work" && mkdir -p "$work"

train() {  # NAME STEPS [options]: Podium's run and the files that PyTorch needs
  local name=$1 steps=$2; shift 2
  "$bin/trainer" "$@" --run_name "$name" --training.max_minutes 0 --training.max_steps "$steps" --training.epochs 0 \
    --snapshots.folder "$work" --snapshots.every_steps 0 --snapshots.every_epochs 0 --snapshots.keep_last 0 \
    --validation.every_steps 0 --validation.every_epochs 0 --validation.bleu_sentences 0 --progress.samples 0 \
    --progress.step_log "$work/$name.podium.jsonl" --device.threads "$THREADS"
  "$bin/training_batches" "$work/$name.steps.jsonl" "$work/$name.validation.jsonl" "$steps" "$@"
}
torch() {  # NAME [options]
  local name=$1; shift
  "$PYTHON" tests/oracles/parity.py --initial "$work/$name/step-000000" --batches "$work/$name.steps.jsonl" \
    --validation "$work/$name.validation.jsonl" --threads "$THREADS" --micro-batches "$MICRO_BATCHES" --save "$work/$name-torch" --output "$work/$name.torch.jsonl" "$@"
}
bleu() { "$bin/test" --weights "$1" --input <(cut -f1 "$corpus") --score <(cut -f2 "$corpus"); }

echo "== 1. without dropout, 100 steps of the tutorial preset"
train exact 100 --preset tutorial --model.dropout 0 --model.attention_dropout 0
torch exact --no-dropout
echo "== 2. with dropout, $STEPS steps with the schedule of $PRESET"
train dropout "$STEPS" --preset "$PRESET" --training.label_smoothing 0
torch dropout
latest=$(ls -d "$work"/dropout/step-* | tail -n 1)
bleu "$latest" > "$work/bleu.podium"
bleu "$work/dropout-torch" > "$work/bleu.torch"

"$PYTHON" - "$work" "$latest" <<'PY'
import json, re, sys
work, latest = sys.argv[1:]
lines = lambda name: [json.loads(line) for line in open(f"{work}/{name}")]
ours = {l["step"]: l["loss"] for l in lines("exact.podium.jsonl")}
theirs = {l["step"]: l["loss"] for l in lines("exact.torch.jsonl") if "step" in l}
assert sorted(ours) == sorted(theirs) == list(range(1, 101)), "100 losses each were expected"
worst = max(abs(ours[s] - theirs[s]) / theirs[s] for s in ours)
validation = json.load(open(f"{latest}/trainer_state.json"))["validations"][-1]
torch_validation = next(l["validation"] for l in lines("dropout.torch.jsonl") if "validation" in l)
loss, torch_loss = validation["loss"], torch_validation["nll"]
scores = {side: float(re.search(r" = ([0-9.]+) ", open(f"{work}/bleu.{side}").read()).group(1)) for side in ("podium", "torch")}
seconds = sorted(l["seconds"] for l in lines("dropout.torch.jsonl") if "seconds" in l)
checks = [
    (f"first 100 losses, no dropout: largest relative difference {worst:.1e} (allowed 1e-4)", worst <= 1e-4),
    (f"validation loss, dropout: Podium {loss:.4f}, PyTorch {torch_loss:.4f} (allowed 2%)", abs(loss - torch_loss) <= 0.02 * torch_loss),
    (f"BLEU, dropout: Podium {scores['podium']:.1f}, PyTorch {scores['torch']:.1f} (allowed 1)", abs(scores["podium"] - scores["torch"]) <= 1),
]
print(f"validation accuracy: Podium {validation['accuracy']:.4f}, PyTorch {torch_validation['accuracy']:.4f}")
print(f"PyTorch {lines('dropout.torch.jsonl')[0]['torch']}")
for text, holds in checks:
    print(("holds: " if holds else "FAILS: ") + text)
sys.exit(not all(holds for _, holds in checks))
PY
