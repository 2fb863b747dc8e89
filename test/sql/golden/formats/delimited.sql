-- Every type that fits a line, quotes, other delimiters, and lines that do not fit.
CREATE STREAM source (k1 INT KEY, k2 STRING KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, x DECIMAL(6, 2), s STRING, y BYTES, dt DATE, tm TIME, ts TIMESTAMP) WITH (KAFKA_TOPIC='source', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM written WITH (FORMAT='DELIMITED') AS SELECT * FROM source;
CREATE STREAM back WITH (FORMAT='JSON') AS SELECT * FROM written;
-- in source {"K1":1,"K2":"a,b"} {"B":true,"I":7,"L":9007199254740993,"D":2.5,"X":12.50,"S":"text","Y":"aGk=","DT":18690,"TM":3723004,"TS":1614834000000} @1
-- in source null {"S":"say \"hi\", twice"} @2
-- in source {"K1":1,"K2":"a"} null @3

CREATE STREAM lines (a INT, b STRING, c BOOLEAN) WITH (KAFKA_TOPIC='lines', VALUE_FORMAT='DELIMITED', VALUE_DELIMITER=';', PARTITIONS=1);
CREATE STREAM parsed WITH (VALUE_FORMAT='JSON') AS SELECT * FROM lines;
-- in lines null 1;x;true @1
-- in lines null 2;"a;""b""";false @2
-- in lines null ;; @3
-- in lines null 1;x @4
-- in lines null x;x;true @5
-- in lines null 1;"open;true @6
-- in lines null 1;"x"y;true @7
-- in lines null 1;x;maybe @8
