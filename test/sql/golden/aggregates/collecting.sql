-- The aggregates of one family over a stream, row by row.
CREATE STREAM s (g STRING KEY, v INT, t STRING) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE o AS SELECT g, COLLECT_LIST(v) AS l, COLLECT_SET(v) AS st, HISTOGRAM(t) AS h, ATTR(t) AS only FROM s GROUP BY g;
-- in s "g" {"V":3,"T":"a"} @1
-- in s "g" {"V":null,"T":null} @2
-- in s "g" {"V":5,"T":"b"} @3
-- in s "g" {"V":3,"T":"a"} @4
-- in s "other" {"V":1,"T":"a"} @5

-- And over a table, whose rows change and go: some can't take back what they have seen.
CREATE TABLE t (k STRING PRIMARY KEY, g STRING, v INT, t STRING) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE ot AS SELECT g, COLLECT_LIST(v) AS l, COLLECT_SET(v) AS st, HISTOGRAM(t) AS h, ATTR(t) AS only FROM t GROUP BY g;
CREATE TABLE ok AS SELECT g, COLLECT_LIST(v) AS l, HISTOGRAM(t) AS h, ATTR(t) AS only FROM t GROUP BY g;
-- in t "1" {"G":"g","V":3,"T":"a"} @1
-- in t "2" {"G":"g","V":5,"T":"b"} @2
-- in t "1" {"G":"g","V":4,"T":"c"} @3
-- in t "2" null @4
