#!/usr/bin/env python3
"""Compares the images that refit names for an upgrade with those of the cluster after the real one.

usage: images.py REFIT DATA    (DATA holds exports/ and istio/releases)

For every export that was taken again after the real upgrade, `refit images` has to name exactly

- the images in the pod templates that the upgrade changed, and
- the proxy that the injector's own values name then, where any pod has a proxy or asks the injector for one
  (`image: auto`).
"""

import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import yaml

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def objects(archive):
    """The objects of an export's archive, by kind, namespace and name."""
    found = {}
    with tarfile.open(archive) as files:
        for member in files.getmembers():
            if not member.isfile() or not member.name.endswith((".yaml", ".json")):
                continue
            for document in yaml.load_all(files.extractfile(member).read(), Loader=Loader):
                for it in (document or {}).get("items", []):
                    metadata = it["metadata"]
                    found[it["kind"], metadata.get("namespace", ""), metadata["name"]] = it
    return found


def template_images(workload):
    spec = workload["spec"]["template"]["spec"]
    return {it["image"] for it in spec.get("containers", []) + spec.get("initContainers", [])}


def proxy(after):
    """The image that the injector gives to pods, by its own values."""
    for (kind, _, name), it in after.items():
        if kind == "ConfigMap" and name == "istio-sidecar-injector":
            values = json.loads(it["data"]["values"])["global"]
            image = values["proxy"].get("image", "proxyv2")
            if "/" in image:
                return image
            variant = values.get("variant")
            tag = str(values["tag"]) + (f"-{variant}" if variant else "")
            return f"{values['hub']}/{image}:{tag}"
    return None


def wanted(before, after):
    found, injects = set(), False
    for key, it in after.items():
        if key[0] in WORKLOADS and not it["metadata"].get("ownerReferences"):
            images = template_images(it)
            old = before.get(key)
            if old is None or old["spec"]["template"] != it["spec"]["template"]:
                injects |= "auto" in images
                found |= images - {"auto"}
    for (kind, _, _), it in before.items():
        if kind == "Pod":
            spec = it["spec"]
            names = [one["name"] for one in spec.get("containers", []) + spec.get("initContainers", [])]
            injects |= "istio-proxy" in names
    image = proxy(after)
    return found | ({image} if injects and image else set())


def named(program, data, scenario):
    expected = json.loads((scenario / "expected.json").read_text())
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(scenario / "export.tar.gz") as files:
            files.extractall(place)
        request = scenario / "request"
        if request.is_dir():
            pathlib.Path(place, "request").symlink_to(request.resolve())
        command = [program, "images", "export", *expected["args"], "--releases", str(data / "istio/releases"), "-o", "json"]
        ended = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        return {f"exit {ended.returncode}: {ended.stderr.strip()}"}
    said = json.loads(ended.stdout)
    return {image["image"] for registry in said["registries"] for image in registry["images"]}


def main(program, data):
    wrong, scenarios = 0, sorted(it.parent for it in (data / "exports").glob("*/after.tar.gz"))
    for scenario in scenarios:
        want = wanted(objects(scenario / "export.tar.gz"), objects(scenario / "after.tar.gz"))
        got = named(program, data, scenario)
        if want != got:
            wrong += 1
            print(f"{scenario.name}: not named {sorted(want - got)}, not pulled {sorted(got - want)}")
    print(f"images: {len(scenarios) - wrong} of {len(scenarios)} clusters")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]).resolve()) else 0)
