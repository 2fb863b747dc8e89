import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { protobufDifferences } from '../../src/schemas/protobuf/compatibility.ts';
import { parseSchema } from '../../src/schemas/languages.ts';
import { checkProto } from '../../src/schemas/protobuf/checker.ts';
import { linkProto } from '../../src/schemas/protobuf/linker.ts';
import { normalizeProto } from '../../src/schemas/protobuf/normalizer.ts';
import { parseProto } from '../../src/schemas/protobuf/parser.ts';
import { printProto } from '../../src/schemas/protobuf/printer.ts';
import { WELL_KNOWN_PATHS, wellKnownProto } from '../../src/schemas/protobuf/well-known-protos.ts';
import { randomProto } from './protobuf-texts.ts';

const texts = Array.from({ length: 150 }, (_, seed) => randomProto(seed));

function linked(text: string) {
  const proto = linkProto(text, []);
  checkProto(proto);
  return proto;
}

function proto3(body: string): string {
  return `syntax = "proto3";\n${body}`;
}

function nested(depth: number, body: string): string {
  return `${Array.from({ length: depth }, (_, i) => `message M${i} {`).join('')}${body}${'}'.repeat(depth)}`;
}

function canonical(text: string): string {
  return printProto(parseProto(text).file);
}

function normalized(text: string): string {
  return printProto(normalizeProto(linked(text)));
}

describe('the canonical text', () => {
  test('has its declarations by kind, and no comments', () => {
    const text = `
      // first
      syntax = "proto2"; import public "b.proto"; import "a.proto"; package p.q; option java_package = 'it"s';
      service S { rpc Call(stream M) returns (.p.q.M) { option deprecated = true; option (x).y = 1; } rpc Plain (M) returns (M); }
      enum E { option allow_alias = true; A = 0 [deprecated = true]; B = -0x10; reserved 5 to max; }
      message M {
        message Inner {} enum Mode { ON = 0; } ;
        oneof choice { int32 a = 1; group Both = 9 { optional bool yes = 1; } }
        optional string name = 2 [default = "x" 'y', json_name = "n"]; /* between */
        map<string, Inner> all = 3;
        repeated group Part = 4 [deprecated = true] { required Inner inner = 1; }
        extensions 100 to 199, 300 [(z) = true]; reserved 7, 20 to max; reserved "old", "older";
        option (custom) = { a: 1 b { c: [1, 2] } [p.ext]: 'x'; e <> };
        extend M { optional int32 more = 100; }
      }
      extend M { optional int32 most = 101; }
    `;
    expect(canonical(text)).toBe(`syntax = "proto2";
package p.q;

import "a.proto";
import public "b.proto";

option java_package = "it\\"s";

message M {
  reserved 7, 20 to max;
  reserved "old", "older";

  option (custom) = {
    a: 1,
    b: {
      c: [1, 2]
    },
    [p.ext]: "x",
    e: {}
  };

  optional string name = 2 [
    default = "xy",
    json_name = "n"
  ];
  map<string, Inner> all = 3;

  oneof choice {
    int32 a = 1;

    group Both = 9 {
      optional bool yes = 1;
    }
  }

  repeated group Part = 4 [deprecated = true] {
    required Inner inner = 1;
  }

  extensions 100 to 199, 300 [(z) = true];

  extend M {
    optional int32 more = 100;
  }

  message Inner {}
  enum Mode {
    ON = 0;
  }
}
enum E {
  reserved 5 to max;

  option allow_alias = true;

  A = 0 [deprecated = true];
  B = -16;
}

extend M {
  optional int32 most = 101;
}

service S {
  rpc Call (stream M) returns (.p.q.M) {
    option deprecated = true;
    option (x).y = 1;
  }
  rpc Plain (M) returns (M);
}
`);
  });

  test('of random files is read back as the same, and is its own canonical text', () => {
    for (const text of texts) {
      const { file } = parseProto(text);
      const printed = printProto(file);
      expect(parseProto(printed).file).toEqual(file);
      expect(canonical(printed)).toBe(printed);
    }
  });

  test('keeps the bytes of strings', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const value = { kind: 'string' as const, bytes: Buffer.from(bytes).toString('latin1') };
        const { file } = parseProto('option a = "";');
        const text = printProto({ ...file, options: [{ ...file.options[0]!, value }] });
        expect(parseProto(text).file.options[0]!.value).toEqual(value);
        expect(text.split(/[\n\r\u2028\u2029]/)).toHaveLength(2);
      }),
    );
  });
});

describe('the normalized text', () => {
  test('is ordered, with names and custom options in full', () => {
    const text = `syntax = "proto2"; package p; import "google/protobuf/descriptor.proto"; import "google/protobuf/any.proto";
      message D { optional int32 a = 1; optional D b = 2; }
      extend google.protobuf.MessageOptions { optional D d = 50000; }
      message M {
        option (d).b.a = 1; option (d).a = 2; option (p.d).b.b = {}; option deprecated = true;
        oneof late { D y = 9; } oneof early { int32 x = 3; }
        optional google.protobuf.Any any = 7; required D d = 1; map<int32, Inner> inners = 2;
        message Inner {} reserved 20, 12 to 15; reserved "b", "a"; extensions 200, 100 to 150;
      }`;
    const expected = `package p;

import "google/protobuf/any.proto";
import "google/protobuf/descriptor.proto";

message D {
  optional int32 a = 1;
  optional .p.D b = 2;
}
message M {
  reserved 12 to 15;
  reserved 20;
  reserved "a";
  reserved "b";

  option (.p.d) = {
    a: 2,
    b: {
      a: 1,
      b: {}
    }
  };
  option deprecated = true;

  required .p.D d = 1;
  map<int32, .p.M.Inner> inners = 2;
  optional .google.protobuf.Any any = 7;

  oneof early {
    int32 x = 3;
  }
  oneof late {
    .p.D y = 9;
  }

  extensions 100 to 150;
  extensions 200;

  message Inner {}
}

extend .google.protobuf.MessageOptions {
  optional .p.D d = 50000;
}
`;
    expect(normalized(text)).toBe(expected);
    expect(normalized(expected)).toBe(expected);
  });

  test('of random files is its own normalized text, and differs in nothing that counts', () => {
    for (const text of texts) {
      const once = normalized(text);
      expect(normalized(once)).toBe(once);
      expect(protobufDifferences(linked(text), linked(once))).toEqual([]);
    }
  });
});

describe('what is not a schema is refused with the place and the reason', () => {
  const invalid: readonly (readonly [text: string, reason: string])[] = [
    ['message {', 'at 1:9: expected the name of a message but found "{"'],
    ['message M {', 'at 1:12: expected "}" but found the end of the text'],
    ['message M {\n  optional int32 a 1;\n}', 'at 2:20: expected "=" but found "1"'],
    ['syntax = "proto3"; ;', 'Empty schema'],
    ['massage M {}', 'at 1:1: expected a declaration'],
    ['syntax = "proto4";', 'at 1:10: the syntax "proto4" is not known'],
    ['edition = "2099";', 'editions are not supported'],
    ['message M { int32 a = 1; }', 'has no label'],
    ['message M { optional int32 a = 0; }', '0 is not a field number'],
    ['message M { optional int32 a = 536870912; }', '536870912 is not a field number'],
    ['message M { optional int32 a = 19500; }', 'kept by protobuf'],
    [
      'message M { optional int32 a = 1; optional int32 b = 1; }',
      'at 1:35: the fields "a" and "b" have the same number 1',
    ],
    ['message M { optional int32 a = 1; optional int32 a = 2; }', '"a" is declared twice'],
    ['message M {} message M {}', '"M" is declared twice'],
    ['message M { message I {} enum I { A = 0; } }', '"M.I" is declared twice'],
    ['enum E { A = 0; } enum F { A = 0; }', '"A" is declared twice'],
    ['message M { optional Nope a = 1; }', 'the type "Nope" of the field "a" is not defined'],
    ['message M { optional M.Nope a = 1; }', 'the type "M.Nope"'],
    ['package a.b; message b { optional b.M x = 1; } message M {}', 'the type "b.M"'],
    ['message M { reserved 1 to 3; optional int32 a = 2; }', 'the number 2 of the field "a" is reserved'],
    ['message M { reserved "a"; optional int32 a = 2; }', 'the name of the field "a" is reserved'],
    ['message M { reserved 1 to 5, 3; }', 'the range 3 to 3 overlaps with 1 to 5'],
    ['message M { reserved 5 to 1; }', 'ends before it starts'],
    ['message M { oneof o {} }', 'the oneof "o" has no fields'],
    ['message M { oneof o { repeated int32 a = 1; } }', 'the fields of a oneof have no label'],
    ['message M { oneof o { map<string, string> a = 1; } }', 'a oneof has no maps'],
    ['message M { map<float, string> a = 1; }', "expected a map's key type"],
    ['message M { repeated map<string, string> a = 1; }', 'the map "a" has a label'],
    ['message M { optional group g = 1 {} }', 'does not start with a capital letter'],
    ['message M {} extend M { optional int32 a = 5; }', 'has no extension range with the number 5'],
    ['extend Nope { optional int32 a = 5; }', 'the message "Nope" to extend is not defined'],
    ['message M { extensions 1 to 5; } extend M { required int32 a = 5; }', 'the extension "a" is required'],
    ['service S { rpc A (B) returns (B); }', 'the message "B" of the method "A" is not defined'],
    ['enum E {}', 'the enum "E" has no constants'],
    ['enum E { A = 1; B = 1; }', 'the constants "A" and "B" have the same number 1'],
    ['enum E { A = 2147483648; }', 'does not fit in 32 bits'],
    ['enum E { reserved 1; A = 1; }', 'the number 1 of "A" is reserved'],
    [proto3('enum E { A = 1; }'), 'the first constant of "E" is not 0'],
    [proto3('message M { required int32 a = 1; }'), 'which proto3 does not know'],
    [proto3('message M { int32 a = 1 [default = 1]; }'), 'has a default'],
    [proto3('message M { repeated group G = 1 {} }'), 'proto3 has no groups'],
    [proto3('message M { extensions 5; }'), 'proto3 has no extension ranges'],
    ['import "nope.proto";', 'at 1:1: the import "nope.proto" is not among the references'],
    ['import "google/protobuf/any.proto"; import "google/protobuf/any.proto";', 'is imported twice'],
    ['package a; package b;', 'a file has one package'],
    ['option a = "never ends;', 'at 1:12: this string does not end on its line'],
    ['option a = "\\q";', 'this escape in a string is not known'],
    ['/* never ends', 'this comment does not end'],
    ['option java_package = 12abc;', '"12a" is not a number'],
    ['message M { optional int32 a = 08; }', '08 is not an octal number'],
    ['message M { ¿ }', 'the character "¿" has no meaning here'],
  ];

  test.each(invalid)('%j', (text, reason) => {
    expect(() => parseSchema('PROTOBUF', text, [])).toThrow(reason);
  });

  test.runIf(hasProtoc())('and protoc, where there is one, does not take them either', () => {
    // Some versions of protoc take a range that is empty, and all a file that is.
    const refused = invalid.filter(([, reason]) => !['ends before it starts', 'Empty schema'].includes(reason));
    const accepted = refused.map(([text]) => text).filter((text) => protocTakes(text));
    expect(accepted).toEqual([]);
  });
});

describe('the serialized descriptor', () => {
  const options = `
    import "google/protobuf/descriptor.proto"; package deep.p;
    message Opt { optional double d = 1; optional sfixed64 s = 2; optional sint32 z = 3; optional uint64 u = 4; repeated int64 list = 5 [packed = true];
      repeated Tone tones = 6; map<string, bool> flags = 7; optional bytes raw = 8; optional Opt in = 9; extensions 100 to 199; enum Tone { LOW = 0; HIGH = 1; } }
    extend Opt { optional string more = 100; }
    extend google.protobuf.FieldOptions { optional Opt opt = 50001; repeated fixed32 marks = 50002; }`;
  const custom = `[
    (opt) = { d: -0.5, s: -9007199254740993, z: -7, u: 18446744073709551615, list: -1, list: 5, tones: HIGH, tones: LOW,
      flags: { key: "k", value: true }, raw: "\\377", in: { d: inf }, [deep.p.more]: "x" },
    (marks) = 4294967295, (marks) = 1, deprecated = true]`;

  test('has the custom options, and gives them back', () => {
    const text = `syntax = "proto2"; ${options} message M { optional int32 a = 1 ${custom}; }`;
    const parsed = parseSchema('PROTOBUF', text, []);
    const serialized = parsed.inFormat!('serialized')!;
    const again = parseSchema('PROTOBUF', serialized, []);
    expect(again.normalized).toBe(parsed.normalized);
    expect(again.inFormat!('serialized')).toBe(serialized);
  });

  test('of a custom option that nothing declares is refused', () => {
    const text =
      'syntax = "proto3"; import "confluent/meta.proto"; message M { int32 a = 1 [(confluent.field_meta).doc = "d"]; }';
    const serialized = Buffer.from(parseSchema('PROTOBUF', text, []).inFormat!('serialized')!, 'base64');
    const without = Buffer.from(serialized.toString('latin1').replace('\x1a\x14confluent/meta.proto', ''), 'latin1');
    expect(without.length).toBe(serialized.length - 22);
    expect(() => parseSchema('PROTOBUF', without.toString('base64'), [])).toThrow(
      'the option 1088 of FieldOptions is not declared in the file and its imports',
    );
  });
});

describe('hostile texts', () => {
  const refusal = expect.objectContaining({ code: 'INVALID_SCHEMA' });
  /** The schema, if it is one; then all that is done with schemas works with it. */
  const attempt = (text: string) => {
    let parsed: ReturnType<typeof parseSchema>;
    try {
      parsed = parseSchema('PROTOBUF', text, []);
    } catch (error) {
      expect(error).toEqual(refusal);
      return undefined;
    }
    expect(parsed.incompatibilitiesReading(parsed)).toEqual([]);
    expect(canonical(parsed.canonical)).toBe(parsed.canonical);
    expect(parsed.inFormat!('serialized')).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(parseSchema('PROTOBUF', parsed.normalized!, []).normalized).toBe(parsed.normalized);
    return parsed;
  };
  test.each<[string, string, string]>([
    ['nested messages', nested(100_000, ''), 'nests deeper than 32'],
    ['nested values', `option (a) = {${'a {'.repeat(100_000)}`, 'nests deeper than 32'],
    ['nested lists', `option (a) = { a: ${'['.repeat(100_000)}`, 'a list holds no lists'],
    ['parts of an option', `option ${'(a).'.repeat(100_000)}b = 1;`, 'more than 20 parts'],
    ['a long name', `message ${'M'.repeat(100_000)} {}`, 'more than 2048 characters'],
    ['a long package', `package ${'a.'.repeat(100_000)}b;`, 'more than 2048 characters'],
    ['a long text', `// ${'a'.repeat(5_000_000)}`, 'more than 5000000 characters'],
    [
      'a text that grows',
      nested(31, `${Array.from({ length: 200_000 }, (_, i) => `reserved ${i + 1};`).join('')}`),
      'canonical text has more than',
    ],
    ['a huge number', `message M { optional int32 a = ${'9'.repeat(100_000)}; }`, 'is not a field number'],
  ])('%s are refused', (_what, text, reason) => {
    expect(() => parseSchema('PROTOBUF', text, [])).toThrow(reason);
  });

  test('names that would become too long in full stop the normalizing', () => {
    const fields = Array.from({ length: 15_000 }, (_, i) => `repeated ${'M'.repeat(100)} a${i} = ${i + 1};`).join('');
    const deep = Array.from({ length: 30 }, () => `message ${'M'.repeat(100)} {`).join('');
    const proto = linked(`${deep}${fields}${'}'.repeat(30)}`);
    expect(() => normalizeProto(proto)).toThrow(refusal);
  });

  test('pieces of schemas in any order end in a schema or a refusal', () => {
    const words =
      'message M { } optional repeated int32 string = 1 2 ; oneof enum E A = 0 map < , > [ ] ( ) . - "a" extend extensions reserved to max option import package syntax "proto3" service rpc returns stream group G'.split(
        ' ',
      );
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 60 }), (picked) => void attempt(picked.join(' '))),
      { numRuns: 1000 },
    );
  });

  test('any bytes in base64 end in a schema or a refusal', () => {
    const whole = 'CgdhLnByb3RvEgFwIjAKAU0SCwoBYRgBIAEoBVIBYRIYCgFiGAIgAygLMgQucC5NUgFiGAIgAygLYgZwcm90bzM=';
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(80), (bytes, at) => {
        attempt(Buffer.from(bytes).toString('base64'));
        const damaged = Buffer.from(whole, 'base64');
        damaged.set(bytes.subarray(0, 2), Math.min(at, damaged.length - 2));
        attempt(damaged.toString('base64'));
      }),
    );
  });

  test('any text ends in a schema or a refusal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        if (text.trim() !== '') attempt(text);
      }),
    );
  });

  test('schemas with pieces cut, doubled or replaced end in a schema or a refusal', () => {
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.nat(40),
        fc.string({ maxLength: 5 }),
        fc.nat(3),
        (text, at, length, other, how) => {
          const from = at % text.length;
          const cut = text.slice(from, from + length);
          const put = how === 0 ? '' : how === 1 ? cut + cut : how === 2 ? other : [...cut].reverse().join('');
          const changed = attempt(text.slice(0, from) + put + text.slice(from + length));
          if (changed === undefined) return;
          accepted++;
          const original = parseSchema('PROTOBUF', text, []);
          changed.incompatibilitiesReading(original);
          original.incompatibilitiesReading(changed);
        },
      ),
      { numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});

describe('protoc', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-protoc-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  if (!hasProtoc()) {
    test.skip('skipped: there is no protoc in the PATH', () => {});
    return;
  }

  test(`makes the same descriptors of ${texts.length} files, of their canonical and of their normalized texts`, () => {
    const original = descriptors(join(folder, 'original'), texts);
    expect(original).toHaveLength(texts.length);
    const same = descriptors(join(folder, 'canonical'), texts.map(canonical));
    expect(texts.filter((_, i) => same[i] !== original[i])).toEqual([]);
    const normal = descriptors(join(folder, 'normalized'), texts.map(normalized), 'loose');
    const expected = descriptors(join(folder, 'original'), texts, 'loose');
    expect(texts.filter((_, i) => normal[i] !== expected[i])).toEqual([]);
  });

  test('has its serialized descriptors read as the files that they were made of', () => {
    const original = descriptors(join(folder, 'original'), texts);
    const serialized = entries(readFileSync(join(folder, 'original', 'all.bin'))).map(([, file]) =>
      file.toString('base64'),
    );
    const read = serialized.map((base64) => parseSchema('PROTOBUF', base64, []).canonical);
    const same = descriptors(join(folder, 'read'), read);
    expect(texts.filter((_, i) => same[i] !== original[i])).toEqual([]);
    for (const [i, text] of texts.entries()) {
      expect(protobufDifferences(linked(text), linked(read[i]!))).toEqual([]);
      // Descriptors write the numbers of defaults and custom options in their own way.
      if (!/default|descriptor\.proto/.test(text)) expect(normalized(read[i]!)).toBe(normalized(text));
    }
  });

  test('serializes files into the same descriptors', () => {
    const expected = descriptors(join(folder, 'original'), texts, 'loose');
    const own = texts.map((text, i) => {
      const serialized = parseSchema('PROTOBUF', text, []).inFormat!('serialized')!;
      // A text does not say what its file is called.
      const name = `t${i}.proto`;
      const [, ...rest] = entries(Buffer.from(serialized, 'base64')).map(([, , encoded]) => encoded);
      const named = Buffer.concat([Buffer.from([10, name.length]), Buffer.from(name), ...rest]);
      return unordered(named, 'file').toString('hex');
    });
    expect(texts.filter((_, i) => own[i] !== expected[i])).toEqual([]);
  });

  test('takes all the built-in files', () => {
    expect(WELL_KNOWN_PATHS).toHaveLength(31);
    const into = join(folder, 'built-in');
    writeWellKnown(into);
    execFileSync('protoc', ['-I', into, `--descriptor_set_out=${join(folder, 'built-in.bin')}`, ...WELL_KNOWN_PATHS]);
    expect(readFileSync(join(folder, 'built-in.bin')).length).toBeGreaterThan(1000);
  });
});

function hasProtoc(): boolean {
  return spawnSync('protoc', ['--version']).status === 0;
}

function protocTakes(text: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-protoc-'));
  try {
    writeWellKnown(folder);
    writeFileSync(join(folder, 'one.proto'), text);
    return spawnSync('protoc', ['-I', folder, '--descriptor_set_out=/dev/null', 'one.proto']).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeWellKnown(folder: string): void {
  for (const path of WELL_KNOWN_PATHS) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), wellKnownProto(path)!);
  }
}

/** What protoc makes of each text, with what the canonical text puts into another order in one order. */
function descriptors(folder: string, all: readonly string[], order: 'canonical' | 'loose' = 'canonical'): string[] {
  writeWellKnown(folder);
  const names = all.map((text, i) => {
    writeFileSync(join(folder, `t${i}.proto`), text);
    return `t${i}.proto`;
  });
  const out = join(folder, 'all.bin');
  execFileSync('protoc', ['-I', folder, `--descriptor_set_out=${out}`, ...names], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return entries(readFileSync(out)).map(([, file]) =>
    (order === 'loose' ? unordered(file, 'file') : inOrder(file, 'file')).toString('hex'),
  );
}

/** The fields of a serialized message, as far as descriptors have them: numbers and lengths with bytes. */
function entries(bytes: Buffer): [tag: number, value: Buffer, encoded: Buffer][] {
  const found: [number, Buffer, Buffer][] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const key = varint();
    let valueStart = at;
    if ((key & 7) === 0) varint();
    else if ((key & 7) === 1) at += 8;
    else {
      expect(key & 7).toBe(2);
      const length = varint();
      valueStart = at;
      at += length;
    }
    found.push([key >>> 3, bytes.subarray(valueStart, at), bytes.subarray(start, at)]);
  }
  return found;
}

/** Fields, nested types and extensions of a message have no order among themselves here. */
function inOrder(bytes: Buffer, kind: 'file' | 'message'): Buffer {
  const messages = kind === 'file' ? 4 : 3;
  const unordered = kind === 'file' ? [7] : [2, 3, 6];
  const parts = entries(bytes).map(([tag, value, encoded]) => ({
    tag,
    encoded: tag === messages ? inOrder(value, 'message') : encoded,
  }));
  parts.sort((a, b) => a.tag - b.tag || (unordered.includes(a.tag) ? Buffer.compare(a.encoded, b.encoded) : 0));
  return Buffer.concat(parts.map(({ encoded }) => encoded));
}

type Kind = 'file' | 'message' | 'field' | 'enum' | 'constant' | 'service' | 'method' | 'options';

const PARTS: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  file: { 4: 'message', 5: 'enum', 6: 'service', 7: 'field', 8: 'options' },
  message: { 2: 'field', 3: 'message', 4: 'enum', 6: 'field', 7: 'options' },
  field: { 8: 'options' },
  enum: { 2: 'constant', 3: 'options' },
  constant: { 3: 'options' },
  service: { 2: 'method', 3: 'options' },
  method: { 4: 'options' },
  options: {},
};

/** Nothing has an order; indexes of oneofs and public imports, which depend on it, are left out. */
function unordered(bytes: Buffer, kind: Kind): Buffer {
  const index = kind === 'file' ? 10 : kind === 'field' ? 9 : -1;
  const parts = entries(bytes)
    .filter(([tag]) => tag !== index)
    .map(([tag, value, encoded]) => {
      const part = PARTS[kind][tag];
      return part === undefined ? encoded : Buffer.concat([Buffer.from([tag]), unordered(value, part)]);
    });
  return Buffer.concat(parts.sort(Buffer.compare));
}
