"""Confluent's serializers and deserializers for Python: Avro, JSON Schema, Protobuf."""

import json

from confluent_kafka.schema_registry import (
    Metadata,
    MetadataProperties,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    header_schema_id_serializer,
    record_subject_name_strategy,
    topic_record_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from scenarios import equal, refused, scenario

USER = {
    "type": "record",
    "name": "User",
    "namespace": "python",
    "fields": [{"name": "name", "type": "string"}, {"name": "age", "type": "int"}],
}
WIDER = {**USER, "fields": [*USER["fields"], {"name": "mail", "type": "string", "default": "none"}]}
JSON_USER = {
    "title": "python.JsonUser",
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "additionalProperties": False,
}
BOB = {"name": "Bob", "age": 25}
LATEST = {"auto.register.schemas": False, "use.latest.version": True}


def client(registry):
    return SchemaRegistryClient({"url": registry})


def value_of(topic, headers=None):
    return SerializationContext(topic, MessageField.VALUE, headers)


def properties(**values):
    return Metadata(None, MetadataProperties(values), None)


def fails(call, *words):
    try:
        call()
    except Exception as error:
        assert any(word in str(error) for word in words), error
        return
    raise AssertionError("it did not fail")


@scenario("python avro: registers on the way, once")
def avro_registers(registry, broker, topic):
    writer = AvroSerializer(client(registry), json.dumps(USER))
    data = writer(BOB, value_of(topic))
    equal(data[0], 0)
    equal(AvroDeserializer(client(registry))(data, value_of(topic)), BOB)
    AvroSerializer(client(registry), json.dumps(USER))(BOB, value_of(topic))
    equal(client(registry).get_versions(f"{topic}-value"), [1])


@scenario("python avro: looks up without registering, with the latest version, with an id, with metadata")
def avro_looks_up(registry, broker, topic):
    other = client(registry)
    subject = f"{topic}-value"
    by_content = AvroSerializer(other, json.dumps(USER), conf={"auto.register.schemas": False})
    refused(404, 40401, lambda: by_content(BOB, value_of(topic)))
    other.register_schema(f"{topic}-2-value", Schema(json.dumps(USER), "AVRO"))
    equal(AvroDeserializer(client(registry))(by_content(BOB, value_of(f"{topic}-2")), value_of(f"{topic}-2")), BOB)
    first = other.register_schema(subject, Schema(json.dumps(USER), "AVRO", metadata=properties(v="1")))
    second = other.register_schema(subject, Schema(json.dumps(WIDER), "AVRO", metadata=properties(v="2")))
    for conf, expected in [
        (LATEST, second),
        ({"auto.register.schemas": False, "use.schema.id": first}, first),
        ({"auto.register.schemas": False, "use.latest.with.metadata": {"v": "1"}}, first),
    ]:
        data = AvroSerializer(client(registry), json.dumps(USER), conf=conf)(BOB, value_of(topic))
        equal(int.from_bytes(data[1:5], "big"), expected)


@scenario("python avro: readers of other versions")
def avro_evolution(registry, broker, topic):
    old = AvroSerializer(client(registry), json.dumps(USER))(BOB, value_of(topic))
    recent = AvroSerializer(client(registry), json.dumps(WIDER))({**BOB, "mail": "b@x"}, value_of(topic))
    equal(AvroDeserializer(client(registry), json.dumps(WIDER))(old, value_of(topic)), {**BOB, "mail": "none"})
    equal(AvroDeserializer(client(registry), json.dumps(USER))(recent, value_of(topic)), BOB)
    latest = AvroDeserializer(client(registry), conf={"use.latest.version": True})
    equal(latest(old, value_of(topic)), {**BOB, "mail": "none"})
    narrower = {**USER, "fields": [{"name": "other", "type": "string"}]}
    refused(409, 409, lambda: AvroSerializer(client(registry), json.dumps(narrower))({"other": "x"}, value_of(topic)))


@scenario("python avro: references to named types, also indirect ones")
def avro_references(registry, broker, topic):
    other = client(registry)
    country = {"type": "enum", "name": "Country", "namespace": "geo", "symbols": ["AT", "CH"]}
    address = {"type": "record", "name": "Address", "namespace": "geo", "fields": [{"name": "country", "type": "geo.Country"}]}
    person = {"type": "record", "name": "Person", "fields": [{"name": "home", "type": "geo.Address"}]}
    other.register_schema(f"{topic}-country", Schema(json.dumps(country), "AVRO"))
    to_country = [SchemaReference("geo.Country", f"{topic}-country", 1)]
    other.register_schema(f"{topic}-address", Schema(json.dumps(address), "AVRO", references=to_country))
    to_address = [SchemaReference("geo.Address", f"{topic}-address", 1)]
    writer = AvroSerializer(other, Schema(json.dumps(person), "AVRO", references=to_address))
    value = {"home": {"country": "CH"}}
    data = writer(value, value_of(topic))
    equal(AvroDeserializer(client(registry))(data, value_of(topic)), value)


@scenario("python avro: subjects named after the record; keys")
def avro_subjects(registry, broker, topic):
    for strategy, subject in [
        (record_subject_name_strategy, "python.User"),
        (topic_record_subject_name_strategy, f"{topic}-python.User"),
    ]:
        conf = {"subject.name.strategy": strategy}
        data = AvroSerializer(client(registry), json.dumps(USER), conf=conf)(BOB, value_of(topic))
        equal(client(registry).get_versions(subject), [1])
        equal(AvroDeserializer(client(registry), conf=conf)(data, value_of(topic)), BOB)
    key = SerializationContext(topic, MessageField.KEY)
    equal(AvroDeserializer(client(registry))(AvroSerializer(client(registry), '"string"')("k", key), key), "k")
    equal(client(registry).get_versions(f"{topic}-key"), [1])


@scenario("python avro: the GUID in a header; normalizing")
def avro_header(registry, broker, topic):
    headers = []
    conf = {"schema.id.serializer": header_schema_id_serializer, "normalize.schemas": True}
    robert = {**BOB, "name": "Robert"}
    data = AvroSerializer(client(registry), json.dumps(USER), conf=conf)(robert, value_of(topic, headers))
    guid = client(registry).get_latest_version(f"{topic}-value").guid
    equal(headers[0][0], "__value_schema_id")
    equal(headers[0][1].hex(), "01" + guid.replace("-", ""))
    equal(len(data), 8)
    equal(AvroDeserializer(client(registry))(data, value_of(topic, headers)), robert)


@scenario("python json: registers, validates, reads")
def json_registers(registry, broker, topic):
    writer = JSONSerializer(json.dumps(JSON_USER), client(registry))
    data = writer(BOB, value_of(topic))
    equal(json.loads(data[5:]), BOB)
    reader = JSONDeserializer(None, schema_registry_client=client(registry))
    equal(reader(data, value_of(topic)), BOB)
    fails(lambda: writer({"name": 1}, value_of(topic)), "is not of type")
    wrong = {**JSON_USER, "properties": {"name": {"type": "integer"}}}
    refused(409, 409, lambda: JSONSerializer(json.dumps(wrong), client(registry))({"name": 1}, value_of(topic)))


@scenario("python json: with the latest version, with metadata, with a header, subjects by title")
def json_looks_up(registry, broker, topic):
    other = client(registry)
    wider = {**JSON_USER, "required": []}
    first = other.register_schema(f"{topic}-value", Schema(json.dumps(JSON_USER), "JSON", metadata=properties(v="1")))
    second = other.register_schema(f"{topic}-value", Schema(json.dumps(wider), "JSON", metadata=properties(v="2")))
    for conf, expected in [
        (LATEST, second),
        ({"auto.register.schemas": False, "use.schema.id": first}, first),
        ({"auto.register.schemas": False, "use.latest.with.metadata": {"v": "1"}}, first),
    ]:
        data = JSONSerializer(json.dumps(JSON_USER), client(registry), conf=conf)(BOB, value_of(topic))
        equal(int.from_bytes(data[1:5], "big"), expected)
    headers = []
    conf = {"schema.id.serializer": header_schema_id_serializer, "subject.name.strategy": record_subject_name_strategy}
    data = JSONSerializer(json.dumps(JSON_USER), client(registry), conf=conf)(BOB, value_of(topic, headers))
    equal(json.loads(data), BOB)
    equal(client(registry).get_versions("python.JsonUser"), [1])
    reader = JSONDeserializer(None, schema_registry_client=client(registry))
    equal(reader(data, value_of(topic, headers)), BOB)


@scenario("python json: $ref to another subject, also indirect")
def json_references(registry, broker, topic):
    other = client(registry)
    country = {"$id": "country.json", "type": "string", "enum": ["AT", "CH"]}
    address = {"$id": "address.json", "type": "object", "properties": {"country": {"$ref": "country.json"}}}
    person = {"$id": "person.json", "type": "object", "properties": {"home": {"$ref": "address.json"}}}
    other.register_schema(f"{topic}-country", Schema(json.dumps(country), "JSON"))
    to_country = [SchemaReference("country.json", f"{topic}-country", 1)]
    other.register_schema(f"{topic}-address", Schema(json.dumps(address), "JSON", references=to_country))
    schema = Schema(json.dumps(person), "JSON", references=[SchemaReference("address.json", f"{topic}-address", 1)])
    writer = JSONSerializer(schema, other)
    data = writer({"home": {"country": "CH"}}, value_of(topic))
    fails(lambda: writer({"home": {"country": "XX"}}, value_of(topic)), "is not one of")
    reader = JSONDeserializer(None, schema_registry_client=client(registry))
    equal(reader(data, value_of(topic)), {"home": {"country": "CH"}})


FIELD = descriptor_pb2.FieldDescriptorProto


def field(name, number, kind, type_name=None):
    return FIELD(name=name, number=number, type=kind, type_name=type_name, label=FIELD.LABEL_OPTIONAL)


def proto_file(name, package, messages, *imports):
    return descriptor_pb2.FileDescriptorProto(
        name=name, package=package, syntax="proto3", message_type=messages, dependency=[i.name for i in imports]
    )


def message_class(full_name, *files):
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))


def user_file(*more):
    user = descriptor_pb2.DescriptorProto(
        name="User",
        field=[field("name", 1, FIELD.TYPE_STRING), field("age", 2, FIELD.TYPE_INT32), *more],
        nested_type=[descriptor_pb2.DescriptorProto(name="Pet", field=[field("name", 1, FIELD.TYPE_STRING)])],
    )
    other = descriptor_pb2.DescriptorProto(name="Other", field=[field("x", 1, FIELD.TYPE_BOOL)])
    return proto_file("python_user.proto", "py", [other, user])


@scenario("python protobuf: registers descriptors, reads any message of a file")
def protobuf_registers(registry, broker, topic):
    user = message_class("py.User", user_file())
    data = ProtobufSerializer(user, client(registry))(user(name="Bob", age=25), value_of(topic))
    equal(data[5:7], b"\x02\x02")
    reader = ProtobufDeserializer(user, {"use.deprecated.format": False}, client(registry))
    equal(reader(data, value_of(topic)).name, "Bob")
    pet = message_class("py.User.Pet", user_file())
    data = ProtobufSerializer(pet, client(registry))(pet(name="Rex"), value_of(topic))
    equal(data[5:8], b"\x04\x02\x00")
    equal(client(registry).get_versions(f"{topic}-value"), [1])
    text = client(registry).get_latest_version(f"{topic}-value").schema.schema_str
    assert "message User {" in text, text


@scenario("python protobuf: imports become references")
def protobuf_imports(registry, broker, topic):
    pet_file = proto_file(
        f"{topic}/pet.proto",
        "pyzoo",
        [descriptor_pb2.DescriptorProto(name="Pet", field=[field("name", 1, FIELD.TYPE_STRING)])],
    )
    owner_file = proto_file(
        f"{topic}/owner.proto",
        "pyzoo",
        [descriptor_pb2.DescriptorProto(name="Owner", field=[field("pet", 1, FIELD.TYPE_MESSAGE, ".pyzoo.Pet")])],
        pet_file,
    )
    owner = message_class("pyzoo.Owner", pet_file, owner_file)
    data = ProtobufSerializer(owner, client(registry))(owner(pet={"name": "Rex"}), value_of(topic))
    [reference] = client(registry).get_latest_version(f"{topic}-value").schema.references
    equal((reference.name, reference.subject, reference.version), (pet_file.name, pet_file.name, 1))
    reader = ProtobufDeserializer(owner, {"use.deprecated.format": False}, client(registry))
    equal(reader(data, value_of(topic)).pet.name, "Rex")


@scenario("python protobuf: with the latest version, with a header; evolution and its refusal")
def protobuf_evolution(registry, broker, topic):
    user = message_class("py.User", user_file())
    wider = message_class("py.User", user_file(field("mail", 3, FIELD.TYPE_STRING)))
    ProtobufSerializer(user, client(registry))(user(name="Bob"), value_of(topic))
    recent = ProtobufSerializer(wider, client(registry))(wider(name="Bob", mail="b@x"), value_of(topic))
    equal(client(registry).get_versions(f"{topic}-value"), [1, 2])
    latest = ProtobufSerializer(user, client(registry), LATEST)(user(name="Bob"), value_of(topic))
    equal(latest[1:5], recent[1:5])
    reader = ProtobufDeserializer(user, {"use.deprecated.format": False}, client(registry))
    equal(reader(recent, value_of(topic)).name, "Bob")
    headers = []
    conf = {"schema.id.serializer": header_schema_id_serializer}
    data = ProtobufSerializer(wider, client(registry), conf)(wider(name="Bob"), value_of(topic, headers))
    equal(headers[0][1][17:], b"\x02\x02")
    equal(reader(data, value_of(topic, headers)).name, "Bob")
    changed = user_file()
    changed.message_type[1].field[0].type = FIELD.TYPE_BYTES
    changed.message_type[1].field[1].type = FIELD.TYPE_STRING
    bad = message_class("py.User", changed)
    refused(409, 409, lambda: ProtobufSerializer(bad, client(registry))(bad(age="x"), value_of(topic)))
