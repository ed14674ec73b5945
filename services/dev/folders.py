"""Folders that only we can enter."""

from pathlib import Path


def closed(folder: Path) -> Path:
    """Make it, and what is missing above it, with mode 0700: `mkdir(parents=True)` would leave the parents open. What exists stays as it is."""
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)
    return folder
