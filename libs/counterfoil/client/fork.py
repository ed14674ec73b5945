"""What a process may not take over from its parent: connections, threads, event loops."""

import os


def refuse_fork(pid: int) -> None:
    """`pid`: whose they are."""
    if os.getpid() != pid:
        raise RuntimeError("this client was opened before the process forked: its connections and its thread are the parent's. Open one here")
