#!/usr/bin/env bash
# Prints the SHA-256 sums that tests/convert expects: what CTranslate2's own converter makes of the test's models.
#   make_ctranslate2_golden.sh PYTHON (with ctranslate2, transformers, torch and sentencepiece from PyPI)
set -euo pipefail
python=${1:?the Python to use}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
PODIUM_GOLDEN_FOLDER=$folder "$(dirname "$0")/../../build/release/bin/convert_test" --gtest_filter='*ConverterOfCTranslate2*' > /dev/null || true
for name in tied untied; do
  "$python" -c 'import ctranslate2.converters as c, sys; c.TransformersConverter(sys.argv[1]).convert(sys.argv[2])' \
    "$folder/$name" "$folder/$name.out" 2> /dev/null
  (cd "$folder" && sha256sum "$name.out"/{model.bin,config.json,shared_vocabulary.json})
done
