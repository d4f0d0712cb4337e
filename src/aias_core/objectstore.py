"""Object storage over S3: the server, its keys, its addresses, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from aias_core.errors import AiasError, DependencyUnreachable, InvalidInput, NotFound
from aias_core.secret import Secret


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """An S3 server, the keys to it, and how it is to encrypt what it stores, `AES256` where it can."""

    endpoint: str
    access_key: str
    secret_key: Secret
    region: str = "us-east-1"
    encryption: Literal["AES256", "aws:kms"] | None = None

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
                signature_version="s3v4",  # also of links, which would be signed the old way
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


_BUCKET_HINT = "an environment on one machine has the bucket 'aias-exports'"


@contextmanager
def translated_errors(bucket: str, hint: str = _BUCKET_HINT) -> Iterator[None]:
    """Turns an error of S3 into ours: NotFound for a missing bucket, DependencyUnreachable for silence."""
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, S3UploadFailedError) as exc:
        if "NoSuchBucket" in str(exc) or "(404)" in str(exc):
            raise NotFound(f"There is no bucket '{bucket}'", hint=hint) from exc
        raise AiasError(f"Object storage refused a request to '{bucket}': {exc}") from exc
    except BotoCoreError as exc:
        raise DependencyUnreachable("Object storage does not answer", hint="look with: aias env status") from exc
