"""Confinement: what a process gives up before it reads files that may be hostile."""

from __future__ import annotations

import ctypes
import os
import sys

# Of unshare(2), which Python has from 3.12 on.
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
# Of capset(2), for which Python has nothing.
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2


def confine() -> None:
    """Give up the network, all writing, and other processes, as far as this system allows.

    On Linux, by a network namespace of its own (refused in most containers) and by Landlock (kernel
    5.13; without TCP from 6.7 on). What is open stays open. Only the calling thread is confined,
    and those that it starts: call this while there is no other.
    """
    if sys.platform != "linux":
        return
    # Root stays in its user namespace: in another one it could not read the files of others.
    user = 0 if os.geteuid() == 0 else _CLONE_NEWUSER
    libc = ctypes.CDLL(None)
    libc.unshare(_CLONE_NEWNET | user)
    # Of what root may do, only reading is left. Refused where it is not root, and has nothing.
    read = _CAP_DAC_READ_SEARCH
    libc.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3), (ctypes.c_uint32 * 6)(read, read))
    try:
        from landlockpy import AccessFS, LandlockError, Ruleset, Scope
    except ImportError:
        return
    try:
        with Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL) as rules:
            rules.allow_path("/", AccessFS.READ_FILE | AccessFS.READ_DIR)
            # From here on /proc shows it no environment or memory of other processes either.
            rules.restrict()
    except LandlockError:  # an older kernel, or one that was started without it
        return
