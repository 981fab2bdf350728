"""What is measured with: native, memtrack and its peers, as a table.

{out} is an empty folder for one run's recordings, {shim} the shared object, {lsan} the preloaded leak
sanitizer, {bench} the folder of our own programs. In a prefix the words stand before the workload's command.
"""

import glob
import os
import shutil
from dataclasses import dataclass, field

from say import Refusal


@dataclass(frozen=True)
class Tool:
    name: str
    about: str
    environment: dict = field(default_factory=dict)
    prefix: tuple = ()
    packages: tuple = ()
    program: str = ""  # what must be in PATH
    library: str = ""  # what must exist, after its package is installed
    printer: tuple = ()  # prints the recordings; {report} is each of them, {out} all
    optional: bool = False  # only where it is asked for
    variant: bool = False  # of another tool: in the table its CPU time alone


MEMTRACK = {"LD_PRELOAD": "{shim}", "MEMTRACK_OPTIONS": "summary=0:out={out}/"}

# heaptrack_interpret 1.4 fills all memory on some recordings; 12 GiB end it before the machine suffers.
BOUNDED = ("prlimit", f"--as={12 << 30}")

TOOLS = (
    Tool("memtrack", "memtrack", MEMTRACK, printer=("{memtrack}", "report", "{out}")),
    Tool("libunwind", "memtrack, unwind=libunwind",
         {**MEMTRACK, "MEMTRACK_OPTIONS": MEMTRACK["MEMTRACK_OPTIONS"] + ":unwind=libunwind"}, variant=True),
    Tool("heaptrack", "heaptrack", prefix=(*BOUNDED, "heaptrack", "-o", "{out}/recording.%p"),
         packages=("heaptrack", "zstd"), program="heaptrack", printer=("heaptrack_print", "-f", "{report}")),
    Tool("raw", "heaptrack --raw", prefix=(*BOUNDED, "heaptrack", "--raw", "-o", "{out}/recording.%p"),
         packages=("heaptrack", "zstd"), program="heaptrack", variant=True),
    Tool("lsan", "preloaded liblsan", {"LD_PRELOAD": "{bench}/signal.so {lsan}", "LSAN_OPTIONS": "detect_leaks=0"}, packages=("liblsan0",),
         library="/usr/lib/*/liblsan.so.0"),
    Tool("memcheck", "memcheck", prefix=("valgrind", "-q", "--trace-children=yes", "--leak-check=full",
                                         "--log-file={out}/memcheck.%p"), packages=("valgrind",), program="valgrind",
         optional=True),
)


def tool_library(tool):
    """Path of the library that the tool preloads; Refusal if it, or its program, is absent."""
    if tool.program and not shutil.which(tool.program):
        raise Refusal(f"{tool.program} is not installed, and apt-get could not install {' '.join(tool.packages)}")
    if not tool.library:
        return ""
    found = sorted(glob.glob(tool.library))
    if not found:
        raise Refusal(f"{os.path.basename(tool.library)} is not installed, and apt-get could not install "
                      f"{' '.join(tool.packages)}")
    return found[0]
