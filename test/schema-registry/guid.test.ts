import { describe, expect, test } from 'vitest';
import { guidOf } from '../../src/schema-registry/guid.ts';
import { mergeMetadata, mergeRuleSets, readRuleSet } from '../../src/schema-registry/metadata.ts';

describe('the GUID of a content', () => {
  const content = { schema: '"int"', references: [] };

  test('is the MD5 of the text where there is nothing else', () => {
    expect(guidOf({ schema: '', references: [] })).toBe('d41d8cd9-8f00-b204-e980-0998ecf8427e');
  });

  test('does not depend on the order of what has none, and does on everything else', () => {
    const a = guidOf({ ...content, metadata: { properties: { a: '1', b: '2' }, sensitive: ['x', 'y'] } });
    const b = guidOf({ ...content, metadata: { properties: { b: '2', a: '1' }, sensitive: ['y', 'x'] } });
    expect(a).toBe(b);
    const rule = { name: 'r', mode: 'READ' };
    const all = [
      a,
      guidOf(content),
      guidOf({ ...content, references: [{ name: 'a', subject: 'b', version: 1 }] }),
      guidOf({ ...content, references: [{ name: 'a', subject: 'b', version: 2 }] }),
      guidOf({ ...content, metadata: {} }),
      guidOf({ ...content, ruleSet: { domainRules: [rule] } }),
      guidOf({ ...content, ruleSet: { domainRules: [{ ...rule, disabled: true }] } }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('merging', () => {
  test('metadata: properties of the later win, tags and sensitive names add up', () => {
    const under = { properties: { a: '1', b: '1' }, tags: { x: ['P'] }, sensitive: ['a'] };
    const over = { properties: { b: '2' }, tags: { x: ['Q'], y: ['R'] }, sensitive: ['b'] };
    expect(mergeMetadata(under, over)).toEqual({
      properties: { a: '1', b: '2' },
      tags: { x: ['P', 'Q'], y: ['R'] },
      sensitive: ['a', 'b'],
    });
    expect(mergeMetadata(undefined, over)).toBe(over);
    expect(mergeMetadata(under, undefined)).toBe(under);
  });

  test('rules: by name, in whatever list', () => {
    const under = readRuleSet({ domainRules: [{ name: 'a' }, { name: 'b' }] });
    const over = readRuleSet({ encodingRules: [{ name: 'a' }], enableAt: 'later' });
    expect(mergeRuleSets(under, over)).toEqual({
      domainRules: [{ name: 'b' }],
      encodingRules: [{ name: 'a' }],
      enableAt: 'later',
    });
  });
});
