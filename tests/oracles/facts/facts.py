#!/usr/bin/env python3
"""Compares what refit says of releases with what the data say, read here by other means.

usage: facts.py REFIT DATA    (DATA holds istio/releases, istio/patches and facts/)

- bulletins: for every release, `refit bulletins` lists what the rows of bulletins.jsonl say
- defaults: for twenty pairs of patches, `refit profile diff --effective` shows the leaves in which the charts' own
  values.yaml differ, of settings that no profile or overlay sets
"""

import json
import pathlib
import re
import subprocess
import sys
import tarfile

import yaml

CHARTS = {
    "base": "base",
    "istio-cni": "cni",
    "gateways/istio-ingress": "gateways",
    "gateways/istio-egress": "gateways",
    "istio-control/istio-discovery": "pilot",
    "ztunnel": "ztunnel",
}
PAIRS = [
    ("1.6.0", "1.6.14"), ("1.7.0", "1.7.8"), ("1.9.0", "1.9.9"), ("1.10.0", "1.10.6"), ("1.12.0", "1.12.9"),
    ("1.14.0", "1.14.6"), ("1.16.0", "1.16.7"), ("1.18.0", "1.18.7"), ("1.20.0", "1.20.8"), ("1.21.0", "1.21.6"),
    ("1.22.0", "1.22.8"), ("1.23.0", "1.23.6"), ("1.24.0", "1.24.6"), ("1.25.0", "1.25.5"), ("1.26.0", "1.26.8"),
    ("1.27.0", "1.27.9"), ("1.28.5", "1.28.6"), ("1.28.0", "1.28.10"), ("1.29.0", "1.29.6"), ("1.30.0", "1.30.3"),
]


def numbers(version):
    return tuple(int(it) for it in re.match(r"(\d+)\.(\d+)\.(\d+)", version).groups())


def hits(row, version):
    def within(span):
        at = numbers(version)
        low = "from" not in span or numbers(span["from"]) <= at
        high = "to" not in span or at <= numbers(span["to"])
        before = "before" not in span or at < numbers(span["before"])
        return low and high and before

    return any(within(span) for span in row["affected"])


def refit(program, *args):
    return subprocess.run([program, *args], capture_output=True, text=True, check=False)


def bulletins(program, data):
    rows = [json.loads(it) for it in (data / "facts/bulletins.jsonl").read_text().splitlines() if it]
    releases = [json.loads(it)["version"] for it in (data / "facts/releases.jsonl").read_text().splitlines() if it]
    wrong = 0
    for at, version in enumerate(releases):
        other = releases[(at * 7 + 11) % len(releases)]
        said = json.loads(refit(program, "bulletins", "--from", version, "--to", other, "-o", "json").stdout)
        fixed = [it["id"] for it in rows if hits(it, version) and not hits(it, other)]
        still = [it["id"] for it in rows if hits(it, other)]
        prose = [it["id"] for it in rows if it["free"]]
        for key, wanted in (("fixed", fixed), ("open", still), ("unknown", prose)):
            if [it["id"] for it in said[key]] != wanted:
                wrong += 1
                print(f"bulletins {version} -> {other}: {key} {[it['id'] for it in said[key]]}, wanted {wanted}")
    print(f"bulletins: {len(releases)} pairs, {wrong} wrong")
    return wrong


def values(data, version):
    """The values of each chart, by the root that a user writes."""
    archive = next(it for it in (data / f"istio/{at}/istio-{version}.tar.gz" for at in ("releases", "patches")) if it.exists())
    found = {}
    with tarfile.open(archive) as files:
        for chart, root in CHARTS.items():
            try:
                text = files.extractfile(f"istio-{version}/manifests/charts/{chart}/values.yaml").read()
            except KeyError:
                continue
            tree = yaml.safe_load(text) or {}
            for wrapper in ("defaults", "_internal_defaults_do_not_set"):
                tree = tree.get(wrapper, tree)
            found[chart] = tree
    return found


def leaves(tree, path=()):
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, str(key)))
    elif tree not in ({}, [], "", None):
        # Nothing and an empty value are one to a chart, and to a difference of profiles.
        yield path, tree


def changed(before, after):
    """Keys whose value differs in some chart, the last key of each path and both values; stamps are passed over."""
    found = set()
    for chart in set(before) & set(after):
        old, new = dict(leaves(before[chart])), dict(leaves(after[chart]))
        for path in set(old) | set(new):
            if old.get(path) != new.get(path) and path[-1] not in ("tag", "hub"):
                found.add(path[-1])
    return found


def shown(text):
    """The last key of each line of a difference that has a value."""
    found = set()
    for line in text.splitlines():
        match = re.match(r"\s*(?:- )?'?\"?([^:'\"]+)'?\"?: .*->", line)
        if match and match[1] not in ("tag", "hub"):
            found.add(match[1])
    return found


def defaults(program, data):
    wrong = 0
    for old, new in PAIRS:
        said = refit(program, "profile", "diff", "--effective", f"default@{old}", f"default@{new}").stdout
        wanted, got = changed(values(data, old), values(data, new)), shown(said)
        # A profile or an overlay may hide a chart's own default, and may change by itself.
        missing = wanted - got
        if missing:
            wrong += 1
            print(f"defaults {old} -> {new}: missing {sorted(missing)}, more {sorted(got - wanted)}")
    print(f"defaults: {len(PAIRS)} pairs, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    sys.exit(1 if bulletins(program, data) + defaults(program, data) else 0)
