-- What JSON values may stand for: wider and narrower numbers, texts of numbers, names in any case, and what fails.
CREATE STREAM s (i INT, l BIGINT, d DOUBLE, x DECIMAL(4, 2), b BOOLEAN, s STRING, y BYTES, dt DATE, tm TIME, ts TIMESTAMP, a ARRAY<INT>, m MAP<STRING, DOUBLE>, t STRUCT<p INT, "q" STRING>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT * FROM s;
-- in s null {"I":"12","L":"13","D":"1.5","X":"2.50","B":"true"}
-- in s null {"i":1.9,"L":2.9,"d":3}
-- in s null {"X":1,"S":5,"TS":5,"DT":6,"TM":7}
-- in s null {"S":{"a":[1,2.50]},"M":{"k":1,"n":null},"T":{"P":1,"q":"z","more":2},"extra":true}
-- in s null {"S":[1,"x"],"A":["1",2]}
-- in s null {"S":true,"D":1e400}
-- in s null {"L":9223372036854775808}
-- in s null {"I":2147483648}
-- in s null {"I":true}
-- in s null {"I":"x"}
-- in s null {"D":"x"}
-- in s null {"D":"NaN"}
-- in s null {"X":"x"}
-- in s null {"X":1.239}
-- in s null {"B":1}
-- in s null {"Y":5}
-- in s null {"DT":"2021-01-01"}
-- in s null {"TM":true}
-- in s null {"TS":"x"}
-- in s null {"A":5}
-- in s null {"A":[true]}
-- in s null {"M":[1]}
-- in s null {"T":5}
-- in s null {"S":"\u00e4\n\"\\\/\ud83c\udf89","s":"second"}
-- in s null 5
-- in s null "text"
-- in s null null

CREATE STREAM bare (k ARRAY<INT> KEY, v INT) WITH (KAFKA_TOPIC='bare', FORMAT='JSON', WRAP_SINGLE_VALUE=false, PARTITIONS=1);
CREATE STREAM bare_out WITH (WRAP_SINGLE_VALUE=true) AS SELECT * FROM bare;
-- in bare [1,2] 5
-- in bare [] "6"
-- in bare null {"V":7}
-- in bare 5 5
-- in bare [1] null
