#!/usr/bin/env bats
# What memtrack check, diff and baseline write is valid by the schemas of those who read it.
load helpers

packages=$root/build/deps/schemas
sarif_schema=$packages/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json

# SARIF's published schema, by checksum.
setup_file() {
  command -v npm >/dev/null || return 0
  cmp -s "$root/tests/schemas/package-lock.json" "$packages/package-lock.json" && return 0
  mkdir -p "$packages"
  cp "$root"/tests/schemas/package*.json "$packages"
  (cd "$packages" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || rm -f "$packages/package-lock.json"
}

# Reports with leaks of several kinds, names that want escaping, one that is damaged, one of a killed process.
all_sorts_of_reports() {
  mkdir reports
  options="out=$PWD/reports/"
  track "$programs/leaks_by_name"
  track "$programs/leaks_on_two_paths"
  track "$programs/hostile_names" || true
  track perl -e 'my @a = map { "x" x 100 } 1 .. 100; my $b = "&<>\"'\'']]>";'
  cp reports/leaks_by_name.*.memtrack before.memtrack
  track sh -c 'kill -9 $$' || true
  echo nonsense >'reports/a <bad> & "odd" ]]> %0A,x::y.memtrack'
}

# Output of check and diff in a format, as files out.1 ...
in_format() {
  tool check --kinds all --max-allocs 10 --site '*: peak=1' --format "$1" --output out.1 reports >text || [ $? = 2 ]
  tool check --kinds none --program 'leaks_*' --format "$1" --output out.2 before.memtrack >text
  tool check --kinds all --max-lost 1G --format "$1" --output out.3 before.memtrack >text
  tool diff --top 0 --kinds all --format "$1" --output out.4 before.memtrack reports/perl* || [ $? = 1 ]
  tool diff --format "$1" --output out.5 before.memtrack before.memtrack
  [ "$(wc -c <out.1)" -gt 1000 ] || [ "$1" = github ]
}

# valid DRAFT SCHEMA FILE...
valid() {
  "$python" - "$@" <<'END'
import json, sys
import jsonschema
draft, schema, *files = sys.argv[1:]
validator = getattr(jsonschema, draft)
with open(schema) as text:
    schema = json.load(text)
validator.check_schema(schema)
for file in files:
    with open(file, encoding="utf-8") as text:
        document = json.load(text)
    for error in validator(schema, format_checker=jsonschema.FormatChecker()).iter_errors(document):
        sys.exit(f"{file}: {'/'.join(map(str, error.path))}: {error.message[:300]}")
END
}

@test "SARIF is valid by its published schema, with locations and fingerprints of their own" {
  [ -f "$sarif_schema" ] || skip "npm could not install SARIF's schema"
  all_sorts_of_reports
  in_format sarif
  valid Draft4Validator "$sarif_schema" out.?
  [ "$(jq '.runs[0].results | length' out.1)" -gt 20 ]
  [ "$(jq -s 'map(.runs[0].results[] | select(.locations[0].physicalLocation.artifactLocation.uri == null)) | length' out.?)" = 0 ]
  [ "$(jq '.runs[0].results | (map(.partialFingerprints.primaryLocationLineHash) | unique | length) == length' out.1)" = true ]
  [ "$(jq '.runs[0].invocations[0].executionSuccessful' out.1)" = false ]
  [ "$(jq '.runs[0].invocations[0].toolExecutionNotifications | length' out.1)" = 2 ]
  [ "$(jq '.runs[0].results | length' out.2)" = 0 ]
  [ "$(jq -c '[.runs[0].results[].baselineState] | unique | contains(["absent", "new"])' out.4)" = true ]
  [ "$(jq -c '[.runs[0].results[].baselineState] | unique' out.1)" = '[null]' ]
}

@test "JUnit XML is valid, and its counts are those of its tests" {
  command -v xmllint >/dev/null || skip "xmllint is not installed"
  all_sorts_of_reports
  in_format junit
  xmllint --noout --schema "$root/tests/schemas/junit.xsd" out.?
  "$python" - out.? <<'END'
import sys, xml.etree.ElementTree as tree
for file in sys.argv[1:]:
    root = tree.parse(file).getroot()
    for suite in [root, *root.iter("testsuite")]:
        counts = {name: int(suite.get(name)) for name in ("tests", "failures", "errors")}
        found = {"tests": len(list(suite.iter("testcase"))), "failures": len(list(suite.iter("failure"))),
                 "errors": len(list(suite.iter("error")))}
        if counts != found:
            sys.exit(f"{file}: {counts} are {found}")
assert found["tests"] == 0 and len(list(tree.parse("out.1").iter("error"))) == 2
END
}

@test "JSON of check, diff and baseline is valid by our schemas" {
  "$python" -c 'import jsonschema' || skip "python3-jsonschema is not installed"
  all_sorts_of_reports
  in_format json
  valid Draft7Validator "$root/report/schema/check-1.json" out.?
  tool baseline -o base.json before.memtrack reports/perl*
  valid Draft7Validator "$root/report/schema/baseline-1.json" base.json
  [ "$(jq '.sites | length' base.json)" -gt 20 ]
}

@test "a GitLab code quality report has what GitLab asks of each entry" {
  all_sorts_of_reports
  in_format gitlab
  local file
  for file in out.?; do
    jq -e 'all(.[]; (.description | type) == "string" and (.fingerprint | length) > 0 and (.check_name | length) > 0
      and (.severity | IN("info", "minor", "major", "critical", "blocker")) and (.location.path | length) > 0
      and .location.lines.begin >= 1) and ((map(.fingerprint) | unique | length) == length)' "$file" >/dev/null ||
      { head -n 20 "$file"; return 1; }
  done
}

@test "GitHub workflow commands are a line each, and nothing in them begins another" {
  all_sorts_of_reports
  in_format github
  [ "$(wc -l <out.1)" -gt 20 ]
  run ! grep -vE '^::(error|notice) (file=[^,:]*(,line=[0-9]+)?,)?title=[^,:]*::' out.1
  grep -q 'a <bad> & "odd" \]\]> %250A,x::y.memtrack' out.1
}

@test "a Markdown summary fits a comment, and names cannot break out of their places" {
  all_sorts_of_reports
  in_format markdown
  [ "$(wc -c <out.1)" -lt 65536 ]
  grep -qF 'a &lt;bad&gt; &amp; "odd" \]\]&gt; %0A,x::y.memtrack' out.1
  # Rows of the table have five bars, escaped ones apart.
  run ! bash -c "sed 's/\\\\|//g' out.1 | grep '^|' | grep -vE '^(\|[^|]*){4}\|$'"
}

@test "names below --source-root are named from there" {
  track "$programs/leaks_by_name"
  tool check --source-root "$root/tests" --format json . >check.json || [ $? = 1 ]
  [ "$(jq -r '[.findings[].place.file] | unique[]' check.json)" = programs/leaks_by_name.cc ]
  tool check --source-root / --format sarif . >check.sarif || [ $? = 1 ]
  [[ $(jq -r '.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri' check.sarif) == *tests/programs/leaks_by_name.cc ]]
  memtrack_refuses 'no such folder' check --source-root missing .
}
