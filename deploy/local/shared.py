"""What our parts share: imported by the nursery before it forks them, and by nothing else.

Besides the imports, this is what each part would make of them alike, so that it is made once: mapped tables and the
description of S3. Nothing here may open a connection or begin a thread; the nursery refuses to fork after that.
"""

from aiosmtpd import controller
from sqlalchemy.orm import configure_mappers
from uvicorn import main as uvicorn
from uvicorn.loops import uvloop
from uvicorn.protocols.http import httptools_impl

import server
import worker
from gateways.object_store import S3ObjectStore, StoreAddress
from orchestration import codec_server
from settings import Settings

IMPORTED = (codec_server, controller, httptools_impl, server, uvicorn, uvloop, worker)

Settings.load(attach=False)
configure_mappers()
# Not used: making a client reads 18 MB of descriptions, which boto3 keeps for the next one.
S3ObjectStore(StoreAddress("none", access_key="none", secret_key="none"))  # noqa: S106 - no secret of anything
