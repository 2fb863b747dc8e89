"""What Python and Node send each other; cross.mjs has the same."""

import json

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

VALUES = [{"id": i, "name": f"name {i}"} for i in range(5)]
_AVRO = {
    "type": "record",
    "name": "Item",
    "namespace": "cross",
    "fields": [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}],
}
_JSON = {
    "title": "Item",
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
}


def _item():
    field = descriptor_pb2.FieldDescriptorProto
    optional = field.LABEL_OPTIONAL
    fields = [
        field(name="id", number=1, type=field.TYPE_INT64, label=optional),
        field(name="name", number=2, type=field.TYPE_STRING, label=optional),
    ]
    item = descriptor_pb2.DescriptorProto(name="Item", field=fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(
        descriptor_pb2.FileDescriptorProto(name="item.proto", package="cross", syntax="proto3", message_type=[item])
    )
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("cross.Item"))


def formats(registry):
    """By format: how a value is serialized, and how what is read becomes the value again."""
    client = SchemaRegistryClient({"url": registry})
    item = _item()
    protobuf = ProtobufSerializer(item, client)
    read_protobuf = ProtobufDeserializer(item, {"use.deprecated.format": False}, client)

    def from_message(data, context):
        message = read_protobuf(data, context)
        return {"id": message.id, "name": message.name}

    return {
        "avro": (AvroSerializer(client, json.dumps(_AVRO)), AvroDeserializer(client)),
        "json": (JSONSerializer(json.dumps(_JSON), client), JSONDeserializer(None, schema_registry_client=client)),
        "protobuf": (lambda value, context: protobuf(item(**value), context), from_message),
    }
