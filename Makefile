# Every target does all of its own set-up: tools/setup.py needs nothing but a Python >= 3.11 and stays silent when all is done.
PYTHON ?= python3
SETUP = @$(PYTHON) tools/setup.py
RUN = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test check e2e bench faults channel lock clean

help: ## List these commands
	@echo "Switchboard. Start with:  make demo"
	@echo
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install everything that developing needs
	$(SETUP) dev frontend system

demo: ## Serve the product with a demo workspace and the platforms' sandbox
	$(SETUP) run frontend
	@.venv/bin/switchboard demo

dev: ## The demo, restarted whenever a Python file changes
	$(SETUP) dev frontend
	@.venv/bin/watchfiles --filter python ".venv/bin/switchboard demo" src

test: ## All rules of the house and all tests, as the continuous integration runs them
	$(SETUP) dev frontend system
	@$(RUN) -m tools.run_tests

check: ## The rules of the house: format, lint, types, imports, SQL, front end
	$(SETUP) dev packages
	@$(RUN) -m tools.check

e2e: ## Only the tests in a real browser
	$(SETUP) dev frontend system
	@$(RUN) -m pytest tests/browser

bench: ## Measure the numbers to hold; the report goes to var/bench
	$(SETUP) dev frontend
	@$(RUN) -m tools.bench

faults: ## Kill each role and the database 50 times under load and compare the ledgers
	$(SETUP) dev frontend
	@SWITCHBOARD_FAULT_KILLS=50 $(RUN) -m pytest tests/faults --timeout 3600

channel: ## Start a new channel: make channel name=line
	$(SETUP) dev
	@$(RUN) -m tools.scaffold "$(name)"

lock: ## Renew requirements/*.lock from pyproject.toml
	$(SETUP) dev
	@$(RUN) -m tools.lock

clean: ## Remove everything that was built, but no data
	@rm -rf .venv dist build src/switchboard/static frontend/node_modules frontend/*/*/node_modules frontend/*/*/dist
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@echo "Clean. Data in ./var is untouched."
