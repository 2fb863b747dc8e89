-- One key, several, an expression, the key as it is; a null in the grouping leaves the row out.
CREATE STREAM sales (id INT KEY, shop STRING, amount DECIMAL(8, 2)) WITH (KAFKA_TOPIC='sales', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE by_id AS SELECT id, COUNT(*) AS n FROM sales GROUP BY id;
CREATE TABLE by_shop AS SELECT shop, SUM(amount) AS total, COUNT(*) AS n FROM sales GROUP BY shop;
CREATE TABLE by_both AS SELECT id, shop, COUNT(*) AS n, AS_VALUE(shop) AS shop_too FROM sales GROUP BY id, shop;
CREATE TABLE by_letter AS SELECT SUBSTRING(shop, 1, 1) AS letter, COUNT(*) * 2 AS twice FROM sales GROUP BY SUBSTRING(shop, 1, 1);
CREATE TABLE by_paren AS SELECT shop, id, MAX(amount) + MIN(amount) AS spread FROM sales GROUP BY (shop, id);
-- in sales 1 {"SHOP":"berlin","AMOUNT":1.50} @1
-- in sales 2 {"SHOP":"bonn","AMOUNT":2.25} @2
-- in sales 1 {"SHOP":"berlin","AMOUNT":3.00} @3
-- in sales 1 {"SHOP":null,"AMOUNT":3.00} @4
-- in sales null {"SHOP":"bonn","AMOUNT":null} @5

-- A table is taken apart and put together: the old row goes, the new one comes.
CREATE TABLE people (name STRING PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='people', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE cities AS SELECT city, COUNT(*) AS n FROM people GROUP BY city;
-- in people "ann" {"CITY":"bonn"} @1
-- in people "bob" {"CITY":"bonn"} @2
-- in people "ann" {"CITY":"kiel"} @3
-- in people "bob" null @4
