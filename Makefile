# painlit: each target is one step. ARGS="key=value ..." reaches the step; `make loso ARGS=--help` lists all keys.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
ARGS ?=

$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]}: set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps -e .
	@$(RUN) -c 'import cv2' || (echo "OpenCV lacks a system library; on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0 libxcb1" >&2; exit 1)
	@touch $@

##@ Start
.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/ready ## Install everything into .venv (exact versions; CPU and CUDA)

.PHONY: demo
demo: setup ## The whole pipeline on data it makes itself, in a few minutes
	$(RUN) -m experiments.demo $(ARGS)

##@ Steps, in order
.PHONY: check-data pretrain-stage1 pretrain-stage2 pretrain-ecg prepare embed finetune loso compare tables report
check-data: setup ## Say within seconds whether a data set is complete (ARGS="check.sets=[biovid,vggface2,...]")
	$(RUN) -m experiments.check_data $(ARGS)
pretrain-stage1: setup ## Face recognition on VGGFace2 or any identities -> runs/pretrain-stage1
	$(RUN) -m experiments.pretrain_stage1 $(ARGS)
pretrain-stage2: setup ## Emotion recognition on four sets at once -> runs/pretrain-stage2
	$(RUN) -m experiments.pretrain_stage2 $(ARGS)
pretrain-ecg: setup ## Heartbeat classification on MIT-BIH and PTB -> runs/pretrain-ecg
	$(RUN) -m experiments.pretrain_ecg $(ARGS)
prepare: setup ## BioVid: face boxes and heart rates of every clip -> runs/prepare
	$(RUN) -m experiments.prepare $(ARGS)
embed: setup ## BioVid: frame embeddings of every clip -> runs/embed
	$(RUN) -m experiments.embed $(ARGS)
finetune: setup ## BioVid: one pain model on all subjects -> runs/finetune
	$(RUN) -m experiments.finetune $(ARGS)
loso: setup ## BioVid: every subject held out once -> runs/loso
	$(RUN) -m experiments.loso $(ARGS)
tables: setup ## The paper's Tables 3, 4, 5: runs what is missing of 17 rows x 2 tasks (ARGS=--dry-run estimates hours)
	$(RUN) -m experiments.tables $(ARGS)
report: setup ## Ours beside the paper's, and the report.html of every run of loso
	$(RUN) -m experiments.report $(ARGS)
compare: setup ## Two finished runs of loso, paired (ARGS="compare.runs=[a,b]")
	$(RUN) -m experiments.compare $(ARGS)

##@ Development
.PHONY: test test-all smoke lint bench
test: setup ## Fast tests (a few minutes)
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile -m "not slow" $(ARGS)
test-all: setup ## Slow tests too
	$(RUN) -m pytest $(ARGS)
smoke: setup ## The pipeline with a tiny model, end to end
	$(RUN) -m pytest -m smoke $(ARGS)
lint: setup ## Style, formatting and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
bench: setup ## Speed and accuracy beside named peers, measured in one run
	$(RUN) -m experiments.bench $(ARGS)
