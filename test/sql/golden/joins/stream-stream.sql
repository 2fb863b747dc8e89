-- All four kinds, by their keys, within an interval that has two sides, and grace.
CREATE STREAM orders (id INT KEY, total DOUBLE) WITH (KAFKA_TOPIC='orders', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM payments (id INT KEY, paid BIGINT) WITH (KAFKA_TOPIC='payments', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM inner_join AS SELECT o.id, o.total, p.paid FROM orders o JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 1 SECOND ON o.id = p.id;
CREATE STREAM left_join AS SELECT o.id, o.total, p.paid FROM orders o LEFT JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 1 SECOND ON o.id = p.id;
CREATE STREAM right_join AS SELECT p.id, o.total, p.paid FROM orders o RIGHT OUTER JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 1 SECOND ON o.id = p.id;
CREATE STREAM full_join AS SELECT ROWKEY, o.total, p.paid FROM orders o FULL OUTER JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 1 SECOND ON o.id = p.id;
CREATE STREAM sided AS SELECT * FROM orders o JOIN payments p WITHIN (1 SECOND, 5 SECONDS) ON o.id = p.id;
-- in orders 1 {"TOTAL":1.5} @1000
-- in payments 1 {"PAID":1} @2000
-- in payments 1 {"PAID":9} @11001
-- in payments 2 {"PAID":2} @12000
-- in orders 3 {"TOTAL":3.5} @13000
-- in orders 4 null @14000
-- in orders null {"TOTAL":9.5} @14000
-- in orders 9 {"TOTAL":0} @60000
-- in payments 9 {"PAID":0} @60000
