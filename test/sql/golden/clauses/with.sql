-- What the properties of a source and of a query's result do.
CREATE STREAM s (k STRING KEY, v INT, t BIGINT, w STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=2, TIMESTAMP='t');
CREATE STREAM plain AS SELECT * FROM s;
CREATE STREAM renamed WITH (KAFKA_TOPIC='other', PARTITIONS=3, VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='|', TIMESTAMP='w', TIMESTAMP_FORMAT='yyyy-MM-dd') AS SELECT * FROM s;
CREATE STREAM tabs WITH (FORMAT='DELIMITED', VALUE_DELIMITER='TAB', KEY_DELIMITER='SPACE') AS SELECT k, v, w FROM s;
CREATE STREAM bare WITH (VALUE_FORMAT='JSON', WRAP_SINGLE_VALUE=false) AS SELECT k, v FROM s;
CREATE STREAM keyless WITH (KEY_FORMAT='JSON') AS SELECT * FROM s;
-- in s x {"V":1,"T":5000,"W":"2021-03-04"} @1
-- in s x {"V":null,"T":6000,"W":"never"} @2
-- in s x {"V":3,"T":-1,"W":null} @3

-- Headers are read as they are, and records go out with the ones they came with.
CREATE STREAM h (v INT, all_of_them ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS) WITH (KAFKA_TOPIC='h', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM h1 (v INT, one BYTES HEADER('a')) WITH (KAFKA_TOPIC='h', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM headed AS SELECT v, all_of_them FROM h;
CREATE STREAM headed_one AS SELECT v, FROM_BYTES(one, 'utf8') AS one FROM h1;
-- in h null {"V":1} @1 h=a:x,b:y,a:z
-- in h null {"V":2} @2
