-- Three million flights of 2001, as they happen.
--
-- Run by `npm run demo`, or statement by statement in `bin/millrace sql` while the demo runs with --keep.
-- Every statement says IF NOT EXISTS, so the script can be run again on the same data.

-- The flights arrive in a topic as Avro; the registry knows their schema as soon as this statement has run.
-- The record's time is the flight's own, so windows are days of 2001 and not of today.
CREATE STREAM IF NOT EXISTS flights (
  origin STRING KEY,
  destination STRING,
  delay INTEGER,             -- minutes; negative is early
  distance INTEGER,          -- miles
  departure TIMESTAMP
) WITH (
  KAFKA_TOPIC = 'flights', PARTITIONS = 4, VALUE_FORMAT = 'AVRO', TIMESTAMP = 'departure',
  RETENTION_MS = -1          -- records of 2001 are older than any retention
);

-- The airports are a table: the newest row per code counts.
CREATE TABLE IF NOT EXISTS airports (
  iata STRING PRIMARY KEY,
  name STRING,
  city STRING,
  state STRING,
  latitude DOUBLE,
  longitude DOUBLE
) WITH (
  KAFKA_TOPIC = 'airports', PARTITIONS = 4, VALUE_FORMAT = 'JSON'
);

-- A filtered, projected stream: flights more than two hours late.
CREATE STREAM IF NOT EXISTS late_flights WITH (RETENTION_MS = -1) AS
  SELECT origin, destination, delay, delay / 60 AS hours_late, distance
  FROM flights
  WHERE delay > 120
  EMIT CHANGES;

-- A stream joined to a table: where those flights were waited for.
CREATE STREAM IF NOT EXISTS late_flights_by_city WITH (RETENTION_MS = -1) AS
  SELECT l.origin AS origin, a.city AS city, a.state AS state, l.destination AS destination, l.delay AS delay
  FROM late_flights l
  LEFT JOIN airports a ON l.origin = a.iata
  EMIT CHANGES;

-- A windowed aggregate: each airport's day.
CREATE TABLE IF NOT EXISTS origin_days WITH (RETENTION_MS = -1) AS
  SELECT
    origin,
    COUNT(*) AS flights,
    AVG(delay) AS average_delay,
    AVG(CASE WHEN delay > 15 THEN 1E0 ELSE 0E0 END) AS share_delayed,
    MAX(delay) AS longest_delay
  FROM flights
  WINDOW TUMBLING (SIZE 1 DAY, RETENTION 365 DAYS, GRACE PERIOD 1 DAY)
  GROUP BY origin
  EMIT CHANGES;

-- A re-keyed aggregate: two columns make the key, so the stream is repartitioned on the way. The KAFKA format holds one
-- column only; a key of two needs one that holds more.
CREATE TABLE IF NOT EXISTS routes WITH (KEY_FORMAT = 'JSON') AS
  SELECT
    origin,
    destination,
    COUNT(*) AS flights,
    AVG(delay) AS average_delay,
    MAX(distance) AS miles
  FROM flights
  GROUP BY origin, destination
  EMIT CHANGES;
