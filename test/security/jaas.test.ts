import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJaasConfig } from '../../src/security/index.ts';

const parse = (text: string) => {
  const { className, options } = parseJaasConfig('sasl.jaas.config', text);
  return [className, Object.fromEntries(options)];
};

describe('a login module', () => {
  test('has options of words and of quoted texts, over several lines and with comments', () => {
    expect(parse(`a.B  required\n x=y z='it"s' "quoted key"="v;=," // to the end\n /* and\n within */ ;\n`)).toEqual([
      'a.B',
      { x: 'y', z: 'it"s', 'quoted key': 'v;=,' },
    ]);
    expect(parse('a.B SUFFICIENT;')).toEqual(['a.B', {}]);
  });

  test("has Java's escapes in quoted texts", () => {
    expect(parse(String.raw`M required p="a\"b\\c\n\t\101\7z\q";`)).toEqual(['M', { p: 'a"b\\c\n\tA\x07zq' }]);
  });

  test.each([
    ['', 'there is no login module'],
    ['M', 'must be one of required'],
    ['M sometimes;', 'must be one of required'],
    ['M required a=b', 'does not end with a semicolon'],
    ['M required a b;', 'option 1 is not name=value'],
    ['M required a=b c=;', 'option 2 is not name=value'],
    ['M required a=b ";"', 'option 2 is not name=value'],
    ['M required; N required;', 'more than one login module'],
    ['M required p="open;', 'a quoted text in it does not end'],
    ['M required p="open\n";', 'a quoted text in it does not end'],
    ['M required /* ;', 'a comment in it does not end'],
  ])('%s is refused', (text, why) => {
    expect(() => parse(text)).toThrow(why);
  });

  test('is never repeated in what is said about it: there are passwords in it', () => {
    try {
      parse('M required password="hunter2" "broken');
      expect.unreachable();
    } catch (error) {
      expect(String(error)).toContain('"sasl.jaas.config"');
      expect(String(error)).not.toContain('hunter2');
    }
  });

  test('has the values that were written into it', () => {
    const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r')}"`;
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })), (options) => {
        const text = Object.entries(options).map(([key, value]) => `${quoted(key)}=${quoted(value)}`);
        expect([...parseJaasConfig('x', `M required ${text.join(' ')};`).options]).toEqual(Object.entries(options));
      }),
    );
  });

  test('of any text is one, or a refusal', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parse(`M required ${text}`);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
        }
      }),
    );
  });
});
