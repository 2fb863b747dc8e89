-- Several rows of one; two table functions side by side, the shorter one filled with nulls.
CREATE STREAM s (k STRING KEY, tags ARRAY<STRING>, counts ARRAY<INT>) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM tagged AS SELECT k, EXPLODE(tags) AS tag FROM s;
CREATE STREAM pairs AS SELECT k, EXPLODE(tags) AS tag, EXPLODE(counts) + 1 AS n FROM s WHERE ARRAY_LENGTH(tags) < 4;
CREATE STREAM counted AS SELECT k, UCASE(EXPLODE(tags)) || '!' AS tag FROM s;
CREATE TABLE per_tag AS SELECT tag, COUNT(*) AS n FROM tagged GROUP BY tag;
-- in s "a" {"TAGS":["x","y","x"],"COUNTS":[1]} @1
-- in s "b" {"TAGS":[],"COUNTS":null} @2
-- in s "c" {"TAGS":null,"COUNTS":[4,5]} @3
