import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from scenarios import ADDRESS, LOGIN, PASSWORD, USERNAME, fresh, run_all


async def produce(topic, values, **settings):
    async with AIOKafkaProducer(**{"bootstrap_servers": ADDRESS, **settings}) as producer:
        return [(await producer.send_and_wait(topic, value, partition=0)).offset for value in values]


async def consume(topic, count, **settings):
    settings = {"bootstrap_servers": ADDRESS, "auto_offset_reset": "earliest", **settings}
    async with AIOKafkaConsumer(topic, **settings) as consumer:
        return [(await asyncio.wait_for(consumer.getone(), 30)).value for _ in range(count)]


def codec(name):
    async def scenario():
        topic = fresh()
        values = [f"value {i} ".encode() * 20 for i in range(50)]
        try:
            await produce(topic, values, compression_type=name)
        except RuntimeError as error:
            raise NotImplementedError(str(error))
        assert await consume(topic, 50) == values
    return scenario


async def exactly_once():
    topic, group = fresh(), fresh("g")
    await produce(topic, [b"0"])
    async with AIOKafkaProducer(bootstrap_servers=ADDRESS, transactional_id=fresh("id")) as producer:
        async with producer.transaction():
            sent = await producer.send(topic, b"1", partition=0)
            await producer.send_offsets_to_transaction({TopicPartition(topic, 0): 1}, group)
        assert (await sent).offset == 1
        try:
            async with producer.transaction():
                await producer.send(topic, b"2", partition=0)
                raise KeyError("abort")
        except KeyError:
            pass
    await produce(topic, [b"3"])
    assert await consume(topic, 3, isolation_level="read_committed") == [b"0", b"1", b"3"]


async def two_members():
    topic, group = fresh(), fresh("g")
    admin = AIOKafkaAdminClient(bootstrap_servers=ADDRESS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 4, 1)])
    await admin.close()
    settings = {"bootstrap_servers": ADDRESS, "group_id": group, "heartbeat_interval_ms": 200}
    async with AIOKafkaConsumer(topic, **settings) as one, AIOKafkaConsumer(topic, **settings) as two:
        async def shared():
            while not (len(one.assignment()) == 2 and len(two.assignment()) == 2):
                await asyncio.sleep(0.05)
        await asyncio.wait_for(shared(), 30)


async def administration():
    admin = AIOKafkaAdminClient(bootstrap_servers=ADDRESS)
    await admin.start()
    topic = fresh()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    assert topic in await admin.list_topics()
    await admin.delete_topics([topic])
    assert topic not in await admin.list_topics()
    await admin.close()


def login(mechanism):
    async def scenario():
        settings = {
            "bootstrap_servers": LOGIN,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": mechanism,
            "sasl_plain_username": USERNAME,
            "sasl_plain_password": PASSWORD,
        }
        topic = fresh()
        await produce(topic, [b"in"], **settings)
        assert await consume(topic, 1, **settings) == [b"in"]
    return scenario


def waited_for(scenario):
    return lambda: asyncio.run(asyncio.wait_for(scenario(), 60))


run_all([
    (name, waited_for(scenario))
    for name, scenario in [
        *[(f"codec {name}", codec(name)) for name in ("gzip", "snappy", "lz4", "zstd")],
        ("exactly once, with offsets", exactly_once),
        ("two members share a topic", two_members),
        ("administration of topics", administration),
        *[(f"login by {name}", login(name)) for name in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")],
    ]
])
