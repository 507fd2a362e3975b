"""Writes tests/golden/gpt2/checkpoint, a tiny GPT-2 as people find them: float16, names without "transformer.", the masks
of old files, vocab.json and merges.txt; and expected.json: the losses of ten Adam steps on documents.txt, the perplexity
of held_out.txt and what follows prompts, by transformers. Run from the repository's root; needs torch, transformers,
tokenizers and safetensors."""

import json
import math
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import ByteLevelBPETokenizer
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

FOLDER = Path("tests/golden/gpt2/checkpoint")
POSITIONS, STEPS, LEARNING_RATE = 24, 10, 0.01
WORDS = "le la un une fichier page menu bouton cliquez sur ouvrir fermer dans pour choisir l'été déjà 表".split()
PROMPTS = ["le menu", "cliquez sur", "", "déjà", "un", "fichier\npage"]


def documents(count, generator):
    """Lines of words; a blank line between two documents."""
    return ["\n".join(" ".join(generator.choices(WORDS, k=generator.randint(3, 9))) for _ in range(generator.randint(1, 3)))
            for _ in range(count)]


def stream(tokenizer, texts):
    """End-of-text, then each text and end-of-text."""
    end = tokenizer.eos_token_id
    return [end] + sum((tokenizer(text)["input_ids"] + [end] for text in texts), [])


def loss_sum(model, tokens):
    """Over blocks of POSITIONS tokens that follow each other."""
    total = 0
    for begin in range(0, len(tokens) - 1, POSITIONS):
        read = tokens[begin : min(begin + POSITIONS, len(tokens) - 1)]
        logits = model(torch.tensor([read])).logits[0]
        total = total + cross_entropy(logits, torch.tensor(tokens[begin + 1 : begin + 1 + len(read)]), reduction="sum")
    return total


def write_checkpoint(model):
    tensors = {name.removeprefix("transformer."): p.detach().half().contiguous() for name, p in model.named_parameters()}
    for layer in range(model.config.n_layer):
        tensors[f"h.{layer}.attn.bias"] = torch.tril(torch.ones(POSITIONS, POSITIONS, dtype=torch.uint8))[None, None]
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-10000.0, dtype=torch.float16)
    save_file(tensors, FOLDER / "model.safetensors", {"format": "pt"})
    model.config.save_pretrained(FOLDER)


def train(model, tokens):
    """The mean loss before each step of Adam on all blocks at once."""
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_sum(model, tokens) / (len(tokens) - 1)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def opened():
    return GPT2LMHeadModel.from_pretrained(FOLDER, dtype=torch.float32).double().eval()


@torch.no_grad()
def continuation(model, tokenizer, prompt):
    ids = tokenizer(prompt)["input_ids"] or [tokenizer.eos_token_id]
    output = model.generate(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                            do_sample=False, max_new_tokens=8, max_length=None, pad_token_id=tokenizer.eos_token_id)
    return tokenizer.decode(output[0, len(ids):], skip_special_tokens=True, clean_up_tokenization_spaces=False)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(4)
    FOLDER.mkdir(parents=True, exist_ok=True)
    generator = random.Random(3)
    texts, held_out = documents(14, generator), documents(4, generator)
    for name, part in (("documents", texts), ("held_out", held_out)):
        (FOLDER.parent / f"{name}.txt").write_text("\n\n".join(part) + "\n")
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(texts, vocab_size=300, special_tokens=["<|endoftext|>"], show_progress=False)
    bpe.save_model(str(FOLDER))
    tokenizer = GPT2Tokenizer(str(FOLDER / "vocab.json"), str(FOLDER / "merges.txt"))
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=POSITIONS, n_embd=16, n_layer=2, n_head=2, resid_pdrop=0.1,
        bos_token_id=tokenizer.eos_token_id, eos_token_id=tokenizer.eos_token_id, architectures=["GPT2LMHeadModel"],
        initializer_range=0.2,
    )
    write_checkpoint(GPT2LMHeadModel(config))
    tokens, model = stream(tokenizer, texts), opened()
    measured = stream(tokenizer, held_out)
    with torch.no_grad():
        nll = loss_sum(model, measured).item() / (len(measured) - 1)
    expected = {
        "tokens": len(tokens) - 1,
        "perplexity": math.exp(nll),
        "held_out_tokens": len(measured) - 1,
        "continuations": [{"prompt": p, "text": continuation(model, tokenizer, p)} for p in PROMPTS],
        "losses": train(opened(), tokens),
    }
    (FOLDER.parent / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
    print(json.dumps(expected, ensure_ascii=False), sum(f.stat().st_size for f in FOLDER.iterdir()))


if __name__ == "__main__":
    main()
