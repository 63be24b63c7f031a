"""The settings of the embedded server, by the memory of the machine that it starts on; written anew at each start.

postgresql.conf    the owner's: includes the other, and whatever is set below that goes before it
storyfold.conf     ours
"""

from __future__ import annotations

import os
from pathlib import Path

OURS = "storyfold.conf"
MB = 2**20
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_MOST_BUFFERS = 2048 * MB  # the index of a million articles fits in; beyond, the system's own cache does as well
_INCLUDE = f"""\
# storyfold's own settings, written anew at each start. What you set below goes before them.
include_if_exists = '{OURS}'
"""
# What homes of storyfold 0.1 have in its place. Lines that the owner has changed since stay as they are.
_FORMER_TITLE = "# Set by storyfold when this cluster was created; yours to change."
_FORMER = """\
shared_buffers = 128MB
max_connections = 50
max_wal_size = 2GB          # bulk loads write a gigabyte in half a minute
random_page_cost = 1.1      # solid-state disks
huge_pages = off            # nothing to gain at this size, and a container may promise pages that it cannot give
jit = off                   # compiling takes longer than our queries do
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
""".splitlines()


def include(conf: Path) -> None:
    """Have a new cluster's postgresql.conf include our settings."""
    with conf.open("a") as settings_:
        settings_.write(f"\n{_INCLUDE}")


def write(data: Path) -> Path:
    """The file of our settings, as this machine is; a cluster of a former version is made to include it."""
    conf, ours = data / "postgresql.conf", data / OURS
    former = conf.read_text()
    if _FORMER_TITLE in former:  # replaced in place, so its owner and mode stay
        conf.write_text(_without_former(former))
    ours.write_text(settings(memory_bytes()))
    return ours


def _without_former(conf: str) -> str:
    """Ours included where the settings of a former version begin; those of them that the owner has changed stay."""
    kept = "\n".join(line for line in conf.splitlines() if line not in _FORMER)
    return kept.replace(_FORMER_TITLE, _INCLUDE)


def settings(memory: int) -> str:
    """Our settings for a machine with so many bytes of memory, which the server shares with others."""
    buffers = min(max(memory // 8, 128 * MB), _MOST_BUFFERS)
    maintenance = min(max(memory // 32, 64 * MB), 512 * MB)
    return f"""\
# Written by storyfold at each start; set what you like in postgresql.conf, below the line that includes this file.
max_connections = 50
shared_buffers = {buffers // MB}MB
effective_cache_size = {max(memory // 2, buffers) // MB}MB
work_mem = 16MB
maintenance_work_mem = {maintenance // MB}MB       # indexes are built in migrations, and vacuum goes over large ones
huge_pages = off                  # a container may promise pages that it cannot give
random_page_cost = 1.1            # solid-state disks
jit = off                         # compiling takes longer than our queries do
# After a checkpoint the first change of each page of an index writes all of it: 112 kB of WAL an article where it is
# 2.8 kB later on. So checkpoints are rare; replaying 4 GB after a crash takes some half a minute.
checkpoint_timeout = 30min
max_wal_size = 4GB
min_wal_size = 512MB
wal_compression = off             # hashes do not get smaller, and trying takes ten times as long as writing them
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
"""


def memory_bytes() -> int:
    """The machine's memory, or what the container may use of it."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *_container_limits()])


def _container_limits() -> list[int]:
    limits = (Path(name) for name in _CGROUP_LIMITS)
    said = [limit.read_text().strip() for limit in limits if limit.exists()]
    return [int(value) for value in said if value.isdigit()]
