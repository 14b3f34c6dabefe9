# SPDX-License-Identifier: GPL-2.0-only
# hookmap: make help

O ?= build
PREFIX ?= /usr/local
DESTDIR ?=
V ?= 0
MAPS ?= btf
BPF_CPU ?= probe

CLANG ?= clang
LLC ?= llc
LLVM_STRIP ?= llvm-strip
PKG_CONFIG ?= pkg-config
BATS_FLAGS ?=

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

ifeq ($(V),1)
  Q :=
  say = @:
else
  Q := @
  say = @printf '  %-8s %s\n'
  MAKEFLAGS += --no-print-directory
endif

ifeq ($(filter $(MAPS),btf legacy),)
  $(error MAPS=$(MAPS): use btf or legacy)
endif

# What the objects and the scripts must agree on: any change of abi.h.
HM_ABI := $(firstword $(shell cksum < kern/abi.h))
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

# --- BPF objects: .c -> .ll -> .o. Two steps with a file between them, because
# a pipe from a failing clang leaves llc with an empty, valid object.
multiarch := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_CFLAGS := -O2 -g -Wall -Wextra -Werror -Wno-unused-function -Wno-unused-const-variable \
	-target bpf -fno-stack-protector -DHM_ABI=$(HM_ABI) -Ikern \
	$(if $(multiarch),-idirafter /usr/include/$(multiarch)) $(EXTRA_BPF_CFLAGS)

# ip and tc load these two, and pin maps by name; bpftool loads the others
ip_maps := $(if $(filter legacy,$(MAPS)),-DHM_MAPS_LEGACY,-DHM_MAPS_PINNED)

bpf_src := $(wildcard kern/*.c xdp/*.c tc/*.c iptables/*.c)
bpf_obj := $(bpf_src:%.c=$(O)/%.o)
test_bpf_src := $(wildcard tests/bpf/*.c)
test_bpf_obj := $(test_bpf_src:%.c=$(O)/%.o)

# --- user space
lib_flags = $(shell $(PKG_CONFIG) --cflags libbpf smartcols json-c 2>/dev/null)
lib_libs = $(shell $(PKG_CONFIG) --libs libbpf smartcols json-c 2>/dev/null) -lm
CFLAGS ?= -O2 -g
HM_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 \
	-fstack-protector-strong -fPIE -Ikern -Iuser -DHM_VERSION='"$(VERSION)"'
HM_LDFLAGS := -pie -Wl,-z,relro,-z,now

user_obj := $(patsubst %.c,$(O)/%.o,$(filter-out user/abi_sh.c,$(wildcard user/*.c)))
test_tools := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/*.c))

.PHONY: all objects reader tests-build
all: objects reader $(O)/abi.sh
objects: $(bpf_obj)
reader: $(O)/hookmap
tests-build: all $(test_bpf_obj) $(test_tools)

# --- remember the settings, so that a change of them rebuilds
settings := $(MAPS) $(BPF_CPU) $(CLANG) $(LLC) $(EXTRA_BPF_CFLAGS)
$(shell mkdir -p $(O) && { echo '$(settings)' | cmp -s - $(O)/.settings || echo '$(settings)' >$(O)/.settings; })

$(O)/%.ll: %.c $(O)/.settings
	@mkdir -p $(@D)
	$(say) CLANG $<
	$(Q)$(CLANG) $(BPF_CFLAGS) $(if $(filter xdp/% tc/% tests/%,$<),$(ip_maps)) \
		-MMD -MP -MF $(@:.ll=.d) -MT $@ -S -emit-llvm -o $@ $<

# $(O)/user/*.o are not BPF: the pattern is given for each folder
define llc_rule
$$(O)/$(1)/%.o: $$(O)/$(1)/%.ll
	$$(say) LLC $$@
	$$(Q)$$(LLC) -march=bpf -mcpu=$$(BPF_CPU) -filetype=obj -o $$@ $$<
	$$(Q)$$(LLVM_STRIP) -g $$@
endef
$(foreach d,kern xdp tc iptables tests/bpf,$(eval $(call llc_rule,$(d))))
.PRECIOUS: $(O)/%.ll

$(O)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(PKG_CONFIG) --exists libbpf smartcols json-c || { \
		echo "make: libbpf, libsmartcols or json-c development files are missing: sudo scripts/deps.sh" >&2; exit 1; }
	$(Q)$(CC) $(HM_CFLAGS) $(CFLAGS) $(lib_flags) -MMD -MP -c -o $@ $<

$(O)/hookmap: $(user_obj)
	$(say) LD $@
	$(Q)$(CC) $(HM_LDFLAGS) $(LDFLAGS) -o $@ $^ $(lib_libs)

# names and sizes of abi.h for the scripts
$(O)/abi_sh: user/abi_sh.c kern/abi.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(HM_CFLAGS) $(CFLAGS) -DHM_ABI=$(HM_ABI) -o $@ $<
$(O)/abi.sh: $(O)/abi_sh
	$(say) GEN $@
	$(Q)$(O)/abi_sh >$@

$(O)/tests/%: tests/%.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(HM_CFLAGS) $(CFLAGS) -o $@ $< $(lib_libs)

-include $(bpf_obj:.o=.d) $(test_bpf_obj:.o=.d) $(user_obj:.o=.d)
