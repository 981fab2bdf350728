"""One measured run of a workload under a tool, and the printing of what the tool recorded."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from say import Refusal
from workloads import fill, service_user

RUN_LIMIT_S = 900
READY_LIMIT_S = 60
QUICK_REPEAT = 5
# Nothing of the user's reaches a workload; BENCH_PATH puts programs of another build before Debian's.
PATH = os.environ.get("BENCH_PATH", "") + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
ENVIRONMENT = {"PATH": PATH.lstrip(":"), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


@dataclass
class Sample:
    """What one run of the command used, where it is repeated the mean of its runs; the peak is of the largest
    process. Wall seconds of a server are its client's."""
    wall_s: float
    cpu_s: float
    peak_kib: int
    report_bytes: int = 0
    print_s: float = None


class Stage:
    """A workload with its folders and everything that its commands name in braces."""

    def __init__(self, workload, scratch, places, quick):
        self.workload = workload
        self.repeat = min(workload.repeat, QUICK_REPEAT) if quick else workload.repeat
        self.size = workload.quick if quick else workload.size
        self.work = self.make_folder(scratch / workload.name)
        self.out = self.work / "recordings"
        self.places = {**places, "scratch": self.work, "out": self.out, "size": self.size}

    def filled(self, words, **more):
        return fill(words, {**self.places, **more})

    def make_folder(self, folder):
        """An empty folder that the workload's user may write."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if self.workload.unprivileged and os.geteuid() == 0:
            shutil.chown(folder, service_user().pw_uid, service_user().pw_gid)
        return folder

    def as_user(self):
        """Words that give up root, for a workload that refuses it."""
        if not self.workload.unprivileged or os.geteuid() != 0:
            return []
        user = service_user()
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def environment(self):
        return {**ENVIRONMENT, "HOME": str(self.work), "TMPDIR": str(self.work)}

    def launch_words(self, tool):
        """The stop-watch, with the tool's environment, and the command behind the tool's prefix."""
        words = [*self.as_user(), "{launch}", "--out", "{scratch}/usage", "--repeat", str(self.repeat)]
        for name, value in {**self.workload.environment, **tool.environment}.items():
            words += ["--set", f"{name}={value}"]
        return self.filled([*words, "--", *tool.prefix, *self.workload.command])

    def run_helper(self, words):
        """A client, or another command beside the measured one; its result."""
        return subprocess.run([*self.as_user(), *self.filled(words)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", env=self.environment(), cwd=self.work, timeout=RUN_LIMIT_S)

    def prepare(self):
        if not self.workload.server or not self.workload.server.prepare:
            return
        prepared = self.run_helper(("sh", "-c", self.workload.server.prepare))
        if prepared.returncode != 0:
            raise Refusal(f"could not be prepared: {prepared.stderr.strip()[-200:]}")


class Running:
    """A command that was started, in a process group of its own; what it says goes to a file."""

    def __init__(self, stage, words):
        self.said = stage.work / "stderr"
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                                            env=stage.environment(), cwd=stage.work, start_new_session=True)

    def complaint(self):
        """The first line that speaks of an error, or the last one."""
        lines = [line for line in self.said.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        return (errors[:1] or lines[-1:] or ["it said nothing"])[0][:200]

    def wait(self):
        try:
            status = self.process.wait(RUN_LIMIT_S)
        except subprocess.TimeoutExpired as late:
            raise Refusal(f"did not end within {RUN_LIMIT_S} s") from late
        if status != 0:
            raise Refusal(f"ended with status {status}: {self.complaint()}")

    def kill(self):
        """Nothing that was started stays behind, whatever happened."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def wait_until_ready(stage, running):
    deadline = time.monotonic() + READY_LIMIT_S
    while stage.run_helper(stage.workload.server.ready).returncode != 0:
        if running.process.poll() is not None or time.monotonic() > deadline:
            raise Refusal(f"did not start serving: {running.complaint()}")
        time.sleep(0.05)


def drive_server(stage, running):
    """Serves one client from its first request to its last; wall seconds of that."""
    wait_until_ready(stage, running)
    begin = time.monotonic()
    driven = stage.run_helper(stage.workload.server.drive)
    wall = time.monotonic() - begin
    stage.run_helper(stage.workload.server.stop)
    if driven.returncode != 0:
        raise Refusal(f"{stage.workload.server.drive[0]} ended with status {driven.returncode}: "
                      f"{driven.stderr.strip()[-200:]}")
    return wall


def measure(stage, tool):
    """Runs once. The recordings stay until the next run."""
    stage.make_folder(stage.out)
    running = Running(stage, stage.launch_words(tool))
    try:
        served_s = drive_server(stage, running) if stage.workload.server else None
        running.wait()
    finally:
        running.kill()
    wall, cpu, peak, _ = (stage.work / "usage").read_text().split()
    return Sample(wall_s=served_s or float(wall) / stage.repeat, cpu_s=float(cpu) / stage.repeat, peak_kib=int(peak),
                  report_bytes=sum(path.stat().st_size for path in stage.out.iterdir()) // stage.repeat)


def print_commands(stage, tool):
    """One command for all recordings, or one for each."""
    if "{report}" not in tool.printer:
        return [stage.filled(tool.printer)]
    return [stage.filled(tool.printer, report=path) for path in sorted(stage.out.iterdir())]


def measure_printing(stage, tool):
    """Wall seconds that it takes to print what one run recorded."""
    begin = time.monotonic()
    for command in print_commands(stage, tool):
        printed = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 text=True, errors="replace", env=stage.environment(), cwd=stage.work)
        if printed.returncode not in (0, 1):
            raise Refusal(f"{command[0]} ended with status {printed.returncode}: {printed.stderr.strip()[-200:]}")
    return (time.monotonic() - begin) / stage.repeat
