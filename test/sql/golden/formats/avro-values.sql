-- Declared columns over records of another schema: what Avro's types may be read as, unions, and what fails.
-- register s-value AVRO {"type":"record","name":"R","fields":[{"name":"I","type":"int"},{"name":"L","type":"long"},{"name":"F","type":"float"},{"name":"D","type":"double"},{"name":"S","type":"string"},{"name":"Y","type":"bytes"},{"name":"U","type":["null","int","string"],"default":null},{"name":"A","type":{"type":"array","items":"int"}},{"name":"FX","type":{"type":"fixed","name":"F4","size":2}}]}
CREATE STREAM wide (i BIGINT, l DOUBLE, f DOUBLE, d DOUBLE, s STRING, y BYTES, a ARRAY<BIGINT>, fx BYTES, nothing INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO', PARTITIONS=1);
CREATE STREAM wide_out WITH (VALUE_FORMAT='JSON') AS SELECT * FROM wide;
CREATE STREAM texts (i STRING, l STRING, d STRING, y STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO', PARTITIONS=1);
CREATE STREAM texts_out WITH (VALUE_FORMAT='JSON') AS SELECT * FROM texts;
CREATE STREAM narrow (l INT, d INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO', PARTITIONS=1);
CREATE STREAM narrow_out WITH (VALUE_FORMAT='JSON') AS SELECT * FROM narrow;
CREATE STREAM odd (s INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO', WRAP_SINGLE_VALUE=true, PARTITIONS=1);
CREATE STREAM odd_out WITH (VALUE_FORMAT='JSON') AS SELECT * FROM odd;
CREATE STREAM odd2 (a STRUCT<p INT>, i INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO', PARTITIONS=1);
CREATE STREAM odd2_out WITH (VALUE_FORMAT='JSON') AS SELECT * FROM odd2;
CREATE STREAM inferred WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO', PARTITIONS=1);
CREATE STREAM inferred_out WITH (VALUE_FORMAT='JSON') AS SELECT * FROM inferred;
-- in s null 0x000000000102040000003f000000000000f83f02780201020604060800aabb
-- in s null 0x000000000102040000003f000000000000f83f0278020104027800aabb
-- in s null 0x0000000009020400
-- in s null 0x0100000001
-- in s null 0x0000
