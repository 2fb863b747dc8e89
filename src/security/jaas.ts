// `sasl.jaas.config` as Kafka reads it: one login module with its options, in the syntax of Java's JAAS files.
//
//   org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="secret";
//
// What may stand where is what Java's StreamTokenizer takes, which Kafka reads it with: words, texts in single or double
// quotes with backslash escapes, comments with `/`.
import { MillraceError } from '../util/index.ts';

export interface LoginModule {
  /** The Java class; which mechanism it is for is told by what stands behind its last dot. */
  readonly className: string;
  readonly options: ReadonlyMap<string, string>;
}

interface Token {
  readonly kind: 'text' | 'symbol';
  readonly text: string;
}

const FLAGS = ['required', 'requisite', 'sufficient', 'optional'];
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/**
 * The one login module of a `sasl.jaas.config`. Throws `INVALID_CONFIG`; messages name the setting and never the values,
 * of which some are passwords.
 */
export function parseJaasConfig(setting: string, text: string): LoginModule {
  const refuse = (what: string): MillraceError =>
    new MillraceError(
      'INVALID_CONFIG',
      `"${setting}": ${what}. It is like: org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";`,
    );
  const tokens = [...tokensOf(text, refuse)];
  const [className, flag] = tokens;
  if (className?.kind !== 'text') throw refuse('there is no login module in it');
  if (flag?.kind !== 'text' || !FLAGS.includes(flag.text.toLowerCase())) {
    throw refuse(`behind the login module there must be one of ${FLAGS.join(', ')}`);
  }
  const options = new Map<string, string>();
  let at = 2;
  const isEnd = ({ kind, text: symbol }: Token): boolean => kind === 'symbol' && symbol === ';';
  for (; at < tokens.length && !isEnd(tokens[at]!); at += 3) {
    const [key, equals, value] = tokens.slice(at, at + 3);
    const isOption = key!.kind === 'text' && equals?.text === '=' && equals.kind === 'symbol' && value?.kind === 'text';
    if (!isOption) throw refuse(`option ${options.size + 1} is not name=value`);
    options.set(key!.text, value.text);
  }
  if (at >= tokens.length) throw refuse('it does not end with a semicolon');
  if (at + 1 < tokens.length) throw refuse('there is more than one login module in it');
  return { className: className.text, options };
}

function* tokensOf(text: string, refuse: (what: string) => MillraceError): Generator<Token> {
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (isSpace(char)) at++;
    else if (char === '/') at = endOfComment(text, at, refuse);
    else if (char === '"' || char === "'") {
      const quoted = readQuoted(text, at, refuse);
      yield { kind: 'text', text: quoted.text };
      at = quoted.end;
    } else if (char === '=' || char === ';') {
      yield { kind: 'symbol', text: char };
      at++;
    } else {
      const start = at;
      while (at < text.length && !isSpace(text[at]!) && !'/"\'=;'.includes(text[at]!)) at++;
      yield { kind: 'text', text: text.slice(start, at) };
    }
  }
}

function isSpace(char: string): boolean {
  return char <= ' ';
}

function endOfComment(text: string, start: number, refuse: (what: string) => MillraceError): number {
  const isBlock = text[start + 1] === '*';
  const end = isBlock ? text.indexOf('*/', start + 2) : text.slice(start).search(/[\r\n]/);
  if (end >= 0) return isBlock ? end + 2 : start + end;
  if (isBlock) throw refuse('a comment in it does not end');
  return text.length;
}

function readQuoted(
  text: string,
  start: number,
  refuse: (what: string) => MillraceError,
): { readonly text: string; readonly end: number } {
  const quote = text[start];
  const parts: string[] = [];
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === quote) return { text: parts.join(''), end: at + 1 };
    if (char === '\n' || char === '\r') break;
    if (char !== '\\') {
      parts.push(char);
      continue;
    }
    const [octal] = /^(?:[0-3][0-7]{0,2}|[0-7]{1,2})/.exec(text.slice(at + 1, at + 4)) ?? [];
    if (octal !== undefined) {
      parts.push(String.fromCharCode(Number.parseInt(octal, 8)));
      at += octal.length;
    } else {
      const escaped = text[++at] ?? '';
      parts.push(ESCAPES[escaped] ?? escaped);
    }
  }
  throw refuse('a quoted text in it does not end');
}
