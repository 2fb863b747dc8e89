-- The aggregates of one family over a stream, row by row.
CREATE STREAM s (g STRING KEY, v INT, t STRING) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE o AS SELECT g, EARLIEST_BY_OFFSET(v) AS e, LATEST_BY_OFFSET(v) AS la, EARLIEST_BY_OFFSET(v, 2, FALSE) AS e2, LATEST_BY_OFFSET(v, 2) AS l2 FROM s GROUP BY g;
-- in s "g" {"V":3,"T":"a"} @1
-- in s "g" {"V":null,"T":null} @2
-- in s "g" {"V":5,"T":"b"} @3
-- in s "g" {"V":3,"T":"a"} @4
-- in s "other" {"V":1,"T":"a"} @5

-- And over a table, whose rows change and go: some can't take back what they have seen.
CREATE TABLE t (k STRING PRIMARY KEY, g STRING, v INT, t STRING) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE ot AS SELECT g, EARLIEST_BY_OFFSET(v) AS e, LATEST_BY_OFFSET(v) AS la, EARLIEST_BY_OFFSET(v, 2, FALSE) AS e2, LATEST_BY_OFFSET(v, 2) AS l2 FROM t GROUP BY g;
