# The environment, the figures and the checks. Needs Python 3.11 (or newer) and make.
#
#     make figures SNAKEMAKE_ARGS="--config preset=standard"
#     make test PYTEST_ARGS="-k ridges -x"
#
# On a terminal `make figures` is one line that is rewritten; VERBOSE=1 brings Snakemake's own output,
# as a pipe, a file and a dry run have it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The first that runs, and not that of an active environment, which may be this one, to be renewed;
# make env PYTHON=/path/to/python3.12 takes another.
BASE := import sys; print(sys._base_executable)
PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell $(name) -c '$(BASE)' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
# For commands that look for others. The shell names the folder, so that no letter of it has a meaning.
WITH_BIN = PATH="$$PWD/$(BIN):$$PATH"
LOCK := envs/requirements.lock
TORCH := envs/torch.txt
# --no-deps: the lock holds all that is needed, and not TensorFlow, which neural-tangents declares.
# --no-build-isolation: what has to be built is built by the setuptools of the lock.
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
PIP_EXACT = $(PIP_INSTALL) --no-deps --no-build-isolation

.PHONY: help env published figures test test-slow test-quick test-slurm test-gpu fuzz lint format lock clean

help:  ## this list
	@sed -En 's/^([a-z-]+):.*  ## (.*)/\1|\2/p' Makefile | while IFS='|' read -r name what; do \
	    printf '  make %-10s %s\n' "$$name" "$$what"; \
	done

env: $(VENV)/installed  ## .venv with the pinned packages and this one; nothing to do where it stands

# The stamp is the lock as installed and where, written last. A build cut short is started afresh, a
# checkout that only touches the lock rebuilds nothing, and a folder copied or moved builds its own.
HERE := "\# $$PWD"
ifneq ($(shell [ "$$(tail -n 1 $(VENV)/locked 2> /dev/null)" = $(HERE) ] || echo other),)
.PHONY: $(VENV)/locked
endif

$(VENV)/locked: $(LOCK) $(TORCH)
	@if cmp -s <(cat $(LOCK) $(TORCH); echo $(HERE)) $@; then touch $@; exit; fi; \
	$(CHECK_PYTHON); \
	echo "Installing $(LOCK) into $(VENV) ..."; \
	rm -rf $(VENV); \
	$(PYTHON) -m venv $(VENV); \
	sed -n '/^setuptools==/,/^    #/p' $(LOCK) > $(VENV)/setuptools.lock; \
	$(PIP_EXACT) --require-hashes -r $(VENV)/setuptools.lock; \
	grep -Eo '^[A-Za-z0-9._-]+==[^ ;]+' $(LOCK) > $(VENV)/pins.txt; \
	$(PIP_INSTALL) --constraint $(VENV)/pins.txt -r $(TORCH); \
	$(PIP_EXACT) --require-hashes --use-pep517 -r $(LOCK); \
	(cat $(LOCK) $(TORCH); echo $(HERE)) > $@.part; \
	mv $@.part $@

$(VENV)/installed: $(VENV)/locked pyproject.toml
	@$(PIP_EXACT) --editable .
	@touch $@

published: $(VENV)/published  ## also timm and three pretrained networks, for `symlearn measure` and lie-published

$(VENV)/published: $(VENV)/installed envs/published.lock
	@echo "Installing envs/published.lock into $(VENV) ..."
	@$(PIP_EXACT) --require-hashes -r envs/published.lock
	@touch $@

define CHECK_PYTHON
case "$$PWD" in *[\$$\`\"\\]*) \
    echo 'make: pip installs no commands below a folder with one of $$ ` " \ in its name; rename it' >&2; exit 1;; \
esac; \
version=$$($(or $(PYTHON),false) -c 'import sys; print("python%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))') || { \
	    echo "make: needs Python 3.11 or newer, found $${version:-none}: sudo apt install python3.11 python3.11-venv" >&2; exit 1; }; \
	$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
	    echo "make: $$version has no venv module: sudo apt install $$version-venv" >&2; exit 1; }
endef

figures: env  ## every figure of the preset in config.yaml; SNAKEMAKE_ARGS="...", VERBOSE=1
	@$(WITH_BIN) snakemake $(if $(VERBOSE),,--logger symlearn) --cores all $(SNAKEMAKE_ARGS)

results: env  ## the figures of `standard`, kept in figures/published with their account; hours
	@$(WITH_BIN) snakemake --cores all --config preset=standard $(SNAKEMAKE_ARGS) -- figures
	@$(WITH_BIN) symlearn publish

test: env  ## what a change can break, in minutes; PYTEST_ARGS="..." adds options
	@$(WITH_BIN) pytest $(PYTEST_ARGS)

test-slow: env  ## the rare: kills, full disks, fuzzing, the commands of docs/, long statistics
	@$(WITH_BIN) pytest -m slow $(PYTEST_ARGS)

test-quick: env  ## the whole quick preset with its claims, gallery and bundle; a quarter of an hour
	@$(WITH_BIN) pytest -m quick -n0 -v tests/workflow/test_quick.py $(PYTEST_ARGS)

test-slurm: env  ## the Slurm profile on a cluster of its own, on this machine; needs root
	@$(WITH_BIN) pytest -m slurm -n0 -v tests/workflow/test_slurm.py $(PYTEST_ARGS)

# With the python3 of the machine where that has a PyTorch for its GPU: `make test-gpu GPU_PYTHON=python3`.
GPU_PYTHON ?= $(BIN)/python
test-gpu:  ## what needs a GPU, from the sources; GPU_PYTHON=python3 takes the machine's own PyTorch
	@$(GPU_PYTHON) tests/gpu/run.py $(PYTEST_ARGS)

fuzz: env  ## damaged input for all readers, for SECONDS=60 in total
	@$(BIN)/python tests/workflow/fuzz.py --seconds $(or $(SECONDS),60)

lint: env  ## style, types and the arrows of the house, as CI checks them
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow

format: env  ## rewrites the sources in the project's style
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

lock:  ## re-resolves envs/*.in; LOCK_ARGS=--upgrade takes newer versions too
	@$(CHECK_PYTHON); \
	tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(PYTHON) -m venv "$$tools"; \
	"$$tools/bin/pip" install --quiet --disable-pip-version-check pip==26.3 pip-tools==7.6.2; \
	"$$tools/bin/python" envs/lock.py $(LOCK_ARGS); \
	$(PYTHON) envs/conda.py

clean:  ## removes .venv and the tools' caches; results and figures stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
	find src tests workflow envs -name __pycache__ -type d -prune -exec rm -rf {} +
