"""The Python client with a registry that has TLS, passwords and rules: anna may write what starts with `anna-`, and read
all. The registry's certificate authority is in the file that REGISTRY_CA names."""

import os

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from scenarios import equal, refused, scenario

SCHEMA = '{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]}'


def client(registry, user="anna:secret", **more):
    ca = {"ssl.ca.location": os.environ["REGISTRY_CA"]}
    return SchemaRegistryClient({"url": registry, "basic.auth.user.info": user, "max.retries": 0, **(more or ca)})


@scenario("secured: the Python client logs in over TLS")
def logs_in(registry, broker, topic):
    context = SerializationContext("anna-p", MessageField.VALUE)
    data = AvroSerializer(client(registry), SCHEMA)({"x": 1}, context)
    equal(AvroDeserializer(client(registry))(data, context), {"x": 1})
    assert "anna-p-value" in client(registry).get_subjects()


@scenario("secured: the Python client is told who it is not, and what it may not")
def is_told(registry, broker, topic):
    refused(401, 401, lambda: client(registry, "anna:wrong").get_subjects())
    error = refused(403, 40301, lambda: client(registry).register_schema("other-value", Schema(SCHEMA, "AVRO")))
    assert "Write on Subject: other-value" in error.error_message, error
    try:
        client(registry, timeout=5).get_subjects()
    except Exception as error:
        assert "certificate" in str(error).lower(), error
    else:
        raise AssertionError("a certificate that nobody trusts was taken")
