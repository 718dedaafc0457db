#!/usr/bin/python3
"""Makes a Heat stack with rotating servers and its Magnum cluster; prints one JSON object."""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rest import Cloud, Refused
from template import template

SIGNALS = ("HEAT_SIGNAL", "CFN_SIGNAL", "TEMP_URL_SIGNAL", "ZAQAR_SIGNAL", "NO_SIGNAL")
POLLS = ("POLL_SERVER_HEAT", "POLL_SERVER_CFN", "POLL_TEMP_URL", "ZAQAR_MESSAGE")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/cloud seed --state DIR", description=__doc__)
    parser.add_argument("--magnum-conf", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--name", required=True, help="of the stack and of the cluster")
    parser.add_argument("--servers", default="master-0:master,worker-0:worker", help="NAME:ROLE,... (default: %(default)s)")
    parser.add_argument("--group", default="coe-rotate", help="of the deployments' config (default: %(default)s)")
    parser.add_argument("--actions", default="UPDATE", help="UPDATE (default) or CREATE,UPDATE")
    parser.add_argument("--signal", choices=SIGNALS, default=SIGNALS[0], help="how the deployments are answered")
    parser.add_argument("--poll", choices=POLLS, default=POLLS[0], help="where the servers find their metadata")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE",
                        help="a further input of the deployments, and the stack parameter that changes it")
    parser.add_argument("--tls-disabled", action="store_true", help="a cluster that Magnum refuses to rotate")
    return parser.parse_args()


def wait_for(what: str, seconds: float, probe: Any) -> Any:
    """Repeats a probe until it returns something, and returns that."""
    end = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > end:
            sys.exit(f"cloud: gave up waiting for {what}")
        time.sleep(0.2)
    return found


def main() -> None:
    wanted = arguments()
    roles = dict(server.split(":") for server in wanted.servers.split(","))
    actions = wanted.actions.split(",")
    waits_for_signals = "CREATE" in actions and wanted.signal != "NO_SIGNAL"
    cloud = Cloud()
    heat = cloud.endpoint("orchestration")

    made = cloud.call("POST", f"{heat}/stacks", {
        "stack_name": wanted.name,
        "template": template(list(roles), wanted.group, actions, wanted.poll, wanted.signal,
                             dict(pair.split("=", 1) for pair in wanted.input)),
        "disable_rollback": True,
    })
    stack_id = made["stack"]["id"]
    stack_url = f"{heat}/stacks/{wanted.name}/{stack_id}"

    # Importing Magnum's code takes seconds, so it runs while Heat makes the stack.
    tls_disabled = str(wanted.tls_disabled)
    cluster = subprocess.Popen(
        ["/usr/bin/python3", Path(__file__).with_name("cluster.py"), wanted.magnum_conf, wanted.name, stack_id,
         "CREATE_IN_PROGRESS" if waits_for_signals else "CREATE_COMPLETE", tls_disabled,
         *(str(list(roles.values()).count(role)) for role in ("master", "worker"))],
        stdout=subprocess.PIPE,
    )

    def collector(server: str) -> dict[str, Any] | None:
        """Returns the polling configuration of the server's agent, once Heat has made the server."""
        try:
            resource = cloud.call("GET", f"{stack_url}/resources/{server}?with_attr=os_collect_config")["resource"]
        except Refused as error:
            if error.status != 404:
                raise
            return None  # the engine has not stored the resource yet
        return resource["attributes"].get("os_collect_config") if resource["resource_status"] == "CREATE_COMPLETE" else None

    def stack_status() -> str:
        return cloud.call("GET", f"{stack_url}?resolve_outputs=False")["stack"]["stack_status"]

    def stack_settled() -> str:
        status = stack_status()
        return "" if status == "CREATE_IN_PROGRESS" else status

    servers = [
        {"name": server, "role": role, "os_collect_config": wait_for(f"server {server}", 120, lambda: collector(server))}
        for server, role in roles.items()
    ]
    status = stack_status() if waits_for_signals else wait_for("the stack", 120, stack_settled)
    if status.endswith("FAILED"):
        sys.exit(f"cloud: the stack {wanted.name} is {status}")
    output, _ = cluster.communicate()
    if cluster.returncode:
        sys.exit("cloud: Magnum did not take the cluster")
    heat_params = json.loads(output)

    print(json.dumps({
        "cluster": {"uuid": heat_params["CLUSTER_UUID"], "name": wanted.name},
        "stack": {"id": stack_id, "name": wanted.name, "status": status},
        "heat_params": {
            **heat_params,
            "AUTH_URL": cloud.auth_url,
            "MAGNUM_URL": cloud.endpoint("container-infra"),
            "VERIFY_CA": "True",
            "REGION_NAME": os.environ["OS_REGION_NAME"],
        },
        "servers": servers,
        "rc": {name: value for name, value in os.environ.items() if name.startswith("OS_")},
    }, indent=2))


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"cloud: {error}")
