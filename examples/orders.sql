-- A first stream; docs/sql/run-script.md runs it.
CREATE STREAM orders (id STRING KEY, item STRING, amount INT)
  WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');
INSERT INTO orders VALUES ('o1', 'tea', 2);
SELECT * FROM orders;
