#!/usr/bin/python3
"""Puts the services that apis.py serves into Keystone's catalogue. usage: catalogue.py URL"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "cloud.d"))
from rest import Cloud  # noqa: E402

url = sys.argv[1]
cloud = Cloud()
for name, kind, path in (("nova", "compute", "/v2.1"), ("glance", "image", ""), ("neutron", "network", ""), ("octavia", "load-balancer", "")):
    service = cloud.call("POST", f"{cloud.auth_url}/services", {"service": {"name": name, "type": kind}})["service"]["id"]
    for interface in ("public", "internal", "admin"):
        cloud.call("POST", f"{cloud.auth_url}/endpoints", {
            "endpoint": {"service_id": service, "interface": interface, "url": url + path, "region_id": "RegionOne"},
        })
