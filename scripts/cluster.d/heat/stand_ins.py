"""A Heat plugin with stand-ins for Nova, Neutron, Cinder and Octavia in Magnum's templates.

Servers are Heat's own DeployedServer, so that everything about deployments is Heat's. Servers, ports and load balancers
are written down as JSON files, KIND/ID.json in one folder; scripts/cluster boots machines and configures haproxy from
these records. The other resources have no effect.
"""
import json
import os
import re
import uuid
from pathlib import Path
from typing import Any

from heat.engine import attributes, properties, resource
from heat.engine.resources.openstack.heat import deployed_server, none_resource
from oslo_config import cfg

cfg.CONF.register_opts([
    cfg.StrOpt("records", help="the folder of the records"),
    cfg.StrOpt("network", help="the first three numbers of the nodes' addresses"),
], group="stand_ins")

# The last numbers of addresses, counted upwards from these.
LOAD_BALANCERS, MASTERS, WORKERS, FLOATING = 5, 10, 30, 200


def schema(kind: str) -> properties.Schema:
    return properties.Schema(kind, update_allowed=True)


def strings(*names: str) -> dict[str, properties.Schema]:
    return {name: schema(properties.Schema.STRING) for name in names}


def lists(*names: str) -> dict[str, properties.Schema]:
    return {name: schema(properties.Schema.LIST) for name in names}


def record(kind: str, name: str) -> Path:
    folder = Path(cfg.CONF.stand_ins.records, kind)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.json"


def write(path: Path, content: dict[str, Any]) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.rename(path)


def read(kind: str, name: str) -> dict[str, Any]:
    return json.loads(record(kind, name).read_text())


def take_address(preferred: int) -> str:
    """Returns the first free address from a preferred one on; a file that only one resource can make marks it as taken."""
    for last in range(preferred, 255):
        address = f"{cfg.CONF.stand_ins.network}.{last}"
        try:
            os.close(os.open(record("addresses", address), os.O_CREAT | os.O_EXCL))
            return address
        except FileExistsError:
            continue
    raise ValueError(f"no free address from {cfg.CONF.stand_ins.network}.{preferred} on")


class Server(deployed_server.DeployedServer):
    """OS::Nova::Server with the properties that Magnum's templates set, and the user data that Heat would pass to Nova."""

    properties_schema = deployed_server.DeployedServer.properties_schema | strings(
        "image", "flavor", "user_data_format", "user_data", "availability_zone",
    ) | lists("networks", "block_device_mapping_v2") | {"scheduler_hints": schema(properties.Schema.MAP)}

    def handle_create(self) -> str:
        server = super().handle_create()
        template = self.rpc_client().show_software_config(self.context, self.properties["user_data"])["config"]
        write(record("servers", server), {
            "name": self.properties["name"],
            "address": read("ports", self.properties["networks"][0]["port"])["ip_address"],
            "user_data": self.client_plugin("nova").build_userdata(
                self.metadata_get(True), template,
                instance_user=None, user_data_format=self.properties["user_data_format"],
            ),
        })
        return server

    def handle_delete(self) -> Any:
        if self.resource_id:
            record("servers", self.resource_id).unlink(missing_ok=True)
        return super().handle_delete()


class Recorded(resource.Resource):
    """A resource whose only effect is its record: its properties, and its assigned values."""

    kind = ""

    def given(self) -> dict[str, Any]:
        return {}

    def handle_create(self) -> None:
        self.resource_id_set(str(uuid.uuid4()))
        self.put(self.given())

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Any) -> None:
        self.properties = json_snippet.properties(self.properties_schema, self.context)
        given = read(self.kind, self.resource_id)
        self.put({name: given[name] for name in given if name not in self.properties_schema})

    def put(self, given: dict[str, Any]) -> None:
        write(record(self.kind, self.resource_id), dict(self.properties) | given)

    def handle_delete(self) -> None:
        if self.resource_id:
            address = read(self.kind, self.resource_id).get("ip_address")
            record(self.kind, self.resource_id).unlink()
            if address:
                record("addresses", address).unlink(missing_ok=True)

    def _resolve_attribute(self, name: str) -> Any:
        return read(self.kind, self.resource_id).get(name)


def attribute(*names: str) -> dict[str, attributes.Schema]:
    return {name: attributes.Schema() for name in names}


class Port(Recorded):
    """Its address depends on its group of nodes, and on the node's number in the group."""

    kind = "ports"
    properties_schema = strings("network", "replacement_policy") | lists("security_groups", "fixed_ips", "allowed_address_pairs")
    attributes_schema = attribute("fixed_ips")

    def given(self) -> dict[str, Any]:
        found = re.search(r"kube_(masters|minions)-\w+-(\d+)-", self.stack.name)
        first = MASTERS if found and found.group(1) == "masters" else WORKERS
        return {"ip_address": take_address(first + (int(found.group(2)) if found else 0))}

    def _resolve_attribute(self, name: str) -> Any:
        return [{"ip_address": read(self.kind, self.resource_id)["ip_address"], "subnet_id": "subnet"}]


class FloatingIP(Recorded):
    kind = "floating_ips"
    properties_schema = strings("floating_network", "port_id")
    attributes_schema = attribute("floating_ip_address")

    def given(self) -> dict[str, Any]:
        address = take_address(FLOATING)
        return {"ip_address": address, "floating_ip_address": address}


class LoadBalancer(Recorded):
    kind = "load_balancers"
    properties_schema = strings("provider", "vip_subnet")
    attributes_schema = attribute("vip_address", "vip_port_id")

    def given(self) -> dict[str, Any]:
        address = take_address(LOAD_BALANCERS)
        return {"ip_address": address, "vip_address": address, "vip_port_id": self.resource_id}


class Listener(Recorded):
    kind = "listeners"
    properties_schema = strings("loadbalancer", "protocol", "protocol_port") | lists("allowed_cidrs")


class Pool(Recorded):
    kind = "pools"
    properties_schema = strings("lb_algorithm", "listener", "protocol")


class HealthMonitor(Recorded):
    kind = "monitors"
    properties_schema = strings("type", "delay", "max_retries", "timeout", "pool", "url_path")


class PoolMember(Recorded):
    kind = "members"
    properties_schema = strings("pool", "address", "subnet", "protocol_port")


class SecurityGroup(none_resource.NoneResource):
    """Has no effect; Magnum reads its id for a further node group."""

    attributes_schema = attribute("id")

    def _resolve_attribute(self, name: str) -> Any:
        return self.resource_id


def resource_mapping() -> dict[str, type[resource.Resource]]:
    return {name: none_resource.NoneResource for name in (
        "OS::Nova::ServerGroup", "OS::Neutron::Net", "OS::Neutron::Subnet", "OS::Neutron::Router",
        "OS::Neutron::RouterInterface", "OS::Neutron::SecurityGroupRule",
        "OS::Cinder::Volume", "OS::Cinder::VolumeAttachment",
    )} | {
        "OS::Nova::Server": Server, "OS::Neutron::SecurityGroup": SecurityGroup,
        "OS::Neutron::Port": Port, "OS::Neutron::FloatingIP": FloatingIP,
        "OS::Octavia::LoadBalancer": LoadBalancer, "OS::Octavia::Listener": Listener, "OS::Octavia::Pool": Pool,
        "OS::Octavia::HealthMonitor": HealthMonitor, "OS::Octavia::PoolMember": PoolMember,
    }
