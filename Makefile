# SPDX-License-Identifier: GPL-2.0-only
# hookmap: make help

O ?= build
# one spelling: what a file depends on is written down under its name
override O := $(patsubst $(CURDIR)/%,%,$(abspath $(O)))
PREFIX ?= /usr/local
DESTDIR ?=
V ?= 0
MAPS ?= btf
BPF_CPU ?= probe

CLANG ?= clang
LLC ?= llc
LLVM_STRIP ?= llvm-strip
PKG_CONFIG ?= pkg-config
BPFTOOL ?= bpftool
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

# What the objects and the scripts must agree on: any change of abi.h and its parts.
abi_headers := kern/abi.h $(sort $(wildcard kern/abi/*.h))
HM_ABI := $(firstword $(shell cat $(abi_headers) | cksum))
# what is in abi/: a new header is part of it with no edit elsewhere
$(shell mkdir -p $(O) && { \
	printf '\043include "%s"\n' $(patsubst kern/%,%,$(sort $(wildcard kern/abi/*.h))); \
	echo '\043define HM_MAPS(X)' $$(sed -nE 's/^.define (HM_MAP_\w+)\(X\).*/\1(X)/p' kern/abi/*.h); \
	awk -F '[ ()]+' 'FNR == 1 { h = FILENAME; gsub(/.*\/|\.h$$/, "", h); printf "%s\043define HM_PINS_%s(X)", sep, h; sep = "\n" } \
		/^.define HM_MAP_/ && !/OF_MAPS/ { printf " %s(X)", $$2 } END { print "" }' kern/abi/*.h; \
	echo '\043define HM_FEATURES(X)' $$(sed -nE 's/^.define HM_FEAT_(\w+) 0x(\w+).*/\2 \1/p' kern/abi/*.h | sort | awk '{ print length($$1), $$0 }' | sort -sn | sed -E 's/.* /X(/; s/$$/)/'); } >$(O)/abi_all.new; \
	cmp -s $(O)/abi_all.new $(O)/abi_all.h || cp $(O)/abi_all.new $(O)/abi_all.h)
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

# --- BPF objects: .c -> .ll -> .o. Two steps with a file between them, because
# a pipe from a failing clang leaves llc with an empty, valid object.
multiarch := $(shell $(CC) -print-multiarch 2>/dev/null)
# no object says where it was built
here := -ffile-prefix-map=$(CURDIR)=.
BPF_CFLAGS := -O2 -g $(here) -Wall -Wextra -Werror -Wno-unused-function -Wno-unused-parameter \
	-target bpf -fno-stack-protector -DHM_ABI=$(HM_ABI) -Ikern -I$(O) \
	$(if $(multiarch),-idirafter /usr/include/$(multiarch)) $(EXTRA_BPF_CFLAGS)

# ip and tc load these two, and pin maps by name; bpftool loads the others
ip_maps := $(if $(filter legacy,$(MAPS)),-DHM_MAPS_LEGACY,-DHM_MAPS_PINNED)

# policy needs functions and tables of tables, which no loader of legacy maps has both
bpf_src := $(filter-out $(if $(filter legacy,$(MAPS)),tc/policy.c),$(wildcard kern/*.c xdp/*.c tc/*.c iptables/*.c))
bpf_obj := $(bpf_src:%.c=$(O)/%.o)
test_bpf_src := $(wildcard tests/bpf/*.c)
test_bpf_obj := $(test_bpf_src:%.c=$(O)/%.o)

# the maps of each header of abi/, which scripts make
pins_obj := $(patsubst kern/abi/%.h,$(O)/pins/%.o,$(shell grep -l '^.define HM_MAP_' kern/abi/*.h))

# --- user space
lib_flags = $(shell $(PKG_CONFIG) --cflags libbpf smartcols json-c 2>/dev/null)
lib_libs = $(shell $(PKG_CONFIG) --libs libbpf smartcols json-c 2>/dev/null) -lm
CFLAGS ?= -O2 -g
HM_CFLAGS := -std=gnu11 $(here) -Wall -Wextra -Werror -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 \
	-fstack-protector-strong -fPIE -Ikern -Iuser -I$(O) -DHM_VERSION='"$(VERSION)"'
HM_LDFLAGS := -pie -Wl,-z,relro,-z,now

user_obj := $(patsubst %.c,$(O)/%.o,$(wildcard user/*.c))
libfuzzer := $(wildcard $(shell $(CLANG) --print-resource-dir 2>/dev/null)/lib/*/libclang_rt.fuzzer-*.a \
	$(shell $(CLANG) --print-resource-dir 2>/dev/null)/lib/*/libclang_rt.fuzzer.a)
test_tools := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/*.c)) \
	$(patsubst tests/preload/%.c,$(O)/tests/%.so,$(wildcard tests/preload/*.c))

.PHONY: all objects reader tests-build
pages := hookmap $(patsubst scripts/%.8,%,$(wildcard scripts/*.8))
# what `demo.sh` takes beside them, here and where it is installed
demo_files := tests/traffic tests/bpf/tagger.o
all: objects reader $(O)/rules $(O)/abi.sh $(pages:%=$(O)/man/%.8) $(demo_files:%=$(O)/%)
objects: $(bpf_obj) $(pins_obj)
reader: $(O)/hookmap
tests-build: all $(test_bpf_obj) $(test_tools) $(O)/tests/symbols $(if $(libfuzzer),$(O)/fuzz/reader)

# --- remember the settings, so that a change of them rebuilds: those of clang, and of llc
remember = $(shell mkdir -p $(O) && { echo '$(2)' | cmp -s - $(O)/$(1) || echo '$(2)' >$(O)/$(1); })
$(call remember,.settings,$(MAPS) $(CLANG) $(EXTRA_BPF_CFLAGS))
$(call remember,.llc,$(BPF_CPU) $(LLC))

$(O)/%.ll: %.c $(O)/.settings
	@mkdir -p $(@D)
	$(say) CLANG $<
	@for tool in $(firstword $(CLANG)) $(firstword $(LLC)); do command -v $$tool >/dev/null || { \
		echo "make: $$tool is missing: sudo scripts/deps.sh run build" >&2; exit 1; }; done
	$(Q)$(CLANG) $(BPF_CFLAGS) $(if $(filter xdp/% tc/%,$<),$(ip_maps)) \
		-MMD -MP -MF $(@:.ll=.d) -MT $@ -S -emit-llvm -o $@ $<

$(O)/pins/%.ll: kern/abi/pins.c $(abi_headers) kern/maps.h $(O)/.settings
	@mkdir -p $(@D)
	$(say) CLANG $@
	$(Q)$(CLANG) $(BPF_CFLAGS) -DPINS=HM_PINS_$* -S -emit-llvm -o $@ $<

# $(O)/user/*.o are not BPF: the pattern is given for each folder
define llc_rule
$$(O)/$(1)/%.o: $$(O)/$(1)/%.ll $$(O)/.llc
	$$(say) LLC $$@
	$$(Q)$$(LLC) -march=bpf -mcpu=$$(BPF_CPU) -filetype=obj -o $$@ $$<
	$$(Q)$$(LLVM_STRIP) -g $$@
endef
$(foreach d,kern xdp tc iptables pins tests/bpf,$(eval $(call llc_rule,$(d))))
.SECONDARY:

$(O)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(PKG_CONFIG) --exists libbpf smartcols json-c || { \
		echo "make: libbpf, libsmartcols or json-c development files are missing: sudo scripts/deps.sh" >&2; exit 1; }
	$(Q)$(CC) $(HM_CFLAGS) $(CFLAGS) $(lib_flags) -MMD -MP -c -o $@ $<

# man pages: prose, and what --help lists
$(O)/man/%.8: user/pages.awk $(O)/hookmap $(wildcard user/*.8 scripts/*.8 scripts/*.sh scripts/lib/*.sh scripts/features/*.sh)
	@mkdir -p $(@D)
	$(say) MAN $@
	$(Q)$(if $(filter hookmap,$*),{ $(O)/hookmap --help; $(O)/hookmap help fields; },scripts/$*.sh --help) | awk -f $< - $(wildcard user/$*.8 scripts/$*.8) >$@

$(O)/hookmap: $(user_obj)
	$(say) LD $@
	$(Q)$(CC) $(HM_LDFLAGS) $(LDFLAGS) -o $@ $^ $(lib_libs)

# the compiler of policy rules, which opens nothing of the kernel
rules_obj := $(patsubst %.c,$(O)/%.o,$(wildcard user/rules/*.c)) $(addprefix $(O)/user/,text.o words.o)
$(O)/rules: $(rules_obj)
	$(say) LD $@
	$(Q)$(CC) $(HM_LDFLAGS) $(LDFLAGS) -o $@ $^ $(lib_libs)

# --- the reader with instruments, in a folder that has all else from $(O)
asan_flags := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
cov_flags := $(CFLAGS) --coverage
define instrumented
.PHONY: reader-$(1)
reader-$(1): tests-build
	$$(Q)$$(MAKE) O=$$(O)/$(1).d CFLAGS='$$($(1)_flags)' LDFLAGS='$$($(1)_flags)' $$(O)/$(1).d/hookmap $$(O)/$(1).d/rules
	$$(Q)rm -rf $$(O)/$(1) && mkdir $$(O)/$(1)
	$$(Q)cp -al $$(wildcard $$(addprefix $$(O)/,.settings .llc abi.sh kern pins xdp tc iptables tests user fuzz man)) $$(O)/$(1)
	$$(Q)cp $$(O)/$(1).d/hookmap $$(O)/$(1).d/rules $$(O)/$(1)
endef
$(foreach i,asan cov,$(eval $(call instrumented,$(i))))

# libFuzzer, where clang has it
fuzz_flags := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined
fuzz_obj := $(patsubst $(O)/user/%,$(O)/fuzz/user/%,$(user_obj))
$(O)/fuzz/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(say) FUZZ $<
	$(Q)$(CLANG) -std=gnu11 -D_GNU_SOURCE -Ikern -Iuser -I$(O) -DHM_VERSION='"fuzz"' -Dmain=hookmap_main $(fuzz_flags) \
		-fsanitize=fuzzer-no-link $(lib_flags) -MMD -MP -c -o $@ $<
$(O)/fuzz/reader: tests/fuzz/reader.c $(fuzz_obj)
	$(say) FUZZ $@
	$(Q)$(CLANG) -std=gnu11 -D_GNU_SOURCE -Ikern -Iuser -I$(O) $(fuzz_flags) -fsanitize=fuzzer -Wl,--wrap=fopen,--wrap=opendir \
		$(lib_flags) -o $@ $^ $(lib_libs)

# names, sizes and numbers of abi.h for the scripts
layout := kern/abi/layout
$(O)/abi.sh: $(layout).c $(layout).jq $(abi_headers)
	$(say) GEN $@
	$(Q)sed -nE 's/^(struct|enum) (\w+) \{.*/\1 \2 of_\2;/p' $(abi_headers) >$(O)/types.h
	$(Q)sed -nE 's/^#define (\w+)\s.*/"\1" \1/p' $(abi_headers) >$(O)/macros.h
	$(Q)$(CLANG) $(BPF_CFLAGS) -I$(O) -DTYPES='"types.h"' -c -o $(O)/layout.o $(layout).c
	$(Q)$(CLANG) $(BPF_CFLAGS) -I$(O) -DMACROS='"macros.h"' -E -P -o $(O)/macros.i $(layout).c
	$(Q)PATH=$$PATH:/usr/sbin $(BPFTOOL) -j btf dump file $(O)/layout.o >$(O)/layout.json
	$(Q){ echo '# generated from kern/abi.h'; echo HM_ABI=$(HM_ABI); jq -rf $(layout).jq $(O)/layout.json && \
		sed -nE 's/^"(\w+)" ([-+*<|() 0-9a-fA-FxUL]+)$$/\1 \2/p' $(O)/macros.i | \
		sed -E 's/\b((0x)?[0-9a-fA-F]+)[UL]+\b/\1/g; s/(\w+) (.*)/echo \1=$$((\2))/' | bash; } >$@

$(O)/tests/%.so: tests/preload/%.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(HM_CFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

$(O)/tests/%: tests/%.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(HM_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(lib_libs)

# what each object has, for tests/objects/objects.bats
$(O)/tests/symbols: $(bpf_obj)
	@mkdir -p $(@D)
	$(Q)for object in $(bpf_obj:$(O)/%=%); do llvm-objdump -t $(O)/$$object | sed "s|^|$$object |"; done >$@

# --- what people ask for
.PHONY: help check check-vm check-front check-releases test test-asan coverage lint demo bench bench-diff fuzz million soak install uninstall clean deps deps-build root

help:
	@echo 'make           objects and reader in build/ (O=DIR), no root needed'
	@echo 'make demo      shows a feature on a lab of its own; DEMO=latency|l2fwd|policy (root)'
	@echo 'make check     lint and all tests (root); TESTS="tests/drops/*.bats" for some'
	@echo 'make coverage  the tests, and what they have run of reader and scripts; V=1: by file (root)'
	@echo 'make fuzz      a million hostile frames a program; FUZZ_COUNT= FUZZ_SEED= (root)'
	@echo 'make check-vm  the tests under other kernels, in QEMU (root); KERNEL="6.1 6.12 newest" TESTS="..."'
	@echo 'make check-front  the live suites with another field in front of every struct of abi/ (root)'
	@echo 'make check-releases  built and loaded with what Debian 12 and 13 have (root)'
	@echo 'make million   latency: a million packets through NAT, tunnels, taps, GRO (root)'
	@echo 'make soak      load for MINUTES=10, then STEPS=1000 of attaching at random (root)'
	@echo 'make bench     costs, as a table of ratios (root); BENCH="NAME ..." for some, JSON=FILE'
	@echo 'make bench-diff BASE=COMMIT   the same on what COMMIT builds, and compares (root)'
	@echo 'make install   below DESTDIR and PREFIX (/usr/local); make uninstall'
	@echo 'make deb       a Debian package in build/deb/; make check-deb tests it (root)'
	@echo 'make clean'
	@echo 'settings: V=1 MAPS=btf|legacy BPF_CPU=probe|v1|v2|v3 CLANG= LLC= O= PREFIX= DESTDIR='

root:
	@[ "$$(id -u)" = 0 ] || { echo 'make: this needs root: sudo make $(MAKECMDGOALS)' >&2; exit 1; }

# each target installs what it needs; nothing happens if it is there
deps-build:
	@scripts/deps.sh run build
deps-demo: | root
	@scripts/deps.sh run build demo
deps-test: | root
	@scripts/deps.sh run build demo test
deps-bench: | root
	@scripts/deps.sh run build bench

# a second make, because what was just installed changes what this one has found out
DEMO ?= latency
demo: | root deps-demo
	@$(MAKE) all
	@HOOKMAP_OBJ=$(abspath $(O)) scripts/demo.sh $(DEMO)

# (the longest test first, or the last processor runs it alone)
longest = tests/texts/tutorial.bats
TESTS ?= $(longest) $(filter-out $(longest),$(wildcard tests/*/*.bats))
JOBS ?= $(shell nproc)
# with what a failed test said
PROVE = prove --timer --failures --comments --exec 'bats --tap'
ASAN_TESTS ?= tests/reader/reader.bats tests/drops/reader.bats
# gcov's messages, where the reader cannot get at its counts
export GCOV_ERROR_FILE = /dev/null
check: | root deps-test
	@$(MAKE) lint
	@$(MAKE) coverage
	@$(MAKE) test-asan
test: | root
	@$(MAKE) $(if $(COVERAGE),reader-cov,tests-build)
	@rm -f $(O)/.prove
	@export HOOKMAP_OBJ=$(abspath $(O)$(if $(COVERAGE),/cov)); \
	$(PROVE) --directives --jobs $(JOBS) --state=save --statefile=$(O)/.prove $(TESTS) || { \
		echo 'make: what failed beside others runs once more, alone (the suites share one kernel)'; \
		$(PROVE) --directives --state=failed --statefile=$(O)/.prove; }
# the tests, and which lines of reader and scripts they have run, which costs 4 % of their
# time; V=1: by file. The counts' files are for all users that the tests run as, and what bash
# reads is where all may go.
coverage: | root deps-test
	@$(MAKE) reader-cov
	@rm -rf $(O)/cov.d/user/*.gcda $(O)/cov.d/user/rules/*.gcda $(O)/trace && mkdir $(O)/trace
	@umask 0 && $(O)/cov/hookmap --version >/dev/null
	@status=0; where=$$(mktemp -d) && chmod 755 $$where && cp tests/coverage.bash $$where; \
	BASH_ENV=$$where/coverage.bash HM_COVERAGE=$(abspath $(O)/trace) \
		$(MAKE) test COVERAGE=1 TESTS='$(TESTS)' || status=$$?; \
	tests/coverage.sh reader $(O)/cov.d $(if $(filter 1,$(V)),-v); tests/coverage.sh scripts $(O)/trace $(if $(filter 1,$(V)),-v); \
	rm -rf $(O)/trace $$where; exit $$status
# these suites once more, with AddressSanitizer and UBSan
test-asan: | root
	@$(MAKE) reader-asan
	@HOOKMAP_OBJ=$(abspath $(O)/asan) $(PROVE) --jobs $(JOBS) $(ASAN_TESTS)

FUZZ_COUNT ?= 1000000
FUZZ_SEED ?= 1
fuzz: | root deps-test
	@$(MAKE) tests-build
	@HOOKMAP_OBJ=$(abspath $(O)) FUZZ_COUNT=$(FUZZ_COUNT) FUZZ_SEED=$(FUZZ_SEED) bats --tap tests/*/fuzz.bats

# the kernels of Debian that KERNEL names; those tests that are marked for it, or TESTS
KERNEL ?= 6.1 6.12 newest
deps-vm: | root
	@scripts/deps.sh run build test vm
check-vm: | root deps-vm
	@$(MAKE) tests-build
	@HOOKMAP_OBJ=$(abspath $(O)) HM_VM_CACHE=$(or $(HM_VM_CACHE),$(abspath $(O))/vm-cache) JOBS=$(JOBS) \
		tests/vm/check.sh $(KERNEL) $(if $(filter command% environment%,$(origin TESTS)),-- $(TESTS))

# nothing but kern/abi/ knows where a field is: tests/front.sh
check-front: | root deps-test
	@tests/front.sh $(if $(filter command% environment%,$(origin TESTS)),$(TESTS))

# the compilers and the tools of Debian 12 and 13
deps-releases: | root
	@scripts/deps.sh run build test releases
check-releases: | root deps-releases
	@$(MAKE) tests-build
	@HOOKMAP_OBJ=$(abspath $(O)) HM_RELEASES_CACHE=$(or $(HM_RELEASES_CACHE),$(abspath $(O))/releases-cache) tests/releases.sh

# every stamp of latency has an end
million: | root deps-test
	@$(MAKE) tests-build
	@HOOKMAP_OBJ=$(abspath $(O)) LATENCY_COUNT=1000000 bats --tap tests/latency/ways.bats

# MINUTES of healthy traffic without a loss, MINUTES of load, then STEPS at random and kills at every command
soak: | root deps-test
	@$(MAKE) tests-build
	@HOOKMAP_OBJ=$(abspath $(O)) HEALTHY_SECONDS=$$((60 * $${MINUTES:-10})) bats --tap -f 'beside each other' tests/drops/healthy.bats
	@HOOKMAP_OBJ=$(abspath $(O)) tests/soak.sh

bench: | root deps-bench
	@$(MAKE) tests-build
	@HOOKMAP_OBJ=$(abspath $(O)) tests/bench.sh $(if $(JSON),--json $(abspath $(JSON))) $(BENCH)
bench-diff: | root deps-bench
	@[ -n '$(BASE)' ] || { echo 'make: which commit? make bench-diff BASE=COMMIT' >&2; exit 2; }
	@$(MAKE) tests-build
	@HOOKMAP_OBJ=$(abspath $(O)) tests/bench_diff.sh '$(BASE)' $(BENCH)

shell_files = $(wildcard scripts/*.sh scripts/*.bash scripts/lib/*.sh scripts/features/*.sh scripts/demo/*.sh tests/*.sh tests/vm/*.sh tests/*.bash tests/bench/*.sh tests/bench/*.bash .ci/run)
bats_files = $(wildcard tests/*/*.bats)
c_files = $(wildcard kern/*.[ch] kern/abi/*.h xdp/*.c tc/*.[ch] iptables/*.c user/*.[ch] user/rules/*.[ch] tests/*.[ch] tests/bpf/*.c tests/preload/*.c tests/fuzz/*.c)
man_pages = $(pages:%=$(O)/man/%.8)
lint: $(man_pages)
	$(say) LINT shellcheck
	$(Q)shellcheck -x $(shell_files) && shellcheck -x -s bats $(bats_files)
	$(say) LINT shfmt
	$(Q)shfmt -d -ln bash $(shell_files) && shfmt -d -ln bats $(bats_files)
	$(say) LINT clang-format
	$(Q)clang-format --dry-run -Werror $(c_files)
	$(say) LINT man
	$(Q)for page in $(man_pages); do \
		out=$$(LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z $$page 2>&1 >/dev/null); \
		[ -z "$$out" ] || { echo "$$page: $$out"; exit 1; }; done

# --- install: objects and scripts in libdir, commands as links to the scripts
libdir = $(PREFIX)/lib/hookmap
bindir = $(PREFIX)/bin
man8dir = $(PREFIX)/share/man/man8
compdir = $(PREFIX)/share/bash-completion/completions
unitdir = $(PREFIX)/lib/systemd/system
docdir = $(PREFIX)/share/doc/hookmap
confdir = /etc/hookmap
# (the commands below take a space for the end of a path, and uninstall removes what comes before it)
$(if $(word 2,$(DESTDIR)$(PREFIX)$(confdir)),$(error DESTDIR and PREFIX must not contain spaces))
# of features that are attached, also by hand
pins_of_ours = $$(cd /sys/fs/bpf && ls -d hookmap $(addprefix tc/globals/,hm_dev lat_cfg l2_cfg pol_cfg) 2>/dev/null)
# those with a page; new.sh is for the source tree
commands = $(filter-out new,$(patsubst scripts/%.8,%,$(wildcard scripts/*.8)))
units = $(notdir $(wildcard scripts/systemd/*.service scripts/systemd/*.timer))

install: all
	install -d $(addprefix $(DESTDIR),$(bindir) $(man8dir) $(compdir) $(unitdir) $(confdir) \
		$(addprefix $(libdir)/,scripts/lib scripts/features scripts/demo prometheus $(sort $(dir $(demo_files:%=build/%)))))
	for d in kern pins xdp tc iptables; do install -d $(DESTDIR)$(libdir)/build/$$d && \
		install -m 644 $(O)/$$d/*.o $(DESTDIR)$(libdir)/build/$$d || exit 1; done
	install -m 644 $(O)/abi.sh $(DESTDIR)$(libdir)/build
	install $(O)/rules $(DESTDIR)$(libdir)/build
	$(foreach f,$(demo_files),install -m $(if $(filter %.o,$f),644,755) $(O)/$f $(DESTDIR)$(libdir)/build/$f &&) :
	install $(commands:%=scripts/%.sh) $(DESTDIR)$(libdir)/scripts
	install -m 644 scripts/lib.sh scripts/*.schema.json $(DESTDIR)$(libdir)/scripts
	install -m 644 scripts/lib/* $(DESTDIR)$(libdir)/scripts/lib
	install -m 644 scripts/features/*.sh $(DESTDIR)$(libdir)/scripts/features
	install -m 644 scripts/demo/*.sh $(DESTDIR)$(libdir)/scripts/demo
	install -m 644 scripts/prometheus/*.yml scripts/prometheus/*.json $(DESTDIR)$(libdir)/prometheus
	install $(O)/hookmap $(DESTDIR)$(bindir)
	install -m 644 $(O)/man/hookmap.8 $(DESTDIR)$(man8dir)
	for d in . kern xdp tc iptables user scripts tests; do install -D -m 644 $$d/README.md $(DESTDIR)$(docdir)/$$d/README.md || exit 1; done
	install -D -m 644 -t $(DESTDIR)$(docdir)/examples scripts/examples/*
	install -m 644 scripts/completion.bash $(DESTDIR)$(compdir)/hookmap
	for s in $(commands); do \
		ln -sf ../lib/hookmap/scripts/$$s.sh $(DESTDIR)$(bindir)/hookmap-$$s && \
		ln -sf hookmap $(DESTDIR)$(compdir)/hookmap-$$s && \
		install -m 644 $(O)/man/$$s.8 $(DESTDIR)$(man8dir)/hookmap-$$s.8 || exit 1; done
	for u in $(units); do \
		sed $(foreach part,attaching hardening,-e '/^@$(part)@$$/{' -e 'r scripts/systemd/$(part)' -e 'd' -e '}') -e 's|@bindir@|$(bindir)|' \
			scripts/systemd/$$u >$(DESTDIR)$(unitdir)/$$u && chmod 644 $(DESTDIR)$(unitdir)/$$u || exit 1; done
	@[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || echo 'make: now: systemctl daemon-reload'
uninstall:
	@[ -n '$(DESTDIR)' ] || [ ! -x $(bindir)/hookmap-detach ] || [ -z "$(pins_of_ours)" ] || \
		$(bindir)/hookmap-detach --all || { echo 'make: not uninstalled, because what is attached could not be taken off: see above' >&2; exit 1; }
	rm -rf $(DESTDIR)$(libdir) $(DESTDIR)$(docdir)
	rm -f $(addprefix $(DESTDIR),$(bindir)/hookmap $(man8dir)/hookmap.8 $(compdir)/hookmap $(units:%=$(unitdir)/%) \
		$(foreach s,$(commands),$(bindir)/hookmap-$(s) $(man8dir)/hookmap-$(s).8 $(compdir)/hookmap-$(s)))
	[ ! -d $(DESTDIR)$(confdir) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(confdir)

# --- a Debian package: what it takes is staged in the build folder
DEB_VERSION ?= 0.1$(shell git log -1 --format=+git%cd.%h --date=format:%Y%m%d%H%M 2>/dev/null)
deb_dir = $(O)/deb/hookmap-$(DEB_VERSION)
# (which installs nothing: who builds packages has a machine for it)
deb:
	@command -v dpkg-buildpackage >/dev/null && dpkg-checkbuilddeps scripts/debian/control || { \
		echo 'make: what a package needs is missing: sudo scripts/deps.sh build package' >&2; exit 1; }
	rm -rf $(O)/deb
	mkdir -p $(deb_dir)
	cp -r Makefile COPYING README.md kern user tc xdp iptables scripts tests $(deb_dir)
	mv $(deb_dir)/scripts/debian $(deb_dir)/debian
	{ echo 'hookmap ($(DEB_VERSION)) unstable; urgency=medium'; echo; echo '  * Built from source, see git log.'; echo; \
		echo " -- hookmap maintainers <hookmap@hookmap.invalid>  $$(git log -1 --format=%cD 2>/dev/null || date -R)"; } >$(deb_dir)/debian/changelog
	cd $(deb_dir) && dpkg-buildpackage -us -uc -b
	@ls $(O)/deb/*.deb
deps-package: | root
	@scripts/deps.sh run build package
check-deb: | root deps-package
	@$(MAKE) deb >$(O)/deb.log 2>&1 || { tail -n 20 $(O)/deb.log; exit 1; }
	@tests/deb.sh $(O)/deb/hookmap_*.deb

clean:
	rm -rf $(O)

-include $(bpf_obj:.o=.d) $(test_bpf_obj:.o=.d) $(user_obj:.o=.d) $(fuzz_obj:.o=.d) $(test_tools:=.d)
