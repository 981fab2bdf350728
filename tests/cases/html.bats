#!/usr/bin/env bats
# memtrack html: the page in a real browser, headless.
load helpers

packages=$root/build/deps/page-tests/node_modules

# What drives the browser, by checksum; once for all tests.
setup_file() {
  command -v chromium >/dev/null || return 0
  command -v npm >/dev/null || return 0
  if ! cmp -s "$root/tests/page/package-lock.json" "$root/build/deps/page-tests/package-lock.json"; then
    mkdir -p "$root/build/deps/page-tests"
    (cd "$root/build/deps/page-tests" && cp "$root"/tests/page/package.json . &&
      cp "$root"/tests/page/package-lock.json lock && cp lock package-lock.json &&
      npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || rm -f package-lock.json) >&2
  fi
}

drive() {
  command -v chromium >/dev/null || skip "chromium is not installed"
  [ -d "$packages/playwright-core" ] || skip "npm could not install what drives the browser"
  env HOME="$PWD" XDG_CONFIG_HOME="$PWD" timeout 200 node "$root/tests/page/drive.js" "$packages" "$@" 2>errors || {
    tail -n 20 errors
    return 1
  }
}

perl_report() {
  # shellcheck disable=SC2016 # perl's variables
  track perl -e 'my %w = map { ("word $_" => "x" x ($_ % 50)) } 1 .. '"$1"'; print scalar(keys %w), "\n"'
  mv "$(the_report 'perl.*.memtrack')" "$2"
  tool html -o "$2.html" "$2"
  flat_json "$2"
  cp report.json "$2.json"
}

@test "the page opens in both colour schemes, asks for nothing, and has the report's totals" {
  track "$programs/containers"
  report=$(the_report 'containers.*.memtrack')
  tool html -o page.html "$report"
  flat_json "$report"
  drive totals page.html report.json
  perl_report 2000 perl
  drive totals perl.html perl.json
}

@test "tables sort, filter and open; the flame graph zooms, searches and turns, by mouse and keyboard" {
  perl_report 2000 perl
  drive interact perl.html Perl_sv
}

@test "the timeline has a brush" {
  perl_report 200000 perl
  drive timeline perl.html
}

@test "leaks are there by kind, as in the report" {
  track "$programs/leaks_on_two_paths"
  report=$(the_report 'leaks_on_two_paths.*.memtrack')
  tool html -o page.html "$report"
  flat_json "$report"
  drive leaks page.html report.json
}

@test "two reports are compared in one page" {
  perl_report 1000 first
  perl_report 3000 second
  tool html -o both.html first second
  drive compared both.html first.json second.json
}

@test "phases cut totals, flame graph and tables; memory, mappings and lifetimes have their places" {
  cat >maps.c <<'C'
#include <sys/mman.h>
#include <unistd.h>
__attribute__((constructor)) static void map(void)
{
    for (int i = 0; i < 3; i++)
        mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
C
  gcc -shared -fPIC -o maps.so maps.c
  options=lifetimes=1
  preload_below=$PWD/maps.so
  track "$programs/measures_itself"
  report=$(the_report 'measures_itself.*.memtrack')
  tool html -o page.html "$report"
  flat_json "$report"
  tool report --json --phase serve "$report" | jq '.reports[0]' >cut.json
  drive phases page.html report.json cut.json serve
  drive memory page.html report.json
  drive narrow page.html
}

@test "the verdict is green where nothing is lost, red where something is" {
  track "$programs/measures_itself"
  tool html -o kept.html "$(the_report 'measures_itself.*.memtrack')"
  drive verdict kept.html good
  track "$programs/leaks_on_two_paths"
  tool html -o lost.html "$(the_report 'leaks_on_two_paths.*.memtrack')"
  drive verdict lost.html bad
}

@test "a hostile name does nothing" {
  track "$programs/hostile_names" '</script><img src=x onerror=window.owned=1>' '<!--' '${owned}'
  tool html -o page.html "$(the_report 'hostile_names.*.memtrack')"
  run ! grep -q 'script><img' page.html
  drive hostile page.html 'onerror=window.owned=1'
}

@test "hostile names of phases, threads and mapped files do nothing" {
  cat >names.c <<'C'
#include <fcntl.h>
#include <memtrack.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
static void *volatile kept[3];
int main(int argc, char **argv)
{
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    prctl(PR_SET_NAME, "<b class=owned>");
    kept[0] = malloc(argc);
    memtrack_phase("</script><img src=x onerror=window.owned=1>");
    kept[1] = malloc(20);
    memtrack_phase("<!-- ${1}\n`'\"");
    kept[2] = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    usleep(5000);
    free(malloc(30));
    return 0;
}
C
  gcc -fno-builtin -I "$root/shim/include" -o names names.c
  track ./names '<img src=x onerror=window.owned=1>'
  tool html -o page.html "$(the_report 'names.*.memtrack')"
  run ! grep -q 'script><img' page.html
  drive hostile page.html 'onerror=window.owned=1'
}

@test "100,000 call sites make a page of at most 10 MB that opens in two seconds" {
  track "$programs/hundred_thousand_sites"
  tool html -o page.html "$(the_report 'hundred_thousand_sites.*.memtrack')"
  [ "$(stat -c %s page.html)" -lt 10000000 ]
  # Other tests run beside this one, and share the processors.
  drive large page.html "${PAGE_MILLISECONDS:-6000}"
}

@test "speedscope's own page reads an export" {
  perl_report 2000 perl
  tool export --format speedscope -o perl.speedscope.json perl
  drive speedscope perl.speedscope.json perl
}

@test "a page of a damaged report, of three reports, or over a report is refused" {
  perl_report 100 perl
  cp perl before
  memtrack_refuses overwritten html -o perl perl
  cmp perl before
  echo damaged >bad.memtrack
  memtrack_refuses bad.memtrack html -o page.html bad.memtrack
  [ ! -e page.html ]
  memtrack_refuses "too many" html -o page.html perl perl perl
  memtrack_refuses "report file" html
  tool html --help | grep -q browser
}

@test "a full disk: exit 2" {
  perl_report 100 perl
  local status=0
  tool html perl >/dev/full 2>stderr || status=$?
  [ "$status" = 2 ]
}
