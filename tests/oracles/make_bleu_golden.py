#!/usr/bin/env python3
"""Writes tests/golden/metrics/bleu.json: what sacreBLEU (pip install sacrebleu==2.6.0) says about the cases below.

Run from the repository root: python3 tests/oracles/make_bleu_golden.py
"""
import json
import random

from sacrebleu import __version__
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

# name -> (hypotheses, references of each); a single string stands for a list of one.
CASES = {
    "identical": ("The cat sat on the mat.", "The cat sat on the mat."),
    "one word wrong": ("Hello there world foo bar.", "Hello there world foo baz."),
    "case is kept": ("the Cat sat On the mat today", "The cat sat on the mat today"),
    "nothing in common": ("alpha beta gamma delta epsilon", "one two three four five"),
    "only single words match": ("mat the on sat cat The", "The cat sat on the mat"),
    "no four words in a row match": ("a b c x d e f y g h", "a b c d e f g h i j"),
    "shorter than four words": ("Good morning", "Good morning"),
    "three words": ("Good morning everybody", "Good morning everybody"),
    "one word, right": ("Yes", "Yes"),
    "empty hypothesis": ("", "There is something here."),
    "empty reference": ("There is something here.", ""),
    "both empty": ("", ""),
    "white space only": (" \t\u3000 ", "a b c d"),
    "too short": ("The cat sat on", "The cat sat on the mat in the house."),
    "too long": ("The cat sat on the mat in the house and slept there.", "The cat sat on the mat."),
    "repeated words are clipped": ("the the the the the the the", "the cat is on the mat and the dog too"),
    "numbers with points and commas": (
        "It costs 1.000,50 euros, not 3.14159 or 1,000,000.00.",
        "It costs 1.000,50 euros, not 3,14159 or 1.000.000,00."),
    "numbers at the ends": (".5 and 5. and ,7 and 7, and 3.", ".5 and 5. and ,7 and 7, and 3."),
    "number ranges": ("Pages 3-4, 10-12 and a-1 of x-y in 2020-21.", "Pages 3 - 4, 10 - 12 and a-1 of x-y in 2020-21."),
    "negative numbers": ("-5 degrees, --7, 8--9 and 8- 9-", "- 5 degrees, -- 7, 8--9 and 8 - 9 -"),
    "points in a row": ("Well... I.e. this.. and .. that....", "Well ... I. e. this .. and .. that . . . ."),
    "points and commas in a row": ("a.,b,.c.,.d ,,, ., 1.,2,.3 ..4", "a . , b , . c . , . d"),
    "quotes": ('He said: "It\'s \'fine\' now", didn\'t he?', "He said: \u201cIt\u2019s \u2018fine\u2019 now\u201d, didn't he?"),
    "guillemets and dashes": ("\u00ab Bonjour \u00bb \u2014 dit-il \u2013 \u2026", "\u00abBonjour\u00bb \u2014 dit-il \u2013 ..."),
    "brackets and symbols": ("f(x)=[a]{b}<c>|d~e^f_g`h\\i/j*k+l;m:n!o?p@q#r$s%t&u", "f ( x ) = [ a ] { b } < c > | d ~ e"),
    "entities": ("A &lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;", "A <b> & \"c\" 'd'"),
    "entities in entities": ("x &amp;lt; y &amp;amp; z &amp;quot; w", "x < y & z \" w"),
    "entities unfinished": ("AT&T &amp &lt R&D; &#39; &nbsp;", "AT&T & < R&D; ' "),
    "skipped": ("one <skipped> two<skipped>three four five", "one two three four five"),
    "skipped as entity": ("one &lt;skipped&gt; two three four", "one two three four"),
    "hyphen and line end": ("a hyphen-\nated word\nand lines", "a hyphenated word and lines"),
    "hyphen and line end at the end": ("ends with a hyphen-\n", "ends with a hyphen-"),
    "carriage returns": ("one\r\ntwo\rthree-\r\nfour five", "one two three- four five"),
    "trailing white space": ("one two three four \u00a0\u2003\u0085", "one two three four"),
    "no-break and ideographic spaces": ("one\u00a0two\u3000three\u2009four\u202ffive", "one two three four five"),
    "separators that Python splits at": ("a\u001cb\u001db\u001ec\u001fd\u0085e\u1680f\u2028g\u2029h\u205fi\u000bj\u000ck", "a b b c d e f g h i j k"),
    "spaces that Python keeps": ("a\u200bb\u2060c\ufeffd\u180ee f g h", "a\u200bb\u2060c\ufeffd\u180ee f g h"),
    "chinese": ("\u6211\u4eca\u5929\u53bb\u4e86\u5546\u5e97\u3002 \u5b83\u5f88\u5927,\u5f88\u597d.", "\u6211\u4eca\u5929\u53bb\u4e86\u5546\u5e97\u3002 \u5b83\u5f88\u5927\uff0c\u5f88\u597d."),
    "japanese and korean": ("\u732b\u3001\u72ac\u3002 \uace0\uc591\uc774\ub294 \ub9e4\ud2b8 \uc704\uc5d0 3.\uc788\ub2e4", "\u732b\u3001\u72ac\u3002 \uace0\uc591\uc774\ub294 \ub9e4\ud2b8 \uc704\uc5d0 \uc788\ub2e4"),
    "arabic": ("\u0630\u0647\u0628\u062a \u0625\u0644\u0649 \u0627\u0644\u0645\u062a\u062c\u0631\u060c \u0648\u0643\u0627\u0646 \u0643\u0628\u064a\u0631\u0627. \u0663.\u0664", "\u0630\u0647\u0628\u062a \u0625\u0644\u0649 \u0627\u0644\u0645\u062a\u062c\u0631 \u0648\u0643\u0627\u0646 \u0643\u0628\u064a\u0631\u0627."),
    "other digits are not digits": ("\u0663.\u0664 \u0967,\u0968 \uff11-\uff12 1.\uff12 \u00bd.\u00b2", "3.4 1,2 1-2"),
    "emoji": ("I \u2764\ufe0f it\U0001f600.\U0001f468\u200d\U0001f469\u200d\U0001f467,ok \U0001f1f5\U0001f1f9!", "I \u2764\ufe0f it\U0001f600. \U0001f468\u200d\U0001f469\u200d\U0001f467, ok \U0001f1f5\U0001f1f9 !"),
    "combining characters": ("cafe\u0301.na\u0308ive e\u0301,a voila\u0300", "caf\u00e9. na\u00efve \u00e9, a voil\u00e0"),
    "portuguese": ("O senhor n\u00e3o p\u00f4de vir \u00e0 reuni\u00e3o, mas mandou lembran\u00e7as.", "O senhor n\u00e3o pode vir \u00e0 reuni\u00e3o; mas mandou lembran\u00e7as!"),
    "addresses": ("Write to a.b@c.org or see http://x.y/z?q=1&r=2.", "Write to a.b@c.org, or see http://x.y/z?q=1&r=2 ."),
    "control characters": ("a\u0001b c\u0000d \u007f e f", "a\u0001b c\u0000d \u007f e f"),
    "several segments": (
        ["The house is small.", "", "I do not know.", "Where is the station?"],
        ["The house is little.", "Nothing.", "I don't know.", "Where is the railway station?"]),
    "order of segments matters not, their pairing does": (["b a c d e", "f g h i j"], ["f g h i j", "b a c d e"]),
    "all segments short": (["Yes.", "No.", "Go!"], ["Yes.", "No!", "Go!"]),
    "two references": ("the cat is on the mat now", [["there is a cat on the mat now", "the cat sits on the mat"]]),
    "three references": (
        ["a b c d e f", "one two three four"],
        [["a b c d", "c d e f g h i", "x y"], ["one two", "three four five", "two three four"]]),
    "two references equally near": ("a b c d e", [["a b c d e f g", "a b c"]]),
    "the same reference twice": ("the the cat sat here", [["the cat sat here", "the cat sat here"]]),
    "an empty reference among others": ("a b c d", [["", "a b c d e f"]]),
    "different numbers of references": (["a b c d e", "f g h i j"], [["a b c d x", "a b c d e f"], ["f g h i k"]]),
}


def long_corpus(segments, seed):
    """Word salad with much in common, of which no two segments are alike."""
    rng = random.Random(seed)
    words = "the a house cat dog said that is, was. not on in 3.5 1,000 \u00e9t\u00e9 n\u00e3o \"yes\" it's 10-12 (and) \u4eba".split()
    hypotheses, references = [], []
    for _ in range(segments):
        reference = [rng.choice(words) for _ in range(rng.randint(1, 30))]
        hypothesis = [w if rng.random() < 0.8 else rng.choice(words) for w in reference if rng.random() < 0.95]
        hypotheses.append(" ".join(hypothesis))
        references.append(" ".join(reference))
    return hypotheses, references


def score(name, hypotheses, references):
    hypotheses = [hypotheses] if isinstance(hypotheses, str) else hypotheses
    references = [references] if isinstance(references, str) else references
    references = [[r] if isinstance(r, str) else r for r in references]
    width = max(map(len, references))
    streams = [[r[i] if i < len(r) else None for r in references] for i in range(width)]
    metric, tokenizer = BLEU(), Tokenizer13a()
    bleu = metric.corpus_score(hypotheses, streams)
    signature = metric.get_signature().format()
    return {
        "name": name,
        "hypotheses": hypotheses,
        "references": references,
        "tokens": tokenizer(hypotheses[0].rstrip()),
        "score": bleu.score,
        "precisions": bleu.precisions,
        "brevity_penalty": bleu.bp,
        "ratio": bleu.ratio,
        "hyp_len": bleu.sys_len,
        "ref_len": bleu.ref_len,
        "counts": bleu.counts,
        "totals": bleu.totals,
        "signature": signature,
        # As the command line prints it with --format text, with --width 1 (its default) and 4.
        "text": bleu.format(width=1, signature=signature),
        "text_4_decimals": bleu.format(width=4, signature=signature),
    }


def main():
    cases = [score(name, *case) for name, case in CASES.items()]
    cases.append(score("long corpus", *long_corpus(150, seed=1)))
    cases.append(score("long corpus, two references", long_corpus(40, seed=2)[0],
                       [list(pair) for pair in zip(long_corpus(40, seed=2)[1], long_corpus(40, seed=3)[1])]))
    with open("tests/golden/metrics/bleu.json", "w", encoding="utf-8") as file:
        lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
        file.write(f'{{"sacrebleu": "{__version__}", "cases": [\n{lines}\n]}}\n')
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
