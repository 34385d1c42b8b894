"""Sandboxing of a process before it reads hostile files."""

from __future__ import annotations

import ctypes
import os
import sys

# Flags of unshare(2), which Python has from 3.12 on.
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
# Constants of capset(2), which Python lacks.
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2


def confine() -> None:
    """Drop network access, writing and access to other processes, where possible.

    Linux only. A network namespace (refused in most containers) and Landlock do it (kernel 5.13,
    also against TCP from 6.7). Open files stay open. Only the calling thread and its later threads
    are confined, so call this while there is one thread.
    """
    if sys.platform != "linux":
        return
    # Root keeps its user namespace: in a new one it could not read files of other users.
    user = 0 if os.geteuid() == 0 else _CLONE_NEWUSER
    libc = ctypes.CDLL(None)
    libc.unshare(_CLONE_NEWNET | user)
    # Root keeps only reading. Other users have no capabilities, and the call fails.
    read = _CAP_DAC_READ_SEARCH
    libc.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3), (ctypes.c_uint32 * 6)(read, read))
    try:
        from landlockpy import AccessFS, LandlockError, Ruleset, Scope
    except ImportError:
        return
    try:
        with Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL) as rules:
            rules.allow_path("/", AccessFS.READ_FILE | AccessFS.READ_DIR)
            # This also hides the environment and memory of other processes in /proc.
            rules.restrict()
    except LandlockError:  # an older kernel, or one without Landlock
        return
