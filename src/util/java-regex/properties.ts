// Java's named character classes: those of ASCII (POSIX), general categories, scripts, binary properties and `java…`.
import { CodePoints } from './code-points.ts';

/** As they are without `(?U)`. */
const POSIX: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7f',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: '0-9a-zA-Z',
  Punct: '!-\\/:-@\\[-`\\{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1f\\x7f',
  XDigit: '0-9a-fA-F',
  Space: ' \\t-\\r',
};

/** As they are with `(?U)`, by UTS 18's recommendation. */
const UNICODE_POSIX: Readonly<Record<string, string>> = {
  LOWER: '\\p{Lowercase}',
  UPPER: '\\p{Uppercase}',
  ASCII: '\\x00-\\x7f',
  ALPHA: '\\p{Alphabetic}',
  DIGIT: '\\p{Nd}',
  ALNUM: '\\p{Alphabetic}\\p{Nd}',
  PUNCT: '\\p{P}',
  BLANK: '\\p{Zs}\\t',
  CNTRL: '\\p{Cc}',
  XDIGIT: '\\p{Nd}\\p{Hex_Digit}',
  SPACE: '\\p{White_Space}',
  WORD: '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}',
};

const JAVA: Readonly<Record<string, string>> = {
  javaLowerCase: '\\p{Lowercase}',
  javaUpperCase: '\\p{Uppercase}',
  javaAlphabetic: '\\p{Alphabetic}',
  javaIdeographic: '\\p{Ideographic}',
  javaTitleCase: '\\p{Lt}',
  javaDigit: '\\p{Nd}',
  javaDefined: '\\p{Assigned}',
  javaLetter: '\\p{L}',
  javaLetterOrDigit: '\\p{L}\\p{Nd}',
  javaSpaceChar: '\\p{Z}',
  javaWhitespace: '\\t-\\r\\x1c-\\x20\\u1680\\u2000-\\u2006\\u2008-\\u200a\\p{Zl}\\p{Zp}\\u205f\\u3000',
  javaISOControl: '\\x00-\\x1f\\x7f-\\x9f',
};

const BINARY: Readonly<Record<string, string>> = {
  ALPHABETIC: 'Alphabetic',
  IDEOGRAPHIC: 'Ideographic',
  LETTER: 'L',
  LOWERCASE: 'Lowercase',
  UPPERCASE: 'Uppercase',
  TITLECASE: 'Lt',
  PUNCTUATION: 'P',
  CONTROL: 'Cc',
  WHITE_SPACE: 'White_Space',
  WHITESPACE: 'White_Space',
  DIGIT: 'Nd',
  HEX_DIGIT: 'Hex_Digit',
  HEXDIGIT: 'Hex_Digit',
  JOIN_CONTROL: 'Join_Control',
  JOINCONTROL: 'Join_Control',
  NONCHARACTER_CODE_POINT: 'Noncharacter_Code_Point',
  NONCHARACTERCODEPOINT: 'Noncharacter_Code_Point',
  ASSIGNED: 'Assigned',
  EMOJI: 'Emoji',
};

const CATEGORY = /^(?:C[cfnos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/;
const OTHER_CATEGORIES: Readonly<Record<string, string>> = {
  LC: '\\p{Lu}\\p{Ll}\\p{Lt}',
  LD: '\\p{L}\\p{Nd}',
  L1: '\\x00-\\xff',
  all: '\\p{Any}',
};

/** Of the characters that are named here one by one, none is behind this. */
const LAST_SPELT_OUT = 0x3000;
const known = new Map<string, CodePoints>();

/** `\w`, `\s`, `\d` and the like share this, so that Unicode is passed over once for each. */
export function setOf(text: string): CodePoints {
  let set = known.get(text);
  if (set === undefined) {
    const one = new RegExp(`^[${text}]$`, 'u');
    set = text.includes('\\p') ? CodePoints.matching(one) : CodePoints.matching(one, LAST_SPELT_OUT);
    known.set(text, set);
  }
  return set;
}

/** The class that stands behind `\p`; undefined when Java doesn't have it, or it is a block (see `docs`). */
export function propertyOf(
  name: string,
  { unicodeClasses, ignoreCase }: { readonly unicodeClasses: boolean; readonly ignoreCase: boolean },
): CodePoints | undefined {
  const text = textOf(name, unicodeClasses);
  if (text === undefined) return undefined;
  return setOf((ignoreCase ? own(ANY_CASE, text) : undefined) ?? text);
}

/** With `(?i)`, a class of one case means letters of every case; other classes are what they are. */
const ANY_CASE: Readonly<Record<string, string>> = {
  'a-z': 'a-zA-Z',
  'A-Z': 'a-zA-Z',
  '\\p{Lu}': '\\p{Lu}\\p{Ll}\\p{Lt}',
  '\\p{Ll}': '\\p{Lu}\\p{Ll}\\p{Lt}',
  '\\p{Lt}': '\\p{Lu}\\p{Ll}\\p{Lt}',
  '\\p{Lowercase}': '\\p{Lowercase}\\p{Uppercase}\\p{Lt}',
  '\\p{Uppercase}': '\\p{Lowercase}\\p{Uppercase}\\p{Lt}',
};

function textOf(name: string, unicode: boolean): string | undefined {
  const assignment = /^(\w+)=(.+)$/.exec(name);
  if (assignment !== null) {
    const [, key, value] = assignment as unknown as [string, string, string];
    if (/^(?:sc|script)$/i.test(key)) return scriptOf(value);
    return /^(?:gc|general_category)$/i.test(key) ? categoryOf(value) : undefined;
  }
  if (name.startsWith('Is')) {
    const rest = name.slice(2);
    const binary = own(BINARY, rest.toUpperCase());
    if (binary !== undefined) return `\\p{${binary}}`;
    return own(UNICODE_POSIX, rest.toUpperCase()) ?? categoryOf(rest) ?? scriptOf(rest);
  }
  const unicodeName = unicode ? own(UNICODE_POSIX, name.toUpperCase()) : undefined;
  return unicodeName ?? own(POSIX, name) ?? own(JAVA, name) ?? categoryOf(name);
}

function categoryOf(name: string): string | undefined {
  return CATEGORY.test(name) ? `\\p{${name}}` : own(OTHER_CATEGORIES, name);
}

function scriptOf(name: string): string | undefined {
  const spelt = name
    .toLowerCase()
    .split(/[_ ]/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('_');
  if (!/^\w+$/.test(spelt)) return undefined;
  const text = `\\p{Script=${spelt}}`;
  try {
    return new RegExp(text, 'u').source;
  } catch {
    return undefined;
  }
}

function own(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
