# make setup, make demo, make test: all that a bare machine needs (Debian 12, Ubuntu 24.04).
# Everything lands in this folder; Debian packages are installed when root, else named.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
OUT ?= runs/demo

# gcc and cmake build wvl_interfaces; libusb belongs to pyrealsense2, EGL and Mesa to MuJoCo; glib,
# fontconfig and what begins with libx to Qt (`wvl label`); hidapi to the SpaceMouse.
DEBIAN := git cmake make gcc g++ python3-venv python3-dev libusb-1.0-0 libegl1 libgl1 libgl1-mesa-dri \
  libglib2.0-bin libfontconfig1 libdbus-1-3 libx11-xcb1 libxkbcommon-x11-0 libxcb-icccm4 \
  libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 \
  libxcb-xkb1 libhidapi-hidraw0
TORCH := $(shell sed -n 's/^  "\(torch==[0-9.]*\)".*/\1/p' pyproject.toml)

FOR_MESSAGES := import tomllib; \
  project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
  numpy = [one for one in project["dependencies"] if one.startswith("numpy==")]; \
  print(*numpy, *project["optional-dependencies"]["ros"], sep="\n")

# Busy-waiting OpenMP threads cost 4.6x on a busy 2-core machine (facts/toy_loop.md).
export OMP_WAIT_POLICY := passive

.PHONY: setup packages demo test faults check ws bench clean debian

setup: $(READY)

debian:
	@missing=(); for package in $(DEBIAN); do \
	  dpkg -s $$package >/dev/null 2>&1 || missing+=($$package); done; \
	if [ $${#missing[@]} -gt 0 ]; then \
	  if [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $${missing[@]}; \
	  else echo "Debian packages are missing; copy this line: sudo apt-get install -y $${missing[*]}"; exit 1; fi; fi

# The messages need two cores for a minute, pip mostly one: side by side. The CPU build of torch comes
# first, so that nothing after it pulls the CUDA build in (see pyproject).
$(READY): pyproject.toml ros2_ws/build_on_wheels.py $(shell find ros2_ws/src/wvl_interfaces ros2_ws/on_wheels -type f) | debian
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade "pip>=24" "setuptools>=77,<80" wheel
	$(BIN)/python -c '$(FOR_MESSAGES)' > $(VENV)/for_messages.txt
	$(BIN)/pip install -q -r $(VENV)/for_messages.txt
	$(BIN)/python ros2_ws/build_on_wheels.py & messages=$$!; $(MAKE) --no-print-directory packages; \
	  packages=$$?; wait $$messages && exit $$packages
	touch $@

packages:
	$(BIN)/pip install -q "$(TORCH)+cpu" || \
	  $(BIN)/pip install -q "$(TORCH)" --index-url https://download.pytorch.org/whl/cpu
	$(BIN)/pip install -q --no-build-isolation -e ".[virtual,ros,gui,dev,bench]"
	$(BIN)/pip install -q --no-deps franka-sim==1.1.7
	$(BIN)/pip install -q --no-build-isolation --only-binary pygame-ce,cffi -e ".[teleop]" || \
	  echo "No wheels for a SpaceMouse or a gamepad on this platform; the keyboard needs none."

demo: setup
	$(BIN)/wvl demo --out $(OUT)

# What talks to a robot in real time runs alone; the rest side by side, three for two cores, for one
# of them often waits.
test: setup
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not cell"
	$(BIN)/python -m pytest -m cell

# All that a change owes to the fault plan, an hour and a half (docs/decisions/008-faults.md).
faults: setup
	$(BIN)/wvl bench faults --per-change --json docs/benchmarks/faults_per_change.json

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# With a native ROS 2 (source /opt/ros/<distro>/setup.bash first).
ws:
	cd ros2_ws && colcon build --symlink-install

bench: setup
	$(BIN)/wvl bench gate --json docs/benchmarks/gate.json
	$(BIN)/wvl bench parity --json docs/benchmarks/parity_lift_cube.json
	$(BIN)/wvl bench modes --json docs/benchmarks/control_modes.json
	$(BIN)/wvl bench control --minutes 2 --beside 2 --json docs/benchmarks/control_short.json

clean:
	rm -rf $(VENV) ros2_ws/build ros2_ws/install ros2_ws/log runs .mypy_cache .pytest_cache .ruff_cache
