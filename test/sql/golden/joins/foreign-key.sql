-- A column of the left table names rows of the right one; both sides may change.
CREATE TABLE people (name STRING PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='people', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE cities (city STRING PRIMARY KEY, country STRING) WITH (KAFKA_TOPIC='cities', FORMAT='JSON', PARTITIONS=2);
CREATE TABLE located AS SELECT p.name, p.city, c.country FROM people p JOIN cities c ON p.city = c.city;
CREATE TABLE maybe_located AS SELECT p.name, c.country FROM people p LEFT JOIN cities c ON LCASE(p.city) = c.city;
-- in people "ann" {"CITY":"bonn"} @1
-- in cities "bonn" {"COUNTRY":"DE"} @2
-- in people "bob" {"CITY":"Bonn"} @3
-- in cities "bonn" {"COUNTRY":"Germany"} @4
-- in people "ann" {"CITY":"graz"} @5
-- in people "ann" {"CITY":null} @6
-- in cities "bonn" null @7
-- in people "bob" null @8
