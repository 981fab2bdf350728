# memtrack: one shared object for the host (shim/), one program for people (report/).
#
#   make [VARIANT=release|check|asan|tsan] [CC=gcc|clang] [V=1]

VARIANT ?= release
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
CXX     := $(if $(filter default,$(origin CXX)),g++,$(CXX))
PREFIX  ?= /usr/local
Q       := $(if $(V),,@)
B       := build/$(VARIANT)
ARCH    := $(shell $(CC) -dumpmachine | cut -d- -f1)

WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CPPFLAGS := -D_GNU_SOURCE -Ishim/include
CFLAGS   := -std=gnu11 -O2 -g $(WARN) -MMD -MP $(EXTRA_CFLAGS)
# An architecture without a folder of its own takes the generic one.
ARCHDIR  := $(if $(wildcard shim/arch/$(ARCH)/.),$(ARCH),generic)

# -fno-builtin: compilers delete malloc/free pairs and turn loops into calls of libc's memcpy.
# initial-exec: any other model may call __tls_get_addr, which may call malloc.
SHIM_CFLAGS := -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-builtin -fno-plt \
               -fno-stack-protector -fno-omit-frame-pointer -fasynchronous-unwind-tables
SHIM_CPPFLAGS := -Ishim -Ishim/arch/$(ARCHDIR) -Ibuild/deps/libunwind/include
# -Bsymbolic would also make dlsym(RTLD_DEFAULT) look into the shim first and hide the program's own malloc.
# now: a lazily bound call would enter the loader, and its lock, in the middle of an event.
SHIM_LDFLAGS := -shared -Wl,-z,now,-z,relro,-z,defs -Wl,-Bsymbolic-functions -Wl,--exclude-libs,ALL \
                -Wl,--gc-sections -Wl,--version-script=shim/memtrack.map -Wl,-soname,libmemtrack.so
REPORT_LIBS := -ldw -lelf -linih -ljansson -liberty -lz -lprotobuf-c -lsqlite3 -lncursesw -ltinfo -lm -lpthread

ifeq ($(VARIANT),check)
CPPFLAGS += -DMEMTRACK_CHECK=1
endif
ifeq ($(VARIANT),asan)
CPPFLAGS += -DMEMTRACK_CHECK=1
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
endif
ifeq ($(VARIANT),tsan)
# gcc warns of fences, which the sanitizer does not follow.
SANITIZE := -fsanitize=thread $(if $(findstring clang,$(CC)),,-Wno-tsan)
endif
CFLAGS += $(SANITIZE)

LIBUNWIND := build/deps/libunwind/libunwind.a

SHIM_SRC   := $(wildcard shim/*.c shim/hook/*.c shim/scan/*.c shim/map/*.c shim/track/*.c shim/measure/*.c shim/stack/*.c shim/store/*.c \
                shim/base/*.c shim/arch/$(ARCHDIR)/*.c shim/arch/$(ARCHDIR)/*.S)
SHIM_OBJ   := $(addprefix $(B)/obj/,$(addsuffix .o,$(basename $(SHIM_SRC))))
# What a unit test may link: all layers below the one that replaces the process's malloc.
SHIM_PARTS := $(filter-out $(B)/obj/shim/hook/% $(B)/obj/shim/start.o $(B)/obj/shim/finish.o,$(SHIM_OBJ))
REPORT_SRC := $(wildcard report/*.c report/*/*.c)
# Made from descriptions and packages, the same for all variants; see report/embed.h.
MADE       := build/made
REPORT_OBJ := $(REPORT_SRC:%.c=$(B)/obj/%.o) $(B)/obj/report/embed.o $(B)/obj/made/profile.pb-c.o
REPORT_PARTS := $(filter-out $(B)/obj/report/main.o,$(REPORT_OBJ))
UNIT_SRC   := $(wildcard tests/unit/*.c)
UNIT_BIN   := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)
SUPPORT_SRC := $(wildcard tests/support/*.c)
SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(B)/obj/%.o)
PROGRAM_C  := $(wildcard tests/programs/*.c)
PROGRAM_CC := $(wildcard tests/programs/*.cc)
PROGRAM_RS := $(if $(shell command -v rustc 2>/dev/null),$(wildcard tests/programs/*.rs))
PROGRAMS   := $(PROGRAM_C:tests/programs/%.c=$(B)/programs/%) \
              $(PROGRAM_CC:tests/programs/%.cc=$(B)/programs/%) \
              $(PROGRAM_RS:tests/programs/%.rs=$(B)/programs/%)
PLUGINS    := $(patsubst tests/programs/plugins/%.c,$(B)/programs/%.so,$(wildcard tests/programs/plugins/*.c))
BENCHES    := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c)) \
              $(B)/bench/containers $(B)/bench/signal.so
MICRO_OBJ  := $(patsubst tests/bench/micro/%.c,$(B)/obj/tests/bench/micro/%.o,$(wildcard tests/bench/micro/*.c))

.PHONY: all shim report unit programs bench fuzz lint install clean help
.DELETE_ON_ERROR:
.SECONDARY: $(SUPPORT_OBJ)

all: shim report ## build libmemtrack.so and memtrack into build/$(VARIANT)

shim: $(B)/libmemtrack.so ## build the shared object alone
report: $(B)/memtrack ## build the companion tool alone
unit: $(UNIT_BIN) ## build the unit tests
programs: $(PROGRAMS) $(PLUGINS) ## build the programs that know their own truth
bench: $(BENCHES) $(B)/bench/micro ## build what scripts/bench runs besides real programs

$(LIBUNWIND): scripts/libunwind
	$(Q)scripts/libunwind build/deps/libunwind

$(B)/libmemtrack.so: $(SHIM_OBJ) $(LIBUNWIND) shim/memtrack.map
	$(Q)$(CC) $(CFLAGS) $(SHIM_LDFLAGS) -o $@ $(SHIM_OBJ) $(LIBUNWIND)

$(B)/memtrack: $(REPORT_OBJ)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(REPORT_LIBS)

$(B)/obj/shim/%.o: shim/%.c | $(LIBUNWIND)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(SHIM_CPPFLAGS) $(CFLAGS) $(SHIM_CFLAGS) -c -o $@ $<

# These read the host's stack word by word, red zones between its variables included.
$(addprefix $(B)/obj/shim/stack/,capture.o fast.o remember.o probe.o slow.o): \
  CFLAGS += -fno-sanitize=address

$(B)/obj/shim/%.o: shim/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(SHIM_CPPFLAGS) $(SHIM_CFLAGS) -c -o $@ $<

$(B)/obj/report/%.o: report/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Ireport -I$(MADE) $(CFLAGS) -fPIE -c -o $@ $<

$(B)/obj/report/export/export_pprof.o: | $(MADE)/profile.pb-c.h

$(MADE)/profile.pb-c.c $(MADE)/profile.pb-c.h &: report/export/profile.proto
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=report/export --c_out=$(MADE) profile.proto

$(B)/obj/made/%.o: $(MADE)/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -I$(MADE) -O2 -g -MMD -MP $(SANITIZE) -fPIE -c -o $@ $<

# What the page of `memtrack html` is drawn with: packages of fixed versions, by their checksums.
PAGE_PACKAGES := build/deps/page/node_modules

$(PAGE_PACKAGES)/.package-lock.json: report/page/package-lock.json report/page/package.json
	@mkdir -p build/deps/page
	$(Q)cp $^ build/deps/page/
	$(Q)cd build/deps/page && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

$(MADE)/page.html: $(PAGE_PACKAGES)/.package-lock.json $(wildcard report/page/*.js report/page/*.css) report/page/index.html
	@mkdir -p $(@D)
	$(Q)node report/page/bundle.js $(PAGE_PACKAGES) $@

$(B)/obj/report/embed.o: report/embed.S report/schema/sqlite-1.sql $(MADE)/page.html
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<

$(B)/obj/tests/support/%.o: tests/support/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(SHIM_CPPFLAGS) -Ireport -Itests/support $(CFLAGS) -c -o $@ $<

$(B)/parts/shim.a: $(SHIM_PARTS)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/parts/report.a: $(REPORT_PARTS)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

# A unit test may use both halves: tests of the reader let the shim's store write their input.
# The wrapped functions fail at will: tests/support/fault.h.
$(B)/unit/%: tests/unit/%.c $(SUPPORT_OBJ) $(B)/parts/shim.a $(B)/parts/report.a $(LIBUNWIND)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(SHIM_CPPFLAGS) -Ireport -Itests/support $(CFLAGS) -fno-builtin -rdynamic \
	  -Wl,--wrap=sys_map,--wrap=sys_mmap -o $@ $< $(SUPPORT_OBJ) \
	  -Wl,--start-group $(B)/parts/shim.a $(B)/parts/report.a -Wl,--end-group \
	  $(LIBUNWIND) -lcmocka $(REPORT_LIBS)

# Truth programs are what users write: no flags of ours, but debug information, and no deleted calls.
$(B)/programs/%: tests/programs/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -Ishim/include -O1 -g -fno-builtin -fno-inline -Wall -Wextra -Werror \
	  -MMD -MP -rdynamic -o $@ $< -lpthread -ldl

$(B)/programs/%.so: tests/programs/plugins/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -g -fno-builtin -fno-inline -Wall -Wextra -Werror -MMD -MP \
	  -fPIC -shared -o $@ $<

$(B)/programs/%: tests/programs/%.cc
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -fsized-deallocation -Ishim/include -O1 -g -fno-builtin -fno-inline -Wall -Wextra -Werror -MMD -MP -o $@ $< -lpthread

$(B)/programs/%: tests/programs/%.rs
	@mkdir -p $(@D)
	$(Q)env -u MAKEFLAGS rustc -g -C opt-level=1 -o $@ $<

# What a bench measures is built as users build it, optimised, but with every call of malloc kept.
$(B)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-builtin -Wall -Wextra -Werror -MMD -MP -o $@ $< -lpthread

$(B)/bench/%: tests/bench/%.cc
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -O2 -g -Wall -Wextra -Werror -MMD -MP -o $@ $<

$(B)/bench/%.so: tests/bench/preload/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -fno-builtin -Wall -Wextra -Werror -fPIC -shared -o $@ $<

$(B)/obj/tests/bench/micro/%.o: tests/bench/micro/%.c | $(LIBUNWIND)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(SHIM_CPPFLAGS) $(CFLAGS) -fno-builtin -c -o $@ $<

$(B)/bench/micro: $(MICRO_OBJ) $(B)/parts/shim.a $(LIBUNWIND)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -o $@ $(MICRO_OBJ) $(B)/parts/shim.a $(LIBUNWIND) -lpthread

fuzz: ## build the fuzzers of everything that reads a file or a variable (needs clang)
	$(Q)scripts/fuzz build

lint: ## check format, clang-tidy, export list, include direction and shell scripts
	$(Q)scripts/lint

install: all ## copy program, shared object and man pages below PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/memtrack $(DESTDIR)$(PREFIX)/share/man/man1
	install $(B)/memtrack $(DESTDIR)$(PREFIX)/bin/memtrack
	install $(B)/libmemtrack.so $(DESTDIR)$(PREFIX)/lib/memtrack/libmemtrack.so
	install -m 644 report/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/

clean: ## remove everything that was built, except for libunwind
	rm -rf build/release build/check build/asan build/tsan

help: ## print this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

-include $(SHIM_OBJ:.o=.d) $(REPORT_OBJ:.o=.d) $(SUPPORT_OBJ:.o=.d) $(UNIT_BIN:=.d) $(PROGRAMS:=.d) $(PLUGINS:.so=.d) \
         $(addsuffix .d,$(filter-out %.so,$(BENCHES))) $(MICRO_OBJ:.o=.d)
