"""Which process records a run, and whether it is still there."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path


def own_process() -> dict[str, str]:
    """Return tags by which anybody can find out later whether this process is still alive.

    `process` has the boot of the machine, the process's namespace, and when it started: a process id alone comes back.
    Under Slurm `slurm_job` has the job's id, as `squeue` and `sacct` write it.
    """
    pid = os.getpid()
    tags = {"host": socket.gethostname(), "pid": str(pid), "process": f"{_surroundings()}/{_started(pid)}"}
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    if array and task:
        tags["slurm_job"] = f"{array}_{task}"
    elif job := os.environ.get("SLURM_JOB_ID"):
        tags["slurm_job"] = job
    return tags


def is_alive(tags: Mapping[str, str]) -> bool | None:
    """Return whether the process with these tags still runs, or None where this machine cannot know."""
    here, pid, process = socket.gethostname(), tags.get("pid", ""), tags.get("process", "")
    if tags.get("host") != here or not pid.isdigit() or process.count("/") != 2 or not Path("/proc/self/stat").exists():
        return None
    boot, namespace, started = process.split("/")
    here_boot, here_namespace = _surroundings().split("/")
    if boot != here_boot:
        return False  # the machine was started again since
    if namespace != here_namespace:
        return None  # in another container, whose processes cannot be seen from here
    return _started(int(pid)) == started


def _surroundings() -> str:
    """Return the boot of the machine, and the namespace of processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return "/"
    return f"{boot}/{namespace}"


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks since the boot; nothing if there is none, or it is a zombie."""
    try:
        # The name, in parentheses, may hold anything; behind it: state, then fields 4 to 22 of proc(5).
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in "ZX" else fields[18]
