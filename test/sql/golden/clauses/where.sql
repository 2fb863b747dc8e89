-- What WHERE lets through: true only. Null and a failure drop the row.
CREATE STREAM clicks (who STRING KEY, page STRING, ms BIGINT, at STRUCT<country STRING, code INT>) WITH (KAFKA_TOPIC='clicks', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM slow AS SELECT who, UCASE(page) AS page, ms / 1000 AS s FROM clicks WHERE ms > 1000 AND page LIKE '/%' EMIT CHANGES;
CREATE STREAM abroad AS SELECT who, at->* FROM clicks WHERE at->country NOT IN ('DE', 'AT') OR 100 / ms > 3;
-- in clicks "ann" {"PAGE":"/a","MS":2500,"AT":{"COUNTRY":"FR","CODE":33}} @1
-- in clicks "ann" {"PAGE":"a","MS":2500,"AT":{"COUNTRY":"DE","CODE":49}} @2
-- in clicks "ann" {"PAGE":"/b","MS":null,"AT":null} @3
-- in clicks "ann" {"PAGE":"/c","MS":0,"AT":{"COUNTRY":"AT","CODE":43}} @4
-- in clicks "ann" {"PAGE":"/c","MS":10,"AT":{"COUNTRY":"AT","CODE":43}} @5
-- in clicks null {"page":"/d","ms":1001} @6
-- A record that can't be read is left out.
-- in clicks "ann" {"MS":"many"} @7
-- in clicks "ann" [1] @8
-- in clicks "ann" null @9

CREATE TABLE pages (page STRING PRIMARY KEY, hits INT) WITH (KAFKA_TOPIC='pages', FORMAT='JSON', PARTITIONS=1);
-- A row that no longer fits is deleted from the table made of it.
CREATE TABLE hot AS SELECT * FROM pages WHERE hits >= 10;
-- in pages "/a" {"HITS":9} @1
-- in pages "/a" {"HITS":10} @2
-- in pages "/a" {"HITS":3} @3
-- in pages "/a" null @4
-- in pages null {"HITS":50} @5
