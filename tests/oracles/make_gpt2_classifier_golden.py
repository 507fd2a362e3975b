"""Writes tests/golden/gpt2_classifier/*.safetensors: tiny random GPT2ForSequenceClassification models of transformers, as
make_bert_golden.py does for BERT. Run from the repository's root; needs torch, transformers and numpy."""

import copy
import json
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2ForSequenceClassification

import make_bert_golden
import safetensors_file

FOLDER = Path("tests/golden/gpt2_classifier")


def configuration(width, heads, layers, vocabulary, labels, multi_label):
    return {
        "n_embd": width, "n_head": heads, "n_layer": layers, "n_inner": 4 * width, "vocab_size": vocabulary,
        "n_positions": 12, "activation_function": "gelu_new", "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
        "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0,
        "id2label": {str(i): f"label {i}" for i in range(labels)},
        "label2id": {f"label {i}": i for i in range(labels)},
        "problem_type": "multi_label_classification" if multi_label else "single_label_classification",
    }


VARIANTS = {
    "single": (configuration(16, 2, 2, 30, 4, False), 0.0, [0.5, 2.0, 1.25, 1.0]),
    "multi": (configuration(8, 2, 1, 23, 3, True), 0.1, []),
}


def random_model(config, generator):
    model = GPT2ForSequenceClassification(GPT2Config(**config, attn_implementation="eager")).double().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator, dtype=torch.float32)
            if ".ln_" in name and name.endswith("weight"):
                p.copy_(1 + 0.3 * noise)
            elif p.dim() == 1:
                p.copy_(0.2 * noise)
            else:
                p.copy_(1.3 * noise * max(p.shape) ** -0.5)
    return model


def make(name, config, smoothing, weights):
    generator = torch.Generator().manual_seed(len(name))
    model = random_model(config, generator)
    batch = make_bert_golden.Batch(config, generator)
    tensors = batch.arrays()
    for key, p in model.named_parameters():
        tensors["weights." + key] = p.detach().float().numpy()
    result = make_bert_golden.forward_and_backward(copy.deepcopy(model), batch, smoothing, weights)
    result["losses"] = make_bert_golden.ten_steps(copy.deepcopy(model), batch, smoothing, weights)
    for key, tensor in result.items():
        tensors[key] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    metadata = {"config": json.dumps(dict(config, model_type="gpt2")), "label_smoothing": str(smoothing),
                "class_weights": json.dumps(weights), "learning_rate": str(make_bert_golden.LEARNING_RATE),
                "clip_norm": str(make_bert_golden.CLIP_NORM)}
    path = FOLDER / f"{name}.safetensors"
    safetensors_file.write(path, tensors, metadata)
    print(f"{path}: {path.stat().st_size} bytes, losses {result['losses'][0]:.5f} to {result['losses'][-1]:.5f}, "
          f"correct {result['correct'].item()}/{len(make_bert_golden.LENGTHS)}")


def main():
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (config, smoothing, weights) in VARIANTS.items():
        make(name, config, smoothing, weights)


if __name__ == "__main__":
    main()
