# Two commands: `make demo` and `make test`. Both do all set-up first; a second run skips it.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

# Several processes share the cores: more threads of a numerical library in each would only get in each other's way.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest
# As many workers as small machines have cores for what computes, twice as many for what waits for streams and sounds.
COMPUTING := -n 2 --dist loadfile -m "not (deadline or lsl or audio or long)"
WAITING := -n 4 --dist loadfile -m "(deadline or lsl or audio) and not long"

.PHONY: demo test test-long faults check types lint setup bundles clean

demo: $(READY)
	@$(BIN)/moodring demo $(ARGS)

test: $(READY) check
	sh bootstrap.sh test-libraries
	$(PYTEST) $(COMPUTING)
	$(PYTEST) $(WAITING)

# What hammers: many kills at random moments, hundreds of damaged files.
test-long: $(READY)
	sh bootstrap.sh test-libraries
	$(PYTEST) -m long

# What was seen of each fault, as the table of docs/faults.md.
faults: $(READY)
	sh bootstrap.sh test-libraries
	$(PYTEST) -v tests/realtime/faults

check: lint types

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

# mypy needs the checkout under its package name, whatever the folder is called.
types: $(READY)
	@mkdir -p .cache/types && ln -sfn ../.. .cache/types/moodring
	MYPYPATH=.cache/types $(BIN)/mypy -p moodring

setup: $(READY)

$(READY): pyproject.toml constraints.txt bootstrap.sh
	sh bootstrap.sh environment $(VENV)
	@touch $@

# Everything the shipped bundles are made of, from nothing: simulation, preparation, training (see docs/training.md).
bundles: $(READY)
	$(BIN)/moodring train configs/train_attention.toml --out models/bundles/attention.safetensors
	$(BIN)/moodring train configs/train_speech.toml --out models/bundles/speech.safetensors
	$(BIN)/moodring train configs/train_pooling.toml --out models/bundles/pool.json

clean:
	rm -rf $(VENV) build *.egg-info .cache .mypy_cache .ruff_cache .pytest_cache
