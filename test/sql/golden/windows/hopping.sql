-- A record counts in every window that it is in.
CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, SUM(v) AS total, WINDOWSTART AS since FROM s WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS, RETENTION 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY k;
-- in s "a" {"V":1} @7000
-- in s "a" {"V":2} @12000
-- in s "a" {"V":4} @3000
-- in s "a" {"V":8} @6000
