#!/usr/bin/python3
"""Creates the users, projects and endpoints of the other services in a new Keystone.

usage: identity.py ADDRESS HEAT_PORT HEAT_CFN_PORT MAGNUM_PORT ZAQAR_PORT ZAQAR_WEBSOCKET_PORT SWIFT_PORT
"""
import os
import sys

from rest import Cloud

address, heat_port, heat_cfn_port, magnum_port, zaqar_port, zaqar_websocket_port, swift_port = sys.argv[1:]
cloud = Cloud()
password = os.environ["OS_PASSWORD"]


def create(kind: str, **fields: object) -> str:
    """Creates a user, project, ... and returns its id."""
    made = cloud.call("POST", f"{cloud.auth_url}/{kind}s", {kind: fields})
    return made[kind]["id"]


def find(kind: str, name: str) -> str:
    return cloud.call("GET", f"{cloud.auth_url}/{kind}s?name={name}")[f"{kind}s"][0]["id"]


def grant(role: str, user: str, where: str) -> None:
    cloud.call("PUT", f"{cloud.auth_url}/{where}/users/{user}/roles/{role}")


admin_role = find("role", "admin")

# The accounts of the services themselves.
service_project = create("project", name="service", domain_id="default")
for name in ("heat", "magnum", "zaqar", "swift"):
    user = create("user", name=name, password=password, domain_id="default")
    grant(admin_role, user, f"projects/{service_project}")

# The domains in which they make accounts: Heat for the nodes' agents, Magnum for the trustees.
for domain_name, admin_name in (("heat", "heat_domain_admin"), ("magnum", "trustee_domain_admin")):
    domain = create("domain", name=domain_name)
    grant(admin_role, create("user", name=admin_name, password=password, domain_id=domain), f"domains/{domain}")

create("role", name="heat_stack_user")
grant(create("role", name="heat_stack_owner"), find("user", "admin"), f"projects/{find('project', 'admin')}")

for name, service_type, url in (
    ("heat", "orchestration", f"http://{address}:{heat_port}/v1/%(tenant_id)s"),
    ("heat-cfn", "cloudformation", f"http://{address}:{heat_cfn_port}/v1"),
    ("magnum", "container-infra", f"http://{address}:{magnum_port}/v1"),
    ("zaqar", "messaging", f"http://{address}:{zaqar_port}"),
    ("zaqar-websocket", "messaging-websocket", f"ws://{address}:{zaqar_websocket_port}"),
    ("swift", "object-store", f"http://{address}:{swift_port}/v1/AUTH_%(tenant_id)s"),
):
    service = create("service", name=name, type=service_type)
    for interface in ("public", "internal", "admin"):
        create("endpoint", service_id=service, interface=interface, url=url, region_id="RegionOne")
