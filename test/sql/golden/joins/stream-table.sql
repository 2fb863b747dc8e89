-- A stream looks rows up in a table, as it is then.
CREATE STREAM orders (id INT KEY, customer STRING, total DOUBLE) WITH (KAFKA_TOPIC='orders', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE customers (name STRING PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='customers', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM enriched AS SELECT o.customer, o.total, c.city FROM orders o JOIN customers c ON o.customer = c.name;
CREATE STREAM enriched_or_not AS SELECT o.customer AS who, o.total, c.city FROM orders o LEFT JOIN customers c ON o.customer = c.name;
CREATE STREAM by_expression AS SELECT c.name, o.id FROM orders o JOIN customers c ON LCASE(o.customer) = c.name;
-- in customers "ann" {"CITY":"bonn"} @1
-- in orders 1 {"CUSTOMER":"ann","TOTAL":1.5} @2
-- in orders 2 {"CUSTOMER":"ANN","TOTAL":2.5} @3
-- in customers "ann" {"CITY":"kiel"} @4
-- in orders 3 {"CUSTOMER":"ann","TOTAL":3.5} @5
-- in customers "ann" null @6
-- in orders 4 {"CUSTOMER":"ann","TOTAL":4.5} @7
-- in orders 5 {"CUSTOMER":null,"TOTAL":5.5} @8
