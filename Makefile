# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# saxdp is built by this one file. `make help` lists the targets; everything generated goes to
# build/, or to another tree with O=. Sources are found by folder: a new file needs no edit here.
#
# `make demo` and `make check` start on a machine that has git and make and nothing else: they
# install what is missing and only then start a second make that builds. So nothing may run a
# compiler or pkg-config while this file is read: such variables are expanded in recipes.

VERSION := 0.1.0

O ?= build
# The tree that holds BPF objects, skeletons and generated headers. The sanitizer and clang trees
# borrow those of their parent, as what they vary is the host's side.
GEN ?= $(O)

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/sbin
DATADIR ?= $(PREFIX)/share

CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
INSTALL ?= install
CLANG ?= clang-19
LLVM_STRIP ?= llvm-strip-19
CLANG_FORMAT ?= clang-format-14
BPFTOOL ?= bpftool
# Seconds for each fuzzer in check-long.
FUZZ_SECONDS ?= 60

# bpftool, ip and ethtool live in sbin, which is not on every user's path.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

ifeq ($(V),1)
	Q =
	msg =
else
	Q = @
	msg = @printf '  %-8s %s\n' "$(1)" "$(2)";
	MAKEFLAGS += --no-print-directory
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# --- one version -------------------------------------------------------------------------------

SOVERSION := $(firstword $(subst ., ,$(VERSION)))
SONAME := libsaxdp.so.$(SOVERSION)
MAP := user/lib/libsaxdp.map
# The newest node stands last in the map and is "NAME {"; a parent's name has a semicolon.
MAP_NODE := $(lastword $(filter-out %;,$(filter LIBSAXDP_%,$(file < $(MAP)))))
ifneq ($(MAP_NODE),LIBSAXDP_$(SOVERSION))
$(error $(MAP) ends with $(MAP_NODE), but version $(VERSION) needs LIBSAXDP_$(SOVERSION))
endif

# --- sources and what becomes of them ----------------------------------------------------------

LIB_SRC := $(wildcard user/lib/*.c)
CLI_SRC := $(wildcard user/cli/*.c)
DEMO_SRC := $(wildcard user/demo/*.c)
BPF_SRC := $(wildcard bpf/*.bpf.c)
HEADERS := $(wildcard include/*.h include/*/*.h)

TEST_LIB_SRC := $(wildcard tests/lib/*.c tests/model/*.c)
TEST_BPF_SRC := $(wildcard tests/bpf/*.bpf.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
INTEGRATION_SRC := $(wildcard tests/integration/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_SRC := $(wildcard tests/bench/bench_*.c)
PROG_SRC := $(UNIT_SRC) $(INTEGRATION_SRC) $(FUZZ_SRC) $(BENCH_SRC)

objs = $(patsubst %.c,$(O)/obj/%.o,$(1))
LIB_OBJ := $(call objs,$(LIB_SRC))
CLI_OBJ := $(call objs,$(CLI_SRC))
DEMO_OBJ := $(call objs,$(DEMO_SRC))
TEST_LIB_OBJ := $(call objs,$(TEST_LIB_SRC))
FUZZ_MAIN := $(O)/obj/tests/fuzz/replay.o
HOST_OBJ := $(LIB_OBJ) $(CLI_OBJ) $(DEMO_OBJ) $(TEST_LIB_OBJ) $(call objs,$(PROG_SRC)) $(FUZZ_MAIN)

SKEL := $(patsubst bpf/%.bpf.c,$(GEN)/%.skel.h,$(BPF_SRC))
TEST_SKEL := $(patsubst tests/bpf/%.bpf.c,$(GEN)/tests/%.skel.h,$(TEST_BPF_SRC))
NAMES := $(GEN)/names.h
TEST_GEN := $(TEST_SKEL) $(GEN)/tests/layout_rows.h

LIB_A := $(O)/libsaxdp.a
LIB_SO := $(O)/$(SONAME)
PC := $(O)/saxdp.pc $(O)/saxdp-win32.pc
TEST_LIB := $(O)/tests/libtest.a
PRODUCT := $(if $(LIB_SRC),$(LIB_A) $(LIB_SO) $(PC)) $(if $(CLI_SRC),$(O)/saxdp) \
	   $(if $(DEMO_SRC),$(O)/demo-client)

progs = $(patsubst %.c,$(O)/%,$(1))
UNIT := $(call progs,$(UNIT_SRC))
INTEGRATION := $(call progs,$(INTEGRATION_SRC))
FUZZ := $(call progs,$(FUZZ_SRC))
BENCH := $(call progs,$(BENCH_SRC))
FUZZERS := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)

# --- flags: CFLAGS, CPPFLAGS and LDFLAGS are the builder's, ours are apart -----------------------

WARN := -Wall -Wextra -Werror -Wshadow
OUR_CPPFLAGS := -D_GNU_SOURCE -DSAXDP_VERSION='"$(VERSION)"' -I include
OUR_CFLAGS := -std=gnu11 -fPIC -fvisibility=hidden -pthread $(WARN)
ifneq ($(SANITIZE),)
	OUR_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
	OUR_LDFLAGS := -fsanitize=$(SANITIZE)
endif

# generation_read() of maps.bpf.h knows which processors order loads by themselves.
BPF_ARCH := $(patsubst x86_64,x86,$(shell uname -m))
BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(BPF_ARCH) $(WARN) -I include -I vmlinux -I bpf

# Expanded once, and not before a recipe needs it.
once = $(eval $(1) := $(2))$($(1))
LIBS = $(call once,LIBS,$(shell $(PKG_CONFIG) --libs libxdp libbpf libelf zlib))
CLI_LIBS = $(call once,CLI_LIBS,$(shell $(PKG_CONFIG) --libs libcjson))
# Tests link libbpf statically, so that -Wl,--wrap=syscall reaches its calls too.
TEST_LIBS = -lcmocka $(subst -lxdp,-l:libxdp.a,$(subst -lbpf,-l:libbpf.a,$(LIBS))) $(CLI_LIBS)

# --- building ----------------------------------------------------------------------------------

.PHONY: all
all: $(PRODUCT) ## build library, command and demo client (needs `make deps` once)

.PHONY: generated tests
generated: $(SKEL) $(NAMES) $(TEST_GEN)
tests: $(PRODUCT) $(UNIT) $(INTEGRATION) $(FUZZ) $(BENCH) ## build everything the checks run

define compile
	$(call msg,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
endef

# Each folder sees what it may use: the command and the demo only public headers, tests all.
$(LIB_OBJ): OUR_CPPFLAGS += -I $(GEN)
$(LIB_OBJ): $(O)/obj/%.o: %.c Makefile | $(SKEL) $(NAMES)
	$(compile)

$(CLI_OBJ) $(DEMO_OBJ): $(O)/obj/%.o: %.c Makefile
	$(compile)

TEST_OBJ := $(TEST_LIB_OBJ) $(call objs,$(PROG_SRC)) $(FUZZ_MAIN)
$(TEST_OBJ): OUR_CPPFLAGS += -I user/lib -I bpf -I vmlinux -I tests/lib -I tests/model \
	-I $(GEN) -I $(GEN)/tests
$(TEST_OBJ): $(O)/obj/%.o: %.c Makefile | $(SKEL) $(NAMES) $(TEST_GEN)
	$(compile)

$(LIB_A): $(LIB_OBJ)
$(TEST_LIB): $(TEST_LIB_OBJ)
$(LIB_A) $(TEST_LIB):
	$(call msg,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(LIB_SO): $(LIB_OBJ) $(MAP)
	$(call msg,LINK,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(MAP) -Wl,-z,defs \
		$(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $(LIB_OBJ) $(LIBS)

define link
	$(call msg,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^)
endef

$(O)/saxdp: $(CLI_OBJ) $(LIB_A)
	$(link) $(LIBS) $(CLI_LIBS)

$(O)/demo-client: $(DEMO_OBJ) $(LIB_A)
	$(link) $(LIBS)

# A test that needs its own linker flags says so in its first comment: " * link: -Wl,--wrap=mmap".
$(UNIT) $(INTEGRATION) $(BENCH): $(O)/%: $(O)/obj/%.o $(TEST_LIB) $(LIB_A)
	$(link) $(shell sed -n 's/^ \* link: //p' $*.c) $(TEST_LIBS)

$(FUZZ): $(O)/%: $(O)/obj/%.o $(FUZZ_MAIN) $(TEST_LIB) $(LIB_A)
	$(link) $(TEST_LIBS)

define compile_bpf
	$(call msg,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(EXTRA_BPF_CFLAGS) -MMD -MP -c -o $@ $<
	$(Q)$(LLVM_STRIP) -g $@
endef

$(GEN)/%.bpf.o: bpf/%.bpf.c Makefile
	$(compile_bpf)

$(GEN)/tests/%.bpf.o: tests/bpf/%.bpf.c Makefile
	$(compile_bpf)

$(SKEL) $(TEST_SKEL): %.skel.h: %.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(notdir $*)_bpf > $@

$(NAMES): user/lib/names.awk $(filter-out include/win32/%,$(HEADERS))
	$(call msg,GEN,$@)
	@mkdir -p $(@D)
	$(Q)awk -f $^ > $@

$(GEN)/tests/layout_rows.h: tests/unit/layout.tsv
	$(call msg,GEN,$@)
	@mkdir -p $(@D)
	$(Q)awk -F '\t' '!/^#/ { printf "%s_ROW(%s", toupper($$1), $$2; \
		for (i = 3; i <= NF; i++) printf ", %s", $$i; print ")" }' $< > $@

# Uninstalled, the files find the library beside themselves and the headers in the sources.
pc = sed -e 's|@VERSION@|$(VERSION)|' -e 's|@PREFIX@|$(2)|' -e 's|@LIBDIR@|$(3)|' \
	 -e 's|@INCLUDEDIR@|$(4)|' user/lib/lib$(1).pc.in
$(PC): $(O)/%.pc: user/lib/lib%.pc.in Makefile
	$(call msg,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(call pc,$*,$${pcfiledir},$${pcfiledir},$${pcfiledir}/$(shell \
		realpath -m --relative-to=$(O) include)) > $@

.PHONY: vmlinux
vmlinux: ## regenerate vmlinux/vmlinux.h from the running kernel's BTF
	$(call msg,CC,$(O)/vmlinux-gen)
	@mkdir -p $(O)
	$(Q)$(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -o $(O)/vmlinux-gen vmlinux/gen.c $(LIBS)
	$(call msg,GEN,vmlinux/vmlinux.h)
	$(Q)$(O)/vmlinux-gen vmlinux/types.list > $(O)/vmlinux.h
	$(Q)mv $(O)/vmlinux.h vmlinux/vmlinux.h

-include $(HOST_OBJ:.o=.d) $(SKEL:.skel.h=.bpf.d) $(TEST_SKEL:.skel.h=.bpf.d)

# --- running -----------------------------------------------------------------------------------

.PHONY: demo run-demo
demo: ## install what is missing, build, and show real ESP being counted
	$(Q)tests/deps.sh build demo
	$(Q)$(MAKE) run-demo
run-demo: all
	$(Q)BUILD=$(abspath $(O)) user/demo/demo.sh

RUN = BUILD=$(abspath $(O)) V=$(V) tests/run.sh
FORMAT_FILES = $(shell find bpf user include tests -name '*.[ch]')
FORMAT_TEST = clang-format='$(CLANG_FORMAT) --dry-run -Werror $(FORMAT_FILES)'
EXPORTS_TEST = exports='diff $(O)/declared $(O)/exported'
INTEGRATION_TESTS = $(INTEGRATION) $(wildcard $(addprefix tests/integration/test_*.,sh py))
ASAN_TESTS = $(UNIT_SRC:%.c=$(O)/asan/%) $(foreach f,$(FUZZERS),\
	     fuzz_$(f)='$(O)/asan/tests/fuzz/fuzz_$(f) tests/fuzz/seeds/$(f)')
LONG_FUZZ = $(foreach f,$(FUZZERS),fuzz_$(f)='mkdir -p $(O)/fuzz/corpus/$(f) && \
	    $(O)/fuzz/tests/fuzz/fuzz_$(f) -max_total_time=$(FUZZ_SECONDS) $(O)/fuzz/corpus/$(f) \
	    tests/fuzz/seeds/$(f)')

# What runs on Debian's kernels: the demo, which loads and attaches everything and counts exactly.
KERNELS := 6.1 6.12
KERNEL_COMMAND = env BUILD=$(abspath $(O)) user/demo/demo.sh

.PHONY: check run-check
check: ## install what is missing, build, and run every test
	$(Q)tests/deps.sh build demo check
	$(Q)$(MAKE) run-check
run-check: tests asan early clang headers $(O)/declared $(O)/exported
	$(Q)$(RUN) $(FORMAT_TEST) $(EXPORTS_TEST) $(UNIT) $(ASAN_TESTS) \
		-t 600 $(INTEGRATION_TESTS) -f tests/early $(O)/early

.PHONY: check-unit check-integration check-asan check-early check-format check-long check-kernels
check-unit: $(UNIT) ## run the unit tests
	$(Q)$(RUN) $(UNIT)

check-integration: tests ## run the tests that need root and network namespaces
	$(Q)$(RUN) -t 600 $(INTEGRATION_TESTS)

check-asan: asan ## run unit tests and fuzz seeds under ASan and UBSan
	$(Q)$(RUN) $(ASAN_TESTS)

check-early: early ## prove that tests fail when a commit is published before its entries
	$(Q)$(RUN) -t 600 -f tests/early $(O)/early

check-format: ## compare all sources with .clang-format
	$(Q)$(RUN) $(FORMAT_TEST)

check-long: ## long random runs: fuzzers with new inputs, models with more rounds
	$(Q)tests/deps.sh build demo check long
	$(Q)$(MAKE) run-check-long
.PHONY: run-check-long
run-check-long: tests fuzzers
	$(Q)SAXDP_TEST_LONG=1 $(RUN) -t 7200 $(LONG_FUZZ) $(UNIT) $(INTEGRATION_TESTS) \
		planted=tests/model/planted.sh

check-kernels: ## run programs and demo on Debian's own kernels, emulated
	$(Q)tests/deps.sh build demo kernels
	$(Q)$(MAKE) all
	$(Q)$(RUN) -t 1800 $(KERNELS:%=kernel-%='tests/kernels/run.sh % $(KERNEL_COMMAND)')

.PHONY: bench run-bench
bench: ## measure, and print ratios with their spread
	$(Q)tests/deps.sh build demo check
	$(Q)$(MAKE) run-bench
run-bench: $(BENCH)
	$(Q)set -e; cat tests/bench/reading.txt; for b in $(BENCH); do echo "$${b##*/}:"; $$b; done

# Trees of their own.
.PHONY: asan clang early fuzzers asan-tests early-tests
asan: generated
	$(Q)$(MAKE) O=$(O)/asan GEN=$(GEN) SANITIZE=address,undefined asan-tests
asan-tests: $(UNIT) $(FUZZ)
clang: generated
	$(Q)$(MAKE) O=$(O)/clang GEN=$(GEN) CC=$(CLANG) CXX=$(CLANG) tests headers
early:
	$(Q)$(MAKE) O=$(O)/early GEN=$(O)/early EXTRA_BPF_CFLAGS=-DTEST_COMMIT_EARLY early-tests
early-tests: $(INTEGRATION)
fuzzers: generated
	$(Q)$(MAKE) O=$(O)/fuzz GEN=$(GEN) CC=$(CLANG) FUZZ_MAIN= FUZZ_LDFLAGS=-fsanitize=fuzzer \
		SANITIZE=fuzzer-no-link,address,undefined fuzzer-programs
.PHONY: fuzzer-programs
fuzzer-programs: $(FUZZ)
$(FUZZ): OUR_LDFLAGS += $(FUZZ_LDFLAGS)

.PHONY: headers
# Every public header stands alone, in both languages.
HEADER_FLAGS := $(WARN) -pedantic -I include -fsyntax-only
headers:
	$(Q)set -e; for h in $(HEADERS); do \
		unit="#include \"$${h#include/}\"\ntypedef int unit;\n"; \
		printf "$$unit" | $(CC) $(HEADER_FLAGS) -std=c11 -x c -; \
		printf "$$unit" | $(CXX) $(HEADER_FLAGS) -std=c++17 -x c++ -; \
	done

# The functions that the headers declare (only gcc lists them), and those a program can link to.
$(O)/declared: $(HEADERS) Makefile
	$(Q)for h in $(HEADERS:include/%=%); do echo "#include <$$h>"; done | \
		gcc -I include -fsyntax-only -aux-info $@.aux -x c -
	$(Q)sed -n 's,^/\* include/.* extern .*[ *]\([A-Za-z0-9_]*\) (.*,\1,p' $@.aux | sort -u > $@
$(O)/exported: $(LIB_SO)
	$(Q)nm -D --defined-only $< | sed -n 's/.* T \(.*\)@@.*/\1/p' | sort > $@

# --- packages ----------------------------------------------------------------------------------

.PHONY: deps
deps: ## install the Debian packages that build, demo and check need
	$(Q)tests/deps.sh build demo check

# --- installing --------------------------------------------------------------------------------

.PHONY: install uninstall
HEADER_DIR = $(DESTDIR)$(INCLUDEDIR)/saxdp
install: all ## install below PREFIX (/usr/local), staged in DESTDIR
	$(Q)$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig $(HEADER_DIR)/fwp \
		$(HEADER_DIR)/win32/spelled $(DESTDIR)$(BINDIR) \
		$(DESTDIR)$(DATADIR)/man/man7 $(DESTDIR)$(DATADIR)/man/man8 \
		$(DESTDIR)$(DATADIR)/bash-completion/completions
	$(Q)$(INSTALL) -m 644 $(LIB_A) $(DESTDIR)$(LIBDIR)/
	$(Q)$(INSTALL) -m 755 $(LIB_SO) $(DESTDIR)$(LIBDIR)/
	$(Q)ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libsaxdp.so
	$(Q)$(INSTALL) -m 644 $(wildcard include/*.h) $(HEADER_DIR)/
	$(Q)$(INSTALL) -m 644 $(wildcard include/fwp/*.h) $(HEADER_DIR)/fwp/
	$(Q)$(INSTALL) -m 644 $(wildcard include/win32/*.h) $(HEADER_DIR)/win32/
	$(Q)$(INSTALL) -m 644 $(wildcard include/win32/spelled/*) $(HEADER_DIR)/win32/spelled/
	$(Q)$(foreach p,saxdp saxdp-win32,$(call pc,$(p),$(PREFIX),$(LIBDIR),$(INCLUDEDIR)/saxdp) \
		> $(DESTDIR)$(LIBDIR)/pkgconfig/$(p).pc &&) true
	$(Q)$(INSTALL) -m 755 $(O)/saxdp $(DESTDIR)$(BINDIR)/
	$(Q)$(INSTALL) -m 644 user/lib/saxdp-api.7 $(DESTDIR)$(DATADIR)/man/man7/
	$(Q)$(INSTALL) -m 644 user/cli/saxdp.8 $(DESTDIR)$(DATADIR)/man/man8/
	$(Q)$(INSTALL) -m 644 user/cli/saxdp.bash-completion \
		$(DESTDIR)$(DATADIR)/bash-completion/completions/saxdp

uninstall: ## remove what install put there
	$(Q)rm -f $(DESTDIR)$(BINDIR)/saxdp \
		$(addprefix $(DESTDIR)$(DATADIR)/man/,man7/saxdp-api.7 man8/saxdp.8) \
		$(addprefix $(DESTDIR)$(LIBDIR)/,libsaxdp.a libsaxdp.so $(SONAME)) \
		$(addprefix $(DESTDIR)$(LIBDIR)/pkgconfig/,saxdp.pc saxdp-win32.pc) \
		$(DESTDIR)$(DATADIR)/bash-completion/completions/saxdp
	$(Q)rm -rf $(HEADER_DIR)

.PHONY: clean help
clean: ## remove the build tree
	$(Q)rm -rf $(O)

help: ## list the targets
	$(Q)sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 20
	@echo 'V=1 shows commands, O=DIR builds there, PREFIX= and DESTDIR= say where to install'
