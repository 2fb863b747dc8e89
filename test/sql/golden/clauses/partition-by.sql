-- A new key, an expression as the key, several, and none.
CREATE STREAM s (k STRING KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=2);
CREATE STREAM by_a AS SELECT * FROM s PARTITION BY a;
CREATE STREAM by_expression AS SELECT a * 2 AS twice, k, b FROM s PARTITION BY a * 2;
CREATE STREAM by_two AS SELECT b, a, k FROM s PARTITION BY b, a;
CREATE STREAM by_nothing WITH (PARTITIONS=3) AS SELECT * FROM s PARTITION BY NULL;
CREATE STREAM by_key AS SELECT * FROM s PARTITION BY k;
-- in s "x" {"A":5,"B":"y"} @1
-- in s null {"A":null,"B":null} @2
-- in s "x" null @3
