-- Headers that statements write: one by its key, or all of a record; what nothing is said of stays as it came.
CREATE STREAM s (k INT KEY, v INT, trace BYTES HEADER('trace')) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM one (k INT KEY, v INT, t BYTES HEADER('trace')) WITH (KAFKA_TOPIC='one', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM everything (k INT KEY, v INT, hs ARRAY<STRUCT<key STRING, value BYTES>> HEADERS) WITH (KAFKA_TOPIC='everything', FORMAT='JSON', PARTITIONS=1);
INSERT INTO one SELECT k, v, TO_BYTES(CAST(v AS STRING), 'utf8') AS t FROM s WHERE v < 10;
INSERT INTO one SELECT k, v, CASE WHEN v > 10 THEN trace END AS t FROM s WHERE v >= 10;
INSERT INTO one SELECT k, v FROM s WHERE v IS NULL;
INSERT INTO everything SELECT k, v, ARRAY[STRUCT(key := 'a', value := trace), STRUCT(key := 'b', value := CAST(NULL AS BYTES))] AS hs FROM s;
-- in s 1 {"V":1} @1 h=trace,other
-- in s 2 {"V":10} @2 h=trace,other
-- in s 3 {"V":11} @3 h=trace,other
-- in s 4 {} @4 h=trace,other
INSERT INTO one VALUES (1, 2, TO_BYTES('abc', 'utf8'));
INSERT INTO one (k, v) VALUES (1, 2);
INSERT INTO everything (k, hs) VALUES (1, ARRAY[STRUCT(key := 'a', value := TO_BYTES('x', 'utf8')), STRUCT(key := 'a', value := TO_BYTES('y', 'utf8'))]);

INSERT INTO everything (k, hs) VALUES (1, ARRAY[STRUCT(value := TO_BYTES('x', 'utf8'))]);
INSERT INTO one SELECT k, v, v AS t FROM s;
