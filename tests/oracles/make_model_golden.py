"""Writes tests/golden/model/*.safetensors: tiny Transformers with their activations, loss, gradients, ten Adam steps and
greedy translations, computed in double precision. Where transformers is installed, MarianMTModel must agree. Run from
the repository's root; needs torch and numpy."""

import copy
import json
from pathlib import Path

import numpy
import torch

import safetensors_file
from reference_transformer import (
    IGNORED, ReferenceTransformer, clip_gradients, loss_sum, packed, padded, weights_from_file, weights_to_file,
)

try:
    from transformers import MarianConfig, MarianMTModel
except ImportError:
    MarianMTModel = None

FOLDER = Path("tests/golden/model")
SOURCE_LENGTHS, TARGET_LENGTHS = [4, 1, 9, 6, 2], [3, 9, 5, 1, 7]  # with eos
STEPS, LEARNING_RATE, CLIP_NORM = 10, 1e-3, 1.0
MAX_NEW_TOKENS = 12


def configuration(size, heads, hidden, layers, vocabulary, shared, tied, activation):
    return {
        "model_type": "marian", "is_encoder_decoder": True, "d_model": size,
        "encoder_attention_heads": heads, "decoder_attention_heads": heads,
        "encoder_ffn_dim": hidden, "decoder_ffn_dim": hidden,
        "encoder_layers": layers[0], "decoder_layers": layers[1],
        "vocab_size": vocabulary, "decoder_vocab_size": vocabulary,
        "share_encoder_decoder_embeddings": shared, "tie_word_embeddings": tied,
        "activation_function": activation, "scale_embedding": True, "max_position_embeddings": 64,
        "dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0,
        "eos_token_id": 0, "bos_token_id": None, "pad_token_id": vocabulary - 1,
        "decoder_start_token_id": vocabulary - 1, "forced_eos_token_id": None,
    }


# Name: configuration, label smoothing, and a seed with which the best tokens lead clearly and some sentences end.
VARIANTS = {
    "shared_tied": (configuration(16, 2, 32, (2, 1), 40, True, True, "relu"), 0.1, 605),
    "separate_untied": (configuration(24, 4, 40, (1, 2), 37, False, False, "silu"), 0.0, 367),
    "shared_untied": (configuration(8, 2, 12, (1, 1), 23, True, False, "gelu"), 0.1, 264),
    "separate_tied": (configuration(8, 1, 20, (1, 1), 19, False, True, "relu"), 0.0, 1066),
}


def random_weights(config, generator):
    """Float32 weights large enough that activations and gradients are of order one."""
    model = ReferenceTransformer(config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if name.endswith("layer_norm.weight"):
                p.copy_(1 + 0.3 * noise)
            elif p.dim() == 1:
                p.copy_(0.2 * noise)
            else:
                p.copy_(1.3 * noise * p.shape[1] ** -0.5)
    model.zero_pad_rows()
    return weights_to_file(model)


def random_sentences(lengths, vocabulary, generator):
    """Each ends with eos, 0; no token is padding, the last id."""
    return [torch.randint(1, vocabulary - 1, (n - 1,), generator=generator).tolist() + [0] for n in lengths]


class Batch:
    def __init__(self, config, generator):
        pad = config["pad_token_id"]
        self.source_rows = random_sentences(SOURCE_LENGTHS, config["vocab_size"], generator)
        self.label_rows = random_sentences(TARGET_LENGTHS, config["decoder_vocab_size"], generator)
        self.input_rows = [[pad] + row[:-1] for row in self.label_rows]
        self.source, self.target_input = padded(self.source_rows, pad), padded(self.input_rows, pad)
        self.labels = padded(self.label_rows, IGNORED)
        self.tokens = sum(TARGET_LENGTHS)

    def arrays(self):
        flat = lambda rows: numpy.array(sum(rows, []), numpy.int32)
        return {
            "input.source": flat(self.source_rows), "input.source_length": numpy.array(SOURCE_LENGTHS, numpy.int32),
            "input.target_input": flat(self.input_rows), "input.labels": flat(self.label_rows),
            "input.target_length": numpy.array(TARGET_LENGTHS, numpy.int32),
        }


def model_of(config, weights, dtype):
    model = ReferenceTransformer(config)
    weights_from_file(model, weights)
    return model.to(dtype).eval()


def forward_and_backward(model, batch, smoothing):
    """Every intermediate tensor, packed; the logits' loss and the gradients of its sum."""
    result = {}

    def record(name, tensor):
        result[name] = packed(tensor.detach(), SOURCE_LENGTHS if name.startswith("encoder") else TARGET_LENGTHS)
        return tensor

    logits = model.decode(batch.target_input, *model.encode(batch.source, record), record)
    record("logits", logits)
    loss = loss_sum(logits, batch.labels, smoothing)
    loss.backward()
    model.zero_pad_gradients()
    labels = packed(batch.labels[..., None], TARGET_LENGTHS)[:, 0]
    result["loss.sum"] = loss.detach()[None]
    result["loss.mean"] = loss.detach()[None] / batch.tokens
    result["nll"] = loss_sum(logits, batch.labels).detach()[None]
    result["correct"] = (result["logits"].argmax(-1) == labels).sum()[None].int()
    for name, p in model.named_parameters():
        result["gradient." + name] = p.grad.clone()
    return result


def ten_steps(model, batch, smoothing):
    """The mean loss before each of ten Adam steps on one batch."""
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(batch.source, batch.target_input, batch.labels, smoothing) / batch.tokens
        loss.backward()
        model.zero_pad_gradients()
        clip_gradients(parameters, CLIP_NORM)
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def chosen_tensors(config):
    table = "model.shared.weight" if config["share_encoder_decoder_embeddings"] else "model.decoder.embed_tokens.weight"
    return [table, "model.encoder.layers.0.fc1.weight", "model.decoder.layers.0.encoder_attn.v_proj.weight"]


def everything(config, weights, batch, smoothing, dtype):
    """All that the file holds beside weights and inputs, and the least lead of a generated token."""
    result = forward_and_backward(model_of(config, weights, dtype), batch, smoothing)
    trained = model_of(config, weights, dtype)
    result["losses"] = ten_steps(trained, batch, smoothing)
    after = dict(trained.named_parameters())
    for name in chosen_tensors(config):
        result["weights_after." + name] = after[name].detach()
    rows, lead = model_of(config, weights, dtype).greedy(batch.source, MAX_NEW_TOKENS)
    result["generate.tokens"] = torch.tensor(sum(rows, []), dtype=torch.int32)
    result["generate.length"] = torch.tensor([len(row) for row in rows], dtype=torch.int32)
    return result, rows, lead


def check_against_marian(config, weights, batch, result, rows):
    """MarianMTModel gives the same logits, loss and greedy tokens."""
    model = MarianMTModel(MarianConfig(**config)).eval()
    state = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    model.tie_weights()
    mask = (batch.source != config["pad_token_id"]).long()
    output = model(input_ids=batch.source, attention_mask=mask, labels=batch.labels)  # makes the decoder's input itself
    difference = (packed(output.logits.detach(), TARGET_LENGTHS) - result["logits"]).abs().max().item()
    assert difference < 1e-5 * result["logits"].abs().max().item(), difference
    assert abs(output.loss.item() - result["nll"].item() / batch.tokens) < 1e-5
    generated = model.generate(
        input_ids=batch.source, attention_mask=mask, num_beams=1, do_sample=False, max_new_tokens=MAX_NEW_TOKENS,
        bad_words_ids=[[config["pad_token_id"]]],
    )
    assert [[t for t in row if t != config["pad_token_id"]] for row in generated[:, 1:].tolist()] == rows
    return difference


def deviation(exact, single):
    """Largest difference of single precision relative to each tensor's largest element, by kind of tensor."""
    worst = {}
    for name, tensor in exact.items():
        if not tensor.is_floating_point() or name.endswith("k_proj.bias"):
            continue  # a key bias moves all scores of a row alike: its gradient is zero up to rounding
        kind = name.split(".")[0]
        share = ((tensor - single[name]).abs().max() / tensor.abs().max()).item()
        worst[kind] = max(worst.get(kind, 0), share)
    return {kind: float(f"{share:.1e}") for kind, share in worst.items()}


def make(name, config, smoothing, seed):
    generator = torch.Generator().manual_seed(seed)
    weights = random_weights(config, generator)
    batch = Batch(config, generator)
    result, rows, lead = everything(config, weights, batch, smoothing, torch.float64)
    best = result["logits"].topk(2).values
    lead = min(lead, (best[:, 0] - best[:, 1]).min().item())
    assert lead > 1e-2, f"{name}: two tokens are too close to choose between them ({lead}); take another seed"
    assert 1 < len({len(row) for row in rows}), f"{name}: all translations are of one length; take another seed"
    tensors = batch.arrays()
    tensors.update({"weights." + key: array for key, array in weights.items()})
    for key, tensor in result.items():
        tensors[key] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    metadata = {"config": json.dumps(config), "label_smoothing": str(smoothing), "steps": str(STEPS),
                "learning_rate": str(LEARNING_RATE), "clip_norm": str(CLIP_NORM),
                "max_new_tokens": str(MAX_NEW_TOKENS)}
    path = FOLDER / f"{name}.safetensors"
    safetensors_file.write(path, tensors, metadata)

    single, single_rows, _ = everything(config, weights, batch, smoothing, torch.float32)
    assert single_rows == rows
    print(f"{path}: {path.stat().st_size} bytes, losses {result['losses'][0]:.5f} to {result['losses'][-1]:.5f}, "
          f"correct {result['correct'].item()}/{batch.tokens}, lengths {[len(row) for row in rows]}, lead {lead:.4f}")
    print("  float32 differs by", deviation(result, single))
    if MarianMTModel:
        print("  MarianMTModel's logits differ by", f"{check_against_marian(config, weights, batch, result, rows):.1e}")


def main():
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (config, smoothing, seed) in VARIANTS.items():
        make(name, config, smoothing, seed)


if __name__ == "__main__":
    main()
