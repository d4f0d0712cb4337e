"""Fetching what a job has made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aias_core.errors import Conflict, DifferenceFound, Gone
from aias_core.files import refuse_existing, whole_file
from aias_core.finance.delivery import Place, read_object
from aias_core.finance.export.run import manifest_name
from aias_core.finance.jobs.store import Job


def fetch_file(job: Job, place: Place, directory: Path, *, force: bool = False) -> dict[str, Any]:
    """Writes the file of a job and its manifest into a directory; the names and the checksum of the file.

    Raises Conflict for a job without a file, Gone for one whose file has expired, DifferenceFound for other bytes.
    """
    refuse_without_file(job)
    data = directory / place.key.rpartition("/")[2]
    manifest = data.with_name(manifest_name(data.name))
    if not force:
        refuse_existing(data, manifest)
    sha256 = _write(data, read_object(place), bytes(job.row["sha256"]).hex())
    _write(manifest, read_object(place.at(manifest_name(place.key))))
    return {"file": str(data), "manifest": str(manifest), "bytes": job.row["bytes"], "sha256": sha256}


def refuse_without_file(job: Job) -> None:
    """Raises Gone for a job whose file has expired, Conflict for one that has none."""
    if job.status == "expired":
        raise Gone("The file has outlived its time", hint="ask for it anew with: aias analytics export")
    if job.status != "succeeded":
        raise Conflict(
            f"The export '{job.job_id}' is {job.status}; there is no file",
            hint=f"look with: aias analytics exports show {job.job_id}",
        )


def _write(path: Path, chunks: Iterable[bytes], sha256: str | None = None) -> str:
    digest = hashlib.sha256()
    with whole_file(path) as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        if sha256 not in (None, digest.hexdigest()):
            raise DifferenceFound(
                "The file in storage is not the one that was written",
                hint="ask for it anew with: aias analytics export",
            )
    return digest.hexdigest()
