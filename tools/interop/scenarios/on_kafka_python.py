from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from scenarios import ADDRESS, LOGIN, PASSWORD, USERNAME, fresh, run_all, until


def produce(topic, values, **settings):
    producer = KafkaProducer(bootstrap_servers=ADDRESS, **settings)
    sent = [producer.send(topic, value, partition=0) for value in values]
    producer.flush()
    offsets = [each.get(timeout=30).offset for each in sent]
    producer.close()
    return offsets


def consume(topic, count, **settings):
    settings = {"bootstrap_servers": ADDRESS, "auto_offset_reset": "earliest", **settings}
    consumer = KafkaConsumer(topic, **settings)
    values = []
    until(lambda: values.extend(r.value for rs in consumer.poll(500).values() for r in rs) or len(values) >= count)
    if settings.get("group_id"):
        consumer.commit()
    consumer.close()
    return values


def codec(name):
    def scenario():
        topic = fresh()
        values = [f"value {i} ".encode() * 20 for i in range(100)]
        try:
            produce(topic, values, compression_type=name, linger_ms=20)
        except (AssertionError, RuntimeError) as error:
            raise NotImplementedError(f"the client has no library for {name}: {error}")
        assert consume(topic, 100) == values
    return scenario


def idempotent():
    topic = fresh()
    assert produce(topic, [b"a", b"b"], enable_idempotence=True) == [0, 1]


def transactions():
    topic = fresh()
    producer = KafkaProducer(bootstrap_servers=ADDRESS, transactional_id=fresh("id"))
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, b"aborted", partition=0)
    producer.flush()
    producer.abort_transaction()
    producer.begin_transaction()
    producer.send(topic, b"committed", partition=0)
    producer.commit_transaction()
    producer.close()
    assert consume(topic, 1, isolation_level="read_committed") == [b"committed"]


def group():
    topic, name = fresh(), fresh("g")
    produce(topic, [b"1", b"2", b"3"])
    assert consume(topic, 3, group_id=name) == [b"1", b"2", b"3"]
    produce(topic, [b"4"])
    assert consume(topic, 1, group_id=name) == [b"4"]


def administration():
    admin = KafkaAdminClient(bootstrap_servers=ADDRESS)
    topic = fresh()
    admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    assert topic in admin.list_topics()
    admin.create_partitions({topic: NewPartitions(total_count=3)})
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "1234"})
    admin.alter_configs([resource])
    assert "1234" in str(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)]))
    admin.delete_topics([topic])
    assert topic not in admin.list_topics()
    admin.close()


def by_time():
    topic = fresh()
    producer = KafkaProducer(bootstrap_servers=ADDRESS)
    for at in (1000, 2000, 3000):
        producer.send(topic, b"x", partition=0, timestamp_ms=at)
    producer.flush()
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=ADDRESS)
    at = TopicPartition(topic, 0)
    assert consumer.offsets_for_times({at: 1500})[at].offset == 1
    assert consumer.end_offsets([at])[at] == 3
    consumer.close()


def login(mechanism):
    def scenario():
        settings = {
            "bootstrap_servers": LOGIN,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": mechanism,
            "sasl_plain_username": USERNAME,
            "sasl_plain_password": PASSWORD,
        }
        topic = fresh()
        producer = KafkaProducer(**settings)
        producer.send(topic, b"in").get(timeout=30)
        producer.close()
        consumer = KafkaConsumer(topic, auto_offset_reset="earliest", **settings)
        assert until(lambda: [r.value for rs in consumer.poll(500).values() for r in rs]) == [b"in"]
        consumer.close()
    return scenario


run_all([
    *[(f"codec {name}", codec(name)) for name in ("gzip", "snappy", "lz4", "zstd")],
    ("idempotent producer", idempotent),
    ("transactions, read committed", transactions),
    ("a group goes on where it was", group),
    ("administration of topics", administration),
    ("offsets by time", by_time),
    *[(f"login by {name}", login(name)) for name in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")],
])
