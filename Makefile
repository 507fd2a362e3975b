# The two commands: `make train` and `make test`. Each installs what is missing, builds, and runs. `make help` lists the rest.
SHELL := /bin/bash
BUILD := build/release
DATA := data
PACKAGES := $(shell sed -e 's/\#.*//' configuration/packages.txt)
PARITY_PACKAGES := $(shell sed -e 's/\#.*//' configuration/packages-parity.txt)
JOBS := $(shell nproc)
# make train DATASET=fr-en; make train PRESET=tutorial; make train TRAIN=pairs.tsv; make train ARGS="--training.max_minutes 2"
# DATASET is SOURCE-TARGET, either with a region: pt-br-en, en-zh-tw. "SOURCE TARGET", or nothing where it is not that.
LANGUAGE := (pt-pt|[a-z]{2,3}(-(br|cn|gb|tw|us))?)
LANGUAGES := $(shell echo '$(or $(DATASET),pt-en)' | tr A-Z a-z | sed -nE 's/^$(LANGUAGE)-$(LANGUAGE)$$/\1 \4/p')
LANGUAGE_OPTIONS = --dataset.source_language $(word 1,$(LANGUAGES)) --dataset.target_language $(word 2,$(LANGUAGES))
TRAIN_COMMAND = $(BUILD)/bin/worker local $(if $(PRESET),--preset $(PRESET)) $(if $(DATASET),$(LANGUAGE_OPTIONS)) \
  $(if $(TRAIN),--dataset.train $(TRAIN)) $(ARGS)

.PHONY: help packages build programs corpus train test soak parity bench recovery-bench format clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

# $(call install,PACKAGES): those that are missing.
define install
@missing=$$(for p in $(1); do dpkg-query -W -f '$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || echo $$p; done); \
if [ -n "$$missing" ]; then \
  sudo=$$([ $$(id -u) = 0 ] || echo sudo); \
  echo "installing:" $$missing; \
  $$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
fi
endef

packages: ## install the Debian packages that are missing (root or sudo)
	$(call install,$(PACKAGES))

parity-packages:
	$(call install,$(PARITY_PACKAGES))
.PHONY: parity-packages

build: packages ## build a release into build/release
	@[ -f $(BUILD)/build.ninja ] || cmake --preset release > /dev/null
	@cmake --build $(BUILD) -j $(JOBS)

# What training needs, without the tests.
programs: packages
	@[ -f $(BUILD)/build.ninja ] || cmake --preset release > /dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target worker trainer try_model example_corpus

# Before anything is built.
dataset:
	@[ "$(words $(LANGUAGES))" = 2 ] || { echo 'DATASET=$(DATASET): expected SOURCE-TARGET, two language codes such as fr-en or ja-en' >&2; exit 2; }
.PHONY: dataset

corpus: dataset programs ## fetch the example corpus into data/ (once): Portuguese-English, or DATASET=fr-en
	@worker/data/example_corpus/fetch.sh $(LANGUAGES) $(DATA)

train: dataset programs $(if $(TRAIN),,corpus) ## train a translator (Portuguese-English, or DATASET=fr-en) with two workers, and translate with it
	@$(TRAIN_COMMAND)

test: build ## build and run every test
	@ctest --test-dir $(BUILD) -j $(JOBS) --output-on-failure --no-tests=error --output-junit $(CURDIR)/$(BUILD)/tests.xml; \
	status=$$?; tests/list_skipped.sh $(BUILD)/tests.xml; exit $$status

MINUTES := 10
soak: build ## disturb runs of three workers at random for MINUTES minutes (10) and compare bits
	@SOAK_MINUTES=$(MINUTES) $(BUILD)/bin/soak --gtest_brief=1

# PYTHON, STEPS, THREADS, ROUNDS from the command line reach the scripts through the environment.
parity: build corpus parity-packages ## train the same here and in PyTorch and compare (about 20 minutes)
	@bench/parity.sh

bench: build parity-packages ## time training steps beside PyTorch's, in turn
	@bench/speed.sh

recovery-bench: build corpus ## time starts, recoveries from SIGKILL and re-formings of 2 and 3 workers (about 15 minutes)
	@bench/recovery.sh

format: ## clang-format every source file
	@git ls-files '*.cc' '*.h' | xargs clang-format -i

clean: ## remove the build folder
	@rm -rf build
