# Thin: Meson and ninja do the work, tools/setup.sh brings what they need. `meson setup build && ninja -C build` works
# as well once `make setup` has run.
#
#   GPU=1                      setup also takes the CUDA and TensorRT providers (230 MB)
#   ONNXRUNTIME=/path|system   use this ONNX Runtime instead of npm's
#   MODELS=/path               folder with the starter models' original files
#   PREFIX=/usr/local DESTDIR= where install puts things
#   MESON_FLAGS=               further options for meson setup
#   TESTS=                     names or suites of tests to run (all)

PREFIX ?= /usr/local
MESON_FLAGS ?=
TESTS ?=

options := -Dprefix=$(abspath $(PREFIX)) $(MESON_FLAGS)
ifneq ($(filter-out system,$(ONNXRUNTIME)),)
options += -Donnxruntime=$(abspath $(ONNXRUNTIME))
endif
ifneq ($(MODELS),)
options += -Dmodels=$(abspath $(MODELS))
endif

.PHONY: help demo test build setup install uninstall clean
help:
	@sed -n 's/^## //p' Makefile

## make demo       set up, build, then swap a face in a photograph and in a clip (results in out/)
demo: build
	@sh tools/demo.sh

## make test       set up, build, run every test
test: build
	@sh tools/test.sh $(TESTS)

## make build      set up, build; the program is build/viso
build: setup
	@if [ ! -f build/build.ninja ]; then meson setup build $(options); \
	elif [ "$$(cat build/options.txt 2>/dev/null)" != '$(options)' ]; then meson configure build $(options); fi
	@echo '$(options)' >build/options.txt
	@ninja -C build

## make setup      install and fetch what the build needs (GPU=1: also the CUDA and TensorRT providers)
setup:
	@sh tools/setup.sh GPU="$(GPU)" ONNXRUNTIME="$(ONNXRUNTIME)" MODELS="$(MODELS)"

## make install    put program, library, headers, models and completion under PREFIX (/usr/local), below DESTDIR if given
install: build
	@DESTDIR="$(DESTDIR)" meson install -C build --no-rebuild

## make uninstall  take them away again
uninstall:
	@ninja -C build uninstall

## make clean      remove build/ and out/; what setup fetched stays in .deps/ and the cache
clean:
	rm -rf build out
