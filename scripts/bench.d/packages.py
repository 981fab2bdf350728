"""Debian packages: what is missing is installed by name, or named with the reason."""

import os
import shutil
import subprocess

from say import progress

# A program from elsewhere serves as well as Debian's package of it.
PROVIDES = {"nodejs": "node"}


def is_installed(package):
    program = PROVIDES.get(package)
    if program and shutil.which(program):
        return True
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package], capture_output=True, text=True)
    return asked.stdout.startswith("install ok installed")


def apt_get(*words):
    # RUNLEVEL=1: a package's service is not to be started on a machine that only measures.
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", *words, "-q"]
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            return False
        command = ["sudo", "-n", *command]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return ran.returncode == 0


def install(wanted):
    """Installs what is missing of `wanted`, each for itself: one that cannot be had takes no other along."""
    missing = [package for package in sorted(set(wanted)) if not is_installed(package)]
    if not missing:
        return
    progress(f"installing {' '.join(missing)}")
    refreshed = False
    for package in missing:
        install_one = ("install", "-y", "--no-install-recommends", package)
        if apt_get(*install_one):
            continue
        if not refreshed:
            refreshed = True
            apt_get("update")
            apt_get(*install_one)


def missing_of(wanted):
    return [package for package in wanted if not is_installed(package)]
