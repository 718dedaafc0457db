#!/usr/bin/python3
"""Creates one cluster (template, CAs, trustee and trust, node groups) for a stack in Magnum, with Magnum's own code.

usage: cluster.py MAGNUM_CONF NAME STACK_ID STATUS TLS_DISABLED MASTERS WORKERS -> a node's heat-params as JSON
"""
import json
import os
import sys
import uuid

from keystoneauth1 import session
from keystoneauth1.identity import v3
from magnum.common import clients, context
from magnum.conductor.handlers.common import cert_manager, trust_manager
import magnum.conf

magnum_conf, name, stack_id, status, tls_disabled, masters, workers = sys.argv[1:]
magnum.conf.CONF(["--config-file", magnum_conf], project="magnum")
from magnum import objects  # noqa: E402  needs the configuration to be read first

login = v3.Password(
    auth_url=os.environ["OS_AUTH_URL"], username=os.environ["OS_USERNAME"], password=os.environ["OS_PASSWORD"],
    project_name=os.environ["OS_PROJECT_NAME"], user_domain_id="default", project_domain_id="default",
)
access = login.get_access(session.Session())
owner = {"user_id": access.user_id, "project_id": access.project_id}
ctx = context.RequestContext(
    auth_token=access.auth_token, auth_token_info={"token": access._data["token"]}, auth_url=os.environ["OS_AUTH_URL"],
    user_name=access.username, project_name=access.project_name, roles=["admin"], is_admin=True,
    domain_id="default", user_domain_id="default", project_domain_id="default", **owner,
)


def new_id() -> str:
    return str(uuid.uuid4())


template = objects.ClusterTemplate(
    ctx, uuid=new_id(), name=f"{name}-template", **owner,
    # Magnum rotates the CA only of clusters of this distribution.
    coe="kubernetes", cluster_distro="fedora-coreos", server_type="vm", image_id="image", network_driver="calico",
    tls_disabled=tls_disabled == "True", public=False, hidden=False, registry_enabled=False,
    master_lb_enabled=False, floating_ip_enabled=False, labels={},
)
template.create()

cluster = objects.Cluster(
    ctx, uuid=new_id(), name=name, **owner,
    cluster_template_id=template.uuid, stack_id=stack_id, status=status, labels={}, create_timeout=60,
)
trust_manager.create_trustee_and_trust(clients.OpenStackClients(ctx), cluster)
cert_manager.generate_certificates_to_cluster(cluster, context=ctx)
cluster.create()

for role, count in (("master", int(masters)), ("worker", int(workers))):
    objects.NodeGroup(
        ctx, uuid=new_id(), name=f"default-{role}", cluster_id=cluster.uuid, project_id=access.project_id,
        role=role, node_count=count, min_node_count=0, is_default=True, flavor_id="flavor", image_id="image",
        labels={}, stack_id=stack_id, status=status,
    ).create()

print(json.dumps({
    "CLUSTER_UUID": cluster.uuid,
    "TRUSTEE_USER_ID": cluster.trustee_user_id,
    "TRUSTEE_PASSWORD": cluster.trustee_password,
    "TRUST_ID": cluster.trust_id,
    "TLS_DISABLED": tls_disabled,
}))
