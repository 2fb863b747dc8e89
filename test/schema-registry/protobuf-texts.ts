// .proto texts for the tests: made at random from a seed, each a valid file with most of what the language has.

/** A valid file in a package of its own, the same for the same seed. */
export function randomProto(seed: number): string {
  return new Writer(seed).file();
}

const SCALARS =
  'double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string bytes'.split(' ');
const MAP_KEYS = 'int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string'.split(' ');
const SPACES = [' ', '\n', '  ', '\t', ' // a remark; with "words" {\n', ' /* or * one\n like this */ '];
/** Custom options, declared in every file that imports the descriptor, with numbers of their own for each. */
function customOptions(number: number): string {
  return `
  message Detail { optional int32 level = 1; optional string note = 2; repeated Detail inner = 3; repeated double weights = 4;
    optional bytes raw = 5; optional Tone tone = 6; enum Tone { LOW = 0; HIGH = 1; } }
  extend google.protobuf.FieldOptions { optional Detail detail = ${number}; repeated string tag = ${number + 1}; }
  extend google.protobuf.MessageOptions { optional Detail message_detail = ${number}; optional double ratio = ${number + 1}; }
  extend google.protobuf.EnumValueOptions { optional bool hidden = ${number}; }
  extend google.protobuf.MethodOptions { optional Detail cost = ${number}; }`;
}

class Writer {
  readonly #seed: number;
  readonly #isProto3: boolean;
  readonly #hasCustom: boolean;
  readonly #types: string[] = [];
  readonly #enums: string[] = [];
  #state: number;
  #names = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#state = seed * 2654435761 + 1;
    this.#isProto3 = this.#chance(0.5);
    this.#hasCustom = !this.#isProto3 && this.#chance(0.5);
  }

  file(): string {
    const home = `p${this.#seed}${this.#pick(['', '.sub', '.a.b'])}`;
    const parts = [`syntax = "${this.#isProto3 ? 'proto3' : 'proto2'}";`, `package ${home};`];
    if (this.#hasCustom)
      parts.push('import "google/protobuf/descriptor.proto";', customOptions(50_000 + 2 * this.#seed));
    if (this.#chance(0.3)) {
      parts.push('import "google/protobuf/duration.proto";');
      this.#types.push('google.protobuf.Duration', '.google.protobuf.Duration');
    }
    if (this.#chance(0.3)) parts.push('import public "google/protobuf/timestamp.proto";');
    if (this.#chance(0.5)) parts.push(`option java_package = ${this.#string()};`);
    if (this.#chance(0.3)) parts.push('option optimize_for = SPEED; option cc_enable_arenas = true;');
    const declarations = Array.from({ length: 1 + this.#below(4) }, () =>
      this.#chance(0.3) ? this.#enum('') : this.#message('', 0),
    );
    if (this.#types.length > 0 && this.#chance(0.4)) declarations.push(this.#service());
    return this.#spaced([...parts, ...declarations].join('\n'));
  }

  #message(prefix: string, depth: number): string {
    const name = this.#name('M');
    const path = `${prefix}${name}`;
    const body: string[] = [];
    const tags = this.#tags();
    const nested = depth < 3 ? this.#below(3) : 0;
    for (let i = 0; i < nested; i++) {
      body.push(this.#chance(0.3) ? this.#enum(`${path}.`) : this.#message(`${path}.`, depth + 1));
    }
    this.#types.push(path);
    for (let i = this.#below(6); i > 0; i--) body.push(this.#field(tags));
    if (this.#chance(0.4)) {
      const members = Array.from({ length: 1 + this.#below(3) }, () => this.#plainField('', tags));
      if (!this.#isProto3 && this.#chance(0.3)) members.push(this.#group('', tags));
      body.push(`oneof ${this.#name('o')} { ${members.join(' ')} }`);
    }
    if (!this.#isProto3 && this.#chance(0.3)) body.push(this.#group(this.#label(), tags));
    if (this.#chance(0.3)) {
      body.push(
        `reserved ${tags()}, 5000 to 5010${this.#chance(0.5) ? ', 6000 to max' : ''};`,
        'reserved "gone", \'lost\';',
      );
    }
    if (!this.#isProto3 && this.#chance(0.3)) {
      const extension = `optional ${this.#pick(SCALARS)} ${this.#name('x')} = ${4000 + this.#below(100)};`;
      body.push('extensions 4000 to 4100, 0x1200;', `extend ${name} { ${extension} }`);
    }
    if (this.#chance(0.3)) body.push(`option deprecated = ${this.#chance(0.5)};`);
    if (this.#hasCustom && this.#chance(0.4)) {
      body.push(
        this.#chance(0.5)
          ? `option (message_detail) = ${this.#detail(2)};`
          : `option (message_detail).level = ${this.#number()}; option (ratio) = ${this.#pick(['1.5e3', '-.25', '7'])};`,
      );
    }
    return `message ${name} { ${this.#shuffle(body).join(this.#chance(0.2) ? ' ; ' : ' ')} }`;
  }

  #field(tags: () => number): string {
    if (this.#chance(0.2)) {
      return `map<${this.#pick(MAP_KEYS)}, ${this.#type()}> ${this.#name('f')} = ${tags()};`;
    }
    return this.#plainField(this.#label(), tags);
  }

  #plainField(label: string, tags: () => number): string {
    const type = this.#type();
    const name = this.#pick(['f', 'message_', 'map', 'Reserved', 'to']) + this.#name('_');
    const options = [];
    if (this.#chance(0.2)) options.push(`json_name = "j${name}"`);
    if (this.#chance(0.2)) options.push('deprecated = true');
    if (!this.#isProto3 && label === 'optional ' && this.#chance(0.4)) {
      const value = {
        int32: '-17',
        uint64: '0xFF',
        double: '-inf',
        float: '1e-3',
        bool: 'true',
        string: this.#string(),
        bytes: '"\\001\\xfe\\n"',
      }[type];
      if (value !== undefined) options.push(`default = ${value}`);
    }
    if (this.#hasCustom && this.#chance(0.3))
      options.push(`(detail).note = ${this.#string()}`, '(tag) = "one"', '(tag) = "two" "three"');
    return `${label}${type} ${name} = ${tags()}${options.length === 0 ? '' : ` [${options.join(', ')}]`};`;
  }

  #group(label: string, tags: () => number): string {
    return `${label}group ${this.#name('G')} = ${tags()} { optional ${this.#pick(SCALARS)} inside = 1; }`;
  }

  #enum(prefix: string): string {
    const name = this.#name('E');
    this.#enums.push(`${prefix}${name}`);
    const constants = Array.from({ length: 1 + this.#below(4) }, (_, i) => {
      const hidden = this.#hasCustom && this.#chance(0.3) ? ' [(hidden) = true]' : '';
      return `${this.#name('C')} = ${i === 0 ? 0 : this.#pick([i, -i, `0x${i.toString(16)}`, `0${i}`])}${hidden};`;
    });
    if (this.#chance(0.3)) constants.unshift('option allow_alias = true;', `${this.#name('C')} = 0;`);
    if (this.#chance(0.3)) constants.push('reserved 100, -20 to -10, 1000 to max;', 'reserved "OLD";');
    return `enum ${name} { ${constants.join(' ')} }`;
  }

  #service(): string {
    const methods = Array.from({ length: 1 + this.#below(3) }, () => {
      const stream = () => (this.#chance(0.3) ? 'stream ' : '');
      const options =
        this.#hasCustom && this.#chance(0.5) ? `option (cost) = ${this.#detail(1)};` : 'option deprecated = true;';
      const end = this.#chance(0.4) ? ` { ${options} }` : ';';
      return `rpc ${this.#name('R')}(${stream()}${this.#pick(this.#types)}) returns (${stream()}${this.#pick(this.#types)})${end}`;
    });
    return `service ${this.#name('S')} { ${methods.join(' ')} }`;
  }

  /** A value in protobuf's text format. */
  #detail(depth: number): string {
    const parts = [`level: ${this.#number()}`];
    if (this.#chance(0.5)) parts.push(`note: ${this.#string()}`);
    if (this.#chance(0.5)) parts.push('weights: [1, 2.5, -3e-2]');
    if (this.#chance(0.5)) parts.push('tone: HIGH');
    if (this.#chance(0.5)) parts.push('raw: "\\377\\000\\\'"');
    if (depth > 0)
      parts.push(this.#chance(0.5) ? `inner ${this.#detail(depth - 1)}` : `inner: <level: 1; note: 'a' "b">`);
    return `{ ${parts.join(this.#pick([' ', ', ', '; ']))} }`;
  }

  #type(): string {
    const types = [...(this.#types.length > 0 ? [this.#types] : []), ...(this.#enums.length > 0 ? [this.#enums] : [])];
    return this.#chance(0.6) || types.length === 0 ? this.#pick(SCALARS) : this.#pick(this.#pick(types));
  }

  #label(): string {
    return this.#pick(this.#isProto3 ? ['', '', 'repeated ', 'optional '] : ['optional ', 'repeated ', 'required ']);
  }

  #string(): string {
    return this.#pick([
      '"plain"',
      '\'it is "so"\'',
      '"tab\\t and \\\\ and \\x41\\101"',
      '"grüße \\u00e9 😀"',
      '""',
      '"line\\nbreak" \' joined\'',
    ]);
  }

  #number(): string {
    return this.#pick(['0', '-5', '0x1F', '017', '2147483647']);
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  #tags(): () => number {
    let next = 1;
    return () => (next += 1 + this.#below(3));
  }

  /** Other spaces and comments here and there, never inside of a string. */
  #spaced(text: string): string {
    return text.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'| /g, (found) =>
      found === ' ' && this.#chance(0.1) ? this.#pick(SPACES) : found,
    );
  }

  #shuffle<T>(items: readonly T[]): T[] {
    return items
      .map((item) => [this.#random(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** Mulberry32. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
