#!/usr/bin/env python3
"""Classifies the help passages of the example corpus with scikit-learn's TF-IDF and logistic regression, to compare Podium's with.

  pip install scikit-learn
  python3 bench/classification_baseline.py [--folder data/libreoffice-help] [--share 1.0] fr en ja ko zh

Learns from train.modules.LANGUAGE.tsv (of the pages of a --share, chosen by their SHA-256) and prints F1 on the test pages' passages.
"""
import argparse
import csv
import hashlib
import sys

import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report, f1_score
from sklearn.pipeline import make_pipeline


def rows(path):
    csv.field_size_limit(1 << 20)
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def write(path, table):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["page", "module", "text"], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def is_in_share(page, share):
    return int(hashlib.sha256(page.encode()).hexdigest()[:8], 16) < share * 2**32


def vectorizer(language):
    if language in ("ja", "ko", "zh"):  # characters, where spaces do not separate words or words have endings without end
        return TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="+", help="as the files are called: fr en ja ko zh")
    parser.add_argument("--folder", default="data/libreoffice-help")
    parser.add_argument("--share", type=float, default=1.0, help="of the training pages")
    parser.add_argument("--write", metavar="NAME", help="write what is learnt from as NAME.modules.LANGUAGE.tsv, for Podium to learn from the same")
    parser.add_argument("--class-weight", choices=["balanced"], help="as LogisticRegression has it")
    parser.add_argument("--report", action="store_true", help="print the scores of each label too")
    options = parser.parse_args()
    print(f"scikit-learn {sklearn.__version__}")
    for language in options.languages:
        train, test = (rows(f"{options.folder}/{part}.modules.{language}.tsv") for part in ("train", "test"))
        train = [row for row in train if is_in_share(row["page"], options.share)]
        if options.write:
            write(f"{options.folder}/{options.write}.modules.{language}.tsv", train)
        model = make_pipeline(vectorizer(language), LogisticRegression(C=20, max_iter=1000, class_weight=options.class_weight))
        model.fit([row["text"] for row in train], [row["module"] for row in train])
        expected, predicted = [row["module"] for row in test], model.predict([row["text"] for row in test])
        micro, macro = (f1_score(expected, predicted, average=average) for average in ("micro", "macro"))
        print(f"{language}: {len(train)} training and {len(test)} test passages: macro F1 {macro:.4f}, micro F1 {micro:.4f}", flush=True)
        if options.report:
            print(classification_report(expected, predicted, zero_division=0))


if __name__ == "__main__":
    sys.exit(main())
