#!/usr/bin/python3
"""Applies a server's user data before the first boot, like Ignition: files, folders and units.

usage: ignition.py FOLDER < USER_DATA    puts everything into FOLDER, which is then copied over the file system
Accounts are ignored: the nodes have no user but root.
"""
import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

folder = Path(sys.argv[1])
config = json.load(sys.stdin)


def data(contents: dict[str, Any]) -> bytes:
    """Returns the bytes of a `data:` URL."""
    kind, _, text = contents.get("source", "data:,").partition(",")
    if not kind.startswith("data:"):
        raise ValueError(f"not a data URL: {contents['source'][:60]}")
    if contents.get("compression"):
        raise ValueError(f"cannot unpack: {contents['compression']}")
    return base64.b64decode(text) if kind.endswith(";base64") else unquote_to_bytes(text)


def place(path: str) -> Path:
    target = folder / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


for directory in config["storage"].get("directories", []):
    place(directory["path"]).mkdir(mode=directory["mode"], exist_ok=True)
for file in config["storage"]["files"]:
    target = place(file["path"])
    # An appended part is a map with `source`, as in version 3, or the file's own contents.
    target.write_bytes(data(file.get("contents", {})) + b"".join(data(part) for part in file.get("append", []) if isinstance(part, dict)))
    target.chmod(file["mode"])
for unit in config["systemd"]["units"]:
    place(f"/etc/systemd/system/{unit['name']}").write_text(unit["contents"])
    if unit.get("enabled"):
        subprocess.run(["systemctl", f"--root={folder}", "--quiet", "enable", unit["name"]], check=True)
if (folder / "root").exists():
    (folder / "root").chmod(0o700)
