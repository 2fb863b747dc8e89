-- Every type through JSON and back; single columns wrapped and bare; several key columns.
CREATE STREAM source (k1 INT KEY, k2 STRING KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, x DECIMAL(6, 2), s STRING, y BYTES, dt DATE, tm TIME, ts TIMESTAMP, a ARRAY<INT>, m MAP<STRING, BIGINT>, st STRUCT<p INT, q ARRAY<STRUCT<r STRING>>>) WITH (KAFKA_TOPIC='source', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM written WITH (FORMAT='JSON') AS SELECT * FROM source;
CREATE STREAM back WITH (FORMAT='JSON') AS SELECT * FROM written;
-- in source {"K1":1,"K2":"a"} {"B":true,"I":7,"L":9007199254740993,"D":2.5,"X":12.50,"S":"text","Y":"aGk=","DT":18690,"TM":3723004,"TS":1614834000000,"A":[1,null,3],"M":{"k":5},"ST":{"P":1,"Q":[{"R":"r"}]}} @1
-- in source null {"I":null} @2
-- in source {"K1":1,"K2":"a"} null @3
-- schemas

CREATE STREAM one WITH (KEY_FORMAT='NONE', VALUE_FORMAT='JSON') AS SELECT s FROM source PARTITION BY NULL;
CREATE STREAM one_back WITH (VALUE_FORMAT='JSON') AS SELECT * FROM one;
CREATE STREAM bare WITH (KEY_FORMAT='NONE', VALUE_FORMAT='JSON', WRAP_SINGLE_VALUE=false) AS SELECT i FROM source PARTITION BY NULL;
CREATE STREAM bare_back WITH (VALUE_FORMAT='JSON', WRAP_SINGLE_VALUE=true) AS SELECT * FROM bare;
CREATE STREAM keyed WITH (KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS SELECT l, s FROM source PARTITION BY l;
CREATE STREAM keyed_back WITH (KEY_FORMAT='JSON') AS SELECT * FROM keyed;
-- in source null {"I":5,"L":6,"S":"x"} @4
-- schemas
