"""Confluent's client for Python, its REST half: every call that it has."""

import json

from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Metadata,
    MetadataProperties,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    ServerConfig,
)
from scenarios import equal, refused, scenario


def client(registry, **more):
    return SchemaRegistryClient({"url": registry, **more})


def record(name, *fields, **more):
    declared = [{"name": field, "type": "string", **more} for field in fields]
    return Schema(json.dumps({"type": "record", "name": name, "fields": declared}), "AVRO")


def properties(**values):
    return Metadata(None, MetadataProperties(values), None)


@scenario("python: registers, finds by id, GUID, version and content")
def finds(registry, broker, topic):
    one = client(registry).register_schema_full_response(topic, record("A", "x", default=""))
    two = client(registry).register_schema(topic, record("A", "x", "y", default=""))
    equal(one.version, 1)
    other = client(registry)
    equal(other.register_schema(topic, record("A", "x", default="")), one.schema_id)
    equal(json.loads(other.get_schema(one.schema_id).schema_str)["name"], "A")
    equal(other.get_schema_by_guid(one.guid).schema_str, other.get_schema(one.schema_id).schema_str)
    latest = other.get_latest_version(topic)
    equal((latest.subject, latest.version, latest.schema_id), (topic, 2, two))
    equal(other.get_version(topic, 1).guid, one.guid)
    equal(other.lookup_schema(topic, record("A", "x", default="")).version, 1)
    equal(other.get_versions(topic), [1, 2])
    assert topic in other.get_subjects()
    equal(other.get_subjects(subject_prefix=topic), [topic])
    equal(other.get_subjects_by_schema_id(two), [topic])
    equal([(use.subject, use.version) for use in other.get_schema_versions(two)], [(topic, 2)])
    equal(sorted(other.get_schema_types()), ["AVRO", "JSON", "PROTOBUF"])


@scenario("python: what is not there has its code")
def not_there(registry, broker, topic):
    other = client(registry)
    refused(404, 40401, lambda: other.get_latest_version(topic))
    refused(404, 40401, lambda: other.get_versions(topic))
    refused(404, 40403, lambda: other.get_schema(4_000_000))
    refused(404, 40403, lambda: other.get_schema_by_guid("00000000-0000-0000-0000-000000000000"))
    refused(404, 40401, lambda: other.lookup_schema(topic, record("A")))
    other.register_schema(topic, record("A"))
    refused(404, 40402, lambda: other.get_version(topic, 7))
    refused(404, 40403, lambda: other.lookup_schema(topic, record("B")))
    refused(404, 40408, lambda: other.get_config(topic))
    refused(404, 40409, lambda: other.get_mode(topic))
    refused(422, 42201, lambda: other.register_schema(topic, Schema('{"type":"nonsense"}', "AVRO")))


@scenario("python: deletes a version, then a subject, softly and for good")
def deletes(registry, broker, topic):
    other = client(registry)
    other.register_schema(topic, record("D", "x", default=""))
    other.register_schema(topic, record("D", "x", "y", default=""))
    equal(other.delete_version(topic, 1), 1)
    equal(other.get_versions(topic), [2])
    equal(other.get_versions(topic, deleted=True), [1, 2])
    equal(client(registry).get_version(topic, 1, deleted=True).version, 1)
    refused(404, 40402, lambda: client(registry).get_version(topic, 1))
    equal(client(registry).lookup_schema(topic, record("D", "x", default=""), deleted=True).version, 1)
    refused(404, 40405, lambda: other.delete_subject(topic, permanent=True))
    equal(other.delete_version(topic, 2), 2)
    equal(other.delete_subject(f"{topic}-2") if other.register_schema(f"{topic}-2", record("E")) else None, [1])
    assert topic not in other.get_subjects()
    assert f"{topic}-2" in other.get_subjects(deleted=True)
    # Asked to delete for good, this client deletes softly first.
    other.register_schema(f"{topic}-3", record("F"))
    equal(other.delete_subject(f"{topic}-3"), [1])
    refused(404, 40401, lambda: other.get_versions(f"{topic}-3"))


@scenario("python: an incompatible schema is refused with the reason")
def incompatible(registry, broker, topic):
    other = client(registry)
    other.register_schema(topic, record("I", "x"))
    error = refused(409, 409, lambda: other.register_schema(topic, record("I", "x", "y")))
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in error.error_message, error
    equal(other.test_compatibility(topic, record("I", "x", "y")), False)
    equal(other.test_compatibility(topic, record("I", "x", "y", default=""), version=1), True)
    equal(other.test_compatibility_all_versions(topic, record("I", "x", "y")), False)


@scenario("python: configuration of a subject and of all")
def configuration(registry, broker, topic):
    other = client(registry)
    equal(other.get_compatibility(), "BACKWARD")
    other.set_compatibility(level="FULL")
    equal(other.get_compatibility(), "FULL")
    other.set_compatibility(level="BACKWARD")
    other.set_compatibility(topic, "NONE")
    equal(other.get_compatibility(topic), "NONE")
    config = ServerConfig(
        compatibility=ConfigCompatibilityLevel.FORWARD,
        compatibility_group="major",
        default_metadata=properties(team="a"),
    )
    equal(other.set_config(topic, config)["compatibility"], "FORWARD")
    found = other.get_config(topic)
    equal((found.compatibility_level, found.compatibility_group), (ConfigCompatibilityLevel.FORWARD, "major"))
    equal(found.default_metadata.properties.properties, {"team": "a"})
    equal(other.delete_config(topic).compatibility_level, ConfigCompatibilityLevel.FORWARD)
    refused(404, 40408, lambda: other.get_config(topic))


@scenario("python: modes of a subject and of all")
def modes(registry, broker, topic):
    other = client(registry)
    equal(other.get_global_mode(), "READWRITE")
    equal(other.update_mode(topic, "READONLY"), "READONLY")
    equal(other.get_mode(topic), "READONLY")
    refused(422, 42205, lambda: other.register_schema(topic, record("M")))
    equal(other.delete_mode(topic), "READONLY")
    other.register_schema(topic, record("M"))
    refused(422, 42205, lambda: other.update_mode(topic, "IMPORT"))
    equal(other.update_mode(topic, "IMPORT", force=True), "IMPORT")
    other.delete_mode(topic)
    equal(other.update_global_mode("READWRITE"), "READWRITE")


@scenario("python: the latest version with metadata")
def with_metadata(registry, broker, topic):
    other = client(registry)
    schema = record("M", "x", default="").schema_str
    other.register_schema(topic, Schema(schema, "AVRO", metadata=properties(stage="old")))
    other.register_schema(topic, Schema(schema, "AVRO", metadata=properties(stage="new")))
    equal(other.get_latest_with_metadata(topic, {"stage": "old"}).version, 1)
    equal(other.get_latest_with_metadata(topic, {"stage": "new"}, deleted=True).version, 2)
    refused(404, 40403, lambda: other.get_latest_with_metadata(topic, {"stage": "none"}))


@scenario("python: normalized schemas are the same schema")
def normalized(registry, broker, topic):
    other = client(registry)
    spread = Schema('{ "name": "N", "namespace": "n", "fields": [], "type": "record" }', "AVRO")
    compact = Schema('{"type":"record","name":"n.N","fields":[]}', "AVRO")
    schema_id = other.register_schema(topic, spread, normalize_schemas=True)
    equal(other.register_schema(topic, compact, normalize_schemas=True), schema_id)
    equal(other.lookup_schema(topic, compact, normalize_schemas=True).version, 1)
    equal(other.get_versions(topic), [1])


@scenario("python: references, and who refers to a schema")
def references(registry, broker, topic):
    other = client(registry)
    other.register_schema(f"{topic}-base", Schema('{"type":"enum","name":"Base","symbols":["A"]}', "AVRO"))
    reference = SchemaReference("Base", f"{topic}-base", 1)
    schema = Schema('{"type":"array","items":"Base"}', "AVRO", references=[reference])
    schema_id = other.register_schema(topic, schema)
    equal(client(registry).get_schema(schema_id).references, [reference])
    equal(other.get_referenced_by(f"{topic}-base", 1), [schema_id])
    resolved = client(registry).get_latest_version(topic, fmt="resolved").schema.schema_str
    equal(json.loads(resolved)["items"]["symbols"], ["A"])
    refused(422, 42206, lambda: other.delete_subject(f"{topic}-base"))


@scenario("python: contexts, and subjects with any characters")
def contexts(registry, broker, topic):
    other = client(registry)
    subject = f":.python:{topic}"
    schema_id = other.register_schema(subject, record("C", "inContext"))
    equal(schema_id, 1)
    equal(client(registry).get_latest_version(subject).subject, subject)
    assert "inContext" in client(registry).get_schema(1, subject_name=subject).schema_str
    assert ".python" in other.get_contexts()
    for odd in [f"{topic}/a b", f"{topic}-ü%2F?&#"]:
        other.register_schema(odd, record("C"))
        equal(client(registry).get_latest_version(odd).subject, odd)
        equal(other.delete_subject(odd), [1])
