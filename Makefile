# tgrun: `make` leaves build/tgrun; `make check` builds with every compiler there is, plain and with sanitizers, and runs all tests.

PREFIX  ?= /usr/local
DESTDIR ?=
B       ?= build
CC      ?= cc
VERSION := 0.1.0

PKGS    := libcurl libcjson libpipeline libuv sqlite3 libmicrohttpd inih readline
LIBS    := $(shell pkg-config --libs $(PKGS))
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef -Wno-format-truncation
HARDEN  := -fPIE -fstack-protector-strong -fcf-protection -D_FORTIFY_SOURCE=2
OPT     ?= -O2 -g
SAN     ?=
ifneq ($(SAN),)
HARDEN  := -fPIE
OPT     := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif
CFLAGS  ?=
ALLFLAGS = -std=gnu11 -D_GNU_SOURCE -DTGRUN_VERSION='"$(VERSION)"' -Ilib -I. $(WARN) $(HARDEN) $(OPT) $(shell pkg-config --cflags $(PKGS)) $(CFLAGS)
LDALL    = $(OPT) -pie -Wl,-z,relro,-z,now $(LDFLAGS)

LIB_C   := $(sort $(wildcard lib/*.c lib/*/*.c))
CLI_C   := $(sort $(wildcard cli/*.c))
UNIT_C  := $(sort $(wildcard tests/unit/*.c))
TOOL_C  := $(sort $(wildcard tests/tools/*.c))
OBJ     := $(LIB_C:%.c=$(B)/%.o)
UNIT    := $(UNIT_C:tests/unit/%.c=$(B)/unit/%)
TOOLS   := $(TOOL_C:tests/tools/%.c=$(B)/tools/%)

all: $(B)/tgrun

$(B)/tgrun: $(CLI_C:%.c=$(B)/%.o) $(B)/libtgrun.a
	$(CC) $(LDALL) -o $@ $^ $(LIBS)

$(B)/libtgrun.a: $(OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/unit/%: $(B)/tests/unit/%.o $(filter-out $(B)/cli/main.o,$(CLI_C:%.c=$(B)/%.o)) $(B)/libtgrun.a
	@mkdir -p $(@D)
	$(CC) $(LDALL) -o $@ $^ $(LIBS)

$(B)/tools/%: $(B)/tests/tools/%.o $(B)/libtgrun.a
	@mkdir -p $(@D)
	$(CC) $(LDALL) -o $@ $^ $(LIBS)

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# All that the tests of one configuration need.
tests: $(B)/tgrun $(UNIT) $(TOOLS)

clean:
	rm -rf build

.PHONY: all tests clean
.SECONDARY:
