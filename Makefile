# Two commands do everything, set-up included:  make report   make test
# Needs only Python >= 3.11 with venv, make and git.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# stages look `python` up on PATH; no bytecode would mean recompiling every import of every stage
RUN    := PATH="$(CURDIR)/$(BIN):$$PATH" VIRTUAL_ENV="$(CURDIR)/$(VENV)" PYTHONDONTWRITEBYTECODE= \
          PYTHONHASHSEED=0 DVC_NO_ANALYTICS=1

.PHONY: report test check status lock clean

report: $(STAMP)            ## run the pipeline and write the PDFs to reports/
	@test -d .dvc || $(RUN) dvc init --quiet
	@$(RUN) dvc repro --quiet
	@echo "The reports are in reports/. Start with reports/funder_summary.pdf"

test: $(STAMP)              ## run the test suite
	@$(RUN) pytest

check: $(STAMP)             ## style, types and architecture
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports

status: $(STAMP)            ## is every output up to date?
	@$(RUN) dvc status

lock:                       ## resolve requirements.lock anew (needs a package registry)
	@$(MAKE) --no-print-directory .uv/bin/uv
	@.uv/bin/uv pip compile pyproject.toml --extra dev --universal --fork-strategy fewest --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade --quiet -o requirements.lock

# the environment: uv if it is on PATH, else uv in a private environment of its own
.uv/bin/uv:
	@if command -v uv >/dev/null 2>&1; then mkdir -p .uv/bin && ln -sf "$$(command -v uv)" .uv/bin/uv; \
	 else $(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv; fi

$(STAMP): requirements.lock pyproject.toml | .uv/bin/uv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || .uv/bin/uv venv --quiet --python "$$(command -v $(PYTHON))" $(VENV)
	@.uv/bin/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@.uv/bin/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

clean:                      ## remove the environment (results and reports stay)
	@rm -rf $(VENV) .uv *.egg-info
