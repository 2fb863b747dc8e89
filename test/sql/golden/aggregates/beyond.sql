-- What aggregates may do here and not in ksqlDB: see only some of the rows, and find extremes of tables, whose rows change and go.
CREATE STREAM s (g STRING KEY, v INT, t STRING) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE o AS SELECT g, COUNT(*) AS c, COUNT(*) FILTER (WHERE v > 3) AS many, SUM(v) FILTER (WHERE t = 'a') AS a, ARG_MAX(t, v) AS best FROM s GROUP BY g HAVING COUNT(*) FILTER (WHERE v > 3) >= 0;
-- in s "g" {"V":3,"T":"a"} @1
-- in s "g" {"V":null,"T":"a"} @2
-- in s "g" {"V":5,"T":"b"} @3
-- in s "g" {"V":5,"T":"c"} @4

CREATE TABLE t (k STRING PRIMARY KEY, g STRING, v INT, t STRING) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE ot AS SELECT g, MIN(v) AS lo, MAX(v) AS hi, MAX(t) AS last, COUNT(*) FILTER (WHERE v > 3) AS many FROM t GROUP BY g;
-- in t "1" {"G":"g","V":3,"T":"a"} @1
-- in t "2" {"G":"g","V":5,"T":"b"} @2
-- in t "3" {"G":"g","V":5,"T":"c"} @3
-- in t "2" {"G":"g","V":1,"T":null} @4
-- in t "3" null @5
-- in t "1" {"G":"other","V":3,"T":"a"} @6
-- in t "2" null @7

CREATE TABLE x AS SELECT g, LATEST_BY_OFFSET(v) AS v FROM t GROUP BY g;
CREATE TABLE x AS SELECT g, COUNT(*) FILTER (WHERE v) AS n FROM s GROUP BY g;
CREATE STREAM x AS SELECT g, ABS(v) FILTER (WHERE v > 1) AS n FROM s;
CREATE TABLE x AS SELECT g, COUNT(*) FILTER (WHERE SUM(v) > 1) AS n FROM s GROUP BY g;
