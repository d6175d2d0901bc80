"""The data folder that `up`, `down` and `status` speak of."""

import sys
from pathlib import Path

from deploy.local.folder import StackFolder
from settings import Settings, SettingsError


def stack_folder(data_dir: Path | None) -> StackFolder:
    """The folder given, else HANDRAIL_DATA_DIR, else `.handrail` here."""
    if data_dir is not None:
        return StackFolder(data_dir)
    try:
        return StackFolder(Settings.load(attach=False).data_dir)
    except SettingsError as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(1)
