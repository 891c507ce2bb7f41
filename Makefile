# Two commands do everything on a Debian machine that has Python >= 3.11, git and make:
#   make demo    matte a real photo, every step as a picture in demo-output/
#   make test    check the code and run all tests, napari's windows among them
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

# PySide6 6.12 counts a reference too few on Python 3.11 and ends the process after some windows.
PYSIDE := 'pyside6-essentials<6.11'

.PHONY: demo test test-pyside6 check generate screenshots clean

demo: .venv/base
	$(BIN)/matting-nodes demo --output demo-output --force

test: .venv/dev check
	QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1600x1000x24" $(BIN)/python -m pytest

test-pyside6: .venv/dev
	$(BIN)/python -m pip install --quiet $(PYSIDE)
	QT_API=pyside6 PYTEST_QT_API=pyside6 QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1600x1000x24" \
		$(BIN)/python -m pytest tests/hosts/napari

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

generate: .venv/dev
	$(BIN)/python scripts/generate.py
	$(BIN)/python scripts/make_templates.py

# ComfyUI's page is drawn by scripts/screenshot_comfyui.py, beside a running ComfyUI.
screenshots: .venv/dev demo
	xvfb-run -a -s "-screen 0 1600x1000x24" $(BIN)/python scripts/screenshot_napari.py
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
	scripts/system_packages.sh $(QT_LIBRARIES)
	$(BIN)/python -m pip install --quiet -c $(CONSTRAINTS) -e '.[napari,networks,export]' --group dev
	touch $@

clean:
	rm -rf .venv demo-output dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
