#!/usr/bin/python3
"""`keystone-manage db_sync` and `keystone-manage bootstrap` in one process: each start of Keystone's code takes seconds.

usage: keystone-setup.py KEYSTONE_CONF AUTH_URL    with the admin's password in $PASSWORD
"""
import os
import sys

from keystone.cmd import bootstrap, cli

keystone_conf, auth_url = sys.argv[1:]
cli.main(["keystone-manage", "--config-file", keystone_conf, "db_sync"])

first = bootstrap.Bootstrapper()
first.admin_username = first.project_name = first.admin_role_name = "admin"
first.admin_password = os.environ["PASSWORD"]
first.service_name = "keystone"
first.public_url = first.internal_url = first.admin_url = auth_url
first.region_id = "RegionOne"
first.bootstrap()
