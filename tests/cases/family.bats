#!/usr/bin/env bats
# Every way to allocate: seen, and unchanged.
load helpers

# Result, output and exit status must be those without the shim, apart from truth lines.
same_as_native() {
  local name=$1
  shift
  native "$programs/$name" "$@"
  track "$programs/$name" "$@"
  diff native.stdout stdout
}

@test "every entry of the malloc family is seen once, with the size that was asked for" {
  truth_holds family_every_entry
  grep -q 'at by_free_sized' stdout
}

@test "random calls of the family by four threads that hand blocks around: every total and every block left" {
  local seed
  options=samples=1000
  for seed in 1 2 3 $RANDOM; do
    echo "seed $seed"
    rm -f ./*.memtrack
    truth_holds family_at_random "$seed" 100000
    json_says .tracking.missed.total 0
    json_says .tracking.unknown_frees 0
  done
}

@test "what libc allocates for the program is seen through it" {
  truth_holds libc_allocates_for_you
}

@test "operator new in every form" {
  truth_holds new_every_way
}

@test "refused requests: same results and errno as without memtrack, and nothing is counted as given" { # TRAPS row 39
  same_as_native refused_requests
  compare stdout "$(the_report 'refused_requests.*.memtrack')"
}

@test "errno is as without memtrack after every entry" { # TRAPS row 38
  same_as_native errno_is_kept
  compare stdout "$(the_report 'errno_is_kept.*.memtrack')"
}

@test "usable size is the allocator's own" { # TRAPS rows 21 and 22
  cat >usable.c <<'C'
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    for (size_t size = 0; size < 3000; size += 7) {
        void *block = malloc(size);
        printf("%zu %zu %zu\n", size, malloc_usable_size(block), (size_t)block % 16);
    }
    return 0;
}
C
  gcc -o usable usable.c
  native ./usable
  track ./usable
  diff native.stdout stdout
}

@test "malloc_trim, mallopt, mallinfo2 and malloc_info go on working" {
  cat >wrappers.c <<'C'
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    void *volatile block = malloc(1000000);
    struct mallinfo2 info = mallinfo2();
    if (info.hblkhd + info.uordblks < 1000000 || mallopt(M_MMAP_THRESHOLD, 1 << 20) != 1)
        return 1;
    free(block);
    malloc_trim(0);
    return malloc_info(0, stdout) != 0;
}
C
  gcc -o wrappers wrappers.c
  track ./wrappers
  grep -q '</malloc>' stdout
}

@test "an allocator below: jemalloc" {
  below_is libjemalloc.so.2
}

@test "an allocator below: tcmalloc" {
  below_is libtcmalloc_minimal.so.4
}

@test "an allocator below: mimalloc" {
  below_is libmimalloc.so.2
}

# The same programs, C and C++, over another allocator: exact figures, and the report names it. Some
# of these libraries bring libstdc++ and allocate before main, so the program's own share is compared.
below_is() {
  local library named
  library=$(ldconfig -p | awk -v name="$1" '$1 == name { print $NF; exit }')
  [ -n "$library" ] || skip "$1 is not installed"
  preload_below=$library
  main_share_holds wrapper_drops_what_it_owns
  named=$(jq -r .tracking.next_allocator report.json)
  [ "$(readlink -f "$named")" = "$(readlink -f "$library")" ]
  main_share_holds random_work 5000
  truth_holds containers
  truth_holds threads_hand_over 3000
}

main_share_holds() {
  local name=$1
  shift
  track "$programs/$name" "$@"
  sed '/peak_bytes/d; s/^truth all/truth under main/' stdout >truth
  compare truth "$(the_report "$name.*.memtrack")"
}
