"""Child processes that do not outlive us, even when we are killed with SIGKILL."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>

# Loaded now, because a freshly forked child may not take the locks that loading a library needs.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def dies_with_parent(sig: signal.Signals) -> Callable[[], None] | None:
    """Return a `preexec_fn` that makes the kernel send `sig` to the child when its parent dies.

    Linux only; elsewhere the result is None and a killed parent leaves its children running. The kernel ties
    the signal to the *thread* that forks (prctl(2)), so the result is None as well outside the main thread:
    better a child that stays than one that is stopped because a helper thread came to its end.
    """
    if _libc is None or threading.current_thread() is not threading.main_thread():
        return None
    parent = os.getpid()

    def ask_for_signal() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, sig)
        if os.getppid() != parent:  # it died before we asked, so no signal will come
            os._exit(1)

    return ask_for_signal
