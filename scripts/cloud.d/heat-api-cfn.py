#!/usr/bin/python3
"""heat-api-cfn, which sends Keystone a token of Heat's own to verify a request's EC2 signature.

Keystone requires that since CVE-2025-65073; Debian 12's Heat does not send it, and would reject every CFN poll and signal.
"""
import sys
from typing import Any

import requests
from heat.api.aws import ec2token
from heat.cmd import api_cfn
from keystoneauth1 import loading, session
from oslo_config import cfg

GROUP = "keystone_authtoken"  # the section with Heat's own account


class WithToken:
    """Replaces the EC2 filter's `requests`."""

    _login: Any = None

    @classmethod
    def post(cls, url: str, headers: dict[str, str], **options: Any) -> requests.Response:
        if cls._login is None:
            loading.register_auth_conf_options(cfg.CONF, GROUP)
            cls._login = session.Session(auth=loading.load_auth_from_conf_options(cfg.CONF, GROUP))
        return requests.post(url, headers=headers | {"X-Auth-Token": cls._login.get_token()}, **options)


ec2token.requests = WithToken
sys.exit(api_cfn.main())
