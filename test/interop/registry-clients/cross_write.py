"""Python writes through the broker, with librdkafka and Confluent's serializers."""

from confluent_kafka import Producer
from confluent_kafka.serialization import MessageField, SerializationContext
from cross_values import VALUES, formats
from scenarios import equal, scenario


@scenario("cross: Python writes Avro, JSON and Protobuf")
def writes(registry, broker, topic):
    failures = []
    producer = Producer({"bootstrap.servers": broker, "enable.idempotence": True})
    for name, (serialize, _) in formats(registry).items():
        to = f"from-python-{name}"
        for value in VALUES:
            data = serialize(value, SerializationContext(to, MessageField.VALUE))
            producer.produce(to, data, str(value["id"]), on_delivery=lambda error, _: error and failures.append(error))
    equal(producer.flush(20), 0)
    equal(failures, [])
