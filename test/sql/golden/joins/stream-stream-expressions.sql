-- Joins by other columns and by expressions: sides are given a new key, and the result a synthetic one where it must.
CREATE STREAM l (id INT KEY, name STRING, n INT) WITH (KAFKA_TOPIC='l', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM r (id INT KEY, title STRING, rowkey STRING) WITH (KAFKA_TOPIC='r', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM by_column AS SELECT l.name, l.n, r.title FROM l JOIN r WITHIN 1 MINUTE ON l.name = r.title;
CREATE STREAM by_expression AS SELECT ROWKEY_1, l.n, r.title FROM l JOIN r WITHIN 1 MINUTE ON UCASE(l.name) = UCASE(r.title);
CREATE STREAM by_key_in_other_format AS SELECT * FROM l INNER JOIN r WITHIN 1 MINUTE ON r.id = l.id WHERE l.n > 0;
-- in l 1 {"NAME":"a","N":1} @1
-- in r 0x00000001 {"TITLE":"a"} @2
-- in r 0x00000002 {"TITLE":"A"} @3
-- in l 1 {"NAME":null,"N":0} @4
