import { describe, expect, test } from 'vitest';
import { parseExpression, parseScript } from '../../../src/sql/parser/parse.ts';
import { printExpression, printStatement } from '../../../src/sql/parser/print.ts';

const round = (text: string): string => printExpression(parseExpression(text));
const kinds = (text: string): string[] => parseScript(text).map((parsed) => parsed.statement.kind);

describe('expressions', () => {
  test.each([
    ['a + b * c - 1', '((A + (B * C)) - 1)'],
    ['a or b and not c', '(A OR (B AND (NOT C)))'],
    ['x.y->z[1]->`q r`', 'X.Y->Z[1]->`q r`'],
    ["a || b + 'c'", "CONCAT(A, (B + 'c'))"],
    ['x not in (1, 2)', '(NOT (X IN (1, 2)))'],
    ["a like 'x!%' escape '!'", "(A LIKE 'x!%' ESCAPE '!')"],
    ['a is distinct from null', '(A IS DISTINCT FROM null)'],
    ['case x when 1 then 2 else 3 end', '(CASE X WHEN 1 THEN 2 ELSE 3 END)'],
    ['transform(m, (k, v) => k, (k, v) => v + 1)', 'TRANSFORM(M, (K, V) => K, (K, V) => (V + 1))'],
    ['dateadd(days, -3, d)', 'DATEADD(DAYS, -3, D)'],
    ["map('a' := 1)", "MAP('a':=1)"],
    ['struct(f := array[1, 2.50])', 'STRUCT(F:=ARRAY[1, 2.50])'],
    ['cast(x as map<string, array<decimal(4, 2)>>)', 'CAST(X AS MAP<STRING, ARRAY<DECIMAL(4, 2)>>)'],
    ["'it''s'", "'it''s'"],
    ['-9223372036854775808', '-9223372036854775808'],
    ['1e3', '1.0E3'],
    ['`from` = 1', '(`from` = 1)'],
  ])('%s', (text, printed) => {
    expect(round(text)).toBe(printed);
    expect(round(printed)).toBe(printed);
  });
});

describe('statements', () => {
  test('every kind of statement is understood', () => {
    const text = `
      CREATE OR REPLACE STREAM s (k INT KEY, h ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS, g BYTES HEADER('g')) WITH (KAFKA_TOPIC='t', FORMAT='JSON');
      CREATE SOURCE TABLE IF NOT EXISTS t (id INT PRIMARY KEY) WITH (kafka_topic='t');
      CREATE TABLE c AS SELECT id, count(*) AS n FROM s WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 5 MINUTES, RETENTION 1 DAY, GRACE PERIOD 0 SECONDS) GROUP BY id HAVING count(*) > 1 EMIT FINAL;
      INSERT INTO s WITH (QUERY_ID='q') SELECT * FROM r;
      INSERT INTO s (a, b) VALUES (1, 'x');
      SELECT a FROM s EMIT CHANGES LIMIT 3;
      DROP STREAM IF EXISTS s DELETE TOPIC;
      ALTER TABLE t ADD COLUMN a INT, ADD b STRING;
      ALTER SYSTEM 'a'='b';
      CREATE TYPE IF NOT EXISTS address AS STRUCT<street STRING, no INT>;
      DROP TYPE address;
      CREATE SINK CONNECTOR c WITH ("connector.class"='x');
      DROP CONNECTOR IF EXISTS c;
      TERMINATE ALL; PAUSE q; RESUME q;
      EXPLAIN q; EXPLAIN SELECT * FROM s EMIT CHANGES;
      SHOW TOPICS; LIST ALL TOPICS EXTENDED; SHOW SOURCE CONNECTORS; SHOW CONNECTOR PLUGINS; SHOW QUERIES;
      DESCRIBE s EXTENDED; DESCRIBE STREAMS; DESCRIBE FUNCTION ABS; DESCRIBE CONNECTOR c;
      PRINT 'my-topic' FROM BEGINNING INTERVAL 2 LIMIT 3; PRINT myTopic;
      SET 'auto.offset.reset'='earliest'; UNSET 'auto.offset.reset'; DEFINE v = 'x'; UNDEFINE v;
      ASSERT NOT EXISTS TOPIC t WITH (PARTITIONS=1) TIMEOUT 3 SECONDS; ASSERT SCHEMA SUBJECT 's' ID 3;`;
    expect(kinds(text)).toMatchInlineSnapshot(`
      [
        "createSource",
        "createSource",
        "createAsSelect",
        "insertIntoSelect",
        "insertValues",
        "query",
        "dropSource",
        "alterSource",
        "alterSystem",
        "createType",
        "dropType",
        "createConnector",
        "dropConnector",
        "terminate",
        "pause",
        "resume",
        "explain",
        "explain",
        "show",
        "show",
        "show",
        "show",
        "show",
        "describe",
        "describeAll",
        "describeFunction",
        "describeConnector",
        "print",
        "print",
        "set",
        "unset",
        "define",
        "undefine",
        "assertTopic",
        "assertSchema",
      ]
    `);
  });

  test('a bare topic keeps its case', () => {
    expect(parseScript('PRINT myTopic;')[0]?.statement).toMatchObject({ kind: 'print', topic: 'myTopic' });
  });

  test('EMIT and PARTITION are names except where they start a clause', () => {
    const [first] = parseScript('SELECT a emit, b partition FROM s PARTITION BY a EMIT CHANGES;');
    expect(printStatement(first!.statement)).toBe(
      'SELECT\n  A EMIT,\n  B PARTITION\nFROM S S\nPARTITION BY A\nEMIT CHANGES',
    );
  });

  test('joins print their windows', () => {
    const [first] = parseScript(
      'SELECT * FROM a LEFT JOIN b WITHIN (1 SECOND, 2 SECONDS) GRACE PERIOD 3 SECONDS ON a.x = b.x;',
    );
    expect(printStatement(first!.statement)).toContain(
      'LEFT OUTER JOIN B B WITHIN (1000 MILLISECONDS, 2000 MILLISECONDS) GRACE PERIOD 3000 MILLISECONDS ON ((A.X = B.X))',
    );
  });
});

describe('mistakes', () => {
  test.each([
    ['FLY AWAY;', "line 1:1: Syntax Error\nUnknown statement 'FLY'\nStatement: FLY AWAY;"],
    ['SELECT a\nFROM WHERE;', "line 2:6: Syntax Error\nSyntax error at or near 'WHERE' at line 2:6"],
    ['SELECT (a, b) FROM s;', "line 1:10: Syntax Error\nmissing ')' at ','"],
    ['CREATE STREAM s (a INT', 'Statement is incomplete'],
    ["SELECT 'a FROM s;", "Syntax error at or near ' at line 1:8"],
  ])('%s', (text, message) => {
    expect(() => parseScript(text)).toThrow(message);
  });

  test('a key of the wrong kind is named with its place', () => {
    const [parsed] = parseScript("CREATE TABLE t (a INT KEY) WITH (kafka_topic='t');");
    expect(() => parsed?.statement).toThrow("Line: 1, Col: 17: Column `A` is a 'KEY' column: please use 'PRIMARY KEY'");
  });
});
