-- A query in FROM is a source: its columns, its key, the time of its rows.
CREATE STREAM sales (id INT KEY, shop STRING, amount INT) WITH (KAFKA_TOPIC='sales', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM dear AS SELECT id, shop, twice + 1 AS more, ROWTIME AS at FROM (SELECT id, shop, amount * 2 AS twice FROM sales WHERE amount > 1) AS d WHERE d.twice < 100;
CREATE STREAM unkeyed AS SELECT * FROM (SELECT shop, amount FROM sales) AS q;
-- in sales 1 {"SHOP":"a","AMOUNT":5} @10
-- in sales 2 {"SHOP":"b","AMOUNT":1} @11
-- in sales 3 {"SHOP":"a","AMOUNT":50} @12

-- Aggregates of aggregates: each has a store and a topic of its own.
CREATE TABLE sizes AS SELECT n, COUNT(*) AS shops, MAX(total) AS most FROM (SELECT shop, COUNT(*) AS n, SUM(amount) AS total FROM sales GROUP BY shop) AS per_shop GROUP BY n;
-- in sales 1 {"SHOP":"a","AMOUNT":5} @10
-- in sales 2 {"SHOP":"b","AMOUNT":1} @11
-- in sales 3 {"SHOP":"a","AMOUNT":50} @12

-- Windows that are closed are rows of a stream: the best shop of each window.
CREATE TABLE best AS
  WITH per_window AS (SELECT shop, WINDOWSTART AS since, SUM(amount) AS total FROM sales WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY shop EMIT FINAL)
  SELECT since, ARG_MAX(shop, total) AS shop, MAX(total) AS total FROM per_window GROUP BY since;
-- in sales 1 {"SHOP":"a","AMOUNT":5} @1000
-- in sales 2 {"SHOP":"b","AMOUNT":7} @2000
-- in sales 3 {"SHOP":"a","AMOUNT":3} @9999
-- in sales 3 {"SHOP":"c","AMOUNT":9} @12000
-- in sales 3 {"SHOP":"c","AMOUNT":9} @25000

-- UNION ALL: columns by their place, names from the first; keys stay where all have the same.
CREATE STREAM returns (id INT KEY, store STRING, amount INT) WITH (KAFKA_TOPIC='returns', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM moves AS SELECT id, shop, amount FROM sales UNION ALL SELECT id, store, amount * -1 FROM returns;
CREATE TABLE balance AS SELECT shop, SUM(amount) AS total FROM (SELECT * FROM sales UNION ALL SELECT id, store, amount * -1 FROM returns) AS m GROUP BY shop;
CREATE STREAM both_halves AS SELECT * FROM sales WHERE amount > 5 UNION ALL SELECT * FROM sales WHERE amount < 3;
CREATE STREAM nameless AS SELECT shop, amount FROM sales UNION ALL SELECT store, id FROM returns;
-- in sales 1 {"SHOP":"a","AMOUNT":5} @10
-- in returns 1 {"STORE":"a","AMOUNT":2} @11
-- in sales 2 {"SHOP":"b","AMOUNT":9} @12
-- in sales 3 {"SHOP":"b","AMOUNT":1} @13
-- in sales 3 null @14

-- Joined: what is aggregated, with what comes.
CREATE STREAM with_total AS SELECT s.id AS id, s.shop AS shop, t.total AS total FROM sales s JOIN (SELECT shop, SUM(amount) AS total FROM sales GROUP BY shop) AS t ON s.shop = t.shop;
CREATE TABLE names (shop STRING PRIMARY KEY, name STRING) WITH (KAFKA_TOPIC='names', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE named AS SELECT t.shop AS shop, name, total FROM (SELECT shop, SUM(amount) AS total FROM sales GROUP BY shop HAVING SUM(amount) > 5) AS t JOIN (SELECT shop, UCASE(name) AS name FROM names) AS n ON t.shop = n.shop;
-- in names "a" {"NAME":"ann"} @1
-- in sales 1 {"SHOP":"a","AMOUNT":5} @10
-- in sales 2 {"SHOP":"a","AMOUNT":9} @12
-- in sales 3 {"SHOP":"b","AMOUNT":9} @13

-- Refused.
CREATE STREAM x AS SELECT * FROM (SELECT * FROM sales LIMIT 3) AS q;
CREATE STREAM x AS SELECT * FROM (SELECT * FROM sales ORDER BY id) AS q;
CREATE STREAM x AS SELECT * FROM (SELECT DISTINCT shop FROM sales) AS q;
CREATE TABLE x AS SELECT * FROM (SELECT COUNT(*) AS n FROM sales GROUP BY shop) AS q;
CREATE TABLE x AS SELECT since, COUNT(*) FROM (SELECT shop, WINDOWSTART AS since, COUNT(*) AS n FROM sales WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY shop) AS q GROUP BY since;
CREATE STREAM x AS SELECT id FROM sales UNION ALL SELECT id, store FROM returns;
CREATE STREAM x AS SELECT shop FROM sales UNION ALL SELECT id FROM returns;
CREATE TABLE x AS SELECT * FROM names UNION ALL SELECT * FROM names;
CREATE STREAM x AS SELECT * FROM (SELECT nothing FROM sales) AS q;
CREATE STREAM x AS SELECT other FROM (SELECT shop FROM sales) AS q;
CREATE STREAM x AS SELECT * FROM (SELECT * FROM sales);
