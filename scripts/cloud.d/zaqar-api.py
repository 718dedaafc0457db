#!/usr/bin/python3
"""Zaqar's WSGI application with what is missing in Debian's."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # uWSGI does not
import zaqar_repairs  # noqa: E402, F401  comes before everything of Zaqar
from zaqar.transport.wsgi.app import application  # noqa: E402, F401
