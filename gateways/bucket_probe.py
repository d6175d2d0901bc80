"""Asks the object store whether our bucket answers: the storage part of /readyz."""

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


@dataclass(frozen=True)
class BucketProbe:
    """One bucket and how to be let in; without keys the machine's own role is used, as AWS intends."""

    bucket: str
    region: str
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)

    async def __call__(self) -> None:
        """Raise what the store says when the bucket is away, foreign or forbidden."""
        await asyncio.to_thread(self._client.head_bucket, Bucket=self.bucket)

    @cached_property
    def _client(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                signature_version="s3v4",
                connect_timeout=2,
                read_timeout=2,
                retries={"max_attempts": 1},
                s3={"addressing_style": "path" if self.endpoint else "auto"},
            ),
        )
