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
    """The settings whose default differs: the chart's root, the path in the chart and the new default; stamps are passed over."""
    found = []
    for chart in set(before) & set(after):
        old, new = dict(leaves(before[chart])), dict(leaves(after[chart]))
        for path in set(old) | set(new):
            if old.get(path) != new.get(path) and path[-1] not in ("tag", "hub"):
                found.append((CHARTS[chart], path, new.get(path)))
    return sorted(found, key=lambda it: it[:2])


def shown(text):
    """The settings of a difference of profiles, by path, with the new value in words. It is a tree of keys, two spaces a level."""
    found, above = {}, []
    for line in text.splitlines()[1:]:
        content = line.lstrip(" -")
        key, separator, value = content.partition(":")
        depth = (len(line) - len(line.lstrip(" "))) // 2
        above[depth:] = [key.strip("'\"")]
        if separator and " -> " in value and above[-1] not in ("tag", "hub"):
            found[tuple(above)] = value.split(" -> ", 1)[1].removesuffix(" (ADDED)").removesuffix(" (REMOVED)")
    return found


def settings(root, path):
    """Where a user writes a setting of a chart: below the chart's root, or, of those that charts share, as it stands."""
    return [("values", *path), ("values", root, *path)]


def is_shown(said, root, path, value):
    """Whether a difference names this very setting; of a list that changed, an element is enough."""
    for wanted in settings(root, path):
        if wanted in said:
            # A value of several lines, and nothing, have words of their own.
            return not isinstance(value, (bool, int, float)) or said[wanted] == json.dumps(value)
        if any(it[: len(wanted)] == wanted for it in said):
            return True
    return False


def defaults(program, data):
    wrong = settings_seen = 0
    for old, new in PAIRS:
        said = shown(refit(program, "profile", "diff", "--effective", f"default@{old}", f"default@{new}").stdout)
        wanted = changed(values(data, old), values(data, new))
        settings_seen += len(wanted)
        missing = [(root, ".".join(path), value) for root, path, value in wanted if not is_shown(said, root, path, value)]
        if missing:
            wrong += 1
            print(f"defaults {old} -> {new}: missing {missing}; said {['.'.join(it) for it in said]}")
    print(f"defaults: {settings_seen} settings of {len(PAIRS)} pairs, {wrong} pairs wrong")
    return wrong


if __name__ == "__main__":
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    sys.exit(1 if bulletins(program, data) + defaults(program, data) else 0)
