#!/usr/bin/env bats
# Suppression files mean here what they mean to Valgrind and to LeakSanitizer: the same program, the same file,
# the same leaks are left. tests/programs/leaks_by_name.cc loses one block of each size from 1001 to 1009.
load helpers

program=$programs/leaks_by_name

# The sizes of the leaks that are left, in order.
left_by_memtrack() {
  rm -rf reports
  "${clean[@]}" "$memtrack" run --quiet --out "$PWD/reports/" -- "$program" >/dev/null 2>&1
  tool check --suppressions "$1" --format json reports >check.json || [ $? = 1 ] || return 1
  jq -r '.findings[].bytes' check.json | sort -n | xargs
}

left_by_valgrind() {
  "${clean[@]}" valgrind --leak-check=full --suppressions="$1" "$program" 2>valgrind
  sed -nE 's/^==[0-9]+== ([0-9,]+) bytes in .* definitely lost in.*/\1/p' valgrind | tr -d , | sort -n | xargs
}

left_by_lsan() {
  "${clean[@]}" LSAN_OPTIONS=suppressions="$1":fast_unwind_on_malloc=0 LD_PRELOAD="$lsan" "$program" >lsan 2>&1 || true
  sed -nE 's/^Direct leak of ([0-9]+) byte.*/\1/p' lsan | sort -n | xargs
}

# Lines of an entry for Valgrind, as arguments.
entry() {
  printf '{\n   an entry\n   Memcheck:Leak\n'
  printf '   %s\n' "$@"
  printf '}\n'
}

same_as_valgrind() {
  run left_by_valgrind "$1"
  [ "$output" = "$2" ] || { echo "valgrind leaves $output"; return 1; }
  run left_by_memtrack "$1"
  [ "$output" = "$2" ] || { echo "memtrack leaves $output, not $2"; return 1; }
}

same_as_lsan() {
  printf '%s\n' "${@:2}" >lsan.supp
  run left_by_lsan lsan.supp
  # An empty block counts as one byte there.
  output=${output/#1 /0 }
  [ "$output" = "$1" ] || { echo "LeakSanitizer leaves $output with ${*:2}"; return 1; }
  run left_by_memtrack lsan.supp
  [ "$output" = "$1" ] || { echo "memtrack leaves $output, not $1, with ${*:2}"; return 1; }
}

@test "functions by mangled name, wildcards, objects, source lines and ... fit as in Valgrind" {
  {
    entry fun:_Znwm fun:_ZN3app9lose_itemEv
    entry 'fun:_Zna?' 'fun:*lose_array*' 'obj:*/leaks_by_name' fun:main
    entry 'match-leak-kinds: definite' fun:malloc 'fun:_ZN3app5StoreC?Ei' 'fun:*lose_all*'
    entry fun:malloc fun:lose_by_c "src:leaks_by_name.cc:$(grep -n 'lose_by_c(1005)' "$root/tests/programs/leaks_by_name.cc" | cut -d: -f1)"
    entry 'fun:*alloc' fun:lose_inlined 'fun:_ZN12_GLOBAL__N_18lose_allEv'
    entry fun:malloc ... 'fun:*lose_in_depthEi' ... 'fun:*lose_allEv' ...
    entry fun:malloc 'obj:/usr/lib*/libc.so.6' ... fun:main
  } >some.supp
  same_as_valgrind some.supp '1004 1009'
}

@test "an entry names the allocation function that was called" {
  {
    entry fun:calloc ... fun:lose_by_c
    entry fun:malloc 'fun:_ZN3app5StoreixEi'
    entry fun:_Znam fun:_ZN3app9lose_itemEv
    entry fun:_Znwm 'fun:*lose_array*'
    entry 'fun:re?lloc' 'fun:*lose_in_depthEi'
    entry fun:memalign fun:lose_inlined
  } >none.supp
  same_as_valgrind none.supp '0 1001 1002 1003 1004 1005 1006 1007 1008 1009'
  {
    entry fun:calloc 'fun:_ZN3app5StoreixEi'
    entry fun:_Znwm fun:_ZN3app9lose_itemEv
    entry fun:_Znam 'fun:*lose_array*'
    entry fun:malloc 'fun:*lose_in_depthEi'
    entry fun:malloc fun:strdup
  } >some.supp
  same_as_valgrind some.supp '0 1003 1005 1006 1009'
}

@test "what does not fit in Valgrind does not fit here" {
  {
    entry 'match-leak-kinds: possible,reachable,indirect' fun:malloc fun:lose_by_c
    entry fun:malloc fun:lose_by_c fun:main
    entry fun:malloc 'fun:lose_by_?' fun:main
    entry fun:_Znwm 'fun:lose_item*'
    entry 'fun:*alloc' fun:lose_inline
    entry fun:malloc fun:lose_in_depth 'fun:*lose_allEv'
    entry fun:malloc 'obj:libc.so.6' ... fun:main
    entry fun:malloc src:leaks_by_name.cc:6
    entry fun:malloc ... fun:lose_all
    entry ... fun:_start fun:main
  } >none.supp
  same_as_valgrind none.supp '0 1001 1002 1003 1004 1005 1006 1007 1008 1009'
}

@test "Valgrind's own generated suppressions fit all of it, also with inlined and cloned functions" {
  cat >inlined.cc <<'END'
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <cstdlib>
struct thing { std::string name; std::vector<int> numbers; explicit thing(const std::string &n) : name(n) { numbers.resize(50); } };
static void *volatile lost;
__attribute__((noinline)) static void clone_of_mine(int n, int unused) { for (int i = 0; i < n; i++) lost = malloc(10 + i); (void)unused; }
static void put(std::map<std::string, thing *> &all, int i) { all["a name that does not fit inside " + std::to_string(i)] = new thing("another name that does not fit inside"); }
int main() { auto *all = new std::map<std::string, thing *>; for (int i = 0; i < 3; i++) put(*all, i);
  lost = new std::shared_ptr<int>(std::make_shared<int>(3)); lost = new double[10]; lost = aligned_alloc(64, 64); clone_of_mine(3, 4);
  lost = nullptr; all = nullptr; return 0; }
END
  g++ -O2 -g -o inlined inlined.cc
  "${clean[@]}" valgrind --leak-check=full --gen-suppressions=all --num-callers=24 \
    --show-leak-kinds=definite,indirect,possible ./inlined 2>valgrind
  sed -n '/^{$/,/^}$/p' valgrind >all.supp
  [ "$(grep -c '^{' all.supp)" -gt 8 ]
  "${clean[@]}" "$memtrack" run --quiet --out "$PWD/reports/" -- ./inlined
  run -1 tool check --kinds definite,indirect,possible reports
  run -0 tool check --kinds definite,indirect,possible --suppressions all.supp reports
  # And the other way round.
  tool check --kinds definite,indirect,possible --gen-suppressions=ours.supp reports >text || true
  run -0 tool check --kinds definite,indirect,possible --suppressions ours.supp reports
  "${clean[@]}" valgrind --leak-check=full --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=9 \
    --suppressions=ours.supp ./inlined 2>valgrind || { cat valgrind; false; }
}

@test "patterns with ^, \$ and * fit functions, files and modules as in LeakSanitizer" {
  lsan=$(gcc -print-file-name=liblsan.so)
  [ -e "$lsan" ] || skip "LeakSanitizer is not installed"
  "${clean[@]}" LD_PRELOAD="$lsan" "$program" 2>&1 | grep -q 'Direct leak' || skip "LeakSanitizer cannot run here"
  same_as_lsan '0 1001 1002 1003 1004 1006 1007 1008' 'leak:^lose_by_c$'
  same_as_lsan '0 1001 1003 1004 1005 1007 1008 1009' 'leak:lose_inl*ed' 'leak:se_arr'
  same_as_lsan '0 1001 1002 1003 1004 1005 1006 1007 1008 1009' 'leak:^ose_by_c' 'leak:lose_by$' 'leak:lose_by_c*x' 'leak:e_e'
  same_as_lsan '1001 1002 1005 1006 1007 1008 1009' 'leak:Store'
  same_as_lsan '0 1001 1002 1003 1004 1005 1006 1007 1009' 'leak:strdup.c$'
  same_as_lsan '' 'leak:*/leaks_by_name$'
}
