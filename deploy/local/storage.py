"""SeaweedFS `weed mini` as the S3 store: loopback only, telemetry off."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.processes import Child, tool

REGION = "us-east-1"


@dataclass(frozen=True)
class StorePlan:
    """Where the store listens and keeps its data. `ports`: s3, master, volume, filer, admin (each also at +10000)."""

    log: Path
    data: Path
    ports: Mapping[str, int]
    access_key: str
    secret_key: str

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3']}"


PORT_NAMES = ("s3", "master", "volume", "filer", "admin")


def store_child(plan: StorePlan) -> Child:
    """Describe the process; the keys travel in its environment, not on the command line."""
    plan.data.mkdir(parents=True, exist_ok=True)
    flags = [f"-{name}.port={plan.ports[name]}" for name in PORT_NAMES]
    flags += ["-master.telemetry=false", "-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    return Child(
        "S3 store",
        [
            tool("weed"),
            "-v=0",
            "-logtostderr=true",
            "mini",
            f"-dir={plan.data}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            *flags,
        ],
        plan.log,
        {
            "AWS_ACCESS_KEY_ID": plan.access_key,
            "AWS_SECRET_ACCESS_KEY": plan.secret_key,
            # Its heap is 230 MB of buffers that nothing touches: a limit below that makes it collect without end. 400
            # puts and gets took 46 s with 100 MiB, 2.5 s like this, and it holds 150 MB afterwards instead of 230.
            "GOGC": "15",
        },
    )


def remove_sockets(plan: StorePlan) -> None:
    """Remove the sockets that the store leaves in the machine's temp folder, named after its ports."""
    for port in plan.ports.values():
        for pattern in (f"seaweedfs-*-{port}.sock", f"seaweedfs-*-{port + 10_000}.sock"):
            for place in Path(tempfile.gettempdir()).glob(pattern):
                place.unlink(missing_ok=True)
