"""Ending a process before the n-th of its changes to the disc, as SIGKILL would.

For programs of their own only (`python -m`), as forking is safe only where no threads are.
"""

import os
import sys
from collections.abc import Callable

CHANGES = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "mmap.__new__"}


def killed(command: Callable[[], object], calls: int) -> bool:
    """Run *command* in a child process that ends after *calls* changes; tells whether it had more to make."""
    child = os.fork()
    if not child:
        left = calls

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in CHANGES or (event == "open" and _writes(arguments[2])):
                if not left:
                    os._exit(9)  # nothing is cleaned up
                left -= 1

        sys.addaudithook(count)
        command()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    return code == 9


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and flags & os.O_ACCMODE != os.O_RDONLY
