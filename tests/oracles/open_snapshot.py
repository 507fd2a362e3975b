"""Opens a snapshot's folder with transformers.MarianMTModel and MarianTokenizer, as anybody would, and prints what they
make of some sentences: token ids, logits, greedy translations. Any warning while opening is a failure.

    python tests/oracles/open_snapshot.py snapshots/latest --sentences lines.txt --golden tests/golden/...safetensors

Each line of the file is a source, or source, tab, target; the logits are those of the target, else of the translation.
"""

import argparse
import json
import logging
import sys
import warnings
from pathlib import Path

import numpy
import torch
import transformers
from transformers import MarianMTModel, MarianTokenizer

import safetensors_file

DEFAULT_SENTENCES = ["muitas pessoas vieram à estação."]


class Complaints(logging.Handler):
    """Collects what transformers warns about."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def open_folder(folder):
    """The model in evaluation mode and the tokenizer; stops when anything about the folder is odd."""
    if not Path(folder, "config.json").is_file():
        raise SystemExit(f"{folder}: no config.json there")
    complaints = Complaints()
    logging.getLogger("transformers").addHandler(complaints)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, info = MarianMTModel.from_pretrained(folder, output_loading_info=True, local_files_only=True)
        tokenizer = MarianTokenizer.from_pretrained(folder, local_files_only=True)
    problems = [f"{kind}: {sorted(map(str, found))}" for kind, found in info.items() if found] + complaints.lines
    problems += [str(w.message) for w in caught if "sacremoses" not in str(w.message)]
    vocabularies = [tokenizer.encoder] + ([tokenizer.target_encoder] if tokenizer.separate_vocabs else [])
    for vocabulary in vocabularies:
        if sorted(vocabulary.values()) != list(range(model.config.vocab_size)):
            problems.append(f"a vocabulary of {len(vocabulary)} pieces does not number 0 to {model.config.vocab_size - 1}")
    pad = model.config.vocab_size - 1
    if not pad == tokenizer.pad_token_id == model.config.pad_token_id == model.config.decoder_start_token_id:
        problems.append(f"pad and the decoder's start are not the last id, {pad}, everywhere")
    if not 0 == tokenizer.eos_token_id == model.config.eos_token_id:
        problems.append("eos is not 0 everywhere")
    for table in (model.get_encoder().embed_tokens, model.get_decoder().embed_tokens):
        if table.weight[pad].any():
            problems.append("the padding row of an embedding table is not zero")
    if problems:
        raise SystemExit(f"{folder}: " + "\n".join(problems))
    return model.eval(), tokenizer


def read_lines(path):
    lines = Path(path).read_text(encoding="utf-8").splitlines() if path else DEFAULT_SENTENCES
    return [tuple(line.split("\t")[:2]) if "\t" in line else (line, None) for line in lines]


@torch.no_grad()
def examine(model, tokenizer, source, target, max_tokens):
    """One sentence alone, so without padding."""
    encoded = tokenizer([source], return_tensors="pt")
    generated = model.generate(**encoded, num_beams=1, do_sample=False, max_length=None, max_new_tokens=max_tokens)[0, 1:]
    labels = generated.tolist() if target is None else tokenizer(text_target=target)["input_ids"]
    output = model(**encoded, labels=torch.tensor([labels]))
    return {
        "source": source,
        "source_ids": encoded["input_ids"][0].tolist(),
        "label_ids": labels,
        "loss": output.loss.item(),
        "logits": output.logits[0],
        "greedy_ids": generated.tolist(),
        "translation": tokenizer.decode(generated, skip_special_tokens=True),
    }


def write_golden(path, results, config, columns):
    """Packed, one sentence after the other, as in tests/golden/model; logits of at most `columns` evenly spaced ids."""
    vocabulary = config.decoder_vocab_size
    kept = numpy.unique(numpy.linspace(0, vocabulary - 1, min(columns, vocabulary)).round().astype(numpy.int32))
    pad = config.decoder_start_token_id
    tensors = {"logits.columns": kept}
    for name, lists in {
        "input.source": [r["source_ids"] for r in results],
        "input.target_input": [[pad] + r["label_ids"][:-1] for r in results],
        "input.labels": [r["label_ids"] for r in results],
        "generate.tokens": [r["greedy_ids"] for r in results],
    }.items():
        tensors[name] = numpy.array(sum(lists, []), numpy.int32)
    for name, key in (("input.source_length", "source_ids"), ("input.target_length", "label_ids"),
                      ("generate.length", "greedy_ids")):
        tensors[name] = numpy.array([len(r[key]) for r in results], numpy.int32)
    tensors["logits"] = torch.cat([r["logits"] for r in results]).numpy()[:, kept]
    metadata = {key: json.dumps([r[key] for r in results], ensure_ascii=False) for key in ("source", "translation")}
    safetensors_file.write(path, tensors, metadata)


def printable(result):
    """As JSON: of each row of logits the five best ids and their values."""
    best = result["logits"].topk(min(5, result["logits"].shape[-1]))
    rows = [dict(zip(map(str, ids), (round(v, 5) for v in values)))
            for ids, values in zip(best.indices.tolist(), best.values.tolist())]
    return dict(result, logits=rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--sentences", help="a file of lines; default: one sentence")
    parser.add_argument("--golden", help="write ids, logits and translations to this safetensors file")
    parser.add_argument("--columns", type=int, default=256, help="ids of each row of logits kept in --golden")
    parser.add_argument("--max-tokens", type=int, default=100, help="of a translation")
    arguments = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    model, tokenizer = open_folder(arguments.folder)
    results = [examine(model, tokenizer, *line, arguments.max_tokens) for line in read_lines(arguments.sentences)]
    if arguments.golden:
        write_golden(arguments.golden, results, model.config, arguments.columns)
    summary = {"transformers": transformers.__version__, "tensors": len(model.state_dict()),
               "parameters": model.num_parameters(), "sentences": [printable(r) for r in results]}
    json.dump(summary, sys.stdout, ensure_ascii=False, indent=1)
    print()


if __name__ == "__main__":
    main()
