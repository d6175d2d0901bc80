"""Lets the embedded Temporal UI read payloads: the codec endpoint on its own loopback port and unguessable path.

Run as `python -m deploy.local.codec PORT`; the path and the UI's origin travel in the environment.
"""

import os
import signal
import sys

from orchestration.codec import EncryptedPayloads
from orchestration.codec_server import CodecServer
from settings import Settings, parse_keys


def main() -> None:
    settings = Settings.load(attach=False).require("payload_keys")
    assert settings.payload_keys is not None
    keys = parse_keys(settings.payload_keys)
    codec = EncryptedPayloads(keys, next(iter(keys)))
    address = ("127.0.0.1", int(sys.argv[1]))
    server = CodecServer(address, codec, path=os.environ["CODEC_PATH"], origin=os.environ["CODEC_ORIGIN"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.serve_forever()


if __name__ == "__main__":
    main()
