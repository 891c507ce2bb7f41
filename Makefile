# Two commands do everything on a Debian machine that has Python >= 3.11, git and make:
#   make demo    matte a real photo, every step as a picture in demo-output/
#   make test    check the code and run all tests, napari's windows among them
# and while working, `make quick` runs what takes no longer than two minutes.
# Each makes the virtual environment .venv first. Root rights (sudo) are asked for only where
# system libraries are missing.

PYTHON ?= python3
# The pair of torch and torchvision that is tested.
CONSTRAINTS ?= .ci/constraints.txt
BIN := .venv/bin

LIBRARIES := libgl1 libglib2.0-0
QT_LIBRARIES := libdbus-1-3 libegl1 libfontconfig1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 \
	libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 \
	libxcb-xkb1 libxkbcommon-x11-0 fonts-dejavu-core xauth xvfb

# Every Signal.emit of PySide6 6.12.0 gives up a reference to True that it has not: before Python 3.12
# that ends the process after some windows.
PYSIDE := 'pyside6-essentials<6.11'

# Two tests at a time. Threads of PyTorch and BLAS would wait for each other; those of compiled loops,
# two of which are tested, must not burn time while they do. Tests of one file share a worker and its
# fixtures, all windows share one (tests/conftest.py). Plugins are named, since pytest rewrites all
# of a package, such as napari, whose plugin it finds by itself.
WORKERS ?= 2
PYTEST = env OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 \
	$(BIN)/python -m pytest -p xdist.plugin -p pytest_cov.plugin -p pytestqt.plugin \
	-p napari.utils._testsupport -n $(WORKERS) --dist loadgroup --durations=25
WINDOWS = QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1600x1000x24"

.PHONY: demo test quick stress fuzz test-pyqt6 test-pyside6 test-lowest coverage check kernels docs generate screenshots clean

demo: .venv/base
	$(BIN)/matting-nodes demo --output demo-output --force

test: .venv/dev
	$(MAKE) -j2 check kernels
	$(WINDOWS) $(PYTEST)

quick: kernels
	$(PYTEST) -m "not slow"

# What `make test` does in small: a thousand actions in napari's windows; and what needs a GPU.
stress: .venv/dev
	MATTING_NODES_STRESS=1000 $(WINDOWS) $(PYTEST) -m "stress or gpu"

# Damaged files and odd workflows: many more than the tests try. For an hour: FUZZ=200000 make fuzz
FUZZ ?= 20000
fuzz: .venv/dev
	$(BIN)/python tests/fuzz_files.py --cases $(FUZZ) --seed $$$$
	MATTING_NODES_FUZZ=$$(($(FUZZ) / 20)) $(BIN)/python -m pytest -q tests/graph/test_any_workflow.py
	$(BIN)/python benchmarks/kills.py

test-pyqt6: .venv/dev
	$(WINDOWS) $(PYTEST) tests/hosts/napari

test-pyside6: .venv/dev
	$(BIN)/python -m pip install --quiet $(PYSIDE)
	QT_API=pyside6 PYTEST_QT_API=pyside6 $(WINDOWS) $(PYTEST) tests/hosts/napari

# The oldest packages that pyproject.toml allows, in an environment of their own; so are its compiled
# loops, since an older LLVM cannot read those of a newer one.
LOWEST := .venv-lowest
test-lowest:
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet uv
	$(LOWEST)/bin/uv pip compile --quiet --resolution lowest-direct --extra pymatting --extra run \
		--extra dask pyproject.toml -o $(LOWEST)/lowest.txt
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST) -c $(LOWEST)/lowest.txt -e '.[pymatting]' --group dev
	NUMBA_CACHE_DIR=$(CURDIR)/$(LOWEST)/numba OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive \
		$(LOWEST)/bin/python -m pytest -m "not slow" \
		-n $(WORKERS) --dist loadgroup

coverage: .venv/dev
	$(WINDOWS) $(PYTEST) --cov --cov-report=term:skip-covered --cov-report=xml

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[bw]*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec examples/docker/compose.yaml
	$(BIN)/hadolint examples/docker/Dockerfile*
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# Compiled once and kept beside the code, before two workers would each compile the same loops.
kernels: .venv/dev
	$(BIN)/python scripts/compile_kernels.py

docs: .venv/dev
	$(BIN)/mkdocs serve

generate: .venv/dev
	$(BIN)/python scripts/generate.py
	$(BIN)/python scripts/make_templates.py

# ComfyUI's page is drawn by scripts/screenshot_comfyui.py, beside a running ComfyUI.
screenshots: .venv/dev demo
	xvfb-run -a -s "-screen 0 1600x1000x24" $(BIN)/python scripts/screenshot_napari.py
	xvfb-run -a -s "-screen 0 1600x1000x24" $(BIN)/python scripts/screenshot_carry.py
	$(BIN)/python scripts/draw_parameters.py
	$(BIN)/python -c "from PIL import Image; \
	Image.open('demo-output/contact_sheet.png').resize((1360, 480)).save('docs/pictures/demo.jpg')"

.venv/pip:
	scripts/system_packages.sh $(LIBRARIES)
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || scripts/system_packages.sh python3-venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

.venv/base: .venv/pip pyproject.toml $(CONSTRAINTS)
	$(BIN)/python -m pip install --quiet -c $(CONSTRAINTS) -e .
	touch $@

.venv/dev: .venv/base
	scripts/system_packages.sh $(QT_LIBRARIES) chromium
	$(BIN)/python -m pip install --quiet -c $(CONSTRAINTS) -e '.[napari,networks,export]' --group dev
	touch $@

clean:
	rm -rf .venv .venv-lowest site demo-output dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
