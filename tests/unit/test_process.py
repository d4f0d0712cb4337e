from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest

from aias_core import process
from aias_core.settings import inherited_environment
from support.waiting import wait_until

COUNTS = "print('one', flush=True); print('two', flush=True)"
STOPS_BY_ITSELF = """
import os, signal, sys, time
def stop(*_):
    os.write(1, b'put in order')
    open(sys.argv[1], 'w').write('stopped')
    sys.exit(0)
signal.signal(signal.SIGINT, stop)
print('ready', flush=True)
time.sleep(60)
"""


def test_every_line_is_handed_over_and_the_errors_are_returned() -> None:
    lines: list[bytes] = []
    code = f"{COUNTS}; import sys; sys.exit('https://user:secret@host is wrong')"
    done = process.follow([sys.executable, "-c", code], env=inherited_environment(), on_line=lines.append)
    assert lines == [b"one\n", b"two\n"]
    assert (done.status, done.stderr.strip()) == (1, "https://user:***@host is wrong")


@pytest.mark.parametrize("reason", [KeyboardInterrupt, ValueError], ids=lambda reason: reason.__name__)
def test_a_program_that_is_no_longer_wanted_stops_by_itself(reason: type[BaseException], tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    def refuse(_: bytes) -> None:
        raise reason

    argv = [sys.executable, "-c", STOPS_BY_ITSELF, str(mark)]
    with pytest.raises(reason):
        process.follow(argv, env=inherited_environment(), on_line=refuse)
    assert mark.read_text() == "stopped"


def test_a_kept_program_ends_with_its_block_and_sees_us_killed(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    argv = ["sh", "-c", f"echo ready; cat; echo ended > {seen}"]

    def be_killed() -> None:
        with process.keep_running(argv, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}) as running:
            assert running.output.readline() == b"ready\n"
            os.kill(os.getpid(), signal.SIGKILL)

    with process.keep_running(argv, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}) as running:
        assert running.output.readline() == b"ready\n"
    assert not seen.exists()
    child = multiprocessing.get_context("fork").Process(target=be_killed)
    child.start()
    child.join()
    wait_until(seen.exists)


def test_a_kept_program_that_ended_has_last_words(tmp_path: Path) -> None:
    argv = ["sh", "-c", "echo first >&2; echo https://user:secret@host is wrong >&2; exit 1"]
    with process.keep_running(argv, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}) as running:
        assert running.output.read() == b""
        assert running.last_words() == "https://user:***@host is wrong"
