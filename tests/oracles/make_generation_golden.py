"""Writes tests/golden/decode/*.json: what transformers.MarianMTModel.generate makes of the models in tests/golden/model
(random) and tests/golden/trained, with beams, length penalties, minimum lengths, n-gram and repetition rules; and what
its warpers leave of rows of logits. Run from the repository's root; needs torch, transformers and safetensors.

Kept are only tokens that stay the same when weights are changed by a few parts in a million, so that they do not hang on
rounding."""

import itertools
import json
from pathlib import Path

import torch
import transformers
from safetensors import safe_open
from transformers import MarianConfig, MarianMTModel
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

GOLDEN = Path("tests/golden")
NOISE = 3e-6

BEAMS = [
    {"num_beams": 4},
    {"num_beams": 4, "length_penalty": 0.6},
    {"num_beams": 4, "length_penalty": 2.0, "num_return_sequences": 4},
    {"num_beams": 4, "length_penalty": 0.0, "num_return_sequences": 4},
    {"num_beams": 4, "num_return_sequences": 4},
    {"num_beams": 4, "min_new_tokens": 5, "num_return_sequences": 4},
    {"num_beams": 4, "no_repeat_ngram_size": 2, "num_return_sequences": 4},
    {"num_beams": 2, "no_repeat_ngram_size": 1},
    {"num_beams": 4, "repetition_penalty": 1.5, "num_return_sequences": 2},
    {"num_beams": 3, "repetition_penalty": 0.7, "no_repeat_ngram_size": 3, "min_new_tokens": 3, "length_penalty": -0.5},
    {"num_beams": 8, "length_penalty": 0.6, "num_return_sequences": 8},
    {"num_beams": 4, "max_new_tokens": 3, "num_return_sequences": 4},
    {"num_beams": 2, "max_new_tokens": 1, "num_return_sequences": 2},
]
GREEDY = [
    {},
    {"min_new_tokens": 6},
    {"no_repeat_ngram_size": 2},
    {"repetition_penalty": 1.5},
    {"repetition_penalty": 0.8, "no_repeat_ngram_size": 1, "min_new_tokens": 2},
    {"max_new_tokens": 2},
]
MAX_NEW_TOKENS = 20


def file_tensors(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}


def sentences(tensors):
    lengths = tensors["input.source_length"].tolist()
    return [row.tolist() for row in tensors["input.source"].split(lengths)]


def opened(name):
    """The model in double precision, and its sources."""
    if name == "trained":
        model = MarianMTModel.from_pretrained(GOLDEN / name, dtype=torch.float32)
        sources = sentences(file_tensors(GOLDEN / name / "marian.safetensors")[0])
    else:
        tensors, metadata = file_tensors(GOLDEN / "model" / f"{name}.safetensors")
        model = MarianMTModel(MarianConfig(**json.loads(metadata["config"])))
        weights = {key[len("weights."):]: value for key, value in tensors.items() if key.startswith("weights.")}
        _, unexpected = model.load_state_dict(weights, strict=False)
        assert not unexpected, unexpected
        model.tie_weights()
        sources = sentences(tensors)
    return model.double().eval(), sources


@torch.no_grad()
def generated(model, source, options):
    """Hypotheses, best first: tokens behind the start, up to and with end-of-sentence, and their score."""
    pad = model.config.pad_token_id
    arguments = {"num_beams": 1, "max_new_tokens": MAX_NEW_TOKENS, **options}
    output = model.generate(
        input_ids=torch.tensor([source]), attention_mask=torch.ones(1, len(source), dtype=torch.long), do_sample=False,
        early_stopping=False, max_length=None, bad_words_ids=[[pad]], forced_eos_token_id=None,
        return_dict_in_generate=True, output_scores=True, **arguments,
    )
    scores = output.sequences_scores.tolist() if arguments["num_beams"] > 1 else [None]
    rows = [[t for t in row if t != pad] for row in output.sequences[:, 1:].tolist()]
    return [{"tokens": row, "score": score} for row, score in zip(rows, scores)]


def with_noise(model, seed):
    """The same model with every weight changed by a few parts in a million."""
    generator = torch.Generator().manual_seed(seed)
    kept = {name: p.detach().clone() for name, p in model.named_parameters()}
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1 + NOISE * torch.randn(p.shape, generator=generator, dtype=p.dtype))
    return kept


def restore(model, kept):
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(kept[name])


def cases_of(name):
    model, sources = opened(name)
    everything = list(itertools.product(GREEDY + BEAMS, range(len(sources))))
    expected = [generated(model, sources[i], options) for options, i in everything]
    firm = [True] * len(everything)
    for seed in (1, 2):
        kept = with_noise(model, seed)
        for at, (options, i) in enumerate(everything):
            again = generated(model, sources[i], options)
            firm[at] = firm[at] and [h["tokens"] for h in again] == [h["tokens"] for h in expected[at]]
        restore(model, kept)
    cases = []
    for at, (options, i) in enumerate(everything):
        if not cases or cases[-1]["options"] != {"max_new_tokens": MAX_NEW_TOKENS, **options}:
            cases.append({"options": {"max_new_tokens": MAX_NEW_TOKENS, **options}, "sentences": []})
        if firm[at]:
            cases[-1]["sentences"].append({"sentence": i, "hypotheses": expected[at]})
    print(f"{name}: {sum(firm)} of {len(firm)} kept")
    assert sum(firm) > 0.9 * len(firm)
    return cases


def warped():
    """Which of 24 tokens may be drawn, and the logits that they keep."""
    generator = torch.Generator().manual_seed(5)
    result = []
    for temperature, top_k, top_p in [(1.0, 0, 0.9), (0.7, 5, 1.0), (1.5, 10, 0.8), (1.0, 1, 1.0), (2.0, 0, 0.05),
                                      (1.0, 50, 1.0), (0.3, 3, 0.999)]:
        logits = torch.randn(1, 24, generator=generator) * 2
        warpers = [TemperatureLogitsWarper(temperature)] if temperature != 1 else []
        warpers += [TopKLogitsWarper(top_k)] if top_k else []
        warpers += [TopPLogitsWarper(top_p)] if top_p < 1 else []
        after = logits
        for warper in warpers:
            after = warper(None, after)
        kept = [None if value == -float("inf") else value for value in after[0].tolist()]
        options = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        result.append({**options, "logits": logits[0].tolist(), "kept": kept})
    return result


def write(name, content):
    text = json.dumps(content, separators=(",", ":"))
    for begin in ('{"options"', '{"temperature"'):
        text = text.replace(begin, "\n" + begin)
    (GOLDEN / "decode" / f"{name}.json").write_text(text + "\n")


def main():
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    (GOLDEN / "decode").mkdir(exist_ok=True)
    for name in ("shared_tied", "shared_untied", "separate_tied", "separate_untied", "trained"):
        write(name, {"transformers": transformers.__version__, "cases": cases_of(name)})
    write("warpers", {"transformers": transformers.__version__, "rows": warped()})


if __name__ == "__main__":
    main()
