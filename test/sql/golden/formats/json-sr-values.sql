-- Values in JSON with a schema, and schemas of other shapes.
-- register s-value JSON {"type":"object","properties":{"i":{"type":"integer","connect.type":"int8"},"l":{"type":"integer","connect.type":"int64"},"f":{"type":"number","connect.type":"float32"},"x":{"type":"number","title":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2","connect.decimal.precision":"5"}},"b":{"type":"boolean"},"y":{"type":"string","connect.type":"bytes"},"d":{"type":"integer","title":"org.apache.kafka.connect.data.Date","connect.type":"int32"},"t":{"type":"integer","title":"org.apache.kafka.connect.data.Timestamp","connect.type":"int64"},"m":{"type":"object","connect.type":"map","additionalProperties":{"type":"string"}},"a":{"type":"array","items":{"oneOf":[{"type":"null"},{"type":"integer"}]}},"e":{"type":"string","enum":["p","q"]},"n":{"type":["null","string"]}}}
CREATE STREAM s WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON_SR', PARTITIONS=1);
CREATE STREAM o WITH (VALUE_FORMAT='JSON') AS SELECT * FROM s;
CREATE STREAM d (i STRING, a ARRAY<STRING>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON_SR', PARTITIONS=1);
CREATE STREAM d_out WITH (VALUE_FORMAT='JSON') AS SELECT * FROM d;
-- in s null 0x00000000017b2269223a312c226c223a322c2266223a302e352c2278223a312e32352c2262223a747275652c2279223a2261476b3d222c2264223a31383639302c2274223a352c226d223a7b226b223a2276227d2c2261223a5b312c6e756c6c5d2c2265223a2270222c226e223a6e756c6c7d
-- in s null 0x00000000017b7d
-- in s null 0x0000000001
-- in s null 0x00000000015b315d
-- in s null {"i":1}
CREATE STREAM out WITH (VALUE_FORMAT='JSON_SR') AS SELECT * FROM s;
-- in s null 0x00000000017b2269223a317d
-- schemas
