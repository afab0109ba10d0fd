# Two commands: `make run` and `make test`. Both set everything up first and are quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
ARGS ?=
WORKERS ?= 2
LAST_MODEL := data/08_reporting/digits/train_0.4/seed_0/model_info.json
MODEL ?= $(or $(shell sed -n 's/.*"model_uri": "\(.*\)".*/\1/p' $(LAST_MODEL) 2>/dev/null),$(error no model: make run first, or give MODEL=))

export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: run test check ui viz serve docs benchmark speed clean help

help:  ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

run: $(VENV)/.run  ## Set up, then run the full pipeline on embedded data (more options in ARGS)
	$(BIN)/kedro run --pipeline=full $(ARGS)

test: check  ## Set up, then run every check and test; says what it had to skip, and why
	$(BIN)/python -m pytest -rs --numprocesses 2 --dist loadfile $(ARGS)

check: $(VENV)/.test  ## Formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

ui: $(VENV)/.run  ## Open the MLflow UI on http://127.0.0.1:5000
	$(BIN)/mlflow ui --backend-store-uri sqlite:///$(CURDIR)/mlflow.db --host 127.0.0.1 --port 5000

viz: $(VENV)/.run  ## Open Kedro-Viz on http://127.0.0.1:4141
	$(BIN)/kedro viz run --host=127.0.0.1 --port=4141 --pipeline=full

serve: $(VENV)/.run  ## Serve a model on http://127.0.0.1:5001 (MODEL=models:/name@champion; by default that of make run)
	MLFLOW_TRACKING_URI=sqlite:///$(CURDIR)/mlflow.db PATH="$(CURDIR)/$(BIN):$$PATH" \
		$(BIN)/mlflow models serve --model-uri "$(MODEL)" --env-manager local --timeout 300 --workers $(WORKERS) \
		--host 127.0.0.1 --port 5001 $(ARGS)

docs: $(VENV)/.run  ## Write docs/configuration.md and docs/baselines.md anew
	$(BIN)/python docs/configuration.py
	$(BIN)/python docs/baselines.py

benchmark: $(VENV)/.run  ## Compare with boosted trees and forests on the ADBench files in DATA (a folder; hours)
	$(PIP) --editable '.[benchmark]'
	$(BIN)/python benchmarks/accuracy.py --data $(or $(DATA),$(error DATA=folder names the ADBench .npz files)) $(ARGS)

speed: $(VENV)/.run  ## Time the scoring of Swift Hydra and its peers on the ADBench files in DATA (an hour)
	$(PIP) --editable '.[benchmark]'
	mkdir -p build
	$(BIN)/python -m pytest benchmarks/speed --data $(or $(DATA),$(error DATA=folder names the ADBench .npz files)) \
		--benchmark-json=build/speed.json $(ARGS)
	$(BIN)/python benchmarks/speed_page.py build/speed.json docs/results/speed

clean:  ## Remove the environment, caches, results of runs and tracking; data/01_raw and conf/local stay
	rm -rf $(VENV) .viz .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage build dist
	rm -rf data/0[2-8]_* mlflow.db mlartifacts mlruns info.log src/*.egg-info
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11 to 3.13 is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.venv pyproject.toml constraints.txt
	@echo "Installing the pinned packages (a few minutes the first time)"
	$(PIP) --editable .
	@touch $@

# The tests compare the Mamba block with the official sources, which install without a GPU but cannot be imported whole.
$(VENV)/.test: $(VENV)/.run
	$(PIP) --editable '.[dev]'
	MAMBA_SKIP_CUDA_BUILD=TRUE MAMBA_FORCE_BUILD=TRUE $(PIP) --no-build-isolation --no-deps mamba-ssm
	@touch $@
