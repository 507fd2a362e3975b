#!/usr/bin/env python3
"""Writes tests/golden/metrics/classification.json: what scikit-learn (pip install scikit-learn==1.9.1) says about the cases below.

Run from the repository root: python3 tests/oracles/make_classification_golden.py
"""
import json
import random
import re
import warnings

import numpy
import sklearn
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, precision_recall_fscore_support
from sklearn.utils.class_weight import compute_class_weight

NAMES = ["calc", "draw", "impress", "math", "writer", "base and its forms", "chart", "basic"]

# name -> (number of labels, several allowed, expected ids of each text, predicted ids)
CASES = {
    "all right": (3, False, [[0], [1], [2], [2]], [[0], [1], [2], [2]]),
    "all wrong": (3, False, [[0], [1], [2]], [[1], [2], [0]]),
    "one label is never predicted": (3, False, [[0], [1], [2], [0]], [[0], [1], [1], [1]]),
    "one label is never expected": (3, False, [[0], [1], [0]], [[0], [1], [2]]),
    "a label that nobody has": (4, False, [[0], [1], [3]], [[0], [3], [3]]),
    "two labels": (2, False, [[0], [1], [1], [0], [1]], [[0], [1], [0], [1], [1]]),
    "one text": (2, False, [[1]], [[0]]),
    "several: none expected, none predicted": (3, True, [[], [0], []], [[], [0, 1], [2]]),
    "several: nothing anywhere": (2, True, [[], []], [[], []]),
    "several: nothing is predicted": (3, True, [[0, 1], [2]], [[], []]),
    "several: all": (3, True, [[0, 1, 2], [0, 2]], [[0, 1, 2], [0, 2]]),
}


def random_cases():
    generator = random.Random(1)
    for case in range(24):
        count, texts, skill = generator.randint(2, len(NAMES)), generator.randint(5, 80), generator.random()
        one = lambda: [min(generator.randrange(count), generator.randrange(count))]
        some = lambda: sorted(i for i in range(count) if generator.random() < 0.3)
        draw = some if case % 2 else one
        expected = [draw() for _ in range(texts)]
        predicted = [labels if generator.random() < skill else draw() for labels in expected]
        yield f"random {case}", (count, bool(case % 2), expected, predicted)


def rows(ids, count, several):
    if not several:
        return numpy.array([labels[0] for labels in ids])
    return numpy.array([[int(i in labels) for i in range(count)] for labels in ids])


def result(count, several, expected, predicted):
    true, guess = rows(expected, count, several), rows(predicted, count, several)
    scores = lambda average: precision_recall_fscore_support(true, guess, labels=range(count), average=average, zero_division=0)
    labels = [dict(zip(("precision", "recall", "f1", "support"), map(float, row))) for row in zip(*scores(None))]
    averages = {name: dict(zip(("precision", "recall", "f1"), map(float, scores(name)[:3])))
                for name in ["micro", "macro", "weighted"] + ["samples"] * several}
    # Where nothing is right, support comes as 3.0.
    whole = lambda text: re.sub(r"(\d+)\.0$", r"  \1", text, flags=re.MULTILINE)
    report = lambda digits: whole(classification_report(true, guess, labels=range(count), target_names=NAMES[:count], digits=digits, zero_division=0))
    values = {"several": several, "names": NAMES[:count], "expected": expected, "predicted": predicted, "labels": labels,
              "averages": averages, "accuracy": float(accuracy_score(true, guess)), "table": report(2), "table_4_digits": report(4)}
    if not several:
        values["confusion"] = confusion_matrix(true, guess, labels=range(count)).tolist()
        present = numpy.unique(true)
        values["weights"] = dict(zip(map(str, present.tolist()), compute_class_weight("balanced", classes=present, y=true).tolist()))
    return values


def main():
    warnings.simplefilter("ignore")
    cases = [{"name": name, **result(*case)} for name, case in [*CASES.items(), *random_cases()]]
    with open("tests/golden/metrics/classification.json", "w", encoding="utf-8") as file:
        json.dump({"scikit-learn": sklearn.__version__, "cases": cases}, file, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
