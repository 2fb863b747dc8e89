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

-- Without a grace period there is none, and windows that hop close one by one.
CREATE STREAM h (k STRING KEY, v INT) WITH (KAFKA_TOPIC='h', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE at_once AS SELECT k, COUNT(*) AS n FROM h WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k EMIT FINAL;
CREATE TABLE hops AS SELECT k, COUNT(*) AS n FROM h WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY k EMIT FINAL;
-- in h "a" {"V":1} @6000
-- in h "a" {"V":1} @9999
-- in h "a" {"V":1} @10000
-- in h "a" {"V":1} @9000
-- in h "a" {"V":1} @15000
-- in h "b" {"V":1} @19999
-- in h "b" {"V":1} @20000
