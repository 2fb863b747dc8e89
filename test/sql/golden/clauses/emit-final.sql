-- A window speaks once, when its grace is over.
CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE totals AS SELECT k, SUM(v) AS total, WINDOWSTART AS since, WINDOWEND AS until FROM s WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY k HAVING SUM(v) > 1 EMIT FINAL;
-- in s "a" {"V":1} @1000
-- in s "a" {"V":2} @9000
-- in s "b" {"V":1} @9000
-- in s "a" {"V":7} @14999
-- in s "a" {"V":4} @9999
-- in s "a" {"V":1} @15000
-- in s "a" {"V":100} @9999
-- in s "c" {"V":1} @25000
-- in s "c" {"V":1} @25001
