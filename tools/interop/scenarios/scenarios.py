"""Scenarios by name: each is run, and told in a line of JSON."""
import json
import sys
import time
import traceback
import uuid

ADDRESS, LOGIN, USERNAME, PASSWORD = sys.argv[1:5]


def fresh(prefix="t"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def until(look, seconds=30):
    """Waits until `look` answers something true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("it did not come in time")
        time.sleep(0.05)


def tell(name, result, why=None):
    line = {"name": name, "result": result}
    if why is not None:
        line["why"] = why
    print(json.dumps(line), flush=True)


def run_all(scenarios):
    for name, scenario in scenarios:
        try:
            scenario()
            tell(name, "passed")
        except NotImplementedError as error:
            tell(name, "skipped", str(error))
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            tell(name, "failed", f"{type(error).__name__}: {error} (line {where.lineno})")
