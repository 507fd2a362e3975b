#!/usr/bin/env python3
"""Writes tests/golden/tokenizer/unicode.json: how tokenizers (pip install tokenizers==0.23.3) sees every code point."""
import hashlib
import json
import sys

from tokenizers import Regex, normalizers, pre_tokenizers


def code_points():
    return (c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000)


def ranges(holds):
    """[first, last, first, last, …] of the code points for which holds(character)."""
    result = []
    for c in code_points():
        if holds(chr(c)):
            if result and result[-1] == c - 1:
                result[-1] = c
            else:
                result += [c, c]
    return result


def matches(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    return lambda c: len(split.pre_tokenize_str("\x01" + c + "\x01")) == 3


def normalizer(clean=False, chinese=False, accents=False, lower=False):
    return normalizers.BertNormalizer(clean_text=clean, handle_chinese_chars=chinese, strip_accents=accents, lowercase=lower).normalize_str


def sha256(function):
    """Of the lines "code point in hexadecimal, space, result" of the code points that the function changes."""
    digest = hashlib.sha256()
    for c in code_points():
        if (changed := function(chr(c))) != chr(c):
            digest.update(f"{c:x} {changed}\n".encode())
    return digest.hexdigest()


def main(path):
    words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    clean, chinese, accents, lower = normalizer(clean=True), normalizer(chinese=True), normalizer(accents=True), normalizer(lower=True)
    golden = {
        "letter": ranges(matches(r"\p{L}")),
        "number": ranges(matches(r"\p{N}")),
        "space": ranges(matches(r"\s")),
        "bert_control": ranges(lambda c: c != "\ufffd" and clean(f"a{c}b") == "ab"),
        "bert_punctuation": ranges(lambda c: len(words(f"a{c}b")) == 3),
        "bert_mark": ranges(lambda c: accents(c) == ""),
        "chinese": ranges(lambda c: chinese(c) != c),
        "decomposed": sha256(normalizers.NFD().normalize_str),
        # What is put in order behind and before other marks shows the combining class.
        "decomposed_behind_240": sha256(lambda c: normalizers.NFD().normalize_str("\u0345" + c)),
        "decomposed_before_1": sha256(lambda c: normalizers.NFD().normalize_str(c + "\u0334")),
        "lower_case": sha256(lower),
    }
    with open(path, "w", encoding="utf-8") as file:
        file.write("{" + ",\n".join(f'"{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in golden.items()) + "}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/tokenizer/unicode.json")
