"""Writes tests/golden/attention/cross_attention.safetensors: the cross-attention weights of transformers.MarianMTModel, in
double precision, for the models and sentences of tests/golden/model. Run from the repository's root; needs torch and
transformers."""

import json
from pathlib import Path

import numpy
import torch
from transformers import MarianConfig, MarianMTModel

import safetensors_file

MODELS = Path("tests/golden/model")
RESULT = Path("tests/golden/attention/cross_attention.safetensors")


def sentences(tokens, lengths):
    return numpy.split(tokens, numpy.cumsum(lengths)[:-1])


def model_of(file, config):
    model = MarianMTModel(MarianConfig(**config, attn_implementation="eager")).eval()
    state = {name[len("weights."):]: torch.from_numpy(array) for name, array in file.items() if name.startswith("weights.")}
    _, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    model.tie_weights()
    return model.double()


def main():
    result = {}
    for path in sorted(MODELS.glob("*.safetensors")):
        file, metadata = safetensors_file.read(path)
        config = json.loads(metadata["config"])
        model = model_of(file, config)
        sources = sentences(file["input.source"], file["input.source_length"])
        targets = sentences(file["input.target_input"], file["input.target_length"])
        for i, (source, target) in enumerate(zip(sources, targets)):
            as_batch = lambda row: torch.from_numpy(row).long()[None]
            with torch.no_grad():
                output = model(input_ids=as_batch(source), decoder_input_ids=as_batch(target), output_attentions=True)
            for layer, weights in enumerate(output.cross_attentions):
                assert torch.allclose(weights.sum(-1), torch.ones(1, dtype=torch.double), atol=1e-6)
                result[f"{path.stem}.{i}.{layer}"] = weights[0].float().numpy()  # (heads, target, source)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    safetensors_file.write(RESULT, result)
    print(f"{RESULT}: {RESULT.stat().st_size} bytes, {len(result)} matrices of heads")


if __name__ == "__main__":
    main()
