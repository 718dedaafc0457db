#!/usr/bin/python3
"""Waits until Keystone, Heat, a Heat engine and Magnum really answer. usage: ready.py SECONDS"""
import sys
import time

from rest import Cloud

end = time.monotonic() + float(sys.argv[1])


def engines_up(cloud: Cloud) -> bool:
    services = cloud.call("GET", cloud.endpoint("orchestration") + "/services")["services"]
    return any(service["status"] == "up" for service in services)


def conductor_up(cloud: Cloud) -> bool:
    services = cloud.call("GET", cloud.endpoint("container-infra") + "/mservices")["mservices"]
    return any(service["state"] == "up" for service in services)


cloud = None
waiting_for = [engines_up, conductor_up]
while waiting_for:
    try:
        cloud = cloud or Cloud()
        waiting_for = [probe for probe in waiting_for if not probe(cloud)]
        last = ", ".join(probe.__name__ for probe in waiting_for)
    except Exception as error:  # not ready yet, whatever the reason
        last = str(error)
    if waiting_for and time.monotonic() > end:
        sys.exit(f"cloud: not ready: {last}")
    if waiting_for:
        time.sleep(0.3)
