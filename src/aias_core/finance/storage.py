"""Where exported files go, as settings name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aias_core.objectstore import ObjectStore

if TYPE_CHECKING:
    from aias_core.service_settings import StorageSettings


def find_object_store(settings: StorageSettings) -> ObjectStore | None:
    """The S3 server of the settings; None where they name none, or no keys to it."""
    if settings.s3_endpoint is None or settings.s3_access_key is None or settings.s3_secret_key is None:
        return None
    return ObjectStore(
        settings.s3_endpoint,
        settings.s3_access_key,
        settings.s3_secret_key,
        settings.s3_region,
        settings.s3_encryption,
    )


def list_buckets(settings: StorageSettings) -> tuple[str, ...]:
    """The buckets that files may go to; the first is used where none is named. Nothing where the settings name none."""
    return tuple(filter(None, map(str.strip, settings.exports_buckets.split(","))))
