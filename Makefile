# Every target makes its own environment first, so each works as the first command.
VENV    ?= .venv
WORKERS ?= 2
BIN      = $(VENV)/bin
READY    = $(VENV)/.ready
DOCS     = $(VENV)/.ready-docs
export PYTHON

.PHONY: help demo test slow browser lint docs links paper fuzz killed audit package architecture lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## */  make \1|/p' Makefile | awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'

demo: $(READY) ## the whole road on the shipped synthetic cohort
	$(BIN)/itb-bayes demo --force

test: $(READY) ## the tests, without those of slow and browser
	$(BIN)/python -m pytest -m "not slow and not browser" -n $(WORKERS) --dist loadfile

slow: $(READY) ## the tests that need real chains or minutes of computation
	$(BIN)/python -m pytest -m slow

browser: $(READY) ## the tests that open pages in Chromium or render PDF with Pango
	$(BIN)/python -m pytest -m browser

lint: $(READY) ## style, formatting, types and the arrows between layers
	@status=0; for check in "ruff check ." "ruff format --check ." mypy lint-imports; do \
		echo "$$check"; $(BIN)/$$check || status=1; done; exit $$status

docs: $(DOCS) ## the site, in docs/_build/html; warnings are errors
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

links: $(DOCS) ## every link of the site that leads outside (needs network)
	$(BIN)/python -m sphinx -q -b linkcheck docs docs/_build/linkcheck
	@echo "docs/_build/linkcheck/output.txt"

paper: $(READY) ## every table and figure of the reproduced papers, in docs/results/reproduction
	$(BIN)/itb-bayes reproduce --all --out docs/results/reproduction --force

fuzz: $(READY) ## thousands of damaged and hostile cohorts and model files
	$(BIN)/python benchmarks/fuzzing.py --out docs/results

killed: $(READY) ## commands killed at random moments, and run again
	$(BIN)/python -W ignore benchmarks/killed.py --out docs/results

audit: $(READY) ## pins, hashes and licences of the dependencies; known flaws where a network is
	$(BIN)/python tools/audit.py

package: $(READY) ## wheel and source distribution, built, installed in a clean environment and run
	sh tools/package.sh $(abspath $(BIN)/python)

architecture: $(READY) ## rewrite the module table of ARCHITECTURE.md
	$(BIN)/python tools/architecture.py --write

lock: ## pin the dependencies anew (needs network)
	sh tools/lock.sh

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) docs/_build dist build

$(READY): requirements.txt pyproject.toml tools/environment.sh
	@sh tools/environment.sh $(VENV) requirements.txt
	@touch $@

$(DOCS): $(READY) requirements-docs.txt
	@sh tools/environment.sh $(VENV) requirements.txt requirements-docs.txt
	@touch $@
