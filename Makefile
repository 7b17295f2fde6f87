# Two commands: `make demo` and `make test`. Both do all set-up first; a second run skips it.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.PHONY: demo test check types lint setup bundles clean

demo: $(READY)
	@$(BIN)/moodring demo $(ARGS)

test: $(READY) check
	sh bootstrap.sh test-libraries
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not deadline"
	$(BIN)/python -m pytest -m deadline

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
	$(BIN)/moodring train configs/train_video_eeg.toml --out models/bundles/video_eeg.safetensors
	$(BIN)/moodring train configs/train_speech.toml --out models/bundles/speech.safetensors
	$(BIN)/moodring train configs/train_pooling.toml --out models/bundles/pool.json

clean:
	rm -rf $(VENV) build *.egg-info .cache .mypy_cache .ruff_cache .pytest_cache
