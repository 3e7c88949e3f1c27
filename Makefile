# tgrun: `make` leaves build/tgrun; `make check` builds with gcc and clang, plain and with sanitizers, and runs all tests.

PREFIX  ?= /usr/local
DESTDIR ?=
B       ?= build
CC      ?= cc
VERSION := 0.2.0

# make WITHOUT="readline microhttpd libpq", and make install with the same words: a build without libraries that not everybody needs. A word
# has three rows: what pkg-config calls the libraries, the files that go with them, and those that then stand there and say so.
WITHOUT ?=
OPTIONAL := readline microhttpd libpq
readline_PKGS   := readline
readline_FILES  := cli/try/chat_prompt.c
readline_NONE   := cli/try/chat_prompt_none.c
microhttpd_PKGS := libmicrohttpd readline
microhttpd_NONE := lib/engine/engine_door_none.c cli/try/cmd_try_none.c
microhttpd_FILES := $(filter-out $(microhttpd_NONE) lib/engine/door_outcome.c,\
	$(wildcard lib/io/httpd*.c lib/sandbox/*.c lib/engine/door*.c lib/engine/engine_door*.c cli/try/*.c))
libpq_PKGS      := libpq
libpq_NONE      := lib/queue/shared/fleet_none.c
libpq_FILES     := $(filter-out $(libpq_NONE) $(addprefix lib/queue/shared/,fleet_url.c fleet_schema.c fleet_text.c),\
	$(wildcard lib/queue/shared/*.c))
$(foreach word,$(filter-out $(OPTIONAL),$(WITHOUT)),$(error WITHOUT takes the words $(OPTIONAL), and not '$(word)'))
ABSENT  := $(foreach word,$(OPTIONAL),$(if $(filter $(word),$(WITHOUT)),$($(word)_FILES),$($(word)_NONE)))

PKGS    := $(filter-out $(foreach word,$(WITHOUT),$($(word)_PKGS)),libcurl libcjson libpipeline libuv sqlite3 libmicrohttpd inih readline libpq)
# Three of them are loaded when they are first needed (lib/io/library.h), by the names that a program linked with them would ask for.
LOADED  := libcurl libmicrohttpd libpq
soname   = $(shell readelf -d "$$($(CC) -print-file-name=$(1).so)" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
LIBS    := $(shell pkg-config --libs $(filter-out $(LOADED),$(PKGS))) -pthread -lrt -ldl
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef -Wno-format-truncation -Wno-unknown-warning-option
HARDEN  := -fPIE -fstack-protector-strong -fcf-protection -D_FORTIFY_SOURCE=2
OPT     ?= -O2 -g
# Bytes of a function's variables: a stack of 64 KB (ulimit -s 64) has room for all that call each other.
FRAME   := -Wframe-larger-than=10240
SAN     ?=
# A line for each step; none with -s, all of it with V=1.
QUIET   := $(findstring s,$(firstword -$(MAKEFLAGS)))
say      = $(if $(V),,@$(if $(QUIET),,echo '  $(1)  $@' &&))
ifneq ($(SAN),)
HARDEN  := -fPIE
FRAME   :=
OPT     := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif
CFLAGS  ?=
# CRASH=1: with the places where tests may kill it compiled in (lib/base/crashpoint.h).
CRASH   ?=
# FLEET_CLIENT=n: an older member of a fleet, as its database sees it (lib/queue/shared/fleet_schema.h).
FLEET_CLIENT ?=
# COVER=1: what runs is counted, also in processes that end without exit(3) (tests/cover/cover.c).
COVER   ?=
ifneq ($(COVER),)
HARDEN  := -fPIE
FRAME   :=
OPT     := -O0 -g
LIBS    += -Wl,--wrap=_exit,--wrap=execve --coverage
$(B)/lib/%.o $(B)/cli/%.o: COUNT = --coverage -fprofile-update=atomic -fno-builtin-fork -fno-builtin-execve
endif
ALLFLAGS = -std=gnu11 -D_GNU_SOURCE $(if $(CRASH),-DTGRUN_CRASHPOINTS) -DTGRUN_VERSION='"$(VERSION)"' -DTGRUN_WITHOUT='"$(strip $(WITHOUT))"' -DTGRUN_CURL='"$(CURL)"' -DTGRUN_MICROHTTPD='"$(MHD)"' -DTGRUN_LIBPQ='"$(PQ)"' $(if $(FLEET_CLIENT),-DFLEET_CLIENT=$(FLEET_CLIENT)) -Ilib -I. $(WARN) $(HARDEN) $(OPT) $(shell pkg-config --cflags $(PKGS)) $(CFLAGS) $(COUNT)
LDALL    = $(OPT) -pie -Wl,-z,relro,-z,now $(LDFLAGS)

CURL    := $(call soname,libcurl)
MHD     := $(if $(filter libmicrohttpd,$(PKGS)),$(call soname,libmicrohttpd))
PQ      := $(call soname,libpq)
LIB_C   := $(filter-out $(ABSENT),$(sort $(wildcard lib/*/*.c lib/*/*/*.c)))
CLI_C   := $(filter-out $(ABSENT),$(sort $(wildcard cli/*.c cli/*/*.c)))
UNIT_C  := $(sort $(wildcard tests/unit/*.c))
FUZZ_C  := $(filter-out tests/fuzz/replay.c,$(sort $(wildcard tests/fuzz/*.c)))
TOOL_C  := $(filter-out tests/tools/machine.c tests/tools/sandbox_%.c,$(sort $(wildcard tests/tools/*.c)))
OBJ     := $(LIB_C:%.c=$(B)/%.o) $(B)/lib/queue/shared/fleet_sql.o $(if $(COVER),$(B)/tests/cover/cover.o)
UNIT    := $(UNIT_C:tests/unit/%.c=$(B)/unit/%) $(FUZZ_C:tests/fuzz/%.c=$(B)/unit/fuzz_%)
TOOLS   := $(TOOL_C:tests/tools/%.c=$(B)/tools/%)
BENCH   := $(patsubst tests/bench/%.c,build/gcc/bench/%,$(wildcard tests/bench/*.c))

COMPLETE := $(addprefix $(B)/completions/,tgrun.bash tgrun.zsh tgrun.fish)

all: $(B)/tgrun completions

$(B)/tgrun: $(CLI_C:%.c=$(B)/%.o) $(B)/libtgrun.a
	$(call say,LD) $(CC) $(LDALL) -o $@ $^ $(LIBS)

$(B)/libtgrun.a: $(OBJ) $(B)/without
	@rm -f $@
	$(call say,AR) $(AR) rcs $@ $(OBJ)

# What this directory was last built without: whatever tells it apart is made anew when that changes.
$(B)/without: force
	@mkdir -p $(@D)
	@echo '$(strip $(WITHOUT))' | cmp -s - $@ || echo '$(strip $(WITHOUT))' >$@
$(B)/cli/options/help.o: $(B)/without
force:

# An archive, so that a test takes only what it calls: main.o holds the sub-commands together.
$(B)/libcli.a: $(filter-out $(B)/cli/main.o,$(CLI_C:%.c=$(B)/%.o)) $(B)/without
	@rm -f $@
	$(call say,AR) $(AR) rcs $@ $(filter %.o,$^)

$(B)/unit/%: $(B)/tests/unit/%.o $(B)/libcli.a $(B)/libtgrun.a
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDALL) -o $@ $^ $(LIBS)

# A fuzz target that replays its corpus; and the same with libFuzzer, see `make fuzz`.
$(B)/unit/fuzz_%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay.o $(B)/libcli.a $(B)/libtgrun.a
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDALL) -o $@ $^ $(LIBS)

$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libcli.a $(B)/libtgrun.a
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(B)/tools/%: $(B)/tests/tools/%.o $(B)/libtgrun.a
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

# Its log, its steering and its script of faults are no part of the library.
$(B)/tools/sandbox: $(patsubst %.c,$(B)/%.o,$(wildcard tests/tools/sandbox_*.c))

# A handler that tests start ten thousand times: it waits for no library.
$(B)/tools/probe $(B)/tools/powerloss $(B)/tools/failing $(B)/tools/counts: LIBS =

$(B)/bench/%: $(B)/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(OPT) -static -o $@ $^

# What it asks of the database is what costs; libpq is no static library.
$(B)/tests/bench/fleet.o: COUNT := $(shell pkg-config --cflags libpq)
$(B)/bench/fleet: $(B)/tests/bench/fleet.o
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(OPT) -pie -o $@ $^ $(shell pkg-config --libs libpq)

# The same source as the program that reads what this wrote.
$(B)/tools/%.so: tests/tools/%.c Makefile
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(ALLFLAGS) -fPIC -DAS_LIBRARY -shared -o $@ $<

# What the shells complete, from the tables of the program itself.
completions: $(COMPLETE)

$(B)/completions/words: $(B)/share/completions/words.o $(B)/libcli.a $(B)/libtgrun.a
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDALL) -o $@ $^ $(LIBS)

$(B)/completions/words.txt: $(B)/completions/words
	$(call say,GEN) $< >$@.new && mv $@.new $@

$(COMPLETE): $(B)/completions/%: share/completions/% $(B)/completions/words.txt
	$(call say,GEN) sed -e '/^@WORDS@$$/{r $(B)/completions/words.txt' -e 'd;}' $< >$@.new && mv $@.new $@

# Without sanitizers of its own: a program that has them takes it, too.
$(B)/tools/machine.so: tests/tools/machine.c Makefile
	@mkdir -p $(@D)
	$(call say,LD) $(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g $(CFLAGS) -fPIC -shared -o $@ $<

# The schema of the fleet as a text of the program.
$(B)/lib/queue/shared/fleet_sql.c: lib/queue/shared/fleet.sql Makefile
	@mkdir -p $(@D)
	$(call say,GEN) { echo '#include "queue/shared/fleet_schema.h"'; echo 'const char fleet_sql[] ='; sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' $<; echo ';'; } >$@.new && mv $@.new $@

$(B)/lib/queue/shared/fleet_sql.o: $(B)/lib/queue/shared/fleet_sql.c
	$(call say,CC) $(CC) $(ALLFLAGS) -MMD -MP -c -o $@ $<

$(B)/lib/%.o $(B)/cli/%.o: WARN += $(FRAME)
$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(ALLFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)

# All that the tests of one configuration need.
tests: $(B)/tgrun $(COMPLETE) $(UNIT) $(TOOLS) $(B)/tools/machine.so $(if $(SAN),,$(B)/tools/powerloss.so $(B)/tools/failing.so $(B)/tools/counts.so $(B)/bench/server $(B)/bench/worker)

# The four configurations that are tested, each in a directory of its own, with warnings as errors.
JOBS    ?= $(shell nproc)
SETS    := gcc clang gcc-asan clang-asan
FLOW    := $(sort $(wildcard tests/flow/*.t))
UNIT_IN = $(patsubst tests/unit/%.c,build/$(1)/unit/%,$(UNIT_C)) $(patsubst tests/fuzz/%.c,build/$(1)/unit/fuzz_%,$(FUZZ_C))
FLOW_IN = $(patsubst tests/%,build/$(1)/%,$(FLOW))
# The slow ones first. A flow test spends its time on waiting, not on what a compiler made: once plain, once with sanitizers.
QUICK   = $(call FLOW_IN,gcc) $(call UNIT_IN,gcc)
# What several machines share is the database's to do, and its tests take long: they run once.
ALONE   = $(foreach test,$(FLOW),$(if $(findstring /fleet,$(test)),$(test)))
ASAN    = $(filter-out $(ALONE:tests/%=build/clang-asan/%),$(call FLOW_IN,clang-asan)) $(call UNIT_IN,clang-asan) $(call UNIT_IN,gcc-asan)
PROVE   = tests/run --all -j $$(($(JOBS) + 4))

$(SETS:%=build-%): build-%:
	@command -v $(firstword $(subst -, ,$*)) >/dev/null || \
		{ echo "make: no $(firstword $(subst -, ,$*)) here; scripts/deps installs it" >&2; exit 1; }
	@echo "== building all with $*, warnings are errors"
	@$(MAKE) -s --no-print-directory -j $(JOBS) B=build/$* CC=$(firstword $(subst -, ,$*)) CFLAGS=-Werror \
		SAN=$(findstring asan,$*) tests

# Only the program, for tests/torture/crash: it can be killed at named places.
build-crash:
	@$(MAKE) -s --no-print-directory -j $(JOBS) B=build/crash CC=gcc CFLAGS=-Werror OPT="-O1 -g" CRASH=1 build/crash/tgrun

# What the tests reach, by file; make cover-lines ONLY=lib/io then lists what they do not. Failed tests are told, and counted nevertheless.
# hardening.t asks how the compiler was called; crashpoints.t and out_kill.t kill a build of its own.
COVERED = $(filter-out %/hardening.t %/crashpoints.t %/out_kill.t,$(call FLOW_IN,cover)) $(call UNIT_IN,cover)
cover:
	@command -v gcovr >/dev/null || { echo "make: no gcovr here; scripts/deps installs it" >&2; exit 1; }
	@$(MAKE) -s --no-print-directory -j $(JOBS) B=build/cover CC=gcc CFLAGS=-Werror COVER=1 tests
	@find build/cover -name '*.gcda' -delete
	-@$(PROVE) $(COVERED)
	@tests/cover/report table

ONLY    ?=
cover-lines:
	@ONLY=$(ONLY) tests/cover/report lines

lint: build-gcc
	@scripts/lint build/gcc

# By clang-format 14, whose choices others do not all share: the check is of what is left, by lint.
format:
	@clang-format -i $$(git ls-files '*.[ch]')

# One after the other: the builds run in parallel inside, and a fault is told before the long part begins.
check:
	@for target in lint $(SETS:%=build-%) build-crash; do $(MAKE) -s --no-print-directory $$target || exit; done
	@$(PROVE) $(QUICK) $(ASAN) $(call UNIT_IN,clang)

check-quick: build-gcc build-crash
	@$(PROVE) $(QUICK)

# The long form. ROUNDS=, SEED=, SEEDS=, POLLS=, STATES=, MESSAGES=, CHATS=, and FAULTS=, FLEET= and SOAK= (seconds of each mode, of faults, and in all) are handed on.
torture: build-gcc build-crash
	@tests/torture/crash
	@tests/torture/matrix
	@tests/torture/property
	@tests/torture/ways
	@tests/torture/outbox
	@tests/torture/fleet_sql
	@SECONDS_MAX=$${FLEET:-1200} tests/torture/fleet
	@BUILD=build/gcc STATES=$${STATES:-1000} sh tests/flow/powerloss.t
	@BUILD=build/gcc MESSAGES=$${MESSAGES:-10000} CHATS=$${CHATS:-1000} sh tests/flow/out_limits.t
	@SECONDS_MAX=$${FAULTS:-200} tests/torture/failing
	@tests/torture/soak
	@tests/torture/memcheck

# The manual as HTML, for a browser or a web server: build/docs/index.html. (mandoc's Markdown has no tables.) mandoc looks for a page that is
# named, where it runs, and links to Debian's where there is none.
DOCS     = $(abspath $(B))/docs
LINKS    = %N.%S.html;https://manpages.debian.org/%N.%S
docs:
	@command -v mandoc >/dev/null || { echo "make: no mandoc here; scripts/deps installs it" >&2; exit 1; }
	@rm -rf $(DOCS) && mkdir -p $(DOCS)
	@set -e; cd man; for page in *.[1-8]; do mandoc -T html -O 'toc,man=$(LINKS)' $$page >$(DOCS)/$$page.html; done
	@{ echo '<!DOCTYPE html><meta charset="utf-8"><title>tgrun $(VERSION)</title><h1>tgrun $(VERSION)</h1><dl>'; cd man; for page in *.[1-8]; do \
		sed -n "s,^\.Nd \(.*\),<dt><a href=\"$$page.html\">$$page</a><dd>\1,p" $$page; done; echo '</dl>'; } >$(DOCS)/index.html
	@echo $(DOCS)/index.html

# The Debian package, built, installed, used and removed in a root of its own; as root, from Debian's mirror.
packages: build-gcc
	@tests/packages/run

# What tgrun costs, in one table: make bench ROW=starts JSON=1; on a quiet machine. npm installs what it is compared with (scripts/peers).
ROW     ?=
JSON    ?=
bench: build-gcc
	@$(MAKE) -s --no-print-directory B=build/gcc CC=gcc CFLAGS=-Werror $(BENCH)
	@tests/bench/run $(if $(JSON),--json) $(ROW)

# Bots of other people's libraries under tgrun, beside their own runners; npm and apt-get fetch them into FOREIGN=, outside of the tree.
foreign: build-gcc
	@tests/foreign/run

check-asan: build-crash build-clang-asan build-gcc-asan
	@$(PROVE) $(ASAN)

# make fuzz FUZZ=slice TIME=60: new inputs by clang's libFuzzer. What it keeps is in build/fuzz/found/, an input
# that breaks something in build/fuzz/broken-…: it belongs in the corpus, which `make check` replays.
FUZZ    ?= slice
TIME    ?= 60
fuzz:
	@$(MAKE) -s --no-print-directory -j $(JOBS) B=build/fuzz CC=clang SAN=asan \
		CFLAGS='-Werror -fsanitize=fuzzer-no-link' build/fuzz/fuzz/$(FUZZ)
	@mkdir -p build/fuzz/found/$(FUZZ)
	build/fuzz/fuzz/$(FUZZ) -max_total_time=$(TIME) -max_len=4096 -timeout=10 -print_final_stats=1 \
		-artifact_prefix=build/fuzz/broken-$(FUZZ)- build/fuzz/found/$(FUZZ) tests/fuzz/corpus/$(FUZZ)

# Under $(PREFIX), the manual and examples with it; `make install DESTDIR=/tmp/x` for packagers, who also choose the
# places of others' files.
BINDIR  = $(DESTDIR)$(PREFIX)/bin
MANDIR  = $(DESTDIR)$(PREFIX)/share/man
DOCDIR  = $(DESTDIR)$(PREFIX)/share/doc/tgrun
GLUEDIR = $(DESTDIR)$(PREFIX)/share/tgrun
UNITDIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
BASHDIR = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR  = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISHDIR = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
MANUAL  = $(wildcard man/*.[1-8])
UNITS   = $(wildcard share/*.service share/*.socket share/*.target)
RUNS    = share/crontab.example share/runit/run share/runit/log share/s6/run
# What names the program's place: $(call placed,MODE,FROM,TO)
placed  = sed 's,/usr/local/\(bin\|libexec\|share\),$(PREFIX)/\1,' $(2) >$(3) && chmod $(1) $(3)
EXECDIR = $(DESTDIR)$(PREFIX)/libexec/tgrun

install: $(B)/tgrun completions
	install -D -m 755 $(B)/tgrun $(BINDIR)/tgrun
	install -d $(DOCDIR)/examples $(DOCDIR)/examples/runit $(DOCDIR)/examples/s6 $(UNITDIR)
	set -e; $(foreach page,$(MANUAL),install -D -m 644 $(page) $(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page));)
	install -m 644 README.md NEWS.md LICENSE DESIGN.md SECURITY.md $(DOCDIR)
	install -m 755 share/examples/* $(DOCDIR)/examples
	chmod 644 $(DOCDIR)/examples/menu.talk
	set -e; $(foreach unit,$(UNITS),$(call placed,644,$(unit),$(UNITDIR)/$(notdir $(unit)));)
	set -e; $(foreach run,$(RUNS),$(call placed,$(if $(filter %.example,$(run)),644,755),$(run),$(DOCDIR)/examples/$(patsubst share/%,%,$(run:.example=)));)
	install -d $(GLUEDIR)/once.d
	set -e; $(foreach file,$(wildcard share/tgrun/tgrun[._]* share/tgrun/once.sh),$(call placed,$(if $(filter %once.sh,$(file)),755,644),$(file),$(GLUEDIR)/$(notdir $(file)));)
	ln -sf ../once.sh $(GLUEDIR)/once.d/curl
	install -D -m 755 share/tgrun-metrics $(EXECDIR)/tgrun-metrics
	install -m 644 share/tgrun-alerts.yml $(DOCDIR)/examples
	install -D -m 644 $(B)/completions/tgrun.bash $(BASHDIR)/tgrun
	install -D -m 644 $(B)/completions/tgrun.zsh $(ZSHDIR)/_tgrun
	install -D -m 644 $(B)/completions/tgrun.fish $(FISHDIR)/tgrun.fish

uninstall:
	rm -f $(BINDIR)/tgrun $(foreach page,$(MANUAL),$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
	rm -f $(BASHDIR)/tgrun $(ZSHDIR)/_tgrun $(FISHDIR)/tgrun.fish $(foreach unit,$(UNITS),$(UNITDIR)/$(notdir $(unit)))
	rm -rf $(DOCDIR) $(GLUEDIR) $(EXECDIR)

# The source of the last commit as build/tgrun-VERSION.tar.gz; the same bytes whenever and wherever it is made.
DIST     = build/tgrun-$(VERSION).tar.gz
dist:
	@command -v git >/dev/null && git rev-parse --verify -q HEAD >/dev/null || { echo "make: a distribution is made of a git checkout" >&2; exit 1; }
	@mkdir -p build
	@git -c core.autocrlf=false -c tar.umask=0022 archive --format=tar --prefix=tgrun-$(VERSION)/ HEAD | gzip -9n >$(DIST).new
	@mv $(DIST).new $(DIST)
	@echo $(DIST)

# The Debian package of the last commit, into build/deb/.
deb: dist
	@command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null || \
		{ echo "make: no dpkg-buildpackage or no dh here: apt-get install build-essential debhelper" >&2; exit 1; }
	@rm -rf build/deb && mkdir -p build/deb
	@tar -C build/deb -xf $(DIST)
	@cd build/deb/tgrun-$(VERSION) && dpkg-buildpackage --no-sign -j$(JOBS)
	@ls build/deb/*.deb

clean:
	rm -rf build

.PHONY: all force completions tests dist deb docs packages build-crash cover cover-lines torture bench foreign check check-quick check-asan lint format install uninstall clean $(SETS:%=build-%)
.SECONDARY:
