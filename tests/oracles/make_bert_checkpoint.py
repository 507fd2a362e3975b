"""Writes tests/golden/bert/checkpoint: a tiny random BERT as others write them (old names, float16, buffers, a
pretraining head), a vocabulary, texts, and the losses of five Adam steps on all texts at once, by transformers and torch
in double precision. Run from the repository's root; needs torch and transformers."""

import csv
import json
from pathlib import Path

import numpy
import torch
from torch.nn import functional
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

import safetensors_file

FOLDER = Path("tests/golden/bert/checkpoint")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "light", "is", "green", "red", "##ish", "##s", "eclair", "!",
         "日", "本", "light2"]
TEXTS = [("The light is green", "go"), ("the light is reddish!", "stop"), ("Éclairs", "go"), ("red", "stop"),
         ("日本 is green", "go"), ("the unknown light is red !", "stop"), ("green green greenish", "go"),
         ("the the the the the the the the the the the the the the", "stop")]
MAXIMUM = 12
CONFIG = {
    "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24, "num_hidden_layers": 2, "vocab_size": 20,
    "hidden_act": "gelu", "max_position_embeddings": MAXIMUM, "type_vocab_size": 2, "pad_token_id": 0,
    "hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.3, "id2label": {"0": "go", "1": "stop"},
    "label2id": {"go": 0, "stop": 1},
}
STEPS, LEARNING_RATE = 5, 1e-3


def stored_name(name):
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def write_checkpoint(model):
    tensors = {"bert.embeddings.position_ids": numpy.arange(MAXIMUM, dtype=numpy.int64)[None],
               "cls.predictions.bias": numpy.zeros(20, numpy.float32)}
    with torch.no_grad():
        for name, p in model.named_parameters():
            half = "layer.1" in name
            p.copy_(p.half() if half else p.float())
            tensors[stored_name(name)] = p.numpy().astype(numpy.float16 if half else numpy.float32)
    safetensors_file.write(FOLDER / "model.safetensors", tensors)
    config = dict(CONFIG, model_type="bert", architectures=["BertForPreTraining"])
    (FOLDER / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (FOLDER / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    tokenizer = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (FOLDER / "tokenizer_config.json").write_text(json.dumps(tokenizer) + "\n")
    with open(FOLDER / "texts.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(TEXTS)


def losses_of(model):
    tokenizer = BertTokenizer.from_pretrained(FOLDER)
    batch = tokenizer([text for text, _ in TEXTS], padding=True, truncation=True, max_length=MAXIMUM, return_tensors="pt")
    labels = torch.tensor([CONFIG["label2id"][label] for _, label in TEXTS])
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        loss = functional.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(batch["input_ids"])
    return losses


def main():
    torch.set_num_threads(1)
    torch.manual_seed(5)
    FOLDER.mkdir(parents=True, exist_ok=True)
    model = BertForSequenceClassification(BertConfig(**CONFIG, attn_implementation="eager")).double().eval()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(10 if p.dim() == 2 else 1)
    write_checkpoint(model)
    losses = losses_of(model)
    (FOLDER / "losses.json").write_text(json.dumps(losses) + "\n")
    print(losses)


if __name__ == "__main__":
    main()
