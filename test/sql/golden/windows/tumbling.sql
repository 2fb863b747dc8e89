-- Windows side by side: late records count until the grace is over.
CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, COUNT(*) AS n, WINDOWSTART AS since, WINDOWEND AS until FROM s WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 1 DAY, GRACE PERIOD 2 SECONDS) GROUP BY k;
CREATE TABLE by_v AS SELECT v, LATEST_BY_OFFSET(k) AS k FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY v HAVING COUNT(*) > 1;
-- in s "a" {"V":1} @1000
-- in s "a" {"V":1} @11000
-- in s "a" {"V":1} @9999
-- in s "a" {"V":1} @12000
-- in s "a" {"V":1} @9999
-- in s "b" null @13000
