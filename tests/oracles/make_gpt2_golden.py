"""Writes tests/golden/gpt2/NAME.safetensors and NAME.json: tiny random GPT2LMHeadModels of transformers with their hidden
states, loss, gradients, ten Adam steps in double precision, and what generate() makes of prompts of several lengths. Run
from the repository's root; needs torch, transformers and numpy.

Kept are only generated tokens that stay the same when weights are changed by a few parts in a million, so that they do
not hang on rounding."""

import copy
import itertools
import json
from pathlib import Path

import numpy
import torch
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel

import safetensors_file

FOLDER = Path("tests/golden/gpt2")
LENGTHS = [7, 1, 12, 4]
PROMPT_LENGTHS = [3, 1, 6, 9, 1, 4]
STEPS, LEARNING_RATE, CLIP_NORM, NOISE = 10, 1e-3, 1.0, 3e-6
MAX_NEW_TOKENS = 10
GENERATIONS = [
    {},
    {"min_new_tokens": 6},
    {"no_repeat_ngram_size": 2},
    {"repetition_penalty": 1.5},
    {"num_beams": 4},
    {"num_beams": 4, "length_penalty": 0.5, "num_return_sequences": 4},
    {"num_beams": 3, "length_penalty": 2.0, "no_repeat_ngram_size": 2, "num_return_sequences": 3},
    {"num_beams": 4, "repetition_penalty": 1.3, "min_new_tokens": 3, "num_return_sequences": 2},
]


def configuration(size, heads, inner, layers, vocabulary, tied, activation):
    return {
        "model_type": "gpt2", "vocab_size": vocabulary, "n_positions": 24, "n_embd": size, "n_layer": layers,
        "n_head": heads, "n_inner": inner, "activation_function": activation, "tie_word_embeddings": tied,
        "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "layer_norm_epsilon": 1e-5,
        "bos_token_id": vocabulary - 1, "eos_token_id": vocabulary - 1,
    }


# Name: configuration, label smoothing, seed.
VARIANTS = {
    "tied": (configuration(16, 2, 40, 2, 40, True, "gelu_new"), 0.1, 3),
    "untied": (configuration(24, 4, None, 1, 31, False, "gelu"), 0.0, 8),
}


def random_model(config, generator):
    model = GPT2LMHeadModel(GPT2Config(**config, attn_implementation="eager"))
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if ".ln_" in name and name.endswith("weight"):
                p.copy_(1 + 0.3 * noise)
            elif p.dim() == 1:
                p.copy_(0.2 * noise)
            else:
                p.copy_(1.3 * noise * p.shape[1] ** -0.5)
    return model.float().eval()


def loss_sum(model, rows, smoothing, record=None):
    """The summed loss of the token behind each, sequence by sequence, so that nothing is padded."""
    outputs = [model(torch.tensor([row[:-1]]), output_hidden_states=True) for row in rows]
    logits = torch.cat([output.logits[0] for output in outputs])
    labels = torch.tensor(sum((row[1:] for row in rows), []))
    if record is not None:
        states = [torch.cat([output.hidden_states[i][0] for output in outputs]) for i in range(len(outputs[0].hidden_states))]
        record["transformer.embedded"], record["transformer.ln_f"] = states[0], states[-1]
        for i, state in enumerate(states[1:-1]):
            record[f"transformer.h.{i}.output"] = state
        record["logits"] = logits
        record["nll"] = cross_entropy(logits, labels, reduction="sum")[None]
        record["correct"] = (logits.argmax(-1) == labels).sum()[None].int()
    return cross_entropy(logits, labels, reduction="sum", label_smoothing=smoothing)


def ten_steps(model, rows, smoothing):
    """The mean loss before each of ten Adam steps on one batch."""
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_sum(model, rows, smoothing) / sum(LENGTHS)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


@torch.no_grad()
def generated(model, prompt, options):
    end = model.config.eos_token_id
    arguments = {"num_beams": 1, "max_new_tokens": MAX_NEW_TOKENS, **options}
    output = model.generate(
        input_ids=torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
        early_stopping=False, max_length=None, pad_token_id=end, return_dict_in_generate=True, output_scores=True,
        **arguments,
    )
    scores = output.sequences_scores.tolist() if arguments["num_beams"] > 1 else [None] * len(output.sequences)
    hypotheses = []
    for row, score in zip(output.sequences[:, len(prompt):].tolist(), scores):
        hypotheses.append({"tokens": row[: row.index(end)] if end in row else row, "score": score})
    return hypotheses


def generation_cases(model, prompts):
    everything = list(itertools.product(GENERATIONS, range(len(prompts))))
    expected = [generated(model, prompts[i], options) for options, i in everything]
    firm = [True] * len(everything)
    for seed in (1, 2):
        noisy, generator = copy.deepcopy(model), torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in noisy.parameters():
                p.mul_(1 + NOISE * torch.randn(p.shape, generator=generator, dtype=p.dtype))
        for at, (options, i) in enumerate(everything):
            again = generated(noisy, prompts[i], options)
            firm[at] = firm[at] and [h["tokens"] for h in again] == [h["tokens"] for h in expected[at]]
    cases = []
    for options in GENERATIONS:
        chosen = [{"prompt": i, "hypotheses": expected[at]} for at, (o, i) in enumerate(everything) if o is options and firm[at]]
        cases.append({"options": {"max_new_tokens": MAX_NEW_TOKENS, **options}, "prompts": chosen})
    return cases, sum(firm), len(firm)


def make(name, config, smoothing, seed):
    generator = torch.Generator().manual_seed(seed)
    model = random_model(config, generator)
    vocabulary = config["vocab_size"]
    draw = lambda n: torch.randint(0, vocabulary - 1, (n,), generator=generator).tolist()
    rows = [draw(n) + [vocabulary - 1] for n in LENGTHS]
    prompts = [draw(n) for n in PROMPT_LENGTHS[:-2]] + [[vocabulary - 1]] + [draw(PROMPT_LENGTHS[-1])]
    tensors = {"weights." + key: p.detach().numpy().copy() for key, p in model.named_parameters()}

    exact, record = copy.deepcopy(model).double(), {}
    loss = loss_sum(exact, rows, smoothing, record)
    loss.backward()
    record["loss.sum"] = loss[None]
    for key, p in exact.named_parameters():
        record["gradient." + key] = p.grad
    trained = copy.deepcopy(model).double()
    record["losses"] = ten_steps(trained, rows, smoothing)
    for key in ("transformer.wpe.weight", "transformer.h.0.attn.c_attn.weight"):
        record["weights_after." + key] = dict(trained.named_parameters())[key]
    for key, tensor in record.items():
        tensors[key] = (tensor.detach().float() if tensor.is_floating_point() else tensor).numpy()
    tensors["input.tokens"] = numpy.array(sum((row[:-1] for row in rows), []), numpy.int32)
    tensors["input.length"] = numpy.array(LENGTHS, numpy.int32)
    tensors["input.labels"] = numpy.array(sum((row[1:] for row in rows), []), numpy.int32)
    metadata = {"config": json.dumps(config), "label_smoothing": str(smoothing), "learning_rate": str(LEARNING_RATE),
                "clip_norm": str(CLIP_NORM)}
    path = FOLDER / f"{name}.safetensors"
    safetensors_file.write(path, tensors, metadata)

    cases, firm, count = generation_cases(copy.deepcopy(model).double(), prompts)
    text = json.dumps({"prompts": prompts, "cases": cases}, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(text + "\n")
    lengths = sorted({len(h["tokens"]) for case in cases for p in case["prompts"] for h in p["hypotheses"]})
    print(f"{path}: {path.stat().st_size} bytes, losses {record['losses'][0]:.5f} to {record['losses'][-1]:.5f}; "
          f"{firm} of {count} generations are firm, {len(text)} bytes, of {lengths} tokens")


def main():
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (config, smoothing, seed) in VARIANTS.items():
        make(name, config, smoothing, seed)


if __name__ == "__main__":
    main()
