// Each kind of difference that the case files of the original registry leave out, with the verdict on it.
import { describe, expect, test } from 'vitest';
import { describe as explain, isAcceptable } from '../../src/schemas/json-schema/difference-types.ts';
import { jsonSchemaDifferences } from '../../src/schemas/json-schema/compatibility.ts';
import { reservedDifferences } from '../../src/schema-registry/reserved.ts';
import { parseJsonSchema } from '../../src/schemas/json-schema/parse.ts';

type Verdict = 'safe' | 'lenient' | 'never';

const modern = (schema: object) => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema });
const contains = (schema: object) => modern({ type: 'array', contains: { type: 'null' }, ...schema });
const unevaluated = (keyword: string, value: unknown) =>
  modern({ type: keyword === 'unevaluatedItems' ? 'array' : 'object', [keyword]: value });
const text = { type: 'string' };
const depends = (...names: string[]) => ({ dependencies: { a: names } });

/** A limit on values of one type, and what becomes of it when it comes, goes, grows and shrinks. */
const limits: [keyword: string, type: string, isUpper: boolean][] = [
  ['maxLength', 'string', true],
  ['minLength', 'string', false],
  ['maximum', 'number', true],
  ['minimum', 'number', false],
  ['exclusiveMaximum', 'number', true],
  ['exclusiveMinimum', 'number', false],
  ['maxItems', 'array', true],
  ['minItems', 'array', false],
  ['maxProperties', 'object', true],
  ['minProperties', 'object', false],
];

const cases: [difference: string, verdict: Verdict, original: unknown, update: unknown][] = [
  ...limits.flatMap(([keyword, type, isUpper]): typeof cases => {
    const name = keyword.replace(/[A-Z]/g, '_$&').toUpperCase();
    const limited = (value?: number) => ({ type, ...(value === undefined ? {} : { [keyword]: value }) });
    return [
      [`${name}_ADDED #/${keyword}`, 'never', limited(), limited(2)],
      [`${name}_REMOVED #/${keyword}`, 'safe', limited(2), limited()],
      [`${name}_INCREASED #/${keyword}`, isUpper ? 'safe' : 'never', limited(2), limited(3)],
      [`${name}_DECREASED #/${keyword}`, isUpper ? 'never' : 'safe', limited(3), limited(2)],
    ];
  }),
  ['MAX_CONTAINS_ADDED #/maxContains', 'never', contains({}), contains({ maxContains: 2 })],
  ['MAX_CONTAINS_REMOVED #/maxContains', 'safe', contains({ maxContains: 2 }), contains({})],
  ['MAX_CONTAINS_INCREASED #/maxContains', 'safe', contains({ maxContains: 2 }), contains({ maxContains: 3 })],
  ['MAX_CONTAINS_DECREASED #/maxContains', 'never', contains({ maxContains: 3 }), contains({ maxContains: 2 })],
  ['MIN_CONTAINS_DECREASED #/minContains', 'safe', contains({ minContains: 2 }), contains({})],
  ['MIN_CONTAINS_REMOVED #/minContains', 'safe', contains({}), modern({ type: 'array' })],
  ['MIN_CONTAINS_ADDED #/minContains', 'never', modern({ type: 'array' }), contains({})],
  ['DEFAULT_CHANGED #/', 'safe', { ...text, default: 'a' }, { ...text, default: 'b' }],
  ['PATTERN_ADDED #/pattern', 'never', text, { ...text, pattern: 'a' }],
  ['MULTIPLE_OF_ADDED #/multipleOf', 'never', { type: 'number' }, { type: 'number', multipleOf: 2 }],
  ['UNIQUE_ITEMS_ADDED #/uniqueItems', 'never', { type: 'array' }, { type: 'array', uniqueItems: true }],
  ['DEPENDENCY_ARRAY_NARROWED #/dependencies/a', 'safe', depends('b', 'c'), depends('b')],
  ['DEPENDENCY_ARRAY_CHANGED #/dependencies/a', 'never', depends('b'), depends('c')],
  ['ENUM_ARRAY_NARROWED #/enum', 'never', { enum: [1, { a: 1, b: 2 }] }, { enum: [{ b: 2, a: 1 }] }],
  [
    'ADDITIONAL_ITEMS_NARROWED #/additionalItems',
    'never',
    { items: [text] },
    { items: [text], additionalItems: { type: 'null' } },
  ],
  [
    'ADDITIONAL_PROPERTIES_EXTENDED #/additionalProperties',
    'safe',
    { additionalProperties: text },
    { additionalProperties: true },
  ],
  ['ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1', 'never', { items: [text] }, { items: [text, text] }],
  [
    'ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1',
    'never',
    { items: [text, text], additionalItems: false },
    { items: [text], additionalItems: false },
  ],
  [
    'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a',
    'lenient',
    { properties: { a: text }, additionalProperties: false },
    { properties: {}, additionalProperties: false },
  ],
  [
    'REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a',
    'never',
    { properties: {} },
    { properties: { a: text }, required: ['a'] },
  ],
  [
    'REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a',
    'lenient',
    { properties: {} },
    { properties: { a: { ...text, default: '' } }, required: ['a'] },
  ],
  ...(['unevaluatedItems', 'unevaluatedProperties'] as const).flatMap((keyword): typeof cases => {
    const name = keyword === 'unevaluatedItems' ? 'UNEVALUATED_ITEMS' : 'UNEVALUATED_PROPERTIES';
    const stricter = keyword === 'unevaluatedItems' ? 'never' : 'lenient';
    return [
      [`${name}_ADDED #/${keyword}`, 'safe', unevaluated(keyword, false), unevaluated(keyword, true)],
      [`${name}_REMOVED #/${keyword}`, stricter, unevaluated(keyword, undefined), unevaluated(keyword, false)],
      [`${name}_NARROWED #/${keyword}`, stricter, unevaluated(keyword, true), unevaluated(keyword, text)],
      [`${name}_EXTENDED #/${keyword}`, 'safe', unevaluated(keyword, text), unevaluated(keyword, undefined)],
    ];
  }),
];

describe('kinds of differences', () => {
  test.each(cases)('%s is %s', (difference, verdict, original, update) => {
    const parse = (schema: unknown) => parseJsonSchema(JSON.stringify(schema)).root;
    const found = jsonSchemaDifferences(parse(original), parse(update));
    expect(found.map(({ type, path }) => `${type} ${path}`)).toEqual([difference]);
    const accepted = (['STRICT', 'LENIENT'] as const).map((policy) => found.every((d) => isAcceptable(d.type, policy)));
    expect(accepted).toEqual([verdict === 'safe', verdict !== 'never']);
    expect(explain(found[0]!.type, found[0]!.path)).toContain(`'${found[0]!.path}'`);
  });

  test('reserved names stay reserved and unused', () => {
    const reserved = (names: string) => ({ properties: { 'confluent:reserved': names } });
    expect(reservedDifferences(reserved('a, b'), reserved('b,c'), ['c', 'd'])).toEqual([
      { type: 'RESERVED_PROPERTY_REMOVED', path: '#/properties/a' },
      { type: 'RESERVED_PROPERTY_CONFLICTS_WITH_PROPERTY', path: '#/properties/c' },
    ]);
    expect(reservedDifferences(undefined, undefined, ['a'])).toEqual([]);
  });
});
