import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDifference, isCompatible, protobufDifferences } from '../../src/schemas/protobuf/compatibility.ts';
import { checkProto } from '../../src/schemas/protobuf/checker.ts';
import { linkProto, type ProtoDependency } from '../../src/schemas/protobuf/linker.ts';

const casesFile = resolve(import.meta.dirname, '../../../shared/data/registry/protobuf-diff-schema-examples.json');

interface CaseReference {
  name: string;
  subject: string;
  version: number;
}

interface CaseDependency {
  name: string;
  dependency: string;
}

interface Case {
  description: string;
  original_schema: string;
  update_schema: string;
  original_references?: CaseReference[];
  update_references?: CaseReference[];
  original_dependencies?: CaseDependency[];
  update_dependencies?: CaseDependency[];
  changes: string[];
  compatible: boolean;
}

function linked(text: string, dependencies: readonly ProtoDependency[] = []) {
  const proto = linkProto(text, dependencies);
  checkProto(proto);
  return proto;
}

function differences(
  original: string,
  update: string,
  before: readonly ProtoDependency[] = [],
  after: readonly ProtoDependency[] = before,
) {
  return protobufDifferences(linked(original, before), linked(update, after));
}

function message(body: string): string {
  return `syntax = "proto3"; message M { ${body} }`;
}

function message2(body: string): string {
  return `message M { ${body} }`;
}

function node(version: number, type: string): ProtoDependency {
  const schema = `syntax = "proto3"; message Node { Node next = 1; ${type} value = 2; }`;
  return { name: 'a.proto', subject: 'a', version, schema };
}

/** Messages each of which has the next one as its field, down to a last one with a value. */
function chain(version: number, type: string): ProtoDependency {
  const links = Array.from({ length: 20_000 }, (_, i) => `message N${i} { N${i + 1} n = 1; }`);
  const schema = `syntax = "proto3"; ${links.join(' ')} message N20000 { ${type} v = 1; }`;
  return { name: 'a.proto', subject: 'a', version, schema };
}

function joined(references: CaseReference[] = [], dependencies: CaseDependency[] = []): ProtoDependency[] {
  return references.map((reference) => ({
    ...reference,
    schema: dependencies.find(({ name }) => name === reference.name)!.dependency,
  }));
}

describe("the original registry's compatibility cases", () => {
  if (!existsSync(casesFile)) {
    test.skip(`skipped: ${casesFile} is not here`, () => {});
    return;
  }
  const cases = JSON.parse(readFileSync(casesFile, 'utf8')) as Case[];
  test.each(cases.map((c, i) => [i, c.description, c] as const))('case %i: %s', (_index, _description, c) => {
    const found = differences(
      c.original_schema,
      c.update_schema,
      joined(c.original_references, c.original_dependencies),
      joined(c.update_references, c.update_dependencies),
    );
    expect(found.map(formatDifference).sort()).toEqual([...c.changes].sort());
    expect(found.every(isCompatible)).toBe(c.compatible);
  });
});

describe('every difference', () => {
  test.each<[string, original: string, update: string, ...string[]]>([
    ['a package', 'syntax = "proto3"; package a;', 'syntax = "proto3"; package b;', 'PACKAGE_CHANGED #/'],
    [
      'messages',
      'message A {} message B {}',
      'message C {} message A {}',
      'MESSAGE_MOVED #/A',
      'MESSAGE_REMOVED #/B',
      'MESSAGE_ADDED #/C',
    ],
    ['enums', 'enum A { X = 0; }', 'enum B { Y = 0; }', 'ENUM_REMOVED #/A', 'ENUM_ADDED #/B'],
    [
      'constants',
      message('enum E { A = 0; B = 1; C = 2; }'),
      message('enum E { A = 0; Z = 1; D = 3; }'),
      'ENUM_CONST_CHANGED #/M/E/1',
      'ENUM_CONST_REMOVED #/M/E/2',
      'ENUM_CONST_ADDED #/M/E/3',
    ],
    [
      'aliases in another order',
      message('enum E { option allow_alias = true; A = 0; B = 0; }'),
      message('enum E { option allow_alias = true; B = 0; A = 0; }'),
    ],
    [
      'fields',
      message('int32 a = 1; int32 b = 2;'),
      message('int32 c = 2; int32 d = 3;'),
      'FIELD_REMOVED #/M/1',
      'FIELD_NAME_CHANGED #/M/2',
      'FIELD_ADDED #/M/3',
    ],
    [
      'required fields',
      message2('required int32 a = 1;'),
      message2('required int32 b = 2;'),
      'REQUIRED_FIELD_REMOVED #/M/1',
      'REQUIRED_FIELD_ADDED #/M/2',
    ],
    [
      'labels of numbers',
      message2('optional int32 a = 1;'),
      message2('required int32 a = 1;'),
      'FIELD_NUMERIC_LABEL_CHANGED #/M/1',
    ],
    [
      'labels of enums',
      message2('optional E a = 1; enum E { A = 0; }'),
      message2('repeated E a = 1; enum E { A = 0; }'),
      'FIELD_NUMERIC_LABEL_CHANGED #/M/1',
    ],
    [
      'labels of strings',
      message('optional string a = 1;'),
      message('repeated bytes a = 1;'),
      'FIELD_STRING_OR_BYTES_LABEL_CHANGED #/M/1',
    ],
    ['labels that are not written', message('int32 a = 1;'), message('repeated int32 a = 1;')],
    ['labels of messages', message('optional M a = 1;'), message('repeated M a = 1;')],
    [
      'groups of scalars',
      message('int32 a = 1; sint32 b = 2; fixed32 c = 3; fixed64 d = 4;'),
      message('bool a = 1; sint64 b = 2; sfixed32 c = 3; sfixed64 d = 4;'),
    ],
    [
      'scalars of other groups',
      message('int32 a = 1; float b = 2; fixed32 c = 3;'),
      message('sint32 a = 1; double b = 2; fixed64 c = 3;'),
      'FIELD_SCALAR_KIND_CHANGED #/M/1',
      'FIELD_SCALAR_KIND_CHANGED #/M/2',
      'FIELD_SCALAR_KIND_CHANGED #/M/3',
    ],
    [
      'kinds',
      message('int32 a = 1; map<string, string> b = 2;'),
      message('M a = 1; M b = 2;'),
      'FIELD_KIND_CHANGED #/M/1',
      'FIELD_KIND_CHANGED #/M/2',
    ],
    [
      'named types',
      message('A a = 1; message A {} message B {}'),
      message('B a = 1; message A {} message B {}'),
      'FIELD_NAMED_TYPE_CHANGED #/M/1',
    ],
    [
      'maps',
      message('map<string, M> a = 1;'),
      message('map<int32, string> a = 1;'),
      'FIELD_SCALAR_KIND_CHANGED #/M/1',
      'FIELD_KIND_CHANGED #/M/1',
    ],
    [
      'a new oneof',
      message('int32 a = 1;'),
      message('oneof o { int32 a = 1; int32 b = 2; }'),
      'ONEOF_ADDED #/M/o',
      'ONEOF_FIELD_ADDED #/M/o/2',
    ],
    ['a removed oneof', message('oneof o { int32 a = 1; int32 b = 2; }'), message(''), 'ONEOF_REMOVED #/M/o'],
    [
      'a field removed from a oneof',
      message('oneof o { int32 a = 1; int32 b = 2; }'),
      message('oneof o { int32 a = 1; }'),
      'ONEOF_FIELD_REMOVED #/M/o/2',
    ],
    [
      'a field moved out of a oneof',
      message('oneof o { int32 a = 1; int32 b = 2; }'),
      message('oneof o { int32 a = 1; } int32 b = 2;'),
      'ONEOF_FIELD_MOVED_TO_TOP_LEVEL #/M/2',
    ],
    [
      'fields moved into a oneof',
      message('int32 a = 1; int32 b = 2;'),
      message('oneof o { int32 a = 1; int32 b = 2; }'),
      'ONEOF_ADDED #/M/o',
      'MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o',
    ],
    [
      'a field moved into a oneof that was there',
      message('int32 a = 1; oneof o { int32 b = 2; }'),
      message('oneof o { int32 a = 1; int32 b = 2; }'),
      'FIELD_MOVED_TO_EXISTING_ONEOF #/M/o',
    ],
    [
      'a group that becomes a message',
      message2('optional group G = 1 {}'),
      message2('optional G g = 1; message G {}'),
      'FIELD_KIND_CHANGED #/M/1',
    ],
    [
      'groups',
      message2('optional group G = 1 { optional int32 a = 1; }'),
      message2('optional group G = 1 { optional string a = 1; }'),
      'FIELD_SCALAR_KIND_CHANGED #/M/G/1',
    ],
  ])('of %s is found', (_what, original, update, ...expected) => {
    expect(differences(original, update).map(formatDifference).sort()).toEqual(expected.sort());
  });

  test('breaks a reader or does not', () => {
    const types = ['FIELD_REMOVED', 'MESSAGE_REMOVED'] as const;
    expect(types.map((type) => isCompatible({ type, path: '#/' }))).toEqual([true, false]);
  });
});

describe('imported messages', () => {
  const schema = 'syntax = "proto3"; import "a.proto"; message M { Node node = 1; repeated Node more = 2; }';
  test('that are the same version are not looked into', () => {
    expect(differences(schema, schema, [node(1, 'int32')])).toEqual([]);
  });

  test('of another version are compared once, however often and recursively they are used', () => {
    expect(differences(schema, schema, [node(1, 'int32')], [node(2, 'int64')])).toEqual([]);
    const found = differences(schema, schema, [node(1, 'int32')], [node(2, 'string')]);
    expect(found.map(formatDifference).sort()).toEqual([
      'FIELD_NAMED_TYPE_CHANGED #/M/1',
      'FIELD_NAMED_TYPE_CHANGED #/M/2',
      'FIELD_NAMED_TYPE_CHANGED #/Node/1',
      'FIELD_SCALAR_KIND_CHANGED #/Node/2',
    ]);
  });

  test('may be a chain as long as a text allows', () => {
    const user = 'syntax = "proto3"; import "a.proto"; message M { N0 n = 1; }';
    const found = differences(user, user, [chain(1, 'int32')], [chain(2, 'string')]);
    expect(found).toHaveLength(20_002);
  });

  test('of well-known files need no reference', () => {
    const text =
      'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp t = 1; }';
    expect(differences(text, text)).toEqual([]);
  });
});

test('a schema that recurs is compatible with itself', () => {
  const text =
    'message A { optional B b = 1; repeated A a = 2; } message B { map<string, A> all = 1; oneof o { B more = 2; } }';
  expect(differences(text, text)).toEqual([]);
});
