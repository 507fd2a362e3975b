#!/usr/bin/env python3
"""Writes tests/golden/tokenizer: small vocabularies, and what transformers and SentencePiece make of nasty_texts.py with them.

pip install transformers==5.23.0 tokenizers==0.23.3 sentencepiece==0.2.3
Run from the repository root: python3 tests/oracles/make_tokenizer_golden.py
"""
import gzip
import io
import json
import os
import shutil
import tempfile

import sentencepiece
import tokenizers
import transformers
from tokenizers import models, normalizers, pre_tokenizers, trainers

import unicode_sweep
from nasty_texts import TEXTS

FOLDER = "tests/golden/tokenizer"
# A text that is not UTF-8 becomes one as Python reads it with errors="replace".
STRINGS = [t.decode("utf-8", errors="replace") for t in TEXTS]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def training_texts():
    with open("LICENSE", encoding="utf-8") as file:
        lines = file.read().split("\n")
    return lines + [t for t in STRINGS if len(t) < 90] * 3


def train_byte_level():
    """vocab.json and merges.txt of 700 tokens, with <|endoftext|> last."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=699, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(training_texts(), trainer)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary = model["vocab"] | {"<|endoftext|>": 699}
    write(f"{FOLDER}/byte_level/vocab.json", json.dumps(vocabulary, ensure_ascii=False))
    write(f"{FOLDER}/byte_level/merges.txt", "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in model["merges"]))


def train_word_piece(name, normalizer, size):
    """vocab.txt, kept where it is: the trainer breaks ties in another way each time."""
    if os.path.exists(f"{FOLDER}/{name}/vocab.txt"):
        return
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # Not every character has a piece: [UNK] must occur.
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, limit_alphabet=size // 3, show_progress=False)
    tokenizer.train_from_iterator(training_texts(), trainer)
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    write(f"{FOLDER}/{name}/vocab.txt", "".join(token + "\n" for token, _ in vocabulary))


def train_sentence_piece(kind):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(training_texts()), model_writer=model, model_type=kind, vocab_size=500, character_coverage=0.98,
        eos_id=0, unk_id=1, bos_id=-1, pad_id=-1, num_threads=1, minloglevel=2)
    with open(f"{FOLDER}/{kind}.spm.gz", "wb") as file:
        file.write(gzip.compress(model.getvalue(), 9, mtime=0))
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


# "bpe" too has been compared once; its model is as large, and its normaliser the same.
KINDS = ["unigram"]
GPT2, BERT = transformers.GPT2Tokenizer, transformers.BertTokenizer
BYTE_LEVEL, WORD_PIECE = ["byte_level/vocab.json", "byte_level/merges.txt"], ["word_piece/vocab.txt"]
ADDED = {"content": "<tag>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": False}
# name -> class, files of FOLDER, tokenizer_config.json; True: saved, so that tokenizer.json is all there is beside the latter
CASES = {
    "gpt2": (GPT2, BYTE_LEVEL, {}, False),
    "gpt2 with a pad token and tags": (GPT2, BYTE_LEVEL, {
        "pad_token": "<pad>", "added_tokens_decoder": {
            "700": ADDED | {"content": "<pad>", "special": True}, "701": ADDED, "702": ADDED | {"content": "<tag2>", "normalized": True},
            "703": ADDED | {"content": "<tag><", "normalized": True}}}, False),
    "gpt2 with a space before": (GPT2, BYTE_LEVEL, {"add_prefix_space": True}, False),
    "gpt2 as tokenizer.json": (GPT2, BYTE_LEVEL, {"pad_token": "<pad>"}, True),
    "bert uncased": (BERT, WORD_PIECE, {}, False),
    "bert cased": (BERT, ["word_piece_cased/vocab.txt"], {"do_lower_case": False}, False),
    "bert lower case with accents": (BERT, WORD_PIECE, {"do_lower_case": True, "strip_accents": False}, False),
    "bert cased without accents": (BERT, ["word_piece_cased/vocab.txt"], {"do_lower_case": False, "strip_accents": True}, False),
    "bert with whole Chinese words": (BERT, WORD_PIECE, {"tokenize_chinese_chars": False, "clean_up_tokenization_spaces": True}, False),
    "bert cased as tokenizer.json": (BERT, ["word_piece_cased/vocab.txt"], {"do_lower_case": False}, True),
}


def make_case(name, kind, files, config, save):
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            shutil.copy(f"{FOLDER}/{file}", folder)
        write(f"{folder}/tokenizer_config.json", json.dumps(config))
        tokenizer = kind.from_pretrained(folder)
        inline = {"tokenizer_config.json": json.dumps(config)}
        if save:
            with tempfile.TemporaryDirectory() as saved:
                tokenizer.save_pretrained(saved)
                for file in ["tokenizer.json", "tokenizer_config.json"]:
                    with open(f"{saved}/{file}", encoding="utf-8") as content:
                        inline[file] = json.dumps(json.load(content))
                tokenizer = kind.from_pretrained(saved)
            files = []
        ids = [tokenizer(s, add_special_tokens=False)["input_ids"] for s in STRINGS]
        decoded = [tokenizer.decode(i, skip_special_tokens=True) for i in ids]
        return {"name": name, "size": len(tokenizer), "files": files, "inline": inline, "ids": ids, "decoded": decoded}


def sentence_piece_case(kind):
    processor = train_sentence_piece(kind)

    def encode(text):
        """Nothing where the two best segmentations are as good: then the order of roundings decides, in which versions differ."""
        if kind == "unigram":
            best = [sorted(ids) for ids in processor.nbest_encode_as_ids(text, 2)]
            if len(best) == 2 and best[0] == best[1]:
                return None
        return processor.encode(text)

    ids = [encode(t) for t in TEXTS]
    print(f"{kind}: {ids.count(None)} texts left out")
    decoded = [i if i is None else processor.decode(i) for i in ids]
    return {"name": kind, "size": processor.get_piece_size() + 1, "ids": ids, "decoded": decoded}


def main():
    train_byte_level()
    train_word_piece("word_piece", normalizers.BertNormalizer(), 900)
    train_word_piece("word_piece_cased", normalizers.BertNormalizer(lowercase=False), 900)
    golden = {
        "transformers": transformers.__version__, "tokenizers": tokenizers.__version__, "sentencepiece": sentencepiece.__version__,
        "texts": [t.hex() for t in TEXTS],
        "cases": [make_case(name, *case) for name, case in CASES.items()],
        "sentencepiece_cases": [sentence_piece_case(kind) for kind in KINDS],
    }
    lines = [f'"{key}": ' + (json.dumps(value) if not key.endswith("cases") else "[\n" + ",\n".join(map(json.dumps, value)) + "\n]")
             for key, value in golden.items()]
    write(f"{FOLDER}/ids.json", "{" + ",\n".join(lines) + "}\n")
    unicode_sweep.main(f"{FOLDER}/unicode.json")
    print(f"{len(TEXTS)} texts")


if __name__ == "__main__":
    main()
