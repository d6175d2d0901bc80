"""A client of the embedded S3 store, and its bucket with object lock."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.local.storage import REGION, StorePlan

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


def store_client(plan: StorePlan) -> "S3Client":
    """Make a client of the store; SigV4 and path addresses explicitly, presigned links need them."""
    return boto3.client(
        "s3",
        endpoint_url=plan.endpoint,
        aws_access_key_id=plan.access_key,
        aws_secret_access_key=plan.secret_key,
        region_name=REGION,
        config=Config(
            signature_version="s3v4",
            retries={"max_attempts": 1},
            connect_timeout=2,
            read_timeout=10,
            s3={"addressing_style": "path"},
        ),
    )


def ensure_bucket(client: "S3Client", bucket: str) -> None:
    """Create the bucket with object lock: a bucket made without it can never have it."""
    try:
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise


def store_ready(client: "S3Client", bucket: str) -> bool:
    """Ready = the bucket exists and a first small object could be written; an open port is too early."""
    try:
        ensure_bucket(client, bucket)
        client.put_object(Bucket=bucket, Key=".ready", Body=b"1")
    except (ClientError, BotoCoreError):
        return False
    return True
