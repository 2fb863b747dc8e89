CREATE STREAM orders (id INT KEY, customer STRING, total DOUBLE) WITH (KAFKA_TOPIC='orders', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM payments (id INT KEY, paid BIGINT) WITH (KAFKA_TOPIC='payments', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE customers (name STRING PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='customers', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE cities (city STRING PRIMARY KEY, country STRING) WITH (KAFKA_TOPIC='cities', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM settled AS SELECT o.id, o.total, p.paid FROM orders o LEFT JOIN payments p WITHIN 1 HOUR GRACE PERIOD 10 MINUTES ON o.id = p.id;
CREATE STREAM enriched AS SELECT o.customer, o.total, c.city FROM orders o JOIN customers c ON o.customer = c.name;
CREATE TABLE located AS SELECT c.name, c.city, x.country FROM customers c JOIN cities x ON c.city = x.city;
CREATE STREAM any AS SELECT ROWKEY, o.total, p.paid FROM orders o FULL OUTER JOIN payments p WITHIN (1 SECOND, 2 SECONDS) ON o.id = p.id;
