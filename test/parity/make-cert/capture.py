#!/usr/bin/env python3
"""Runs the originals for the heat-params of each JSON of a Kubernetes node, and writes down in it what they made.

usage: capture.py PATH-OF-kubernetes/fragments    (as root; README.md says what stands in for the cloud)
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FRAGMENTS = Path(sys.argv[1])
# As the templates join them.
ORIGINALS = {"master": ["make-cert.sh", "make-cert-client.sh"], "worker": ["make-cert-client.sh"]}
PASSWD = "kube:x:7001:7001::/:/usr/sbin/nologin\netcd:x:7002:7002::/:/usr/sbin/nologin\n"
GROUP = "kube:x:7001:\netcd:x:7002:\n"

SSH = '#!/bin/sh\nshift 3\nexec "$@"\n'
CURL = r"""#!/usr/bin/env python3
import json, os, subprocess, sys
work, args = os.environ["WORK"], sys.argv[1:]
url, body = args[-1], args[args.index("-d") + 1] if "-d" in args else None
if "169.254.169.254" in url:
    print(os.environ["PUBLIC_IPV4"], end="")
elif url.endswith("/auth/tokens"):
    print("X-Subject-Token: token")
elif body is None:
    print(json.dumps({"pem": open(f"{work}/ca.pem").read().strip()}))
else:
    asked = json.loads(body)
    with open(f"{work}/asked", "a") as file:
        file.write(json.dumps(asked) + "\n")
    pem = subprocess.run(
        ["openssl", "x509", "-req", "-CA", f"{work}/ca.pem", "-CAkey", f"{work}/ca.key", "-days", "1",
         "-copy_extensions", "copyall"], input=asked["csr"], text=True, check=True, stdout=subprocess.PIPE).stdout
    print(json.dumps({"pem": pem.strip()}))
"""
INSIDE = r"""set -e
mount -t overlay overlay -o lowerdir=/etc,upperdir=$WORK/upper,workdir=$WORK/inner /etc
umask 022
sh -c "bash $WORK/original" >$WORK/log 2>&1 || { tail -20 $WORK/log; exit 1; }
mkdir $WORK/made
for folder in /etc/kubernetes /etc/etcd; do
    [ -d $folder ] || continue
    find $folder -exec stat -c '%n %a %U:%G' {} + | sort >>$WORK/files
    (cd / && cp -a --parents ${folder#/} $WORK/made)
done
"""


def run(case, name, work):
    """The original in a mount namespace of its own, with an overlay as its /etc."""
    for folder in ("bin", "upper/sysconfig", "inner"):
        (work / folder).mkdir(parents=True)
    for program, text in (("ssh", SSH), ("curl", CURL)):
        (work / "bin" / program).write_text(text)
        (work / "bin" / program).chmod(0o755)
    (work / "bin/python").symlink_to("/usr/bin/python3")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
         "/CN=c", "-keyout", work / "ca.key", "-out", work / "ca.pem"], check=True, stderr=subprocess.DEVNULL)
    login = {"AUTH_URL": "http://keystone/v3", "TRUSTEE_USER_ID": "u", "TRUSTEE_PASSWORD": "p", "TRUST_ID": "t"}
    params = "".join(f'{key}="{value}"\n' for key, value in {**login, **case["heatParams"]}.items())
    (work / "upper/sysconfig/heat-params").write_text(params)
    (work / "upper/hostname").write_text(case["hostname"] + "\n")
    (work / "upper/passwd").write_text(Path("/etc/passwd").read_text() + PASSWD)
    (work / "upper/group").write_text(Path("/etc/group").read_text() + GROUP)
    fragments = ORIGINALS[case["heatParams"]["NODEGROUP_ROLE"]]
    (work / "original").write_text("\n".join(["#!/bin/bash", *((FRAGMENTS / one).read_text() for one in fragments)]))
    env = {"PATH": f"{work}/bin:{os.environ['PATH']}", "WORK": str(work), "PUBLIC_IPV4": case["publicIpv4"]}
    subprocess.run(["unshare", "--mount", "sh", "-c", INSIDE], check=True, env=env)


def openssl(pem, *what):
    return subprocess.run(["openssl", "req", "-noout", *what], input=pem, text=True, check=True,
                          stdout=subprocess.PIPE).stdout


def certificate(stem, asked):
    subject = openssl(asked["csr"], "-subject", "-nameopt", "sep_multiline,sname,utf8").split("\n")[1:]
    text = openssl(asked["csr"], "-text")

    def extension(name):
        found = re.search(rf"X509v3 {name}: *(critical)?\n *(.*)", text)
        return found and (found[1] is not None, found[2].strip().split(", "))

    usage = extension("Key Usage")
    return {
        "stem": stem,
        "ca": asked.get("ca_cert_type"),
        "subject": [line.strip() for line in subject if line.strip()],
        "names": (extension("Subject Alternative Name") or (False, []))[1],
        "keyUsage": usage and {"critical": usage[0], "usages": usage[1]},
        "extendedKeyUsage": (extension("Extended Key Usage") or (False, []))[1],
        "key": re.search(r"Public-Key: \((\d+) bit\)", text)[1],
    }


for path in sorted(HERE.glob("*.json")):
    case = json.loads(path.read_text())
    if case["heatParams"].get("NODEGROUP_ROLE") not in ORIGINALS or "SWARM_NODE_IP" in case["heatParams"]:
        continue
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        work = Path(folder)
        run(case, path.stem, work)
        # The last entry for a path wins.
        left = {line.split()[0] for line in (work / "files").read_text().splitlines()}
        made = {}
        for asked in map(json.loads, (work / "asked").read_text().splitlines()):
            for file in left:
                csr = work / "made" / file.lstrip("/")
                if file.endswith(".csr") and csr.read_text() == asked["csr"]:
                    made[file[: -len(".csr")]] = asked
        case["certificates"] = [certificate(stem, asked) for stem, asked in sorted(made.items())]
        case["files"] = [dict(zip(("path", "mode", "owner"), line.split()))
                         for line in (work / "files").read_text().splitlines()]
        keys = sorted(file for file in left if "service_account" in file)
        case["serviceAccount"] = {file: (work / "made" / file.lstrip("/")).read_text() for file in keys}
    path.write_text(json.dumps(case, indent=2) + "\n")
