"""The value behind a reference. Errors name the reference and never hold a value."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from aias_core import process
from aias_core.errors import AiasError, DependencyUnreachable, NotFound, PrerequisiteMissing, Refused
from aias_core.secret import Secret
from aias_core.secrets.references import Reference, parse_reference
from aias_core.settings import find_variable

COMMAND_SECONDS = 60
_OTHERS = 0o077


def resolve_secret(reference: str) -> Secret:
    """The secret that a reference names, without the line end that files and programs add.

    Raises InvalidInput for a text that is no reference, DependencyUnreachable or PrerequisiteMissing where the source
    cannot be asked, NotFound where it does not know the secret, Refused for a file that others may read.
    """
    parsed = parse_reference(reference)
    secret = _SOURCES[parsed.source](parsed)
    if not secret.reveal():
        raise NotFound(f"'{reference}' is empty", hint="put the value there")
    return secret


def read_private_file(path: Path, reference: object) -> bytes:
    """The bytes of a file that only its owner may read. Raises NotFound, PrerequisiteMissing, Refused."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise Refused(f"'{path}' may be read by others", hint=f"make it private: chmod 600 {path}")
            return file.read()
    except FileNotFoundError as exc:
        raise NotFound(f"'{reference}': there is no file '{path}'", hint="put the value there, mode 0600") from exc
    except OSError as exc:
        raise PrerequisiteMissing(
            f"'{reference}': '{path}' cannot be read: {exc.strerror}", hint="name a file that you may read"
        ) from exc


def _read_variable(reference: Reference) -> Secret:
    value = find_variable(reference.path)
    if value is None:
        raise NotFound(f"'{reference}': the variable is not set", hint=f"set it: export {reference.path}=…")
    return Secret(value)


def _read_file(reference: Reference) -> Secret:
    return _decode(read_private_file(Path(reference.path).expanduser(), reference), reference)


def _read_encrypted_file(reference: Reference) -> Secret:
    from aias_core.secrets.encrypted import EncryptedFile

    return EncryptedFile(Path(reference.path).expanduser()).get(reference.field).value


def _read_vault(reference: Reference) -> Secret:
    from aias_core.secrets.vault import read_field

    return read_field(reference)


def _read_command(reference: Reference) -> Secret:
    program = reference.parts[0]
    try:
        return process.ask_secret(reference.parts, timeout_seconds=COMMAND_SECONDS)
    except AiasError as exc:
        raise DependencyUnreachable(
            f"'{reference}': {exc.message}", hint=f"run '{program}' by hand and unlock what it asks"
        ) from None


def _read_kubernetes(reference: Reference) -> Secret:
    from aias_core.secrets.cluster import find_kubeconfig, open_cluster

    namespace, name = reference.parts[0], "/".join(reference.parts[1:])
    with open_cluster(find_kubeconfig()) as cluster:
        values = cluster.find_values(namespace, name) or {}
    if reference.field not in values:
        raise NotFound(f"'{reference}': there is no such secret or key", hint="look with: aias secrets status ENV")
    return values[reference.field]


def _decode(value: bytes, reference: Reference) -> Secret:
    try:
        return Secret(value.decode().rstrip("\r\n"))
    except UnicodeDecodeError:
        raise PrerequisiteMissing(f"'{reference}' is not a text", hint="encode it first: base64") from None


_SOURCES: dict[str, Callable[[Reference], Secret]] = {
    "env": _read_variable,
    "file": _read_file,
    "encrypted-file": _read_encrypted_file,
    "vault": _read_vault,
    "command": _read_command,
    "kubernetes": _read_kubernetes,
}
