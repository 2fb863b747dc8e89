/** A number as it stands in a case file: digits and scale matter when values are compared. */
export class SpecNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  get integral(): boolean {
    return !/[.eE]/.test(this.text);
  }
}

export type Spec = null | boolean | string | SpecNumber | Spec[] | SpecObject;
export interface SpecObject {
  readonly [name: string]: Spec;
}

const TOKEN =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\],:]|true|false|null/y;

/** Reads JSON with comments, numbers as text. */
export function parseSpec(text: string): Spec {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) throw new Error(`unexpected text at ${at}: ${text.slice(at, at + 20)}`);
    if (!/^(\s|\/\/|\/\*)/.test(token)) tokens.push(token);
  }
  let next = 0;
  const value = (): Spec => {
    const token = tokens[next++];
    switch (token) {
      case undefined:
        throw new Error('unexpected end');
      case '{': {
        const object: Record<string, Spec> = {};
        while (tokens[next] !== '}') {
          const name = JSON.parse(tokens[next]!) as string;
          next += 2;
          object[name] = value();
          if (tokens[next] === ',') next++;
        }
        next++;
        return object;
      }
      case '[': {
        const array: Spec[] = [];
        while (tokens[next] !== ']') {
          array.push(value());
          if (tokens[next] === ',') next++;
        }
        next++;
        return array;
      }
      case 'true':
        return true;
      case 'false':
        return false;
      case 'null':
        return null;
      default:
        return token.startsWith('"') ? (JSON.parse(token) as string) : new SpecNumber(token);
    }
  };
  return value();
}

export function isObject(spec: Spec | undefined): spec is SpecObject {
  return typeof spec === 'object' && spec !== null && !Array.isArray(spec) && !(spec instanceof SpecNumber);
}

export function asText(spec: Spec | undefined): string | undefined {
  return typeof spec === 'string' ? spec : undefined;
}

export function asNumber(spec: Spec | undefined): number | undefined {
  return spec instanceof SpecNumber ? Number(spec.text) : undefined;
}

export function asList(spec: Spec | undefined): readonly Spec[] {
  return Array.isArray(spec) ? spec : [];
}

/** The JSON text of a value. `plain` writes decimals without exponents. */
export function printSpec(spec: Spec, plain = false): string {
  if (spec instanceof SpecNumber) return plain && /[eE]/.test(spec.text) ? plainNumber(spec.text) : spec.text;
  if (Array.isArray(spec)) return `[${spec.map((item) => printSpec(item, plain)).join(',')}]`;
  if (isObject(spec)) {
    const members = Object.entries(spec).map(([name, item]) => `${JSON.stringify(name)}:${printSpec(item, plain)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(spec);
}

function plainNumber(text: string): string {
  const [digits, exponent] = text.toLowerCase().split('e') as [string, string];
  const negative = digits.startsWith('-');
  const [whole = '', fraction = ''] = digits.replace('-', '').split('.');
  const point = whole.length + Number(exponent);
  const all = whole + fraction;
  const padded = point > all.length ? all.padEnd(point, '0') : point <= 0 ? '0'.repeat(1 - point) + all : all;
  const at = point <= 0 ? 1 : point;
  const rest = padded.slice(at);
  return `${negative ? '-' : ''}${padded.slice(0, at)}${rest === '' ? '' : `.${rest}`}`;
}
