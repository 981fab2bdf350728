"""The shim's parts alone: builds and runs tests/bench/micro."""

import subprocess

import packages
from say import progress, stop
from whole import BUILD, RESULTS, build


def run_micro(options):
    if options.only or options.tools:
        stop("micro measures all its parts: it takes neither --only nor --tools")
    if options.install:
        packages.install(("uthash-dev",))
    build(str(BUILD / "bench" / "micro"))
    progress("micro: takes some minutes, --quick some seconds")
    ran = subprocess.run([BUILD / "bench" / "micro", *(["--quick"] if options.quick else [])], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, text=True)
    if ran.returncode != 0:
        stop(f"{BUILD}/bench/micro ended with status {ran.returncode}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "micro.md").write_text(ran.stdout)
    print(ran.stdout, end="")
    return 0
