-- Rows written one by one: literals, functions, ROWTIME; what is left out is null.
CREATE STREAM s (k INT KEY, a INT, b DOUBLE, c ARRAY<STRING>, d DATE, e STRUCT<x INT, y STRING>) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM out AS SELECT * FROM s;
INSERT INTO s VALUES (1, 2, 3, ARRAY['x', NULL], '2021-03-04', STRUCT(x := 1, y := 'z'));
INSERT INTO s (b, ROWTIME) VALUES (1.5E0, 1234);
INSERT INTO s (k, a) VALUES (2, CAST('7' AS INT) + 1);
INSERT INTO s (k, a) VALUES (2, 3000000000);
INSERT INTO s (k, a) VALUES (2, 'x');
INSERT INTO s (k, d) VALUES (2, 'tomorrow');
INSERT INTO s (k, a) VALUES (1, 2, 3);
INSERT INTO s (k, z) VALUES (1, 2);
INSERT INTO s (k, ROWOFFSET) VALUES (1, 2);
INSERT INTO s (k, c) VALUES (1, TRUE);
INSERT INTO nowhere VALUES (1);
INSERT INTO "s" VALUES (1);
CREATE TABLE t (k STRING PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', PARTITIONS=1);
INSERT INTO t VALUES ('x', NULL);
INSERT INTO t (v) VALUES (1);
CREATE STREAM h (v INT, hs ARRAY<STRUCT<key STRING, value BYTES>> HEADERS) WITH (KAFKA_TOPIC='h', VALUE_FORMAT='JSON', PARTITIONS=1);
-- setting ksql.query.extensions.enabled=false
INSERT INTO h (v, hs) VALUES (1, NULL);
-- setting ksql.query.extensions.enabled=true
CREATE SOURCE STREAM r (v INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON', PARTITIONS=1);
INSERT INTO r VALUES (1);
-- setting ksql.insert.into.values.enabled=false
INSERT INTO s (k) VALUES (2);
