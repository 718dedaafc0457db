#!/usr/bin/env python3
"""Runs the predecessor on every case of cases.json and writes down, in golden.json, what it did.

usage: capture.py PATH-OF-55-heat-config PATH-OF-hook-script.py
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
HEAT_CONFIG, SCRIPT_HOOK = sys.argv[1:]


def deployment(case):
    """A case as Heat would send it; conformance.test.ts makes the same of it."""
    return {
        "id": "0a1b2c3d",
        "name": "conformance",
        "group": case.get("group", "script"),
        "creation_time": "2026-11-21T00:00:00Z",
        "config": case.get("config", ""),
        "inputs": [
            {"name": name, "value": value, **({"type": kind} if kind else {})}
            for name, kind, value in case.get("inputs", [])
        ],
        "outputs": [{"name": name, "type": "String"} for name in case.get("outputs", [])],
        "options": case.get("options", {}),
    }


def last_line(text):
    """Of a traceback, and of what was logged before it, what it says in the end."""
    return text.strip().splitlines()[-1] if "Traceback" in text else text


def run(case, folder):
    hooks = folder / "hooks"
    hooks.mkdir()
    shutil.copy(SCRIPT_HOOK, hooks / "script")
    (hooks / "script").chmod(0o755)
    if "hook" in case:
        (hooks / "any").write_text(case["hook"])
        (hooks / "any").chmod(0o755)
    notify = folder / "notify"
    notify.write_text(f'#!/bin/sh\ncat >"{folder}/signal"\n')
    notify.chmod(0o755)
    (folder / "config").write_text(json.dumps([deployment(case)]))
    subprocess.run([sys.executable, HEAT_CONFIG], check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HEAT_SHELL_CONFIG": str(folder / "config"),
        "HEAT_CONFIG_HOOKS": str(hooks),
        "HEAT_CONFIG_DEPLOYED": str(folder / "deployed"),
        "HEAT_CONFIG_NOTIFY": str(notify),
        "HEAT_SCRIPT_WORKING": str(folder / "work"),
        "HEAT_SCRIPT_OUTPUTS": str(folder / "outputs"),
    })
    stdin, signal = hooks / "any.stdin", folder / "signal"
    body = json.loads(signal.read_text()) if signal.exists() else None
    if isinstance(body, dict):
        body = {name: last_line(value) if name == "deploy_stderr" else value for name, value in body.items()}
        body = json.loads(json.dumps(body).replace(str(folder), "FOLDER"))
    return {"stdin": json.loads(stdin.read_text()) if stdin.exists() else None, "signal": body}


golden = {}
for case in json.loads((HERE / "cases.json").read_text()):
    with tempfile.TemporaryDirectory() as folder:
        golden[case["name"]] = run(case, Path(folder))
(HERE / "golden.json").write_text(json.dumps(golden, indent=2, ensure_ascii=False) + "\n")
