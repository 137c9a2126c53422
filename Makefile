# Two commands do all the set-up: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
PY := .venv/bin/python
TRAINING := tests/tools/test_train.py tests/tools/test_train_parts.py
APART := $(addprefix --ignore=,tests/browser tests/lessons $(TRAINING))
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
.DEFAULT_GOAL := help
.PHONY: help demo lab test test-long test-fast test-lessons test-browser test-train soak lint notebooks data setup setup-dev \
	clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup:
	@$(PYTHON) tools/setup_env.py

setup-dev:
	@$(PYTHON) tools/setup_env.py dev

demo: setup  ## detect in the sample picture, folder and clip on the CPU, and score the folder
	@$(PY) tools/demo.py

lab: setup  ## JupyterLab on the lessons
	@$(PY) -m jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks $(AS_ROOT)

test: setup-dev  ## the tests, in a few minutes
	@$(PY) -m pytest -q --durations=8 -m "not long" $(APART) tests

test-long: setup-dev  ## models on fresh scenes, INT8, other machines' packages: what takes longer
	@$(PY) -m pytest -q --durations=8 -m long $(APART) tests

test-lessons: setup-dev  ## every lesson from top to bottom, empty and solved, and its exercises
	@$(PY) -m pytest -q -rP tests/lessons

test-browser: setup-dev  ## the tests that want a real Chromium (apt-get install chromium)
	@$(PY) -m pytest -q tests/browser

test-fast: setup-dev  ## the tests that take seconds
	@$(PY) -m pytest -q -x -m "not slow and not long" $(APART) tests

test-train: setup-dev  ## the tests of the training, which need PyTorch (installed here)
	@$(PY) -m pip install -q --disable-pip-version-check -r requirements-train.txt
	@$(PY) -m pytest -q $(TRAINING)

soak: setup-dev  ## three minutes of camera, --fast and a source that breaks off: does anything grow?
	@$(PY) tools/soak.py

lint: setup-dev  ## style, types, Python 3.6 syntax, notebooks without outputs, the size of the tree
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) tools/check_style.py
	@.venv/bin/vermin --quiet --no-tips --target=3.6- trt_course notebooks/masters tools/setup_env.py
	@$(PY) tools/check_tree.py
	@$(PY) tools/make_notebooks.py --check

notebooks: setup-dev  ## the notebooks from their masters
	@$(PY) tools/make_notebooks.py

data: setup-dev  ## make the committed samples again and compare
	@$(PY) tools/make_data.py --check

clean:  ## remove .venv and everything that was made here
	rm -rf .venv out notebooks/out notebooks/solutions/out .pytest_cache .hypothesis .ruff_cache .mypy_cache
