-- All four kinds over primary keys.
CREATE TABLE a (id INT PRIMARY KEY, x STRING) WITH (KAFKA_TOPIC='a', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE b (id INT PRIMARY KEY, y STRING) WITH (KAFKA_TOPIC='b', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE inner_join AS SELECT a.id, x, y FROM a JOIN b ON a.id = b.id;
CREATE TABLE left_join AS SELECT a.id, x, y FROM a LEFT JOIN b ON a.id = b.id;
CREATE TABLE right_join AS SELECT b.id, x, y FROM a RIGHT JOIN b ON a.id = b.id;
CREATE TABLE full_join AS SELECT ROWKEY AS id, x, y FROM a FULL JOIN b ON a.id = b.id;
CREATE TABLE filtered AS SELECT a.id, x || y AS xy FROM a JOIN b ON a.id = b.id WHERE x <> 'hidden';
-- in a 1 {"X":"a1"} @1
-- in b 1 {"Y":"b1"} @2
-- in b 2 {"Y":"b2"} @3
-- in a 1 {"X":"hidden"} @4
-- in b 1 null @5
-- in a 1 null @6
