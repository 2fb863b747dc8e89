// The text under which an Avro schema is stored: letter by letter what Java prints of it.
import { describe, expect, test } from 'vitest';
import { parseSchema } from '../../src/schemas/languages.ts';

const canonical = (text: string, isStrict = true) => parseSchema('AVRO', text, [], { isStrict }).canonical;
const field = (rest: string) => `{"type":"record","name":"R","fields":[{"name":"f",${rest}}]}`;

describe('the canonical text', () => {
  test.each([
    ['members that mean nothing here', '{"type":"string","name":"n","doc":"d","size":3}', '"string"'],
    [
      'properties, in the order they came',
      '{"size":1,"z":[1,{"b":null}],"type":"array","logicalType":"l","items":"int","doc":"d"}',
      '{"type":"array","items":"int","z":[1,{"b":null}],"logicalType":"l"}',
    ],
    [
      'all members of a record',
      '{"default":1,"aliases":["B","B"],"fields":[],"doc":"d","p":2,"namespace":"n","name":"A","type":"record"}',
      '{"type":"record","name":"A","namespace":"n","doc":"d","fields":[],"default":1,"p":2,"aliases":["B"]}',
    ],
    [
      'all members of an enum',
      '{"aliases":["m.B"],"default":"X","symbols":["X"],"doc":"d","p":2,"name":"n.E","type":"enum"}',
      '{"type":"enum","name":"E","namespace":"n","doc":"d","symbols":["X"],"default":"X","p":2,"aliases":["m.B"]}',
    ],
    [
      'all members of a field',
      field('"p":1,"aliases":["b","a"],"order":"DESCENDING","default":null,"doc":"d","type":"null"'),
      field('"type":"null","doc":"d","default":null,"order":"descending","aliases":["b","a"],"p":1'),
    ],
    ['the order that holds anyway', field('"type":"int","order":"ascending"'), field('"type":"int"')],
    [
      'a namespace where it changes, also to none',
      '{"type":"record","name":"n.A","fields":[{"name":"a","type":{"type":"fixed","name":"n.F","size":1}},{"name":"b","type":{"type":"enum","name":"E","namespace":"","symbols":[]}},{"name":"c","type":["F","E"]}]}',
      '{"type":"record","name":"A","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1}},{"name":"b","type":{"type":"enum","name":"E","namespace":"","symbols":[]}},{"name":"c","type":["F","E"]}]}',
    ],
    [
      'the namespace of what is called as a type of Avro',
      '{"type":"record","name":"n.map","fields":[{"name":"next","type":["null","n.map"]}]}',
      '{"type":"record","name":"map","namespace":"n","fields":[{"name":"next","type":["null","n.map"]}]}',
    ],
    [
      'the namespace of an alias, unless it is that of the type',
      '{"type":"record","name":"n.A","fields":[],"aliases":["B","n.C","n.m.D","m.E"]}',
      '{"type":"record","name":"A","namespace":"n","fields":[],"aliases":["B","C","n.m.D","m.E"]}',
    ],
    [
      'escapes with capital digits, and only where there must be some',
      String.raw`{"type":"bytes","p":"\u001f\u000b\u0008\n\"\\u001f\/\u00ff\u20ac\ud83d\ude00"}`,
      String.raw`{"type":"bytes","p":"\u001F\u000B\b\n\"\\u001f/ÿ€😀"}`,
    ],
    ['properties with any name', '{"type":"int","__proto__":{"a":1}}', '{"type":"int","__proto__":{"a":1}}'],
    [
      'a double’s default that is a text',
      field('"type":"double","default":"1"'),
      field('"type":"double","default":1.0'),
    ],
    ['a default that is no number', field('"type":"float","default":"NaN"'), field('"type":"float","default":"NaN"')],
  ])('%s', (_what, text, expected) => {
    expect(canonical(text)).toBe(expected);
    expect(canonical(expected)).toBe(expected);
  });

  test('of what is stored already, names are taken as they are', () => {
    for (const text of [
      '{"type":"record","name":"Größe","fields":[{"name":"maß","type":"int"}]}',
      '{"type":"enum","name":"E","namespace":"my-company.1st","symbols":["ä"]}',
    ]) {
      expect(canonical(text, false)).toBe(text);
      expect(() => canonical(text)).toThrow(/is not a name|is not a field name|symbols/);
    }
  });

  test.each([
    field('"type":"int","aliases":"g"'),
    field('"type":"int","order":"upwards"'),
    field('"type":"double","default":""'),
    '{"type":"record","name":"A","namespace":"a..b","fields":[]}',
    '{"type":"fixed","name":"F","size":1,"aliases":[1]}',
  ])('%s is refused', (text) => {
    expect(() => canonical(text)).toThrow('Invalid schema');
  });

  test('a default may leave out a field that is called as a member of every object', () => {
    const inner = '{"type":"record","name":"I","fields":[{"name":"constructor","type":"int","default":1}]}';
    const text = field(`"type":${inner},"default":{}`);
    expect(canonical(text)).toBe(text);
    expect(() => canonical(text.replace(',"default":1', ''))).toThrow('is not a I');
  });
});
