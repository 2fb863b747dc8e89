// What people are told of the functions besides what they do: the names of their parameters, which are ksqlDB's, what each is
// for, and an example. A line has a function's name, its parameters, the example and what comes out of it, which the tests
// compute: `of` stands in front of the rows that an aggregate sees, `from` in front of what a table function is given.
//
// A parameter is one of every overload that is long enough, but for those with something in brackets: a type, where it
// stands for all arguments of that type, or how many parameters the overload must have.
const LINES = String.raw`
ABS | val: the number | ABS(-2) | 2
ACOS | value: a cosine, from -1 to 1 | ACOS(1.0) | 0.0
APPROX_PERCENTILE | val: the numbers; percentile: which part of them the result is not below, from 0 to 1 | ROUND(APPROX_PERCENTILE(x, 0.5)) of 10, 20, 30 | 20
APPROX_TOP_COUNT | val: the column; k: how many values | APPROX_TOP_COUNT(x, 2) of 7, 8, 7, 9, 8, 7 | [{"VALUE":7,"COUNT":3},{"VALUE":8,"COUNT":2}]
ARG_MAX | val: the value that is wanted; by: what is to be the largest | ARG_MAX(x, x) of 1, 3, 2 | 3
ARG_MIN | val: the value that is wanted; by: what is to be the smallest | ARG_MIN(x, x) of 1, 3, 2 | 1
ARRAY_CONCAT | left: the array that comes first; right: the one behind it | ARRAY_CONCAT(ARRAY[1, 2], ARRAY[2, 3]) | [1, 2, 2, 3]
ARRAY_CONTAINS | array: where it is looked for; val: what is looked for | ARRAY_CONTAINS(ARRAY[1, 2], 2) | true
ARRAY_DISTINCT | input: the array | ARRAY_DISTINCT(ARRAY[1, 2, 1]) | [1, 2]
ARRAY_EXCEPT | left: the array; right: what is left out of it | ARRAY_EXCEPT(ARRAY[1, 2, 3], ARRAY[2]) | [1, 3]
ARRAY_INTERSECT | left: an array; right: another one | ARRAY_INTERSECT(ARRAY[1, 2, 3], ARRAY[3, 2]) | [2, 3]
ARRAY_JOIN | array: the elements; delimiter: what is put between them, a comma by default | ARRAY_JOIN(ARRAY[1, 2], '-') | 1-2
ARRAY_LENGTH | array: the array | ARRAY_LENGTH(ARRAY[1, 2]) | 2
ARRAY_MAX | input: the array | ARRAY_MAX(ARRAY[1, 3, 2]) | 3
ARRAY_MIN | input: the array | ARRAY_MIN(ARRAY[3, 1, 2]) | 1
ARRAY_REMOVE | array: the array; victim: the value that is taken out | ARRAY_REMOVE(ARRAY[1, 2, 1], 1) | [2]
ARRAY_SORT | input: the array; direction: ASC (the default) or DESC | ARRAY_SORT(ARRAY[2, 3, 1], 'DESC') | [3, 2, 1]
ARRAY_UNION | left: an array; right: another one | ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3]) | [1, 2, 3]
ASIN | value: a sine, from -1 to 1 | ASIN(0.0) | 0.0
AS_MAP | keys: the keys; values: the value of each | AS_MAP(ARRAY['a', 'b'], ARRAY[1, 2]) | {a=1, b=2}
AS_VALUE | keyColumn: the key column | AS_VALUE('k') | k
ATAN | value: a tangent | ATAN(0.0) | 0.0
ATAN2 | y: the point’s second coordinate; x: its first one | ATAN2(0.0, 1.0) | 0.0
ATTR | col: the column | ATTR(x) of 2, 2 | 2
AVG | val: the numbers | AVG(x) of 1, 2, 3 | 2
BIGINT_FROM_BYTES | value: 8 bytes; byteOrder: BIG_ENDIAN (the default) or LITTLE_ENDIAN | BIGINT_FROM_BYTES(TO_BYTES('000000000000002A', 'hex')) | 42
CBRT | value: the number | CBRT(27.0) | 3.0
CEIL | val: the number | CEIL(1.2) | 2.0
CHR | decimalCode: a code point, or an escape like \u004a | CHR(75) | K
COALESCE | first: a value; others: what is taken when those before are null | COALESCE(NULL, 2, 3) | 2
COLLECT_LIST | val: the column | COLLECT_LIST(x) of 1, 2, 1 | [1,2,1]
COLLECT_SET | val: the column | COLLECT_SET(x) of 1, 2, 1 | [1,2]
CONCAT | inputs: texts, or bytes | CONCAT('a', NULL, 'b') | ab
CONCAT_WS | separator: what is put between; input: the first text, or bytes; inputs: those behind it | CONCAT_WS('-', 'a', 'b') | a-b
CONVERT_TZ | timestamp: the timestamp; fromTimeZone: the zone that it is of; toTimeZone: the zone that is wanted | CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', 'Asia/Tokyo') | 1970-01-01T09:00:00.000
CORRELATION | x: a column; y: another one | CORRELATION(x, x) of 1, 2, 3 | 1
COS | value: an angle in radians | COS(0.0) | 1.0
COSH | value: the number | COSH(0.0) | 1.0
COT | value: an angle in radians | COT(RADIANS(45)) > 0.99 | true
COUNT | val: what is counted where it is not null | COUNT(x) of 7, 7 | 2
COUNT_DISTINCT | val: the column | COUNT_DISTINCT(x) of 7, 7, 8 | 2
CUBE_EXPLODE | columns: the array | CUBE_EXPLODE(x) from [1, 2] | [null,null], [null,2], [1,null], [1,2]
DATEADD | unit: DAYS, HOURS, and so on; interval: how many of them; date: where it begins | DATEADD(DAYS, 3, FROM_DAYS(0)) | 1970-01-04
DATESUB | unit: DAYS, HOURS, and so on; interval: how many of them; date: where it ends | DATESUB(DAYS, 1, FROM_DAYS(1)) | 1970-01-01
DATETOSTRING | epochDays: days since 1970-01-01; formatPattern: a pattern of Java’s DateTimeFormatter | DATETOSTRING(1, 'yyyy-MM-dd') | 1970-01-02
DAY | val: a date or timestamp; timeZone: the zone that it is looked at in, UTC by default | DAY(FROM_DAYS(9)) | 10
DAYOFWEEK | val: a date or timestamp; timeZone: the zone that it is looked at in, UTC by default | DAYOFWEEK(FROM_DAYS(0)) | 4
DAYOFYEAR | val: a date or timestamp; timeZone: the zone that it is looked at in, UTC by default | DAYOFYEAR(FROM_DAYS(31)) | 32
DEGREES | value: an angle in radians | DEGREES(0.0) | 0.0
DOUBLE_FROM_BYTES | value: 8 bytes; byteOrder: BIG_ENDIAN (the default) or LITTLE_ENDIAN | DOUBLE_FROM_BYTES(TO_BYTES('3FF0000000000000', 'hex')) | 1.0
EARLIEST_BY_OFFSET | val: the column; earliestN(INT): how many; ignoreNulls: whether nulls are passed over, true by default | EARLIEST_BY_OFFSET(x) of 1, 2, 3 | 1
ELT | n: which one, from 1; args: the texts | ELT(2, 'a', 'b') | b
ENCODE | str: the text; inputEncoding: what it is in: hex, utf8, ascii, base64; outputEncoding: what is wanted | ENCODE('4142', 'hex', 'utf8') | AB
ENTRIES | map: the map; sorted: whether by key | ENTRIES(MAP('a' := 1), true) | [Struct{K=a,V=1}]
EXP | exponent: the exponent | EXP(0.0) | 1.0
EXPLODE | list: the array | EXPLODE(x) from [1, 2] | 1, 2
EXTRACTJSONFIELD | input: JSON; path: where in it, like $.a[0].b | EXTRACTJSONFIELD('{"a": [1, 2]}', '$.a[1]') | 2
FIELD | str: what is looked for; args: where | FIELD('b', 'a', 'b') | 2
FILTER | array: the array, or the map; function: says of an element, or of a key and its value, whether it stays | FILTER(ARRAY[1, 2, 3], x => x > 1) | [2, 3]
FLOOR | val: the number | FLOOR(1.8) | 1.0
FORMAT_DATE | date: the date; formatPattern: a pattern of Java’s DateTimeFormatter | FORMAT_DATE(FROM_DAYS(0), 'dd.MM.yyyy') | 01.01.1970
FORMAT_TIME | time: the time; formatPattern: a pattern of Java’s DateTimeFormatter | FORMAT_TIME(PARSE_TIME('05:06', 'HH:mm'), 'H-mm') | 5-06
FORMAT_TIMESTAMP | timestamp: the timestamp; formatPattern: a pattern of Java’s DateTimeFormatter; timeZone: the zone to say it in, UTC by default | FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'yyyy-MM-dd HH:mm') | 1970-01-01 00:00
FROM_BYTES | value: the bytes; encoding: hex, utf8, ascii or base64 | FROM_BYTES(TO_BYTES('AB', 'utf8'), 'hex') | 4142
FROM_DAYS | days: days since 1970-01-01 | FROM_DAYS(1) | 1970-01-02
FROM_UNIXTIME | epochMilli: milliseconds since 1970-01-01 | FROM_UNIXTIME(1000) | 1970-01-01T00:00:01.000
GENERATE_SERIES | start: the first number; end: the last one; step: from one to the next, 1 or -1 by default | GENERATE_SERIES(1, 5, 2) | [1, 3, 5]
GEO_DISTANCE | lat1: the latitude of a point, in degrees; lon1: its longitude; lat2: the latitude of another; lon2: its longitude; units: KM (the default) or MI | GEO_DISTANCE(0.0, 0.0, 0.0, 0.0, 'KM') | 0.0
GREATEST | val: a value; vals: others of its type | GREATEST(1, 3, 2) | 3
HISTOGRAM | val: the texts | HISTOGRAM(x) of 'a', 'b', 'a' | {"a":2,"b":1}
HOUR | val: a time or timestamp; timeZone: the zone that it is looked at in, UTC by default | HOUR(FROM_UNIXTIME(7200000)) | 2
IFNULL | expression: the value; altValue: what is taken when it is null | IFNULL(NULL, 'none') | none
INITCAP | str: the text | INITCAP('the cat') | The Cat
INSTR | str: where it is looked for; substring: what is looked for; position: from where, 1 by default, backwards when negative; occurrence: which one, 1 by default | INSTR('banana', 'a', 1, 2) | 4
INT_FROM_BYTES | value: 4 bytes; byteOrder: BIG_ENDIAN (the default) or LITTLE_ENDIAN | INT_FROM_BYTES(TO_BYTES('0000002A', 'hex')) | 42
IS_JSON_STRING | input: the text | IS_JSON_STRING('[1, 2]') | true
JSON_ARRAY_CONTAINS | jsonArray: JSON; val: what is looked for | JSON_ARRAY_CONTAINS('[1, 2]', 2) | true
JSON_ARRAY_LENGTH | jsonArray: JSON | JSON_ARRAY_LENGTH('[1, 2]') | 2
JSON_CONCAT | jsonStrings: JSON texts | JSON_CONCAT('{"a": 1}', '{"b": 2}') | {"a":1,"b":2}
JSON_ITEMS | jsonItems: JSON | JSON_ITEMS('[1, {"a": 2}]') | [1, {"a":2}]
JSON_KEYS | jsonObj: JSON | JSON_KEYS('{"a": 1, "b": 2}') | [a, b]
JSON_RECORDS | jsonObj: JSON | JSON_RECORDS('{"a": 1}') | {a=1}
LAG | val: the value that is wanted; distance: how many rows before, 1 by default; orElse: what is taken where there is no such row, null by default | LAG(x, 1, 0) OVER (PARTITION BY k) of 1, 2, 3 | 0, 1, 2
LATEST_BY_OFFSET | val: the column; latestN(INT): how many; ignoreNulls: whether nulls are passed over, true by default | LATEST_BY_OFFSET(x) of 1, 2, 3 | 3
LCASE | input: the text | LCASE('Tea') | tea
LEAD | val: the value that is wanted; distance: how many rows behind, 1 by default | LEAD(x) OVER (PARTITION BY k) of 1, 2, 3 | 2, 3
LEAST | val: a value; vals: others of its type | LEAST(2, 1, 3) | 1
LEN | input: the text, or the bytes | LEN('tea') | 3
LN | value: the number | LN(1.0) | 0.0
LOG | base(2): the base; value: the number | LOG(2, 8) | 3.0
LPAD | input: the text, or the bytes; targetLen: how long; padding: what is put in front | LPAD('7', 3, '0') | 007
MAP_KEYS | input: the map | MAP_KEYS(MAP('a' := 1)) | [a]
MAP_UNION | map1: a map; map2: another one, whose entries win | MAP_UNION(MAP('a' := 1), MAP('a' := 2)) | {a=2}
MAP_VALUES | input: the map | MAP_VALUES(MAP('a' := 1)) | [1]
MASK | input: the text; upper: instead of upper case letters, X by default; lower: instead of lower case letters, x; digit: instead of digits, n; other: instead of everything else, - | MASK('Ab 1') | Xx-n
MASK_KEEP_LEFT | input: the text; numChars: how many stay; upper: instead of upper case letters, X by default; lower: instead of lower case letters, x; digit: instead of digits, n; other: instead of everything else, - | MASK_KEEP_LEFT('Abc1', 1) | Axxn
MASK_KEEP_RIGHT | input: the text; numChars: how many stay; upper: instead of upper case letters, X by default; lower: instead of lower case letters, x; digit: instead of digits, n; other: instead of everything else, - | MASK_KEEP_RIGHT('Abc1', 1) | Xxx1
MASK_LEFT | input: the text; numChars: how many are hidden; upper: instead of upper case letters, X by default; lower: instead of lower case letters, x; digit: instead of digits, n; other: instead of everything else, - | MASK_LEFT('Abc1', 2) | Xxc1
MASK_RIGHT | input: the text; numChars: how many are hidden; upper: instead of upper case letters, X by default; lower: instead of lower case letters, x; digit: instead of digits, n; other: instead of everything else, - | MASK_RIGHT('Abc1', 2) | Abxn
MAX | val: the column | MAX(x) of 1, 3, 2 | 3
MD5 | s: the text | MD5('tea') | 7239ea2b5dc943f61f3c0a0276c20974
MIN | val: the column | MIN(x) of 3, 1, 2 | 1
MINUTE | val: a time or timestamp; timeZone: the zone that it is looked at in, UTC by default | MINUTE(FROM_UNIXTIME(120000)) | 2
MONTH | val: a date or timestamp; timeZone: the zone that it is looked at in, UTC by default | MONTH(FROM_DAYS(31)) | 2
NULLIF | expr1: the value; expr2: what makes it null | NULLIF('a', 'a') | null
PARSE_DATE | formattedDate: the text; formatPattern: a pattern of Java’s SimpleDateFormat | PARSE_DATE('02.01.1970', 'dd.MM.yyyy') | 1970-01-02
PARSE_TIME | formattedTime: the text; formatPattern: a pattern of Java’s DateTimeFormatter | PARSE_TIME('5-06', 'H-mm') | 05:06
PARSE_TIMESTAMP | formattedTimestamp: the text; formatPattern: a pattern of Java’s DateTimeFormatter; timeZone: the zone that it is of, UTC by default | PARSE_TIMESTAMP('1970-01-01 01:00', 'yyyy-MM-dd HH:mm') | 1970-01-01T01:00:00.000
PI |  | PI() | 3.141592653589793
POWER | base: the base; exponent: the exponent | POWER(2, 10) | 1024.0
QUARTER | val: a date or timestamp; timeZone: the zone that it is looked at in, UTC by default | QUARTER(FROM_DAYS(100)) | 2
RADIANS | value: an angle in degrees | RADIANS(0.0) | 0.0
RANDOM |  | RANDOM() < 1 | true
REDUCE | list: the array, or the map; initialState: what it begins with; biFunction: makes the next state of a state and an element, or of a state, a key and its value | REDUCE(ARRAY[1, 2, 3], 0, (s, x) => s + x) | 6
REGEXP_EXTRACT | pattern: a pattern of Java’s; input: the text; group: which group of it, all of the match by default | REGEXP_EXTRACT('(\w)(\d)', 'a1 b2', 2) | 1
REGEXP_EXTRACT_ALL | pattern: a pattern of Java’s; input: the text; group: which group of it, all of the match by default | REGEXP_EXTRACT_ALL('\d', 'a1 b2') | [1, 2]
REGEXP_REPLACE | str: the text; regexp: a pattern of Java’s; newStr: what is put in its place | REGEXP_REPLACE('a1 b2', '\d', '#') | a# b#
REGEXP_SPLIT_TO_ARRAY | string: the text; regexp: a pattern of Java’s | REGEXP_SPLIT_TO_ARRAY('a1b2c', '\d') | [a, b, c]
REPLACE | str: the text; oldStr: what is replaced; newStr: by what | REPLACE('tea', 'ea', 'oo') | too
ROUND | val: the number; decimalPlaces: how many digits stay behind the point, 0 by default | ROUND(2.5) | 3
ROW_NUMBER |  | ROW_NUMBER() OVER (PARTITION BY k ORDER BY x DESC) of 1, 2, 3 | 1, 1, 2, 1, 2, 3
RPAD | input: the text, or the bytes; targetLen: how long; padding: what is put behind | RPAD('7', 3, '0') | 700
SECOND | val: a time or timestamp; timeZone: the zone that it is looked at in, UTC by default | SECOND(FROM_UNIXTIME(2000)) | 2
SIGN | value: the number | SIGN(-5) | -1
SIN | value: an angle in radians | SIN(0.0) | 0.0
SINH | value: the number | SINH(0.0) | 0.0
SLICE | in: the array; from: the first position, from 1; to: the last one | SLICE(ARRAY[1, 2, 3, 4], 2, 3) | [2, 3]
SPLIT | string: the text, or the bytes; delimiter: what stands between its parts | SPLIT('a,b', ',') | [a, b]
SPLIT_TO_MAP | input: the text; entryDelimiter: what stands between entries; kvDelimiter: what stands between a key and its value | SPLIT_TO_MAP('a=1;b=2', ';', '=') | {a=1, b=2}
SQRT | value: the number | SQRT(9.0) | 3.0
STDDEV_SAMP | val: the numbers | STDDEV_SAMP(x) of 1, 2, 3 | 1
STDDEV_SAMPLE | val: the numbers | STDDEV_SAMPLE(x) of 1, 2, 3 | 1
STRINGTODATE | formattedDate: the text; formatPattern: a pattern of Java’s DateTimeFormatter | STRINGTODATE('1970-01-02', 'yyyy-MM-dd') | 1
STRINGTOTIMESTAMP | formattedTimestamp: the text; formatPattern: a pattern of Java’s DateTimeFormatter; timeZone: the zone that it is of | STRINGTOTIMESTAMP('1970-01-01 00:01', 'yyyy-MM-dd HH:mm', 'UTC') | 60000
SUBSTRING | str: the text, or the bytes; pos: where it begins, from 1, from the end when negative; length: how long, to the end by default | SUBSTRING('stream', 2, 3) | tre
SUM | val: the numbers | SUM(x) of 1, 2, 3 | 6
SUM_LIST | list: the lists | SUM_LIST(x) of [1, 2], [3] | 6
TAN | value: an angle in radians | TAN(0.0) | 0.0
TANH | value: the number | TANH(0.0) | 0.0
TIMEADD | unit: HOURS, MINUTES, and so on; interval: how many of them; time: where it begins | TIMEADD(MINUTES, 5, PARSE_TIME('05:06', 'HH:mm')) | 05:11
TIMESTAMPADD | unit: DAYS, HOURS, and so on; interval: how many of them; timestamp: where it begins | TIMESTAMPADD(SECONDS, 1, FROM_UNIXTIME(0)) | 1970-01-01T00:00:01.000
TIMESTAMPSUB | unit: DAYS, HOURS, and so on; interval: how many of them; timestamp: where it ends | TIMESTAMPSUB(SECONDS, 1, FROM_UNIXTIME(1000)) | 1970-01-01T00:00:00.000
TIMESTAMPTOSTRING | epochMilli: milliseconds since 1970-01-01; formatPattern: a pattern of Java’s DateTimeFormatter; timeZone: the zone to say it in | TIMESTAMPTOSTRING(0, 'yyyy-MM-dd', 'UTC') | 1970-01-01
TIMESUB | unit: HOURS, MINUTES, and so on; interval: how many of them; time: where it ends | TIMESUB(MINUTES, 5, PARSE_TIME('05:06', 'HH:mm')) | 05:01
TOPK | val: the column that is compared; others(ANY): further columns of its rows; k: how many | TOPK(x, 2) of 1, 3, 2 | [3,2]
TOPKDISTINCT | val: the column; k: how many | TOPKDISTINCT(x, 2) of 3, 3, 2 | [3,2]
TO_BYTES | value: the text; encoding: hex, utf8, ascii or base64 | TO_BYTES('AB', 'utf8') | QUI=
TO_JSON_STRING | input: the value | TO_JSON_STRING(ARRAY[1, 2]) | [1,2]
TRANSFORM | array: the array, or the map; function: makes the new element, or the new key, of a key and its value; function2: makes the new value, where it is a map | TRANSFORM(ARRAY[1, 2], x => x * 10) | [10, 20]
TRIM | input: the text | TRIM(' tea ') | tea
TRUNC | val: the number; decimalPlaces: how many digits stay behind the point, 0 by default | TRUNC(2.57, 1) | 2.50
UCASE | input: the text | UCASE('Tea') | TEA
UNIX_DATE | date: the date, today by default | UNIX_DATE(FROM_DAYS(7)) | 7
UNIX_TIMESTAMP | timestamp: the timestamp, now by default | UNIX_TIMESTAMP(FROM_UNIXTIME(7)) | 7
URL_DECODE_PARAM | input: the text | URL_DECODE_PARAM('a+b%26c') | a b&c
URL_ENCODE_PARAM | input: the text | URL_ENCODE_PARAM('a b&c') | a+b%26c
URL_EXTRACT_FRAGMENT | input: the URL | URL_EXTRACT_FRAGMENT('http://a.example/b#c') | c
URL_EXTRACT_HOST | input: the URL | URL_EXTRACT_HOST('http://a.example/b') | a.example
URL_EXTRACT_PARAMETER | input: the URL; paramToFind: the parameter’s name | URL_EXTRACT_PARAMETER('http://a.example/?b=1', 'b') | 1
URL_EXTRACT_PATH | input: the URL | URL_EXTRACT_PATH('http://a.example/b/c') | /b/c
URL_EXTRACT_PORT | input: the URL | URL_EXTRACT_PORT('http://a.example:8080/') | 8080
URL_EXTRACT_PROTOCOL | input: the URL | URL_EXTRACT_PROTOCOL('http://a.example/') | http
URL_EXTRACT_QUERY | input: the URL | URL_EXTRACT_QUERY('http://a.example/?b=1') | b=1
UUID | bytes: 16 bytes; random ones by default | UUID(TO_BYTES('000102030405060708090A0B0C0D0E0F', 'hex')) | 00010203-0405-0607-0809-0a0b0c0d0e0f
WEEK | val: a date or timestamp; timeZone: the zone that it is looked at in, UTC by default | WEEK(FROM_DAYS(4)) | 2
YEAR | val: a date or timestamp; timeZone: the zone that it is looked at in, UTC by default | YEAR(FROM_DAYS(0)) | 1970
`;

export interface FunctionParameter {
  readonly name: string;
  readonly text: string;
  /** Only where an overload has this type here, or so many parameters. */
  readonly condition: string | undefined;
}

export interface FunctionDocumentation {
  readonly parameters: readonly FunctionParameter[];
  readonly example: string;
  /** What the example gives, as text. */
  readonly result: string;
}

let documentation: ReadonlyMap<string, FunctionDocumentation> | undefined;

/** What is known of a function of the engine's own. */
export function documentationOf(name: string): FunctionDocumentation | undefined {
  documentation ??= new Map(LINES.trim().split('\n').map(parseLine));
  return documentation.get(name);
}

function parseLine(line: string): [name: string, FunctionDocumentation] {
  const [name, parameters, example, result] = line.split(' | ') as [string, string, string, string];
  return [name, { parameters: parameters.split('; ').flatMap(parseParameter), example, result }];
}

function parseParameter(text: string): FunctionParameter[] {
  const match = /^(\w+)(?:\((\w+)\))?: (.*)$/.exec(text);
  return match === null ? [] : [{ name: match[1]!, condition: match[2], text: match[3]! }];
}

/** The parameters of an overload with these types, `...` behind a variadic one. */
export function parametersOf(
  { parameters }: FunctionDocumentation,
  types: readonly string[],
): readonly (FunctionParameter | undefined)[] {
  const found: FunctionParameter[] = [];
  for (const parameter of parameters) {
    const { condition } = parameter;
    if (condition === undefined || condition === String(types.length)) found.push(parameter);
    else while (types[found.length]?.replace('...', '') === condition) found.push(parameter);
  }
  return types.map((_type, i) => found[i]);
}

/** What an overload takes and gives. */
export interface DescribedOverload {
  readonly arguments: readonly {
    readonly name: string;
    readonly type: string;
    readonly description: string;
    readonly isVariadic: boolean;
  }[];
  readonly returnType: string;
}

/** The overload of a function with this signature. `names` are what its declaration calls the parameters. */
export function describedOverload(name: string, signature: string, names: readonly string[] = []): DescribedOverload {
  const { parameters: types, result } = partsOf(signature);
  const documentation = documentationOf(name);
  const parameters = documentation === undefined ? [] : parametersOf(documentation, types);
  return {
    arguments: types.map((type, i) => ({
      name: names[i] ?? parameters[i]?.name ?? '',
      type: type.replace(/\.\.\.$/, ''),
      description: parameters[i]?.text ?? '',
      isVariadic: type.endsWith('...'),
    })),
    returnType: result === '?' ? computedResult(name, types) : result,
  };
}

/** The type of a result that depends on more than the signature says. */
function computedResult(name: string, types: readonly string[]): string {
  const first = types[0] ?? '';
  if (name === 'ENTRIES') return first.replace(/^MAP<STRING, (.*)>$/, 'ARRAY<STRUCT<K STRING, V $1>>');
  if (name === 'APPROX_TOP_COUNT') return `ARRAY<STRUCT<VALUE ${first}, COUNT BIGINT>>`;
  if (name === 'TOPK' && types.length > 2) return `ARRAY<STRUCT<sort_col ${first}, col0 ANY, ...>>`;
  if (name === 'TOPK' || name === 'TOPKDISTINCT') return `ARRAY<${first}>`;
  return first;
}

/** `ARRAY<T>, T -> BOOLEAN` as its parts: commas inside of brackets separate nothing. */
export function partsOf(signature: string): { parameters: string[]; result: string } {
  const arrow = signature.lastIndexOf(' -> ');
  const parameters: string[] = [];
  let depth = 0;
  let start = 0;
  const list = arrow < 0 ? '' : signature.slice(0, arrow);
  for (let i = 0; i <= list.length; i++) {
    const character = list[i];
    if (character === '<' || character === '(') depth++;
    else if (character === '>' && list[i - 1] !== '=') depth--;
    else if (character === ')') depth--;
    else if (character === undefined || (character === ',' && depth === 0)) {
      const parameter = list.slice(start, i).trim();
      if (parameter !== '') parameters.push(parameter);
      start = i + 1;
    }
  }
  return { parameters, result: signature.slice(arrow < 0 ? 0 : arrow + 4).replace(/^-> /, '') };
}
