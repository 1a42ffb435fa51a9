"""Seconds of CPU that well-known readers take for an export's bytes: `anchors.py JSON YAML`."""

import json
import sys
import time

import orjson
import ryml


def best(read, text):
    times = []
    for _ in range(3):
        start = time.process_time()
        read(text)
        times.append(time.process_time() - start)
    return min(times)


with open(sys.argv[1], "rb") as file:
    as_json = file.read()
with open(sys.argv[2], "rb") as file:
    as_yaml = file.read()
print(json.dumps({
    "orjson": best(orjson.loads, as_json),
    "rapidyaml": best(ryml.parse_in_arena, as_yaml),
}))
