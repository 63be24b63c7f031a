"""What processes take of processor and memory, with all that they started, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


def family(pid: int) -> list[int]:
    """The process and all that come from it and are alive."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if (fields := _stat(int(folder.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def cpu_s(pid: int) -> float:
    """Seconds of a processor that the process and all its offspring took, those that ended included."""
    stats = (fields for one in family(pid) if (fields := _stat(one)) is not None)
    return sum(int(ticks) for fields in stats for ticks in fields[11:15]) / _TICK


def own_cpu_s(pid: int) -> float:
    """Seconds of a processor that the process alone took; 0 when it is gone."""
    fields = _stat(pid)
    return sum(map(int, fields[11:13])) / _TICK if fields else 0.0


def megabytes(pid: int) -> float:
    """Resident memory of one process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_MB
    except OSError:
        return 0.0


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
