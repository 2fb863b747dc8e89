-- Postgres → change data capture → a join and an aggregate → Postgres. Run by demo.ts, which puts in where the database is.
CREATE SOURCE CONNECTOR IF NOT EXISTS shop WITH (
  'connector.class' = 'io.debezium.connector.postgresql.PostgresConnector',
  'database.hostname' = '127.0.0.1', 'database.port' = '${port}', 'database.user' = 'postgres',
  'database.password' = 'postgres', 'database.dbname' = 'postgres',
  'topic.prefix' = 'shop', 'table.include.list' = 'public.customers,public.orders',
  'time.precision.mode' = 'connect', 'publication.autocreate.mode' = 'filtered',
  'key.converter' = 'org.apache.kafka.connect.converters.LongConverter',
  'transforms' = 'row,key',
  'transforms.row.type' = 'io.debezium.transforms.ExtractNewRecordState',
  'transforms.key.type' = 'org.apache.kafka.connect.transforms.ExtractField$Key', 'transforms.key.field' = 'id'
);

-- Columns come from the schemas that the connector registers; the key gets a name of its own, as the rows have their id, too.
CREATE TABLE IF NOT EXISTS customers (customer BIGINT PRIMARY KEY)
  WITH (KAFKA_TOPIC = 'shop.public.customers', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');
CREATE TABLE IF NOT EXISTS orders (placed BIGINT PRIMARY KEY)
  WITH (KAFKA_TOPIC = 'shop.public.orders', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');

CREATE TABLE IF NOT EXISTS order_facts WITH (VALUE_FORMAT = 'AVRO') AS
  SELECT o.placed AS placed, c.country AS country, o.amount AS amount
  FROM orders o JOIN customers c ON o.customer_id = c.customer
  WHERE o.status <> 'cancelled';
CREATE TABLE IF NOT EXISTS sales WITH (KAFKA_TOPIC = 'sales_by_country', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO') AS
  SELECT country, COUNT(*) AS `orders`, SUM(amount) AS `revenue`
  FROM order_facts GROUP BY country;

CREATE SINK CONNECTOR IF NOT EXISTS sales WITH (
  'connector.class' = 'JdbcSink', 'topics' = 'sales_by_country',
  'connection.url' = 'jdbc:postgresql://127.0.0.1:${port}/postgres', 'connection.user' = 'postgres',
  'insert.mode' = 'upsert', 'pk.mode' = 'record_key', 'pk.fields' = 'country', 'auto.create' = 'true',
  'max.retries' = '1000', 'retry.backoff.ms' = '500'
);
