"""Builds the sandbox around this process: namespaces without network, a root of read-only system files and one small scratch folder, and limits."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence

from pytest_unicomp.benchmarks.code.inside import kernel

NOBODY = 65534
SCRATCH = "/scratch"
# The shared libraries that the interpreter and its extension modules load.
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")


def enter_namespaces() -> None:
    """Move this process into new namespaces of users, mounts, network, IPC and host name, and its children into one of processes."""
    flags = kernel.NEW_USER | kernel.NEW_MOUNTS | kernel.NEW_NETWORK | kernel.NEW_IPC | kernel.NEW_HOSTNAME | kernel.NEW_PIDS
    user, group = os.getuid(), os.getgid()
    if user != 0:
        kernel.unshare(flags)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{NOBODY} {user} 1")
        _write("/proc/self/gid_map", f"{NOBODY} {group} 1")
        return
    # The kernel does not limit the number of root's processes, so the solution needs another user, whom only a process outside can map.
    with contextlib.suppress(PermissionError):
        os.setgroups([])
    wakes, wake = os.pipe()
    mapper = os.fork()
    if mapper == 0:
        os.close(wake)
        with _exiting():
            if not os.read(wakes, 1):
                raise OSError("the process to map has ended")
            _map(os.getppid())
    os.close(wakes)
    kernel.unshare(flags)
    os.write(wake, b"1")
    os.close(wake)
    if os.waitpid(mapper, 0)[1] != 0:
        raise OSError(f"the user {NOBODY} cannot be mapped into a user namespace")


def enclose(folder: str, scratch_bytes: int) -> None:
    """Make an empty `folder` the root, with Python and its libraries read-only and SCRATCH, the working directory, of `scratch_bytes` bytes.

    The process ends in a chroot below the root of its mount namespace, as user NOBODY without capabilities: in a chroot the kernel refuses new
    user namespaces, which would give capabilities back.
    """
    kernel.mount(None, "/", None, kernel.RECURSIVE | kernel.PRIVATE)
    kernel.mount("tmpfs", folder, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, "size=1m,mode=755")
    box = f"{folder}/box"
    os.mkdir(box, 0o755)
    for shown in _visible():
        if os.path.islink(shown):
            os.makedirs(os.path.dirname(box + shown), 0o755, exist_ok=True)
            os.symlink(os.readlink(shown), box + shown)
        else:
            os.makedirs(box + shown, 0o755)
            kernel.mount(shown, box + shown, None, kernel.BIND | kernel.RECURSIVE)
    os.mkdir(box + SCRATCH)
    kernel.make_read_only(folder)
    options = f"size={scratch_bytes},nr_inodes=1024,mode=777"
    kernel.mount("tmpfs", box + SCRATCH, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXECUTION, options)
    kernel.pivot_into(folder)
    os.chroot("/box")
    os.chdir(SCRATCH)
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    kernel.drop_capabilities()
    kernel.prctl(kernel.NO_NEW_PRIVILEGES, 1)
    # After the change of user, which clears it.
    kernel.prctl(kernel.PARENT_DEATH_SIGNAL, signal.SIGKILL)
    kernel.prctl(kernel.DUMPABLE, 0)


def limit(*, memory: int, seconds: int, file_bytes: int, processes: int | None = None) -> None:
    """Limit this process and its children: address space and size of a file in bytes, processor seconds, open files, and number of processes."""
    # Absent from Windows, where the registry imports this module all the same.
    import resource

    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: 32,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if processes is not None:
        limits[resource.RLIMIT_NPROC] = processes
    for which, value in limits.items():
        resource.setrlimit(which, (value, value))


def _visible() -> Sequence[str]:
    wanted = [path for path in dict.fromkeys((*LIBRARIES, sys.base_prefix)) if os.path.isdir(path)]
    # A folder below another comes with it.
    return [path for path in wanted if not any(path.startswith(f"{other}/") for other in wanted if not os.path.islink(other))]


@contextlib.contextmanager
def _exiting() -> Iterator[None]:
    """End this process after the block: with 0, or with 1 if it raised."""
    try:
        yield
    except OSError:
        os._exit(1)
    os._exit(0)


def _map(process: int) -> None:
    """Map root and NOBODY into the user namespace of a process; inside a container that has root alone, root becomes NOBODY."""
    for kind in ("uid_map", "gid_map"):
        try:
            _write(f"/proc/{process}/{kind}", f"0 0 1\n{NOBODY} {NOBODY} 1")
        except PermissionError:
            _write(f"/proc/{process}/{kind}", f"{NOBODY} 0 1")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
