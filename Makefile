# `make` alone lists what can be made. Needs Python 3.11 or newer, git and make: everything else goes into
# .venv. PYTHON=python3.12 chooses the Python that a new .venv is made with.

SHELL := bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?=
PORT ?= 8000
JOBS ?= 2
PYTEST_ARGS ?=
LITE ?= 1
PYODIDE ?=
# The tested set. `make test PIN=` in a new clone installs the newest versions inside the declared ranges instead.
PIN ?= -c constraints.txt

# Paths are relative throughout, so that the directory's own name may hold a space.
PY := .venv/$(if $(filter Windows_NT,$(OS)),Scripts/python.exe,bin/python)
INSTALLED := .venv/.installed
HTML := _build/html
NOTEBOOKS = $(wildcard book/*.ipynb book/exercises/*.ipynb)
STRIP := --keep-output --keep-count --extra-keys "metadata.widgets metadata.language_info.version"

# Progress bars write to stderr, which no page should show. One BLAS thread per process: two processes on
# two cores are faster than each with two threads, and sums then come out the same on every machine.
export TQDM_DISABLE := 1
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export VECLIB_MAXIMUM_THREADS ?= 1
export PYTHONHASHSEED := 0
export PYTHONUTF8 := 1
export LITE PYODIDE
export JUPYTER_PLATFORM_DIRS := 1
export JUPYTER_PREFER_ENV_PATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport MPLBACKEND # kernels must draw inline; the tests choose Agg themselves

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

# -- The environment ----------------------------------------------------------------------------

# Installed again whenever the pinned set or the project's metadata change. The stamp is written last:
# an interrupted installation is taken up again. Kernels on this machine alone need not warn that they talk unencrypted.
$(INSTALLED): pyproject.toml constraints.txt
	@if ! $(PY) -m pip --version >/dev/null 2>&1; then \
	  found=; \
	  for python in "$(PYTHON)" $(if $(PYTHON),,python3 python3.13 python3.12 python3.11 python); do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo 'No Python 3.11 or newer with its venv module was found$(if $(PYTHON), as $(PYTHON),): install one (on Debian also python3-venv), or name it with make PYTHON=/path/to/python3.' >&2; exit 1; \
	  fi; \
	  echo "Making .venv with $$("$$found" --version)."; \
	  "$$found" -m venv --clear .venv; \
	fi
	@echo "Installing $(if $(PIN),the pinned set,the newest versions) of packages into .venv (a few minutes the first time)."
	@$(PY) -m pip install --quiet $(PIN) -e '.[book,pdf,test,mnist,sweep]'
	@$(PY) -c 'import pathlib, sys; d = pathlib.Path(sys.prefix, "etc", "ipython"); d.mkdir(parents=True, exist_ok=True); (d / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 40\n")'
	@$(PY) -m fa_teach.lite # fetches the wheels that the browser's Python lacks
	@touch $(INSTALLED)

# -- The book -----------------------------------------------------------------------------------

# A build that ended in a warning forgets what it read, or the next one would skip the page and succeed.
# PYODIDE names a folder or an archive of Pyodide, so that the notebooks run in the browser without any other host.
.PHONY: book
book: $(INSTALLED) ## execute the notebooks and build the book, warnings as errors (LITE=0: without JupyterLite)
	@$(PY) -c 'from jupyter_book.cli.main import main; main()' build . -W -n --keep-going \
	  || { status=$$?; rm -rf _build/.doctrees; echo "make book: the build failed, see the warnings above." >&2; exit $$status; }
	@echo "The book: $(CURDIR)/$(HTML)/index.html"

.PHONY: serve
serve: book ## build, and serve the book on 127.0.0.1 (PORT=8000)
	@echo "The book is at http://127.0.0.1:$(PORT)/ (stop with Ctrl-C)."
	@$(PY) -m http.server $(PORT) --bind 127.0.0.1 --directory $(HTML)

# Both stand beside the pages, which then offer them. PAPER=Letter for North America.
PAPER ?= A4
.PHONY: pdf
pdf: book ## the book as one PDF, printed by Chromium (PAPER=A4 or Letter)
	@$(PY) -m fa_teach.keep pdf --paper $(PAPER)

.PHONY: zip
zip: book ## the pages as a zip for reading offline, without a server
	@$(PY) -m fa_teach.keep zip

.PHONY: notebooks
notebooks: $(INSTALLED) ## execute the committed notebooks in place and clean them (NOTEBOOKS=book/01_blame.ipynb for one)
	@set -e; for notebook in $(NOTEBOOKS); do \
	  echo "$$notebook"; \
	  FA_TEACH_EXPLORERS=still $(PY) -c "from nbclient.cli import main; main()" --inplace --timeout=300 "$$notebook"; \
	  $(PY) -m nbstripout $(STRIP) "$$notebook"; \
	done

# -- Assignments --------------------------------------------------------------------------------

# nbgrader brings JupyterLab (570 MB in all), so it is installed only here. It calls a program of its own by name,
# which has to be on the path.
GRADING := .venv/.grading
$(GRADING): $(INSTALLED)
	@echo "Installing nbgrader into .venv (a few minutes the first time)."
	@$(PY) -m pip install --quiet $(PIN) -e '.[grading]'
	@touch $(GRADING)

.PHONY: assignments
assignments: $(GRADING) ## the students' notebooks, by nbgrader, in course/release
	@mkdir -p course
	@set -e; export PATH="$(CURDIR)/$(dir $(PY)):$$PATH"; \
	names=$$($(PY) -m fa_teach.assignments stage course/source); \
	for assignment in $$names; do \
	  $(PY) -m nbgrader generate_assignment "$$assignment" --force --log-level=WARN; \
	done
	@echo "To hand out: $(CURDIR)/course/release"

# -- Tests --------------------------------------------------------------------------------------

.PHONY: lint
lint: $(INSTALLED) ## ruff (lint and format) and mypy, strict
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

.PHONY: check
check: lint ## the part of the tests for daily work, in under a minute
	$(PY) -m pytest -n $(JOBS) -m "not slow and not browser" $(PYTEST_ARGS)
	@echo "make check: lint, library tests and doctests passed. make test runs everything."

.PHONY: test
test: lint everything ## everything: lint, library, doctests, notebooks, the built book in a browser

.PHONY: everything
everything: $(INSTALLED)
	$(PY) -m pytest -n $(JOBS) -m "not browser" $(PYTEST_ARGS)
	@$(MAKE) --no-print-directory book
	@$(MAKE) --no-print-directory compare AS_BUILT=--as-built=_build
	@echo "== the built book in a browser"
	$(PY) -m pytest -n $(JOBS) -m browser tests --ignore tests/test_explorers_lab.py $(PYTEST_ARGS)
	@echo "== the explorers in a real JupyterLab: by itself, because it times a kernel's answers"
	$(PY) -m pytest -m browser tests/test_explorers_lab.py $(PYTEST_ARGS)
	@echo "make test: library tests, doctests, notebooks, book build and browser tests passed (or skipped, as said above)."

# By kernels of its own; or chapters, after `make book`, by what that has computed and their pages show. An assignment's
# source is another notebook than its page.
AS_BUILT ?=
.PHONY: compare
compare: $(INSTALLED)
	@echo "== notebooks: every checked number is compared with a new one"
	$(PY) -m pytest -p no:cacheprovider -n $(JOBS) --dist loadfile --nbval --nbval-cell-timeout 120 $(AS_BUILT) $(NOTEBOOKS)

.PHONY: js
js: $(INSTALLED) ## build the explorers' front end again (needs Node 20 or newer)
	$(PY) -m fa_teach.explorers._palette_json > js/src/palette.json
	cd js && npm ci --no-audit --no-fund && npm run --silent build

# Torch is large (on Linux, with CUDA libraries, several GB); the benchmark says so and goes on without it.
.PHONY: bench
bench: $(INSTALLED) ## speed against the floor of the matrix products, and PyTorch where it is installed
	$(PY) -m benchmarks

# -- Cleaning -----------------------------------------------------------------------------------

# Not `course`: what a class handed in, and its marks, cannot be built again.
.PHONY: clean
clean: ## remove what was built, and the environment; the folder of a class, course, stays
	rm -rf .venv _build build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
