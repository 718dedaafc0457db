#!/usr/bin/env python3
"""Has oslo.config read every case of cases.json, and writes down, in golden.json, what it found.

usage: capture.py (with oslo.config on the path; the options are those of os-collect-config)
"""
import json
import tempfile
from pathlib import Path

from oslo_config import cfg

HERE = Path(__file__).parent
TEXT, MULTI, URI = cfg.StrOpt, cfg.MultiStrOpt, cfg.URIOpt
GROUPS = {
    None: [
        TEXT("command"),
        TEXT("cachedir", default="/var/lib/os-collect-config"),
        MULTI("collectors"),
        cfg.FloatOpt("polling-interval", default=30),
    ],
    "heat": [
        URI("auth-url"), TEXT("user-id"), TEXT("password"), TEXT("project-id"),
        TEXT("stack-id"), TEXT("resource-name"), TEXT("region-name"),
    ],
    "cfn": [
        URI("metadata-url"), TEXT("heat-metadata-hint", default="/var/lib/heat-cfntools/cfn-metadata-server"),
        TEXT("stack-name"), MULTI("path"), TEXT("access-key-id"), TEXT("secret-access-key"),
    ],
    "local": [MULTI("path")],
}


def read(text):
    conf = cfg.ConfigOpts()
    for group, options in GROUPS.items():
        conf.register_cli_opts(options, group=group)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        try:
            conf(args=[], default_config_files=[file.name], default_config_dirs=[])
            found = {
                group or "DEFAULT": {one.dest: (conf[group] if group else conf)[one.dest] for one in options}
                for group, options in GROUPS.items()
            }
        except (cfg.Error, RecursionError) as error:
            return {"refused": type(error).__name__}
    return {
        name: {option: value for option, value in options.items() if value not in (None, 30.0)}
        for name, options in found.items()
    }


cases = json.loads((HERE / "cases.json").read_text())
golden = {case["name"]: read("\n".join(case["lines"]) + "\n") for case in cases}
(HERE / "golden.json").write_text(json.dumps(golden, indent=2) + "\n")
