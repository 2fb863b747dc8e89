"""What the programs of this folder are made of: `scenario` declares what is to be tried, `run.py` tries it."""

scenarios = []


def scenario(name):
    """The function gets the registry's URL, the broker's address and a topic of its own; it fails by raising."""

    def declare(run):
        scenarios.append((name, run))
        return run

    return declare


def equal(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def refused(status, code, call):
    """The client's error, with what the registry said."""
    from confluent_kafka.schema_registry import SchemaRegistryError

    try:
        call()
    except SchemaRegistryError as error:
        equal((error.http_status_code, error.error_code), (status, code))
        return error
    raise AssertionError("nothing was refused")
