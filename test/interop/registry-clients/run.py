"""run.py <registry URL> <broker address> <file>…: tries the scenarios of the files, one after the other, and prints a
line of JSON for each: its name, whether it went well, and if not, why."""

import importlib
import json
import sys
import traceback

from scenarios import scenarios

registry, broker, *files = sys.argv[1:]

for file in files:
    before = len(scenarios)
    module = file.removesuffix(".py")
    importlib.import_module(module)
    for index, (name, run) in enumerate(scenarios[before:]):
        report = {"name": name, "ok": True}
        try:
            run(registry, broker, f"{module}-{index}")
        except Exception:
            report = {"name": name, "ok": False, "why": traceback.format_exc()}
        print(json.dumps(report), flush=True)
