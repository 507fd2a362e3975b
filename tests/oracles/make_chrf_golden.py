#!/usr/bin/env python3
"""Writes tests/golden/metrics/chrf.json: what sacreBLEU (pip install sacrebleu==2.6.0) says about BLEU's cases and those below.

Run from the repository root: python3 tests/oracles/make_chrf_golden.py
"""
import json

from sacrebleu import __version__
from sacrebleu.metrics import CHRF

import make_bleu_golden

# name -> (hypotheses, references of each); a single string stands for a list of one.
CASES = {
    "one character": ("a", "a"),
    "shorter than six characters": ("abc", "abd"),
    "white space does not count": ("ab cd\u3000e f\u00a0g", "a b c d e f g"),
    "punctuation at words' ends": ("(hi) ((ho)) 'tis... ., \u00abola\u00bb a. .b .c. ?! !", "( hi ) (( ho )) ' tis . . . \u00ab ola \u00bb a . . b"),
    "one word of punctuation": ("...", "."),
    "words of one wide character": ("\u00e9 \u4eba. .\u4eba \U0001f600! !\U0001f600", "\u00e9 \u4eba . . \u4eba \U0001f600 ! ! \U0001f600"),
    "decomposed accents are two characters": ("cafe\u0301 na\u0303o", "caf\u00e9 n\u00e3o"),
    "composed and decomposed with the same n-grams": ("e\u0301e\u0301e\u0301e\u0301", "e\u0301e\u0301e\u0301"),
    "characters of four bytes": ("\U0001f600\U0001f601\U0001f602 \U00020000\U00020001", "\U0001f600\U0001f601 \U00020000\U00020001\U0001f602"),
    "chinese against chinese": ("\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002", "\u4eca\u5929\u7684\u5929\u6c14\u4e0d\u9519\u3002"),
    "the best reference is not the nearest in length": (
        "abcdefg hij", [["xyzxyzx yzx", "abcdefg hij klmnop qrstuv", "abc"]]),
    "the first of references equally bad": (["abcdef", "ghijkl"], [["xyz", "xyzuvwxyzuvw"], ["ghijkl", "ghijkl"]]),
    "references equally good": ("abc def", [["abc xyz", "xyz def"]]),
}


def score(name, hypotheses, references):
    hypotheses = [hypotheses] if isinstance(hypotheses, str) else hypotheses
    references = [references] if isinstance(references, str) else references
    references = [[r] if isinstance(r, str) else r for r in references]
    width = max(map(len, references))
    streams = [[r[i] if i < len(r) else None for r in references] for i in range(width)]
    case = {"name": name, "hypotheses": hypotheses, "references": references}
    for key, word_order in [("chrf", 0), ("chrf++", 2)]:
        metric = CHRF(word_order=word_order)
        chrf = metric.corpus_score(hypotheses, streams)
        signature = metric.get_signature().format()
        case[key] = {
            "score": chrf.score,
            # As the command line prints it with --format text, with --width 1 (its default) and 4.
            "text": chrf.format(width=1, signature=signature),
            "text_4_decimals": chrf.format(width=4, signature=signature),
        }
    return case


def main():
    cases = [score(name, *case) for name, case in (make_bleu_golden.CASES | CASES).items()]
    cases.append(score("long corpus", *make_bleu_golden.long_corpus(40, seed=4)))
    with open("tests/golden/metrics/chrf.json", "w", encoding="utf-8") as file:
        lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
        file.write(f'{{"sacrebleu": "{__version__}", "cases": [\n{lines}\n]}}\n')
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
