from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AclBindingFilter, AclOperation, AclPermissionType, AdminClient, ConfigResource
from confluent_kafka.admin import NewPartitions, NewTopic, ResourcePatternType, ResourceType
from scenarios import ADDRESS, LOGIN, PASSWORD, USERNAME, fresh, run_all, until


def produce(topic, values, **settings):
    producer = Producer({"bootstrap.servers": ADDRESS, **settings})
    offsets, failures = [], []

    def told(error, message):
        (failures if error else offsets).append(error or message.offset())

    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=told)
    assert producer.flush(30) == 0, "not all was delivered"
    assert not failures, failures[0]
    return offsets


def consumer_of(**settings):
    return Consumer({"bootstrap.servers": ADDRESS, "group.id": fresh("g"), "auto.offset.reset": "earliest", **settings})


def read(consumer, count):
    values = []

    def look():
        message = consumer.poll(0.5)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            values.append(message.value())
        return len(values) >= count

    until(look)
    return values


def consume(topic, count, **settings):
    consumer = consumer_of(**settings)
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    values = read(consumer, count)
    consumer.close()
    return values


def codec(name):
    def scenario():
        topic = fresh()
        values = [f"value {i} ".encode() * 20 for i in range(100)]
        produce(topic, values, **{"compression.type": name, "linger.ms": 20})
        assert consume(topic, 100) == values
    return scenario


def idempotent():
    assert produce(fresh(), [b"a", b"b"], **{"enable.idempotence": True}) == [0, 1]


def acknowledged_is_readable():
    topic = fresh()
    consumer = consumer_of()
    for i in range(20):
        [offset] = produce(topic, [b"x"], acks="1")
        assert consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1] == offset + 1
    consumer.close()


def transactions():
    topic, out = fresh(), fresh()
    produce(topic, [b"1", b"2"])
    consumer = consumer_of(**{"enable.auto.commit": False, "isolation.level": "read_committed"})
    consumer.subscribe([topic])
    values = read(consumer, 2)
    producer = Producer({"bootstrap.servers": ADDRESS, "transactional.id": fresh("id")})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(out, b"aborted", partition=0)
    producer.flush(30)
    producer.abort_transaction(30)
    producer.begin_transaction()
    for value in values:
        producer.produce(out, value * 2, partition=0)
    metadata = consumer.consumer_group_metadata()
    producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), metadata, 30)
    producer.commit_transaction(30)
    assert consumer.committed([TopicPartition(topic, 0)], 10)[0].offset == 2
    consumer.close()
    assert consume(out, 2, **{"isolation.level": "read_committed"}) == [b"11", b"22"]


def members(**settings):
    def scenario():
        topic, group = fresh(), fresh("g")
        admin = AdminClient({"bootstrap.servers": ADDRESS})
        admin.create_topics([NewTopic(topic, 4, 1)])[topic].result(30)
        pair = [consumer_of(**{"group.id": group, **settings}) for _ in range(2)]
        for consumer in pair:
            consumer.subscribe([topic])

        def shared():
            for consumer in pair:
                message = consumer.poll(0.1)
                if message is not None and message.error():
                    raise KafkaException(message.error())
            return [len(consumer.assignment()) for consumer in pair] == [2, 2]

        until(shared)
        for consumer in pair:
            consumer.close()
    return scenario


def administration():
    admin = AdminClient({"bootstrap.servers": ADDRESS})
    topic = fresh()
    admin.create_topics([NewTopic(topic, 2, 1)])[topic].result(30)
    assert topic in admin.list_topics(timeout=10).topics
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, set_config={"retention.ms": "1234"})
    list(admin.alter_configs([resource]).values())[0].result(30)
    described = list(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).values())[0].result(30)
    assert described["retention.ms"].value == "1234"
    admin.list_consumer_groups().result(30)
    admin.delete_topics([topic])[topic].result(30)


def rules():
    admin = AdminClient({"bootstrap.servers": ADDRESS})
    everything = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    try:
        admin.describe_acls(everything).result(30)
    except KafkaException as error:
        if error.args[0].name() in ("SECURITY_DISABLED", "_UNSUPPORTED_FEATURE"):
            raise NotImplementedError(f"the broker says {error.args[0].name()}")
        raise


def credentials():
    admin = AdminClient({"bootstrap.servers": ADDRESS})
    described = admin.describe_user_scram_credentials([USERNAME])[USERNAME].result(30)
    assert len(described.scram_credential_infos) == 2


def login(mechanism):
    def scenario():
        settings = {
            "bootstrap.servers": LOGIN,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": mechanism,
            "sasl.username": USERNAME,
            "sasl.password": PASSWORD,
        }
        topic = fresh()
        produce(topic, [b"in"], **settings)
        assert consume(topic, 1, **settings) == [b"in"]
    return scenario


run_all([
    *[(f"codec {name}", codec(name)) for name in ("gzip", "snappy", "lz4", "zstd")],
    ("idempotent producer", idempotent),
    ("acks=1: what is acknowledged can be read", acknowledged_is_readable),
    ("transactions, with offsets of a group", transactions),
    *[
        (f"two members, {strategy}", members(**{"partition.assignment.strategy": strategy}))
        for strategy in ("range", "roundrobin", "cooperative-sticky")
    ],
    ("two members, group.protocol=consumer", members(**{"group.protocol": "consumer"})),
    ("administration of topics", administration),
    ("rules (ACLs) are listed", rules),
    ("credentials of SCRAM are described", credentials),
    *[(f"login by {name}", login(name)) for name in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")],
])
