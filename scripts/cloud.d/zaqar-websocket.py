#!/usr/bin/python3
"""zaqar-server (the configuration names the websocket transport) with what is missing in Debian's."""
import sys

import zaqar_repairs  # noqa: F401  comes before everything of Zaqar
from zaqar.cmd import server

sys.exit(server.run())
