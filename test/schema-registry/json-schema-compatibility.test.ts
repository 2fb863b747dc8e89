import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAcceptable } from '../../src/schemas/json-schema/difference-types.ts';
import { jsonSchemaDifferences } from '../../src/schemas/json-schema/compatibility.ts';
import { parseJsonText, sortKeys } from '../../src/schemas/json-schema/json-text.ts';
import { parseJsonSchema } from '../../src/schemas/json-schema/parse.ts';

const folder = resolve(import.meta.dirname, '../../../shared/data/registry');

interface Case {
  description: string;
  original_schema: unknown;
  update_schema: unknown;
  changes: string[];
  compatible: boolean;
  compatible_lenient?: boolean;
}

const parse = (schema: unknown) => parseJsonSchema(JSON.stringify(schema)).root;
const found = (original: unknown, update: unknown) =>
  jsonSchemaDifferences(parse(original), parse(update)).map(({ type, path }) => `${type} ${path}`);

describe.each(['json-diff-schema-examples', 'json-diff-combined-schema-examples'])('the cases of %s', (name) => {
  const file = resolve(folder, `${name}.json`);
  if (!existsSync(file)) {
    test.skip(`skipped: ${file} is not here`, () => {});
    return;
  }
  const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];
  test.each(cases.map((c, i) => [i, c.description, c] as const))('%i %s', (_, __, c) => {
    const differences = jsonSchemaDifferences(parse(c.original_schema), parse(c.update_schema));
    expect(differences.map(({ type, path }) => `${type} ${path}`).sort()).toEqual([...c.changes].sort());
    expect(differences.every(({ type }) => isAcceptable(type, 'STRICT'))).toBe(c.compatible);
    const lenient = jsonSchemaDifferences(parse(c.original_schema), parse(c.update_schema), 'LENIENT');
    expect(lenient.every(({ type }) => isAcceptable(type, 'LENIENT'))).toBe(c.compatible_lenient ?? c.compatible);
  });
});

describe('what the later and the earlier drafts say', () => {
  const modern = (schema: object) => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema });
  const in2019 = (schema: object) => ({ $schema: 'https://json-schema.org/draft/2019-09/schema#', ...schema });
  const in4 = (schema: object) => ({ $schema: 'http://json-schema.org/draft-04/schema', ...schema });

  test.each<[string, unknown, unknown, string[]]>([
    [
      'prefixItems',
      modern({ prefixItems: [{ type: 'string' }] }),
      modern({ prefixItems: [{ type: 'number' }], items: false }),
      ['TYPE_CHANGED #/items/0', 'ADDITIONAL_ITEMS_REMOVED #/additionalItems'],
    ],
    [
      'items for all places',
      modern({ type: 'array', items: { type: 'integer' } }),
      modern({ type: 'array', items: { type: 'number' } }),
      ['TYPE_EXTENDED #/items'],
    ],
    [
      'unevaluatedProperties',
      modern({ type: 'object' }),
      modern({ type: 'object', unevaluatedProperties: false }),
      ['UNEVALUATED_PROPERTIES_REMOVED #/unevaluatedProperties'],
    ],
    [
      'unevaluatedProperties with a schema',
      in2019({ type: 'object' }),
      in2019({ type: 'object', unevaluatedProperties: { type: 'string' } }),
      ['UNEVALUATED_PROPERTIES_NARROWED #/unevaluatedProperties'],
    ],
    [
      'unevaluatedItems',
      in2019({ type: 'array', unevaluatedItems: false }),
      in2019({ type: 'array' }),
      ['UNEVALUATED_ITEMS_ADDED #/unevaluatedItems'],
    ],
    [
      'contains counts as one',
      modern({ type: 'array', contains: { type: 'string' } }),
      modern({ type: 'array', contains: { type: 'string' }, minContains: 2, maxContains: 3 }),
      ['MAX_CONTAINS_ADDED #/maxContains', 'MIN_CONTAINS_INCREASED #/minContains'],
    ],
    [
      'dependentRequired',
      modern({ type: 'object', dependentRequired: { a: ['b'] } }),
      modern({ type: 'object', dependentRequired: { a: ['b', 'c'] } }),
      ['DEPENDENCY_ARRAY_EXTENDED #/dependencies/a'],
    ],
    [
      'dependentSchemas',
      modern({ type: 'object' }),
      modern({ type: 'object', dependentSchemas: { a: { type: 'object' } } }),
      ['DEPENDENCY_SCHEMA_ADDED #/dependencies/a'],
    ],
    [
      '$ref beside other keywords counts with them',
      modern({ $ref: '#/$defs/a', type: 'object', $defs: { a: { maxProperties: 3 } } }),
      modern({ $ref: '#/$defs/a', type: 'object', $defs: { a: { maxProperties: 2 } } }),
      ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/'],
    ],
    ['an id where nothing is constrained', modern({ $id: 'a' }), modern({ $id: 'b' }), []],
    ['a limit beside no properties', modern({ properties: {}, maxProperties: 1 }), modern({ properties: {} }), []],
    [
      'a reference hides what is beside it in draft-07',
      { $ref: '#/definitions/a', type: 'number', definitions: { a: { type: 'string' } } },
      { type: 'string' },
      [],
    ],
    ['id in draft-04', in4({ id: 'http://a/b' }), in4({ id: 'http://a/c' }), ['ID_CHANGED #/']],
    [
      'boolean limits in draft-04',
      in4({ type: 'number', minimum: 1 }),
      in4({ type: 'number', minimum: 1, exclusiveMinimum: true }),
      [],
    ],
    [
      'limits of their own since draft-06',
      { type: 'number', exclusiveMaximum: 5 },
      { type: 'number', exclusiveMaximum: 4, exclusiveMinimum: 1 },
      ['EXCLUSIVE_MAXIMUM_DECREASED #/exclusiveMaximum', 'EXCLUSIVE_MINIMUM_ADDED #/exclusiveMinimum'],
    ],
    [
      'decimals',
      { type: 'number', multipleOf: 0.1 },
      { type: 'number', multipleOf: 0.3 },
      ['MULTIPLE_OF_EXPANDED #/multipleOf'],
    ],
    ['equal decimals', { type: 'number', multipleOf: 0.5 }, { type: 'number', multipleOf: 5e-1 }, []],
    [
      'a required attribute with a default',
      { properties: { a: { type: 'string', default: '' } } },
      { properties: { a: { type: 'string', default: '' } }, required: ['a'] },
      ['REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED #/required/a'],
    ],
    [
      'bytes under another type',
      { type: 'string', 'connect.type': 'bytes' },
      { type: 'object', 'connect.type': 'bytes' },
      [],
    ],
    [
      'a property added to a closed model, required',
      { properties: {}, additionalProperties: false },
      { properties: { a: { type: 'string', default: '' } }, required: ['a'], additionalProperties: false },
      ['REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a'],
    ],
  ])('%s', (_, original, update, changes) => {
    expect(found(original, update).sort()).toEqual(changes.sort());
  });
});

describe('references between and within schemas', () => {
  const reference = (name: string, schema: object) => ({
    name,
    subject: 's',
    version: 1,
    schema: JSON.stringify(schema),
  });

  test.each([
    ['by name', { $ref: 'a.json' }, reference('a.json', { type: 'string' })],
    [
      'by name with a pointer',
      { $ref: 'a.json#/definitions/x' },
      reference('a.json', { definitions: { x: { type: 'string' } } }),
    ],
    [
      'relative to the id',
      { $id: 'http://host/root.json', $ref: 'sub/a.json' },
      reference('http://host/sub/a.json', { type: 'string' }),
    ],
    [
      'by the id of the other',
      { $ref: 'http://host/a.json' },
      reference('x', { $id: 'http://host/a.json', definitions: { s: { type: 'string' } }, $ref: '#/definitions/s' }),
    ],
    [
      'through another reference to itself',
      { $ref: 'a.json#/definitions/x' },
      reference('a.json', { definitions: { x: { $ref: '#/definitions/y' }, y: { type: 'string' } } }),
    ],
  ])('%s', (_, schema, other) => {
    // In draft-07 an id beside a reference is hidden by it, so the reference goes one level down.
    const { $id, ...inner } = schema as { $id?: string };
    const text = JSON.stringify({ ...($id === undefined ? {} : { $id }), allOf: [inner] });
    expect(jsonSchemaDifferences(parse({ type: 'string' }), parseJsonSchema(text, [other]).root)).toEqual([]);
  });

  test('by anchor, by embedded id, and to the metaschema', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'http://host/root',
      type: 'array',
      prefixItems: [{ $ref: '#here' }, { $ref: 'part' }, { $ref: 'https://json-schema.org/draft/2020-12/schema' }],
      $defs: {
        a: { $anchor: 'here', type: 'string' },
        b: { $id: 'part', $defs: { c: { type: 'null' } }, $ref: '#/$defs/c' },
      },
    };
    const plain = { ...schema, prefixItems: [{ type: 'string' }, { type: 'null' }, {}] };
    expect(found(plain, schema)).toEqual([]);
  });

  test.each([
    [{ $ref: '#/definitions/nope' }, 'leads nowhere'],
    [{ $ref: 'http://elsewhere/x.json' }, 'leads nowhere'],
    [{ $ref: '#' }, 'leads only to itself'],
    [{ type: 'strange' }, 'is not a type'],
    [{ properties: [] }, 'properties is an object'],
    [{ maxLength: 'long', type: 'string' }, 'maxLength is a number'],
    [[], 'a schema is an object or a boolean'],
  ])('%j is refused', (schema, reason) => {
    expect(() => parse(schema)).toThrow(reason);
  });
});

describe('what is recursive, deep or huge ends in time', () => {
  const tree = (value: object) => ({
    $ref: '#/definitions/node',
    definitions: {
      node: {
        type: 'object',
        properties: {
          value,
          left: { oneOf: [{ type: 'null' }, { $ref: '#/definitions/node' }] },
          right: { oneOf: [{ type: 'null' }, { $ref: '#/definitions/node' }] },
        },
      },
    },
  });

  test('a recursive schema is compatible with itself, and not when something in it changes', () => {
    expect(found(tree({ type: 'string' }), tree({ type: 'string' }))).toEqual([]);
    expect(found(tree({ type: 'integer' }), tree({ type: 'number' })).sort()).toContain(
      'TYPE_EXTENDED #/properties/value',
    );
    expect(found(tree({ type: 'string' }), tree({ type: 'number' })).sort()).toEqual([
      'COMBINED_TYPE_SUBSCHEMAS_CHANGED #/properties/left',
      'COMBINED_TYPE_SUBSCHEMAS_CHANGED #/properties/right',
      'TYPE_CHANGED #/properties/value',
    ]);
  });

  test('shared definitions do not unfold', () => {
    const shared = (leaf: string) => {
      const definitions: Record<string, unknown> = { d0: { type: leaf } };
      for (let i = 1; i <= 60; i++) {
        const next = { $ref: `#/definitions/d${i - 1}` };
        definitions[`d${i}`] = { oneOf: [{ properties: { a: next, b: next } }, { type: 'null' }] };
      }
      return { properties: { root: { $ref: '#/definitions/d60' } }, definitions };
    };
    expect(found(shared('string'), shared('string'))).toEqual([]);
    expect(found(shared('integer'), shared('number')).length).toBeGreaterThan(0);
    expect(found(shared('string'), shared('number'))).toContain('COMBINED_TYPE_SUBSCHEMAS_CHANGED #/properties/root');
  });

  test('a chain of references may be longer than the stack', () => {
    const chain = (length: number) => {
      const definitions: Record<string, unknown> = { d0: { type: 'string' } };
      for (let i = 1; i <= length; i++)
        definitions[`d${i}`] = { properties: { a: { $ref: `#/definitions/d${i - 1}` } } };
      return { $ref: `#/definitions/d${length}`, definitions };
    };
    expect(found(chain(500), chain(500))).toEqual([]);
    expect(found(chain(5_000), chain(5_000))).toEqual([]);
    const changed = chain(5_000);
    changed.definitions['d0'] = { type: 'number' };
    expect(found(chain(5_000), changed)).toEqual([`TYPE_CHANGED #${'/properties/a'.repeat(5_000)}`]);
    const links: Record<string, unknown> = { d0: { type: 'string' } };
    for (let i = 1; i <= 5_000; i++) links[`d${i}`] = { $ref: `#/definitions/d${i - 1}` };
    expect(found({ $ref: '#/definitions/d5000', definitions: links }, { type: 'string' })).toEqual([]);
  });

  test('many alternatives that refer to each other', () => {
    const web = (n: number, leaf: string) => ({
      $ref: '#/definitions/any',
      definitions: {
        any: { oneOf: Array.from({ length: n }, (_, i) => ({ $ref: `#/definitions/d${i}` })) },
        ...Object.fromEntries(
          Array.from({ length: n }, (_, i) => [
            `d${i}`,
            {
              properties: {
                kind: { const: `d${i}` },
                next: { $ref: `#/definitions/d${(i * 7 + 1) % n}` },
                all: { type: 'array', items: { $ref: '#/definitions/any' } },
                leaf: { type: leaf },
              },
            },
          ]),
        ),
      },
    });
    expect(found(web(500, 'string'), web(500, 'string'))).toEqual([]);
    expect(found(web(500, 'string'), web(500, 'number'))).toEqual(['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/']);
  });

  test('deep nesting is refused', () => {
    const deep = `${'{"not":'.repeat(5000)}{}${'}'.repeat(5000)}`;
    expect(() => parseJsonSchema(deep)).toThrow('nests deeper');
    expect(() => parseJsonSchema(`${'['.repeat(500_000)}${']'.repeat(500_000)}`)).toThrow('nests deeper');
    expect(() => parseJsonSchema('['.repeat(500_000))).toThrow('not valid JSON');
    const escapes = JSON.stringify({ title: '\n'.repeat(1_000_000) });
    expect(parseJsonSchema(escapes).canonical).toBe(escapes);
  });

  test('huge unions', () => {
    const union = (n: number, shift: number) => ({
      oneOf: Array.from({ length: n }, (_, i) => ({ title: `t${i}`, type: 'string', maxLength: i + shift })),
    });
    expect(found(union(300, 0), union(300, 1)).some((change) => change.startsWith('COMBINED'))).toBe(false);
    expect(found(union(300, 1), union(300, 0))).toEqual(['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/']);
    expect(() => found(union(3000, 0), union(3000, 1))).toThrow('too large to be compared');
  });

  test.each([
    ['^(a+)+$', `${'a'.repeat(60)}!`],
    ['a*b', 'a'.repeat(300_000)],
    ['a*a*a*a*a*a*b', 'a'.repeat(400)],
    [`^${'(a|a)'.repeat(40)}b`, 'a'.repeat(60)],
  ])('the pattern %s explodes', (pattern, name) => {
    const original = { patternProperties: { [pattern]: { type: 'string' } }, additionalProperties: false };
    const update = { ...original, properties: { [name]: { type: 'string' } } };
    expect(() => found(original, update)).toThrow('takes too long');
  });

  test('patterns that almost explode have a limit together', () => {
    const names = Array.from({ length: 5000 }, (_, i) => [`${'a'.repeat(20)}!${i}`, { type: 'string' }]);
    const original = { patternProperties: { '^(a+)+$': { type: 'string' } }, additionalProperties: false };
    expect(() => found(original, { ...original, properties: Object.fromEntries(names) })).toThrow('takes too long');
  });

  test('random schemas are read or refused, and are compatible with themselves', () => {
    const schema = fc.letrec<{ schema: unknown }>((tie) => ({
      schema: fc.oneof(
        { maxDepth: 4 },
        fc.boolean(),
        fc.record(
          {
            $schema: fc.constantFrom(
              'https://json-schema.org/draft/2020-12/schema',
              'http://json-schema.org/draft-07/schema#',
            ),
            type: fc.oneof(fc.constantFrom('string', 'object', 'array', 'integer'), fc.constant(['string', 'null'])),
            enum: fc.array(fc.jsonValue(), { maxLength: 3 }),
            properties: fc.dictionary(fc.string({ maxLength: 3 }), tie('schema'), { maxKeys: 3 }),
            items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 3 })),
            additionalProperties: tie('schema'),
            oneOf: fc.array(tie('schema'), { maxLength: 3 }),
            allOf: fc.array(tie('schema'), { maxLength: 3 }),
            not: tie('schema'),
            maxLength: fc.nat(),
            $ref: fc.constantFrom('#', '#/properties/a', '#/oneOf/0'),
            default: fc.jsonValue(),
          },
          { requiredKeys: [] },
        ),
      ),
    })).schema;
    fc.assert(
      fc.property(schema, (value) => {
        try {
          const differences = jsonSchemaDifferences(parse(value), parse(value));
          expect(differences.filter(({ type }) => !isAcceptable(type, 'STRICT'))).toEqual([]);
        } catch (error) {
          expect(error).toHaveProperty('code', 'INVALID_SCHEMA');
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the text that is stored', () => {
  test.each([
    [
      ' { "b" : 1.50 , "2" : [ 1e3 , -1.5E-2 , 12345678901234567890 ] , "a" : "x\\u00e9\\n" } ',
      '{"b":1.50,"2":[1000,-0.015,12345678901234567890],"a":"xé\\n"}',
    ],
    [' true ', 'true'],
    ['{"minimum": 1E+2, "maximum": 1e999999999}', '{"minimum":100,"maximum":1e999999999}'],
  ])('%s', (text, canonical) => {
    expect(parseJsonText(text).canonical).toBe(canonical);
  });

  test('normalized has its keys in order, at every level', () => {
    expect(sortKeys('{"b":{"10":1,"9":2},"a":[{"d":{},"c":[]}]}')).toBe('{"a":[{"c":[],"d":{}}],"b":{"10":1,"9":2}}');
  });

  test('means the same as what was sent', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value, null, 2);
        expect(JSON.parse(parseJsonText(text).canonical)).toEqual(JSON.parse(text));
        expect(JSON.parse(sortKeys(parseJsonText(text).canonical))).toEqual(JSON.parse(text));
      }),
    );
  });
});
