#!/usr/bin/env bats
# Call sites: whole stacks, one site for each, with names.
load helpers

@test "one function reached on two paths is two call sites" {
  truth_holds leaks_on_two_paths
}

@test "a leak table kept by hand is the report's list of blocks" {
  truth_holds leak_table
}

@test "a stack of 240 frames is whole, from the allocation to main" {
  truth_holds deep_stack 230
  json_says '[.sites[] | select(.figures.live_bytes == 640)] | length' 1
  json_says '.sites[] | select(.figures.live_bytes == 640) | [.stack[] | select(.function == "descend")] | length' 231
  json_says '.sites[] | select(.figures.live_bytes == 640) | [.stack[] | select(.function == "main")] | length' 1
  json_says '.sites[] | select(.figures.live_bytes == 640) | .cut' false
}

@test "a stack of 3000 frames keeps its innermost 256 and is marked as cut" {
  truth_holds deep_stack 3000
  json_says '.sites[] | select(.figures.live_bytes == 640) | .cut' true
  json_says '.sites[] | select(.figures.live_bytes == 640) | .stack | length' 256
  json_says '.sites[] | select(.figures.live_bytes == 640) | .stack[0].function' at_the_bottom
  tool report --sort live deep_stack.*.memtrack | grep -qi 'cut'
}

@test "depth=1000 keeps 1000 frames" {
  options=depth=1000
  truth_holds deep_stack 3000
  json_says '.sites[] | select(.figures.live_bytes == 640) | .stack | length' 1000
}

@test "plugins that come and go keep their names, also at the same address" { # TRAPS row 46
  truth_holds plugins_come_and_go "$programs"
}

@test "a plugin that is loaded again and again has its leak in one place, and one that replaced it has its own" { # TRAPS row 46
  cat >reloads.c <<'C'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
static void load(void)
{
    void *handle = dlopen("./plugin.so", RTLD_NOW);
    if (handle == NULL || dlclose(handle) != 0)
        exit(1);
}
int main(int argc, char **argv)
{
    for (int i = 0; i < 100; i++)
        load();
    if (rename(argv[argc - 1], "./plugin.so") != 0)
        return 2;
    for (int i = 0; i < 100; i++)
        load();
    return 0;
}
C
  gcc -g -O0 -o reloads reloads.c
  cp "$programs/first_plugin.so" plugin.so
  cp "$programs/second_plugin.so" another.so
  track ./reloads ./another.so
  as_json "$(the_report 'reloads.*.memtrack')"
  json_says '[.sites[] | select(.stack[0].function == "second_plugin_starts")] | length < 10' true
  json_says '[.sites[] | select(.stack[0].function == "second_plugin_starts") | .figures.live_bytes] | add' 2200
  # Those of the file that is gone have no names, and none of the other file's.
  json_says '[.sites[] | select(.figures.live_bytes % 11 == 0 and .stack[0].function == null)] | length < 10' true
  json_says '[.sites[] | select(.figures.live_bytes % 11 == 0 and .stack[0].function == null) | .figures.live_bytes] | add' 1100
}

@test "every frame of the program has a function, a file and a line" {
  track "$programs/wrapper_drops_what_it_owns"
  as_json "$(the_report 'wrapper_drops*.memtrack')"
  json_says '[.sites[].stack[] | select(.function == "owned_alloc") | .file | test("wrapper_drops_what_it_owns.c$")] | all' true
  local line
  line=$(grep -n 'truth_got(&counted, malloc(size), size)' "$root/tests/programs/wrapper_drops_what_it_owns.c" | cut -d: -f1)
  json_says '[.sites[].stack[] | select(.function == "owned_alloc") | .line] | unique | @csv' "$line"
}

@test "the line is that of the call, not the one it returns to" { # TRAPS row 44
  cat >two_lines.c <<'C'
#include <stdlib.h>
static void *kept;
int main(void)
{
    kept = malloc(
        77);
    return 0;
}
C
  gcc -g -O0 -o two_lines two_lines.c
  track ./two_lines
  as_json "$(the_report 'two_lines.*.memtrack')"
  json_says '[.sites[] | select(.figures.live_bytes == 77) | .stack[] | select(.function == "main") | .line][0] | . >= 5 and . <= 6' true
}

@test "each site's share of the peak is what was live at the peak" {
  cat >peaks.c <<'C'
#include <stdlib.h>
static void *first(void)
{
    return malloc(10000);
}
static void *second(void)
{
    return malloc(5000);
}
static void *third(void)
{
    return malloc(12000);
}
int main(void)
{
    void *volatile a = first();
    void *volatile b = second();
    free(a);
    void *volatile c = third();
    free(b);
    a = first();
    free(c);
    b = second();
    return a == b;
}
C
  gcc -g -O0 -o peaks peaks.c
  track ./peaks
  as_json "$(the_report 'peaks.*.memtrack')"
  json_says .totals.peak_bytes 22000
  json_says '[.sites[] | select(.stack[0].function == "first") | .figures.peak_bytes] | add' 10000
  json_says '[.sites[] | select(.stack[0].function == "second") | .figures.peak_bytes] | add' 0
  json_says '[.sites[] | select(.stack[0].function == "third") | .figures.peak_bytes] | add' 12000
}

@test "blocks freed before the thread's next allocation are temporary" { # of two that overlap, the second
  cat >temporary.c <<'C'
#include <stdlib.h>
static void short_lived(void)
{
    void *volatile block = malloc(10);
    free(block);
}
static void overlapping(void)
{
    void *volatile first = malloc(20);
    void *volatile second = malloc(30);
    free(first);
    free(second);
}
int main(void)
{
    for (int i = 0; i < 7; i++)
        short_lived();
    overlapping();
    return 0;
}
C
  gcc -g -O0 -o temporary temporary.c
  track ./temporary
  as_json "$(the_report 'temporary.*.memtrack')"
  json_says '[.sites[] | select(.stack[0].function == "short_lived") | .figures.temporary] | add' 7
  json_says '[.sites[] | select(.stack[0].function == "overlapping") | .figures.temporary] | add' 1
}

@test "stripped programs give module+offset, static functions and no crash" {
  cp "$programs/leaks_on_two_paths" stripped
  strip stripped
  track ./stripped
  as_json "$(the_report 'stripped.*.memtrack')"
  json_says .totals.live_bytes 640
  tool report stripped.*.memtrack | grep -qE 'stripped\+0x[0-9a-f]+'
}
