"""Logs in to Keystone and sends JSON over HTTP with the standard library only (the client libraries take seconds to import)."""
import json
import os
import urllib.error
import urllib.request
from typing import Any

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


class Refused(Exception):
    """An answer with an error status."""

    def __init__(self, method: str, url: str, status: int, body: str) -> None:
        super().__init__(f"{method} {url}: {status} {body[:500]}")
        self.status = status


class Cloud:
    """A session of the user in the OS_... variables."""

    def __init__(self) -> None:
        self.auth_url = os.environ["OS_AUTH_URL"]
        self._token = ""
        login, headers = self._send("POST", self.auth_url + "/auth/tokens", {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": {
                    "name": os.environ["OS_USERNAME"], "password": os.environ["OS_PASSWORD"],
                    "domain": {"id": os.environ["OS_USER_DOMAIN_ID"]},
                }}},
                "scope": {"project": {"name": os.environ["OS_PROJECT_NAME"], "domain": {"id": os.environ["OS_PROJECT_DOMAIN_ID"]}}},
            },
        })
        self._token = headers["X-Subject-Token"]
        self._catalog = login["token"]["catalog"]

    def endpoint(self, service_type: str) -> str:
        service = next(entry for entry in self._catalog if entry["type"] == service_type)
        return next(end["url"] for end in service["endpoints"] if end["interface"] == "public")

    def call(self, method: str, url: str, body: Any = None) -> Any:
        return self._send(method, url, body)[0]

    def _send(self, method: str, url: str, body: Any) -> tuple[Any, Any]:
        request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if self._token:
            request.add_header("X-Auth-Token", self._token)
        try:
            with _direct.open(request, timeout=60) as answer:
                text = answer.read()
                return (json.loads(text) if text else None), answer.headers
        except urllib.error.HTTPError as error:
            raise Refused(method, url, error.code, error.read().decode(errors="replace")) from None
