"""What the kernel says about this machine and about the processes on it."""

import os
import platform
import sqlite3
from contextlib import suppress
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
# Fields of /proc/stat's first line that are work: user, nice, system, irq, softirq, steal.
# Steal counts as work because a core that the hypervisor took away is a core that we lack.
_BUSY_FIELDS = (1, 2, 3, 6, 7, 8)


def described() -> str:
    """Describes the machine in one line, as the results table needs it."""
    return (
        f"{os.cpu_count()} cores, {_cpu_model()}; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}; SQLite {sqlite3.sqlite_version}"
    )


def resident_bytes(pid: int) -> int:
    """Sums the resident memory of a process and of all its descendants."""
    return sum(_resident_bytes(member) for member in family(pid))


def used_bytes(pid: int) -> int:
    """Sums the memory of a process and of all its descendants, pages that several share once.

    That is the proportional set size of proc(5), in which each has its part of a shared page.
    """
    return sum(_proportional_bytes(member) for member in family(pid))


def cpu_seconds(pid: int) -> float:
    """Sums the processor time of a process and of all its descendants, the dead ones included."""
    return sum(_cpu_seconds(member) for member in family(pid))


def busy_seconds() -> float:
    """Gives the processor time that the whole machine has spent on work since it started."""
    fields = (_PROC / "stat").read_text().partition("\n")[0].split()
    return sum(int(fields[index]) for index in _BUSY_FIELDS) / _TICKS_PER_SECOND


def family(pid: int) -> list[int]:
    """Lists a process and all its descendants."""
    members = [pid]
    for member in members:
        for children in (_PROC / str(member) / "task").glob("*/children"):
            # A thread or a process may end between two looks at it.
            with suppress(FileNotFoundError, ProcessLookupError):
                members.extend(int(child) for child in children.read_text().split())
    return members


def _cpu_model() -> str:
    lines = (_PROC / "cpuinfo").read_text().splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _resident_bytes(pid: int) -> int:
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _proportional_bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def _cpu_seconds(pid: int) -> float:
    # The command name in parentheses may hold spaces, so fields are counted after it.
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        # Its time is with its parent's now.
        return 0.0
    fields = text.rpartition(")")[2].split()
    # User and system time: its own, and that of the children it has waited for.
    return sum(int(field) for field in fields[11:15]) / _TICKS_PER_SECOND
