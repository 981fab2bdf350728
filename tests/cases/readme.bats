#!/usr/bin/env bats
# Every command that README.md and the quick start show works as shown, in a fresh copy of the tree.
load helpers

# A copy of what a clone would have. The built libunwind is lent to it, as it takes minutes.
fresh_copy() {
  mkdir copy
  (cd "$root" && tar -c --exclude=./build --exclude=./.git .) | tar -x -C copy
  if [ -d "$root/build/deps" ]; then
    mkdir -p copy/build
    cp -a "$root/build/deps" copy/build/
  fi
  cd copy || return 1
}

# The fenced sh blocks of README.md, each as a file block.N, without scripts/test, which would run this.
extract_blocks() {
  awk '/^```sh$/ { n++; on = 1; next } /^```/ { on = 0 } on { print > ("block." n) }' README.md
  sed -i -E '/^(\.\/)?scripts\/test( |$)/d; s/^\$ //' block.* 2>/dev/null || true
}

@test "README.md exists and shows commands" {
  [ -f "$root/README.md" ]
  grep -q '^```sh$' "$root/README.md"
}

@test "every command of README.md works" {
  [ -f "$root/README.md" ] || skip "there is no README.md yet"
  fresh_copy
  extract_blocks
  local block
  for block in $(compgen -G 'block.*' | sort -t. -k2n); do
    echo "--- $block"
    cat "$block"
    timeout 200 "${clean[@]}" bash -e "$block" </dev/null || {
      echo "status $? of $block"
      return 1
    }
  done
}

@test "the quick start builds, runs a program and prints its report, twice" {
  fresh_copy
  local round
  for round in 1 2; do
    timeout 220 "${clean[@]}" scripts/quickstart >../quick.out 2>../quick.err </dev/null || {
      cat ../quick.out ../quick.err
      return 1
    }
    grep -q 'perl: 2000 words' ../quick.out
    grep -qi peak ../quick.out
    grep -q 'Perl_' ../quick.out
  done
}
