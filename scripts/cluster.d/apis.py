#!/usr/bin/python3
"""Serves the parts of Nova, Glance, Neutron and Octavia that Magnum uses before it makes a cluster; etcd's discovery;
the metadata service of the nodes; and files that nodes fetch.

usage: apis.py ADDRESS PORT DISCOVERY_URL BRIDGE FILES
ADDRESS:PORT serves the APIs, and FILES below /files/; the nodes find their metadata at 169.254.169.254 on the bridge.
"""
import json
import socket
import sys
import threading
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

address, port, discovery, bridge, files = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], Path(sys.argv[5])
IMAGE = {
    "id": "11111111-1111-4111-8111-111111111111", "name": "fedora-coreos", "os_distro": "fedora-coreos", "status": "active",
    "visibility": "public", "tags": [], "schema": "/v2/schemas/image", "min_disk": 0, "min_ram": 0,
}
NETWORK = {"id": "22222222-2222-4222-8222-222222222222", "name": "public", "router:external": True, "subnets": []}
FLAVOR = {"id": "1", "name": "node", "ram": 4096, "disk": 20, "vcpus": 2, "links": []}
KEYPAIR = {"id": 1, "name": "node", "user_id": "user", "public_key": "ssh-rsa AAAA node", "fingerprint": "00"}
IMAGE_SCHEMA = {
    "name": "image", "properties": {name: {"type": "string"} for name in IMAGE},
    "additionalProperties": {"type": "string"}, "links": [],
}
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def new_discovery(size: str) -> str:
    """Returns the URL under which the members of a new etcd cluster of this size find each other."""
    url = f"{discovery}/v2/keys/discovery/{uuid.uuid4().hex}"
    _direct.open(urllib.request.Request(f"{url}/_config/size?value={size}", method="PUT"), timeout=10).close()
    return url


def resource(path: str) -> Any:
    """Returns an API's object at this path, or None."""
    if "/flavors" in path:
        return {"flavors": [FLAVOR]} if path.endswith(("/flavors", "/detail")) else {"flavor": FLAVOR}
    if "/os-keypairs" in path:
        return {"keypair": KEYPAIR}
    if path.endswith("/v2/images"):
        return {"images": [IMAGE], "schema": "/v2/schemas/images", "first": "/v2/images"}
    if "/v2/images/" in path:
        return IMAGE
    if "/v2/schemas" in path:
        return IMAGE_SCHEMA
    if path.endswith("/networks"):
        return {"networks": [NETWORK]}
    if "/networks/" in path:
        return {"network": NETWORK}
    if path.endswith("loadbalancers"):
        return {"loadbalancers": []}
    return None


class Handler(BaseHTTPRequestHandler):
    def answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Api(Handler):
    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/discovery/new":
            self.answer(200, new_discovery(parse_qs(asked.query)["size"][0]).encode(), "text/plain")
        elif asked.path.startswith("/files/") and (file := files / asked.path[len("/files/"):]).is_file():
            self.answer(200, file.read_bytes(), "application/octet-stream")
        else:
            found = resource(asked.path)
            self.answer(404 if found is None else 200, json.dumps(found or {"error": asked.path}).encode(), "application/json")


class Metadata(Handler):
    """Nodes without an address in heat-params ask here; no node has a public address."""

    def do_GET(self) -> None:
        known = {"/latest/meta-data/local-ipv4": self.client_address[0], "/latest/meta-data/public-ipv4": ""}
        self.answer(200 if self.path in known else 404, known.get(self.path, "").encode(), "text/plain")


class OnBridge(ThreadingHTTPServer):
    """Several clusters use this address, each on a bridge of its own."""

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
        super().server_bind()


metadata = OnBridge(("169.254.169.254", 80), Metadata)
threading.Thread(target=metadata.serve_forever, daemon=True).start()
ThreadingHTTPServer((address, port), Api).serve_forever()
