-- Three streams joined on expressions: what is equal to the key in the first join is it in the second, too.
CREATE STREAM a (id INT KEY, x STRING) WITH (KAFKA_TOPIC='a', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM b (id INT KEY, y STRING) WITH (KAFKA_TOPIC='b', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM c (id INT KEY, z STRING) WITH (KAFKA_TOPIC='c', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT a.id, x, y, z FROM a JOIN b WITHIN 10 SECONDS ON a.id = ABS(b.id) JOIN c WITHIN 10 SECONDS ON ABS(b.id) = ABS(c.id);
-- in a 1 {"X":"x1"} @0
-- in b -1 {"Y":"y1"} @1
-- in c -1 {"Z":"z1"} @2
