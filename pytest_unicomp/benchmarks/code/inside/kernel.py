"""Calls the system calls of Linux for which Python 3.11 has no function; each raises OSError that names the call."""

from __future__ import annotations

import ctypes
import os
import platform

NEW_MOUNTS, NEW_HOSTNAME, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NETWORK = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXECUTION, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
# prctl(2): the signal when the parent ends, no core dumps or tracing by processes of the same user, no privileges gained by execve.
PARENT_DEATH_SIGNAL, DUMPABLE, NO_NEW_PRIVILEGES = 1, 4, 38
# The number of pivot_root by machine; mount_setattr has one number everywhere.
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
MOUNT_SETATTR = 442
AT_RECURSIVE, DETACH = 0x8000, 2
CAPABILITY_VERSION_3 = 0x20080522


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def unshare(flags: int) -> None:
    """Move this process (for NEW_PIDS: its children) into new namespaces."""
    _checked("unshare", _libc().unshare(ctypes.c_int(flags)))


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount a file system, or with BIND the folder `source`, on `target`."""
    arguments = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _checked(f"mount {target}", _libc().mount(*arguments, ctypes.c_ulong(flags), options.encode()))


def make_read_only(target: str) -> None:
    """Make a mount and all below it read-only, without set-user-id programs and devices; needs Linux 5.12."""
    attributes = _MountAttributes(attr_set=READ_ONLY | NO_SUID | NO_DEVICES)
    found = _libc().syscall(
        ctypes.c_long(MOUNT_SETATTR),
        ctypes.c_int(-100),
        ctypes.c_char_p(os.fsencode(target)),
        ctypes.c_uint(AT_RECURSIVE),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _checked("mount_setattr", found)


def pivot_into(folder: str) -> None:
    """Make `folder`, a mount, the root of this mount namespace, and detach the old root."""
    machine = platform.machine()
    if machine not in PIVOT_ROOT:
        raise OSError(f"pivot_root: unknown number of the system call on {machine}")
    os.chdir(folder)
    _checked("pivot_root", _libc().syscall(ctypes.c_long(PIVOT_ROOT[machine]), ctypes.c_char_p(b"."), ctypes.c_char_p(b".")))
    _checked("umount2", _libc().umount2(ctypes.c_char_p(b"."), ctypes.c_int(DETACH)))
    os.chdir("/")


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process."""
    _checked("prctl", _libc().prctl(ctypes.c_int(option), ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)))


def drop_capabilities() -> None:
    """Give up all capabilities of this process."""
    header, nothing = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _checked("capset", _libc().capset(header, nothing))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(call: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(f"{call}: {os.strerror(number)}")
