"""Data contracts on Protobuf: custom options with tags come to the registry in descriptors, and back to the client."""

from confluent_kafka.schema_registry import Rule, RuleKind, RuleMode, RuleSet, Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.confluent import meta_pb2
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.schema_registry.rules.cel.cel_field_executor import CelFieldExecutor
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from scenarios import equal, scenario

CelFieldExecutor.register()


def person_class():
    kind = descriptor_pb2.FieldDescriptorProto
    optional = kind.LABEL_OPTIONAL
    name = kind(name="name", number=1, type=kind.TYPE_STRING, label=optional)
    ssn = kind(name="ssn", number=2, type=kind.TYPE_STRING, label=optional)
    meta = ssn.options.Extensions[meta_pb2.field_meta]
    meta.tags.append("PII")
    meta.doc = "social security"
    meta.params["a"] = "b"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(descriptor_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(meta_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="person.proto",
        package="tagged",
        syntax="proto3",
        dependency=[meta_pb2.DESCRIPTOR.name],
        message_type=[descriptor_pb2.DescriptorProto(name="Person", field=[name, ssn])],
    )
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tagged.Person"))


@scenario("python protobuf: tags in custom options are kept, and rules go by them")
def tags(registry, broker, topic):
    client = SchemaRegistryClient({"url": registry})
    context = SerializationContext(topic, MessageField.VALUE)
    person = person_class()
    ProtobufSerializer(person, client)(person(name="Bob", ssn="123"), context)
    text = client.get_latest_version(f"{topic}-value").schema.schema_str
    assert "(confluent.field_meta) = {" in text and 'tags: "PII"' in text, text
    mask = Rule(
        "mask", None, RuleKind.TRANSFORM, RuleMode.WRITE, "CEL_FIELD", ["PII"], None, "value + '-masked'", None, None, False
    )
    schema = Schema(text, "PROTOBUF", rule_set=RuleSet(None, [mask]))
    client.register_schema(f"{topic}-value", schema)
    latest = {"auto.register.schemas": False, "use.latest.version": True}
    writer = ProtobufSerializer(person, SchemaRegistryClient({"url": registry}), latest)
    data = writer(person(name="Bob", ssn="123"), context)
    reader = ProtobufDeserializer(person, {"use.deprecated.format": False}, SchemaRegistryClient({"url": registry}))
    read = reader(data, context)
    equal((read.name, read.ssn), ("Bob", "123-masked"))
