-- ROW_NUMBER in a query in FROM: the first rows of each partition, a table by partition and number.
CREATE STREAM bids (id INT KEY, item STRING, price INT, who STRING) WITH (KAFKA_TOPIC='bids', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE top AS SELECT item, n, id, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price DESC, id) AS n FROM bids WHERE who <> 'x') WHERE n <= 2;
-- Where the first is wanted, its partition is the key: the last by time of each.
CREATE TABLE latest AS SELECT id, item, price, ROWTIME AS at FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ROWTIME DESC NULLS LAST) AS n FROM bids) AS q WHERE n = 1;
CREATE TABLE second AS SELECT UPPER_ITEM, n, price FROM (SELECT UCASE(item) AS upper_item, price, ROW_NUMBER() OVER (PARTITION BY UCASE(item) ORDER BY price) AS n FROM bids) WHERE n = 2 AND price > 1;
CREATE TABLE counted AS SELECT price, COUNT(*) AS firsts FROM (SELECT item, price, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price DESC) AS n FROM bids) WHERE n < 3 GROUP BY price;
-- in bids 1 {"ITEM":"a","PRICE":5,"WHO":"p"} @1
-- in bids 2 {"ITEM":"a","PRICE":3,"WHO":"q"} @2
-- in bids 3 {"ITEM":"b","PRICE":1,"WHO":"q"} @3
-- in bids 4 {"ITEM":"a","PRICE":9,"WHO":"p"} @4
-- in bids 5 {"ITEM":"a","PRICE":9,"WHO":"x"} @5
-- in bids 1 {"ITEM":"a","PRICE":5,"WHO":"r"} @3
-- in bids 1 {"ITEM":"a","PRICE":null,"WHO":"r"} @2
-- in bids 6 {"ITEM":null,"PRICE":7,"WHO":"r"} @7
-- in bids 7 null @8

-- What is found by its partition can be joined.
CREATE STREAM asked AS SELECT b.id AS id, b.price AS price, q.price AS last FROM bids b JOIN (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ROWTIME DESC) AS n FROM bids) AS q ON b.id = q.id WHERE q.n = 1;
CREATE STREAM of_item AS SELECT b.item AS item, b.id AS id, b.price - q.price AS less FROM bids b JOIN (SELECT item, price, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price DESC) AS n FROM bids) AS q ON b.item = q.item WHERE q.n <= 1;
-- in bids 9 {"ITEM":"c","PRICE":5,"WHO":"p"} @9
-- in bids 9 {"ITEM":"c","PRICE":7,"WHO":"p"} @10
-- in bids 9 {"ITEM":null,"PRICE":8,"WHO":"p"} @11

-- The key of a table in FROM is in its order, whatever the order of the columns.
CREATE TABLE turned AS SELECT n, item, price FROM (SELECT ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n, price, item FROM bids) WHERE n <= 1 + 1;
CREATE TABLE turned AS SELECT n, item, price FROM (SELECT ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n, price, item FROM bids) WHERE n BETWEEN 1 AND 2;
-- in bids 8 {"ITEM":"a","PRICE":5,"WHO":"p"} @11

CREATE TABLE t (id INT PRIMARY KEY, item STRING, price INT) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM x AS SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n FROM bids;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n FROM bids) WHERE price > 1;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n FROM bids) WHERE n <= 5000;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n FROM bids) WHERE n < 1;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) FROM bids) WHERE price <= 1;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) + 1 AS n FROM bids) WHERE n <= 1;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n, ROW_NUMBER() OVER (PARTITION BY id ORDER BY price) AS m FROM bids) WHERE n <= 1;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n FROM t) WHERE n <= 1;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item) AS n FROM bids) WHERE n <= 1;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER(1) OVER (PARTITION BY item ORDER BY price) AS n FROM bids) WHERE n <= 1;
CREATE TABLE x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY ARRAY[price]) AS n FROM bids) WHERE n <= 1;
CREATE TABLE x AS SELECT * FROM (SELECT price, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n FROM bids) WHERE n <= 1;
CREATE TABLE x AS SELECT item, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n FROM bids) WHERE n <= 2;
CREATE TABLE x AS SELECT * FROM (SELECT item, COUNT(*) AS c, ROW_NUMBER() OVER (PARTITION BY item ORDER BY item) AS n FROM bids GROUP BY item) WHERE n <= 1;
CREATE STREAM x AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n FROM bids) WHERE n <= 1;
CREATE STREAM x AS SELECT id, ROW_NUMBER() AS n FROM bids;
