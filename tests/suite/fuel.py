"""fuel.py MODULE ARCHIVE... : what a WASI module executes, in operators of WebAssembly, for each archive on its input.

Prints a count for each, in order. Ends with 1 where the module plans nothing.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import wasmtime

TANK = 1 << 62

config = wasmtime.Config()
config.consume_fuel = True
engine = wasmtime.Engine(config)
module = wasmtime.Module.from_file(engine, sys.argv[1])
linker = wasmtime.Linker(engine)
linker.define_wasi()


def fuel(archive):
    wasi = wasmtime.WasiConfig()
    wasi.stdin_file = archive
    wasi.stdout_file = os.devnull
    wasi.inherit_stderr()
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    store.set_fuel(TANK)
    try:
        linker.instantiate(store, module).exports(store)["_start"](store)
    except wasmtime.ExitTrap as end:
        # Verdicts: blocked and unknown are answers.
        if end.code not in (0, 3, 4):
            sys.exit(f"{archive}: exit code {end.code}")
    return TANK - store.get_fuel()


with ThreadPoolExecutor(os.cpu_count()) as pool:
    for count in pool.map(fuel, sys.argv[2:]):
        print(count)
