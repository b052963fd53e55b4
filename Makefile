# The six things that one does here. Each makes its own .venv where none is there.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test check lab docs clean

demo: .venv/base ## simulate a small slide, segment it, write a report
	$(BIN)/rbc-overlap demo

test: .venv/dev ## everything that CI tests
	$(BIN)/python .ci/test.py

check: .venv/dev ## clean, exported, in style, not too dense; and one notebook by name: make check NB=10_cells
	$(BIN)/python .ci/check.py $(NB)

lab: .venv/dev ## JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir nbs

docs: .venv/dev ## the documentation site, in _docs/html
	$(BIN)/python docs/build.py

clean: ## remove what make made
	rm -rf .venv _docs _proc _traces build dist *.egg-info rbc-overlap-demo

.venv/bin/python:
	$(PYTHON) -m venv .venv || (echo 'needs Python 3.11 or newer with venv: apt-get install python3-venv' && rm -rf .venv && false)

.venv/base: .venv/bin/python settings.ini setup.py pyproject.toml
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/dev: .venv/bin/python settings.ini setup.py pyproject.toml
	$(BIN)/pip install --quiet --editable '.[train,notebooks,dev]'
	touch $@ .venv/base
