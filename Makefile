# The only home of commands; README and CI call these.
VENV ?= .venv
PYTHON := $(VENV)/bin/python
PHOTOS ?=

.PHONY: run test test-browser bench lint

run: $(VENV)/.runtime
	$(if $(PHOTOS),ALBUM_FOLDERS="$(PHOTOS)") $(PYTHON) app.py

test: $(VENV)/.tests
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-browser: $(VENV)/.tests
	$(PYTHON) -m pytest -m browser

bench: $(VENV)/.tests
	$(PYTHON) -m tests.benchmarks

lint: $(VENV)/.tests
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(VENV)/bin/lint-imports
	$(PYTHON) -m mypy --num-workers 2

$(VENV)/.runtime: requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.tests: $(VENV)/.runtime tests/requirements.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch $@
