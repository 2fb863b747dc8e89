-- COUNT(DISTINCT …) is exact: over a stream, in windows and sessions, over several columns, and over a table, whose rows change and go.
CREATE STREAM s (g STRING KEY, v INT, t STRING, x DECIMAL(4,2), a ARRAY<INT>) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE o AS SELECT g, COUNT(DISTINCT v) AS vs, COUNT(DISTINCT v, t) AS pairs, COUNT(DISTINCT x) AS xs, COUNT(DISTINCT a) AS arrays, COUNT(v) AS n, COUNT(DISTINCT t) FILTER (WHERE v > 3) AS some FROM s GROUP BY g HAVING COUNT(DISTINCT v) < 3;
CREATE TABLE w AS SELECT g, COUNT(DISTINCT v) AS vs FROM s WINDOW HOPPING (SIZE 10 MILLISECONDS, ADVANCE BY 5 MILLISECONDS) GROUP BY g;
CREATE TABLE p AS SELECT g, COUNT(DISTINCT v) AS vs FROM s WINDOW SESSION (5 MILLISECONDS) GROUP BY g;
-- in s "g" {"V":3,"T":"a","X":1.5,"A":[1]} @1
-- in s "g" {"V":3,"T":"b","X":1.50,"A":[1]} @2
-- in s "g" {"V":5,"T":null,"X":2.5,"A":[1,1]} @12
-- in s "g" {"V":null,"T":"a","X":null,"A":null} @13
-- in s "g" {"V":3,"T":"a","X":1.5,"A":[1]} @7
-- in s "g" {"V":4,"T":"a","X":1.5,"A":[1]} @14

-- Groups that are no key yet, one that is none, and a zero that is another.
CREATE STREAM n (k INT KEY, g STRING, d DOUBLE, m MAP<STRING, INT>) WITH (KAFKA_TOPIC='n', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE moved AS SELECT g, COUNT(DISTINCT d) AS ds, COUNT(DISTINCT m) AS ms, COUNT(*) AS n FROM (SELECT * FROM n PARTITION BY g) GROUP BY g;
CREATE TABLE pairs WITH (KEY_FORMAT='JSON') AS SELECT g, k, COUNT(DISTINCT d) AS ds FROM n GROUP BY g, k;
-- in n 1 {"G":"a","D":0.0,"M":{"x":1,"y":2}} @1
-- in n 2 {"G":"a","D":-0.0,"M":{"y":2,"x":1}} @2
-- in n 3 {"G":null,"D":1.0,"M":null} @3
-- in n null {"G":"a","D":1.0,"M":null} @4

CREATE TABLE t (k STRING PRIMARY KEY, g STRING, v INT, t STRING) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE ot AS SELECT g, COUNT(DISTINCT v) AS vs, COUNT(DISTINCT v, t) AS pairs FROM t GROUP BY g;
-- in t "1" {"G":"g","V":3,"T":"a"} @1
-- in t "2" {"G":"g","V":3,"T":"b"} @2
-- in t "3" {"G":"g","V":5,"T":null} @3
-- in t "1" {"G":"g","V":5,"T":"a"} @4
-- in t "2" null @5
-- in t "1" {"G":"other","V":3,"T":"a"} @6

CREATE TABLE d WITH (VALUE_FORMAT='DELIMITED') AS SELECT g, COUNT(DISTINCT v) AS vs FROM s GROUP BY g;

CREATE TABLE z AS SELECT g, SUM(DISTINCT v) AS n FROM s GROUP BY g;
CREATE STREAM z AS SELECT g, ABS(DISTINCT v) AS n FROM s;
CREATE TABLE z AS SELECT g, COUNT(v) OVER (PARTITION BY g) AS n FROM s GROUP BY g;
-- setting ksql.query.extensions.enabled=false
CREATE TABLE z AS SELECT g, COUNT(DISTINCT v) AS n FROM s GROUP BY g;
CREATE TABLE z AS SELECT g, COUNT(*) FILTER (WHERE v > 3) AS n FROM s GROUP BY g;
