"""The Heat template of a small cluster: servers without Nova, and one rotate deployment for each of them."""
from typing import Any

# The parameters that Magnum changes in a rotation of the CA.
SERVICE_ACCOUNT_KEYS = ("kube_service_account_key", "kube_service_account_private_key")


def template(servers: list[str], group: str, actions: list[str], poll: str, signal: str, inputs: dict[str, str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        # Magnum reads it when it takes over the stack's status; without it the cluster never leaves UPDATE_IN_PROGRESS.
        "kube_version": {"type": "string", "default": "v1.27.4"},
    }
    # A stack update changes it, and with it how the nodes poll.
    parameters["poll_transport"] = {"type": "string", "default": poll}
    for name in SERVICE_ACCOUNT_KEYS:
        parameters[name] = {"type": "string", "hidden": True, "default": ""}
    for name, value in inputs.items():
        parameters[name] = {"type": "string", "default": value}

    # Magnum's own templates give this suffix to inputs that equal parameters.
    values = {f"{name}_input": {"get_param": name} for name in SERVICE_ACCOUNT_KEYS}
    values |= {name: {"get_param": name} for name in inputs}

    resources: dict[str, Any] = {
        "rotate_config": {
            "type": "OS::Heat::SoftwareConfig",
            "properties": {
                "group": group,
                "inputs": [{"name": name, "type": "String", "default": ""} for name in values],
                "outputs": [{"name": "fingerprint"}, {"name": "coe_report"}],
            },
        },
    }
    for server in servers:
        resources[server] = {
            "type": "OS::Heat::DeployedServer",
            "properties": {"name": server, "software_config_transport": {"get_param": "poll_transport"}},
        }
        resources[f"{server}-rotate"] = {
            "type": "OS::Heat::SoftwareDeployment",
            "properties": {
                "server": {"get_resource": server},
                "config": {"get_resource": "rotate_config"},
                "actions": actions,
                "signal_transport": signal,
                "input_values": values,
            },
        }
    fleet = {server: {"get_attr": [f"{server}-rotate", "coe_report"]} for server in servers}
    return {
        "heat_template_version": "wallaby",
        "parameters": parameters,
        "resources": resources,
        "outputs": {"coe_fleet": {"value": fleet}},
    }
