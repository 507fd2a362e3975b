# The two commands: `make train` and `make test`. Each installs what is missing, builds, and runs. `make help` lists the rest.
SHELL := /bin/bash
BUILD := build/release
DATA := data
PACKAGES := $(shell sed -e 's/\#.*//' configuration/packages.txt)
# $(call checks,WORD): the package of configuration/packages-checks.txt with that word in its name.
checks = $(shell sed -e 's/\#.*//' configuration/packages-checks.txt | grep $(1))
# Debian's kubectl where there is none: it does not go with Google's.
CLUSTER_PACKAGES := $(shell sed -e 's/\#.*//' configuration/packages-cluster.txt; command -v kubectl > /dev/null || echo kubernetes-client)
PARITY_PACKAGES := $(shell sed -e 's/\#.*//' configuration/packages-parity.txt)
JOBS := $(shell nproc)
# make train DATASET=fr-en; make train PRESET=classification DATASET=fr; make train TRAIN=pairs.tsv; make train ARGS="--training.max_minutes 2"
# DATASET is SOURCE-TARGET, either with a region: pt-br-en, en-zh-tw. "SOURCE TARGET", or nothing where it is not that.
LANGUAGE := (pt-pt|[a-z]{2,3}(-(br|cn|gb|tw|us))?)
# With PRESET=language-model or classification it is one language: DATASET=fr.
CORPUS := $(if $(filter language-model,$(PRESET)),text,$(if $(filter classification,$(PRESET)),classification))
LANGUAGES := $(shell echo '$(or $(DATASET),$(if $(CORPUS),$(if $(filter text,$(CORPUS)),fr,en),pt-en))' | tr A-Z a-z | \
  sed -nE 's/^$(LANGUAGE)$(if $(CORPUS),$$/\1/,-$(LANGUAGE)$$/\1 \4/)p')
LANGUAGE_OPTIONS = $(if $(CORPUS),--dataset.language $(LANGUAGES),\
  --dataset.source_language $(word 1,$(LANGUAGES)) --dataset.target_language $(word 2,$(LANGUAGES)))
TRAIN_COMMAND = $(BUILD)/bin/worker local $(if $(PRESET),--preset $(PRESET)) $(if $(DATASET),$(LANGUAGE_OPTIONS)) \
  $(if $(TRAIN),--dataset.train $(TRAIN)) $(ARGS)

comma := ,

.PHONY: help packages build programs corpus train test manifests debian13-test soak storage-soak cluster-test cluster-demo parity bench recovery-bench storage-bench asan tsan fuzz coverage tidy format format-check clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

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

cluster-packages:
	$(call install,$(CLUSTER_PACKAGES))
.PHONY: cluster-packages

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
	@[ "$(words $(LANGUAGES))" = $(if $(CORPUS),1,2) ] || { echo 'DATASET=$(DATASET): expected $(if $(CORPUS),a language code such as fr or ja,SOURCE-TARGET$(comma) two language codes such as fr-en or ja-en)' >&2; exit 2; }
.PHONY: dataset

corpus: dataset programs ## fetch the example corpus into data/ (once): Portuguese-English, or DATASET=fr-en
	@worker/data/example_corpus/fetch.sh $(strip $(CORPUS) $(LANGUAGES)) $(DATA)

train: dataset programs $(if $(TRAIN),,corpus) ## train a translator (Portuguese-English, or DATASET=fr-en) with two workers, and translate with it
	@$(TRAIN_COMMAND)

test: build ## build and run every test, but for the long ones of tests/cluster
	@ctest --test-dir $(BUILD) -j $(JOBS) -LE long --output-on-failure --no-tests=error --output-junit $(CURDIR)/$(BUILD)/tests.xml; \
	status=$$?; tests/list_skipped.sh $(BUILD)/tests.xml; \
	tests/search_logs.sh $(BUILD)/Testing/Temporary/LastTest.log || status=1; exit $$status

manifests: packages ## write configuration/settings.yaml into kubernetes/stateful-set.yaml: ConfigMap and replicas
	@[ -f $(BUILD)/build.ninja ] || cmake --preset release > /dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target make_manifest
	@$(BUILD)/bin/make_manifest configuration/settings.yaml kubernetes/stateful-set.yaml

debian13-test: ## build and run every test on Debian 13, in a root folder of its own (needs root, debootstrap)
	@tests/debian13.sh make test JOBS=$(JOBS)

MINUTES := 10
soak: build ## disturb runs of three workers at random for MINUTES minutes (10) and compare bits
	@SOAK_MINUTES=$(MINUTES) $(BUILD)/bin/soak --gtest_brief=1

SCHEDULES := 2000
SEED := 1
storage-soak: build ## write and read snapshots in a bucket that fails by chance: SCHEDULES (2000) schedules from SEED (1) on
	@SOAK_SCHEDULES=$(SCHEDULES) SOAK_SEED=$(SEED) $(BUILD)/bin/storage_soak --gtest_brief=1

cluster-test: build ## run the scenarios on Kubernetes, the long ones too (root; KUBEBUILDER_ASSETS: on a real control plane)
	@ctest --test-dir $(BUILD) -L cluster --output-on-failure --no-tests=error

cluster-demo: build ## show a run on Kubernetes on this machine: apply, train, lose a pod, scale, finish (root; KUBEBUILDER_ASSETS: on a real control plane)
	@$(BUILD)/bin/cluster_demo --gtest_brief=1

# PYTHON, STEPS, THREADS, ROUNDS, MEGABYTES from the command line reach the scripts through the environment.
parity: build corpus parity-packages ## train the same here and in PyTorch and compare (about 20 minutes)
	@bench/parity.sh

bench: build parity-packages ## time training steps beside PyTorch's, in turn
	@bench/speed.sh

storage-bench: build ## time a snapshot to a loopback bucket and back beside curl and google-cloud-storage for Python (from PyPI, into build/)
	@bench/storage.sh

recovery-bench: build corpus ## time starts, recoveries from SIGKILL and re-formings of 2 and 3 workers (about 20 minutes; CLUSTER=1: of pods, 10 minutes)
	@bench/recovery.sh

# $(call run_tests,NAME): configures and builds preset NAME in build/NAME and runs its tests; TESTS=REGEX runs some.
define run_tests
@[ -f build/$(1)/build.ninja ] || cmake --preset $(1) > /dev/null
@cmake --build build/$(1) -j $(JOBS)
@ctest --test-dir build/$(1) -j $(JOBS) --output-on-failure --no-tests=error $(if $(TESTS),-R '$(TESTS)')
endef

asan: packages ## build with the address and undefined-behaviour sanitizers and run every test (TESTS=REGEX: some)
	$(call run_tests,asan)

tsan: packages ## build with the thread sanitizer and run every test (TESTS=REGEX: some)
	$(call run_tests,tsan)

INPUTS := 100000
fuzz: packages ## feed INPUTS (100000) generated inputs to each parser, under sanitizers, and print the counts (TARGETS="settings manifest": some)
	$(call install,$(call checks,-e ^clang-14 -e libclang-rt))
	@[ -f build/fuzz/build.ninja ] || cmake --preset fuzz > /dev/null
	@cmake --build build/fuzz -j $(JOBS) --target fuzzers
	@tests/fuzz/run.sh build/fuzz $(INPUTS) $(JOBS) $(TARGETS)

coverage: packages ## run every test and print how much of the code they reach, in lines and branches
	$(call install,$(call checks,gcovr))
	@find build/coverage -name '*.gcda' -delete 2>/dev/null; true
	$(call run_tests,coverage)
	@gcovr --root . --filter 'worker/' --filter 'coordinator/' --filter 'configuration/' --exclude-throw-branches \
	  --object-directory build/coverage -j $(JOBS) | tee build/coverage/coverage.txt

# As the release is compiled, without gcc's precompiled header. FILES="..." looks at these alone. Boost 1.74 does not know
# that clang 14 has coroutines.
ASIO_COROUTINES := --extra-arg=-DBOOST_ASIO_HAS_CO_AWAIT --extra-arg=-DBOOST_ASIO_HAS_STD_COROUTINE
tidy: build ## look for bugs with clang-tidy in every source file
	$(call install,$(call checks,clang-tidy))
	@mkdir -p build/tidy && sed 's/-Winvalid-pch -include [^ ]*//' $(BUILD)/compile_commands.json > build/tidy/compile_commands.json
	@printf '%s\n' $(or $(FILES),$$(git ls-files '*.cc')) | xargs -P $(JOBS) -n 1 clang-tidy-14 -p build/tidy --quiet $(ASIO_COROUTINES)

format: ## clang-format every source file
	$(call install,$(call checks,clang-format))
	@git ls-files '*.cc' '*.h' | xargs clang-format-14 -i

format-check: ## fail where a source file is not formatted
	$(call install,$(call checks,clang-format))
	@git ls-files '*.cc' '*.h' | xargs clang-format-14 --dry-run -Werror

clean: ## remove the build folder
	@rm -rf build
