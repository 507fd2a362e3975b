"""Writes tests/golden/bert/*.safetensors: tiny random BertForSequenceClassification models of transformers with their
logits, probabilities, losses, gradients and ten Adam steps, computed in double precision. Run from the repository's
root; needs torch, transformers and numpy."""

import copy
import json
from pathlib import Path

import numpy
import torch
from torch.nn import functional
from transformers import BertConfig, BertForSequenceClassification

import safetensors_file

FOLDER = Path("tests/golden/bert")
LENGTHS = [4, 1, 9, 6, 2, 12]
STEPS, LEARNING_RATE, CLIP_NORM = 10, 1e-3, 1.0


def configuration(width, heads, hidden, layers, vocabulary, activation, epsilon, labels, multi_label):
    return {
        "hidden_size": width, "num_attention_heads": heads, "intermediate_size": hidden, "num_hidden_layers": layers,
        "vocab_size": vocabulary, "hidden_act": activation, "layer_norm_eps": epsilon, "max_position_embeddings": 12,
        "type_vocab_size": 2, "pad_token_id": 0, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        "classifier_dropout": 0.0, "id2label": {str(i): f"label {i}" for i in range(labels)},
        "label2id": {f"label {i}": i for i in range(labels)},
        "problem_type": "multi_label_classification" if multi_label else "single_label_classification",
    }


# Name: configuration, label smoothing, class weights.
VARIANTS = {
    "single": (configuration(16, 2, 24, 2, 30, "gelu", 1e-12, 4, False), 0.0, []),
    "smoothed": (configuration(24, 4, 20, 1, 23, "silu", 1e-5, 3, False), 0.1, []),
    "weighted": (configuration(8, 1, 12, 1, 19, "relu", 1e-12, 3, False), 0.0, [0.5, 2.0, 1.25]),
    "multi": (configuration(16, 2, 24, 2, 30, "gelu", 1e-12, 5, True), 0.0, []),
    "multi_weighted": (configuration(8, 2, 12, 1, 19, "gelu", 1e-12, 3, True), 0.1, [0.5, 2.0, 1.25]),
}


def random_model(config, generator):
    """Weights large enough that activations and gradients are of order one."""
    model = BertForSequenceClassification(BertConfig(**config, attn_implementation="eager")).double().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator, dtype=torch.float32)
            if name.endswith("LayerNorm.weight"):
                p.copy_(1 + 0.3 * noise)
            elif p.dim() == 1:
                p.copy_(0.2 * noise)
            else:
                p.copy_(1.3 * noise * p.shape[1] ** -0.5)
        model.bert.embeddings.word_embeddings.weight[0] = 0
    return model


class Batch:
    def __init__(self, config, generator):
        vocabulary, labels = config["vocab_size"], len(config["id2label"])
        self.multi_label = config["problem_type"].startswith("multi")
        self.rows = [torch.randint(1, vocabulary, (n,), generator=generator).tolist() for n in LENGTHS]
        self.tokens = torch.zeros(len(LENGTHS), max(LENGTHS), dtype=torch.long)
        self.mask = torch.zeros_like(self.tokens)
        for i, row in enumerate(self.rows):
            self.tokens[i, : len(row)] = torch.tensor(row)
            self.mask[i, : len(row)] = 1
        shape = (len(LENGTHS), labels) if self.multi_label else (len(LENGTHS),)
        self.labels = torch.randint(0, 2 if self.multi_label else labels, shape, generator=generator)

    def arrays(self):
        return {"input.tokens": numpy.array(sum(self.rows, []), numpy.int32),
                "input.length": numpy.array(LENGTHS, numpy.int32),
                "input.labels": self.labels.flatten().numpy().astype(numpy.int32)}


def loss_sum(logits, batch, smoothing, weights):
    if not batch.multi_label:
        losses = functional.cross_entropy(logits, batch.labels, reduction="none", label_smoothing=smoothing)
        return (losses * torch.tensor(weights, dtype=logits.dtype)[batch.labels] if weights else losses).sum()
    targets = batch.labels.to(logits.dtype) * (1 - smoothing) + 0.5 * smoothing
    weight = torch.tensor(weights, dtype=logits.dtype) if weights else None
    return functional.binary_cross_entropy_with_logits(logits, targets, weight, reduction="none").mean(-1).sum()


def forward_and_backward(model, batch, smoothing, weights):
    output = model(input_ids=batch.tokens, attention_mask=batch.mask)
    logits = output.logits
    own = model(input_ids=batch.tokens, attention_mask=batch.mask,
                labels=batch.labels.to(logits.dtype) if batch.multi_label else batch.labels).loss
    nll = loss_sum(logits, batch, 0.0, [])
    assert abs(own.item() - nll.item() / len(LENGTHS)) < 1e-12, "the loss is not transformers' own"
    loss = loss_sum(logits, batch, smoothing, weights)
    loss.backward()
    probabilities = logits.sigmoid() if batch.multi_label else logits.softmax(-1)
    right = ((probabilities >= 0.5) == batch.labels.bool()).all(-1) if batch.multi_label else \
        logits.argmax(-1) == batch.labels
    result = {"logits": logits.detach(), "probabilities": probabilities.detach(), "loss.sum": loss.detach()[None],
              "nll": nll.detach()[None], "correct": right.sum()[None].int()}
    for name, p in model.named_parameters():
        result["gradient." + name] = p.grad.clone()
    return result


def ten_steps(model, batch, smoothing, weights):
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_sum(model(input_ids=batch.tokens, attention_mask=batch.mask).logits, batch, smoothing, weights)
        loss = loss / len(LENGTHS)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def make(name, config, smoothing, weights):
    generator = torch.Generator().manual_seed(len(name))
    model = random_model(config, generator)
    batch = Batch(config, generator)
    tensors = batch.arrays()
    for key, p in model.named_parameters():
        tensors["weights." + key] = p.detach().float().numpy()
    result = forward_and_backward(copy.deepcopy(model), batch, smoothing, weights)
    result["losses"] = ten_steps(copy.deepcopy(model), batch, smoothing, weights)
    for key, tensor in result.items():
        tensors[key] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    metadata = {"config": json.dumps(dict(config, model_type="bert")), "label_smoothing": str(smoothing),
                "class_weights": json.dumps(weights), "learning_rate": str(LEARNING_RATE), "clip_norm": str(CLIP_NORM)}
    path = FOLDER / f"{name}.safetensors"
    safetensors_file.write(path, tensors, metadata)
    print(f"{path}: {path.stat().st_size} bytes, losses {result['losses'][0]:.5f} to {result['losses'][-1]:.5f}, "
          f"correct {result['correct'].item()}/{len(LENGTHS)}")


def main():
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (config, smoothing, weights) in VARIANTS.items():
        make(name, config, smoothing, weights)


if __name__ == "__main__":
    main()
