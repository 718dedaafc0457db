#!/usr/bin/python3
"""zaqar-server (the configuration names the websocket transport) with repairs of Debian's."""
import sys

import zaqar_repairs  # noqa: F401  must precede everything of Zaqar
from zaqar.cmd import server

sys.exit(server.run())
