#!/usr/bin/python3
"""Zaqar's WSGI application with repairs of Debian's."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # uWSGI does not do this
import zaqar_repairs  # noqa: E402, F401  must precede everything of Zaqar
from zaqar.transport.wsgi.app import application  # noqa: E402, F401
