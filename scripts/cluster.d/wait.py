#!/usr/bin/python3
"""Waits until Magnum has made a cluster. usage: wait.py STATE NAME TEMPLATES

Says what the cluster's status becomes and which node has ended which part. Ends with 1 when a node's script or the stack
fails, and then says the node, the fragment of TEMPLATES, its line, and the last lines that it printed.
"""
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "cloud.d"))
from rest import Cloud, Refused  # noqa: E402

state, name, templates = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
SECONDS = 3000
SILENT_SECONDS = 180  # a busy API server closes connections; one that is gone does not return
LAST_LINES = 15


def say(text: str) -> None:
    print(f"cluster: {text}", file=sys.stderr, flush=True)


def status() -> tuple[str, str]:
    try:
        cluster = cloud.call("GET", f"{magnum}/clusters/{name}")
        return cluster["status"], cluster.get("status_reason") or ""
    except (Refused, OSError) as error:
        return "", str(error)


def fragment_of(text: str, line: int) -> str:
    """Returns the fragment of a line in a joined script: the one that shares most lines around it."""
    lines = text.splitlines()
    fragments = {path.name: set(path.read_text(errors="replace").splitlines()) for path in templates.rglob("*.sh")}
    for radius in (3, 10, 30, 100):
        around = [entry for entry in lines[max(0, line - 1 - radius):line + radius] if entry.strip()]
        scores = sorted(((sum(entry in known for entry in around), file) for file, known in fragments.items()), reverse=True)
        if len(scores) > 1 and scores[0][0] > scores[1][0]:
            return scores[0][1]
    return "an unknown fragment"


def deployments() -> dict[tuple[str, str], dict[str, Any]]:
    """Returns the deployments that each node's agent has started, by node and id."""
    return {(path.parents[5].name, path.stem): json.loads(path.read_text())
            for path in state.glob("nodes/*/root/var/lib/heat-config/deployed/*.json") if not path.name.endswith(".notify.json")}


def answer(node: str, deployment: str) -> dict[str, Any] | None:
    path = state / f"nodes/{node}/root/var/lib/heat-config/deployed/{deployment}.notify.json"
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):  # missing or incomplete
        return None


def explain(node: str, deployment: str, begun: dict[str, Any], outcome: str) -> None:
    log = state / f"nodes/{node}/root/var/log/heat-config"
    line = int((log / f"{deployment}.line").read_text().strip() or 0)
    say(f"{node}: {begun['name']}: {outcome} at line {line}, in {fragment_of(begun['config'], line)}")
    for kind in ("stdout", "stderr"):
        say(f"{node}: the last lines of its {kind} ({log}/{deployment}.{kind}):")
        for text in (log / f"{deployment}.{kind}").read_text(errors="replace").splitlines()[-LAST_LINES:]:
            say(f"  {text}")


cloud = Cloud()
magnum = cloud.endpoint("container-infra")
end = time.monotonic() + SECONDS
answered = time.monotonic()
shown, told = "", set()
while True:
    now, reason = status()
    if now:
        answered = time.monotonic()
    if now != shown:
        say(f"Magnum: {now or reason}")
        shown = now
    failed = False
    for (node, deployment), begun in deployments().items():
        ended = answer(node, deployment)
        if ended is None or (node, deployment) in told:
            continue
        told.add((node, deployment))
        if ended["deploy_status_code"]:
            failed = True
            explain(node, deployment, begun, f"ended with {ended['deploy_status_code']}")
        else:
            say(f"{node}: {begun['name'].rsplit('-', 1)[0]}: done")
    if failed:
        sys.exit(1)
    if now == "CREATE_COMPLETE":
        break
    if now.endswith("FAILED") or time.monotonic() > min(end, answered + SILENT_SECONDS):
        for (node, deployment), begun in deployments().items():
            if answer(node, deployment) is None:
                explain(node, deployment, begun, "has not ended")
        say(f"gave up: Magnum: {now}: {reason}")
        sys.exit(1)
    time.sleep(1)
