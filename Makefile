# A thin front: set-up and one-word jobs. The build itself is CMake's (CMakeLists.txt, CMakePresets.json).
SHELL := /bin/bash
JOBS  ?= $(shell nproc)
OUT   := build/release
PREFIX ?= /usr/local

.PHONY: help run test build bench check-all check-rules docs tidy install deb setup-build setup-run setup-test setup-package setup-bench setup-check
.DEFAULT_GOAL := help

help:  ## this list
	@echo "drydock: run a Windows storage miniport (.sys) on Linux"
	@echo
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo
	@echo "  $(OUT)/drydock run my.sys    your own driver (README.md)"

run: setup-run build  ## a demonstration: an ext4 file system in and out through a driver
	@tools/demo --build $(OUT)

test: setup-test  ## build, then every test; ends with 'N passed, N failed'
	@tools/test/run.py --jobs $(JOBS)

build: setup-build  ## drydock, the nbdkit plugin and the drivers, into build/release
	@cmake --preset release $(if $(PLUGINDIR),-DDRYDOCK_PLUGINDIR=$(PLUGINDIR)) >$(OUT).configure.log 2>&1 || { cat $(OUT).configure.log; exit 1; }
	@cmake --build --preset release -j $(JOBS)

bench: setup-bench build  ## speed, each benchmark beside its instruction count
	@bench/run --build $(OUT)

check-all: setup-check test  ## the heavy rest: other compilers, sanitizers, many seeds
	@tools/test/check_all.sh $(JOBS)

install: build  ## into PREFIX (/usr/local) below DESTDIR; COMPONENT=drydock, library, dev or wdk: that part alone
	@DESTDIR="$(DESTDIR)" cmake --install $(OUT) --prefix "$(PREFIX)" $(if $(COMPONENT),--component $(COMPONENT))

deb: setup-package build  ## Debian packages, into build/packages
	@cpack --config $(OUT)/CPackConfig.cmake -B build/packages
	@rm -rf build/packages/_CPack_Packages; ls build/packages/*.deb

check-rules: setup-test build  ## each rule of src/ has a driver that breaks it, and is missed when it is switched off
	@tests/system/check_rules.py --build $(OUT) --source . --whole

docs: build  ## regenerate docs/rules.md, docs/ddi-coverage.md, docs/assumptions.md
	@tools/docs/generate.py --build $(OUT)

tidy:  ## the project's own checks of its source
	@tools/tidy/tidy.py

setup-build:
	@tools/setup/install.sh build
	@mkdir -p build
setup-run:
	@tools/setup/install.sh build run
setup-test:
	@tools/setup/install.sh build run test
setup-package:
	@tools/setup/install.sh build package
	@mkdir -p build
setup-bench:
	@tools/setup/install.sh build run test bench
setup-check:
	@tools/setup/install.sh build run test bench check
