-- Columns from the registry: of the newest schema, or of one by its number.
-- register a-value AVRO {"type":"record","name":"R","namespace":"n","fields":[{"name":"i","type":"int"},{"name":"l","type":["null","long"],"default":null},{"name":"s","type":"string"},{"name":"b","type":"boolean"},{"name":"f","type":"float"},{"name":"y","type":"bytes"},{"name":"x","type":{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}},{"name":"d","type":{"type":"int","logicalType":"date"}},{"name":"t","type":{"type":"int","logicalType":"time-millis"}},{"name":"ts","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"a","type":{"type":"array","items":"int"}},{"name":"m","type":{"type":"map","values":"string"}},{"name":"e","type":{"type":"enum","name":"E","symbols":["P","Q"]}},{"name":"r","type":{"type":"record","name":"Inner","fields":[{"name":"z","type":"double"}]}}]}
-- register a-key AVRO "long"
-- register p-value PROTOBUF syntax = "proto3"; message M { int32 i = 1; int64 l = 2; string s = 3; bool b = 4; double d = 5; bytes y = 6; repeated int32 a = 7; map<string, string> m = 8; Inner r = 9; enum E { P = 0; Q = 1; } E e = 10; message Inner { uint32 z = 1; } oneof o { string left = 11; int32 right = 12; } }
-- register j-value JSON {"type":"object","properties":{"i":{"type":"integer","connect.type":"int32"},"l":{"type":"integer"},"d":{"type":"number"},"s":{"type":"string"},"b":{"type":"boolean"},"a":{"type":"array","items":{"type":"string"}},"r":{"type":"object","properties":{"z":{"type":"number"}}},"n":{"oneOf":[{"type":"null"},{"type":"integer","connect.type":"int32"}]}}}
CREATE STREAM a WITH (KAFKA_TOPIC='a', FORMAT='AVRO', PARTITIONS=1);
CREATE STREAM a_out WITH (FORMAT='JSON') AS SELECT * FROM a;
-- in a 0x000000000204 0x0000000001040206046869010000c03f02790404d284a402f8bbc6038082dbb9ff5d040206000002000000000000f83f @1
CREATE STREAM p WITH (KAFKA_TOPIC='p', VALUE_FORMAT='PROTOBUF', PARTITIONS=1);
CREATE STREAM p_out WITH (VALUE_FORMAT='JSON') AS SELECT * FROM p;
-- in p null 0x000000000300080210061a026869200129000000000000f83f3a0201024a02080750015a016c @1
CREATE STREAM j WITH (KAFKA_TOPIC='j', VALUE_FORMAT='JSON_SR', PARTITIONS=1);
CREATE STREAM j_out WITH (VALUE_FORMAT='JSON') AS SELECT * FROM j;
-- in j null 0x00000000047b2269223a312c226c223a322c2264223a302e352c2273223a2278222c2262223a747275652c2261223a5b2270225d2c2272223a7b227a223a317d2c226e223a6e756c6c7d @1
CREATE STREAM by_id WITH (KAFKA_TOPIC='a', VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=1, PARTITIONS=1);
CREATE STREAM by_id_out WITH (VALUE_FORMAT='JSON') AS SELECT "i", "s" FROM by_id;
CREATE STREAM pinned WITH (VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=1) AS SELECT I AS "i", L AS "l" FROM a PARTITION BY NULL;
CREATE STREAM wrong WITH (VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=1) AS SELECT S AS "i" FROM a PARTITION BY NULL;
CREATE STREAM with_key (k STRING KEY) WITH (KAFKA_TOPIC='p', KEY_FORMAT='KAFKA', VALUE_FORMAT='PROTOBUF', PARTITIONS=1);
CREATE STREAM named WITH (VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='org.example.Named') AS SELECT I, S FROM a PARTITION BY NULL;
CREATE STREAM wrapped WITH (VALUE_FORMAT='PROTOBUF', VALUE_PROTOBUF_NULLABLE_REPRESENTATION='WRAPPER') AS SELECT I, S, L, D FROM a PARTITION BY NULL;
-- in a 0x000000000204 0x0000000001040206046869010000c03f02790404d284a402f8bbc6038082dbb9ff5d040206000002000000000000f83f @2
-- schemas
