#!/usr/bin/env bats
# Each check of scripts/lint fails on a planted fault. A fault is planted in a copy of the tree.
load helpers

copy_tree() {
  mkdir copy
  (cd "$root" && tar -c --exclude=./build --exclude=./.git .) | tar -x -C copy
  cd copy || return 1
}

# The check must pass in the copy as it is.
clean_before() {
  run scripts/lint "$1"
  [ "$status" = 0 ] || skip "the tree itself fails this check, which scripts/lint reports"
}

# ... and fail, naming $2, once the fault is there.
fails_now() {
  run scripts/lint "$1"
  echo "$output"
  [ "$status" = 1 ] && [[ $output == *"$2"* ]]
}

@test "format finds a line that is not formatted" {
  copy_tree
  clean_before format
  printf 'int  planted( void );\n' >report/planted.h
  fails_now format report/planted.h
}

@test "tidy finds a suspicious construct" {
  copy_tree
  find shim report tests -name '*.c' -delete
  find tests -name '*.cc' -delete
  printf '#include <string.h>\nint planted(const char *a);\nint planted(const char *a)\n{\n    return strcmp(a, "x") == 3;\n}\n' >report/planted.c
  fails_now tidy report/planted.c
}

@test "layers finds an include that goes up" {
  copy_tree
  clean_before layers
  printf '#include "hook/hook.h"\n' >>shim/store/name.h
  fails_now layers shim/store/name.h
}

@test "layers finds a report tool that includes the shim" {
  copy_tree
  clean_before layers
  printf '#include "base/sys.h"\n' >report/planted.h
  fails_now layers report/planted.h
}

@test "names finds two files of one name" {
  copy_tree
  clean_before names
  : >report/name.c
  fails_now names name.c
}

@test "shell finds a script that breaks on spaces" {
  copy_tree
  clean_before shell
  # shellcheck disable=SC2016 # it is the planted script that expands it
  printf '#!/bin/bash\nfor f in $(ls *.c); do rm $f; done\ncd $1\n' >scripts/planted
  fails_now shell scripts/planted
}

@test "words finds what must not be left in the tree" {
  copy_tree
  clean_before words
  local word
  for word in TO''DO FIX''ME place''holder /wo''rk/main/x deb.deb''ian.org; do
    printf '/* %s */\n' "$word" >report/planted.h
    fails_now words report/planted.h
  done
}

# Builds a small shared object from standard input; LIBMEMTRACK names it for scripts/lint.
planted_object() {
  copy_tree
  cat >planted.c
  gcc -shared -fPIC -o planted.so planted.c "$@"
  export LIBMEMTRACK=$PWD/planted.so
}

@test "exports finds a function that is not declared, and one that is missing" {
  planted_object <<<'int planted_export(void) { return 1; }'
  fails_now exports 'exported, not declared: planted_export'
  fails_now exports 'declared, not exported: malloc'
}

@test "undefined finds a symbol and a library that are not the C library's" {
  planted_object -lz -Wl,--no-as-needed <<<'const char *zlibVersion(void); const char *p(void) { return zlibVersion(); }'
  fails_now undefined zlibVersion
  fails_now undefined 'needs libz'
}

@test "undefined finds dynamic thread-local storage" {
  planted_object <<<'extern __thread int other; __thread int own; int *p(void) { return &own; }'
  fails_now undefined __tls_get_addr
}

@test "tls finds more than 255 bytes of thread-local storage" {
  planted_object -ftls-model=initial-exec <<<'__thread char large[256]; char *p(void) { return large; }'
  fails_now tls 256
}

@test "a check that does not exist is refused" {
  run -2 "$root/scripts/lint" nonsense
}
