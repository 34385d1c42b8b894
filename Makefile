# The only home of commands; README and CI call these.
VENV ?= .venv
PYTHON := $(VENV)/bin/python
PHOTOS ?=

.PHONY: run test test-browser bench lint

run: $(VENV)/.runtime
	$(if $(PHOTOS),ALBUM_FOLDERS="$(PHOTOS)") $(PYTHON) app.py

test: $(VENV)/.tests
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest -n 3 --dist loadfile --no-loadscope-reorder \
		--maxfail 40  # a page that is broken as a whole would let each of its tests wait

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
	$(call install,requirements.txt)
	touch $@

$(VENV)/.tests: $(VENV)/.runtime tests/requirements.txt
	$(call install,tests/requirements.txt)
	touch $@

# uv installs in a seventh of the time. Where it fails, as it does not know the mirrors that pip is
# set to, pip does it.
pip = $(PYTHON) -m pip install --quiet --disable-pip-version-check
uv = $(PYTHON) -m uv pip install --quiet --python $(PYTHON) --cache-dir $(VENV)/.cache
install = ($(pip) uv && $(uv) -r $(1) && rm -rf $(VENV)/.cache) || $(pip) -r $(1)
