#!/usr/bin/env bash
# Trains a tiny translator of number words, opens its snapshot with transformers, and keeps what that made of it:
#   PYTHON=... tests/oracles/make_snapshot_golden.sh      (needs torch, transformers and sentencepiece from PyPI)
# Fails when Podium's own translations of the same lines differ from MarianMTModel's. Vocabularies are not kept (240 KB each).
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d) golden=tests/golden/trained
trap 'rm -rf "$work"' EXIT
awk 'BEGIN { srand(7); split("zero um dois três quatro cinco seis sete oito nove", pt, " "); split("zero one two three four five six seven eight nine", en, " ")
  for (i = 0; i < 900; ++i) { a = b = ""; n = 1 + int(rand() * 6); for (j = 0; j < n; ++j) { d = 1 + int(rand() * 10); a = a (j ? " " : "") pt[d]; b = b (j ? " " : "") en[d] } print a "\t" b } }' \
  | sort -u > "$work/pairs.tsv"
touch "$work/none.yaml"
build/release/bin/trainer --settings "$work/none.yaml" --preset "" --run_name tiny --dataset.train "$work/pairs.tsv" --dataset.validation_fraction 0.1 \
  --snapshots.folder "$work" --vocabulary.size 28 --model.embedding_size 16 --model.heads 2 --model.feed_forward_size 32 \
  --model.encoder_layers 1 --model.decoder_layers 2 --model.maximum_positions 64 --dataset.maximum_tokens 64 --validation.maximum_tokens 64 --schedule.name constant --schedule.learning_rate 0.004 \
  --schedule.warmup_steps 50 --training.max_steps 600 --training.epochs 0 --validation.every_epochs 0
awk 'NR % 60 == 1' "$work/pairs.tsv" > "$work/lines.tsv"
rm -rf "$golden" && mkdir -p "$golden"
"$PYTHON" tests/oracles/open_snapshot.py "$work/latest" --sentences "$work/lines.tsv" --golden "$golden/marian.safetensors" > "$work/transformers.json"
cp "$work/latest/"{config.json,model.safetensors} "$golden"
cut -f1 "$work/lines.tsv" | build/release/bin/test --weights "$work/latest" > "$work/podium.txt"
"$PYTHON" - "$work" <<'PY'
import json, sys
theirs = [s["translation"] for s in json.load(open(sys.argv[1] + "/transformers.json"))["sentences"]]
ours = open(sys.argv[1] + "/podium.txt", encoding="utf-8").read().splitlines()
references = [line.rstrip("\n").split("\t")[1] for line in open(sys.argv[1] + "/lines.tsv", encoding="utf-8")]
print(f"{len(ours)} translations, {sum(a == b for a, b in zip(ours, references))} right")
assert ours == theirs, list(zip(ours, theirs))
PY
