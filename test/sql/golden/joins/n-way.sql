-- Joins nest to the left.
CREATE STREAM a (id INT KEY, x STRING) WITH (KAFKA_TOPIC='a', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM b (id INT KEY, y STRING) WITH (KAFKA_TOPIC='b', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE c (id INT PRIMARY KEY, z STRING) WITH (KAFKA_TOPIC='c', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE d (name STRING PRIMARY KEY, w STRING) WITH (KAFKA_TOPIC='d', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE e (id INT PRIMARY KEY, v STRING) WITH (KAFKA_TOPIC='e', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM three AS SELECT a.id, x, y, z FROM a JOIN b WITHIN 1 MINUTE ON a.id = b.id LEFT JOIN c ON b.id = c.id;
CREATE STREAM four AS SELECT d.name, a.id AS a_id, y, z, w FROM a LEFT JOIN b WITHIN 1 MINUTE GRACE PERIOD 0 SECONDS ON a.id = b.id JOIN c ON c.id = a.id JOIN d ON d.name = z;
CREATE TABLE tables AS SELECT c.id, z, w, v FROM c JOIN d ON c.z = d.name LEFT JOIN e ON c.id = e.id;
CREATE STREAM starred AS SELECT * FROM a JOIN c ON a.id = c.id JOIN e ON a.id = e.id;
-- in c 1 {"Z":"z1"} @1
-- in d "z1" {"W":"w1"} @2
-- in e 1 {"V":"v1"} @3
-- in a 1 {"X":"x1"} @4
-- in b 1 {"Y":"y1"} @5
-- in c 1 null @6
