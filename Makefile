# painlit: each target is one stage. ARGS="key=value ..." reaches it, and `make loso ARGS=--help` lists what it reads.
# Where the package is installed, `painlit loso key=value ...` is the same.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
ARGS ?=
INSTALL := $(VENV)/bin/pip install --quiet --disable-pip-version-check --no-compile  # most is never imported

$(VENV)/ready: requirements.lock requirements-torch.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]}: set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	printf '%s\n' '-r requirements-torch.lock' '--no-deps -r requirements.lock' | xargs -L 1 -P 2 $(INSTALL)  # side by side
	$(INSTALL) --no-build-isolation -r requirements-torch.lock -r requirements.lock -e .
	@$(RUN) -c 'import cv2' || (echo "OpenCV lacks a system library; on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0 libxcb1" >&2; exit 1)
	@touch $@

##@ Start
.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/ready ## Install everything into .venv (exact versions; CPU and CUDA)

demo: ## The whole pipeline on data it makes itself, in a few minutes
proxy-data: ## Two stand-ins for BioVid from two open data sets of real people; no pain data -> data/proxy

##@ Steps, in order
check-data: ## Say whether a data set is complete: what is missing first, within seconds (ARGS="check.sets=[biovid,vggface2,...]")
pretrain-stage1: ## Face recognition on VGGFace2 or any identities -> runs/pretrain-stage1
pretrain-stage2: ## Emotion recognition on four sets at once -> runs/pretrain-stage2
pretrain-ecg: ## Heartbeat classification on MIT-BIH and PTB -> runs/pretrain-ecg
prepare: ## BioVid: face boxes and heart rates of every clip -> runs/prepare
embed: ## BioVid: frame embeddings of every clip -> runs/embed
finetune: ## BioVid: one pain model on all subjects -> runs/finetune
loso: ## BioVid: every subject held out once -> runs/loso
tables: ## The paper's Tables 3, 4, 5: runs what is missing of 17 rows x 2 tasks (ARGS=--dry-run estimates hours)
report: ## Ours beside the paper's, and the report.html of every run of loso
maps: ## The paper's Figures 4, A1, A2: where in a face and when in a clip a score is found -> runs/maps
paper: ## Everything of the paper in order, from raw data to its tables and figures (ARGS=--dry-run says what is missing)
compare: ## Two finished runs of loso, paired (ARGS="compare.runs=[a,b]")
bundle: ## Finished runs as one folder or zip that assesses recordings -> runs/bundle
assess: ## A recording in, an assessment out (ARGS="VIDEO --ecg FILE --model BUNDLE --out DIR")
export: ## A bundle for use elsewhere: ONNX, the Hugging Face Hub (ARGS="--to onnx --model BUNDLE --out DIR")

STAGES := demo proxy-data check-data pretrain-stage1 pretrain-stage2 pretrain-ecg prepare embed finetune loso tables report maps paper compare bundle assess export
.PHONY: $(STAGES)
$(STAGES): setup
	$(RUN) -m experiments $@ $(ARGS)

##@ Development
.PHONY: test test-all smoke lint bench
test: setup ## Fast tests (a few minutes)
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)
test-all: setup ## Slow tests too
	$(RUN) -m pytest $(ARGS)
smoke: setup ## The pipeline with a tiny model, end to end
	$(RUN) -m pytest -m smoke $(ARGS)
lint: setup ## Style, formatting and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
bench: setup ## Speed and accuracy beside named peers (ARGS=speed, ARGS=--quick: runs/bench/speed.md)
	$(RUN) -m experiments.bench $(ARGS)
