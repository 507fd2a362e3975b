#!/bin/sh
# Fetches LibreOffice's help in one or two languages with apt, which verifies it, and makes an example corpus of it.
#   fetch.sh SOURCE TARGET DATA_FOLDER [PATH_OF_bin/example_corpus]            sentence pairs, for translation
#   fetch.sh classification LANGUAGE DATA_FOLDER [PATH_OF_bin/example_corpus]  passages labelled with their module
#   fetch.sh text LANGUAGE DATA_FOLDER [PATH_OF_bin/example_corpus]            plain text, for language models
# writes DATA_FOLDER/libreoffice-help/{train,validation,test}.{SOURCE-TARGET.tsv,modules.LANGUAGE.tsv,text.LANGUAGE.txt}; does
# nothing when they are whole.
set -eu

fail() {
  echo "fetch.sh: $*" >&2
  echo "fetch.sh: you can train on files of your own instead: --dataset.train FILE --dataset.validation FILE --dataset.test FILE$own_files" >&2
  exit 1
}

if [ $# -lt 3 ] || [ $# -gt 4 ]; then
  echo "usage: fetch.sh SOURCE TARGET DATA_FOLDER [PATH_OF_bin/example_corpus]   for example: fetch.sh pt en data" >&2
  echo "       fetch.sh classification|text LANGUAGE DATA_FOLDER [PATH_OF_bin/example_corpus]   for example: fetch.sh text fr data" >&2
  exit 2
fi
folder=$3/libreoffice-help
tool=${4:-${EXAMPLE_CORPUS:-$(dirname "$0")/../../../build/release/bin/example_corpus}}
case $1 in
  classification | text)
    kind=$1 source=$2 target='' corpus="$1 $2" own_files=''
    [ "$kind" = text ] || own_files=' (.csv, .tsv or .jsonl with a column of texts and one of labels)'
    ;;
  *)
    kind=pairs source=$1 target=$2 corpus="$1-$2" own_files=' (lines of source<TAB>target)'
    ;;
esac
[ -x "$tool" ] || fail "$tool: not there; build the target example_corpus or give its path"

# The package's language for the language asked for: the largest variant where Debian has several.
package_of() {
  case $1 in
    pt | pt-br | pt-BR) echo libreoffice-help-pt-br ;;
    pt-pt | pt-PT) echo libreoffice-help-pt ;;
    en | en-us | en-US) echo libreoffice-help-en-us ;;
    zh | zh-cn | zh-CN) echo libreoffice-help-zh-cn ;;
    *[!A-Za-z-]* | -* | '') return 1 ;;
    *) echo "libreoffice-help-$(echo "$1" | tr '[:upper:]' '[:lower:]')" ;;
  esac
}
source_package=$(package_of "$source") || fail "'$source' is no language code such as pt, en, fr, de, es, it, ja, ko, zh"
target_package=
if [ "$kind" = pairs ]; then
  target_package=$(package_of "$target") || fail "'$target' is no language code such as pt, en, fr, de, es, it, ja, ko, zh"
  [ "$source_package" != "$target_package" ] || fail "source and target are both $source_package; two languages are needed"
fi
packages="$source_package $target_package" # words without spaces, one or two

is_whole() {
  case $kind in
    pairs) "$tool" check --folder "$folder" --source "$source" --target "$target" ;;
    *) "$tool" "check-$kind" --folder "$folder" --language "$source" ;;
  esac
}
version_of() { cat "$work/$1.version"; }
build() {
  case $kind in
    pairs)
      "$tool" build --folder "$folder" --source "$source" --target "$target" \
        --source-package "$work/$source_package" --target-package "$work/$target_package" \
        --source-version "$(version_of "$source_package")" --target-version "$(version_of "$target_package")"
      ;;
    *)
      "$tool" "build-$kind" --folder "$folder" --language "$source" --package "$work/$source_package" \
        --version "$(version_of "$source_package")"
      ;;
  esac
}

if is_whole; then
  echo "$folder: the corpus $corpus is there and whole"
  exit 0
fi
command -v apt-get >/dev/null || fail "the example corpus comes in Debian packages, and this machine has no apt-get"
command -v dpkg-deb >/dev/null || fail "the example corpus comes in Debian packages, and this machine has no dpkg-deb"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# apt downloads as its own user where it runs as root.
chmod 755 "$work"
mkdir "$work/packages"
[ "$(id -u)" -ne 0 ] || chown _apt "$work/packages" 2>/dev/null || true

# shellcheck disable=SC2086 # of $packages
download() {
  (cd "$work/packages" && timeout 300 apt-get -q -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
    download $packages) >"$work/log" 2>&1
}
# An update needs root; without it apt's own lists go into the temporary folder.
update() {
  if [ "$(id -u)" -ne 0 ]; then
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
    cat >"$work/apt.conf" <<EOF
Dir::State::lists "$work/apt/lists";
Dir::Cache "$work/apt/cache";
EOF
    export APT_CONFIG="$work/apt.conf"
  fi
  timeout 300 apt-get -q -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 update >"$work/log" 2>&1
}

# The languages there are, or nothing where apt has no lists.
languages() { apt-cache search --names-only '^libreoffice-help-[a-z]' | sed -n 's/^libreoffice-help-\([^ ]*\) .*/\1/p' | grep -vx common | sort; }
check_language() {
  languages | grep -qx "${2#libreoffice-help-}" ||
    fail "$corpus: Debian has no package $2 for '$1'; there are: $(languages | tr '\n' ' ')(pt is pt-br, en is en-us, zh is zh-cn)"
}

echo "fetching $source_package${target_package:+ and $target_package}"
if ! download; then
  # The lists are missing, or older than the last point release.
  update || { cat "$work/log" >&2; fail "apt-get update failed (see above): is there a network?"; }
  check_language "$source" "$source_package"
  [ -z "$target_package" ] || check_language "$target" "$target_package"
  download || { cat "$work/log" >&2; fail "apt-get could not download $source_package${target_package:+ and $target_package} (see above): is there a network?"; }
fi

for package in $packages; do
  set -- "$work/packages/${package}"_*.deb
  [ -f "$1" ] || fail "apt-get left no file of $package"
  dpkg-deb -x "$1" "$work/$package" || fail "$1 cannot be unpacked"
  dpkg-deb -f "$1" Version >"$work/$package.version"
done
build || fail "the packages hold no corpus"
versions="$source_package $(version_of "$source_package")"
if [ "$kind" = pairs ]; then
  echo "$versions, $target_package $(version_of "$target_package")"
else
  echo "$versions"
  [ "$kind" = classification ] && files=modules.$source.tsv || files=text.$source.txt
  (cd "$folder" && sha256sum "train.$files" "validation.$files" "test.$files")
fi
