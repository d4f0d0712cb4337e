"""The only place that starts other programs: argument lists in, results out, output redacted."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aias_core.errors import AiasError, PrerequisiteMissing, TimedOut
from aias_core.secret import Secret, redact

Running = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended: exit status and its redacted output."""

    status: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: int | None = None,
    timeout_seconds: float = 60,
) -> Completed:
    """Runs a program to its end. Raises PrerequisiteMissing when it is not there, TimedOut when it hangs."""
    done = _complete(argv, cwd, env, user, timeout_seconds)
    return Completed(done.returncode, redact(done.stdout), redact(done.stderr))


def ask_secret(argv: Sequence[str], *, timeout_seconds: float) -> Secret:
    """What a program prints, for one that tells a secret; it gets our whole environment, as its session is there.

    Raises PrerequisiteMissing, TimedOut, and AiasError without its words when it fails, as they may hold the secret.
    """
    try:
        done = _complete(argv, None, None, None, timeout_seconds, "strict")
    except UnicodeDecodeError:
        raise AiasError(f"'{Path(argv[0]).name}' prints what is not a text") from None
    if done.returncode != 0:
        raise AiasError(f"'{Path(argv[0]).name}' failed with {done.returncode}")
    return Secret(done.stdout.rstrip("\r\n"))


def _complete(
    argv: Sequence[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    user: int | None,
    timeout_seconds: float,
    errors: str = "replace",
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            list(argv),
            cwd=cwd,
            env=env,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors=errors,
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError as exc:
        raise PrerequisiteMissing(
            f"The program '{argv[0]}' is not installed", hint="install it, or add its directory to PATH"
        ) from exc
    except OSError as exc:
        raise PrerequisiteMissing(f"The program '{argv[0]}' cannot be run: {exc.strerror}") from exc
    except subprocess.TimeoutExpired as exc:
        raise TimedOut(f"'{Path(argv[0]).name}' did not end within {timeout_seconds:.0f} s") from exc


def start(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None,
    output: IO[bytes],
    before_exec: Callable[[], None] | None = None,
) -> Running:
    """Starts a program as the leader of its own session, its output going to one file, and returns at once."""
    return subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        close_fds=True,
        preexec_fn=before_exec,
    )


@contextmanager
def read_output(
    argv: Sequence[str], *, env: Mapping[str, str], before_exec: Callable[[], None] | None = None
) -> Iterator[IO[bytes]]:
    """What a program writes, as it writes it; ended when the block fails.

    Raises AiasError with its last words when it does not end well.
    """
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(
            list(argv),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=before_exec,
        )
        try:
            with running.stdout or errors as output:
                yield output
        except BaseException:
            running.kill()
            raise
        finally:
            running.wait()
        if running.returncode != 0:
            raise AiasError(f"'{Path(argv[0]).name}' failed: {_read_last_line(errors) or running.returncode}")


def _read_last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    return redact(errors.read().decode(errors="replace")).strip().rsplit("\n", 1)[-1]


@dataclass(frozen=True, slots=True)
class Kept:
    """A program at work: what it writes, as it writes it, and what it complains of."""

    output: IO[bytes]
    errors: IO[bytes]

    def last_words(self) -> str:
        """The last line of its complaints, redacted; empty without any. To be asked when its output has ended."""
        return _read_last_line(self.errors)


@contextmanager
def keep_running(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Iterator[Kept]:
    """A program for the length of the block; its input ends when we do, even when we are killed."""
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        with running, running.stdout or errors as output:
            try:
                yield Kept(output, errors)
            finally:
                running.kill()


def follow(argv: Sequence[str], *, env: Mapping[str, str], on_line: Callable[[bytes], None]) -> Completed:
    """Runs a program to its end, handing over each line of its output as it is written; only its errors are returned.

    An interrupt, or what `on_line` raises, asks the program once to stop by itself; it is waited for, and then raised.
    """
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(
            list(argv), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        try:
            with running.stdout or errors as output:
                _hand_over(running, output, on_line)
        finally:
            running.wait()
        errors.seek(0)
        return Completed(running.returncode, "", redact(errors.read().decode(errors="replace")))


def _hand_over(running: Running, output: IO[bytes], on_line: Callable[[bytes], None]) -> None:
    try:
        for line in output:
            on_line(line)
    except BaseException:
        running.send_signal(signal.SIGINT)
        try:
            # Its output is read on, because a program that cannot write dies before it has put its things in order.
            for _ in output:
                pass
        except BaseException:
            running.kill()
            raise
        raise


def end(running: Running, stop_signal: int, timeout_seconds: float) -> None:
    """Asks a program to end, and ends it when it has not done so in time."""
    running.send_signal(stop_signal)
    try:
        running.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
