-- Names of columns that have none, stars, pseudo columns, casts.
CREATE STREAM s (k INT KEY, a INT, b STRING, c STRUCT<x INT, y STRUCT<x INT>>) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM everything AS SELECT * FROM s;
CREATE STREAM named AS SELECT k, a + 1, c->x, c->y->x, -a, b AS "lower case", ROWTIME AS t, ROWOFFSET AS o, ROWPARTITION AS p FROM s;
CREATE STREAM copied AS SELECT k, AS_VALUE(k) AS k2, s.* FROM s;
CREATE STREAM only_key AS SELECT k FROM s;
-- in s 7 {"A":1,"B":"x","C":{"X":2,"Y":{"X":3}}} @1000
-- in s null {"A":null} @1001

CREATE STREAM typed AS SELECT k, CAST(a AS DECIMAL(4, 1)) AS d, CAST(b AS INT) AS i, CASE WHEN a > 0 THEN 'plus' WHEN a < 0 THEN 'minus' END AS sign, CASE b WHEN 'x' THEN 1 ELSE 2 END AS n FROM s;
-- in s 8 {"A":-5,"B":"12"} @1
-- in s 8 {"A":99999,"B":"x"} @2
