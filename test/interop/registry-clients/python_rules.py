"""Data contracts: the rules that the registry keeps are carried out by Confluent's client for Python."""

import json

from confluent_kafka.schema_registry import (
    Metadata,
    MetadataProperties,
    MetadataTags,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    Schema,
    SchemaRegistryClient,
    ServerConfig,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.rules.cel.cel_executor import CelExecutor
from confluent_kafka.schema_registry.rules.cel.cel_field_executor import CelFieldExecutor
from confluent_kafka.schema_registry.rules.jsonata.jsonata_executor import JsonataExecutor
from confluent_kafka.schema_registry.serde import RuleConditionError
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError
from scenarios import equal, scenario

CelExecutor.register()
CelFieldExecutor.register()
JsonataExecutor.register()

USER = {
    "type": "record",
    "name": "User",
    "fields": [
        {"name": "name", "type": "string"},
        {"name": "ssn", "type": "string", "confluent:tags": ["PII"]},
        {"name": "age", "type": "int"},
    ],
}
BOB = {"name": "Bob", "ssn": "123", "age": 25}
LATEST = {"auto.register.schemas": False, "use.latest.version": True}


def client(registry):
    return SchemaRegistryClient({"url": registry})


def value_of(topic):
    return SerializationContext(topic, MessageField.VALUE)


def rule(name, kind, mode, executor, expr, tags=None):
    return Rule(name, None, kind, mode, executor, tags, None, expr, None, None, False)


def domain(*rules):
    return RuleSet(None, list(rules))


def refuses(call):
    try:
        call()
    except SerializationError as error:
        assert isinstance(error.__cause__, RuleConditionError), error
        return
    raise AssertionError("the rule refused nothing")


ADULT = rule("adult", RuleKind.CONDITION, RuleMode.WRITE, "CEL", "message.age >= 18")


@scenario("python rules: a CEL condition lets through or refuses, when writing and when reading")
def condition(registry, broker, topic):
    schema = Schema(json.dumps(USER), "AVRO", rule_set=domain(ADULT))
    client(registry).register_schema(f"{topic}-value", schema)
    writer = AvroSerializer(client(registry), conf=LATEST)
    data = writer(BOB, value_of(topic))
    equal(AvroDeserializer(client(registry))(data, value_of(topic)), BOB)
    refuses(lambda: writer({**BOB, "age": 3}, value_of(topic)))
    of_reader = rule("adult", RuleKind.CONDITION, RuleMode.READ, "CEL", "message.age >= 18")
    client(registry).register_schema(f"{topic}-2-value", Schema(json.dumps(USER), "AVRO", rule_set=domain(of_reader)))
    data = AvroSerializer(client(registry), conf=LATEST)({**BOB, "age": 3}, value_of(f"{topic}-2"))
    refuses(lambda: AvroDeserializer(client(registry))(data, value_of(f"{topic}-2")))


@scenario("python rules: CEL_FIELD changes tagged fields, with tags in the schema and in the metadata")
def fields(registry, broker, topic):
    mask = rule("mask", RuleKind.TRANSFORM, RuleMode.WRITE, "CEL_FIELD", "value + '-masked'", ["PII"])
    shout = rule("shout", RuleKind.TRANSFORM, RuleMode.READ, "CEL_FIELD", "value + '!'", ["NAME"])
    metadata = Metadata(MetadataTags({"User.name": ["NAME"]}), None, None)
    schema = Schema(json.dumps(USER), "AVRO", metadata=metadata, rule_set=domain(mask, shout))
    client(registry).register_schema(f"{topic}-value", schema)
    data = AvroSerializer(client(registry), conf=LATEST)(BOB, value_of(topic))
    read = AvroDeserializer(client(registry))(data, value_of(topic))
    equal(read, {"name": "Bob!", "ssn": "123-masked", "age": 25})


@scenario("python rules: JSONata migrates between versions that are not compatible")
def migration(registry, broker, topic):
    subject = f"{topic}-value"
    other = client(registry)
    other.set_config(subject, ServerConfig(compatibility_group="application.version"))

    def version(number):
        return Metadata(None, MetadataProperties({"application.version": number}), None)

    def size(field):
        return json.dumps({"type": "record", "name": "Size", "fields": [{"name": field, "type": "int"}]})

    up = "$merge([$sift($, function($v, $k) {$k != 'size'}), {'height': $.'size'}])"
    down = "$merge([$sift($, function($v, $k) {$k != 'height'}), {'size': $.'height'}])"
    rules = [
        rule("up", RuleKind.TRANSFORM, RuleMode.UPGRADE, "JSONATA", up),
        rule("down", RuleKind.TRANSFORM, RuleMode.DOWNGRADE, "JSONATA", down),
    ]
    other.register_schema(subject, Schema(size("size"), "AVRO", metadata=version("1")))
    old = AvroSerializer(client(registry), conf=LATEST)({"size": 5}, value_of(topic))
    schema = Schema(size("height"), "AVRO", metadata=version("2"), rule_set=RuleSet(rules, None))
    other.register_schema(subject, schema)
    recent = AvroSerializer(client(registry), conf=LATEST)({"height": 7}, value_of(topic))

    def reader(number):
        return AvroDeserializer(client(registry), conf={"use.latest.with.metadata": {"application.version": number}})

    equal(reader("2")(old, value_of(topic)), {"height": 5})
    equal(reader("1")(recent, value_of(topic)), {"size": 7})


@scenario("python rules: on JSON values")
def on_json(registry, broker, topic):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "confluent:tags": ["PII"]}, "age": {"type": "integer"}},
    }
    mask = rule("mask", RuleKind.TRANSFORM, RuleMode.WRITE, "CEL_FIELD", "'***'", ["PII"])
    client(registry).register_schema(f"{topic}-value", Schema(json.dumps(schema), "JSON", rule_set=domain(mask, ADULT)))
    writer = JSONSerializer(None, client(registry), conf=LATEST)
    data = writer({"name": "Bob", "age": 20}, value_of(topic))
    reader = JSONDeserializer(None, schema_registry_client=client(registry))
    equal(reader(data, value_of(topic)), {"name": "***", "age": 20})
    refuses(lambda: writer({"name": "Bob", "age": 3}, value_of(topic)))
