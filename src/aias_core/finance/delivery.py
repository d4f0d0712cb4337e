"""Exports in object storage: uploaded, read back, and only then called delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aias_core.errors import DifferenceFound
from aias_core.objectstore import ObjectStore, parse_url, translated_errors


def deliver(files: Iterable[Path], store: ObjectStore, url: str) -> list[str]:
    """Uploads files under `s3://bucket/prefix`, reads each back, and returns their addresses."""
    bucket, prefix = parse_url(url)
    with translated_errors(bucket):
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
