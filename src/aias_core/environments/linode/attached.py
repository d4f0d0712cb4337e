"""The stand-in provider as one process for all commands of a run: Terraform alone starts it again for each of them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aias_core import process
from aias_core.environments.linode.mirror import STAND_IN
from aias_core.errors import AiasError
from aias_core.settings import inherited_environment

VARIABLE = "TF_REATTACH_PROVIDERS"
HINT = "TMPDIR must name a directory with a short path; where that is so, see what is missing: aias doctor"


@contextmanager
def attach_stand_in(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """What Terraform must find in its environment to use the stand-in that runs for the length of the block.

    `environment` says which account it works on. Raises AiasError with its last words when it does not start.
    """
    argv = [sys.executable, "-u", "-m", STAND_IN, "--dev"]
    # Its socket is in the directory for temporary files, because the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="aias-") as place:
        known = {**inherited_environment(), **environment, "HOME": place, "TMPDIR": place}
        with process.keep_running(argv, cwd=Path(place), env=known) as running:
            said = next((line.decode() for line in running.output if VARIABLE.encode() in line), None)
            if said is None:
                cause = running.last_words() or "it said nothing"
                raise AiasError(f"The stand-in provider did not start: {cause}", hint=HINT)
            yield {VARIABLE: said.partition("=")[2].strip().strip("'")}
