#!/usr/bin/python3
"""A Swift of one device and one copy: its proxy, account, container and object servers in one process.

usage: swift-server.py FOLDER ADDRESS PROXY_PORT ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT
The folder contains proxy-server.conf and devices/d1; the rings are made in it.
"""
import logging
import sys
from pathlib import Path

from swift.common import utils

utils.eventlet_monkey_patch()

import eventlet  # noqa: E402  Swift's own patch comes first
from eventlet import wsgi  # noqa: E402
from swift.account.server import AccountController  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402
from swift.container.server import ContainerController  # noqa: E402
from swift.obj.server import ObjectController  # noqa: E402

folder = Path(sys.argv[1])
address = sys.argv[2]  # of the proxy; the others have their own
proxy_port, *ports = map(int, sys.argv[3:])
utils.HASH_PATH_SUFFIX = b"coe"  # otherwise read from /etc/swift/swift.conf, which exists only once
settings = {"swift_dir": str(folder), "devices": str(folder / "devices"), "mount_check": "false", "disable_fallocate": "true"}


def make_ring(name: str, port: int) -> None:
    builder = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "d1", "weight": 1.0})
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{name}.ring.gz"))


def serve(host: str, port: int, app: object) -> eventlet.greenthread.GreenThread:
    socket = eventlet.listen((host, port))
    return eventlet.spawn(wsgi.server, socket, app, logging.getLogger("swift"), protocol=SwiftHttpProtocol, log_output=False)


servers = []
for (name, controller), port in zip((("account", AccountController), ("container", ContainerController), ("object", ObjectController)), ports):
    make_ring(name, port)
    servers.append(serve("127.0.0.1", port, controller(settings)))
servers.append(serve(address, proxy_port, loadapp(str(folder / "proxy-server.conf"))))
for server in servers:
    server.wait()
