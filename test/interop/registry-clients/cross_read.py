"""Python reads through the broker what Node and SQL have written."""

from confluent_kafka import Consumer
from confluent_kafka.serialization import MessageField, SerializationContext
from cross_values import VALUES, formats
from scenarios import equal, scenario


def read(registry, broker, topic, name):
    deserialize = formats(registry)[name][1]
    settings = {"bootstrap.servers": broker, "group.id": f"python-{topic}", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    found = []
    for message in consumer.consume(len(VALUES), timeout=30):
        assert message.error() is None, message.error()
        found.append(deserialize(message.value(), SerializationContext(topic, MessageField.VALUE)))
    consumer.close()
    return found


@scenario("cross: Python reads Node's Avro")
def node_avro(registry, broker, topic):
    equal(read(registry, broker, "from-node-avro", "avro"), VALUES)


@scenario("cross: Python reads Node's JSON")
def node_json(registry, broker, topic):
    equal(read(registry, broker, "from-node-json", "json"), VALUES)


@scenario("cross: Python reads Node's Protobuf")
def node_protobuf(registry, broker, topic):
    equal(read(registry, broker, "from-node-protobuf", "protobuf"), VALUES)


@scenario("cross: Python reads the kafkajs client's Avro")
def kafkajs_avro(registry, broker, topic):
    equal(read(registry, broker, "from-kafkajs-avro", "avro"), VALUES)


@scenario("cross: Python reads what SQL has written in Avro")
def sql_avro(registry, broker, topic):
    equal(read(registry, broker, "from-sql-avro", "avro"), [{"ID": v["id"], "NAME": v["name"]} for v in VALUES])
