#!/usr/bin/env python3
"""Counts the pods of each export that run images from a registry that ends, and compares them with `registry-ends`.

usage: registries.py REFIT DATA    (DATA holds exports/, facts/ and istio/releases)

For every export, on days before, in and after the outages and the end: the finding's pods are those that the export
counts, and it blocks only on days on which the registry is off and `refit images` names an image of it.
"""

import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

from images import objects

PLACES = ("gcr.io/istio-release", "registry.istio.io/release")
# Each day, and whether the registries are off on it.
DAYS = (("2026-09-01", False), ("2026-11-17", True), ("2026-11-29", False), ("2026-12-08", True), ("2027-01-02", True))


def pods(export, place):
    """The pods that run an image of a registry."""
    found = set()
    for (kind, namespace, name), it in export.items():
        if kind != "Pod" or it["metadata"].get("deletionTimestamp"):
            continue
        if it.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            continue
        containers = it["spec"].get("containers", []) + it["spec"].get("initContainers", [])
        if any(one["image"].startswith(place + "/") for one in containers):
            found.add((namespace, name))
    return found


def ask(program, place, data, verb, expected, *more):
    command = [program, verb, "export", *expected["args"], "--releases", str(data / "istio/releases"), "-o", "json", *more]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False).stdout


def main(program, data):
    wrong = checked = 0
    for scenario in sorted(it.parent for it in (data / "exports").glob("*/export.tar.gz")):
        export = objects(scenario / "export.tar.gz")
        expected = json.loads((scenario / "expected.json").read_text())
        if "--to" not in expected["args"]:
            continue
        with tempfile.TemporaryDirectory() as place:
            with tarfile.open(scenario / "export.tar.gz") as files:
                files.extractall(place)
            if (scenario / "request").is_dir():
                pathlib.Path(place, "request").symlink_to((scenario / "request").resolve())
            named = ask(program, place, data, "images", expected)
            pulled = named and {it["registry"] for it in json.loads(named)["registries"]}
            # Where nothing is of such a registry, one day tells as much as all.
            concerned = any(pods(export, it) or it in (pulled or ()) for it in PLACES)
            for day, off in DAYS if concerned else DAYS[1:2]:
                outcome = json.loads(ask(program, place, data, "plan", expected, "--as-of", day))
                findings = [it for it in outcome["findings"] if it["code"] == "registry-ends"]
                for registry in PLACES:
                    checked += 1
                    mine = [it for it in findings if registry in (it["title"] + it.get("detail", "")).lower()]
                    subjects = [it for one in mine for it in one["subjects"]]
                    said = {(it["namespace"], it["name"]) for it in subjects if it.get("kind") == "Pod"}
                    counted = pods(export, registry)
                    blocks = any(it["level"] == "block" for it in mine)
                    has_to_pull = registry in (pulled or ())
                    if said != counted or (blocks and not off) or (off and has_to_pull and not blocks):
                        wrong += 1
                        print(f"{scenario.name} {day} {registry}: {len(said)} pods, counted {len(counted)}, "
                              f"{'blocks' if blocks else 'does not block'}, {'pulls' if has_to_pull else 'does not pull'}")
    print(f"registries: {checked - wrong} of {checked} days")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]).resolve()) else 0)
