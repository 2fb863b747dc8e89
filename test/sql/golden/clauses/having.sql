-- A group that fits no longer is deleted.
CREATE STREAM sales (id INT KEY, shop STRING, amount INT) WITH (KAFKA_TOPIC='sales', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE few AS SELECT shop, SUM(amount) AS total FROM sales WHERE amount <> 0 GROUP BY shop HAVING COUNT(*) BETWEEN 2 AND 3 AND shop <> 'x';
-- in sales 1 {"SHOP":"a","AMOUNT":1} @1
-- in sales 1 {"SHOP":"a","AMOUNT":0} @2
-- in sales 1 {"SHOP":"a","AMOUNT":2} @3
-- in sales 1 {"SHOP":"x","AMOUNT":2} @4
-- in sales 1 {"SHOP":"x","AMOUNT":2} @5
-- in sales 1 {"SHOP":"a","AMOUNT":3} @6
-- in sales 1 {"SHOP":"a","AMOUNT":4} @7
