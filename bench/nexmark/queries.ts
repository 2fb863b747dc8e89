// Nexmark's queries in ksqlDB's dialect, and how a row of each result is written down for the comparison.

export interface Query {
  readonly statements: string;
  /** The topic of the result. */
  readonly topic: string;
  /** A table's rows replace one another by key; a stream's add up. */
  readonly isTable: boolean;
  /** Lines of a result row; more than one where a row holds several results. */
  readonly lines: (value: Row, key: Buffer | null) => readonly string[];
}

export type Row = Readonly<Record<string, unknown>>;

export const SOURCES = `
CREATE STREAM bid (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP, extra STRING) WITH (KAFKA_TOPIC='bid', VALUE_FORMAT='JSON');
CREATE STREAM auction (id BIGINT KEY, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, dateTime TIMESTAMP, expires TIMESTAMP, seller BIGINT, category BIGINT, extra STRING) WITH (KAFKA_TOPIC='auction', VALUE_FORMAT='JSON');
CREATE STREAM person (id BIGINT KEY, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, dateTime TIMESTAMP, extra STRING) WITH (KAFKA_TOPIC='person', VALUE_FORMAT='JSON');
CREATE TABLE auctions (id BIGINT PRIMARY KEY, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, dateTime TIMESTAMP, expires TIMESTAMP, seller BIGINT, category BIGINT, extra STRING) WITH (KAFKA_TOPIC='auction', VALUE_FORMAT='JSON');
CREATE TABLE persons (id BIGINT PRIMARY KEY, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, dateTime TIMESTAMP, extra STRING) WITH (KAFKA_TOPIC='person', VALUE_FORMAT='JSON');
CREATE TABLE side_input (k BIGINT PRIMARY KEY, value STRING) WITH (KAFKA_TOPIC='side_input', VALUE_FORMAT='JSON');
`;

const longKey = (key: Buffer | null): string => String(key!.readBigInt64BE(0));
const longAt = (key: Buffer | null, at: number): string => String(key!.readBigInt64BE(at));
const columns =
  (...names: readonly string[]) =>
  (row: Row): readonly string[] => [line(names.map((name) => row[name]))];

export function line(values: readonly unknown[]): string {
  return values.map((value) => (value === null || value === undefined ? '' : String(value))).join('|');
}

const top = (row: Row): readonly Row[] => row.TOP as readonly Row[];

const BID_JOINS_AUCTION = `FROM bid b JOIN auction a WITHIN 10 SECONDS GRACE PERIOD 10 SECONDS ON b.auction = a.id`;

export const QUERIES: Readonly<Record<string, Query>> = {
  q3: {
    topic: 'Q3',
    isTable: true,
    lines: (row, key) => [line([row.NAME, row.CITY, row.STATE, longKey(key)])],
    statements: `
CREATE TABLE q3 AS SELECT a.id AS id, p.name AS name, p.city AS city, p.state AS state FROM auctions a JOIN persons p ON a.seller = p.id
  WHERE a.category = 10 AND (p.state = 'OR' OR p.state = 'ID' OR p.state = 'CA') EMIT CHANGES;`,
  },
  q4: {
    topic: 'Q4',
    isTable: true,
    lines: (row, key) => [line([key!.toString(), Math.trunc(row.AVERAGE as number)])],
    statements: `
CREATE STREAM q4_join AS SELECT a.id AS id, a.category AS category, b.price AS price ${BID_JOINS_AUCTION}
  WHERE b.dateTime >= a.dateTime AND b.dateTime <= a.expires EMIT CHANGES;
CREATE TABLE q4_max WITH (KEY_FORMAT='JSON') AS SELECT id, category, MAX(price) AS final FROM q4_join GROUP BY id, category EMIT CHANGES;
CREATE TABLE q4 AS SELECT category, AVG(final) AS average FROM q4_max GROUP BY category EMIT CHANGES;`,
  },
  q5: {
    topic: 'Q5',
    isTable: true,
    lines: (row, key) =>
      top(row)
        .filter(({ sort_col }) => sort_col === top(row)[0]!.sort_col)
        .map(({ col0, sort_col }) => line([col0, sort_col, longKey(key)])),
    statements: `
CREATE TABLE q5_counts AS SELECT auction, AS_VALUE(auction) AS a, COUNT(*) AS num, WINDOWSTART AS ws
  FROM bid WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 2 SECONDS, GRACE PERIOD 4 SECONDS) GROUP BY auction EMIT FINAL;
CREATE STREAM q5_rows (a BIGINT, num BIGINT, ws BIGINT) WITH (KAFKA_TOPIC='Q5_COUNTS', VALUE_FORMAT='JSON');
CREATE TABLE q5 AS SELECT ws, TOPK(num, a, 20) AS top FROM q5_rows GROUP BY ws EMIT CHANGES;`,
  },
  q7: {
    topic: 'Q7',
    isTable: false,
    lines: columns('AUCTION', 'PRICE', 'BIDDER', 'DATETIME', 'EXTRA'),
    statements: `
CREATE TABLE q7_max AS SELECT 'all' AS k, MAX(price) AS maxprice, WINDOWSTART AS ws, WINDOWEND AS we
  FROM bid WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 4 SECONDS) GROUP BY 'all' EMIT FINAL;
CREATE STREAM q7_rows (maxprice BIGINT, ws TIMESTAMP, we TIMESTAMP) WITH (KAFKA_TOPIC='Q7_MAX', VALUE_FORMAT='JSON');
CREATE STREAM q7 AS SELECT b.price AS k, AS_VALUE(b.price) AS price, b.auction AS auction, b.bidder AS bidder, b.dateTime AS dateTime, b.extra AS extra
  FROM bid b JOIN q7_rows m WITHIN 10 SECONDS GRACE PERIOD 20 SECONDS ON b.price = m.maxprice
  WHERE b.dateTime >= m.ws AND b.dateTime <= m.we EMIT CHANGES;`,
  },
  q8: {
    topic: 'Q8',
    isTable: true,
    lines: (row, key) => [line([longKey(key), row.NAME, longAt(key, 8)])],
    statements: `
CREATE TABLE q8_p AS SELECT id, LATEST_BY_OFFSET(name) AS name FROM person WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY id EMIT CHANGES;
CREATE TABLE q8_a AS SELECT seller, COUNT(*) AS n FROM auction WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY seller EMIT CHANGES;
CREATE TABLE q8 AS SELECT p.id AS id, p.name AS name FROM q8_p p JOIN q8_a a ON p.id = a.seller EMIT CHANGES;`,
  },
  q9: {
    topic: 'Q9',
    isTable: true,
    lines: (row, key) => {
      const [best] = top(row);
      return [line([longKey(key), row.ITEMNAME, row.SELLER, row.CATEGORY, best!.col0, best!.sort_col, best!.col1])];
    },
    statements: `
CREATE STREAM q9_join AS SELECT a.id AS id, a.itemName AS itemName, a.description AS description, a.initialBid AS initialBid, a.reserve AS reserve, a.dateTime AS dateTime,
    a.expires AS expires, a.seller AS seller, a.category AS category, a.extra AS extra, b.bidder AS bidder, b.price AS price, b.dateTime AS bid_dateTime, b.extra AS bid_extra
  ${BID_JOINS_AUCTION} WHERE b.dateTime >= a.dateTime AND b.dateTime <= a.expires EMIT CHANGES;
CREATE TABLE q9 AS SELECT id, LATEST_BY_OFFSET(itemName) AS itemName, LATEST_BY_OFFSET(description) AS description, LATEST_BY_OFFSET(initialBid) AS initialBid,
    LATEST_BY_OFFSET(reserve) AS reserve, LATEST_BY_OFFSET(dateTime) AS dateTime, LATEST_BY_OFFSET(expires) AS expires, LATEST_BY_OFFSET(seller) AS seller,
    LATEST_BY_OFFSET(category) AS category, LATEST_BY_OFFSET(extra) AS extra, TOPK(price, bidder, bid_dateTime, bid_extra, 1) AS top
  FROM q9_join GROUP BY id EMIT CHANGES;`,
  },
  q11: {
    topic: 'Q11',
    isTable: true,
    lines: (row, key) => [line([longKey(key), row.BID_COUNT, longAt(key, 16)])],
    statements: `
CREATE TABLE q11 AS SELECT bidder, COUNT(*) AS bid_count FROM bid WINDOW SESSION (10 SECONDS) GROUP BY bidder EMIT CHANGES;`,
  },
  q12e: {
    topic: 'Q12E',
    isTable: true,
    lines: (row, key) => [line([longKey(key), row.BID_COUNT, longAt(key, 8)])],
    statements: `
CREATE TABLE q12e AS SELECT bidder, COUNT(*) AS bid_count FROM bid WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY bidder EMIT CHANGES;`,
  },
  q13: {
    topic: 'Q13',
    isTable: false,
    lines: columns('AUCTION', 'BIDDER', 'PRICE', 'DATETIME', 'VALUE'),
    statements: `
CREATE STREAM q13 AS SELECT s.k AS k, b.auction AS auction, b.bidder AS bidder, b.price AS price, b.dateTime AS dateTime, s.value AS value
  FROM bid b JOIN side_input s ON b.auction % 10000 = s.k EMIT CHANGES;`,
  },
  q17: {
    topic: 'Q17',
    isTable: true,
    lines: (row, key) => {
      const { AUCTION, DAY } = JSON.parse(key!.toString()) as Row;
      const { TOTAL_BIDS, RANK1_BIDS, RANK2_BIDS, RANK3_BIDS, MIN_PRICE, MAX_PRICE, AVG_PRICE, SUM_PRICE } = row;
      const ranks = [RANK1_BIDS, RANK2_BIDS, RANK3_BIDS];
      return [
        line([AUCTION, DAY, TOTAL_BIDS, ...ranks, MIN_PRICE, MAX_PRICE, Math.trunc(AVG_PRICE as number), SUM_PRICE]),
      ];
    },
    statements: `
CREATE TABLE q17 WITH (KEY_FORMAT='JSON') AS SELECT auction, FORMAT_TIMESTAMP(dateTime, 'yyyy-MM-dd', 'UTC') AS day, COUNT(*) AS total_bids,
    SUM(CASE WHEN price < 10000 THEN 1 ELSE 0 END) AS rank1_bids, SUM(CASE WHEN price >= 10000 AND price < 1000000 THEN 1 ELSE 0 END) AS rank2_bids, SUM(CASE WHEN price >= 1000000 THEN 1 ELSE 0 END) AS rank3_bids,
    MIN(price) AS min_price, MAX(price) AS max_price, AVG(price) AS avg_price, SUM(price) AS sum_price
  FROM bid GROUP BY auction, FORMAT_TIMESTAMP(dateTime, 'yyyy-MM-dd', 'UTC') EMIT CHANGES;`,
  },
  q18: {
    topic: 'Q18',
    isTable: true,
    lines: (row, key) => {
      const { BIDDER, AUCTION } = JSON.parse(key!.toString()) as Row;
      return [line([AUCTION, BIDDER, row.PRICE, row.CHANNEL, row.DATETIME, row.EXTRA])];
    },
    statements: `
CREATE TABLE q18 WITH (KEY_FORMAT='JSON') AS SELECT auction, bidder, LATEST_BY_OFFSET(price) AS price, LATEST_BY_OFFSET(channel) AS channel, LATEST_BY_OFFSET(url) AS url,
    LATEST_BY_OFFSET(dateTime) AS dateTime, LATEST_BY_OFFSET(extra) AS extra FROM bid GROUP BY bidder, auction EMIT CHANGES;`,
  },
  q20: {
    topic: 'Q20',
    isTable: false,
    lines: columns(
      'AUCTION',
      'BIDDER',
      'PRICE',
      'CHANNEL',
      'DATETIME',
      'EXTRA',
      'ITEMNAME',
      'A_DATETIME',
      'SELLER',
      'CATEGORY',
    ),
    statements: `
CREATE STREAM q20 AS SELECT b.auction AS k, AS_VALUE(b.auction) AS auction, b.bidder AS bidder, b.price AS price, b.channel AS channel, b.url AS url, b.dateTime AS dateTime, b.extra AS extra,
    a.itemName AS itemName, a.description AS description, a.initialBid AS initialBid, a.reserve AS reserve, a.dateTime AS a_dateTime, a.expires AS expires, a.seller AS seller, a.category AS category, a.extra AS a_extra
  ${BID_JOINS_AUCTION} WHERE a.category = 10 EMIT CHANGES;`,
  },
  late: {
    topic: 'LATE',
    isTable: true,
    lines: (row, key) => [line([longKey(key), row.N, longAt(key, 8)])],
    statements: `
CREATE TABLE late AS SELECT auction, COUNT(*) AS n FROM bid WINDOW TUMBLING (SIZE 2 SECONDS, GRACE PERIOD 4 SECONDS) GROUP BY auction EMIT FINAL;`,
  },
};
