import type { SchemaType } from '../../../src/schemas/index.ts';

/** Schemas of each language with something of everything that it has. */
export const SCHEMAS: Readonly<Record<SchemaType, readonly string[]>> = {
  AVRO: [
    '{"type":"record","name":"a.b.R","doc":"d","aliases":["Old"],"fields":[{"name":"i","type":"int","default":1},{"name":"l","type":["null","long"],"default":null,"order":"descending"},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}},{"name":"again","type":["null","E"],"aliases":["x"]}]}',
    '{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"],"default":null},{"name":"items","type":{"type":"array","items":"Node"},"default":[]},{"name":"m","type":{"type":"map","values":["int","string"]}}]}',
    '{"type":"record","name":"L","fields":[{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},{"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"u","type":{"type":"string","logicalType":"uuid"}},{"name":"f","type":{"type":"fixed","name":"F","size":12,"logicalType":"duration"}},{"name":"g","type":"float","default":1.5},{"name":"b","type":"bytes","default":"\\u00ff"}]}',
    '["null","string",{"type":"array","items":"bytes"},{"type":"fixed","name":"F","namespace":"n","size":4}]',
    '"string"',
    '{"type":"enum","name":"E","symbols":["A","B","C"]}',
    '{"type":{"type":"int"},"logicalType":"date"}',
  ],
  JSON: [
    '{"$schema":"http://json-schema.org/draft-07/schema#","$id":"x","title":"T","type":"object","properties":{"a":{"type":"integer","minimum":1,"maximum":5,"multipleOf":2},"b":{"type":["string","null"],"minLength":1,"maxLength":9,"pattern":"^a+b?$","format":"date-time"}},"required":["a"],"additionalProperties":false,"patternProperties":{"^x-":{"type":"number"}},"minProperties":1,"maxProperties":9}',
    '{"type":"array","items":[{"type":"string"},{"enum":["a",1,null]}],"additionalItems":{"type":"boolean"},"minItems":1,"maxItems":3,"uniqueItems":true,"contains":{"const":1}}',
    '{"definitions":{"n":{"type":"object","properties":{"next":{"$ref":"#/definitions/n"},"v":{"$ref":"#/definitions/v"}}},"v":{"oneOf":[{"type":"string"},{"type":"number"}]}},"$ref":"#/definitions/n"}',
    '{"$schema":"https://json-schema.org/draft/2020-12/schema","$defs":{"a":{"$anchor":"x","type":"string"}},"type":"object","properties":{"p":{"$ref":"#x"}},"prefixItems":[true],"items":false,"dependentRequired":{"a":["b"]},"dependentSchemas":{"a":{"required":["c"]}},"if":{"properties":{"p":{"const":"y"}}},"then":{"required":["q"]},"else":false,"unevaluatedProperties":false}',
    '{"allOf":[{"type":"object"},{"properties":{"a":true}}],"anyOf":[{"required":["a"]},{"required":["b"]}],"not":{"required":["z"]},"dependencies":{"a":["b"],"c":{"type":"object"}},"propertyNames":{"pattern":"^[a-z]+$"},"default":{}}',
    '{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1e3}',
    '{"$schema":"http://json-schema.org/draft-04/schema#","id":"#r","type":"integer","minimum":0,"exclusiveMinimum":true}',
    'true',
  ],
  PROTOBUF: [
    'syntax = "proto3"; package a.b; import "google/protobuf/timestamp.proto"; option java_package = "x.y"; message M { int32 i = 1; optional string s = 2; repeated double d = 3 [packed = true, deprecated = true]; map<string, Inner> m = 4; oneof o { bool b = 5; bytes y = 6; } google.protobuf.Timestamp t = 7; E e = 8; reserved 10 to 20, 30; reserved "gone", "old"; message Inner { sint64 z = 1 [json_name = "zz"]; M back = 2; } enum E { option allow_alias = true; ZERO = 0; ONE = 1; UNO = 1; reserved 5; } }',
    'syntax = "proto2"; message P { required int32 a = 1; optional group G = 2 { optional fixed32 f = 1 [default = 5]; } extensions 100 to max; optional E e = 3 [default = B]; enum E { A = 1; B = -2; } } extend P { optional string ext = 101; } message Q { repeated P p = 1; }',
    'edition = "2023"; option features.field_presence = IMPLICIT; message Ed { string s = 1 [features.field_presence = EXPLICIT]; repeated int32 r = 2; }',
    'syntax = "proto3"; import "google/protobuf/descriptor.proto"; extend google.protobuf.FieldOptions { string my = 50000; Opt opt = 50001; } message Opt { int32 x = 1; repeated string l = 2; } message U { string s = 1 [(my) = "a", (opt) = { x: 1 l: "b" l: "c" }, (opt).x = 5]; }',
    'syntax = "proto3"; service S { rpc Call (Req) returns (stream Res) { option deprecated = true; } } message Req { string a = 1; } message Res { repeated Req all = 536870911; }',
  ],
};
