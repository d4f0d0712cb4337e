"""Exports in object storage: uploaded, read back, and only then called delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aias_core.errors import AiasError, DependencyUnreachable, DifferenceFound, InvalidInput, NotFound
from aias_core.secret import Secret


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """An S3 server and the keys to it."""

    endpoint: str
    access_key: str
    secret_key: Secret
    region: str = "us-east-1"

    def client(self) -> Any:
        """A boto3 client that also works on servers without the newer checksum headers."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key.reveal(),
            region_name=self.region,
            config=Config(
                connect_timeout=5,
                read_timeout=30,
                retries={"max_attempts": 3, "mode": "standard"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


def parse_url(url: str) -> tuple[str, str]:
    """Bucket and key prefix of `s3://bucket/prefix`. Raises InvalidInput for another form."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise InvalidInput(f"'{url}' is not an object storage address", hint="write it as s3://BUCKET/PREFIX")
    return parts.netloc, parts.path.strip("/")


def deliver(files: Iterable[Path], store: ObjectStore, url: str) -> list[str]:
    """Uploads files under `s3://bucket/prefix`, reads each back, and returns their addresses."""
    bucket, prefix = parse_url(url)
    with _translated_errors(bucket):
        client = store.client()
        client.head_bucket(Bucket=bucket)  # some servers would make a mistyped bucket
        return [_deliver_one(client, path, bucket, f"{prefix}/{path.name}".lstrip("/")) for path in files]


def _deliver_one(client: Any, path: Path, bucket: str, key: str) -> str:
    client.upload_file(str(path), bucket, key)
    stored = hashlib.sha256()
    for chunk in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1024 * 1024):
        stored.update(chunk)
    if stored.hexdigest() != _sha256(path):
        raise DifferenceFound(f"'s3://{bucket}/{key}' does not read back as it was written", hint="run it again")
    return f"s3://{bucket}/{key}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _translated_errors(bucket: str) -> Iterator[None]:
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, S3UploadFailedError) as exc:
        if "NoSuchBucket" in str(exc) or "(404)" in str(exc):
            hint = "an environment on one machine has the bucket 'aias-exports'"
            raise NotFound(f"There is no bucket '{bucket}'", hint=hint) from exc
        raise AiasError(f"Object storage refused the upload to '{bucket}': {exc}") from exc
    except BotoCoreError as exc:
        raise DependencyUnreachable("Object storage does not answer", hint="look with: aias env status") from exc
