import { createToken, createTokenInstance, type IToken, Lexer, type TokenType } from 'chevrotain';
import { syntaxErrorAt } from './syntax-error.ts';
import { OTHER_WORDS, RESERVED_WORDS } from './words.ts';

/**
 * Text to tokens, by hand: the words of SQL are one table, and quotes, comments and numbers need no regular expressions.
 * Chevrotain only sees the finished tokens.
 */

const define = (name: string, categories: TokenType[] = []): TokenType =>
  createToken({ name, pattern: Lexer.NA, categories });

/** Anything that may stand where a name is expected: a bare or quoted name, or a keyword that is not reserved. */
export const Name = define('Name');
export const Identifier = define('IDENTIFIER', [Name]);
export const QuotedIdentifier = define('QUOTED_IDENTIFIER', [Name]);
export const StringLiteral = define('STRING');
export const IntegerValue = define('INTEGER_VALUE');
export const DecimalValue = define('DECIMAL_VALUE');
export const FloatValue = define('FLOATING_POINT_VALUE');
/** `${name}`: stands for a text that is put in its place before the statement is parsed (`variables.ts`). */
export const Variable = define('VARIABLE');

const keywords = new Map<string, TokenType>();
for (const word of RESERVED_WORDS) keywords.set(word, define(word));
for (const word of OTHER_WORDS) keywords.set(word, define(word, [Name]));

/** The token of a keyword. */
export function keyword(word: string): TokenType {
  const token = keywords.get(word);
  if (token === undefined) throw new Error(`no such keyword: ${word}`);
  return token;
}

export function isReserved(token: TokenType): boolean {
  return keywords.get(token.name) === token && !(token.CATEGORIES ?? []).includes(Name);
}

const symbolTexts = [
  ['<=', 'LTE'],
  ['>=', 'GTE'],
  ['<>', 'NEQ'],
  ['!=', 'NEQ'],
  ['||', 'CONCAT'],
  [':=', 'ASSIGN'],
  ['->', 'ARROW'],
  ['=>', 'LAMBDA'],
  ['=', 'EQ'],
  ['<', 'LT'],
  ['>', 'GT'],
  ['+', 'PLUS'],
  ['-', 'MINUS'],
  ['*', 'ASTERISK'],
  ['/', 'SLASH'],
  ['%', 'PERCENT'],
  ['(', 'LPAREN'],
  [')', 'RPAREN'],
  ['[', 'LBRACKET'],
  [']', 'RBRACKET'],
  [',', 'COMMA'],
  ['.', 'DOT'],
  [';', 'SEMICOLON'],
] as const;

const symbols = new Map<string, TokenType>();
const symbolsByName = new Map<string, TokenType>();
for (const [text, name] of symbolTexts) {
  const token = symbolsByName.get(name) ?? define(name);
  symbolsByName.set(name, token);
  symbols.set(text, token);
}

export type SymbolName = (typeof symbolTexts)[number][1];

export function symbol(name: SymbolName): TokenType {
  const token = symbolsByName.get(name);
  if (token === undefined) throw new Error(`no such symbol: ${name}`);
  return token;
}

/** How a token is called in "Expecting {...}". */
export function labelOf(token: TokenType): string {
  for (const [text, name] of symbolTexts) if (token.name === name) return `'${text}'`;
  return keywords.has(token.name) ? `'${token.name}'` : token.name;
}

export const allTokens: TokenType[] = [
  Name,
  Identifier,
  QuotedIdentifier,
  StringLiteral,
  IntegerValue,
  DecimalValue,
  FloatValue,
  Variable,
  ...keywords.values(),
  ...symbolsByName.values(),
];

const OPENING = new Set([symbol('LPAREN'), symbol('LBRACKET')]);
const CLOSING = new Set([symbol('RPAREN'), symbol('RBRACKET'), symbol('GT')]);
const NESTING_TYPES = new Set(['ARRAY', 'MAP', 'STRUCT'].map(keyword));
const LESS = symbol('LT');

const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z0-9_@]))?/y;
const WORD = /[A-Za-z0-9_][A-Za-z0-9_@]*/y;
const SPACE = /\s+/y;
const VARIABLE = /\$\{\w+\}/y;

/** What a text may ask of the parser, so that nobody waits for it, or runs out of memory. */
export interface ParserLimits {
  /** Words, signs and literals of a whole script. */
  readonly tokens: number;
  /** Brackets in brackets. */
  readonly nesting: number;
}

/** One token after the other, so that what is refused at its beginning is not read to its end. */
export function* tokenize(text: string, limits: ParserLimits): Generator<IToken, void> {
  let count = 0;
  let depth = 0;
  let isTypeName = false;
  let line = 1;
  let lineStart = 0;
  let at = 0;

  const token = (type: TokenType, image: string): IToken => {
    if (++count > limits.tokens)
      return fail(`More than ${limits.tokens} words and signs: split the script, or raise ksql.parser.max.tokens`);
    // A comparison's `<` and `>` are no brackets, but those behind a type's name are.
    if (OPENING.has(type) || (type === LESS && isTypeName)) depth++;
    else if (CLOSING.has(type)) depth = Math.max(0, depth - 1);
    isTypeName = NESTING_TYPES.has(type);
    if (depth > limits.nesting)
      return fail(`More than ${limits.nesting} brackets in each other: simplify it, or raise ksql.parser.max.nesting`);
    const startLine = line;
    const startColumn = at - lineStart + 1;
    advance(image.length);
    return createTokenInstance(type, image, at - image.length, at - 1, startLine, line, startColumn, at - lineStart);
  };
  const advance = (count: number): void => {
    for (let i = at; i < at + count; i++) {
      if (text.charCodeAt(i) === 10) {
        line++;
        lineStart = i + 1;
      }
    }
    at += count;
  };
  const fail = (what: string): never => {
    const column = at - lineStart + 1;
    throw syntaxErrorAt({ line, column, start: at, end: at + 1 }, what, text);
  };
  /** The end of a quoted text that starts at `at`; the quote doubled stands for itself. */
  const quotedEnd = (quote: string): number => {
    for (let i = at + 1; i < text.length; i++) {
      if (text[i] !== quote) continue;
      if (text[i + 1] === quote) i++;
      else return i + 1;
    }
    return fail(`Syntax error at or near ${quote} at line ${line}:${at - lineStart + 1}`);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };

  while (at < text.length) {
    const char = text[at]!;
    const space = match(SPACE);
    if (space !== undefined) {
      advance(space.length);
    } else if (text.startsWith('--', at)) {
      const end = text.indexOf('\n', at);
      advance((end < 0 ? text.length : end) - at);
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      advance((end < 0 ? text.length : end + 2) - at);
    } else if (char === "'") {
      yield token(StringLiteral, text.slice(at, quotedEnd("'")));
    } else if (char === '"' || char === '`') {
      yield token(QuotedIdentifier, text.slice(at, quotedEnd(char)));
    } else if ((char >= '0' && char <= '9') || (char === '.' && /\d/.test(text[at + 1] ?? ''))) {
      const number = match(NUMBER)!;
      const word = match(WORD);
      if (word !== undefined && word.length > number.length) yield token(Identifier, word);
      else if (/[eE]/.test(number)) yield token(FloatValue, number);
      else yield token(number.includes('.') ? DecimalValue : IntegerValue, number);
    } else {
      const word = match(WORD);
      const sign = match(VARIABLE) ?? [text.slice(at, at + 2), char].find((one) => symbols.has(one));
      if (word !== undefined) yield token(keywords.get(word.toUpperCase()) ?? Identifier, word);
      else if (sign !== undefined) yield token(symbols.get(sign) ?? Variable, sign);
      else fail(`Syntax error at or near '${char}' at line ${line}:${at - lineStart + 1}`);
    }
  }
}
