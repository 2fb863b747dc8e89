// Reads the text of a .proto file (proto2 and proto3). What it accepts is grammatical; whether names resolve and numbers
// are free is the linker's and the checker's business.
import {
  CONSTANT_MAX,
  type ProtoConstant,
  type ProtoEnum,
  type ProtoExtend,
  type ProtoExtensions,
  type ProtoField,
  type ProtoFile,
  type ProtoGroup,
  type ProtoImport,
  type ProtoLabel,
  type ProtoMessage,
  type ProtoMethod,
  type ProtoNamePart,
  type ProtoOneof,
  type ProtoOption,
  type ProtoRange,
  type ProtoReserved,
  type ProtoScalar,
  type ProtoService,
  type ProtoValue,
  type ProtoValueField,
  SCALAR_TYPES,
  TAG_MAX,
} from './ast.ts';
import { Lexer, NAME_CHARS_MAX, type Token } from './lexer.ts';

/** A file, and where in the text its declarations stand. */
export interface ParsedProto {
  readonly file: ProtoFile;
  /** In characters from the start. */
  offsetOf(declaration: object): number;
  /** Throws with the place (`line:column`) of the declaration. */
  fail(declaration: object, message: string): never;
}

/** Messages and option values may nest this deep; protoc takes no deeper messages either. */
const DEPTH_MAX = 32;
/** Such as in `(a).b.c`. */
const OPTION_NAME_PARTS_MAX = 20;
/** Far beyond what people write: the largest files in the wild are a few hundred KiB. */
export const TEXT_CHARS_MAX = 5_000_000;

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** `name` is that of an imported file, for errors. */
export function parseProto(text: string, name = ''): ParsedProto {
  return new Parser(text, name).parse();
}

class Parser {
  readonly #lexer: Lexer;
  readonly #offsets = new WeakMap<object, number>();
  #token: Token;
  #ahead: Token | undefined;
  #depth = 0;

  constructor(text: string, name: string) {
    this.#lexer = new Lexer(text, name);
    if (text.length > TEXT_CHARS_MAX) this.#lexer.fail(0, `the schema has more than ${TEXT_CHARS_MAX} characters`);
    this.#token = this.#lexer.next();
  }

  parse(): ParsedProto {
    const file = this.#file();
    const offsetOf = (declaration: object): number => this.#offsets.get(declaration) ?? 0;
    return { file, offsetOf, fail: (declaration, message) => this.#lexer.fail(offsetOf(declaration), message) };
  }

  // ── Declarations ────────────────────────────────────────────────────────────────────────────────────────────────

  #file(): ProtoFile {
    const file: Writable<ProtoFile> = { imports: [], options: [], messages: [], enums: [], extends: [], services: [] };
    if (this.#isName('edition')) this.#fail('editions are not supported, only the syntaxes proto2 and proto3');
    if (this.#takeName('syntax')) file.syntax = this.#syntax();
    while (this.#token.kind !== 'end') {
      const start = this.#token;
      if (this.#take(';')) continue;
      if (this.#takeName('package')) {
        if (file.package !== undefined) this.#lexer.fail(start.offset, 'a file has one package');
        file.package = this.#dotted();
        this.#expect(';');
      } else if (this.#takeName('import')) file.imports.push(this.#import(start));
      else if (this.#takeName('option')) file.options.push(this.#optionStatement());
      else if (this.#takeName('message')) file.messages.push(this.#message(start));
      else if (this.#takeName('enum')) file.enums.push(this.#enum(start));
      else if (this.#takeName('extend')) file.extends.push(this.#extend(start));
      else if (this.#takeName('service')) file.services.push(this.#service(start));
      else this.#failExpecting('a declaration (message, enum, extend, service, import, package or option)');
    }
    return file;
  }

  #syntax(): 'proto2' | 'proto3' {
    this.#expect('=');
    const at = this.#token.offset;
    const syntax = this.#string();
    if (syntax !== 'proto2' && syntax !== 'proto3') {
      this.#lexer.fail(at, `the syntax ${JSON.stringify(syntax)} is not known, only "proto2" and "proto3"`);
    }
    this.#expect(';');
    return syntax;
  }

  #import(start: Token): ProtoImport {
    const kind = this.#takeName('public') ? 'public' : this.#takeName('weak') ? 'weak' : undefined;
    const path = this.#text();
    this.#expect(';');
    return this.#at(start, kind === undefined ? { path } : { path, kind });
  }

  #message(start: Token): ProtoMessage {
    return this.#at(start, this.#messageBody(this.#name('the name of a message')));
  }

  #messageBody(name: string): ProtoMessage {
    const message: Writable<ProtoMessage> = {
      name,
      reserved: [],
      options: [],
      fields: [],
      oneofs: [],
      groups: [],
      extensions: [],
      extends: [],
      messages: [],
      enums: [],
    };
    this.#block(() => {
      const start = this.#token;
      if (this.#takeName('message')) message.messages.push(this.#message(start));
      else if (this.#takeName('enum')) message.enums.push(this.#enum(start));
      else if (this.#takeName('extensions')) message.extensions.push(this.#extensions(start));
      else if (this.#takeName('reserved')) message.reserved.push(this.#reserved(start, TAG_MAX));
      else if (this.#takeName('extend')) message.extends.push(this.#extend(start));
      else if (this.#takeName('option')) message.options.push(this.#optionStatement());
      else if (this.#takeName('oneof')) message.oneofs.push(this.#oneof(start));
      else this.#fieldOrGroup(message, true);
    });
    return message;
  }

  #fieldOrGroup(into: { fields: ProtoField[]; groups: ProtoGroup[] }, labelled: boolean): void {
    const start = this.#token;
    const label = labelled ? this.#label() : undefined;
    const withLabel = label === undefined ? {} : { label };
    if (this.#takeName('group')) {
      const name = this.#name('the name of a group');
      this.#expect('=');
      const tag = this.#tag();
      const options = this.#optionList();
      const message = this.#at(start, this.#messageBody(name));
      into.groups.push(this.#at(start, { ...withLabel, tag, options, message }));
      return;
    }
    const map = this.#isName('map') && this.#peek().text === '<' ? this.#mapKey() : {};
    const type = this.#typeName();
    if ('mapKey' in map) this.#expect('>');
    const name = this.#name('the name of a field');
    this.#expect('=');
    const tag = this.#tag();
    const options = this.#optionList();
    this.#expect(';');
    into.fields.push(this.#at(start, { ...withLabel, ...map, type, name, tag, options }));
  }

  #label(): ProtoLabel | undefined {
    for (const label of ['optional', 'required', 'repeated'] as const) if (this.#takeName(label)) return label;
    return undefined;
  }

  #mapKey(): { mapKey: string } {
    this.#advance();
    this.#expect('<');
    const mapKey = this.#token.text;
    if (!SCALAR_TYPES.has(mapKey) || ['float', 'double', 'bytes'].includes(mapKey)) {
      this.#failExpecting("a map's key type (an integer type, bool or string)");
    }
    this.#advance();
    this.#expect(',');
    return { mapKey };
  }

  #oneof(start: Token): ProtoOneof {
    const oneof: Writable<ProtoOneof> = {
      name: this.#name('the name of a oneof'),
      options: [],
      fields: [],
      groups: [],
    };
    this.#block(() => {
      if (this.#takeName('option')) oneof.options.push(this.#optionStatement());
      else if (this.#isName('map') && this.#peek().text === '<') this.#fail('a oneof has no maps');
      else if (['optional', 'required', 'repeated'].some((label) => this.#isName(label)) && this.#peek().text !== '.') {
        this.#fail(`the fields of a oneof have no label, but this one is ${this.#token.text}`);
      } else this.#fieldOrGroup(oneof, false);
    });
    return this.#at(start, oneof);
  }

  #extend(start: Token): ProtoExtend {
    const extend: Writable<ProtoExtend> = { type: this.#typeName(), fields: [], groups: [] };
    this.#block(() => this.#fieldOrGroup(extend, true));
    return this.#at(start, extend);
  }

  #extensions(start: Token): ProtoExtensions {
    const ranges = this.#ranges(TAG_MAX);
    const options = this.#optionList();
    this.#expect(';');
    return this.#at(start, { ranges, options });
  }

  #reserved(start: Token, max: number): ProtoReserved {
    let ranges: ProtoRange[] = [];
    const names: string[] = [];
    if (this.#token.kind === 'string') {
      do names.push(this.#text());
      while (this.#take(','));
    } else ranges = this.#ranges(max);
    this.#expect(';');
    return this.#at(start, { ranges, names });
  }

  #ranges(max: number): ProtoRange[] {
    const ranges: ProtoRange[] = [];
    do {
      const start = this.#token;
      const bound = () => (max === TAG_MAX ? this.#tag() : this.#constantNumber());
      const from = bound();
      const to = !this.#takeName('to') ? from : this.#takeName('max') ? max : bound();
      if (to < from) this.#lexer.fail(start.offset, `the range ${from} to ${to} ends before it starts`);
      ranges.push(this.#at(start, { from, to }));
    } while (this.#take(','));
    return ranges;
  }

  #enum(start: Token): ProtoEnum {
    const found: Writable<ProtoEnum> = {
      name: this.#name('the name of an enum'),
      reserved: [],
      options: [],
      constants: [],
    };
    this.#block(() => {
      const start = this.#token;
      const isConstant = this.#peek().text === '=';
      if (!isConstant && this.#takeName('option')) found.options.push(this.#optionStatement());
      else if (!isConstant && this.#takeName('reserved')) found.reserved.push(this.#reserved(start, CONSTANT_MAX));
      else found.constants.push(this.#constant(start));
    });
    return this.#at(start, found);
  }

  #constant(start: Token): ProtoConstant {
    const name = this.#name('the name of a constant');
    this.#expect('=');
    const number = this.#constantNumber();
    const options = this.#optionList();
    this.#expect(';');
    return this.#at(start, { name, number, options });
  }

  #service(start: Token): ProtoService {
    const service: Writable<ProtoService> = { name: this.#name('the name of a service'), options: [], methods: [] };
    this.#block(() => {
      const start = this.#token;
      if (this.#takeName('option')) service.options.push(this.#optionStatement());
      else if (this.#takeName('rpc')) service.methods.push(this.#method(start));
      else this.#failExpecting('rpc or option');
    });
    return this.#at(start, service);
  }

  #method(start: Token): ProtoMethod {
    const name = this.#name('the name of a method');
    const [clientStreaming, input] = this.#methodType();
    if (!this.#takeName('returns')) this.#failExpecting('"returns"');
    const [serverStreaming, output] = this.#methodType();
    const options: ProtoOption[] = [];
    if (this.#token.text === '{' && this.#token.kind === 'symbol') {
      this.#block(() => {
        if (!this.#takeName('option')) this.#failExpecting('option');
        options.push(this.#optionStatement());
      });
    } else this.#expect(';');
    return this.#at(start, { name, input, output, clientStreaming, serverStreaming, options });
  }

  #methodType(): [streaming: boolean, type: string] {
    this.#expect('(');
    const streaming = this.#isName('stream') && this.#peek().text !== ')';
    if (streaming) this.#advance();
    const type = this.#typeName();
    this.#expect(')');
    return [streaming, type];
  }

  // ── Options ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Behind the word `option`. */
  #optionStatement(): ProtoOption {
    const option = this.#option();
    this.#expect(';');
    return option;
  }

  #optionList(): ProtoOption[] {
    const options: ProtoOption[] = [];
    if (!this.#take('[')) return options;
    do options.push(this.#option());
    while (this.#take(','));
    this.#expect(']');
    return options;
  }

  #option(): ProtoOption {
    const start = this.#token;
    const name: ProtoNamePart[] = [];
    do {
      const extension = this.#take('(');
      name.push({ name: extension ? this.#typeName() : this.#name('the name of an option'), extension });
      if (extension) this.#expect(')');
      if (name.length > OPTION_NAME_PARTS_MAX) {
        this.#fail(`an option's name has more than ${OPTION_NAME_PARTS_MAX} parts`);
      }
    } while (this.#take('.'));
    this.#expect('=');
    const value = this.#isSymbol('{') ? this.#messageValue() : this.#scalar();
    return this.#at(start, { name, value });
  }

  #scalar(): ProtoScalar {
    if (this.#token.kind === 'string') return { kind: 'string', bytes: this.#string() };
    const sign = this.#take('-') ? '-' : '';
    if (sign === '' && this.#take('+')) this.#fail('a number has no plus sign');
    const { kind, text } = this.#token;
    const isWord = kind === 'name' && (sign === '' || /^(inf|infinity|nan)$/i.test(text));
    if (!isWord && kind !== 'integer' && kind !== 'float') this.#failExpecting("an option's value");
    this.#advance();
    return { kind: 'word', text: sign + text };
  }

  /** A value in protobuf's text format, in braces or angle brackets. */
  #messageValue(): ProtoValue {
    const fields: ProtoValueField[] = [];
    this.#deeper(() => {
      const close = this.#take('<') ? '>' : (this.#expect('{'), '}');
      while (!this.#take(close)) {
        const name = this.#isSymbol('[') ? this.#bracketedName() : this.#name('the name of a field');
        const isMessage = !this.#take(':') || this.#isSymbol('{') || this.#isSymbol('<');
        fields.push({ name, value: isMessage && !this.#isSymbol('[') ? this.#messageValue() : this.#value() });
        if (!this.#take(',')) this.#take(';');
      }
    });
    return { kind: 'message', fields };
  }

  #value(): ProtoValue {
    if (this.#isSymbol('{') || this.#isSymbol('<')) return this.#messageValue();
    if (!this.#take('[')) return this.#scalar();
    const values: ProtoValue[] = [];
    if (!this.#take(']')) {
      do {
        if (this.#isSymbol('[')) this.#fail('a list holds no lists');
        values.push(this.#value());
      } while (this.#take(','));
      this.#expect(']');
    }
    return { kind: 'list', values };
  }

  #bracketedName(): string {
    this.#expect('[');
    let name = this.#dotted();
    while (this.#take('/')) name += `/${this.#dotted()}`;
    this.#expect(']');
    return `[${name}]`;
  }

  // ── Words ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #block(statement: () => void): void {
    this.#deeper(() => {
      this.#expect('{');
      while (!this.#take('}')) {
        if (this.#token.kind === 'end') this.#failExpecting('"}"');
        if (!this.#take(';')) statement();
      }
    });
  }

  #deeper(work: () => void): void {
    if (++this.#depth > DEPTH_MAX) this.#fail(`this nests deeper than ${DEPTH_MAX} levels`);
    work();
    this.#depth--;
  }

  #tag(): number {
    const at = this.#token.offset;
    const tag = this.#integer('a field number');
    if (tag < 1 || tag > TAG_MAX) this.#lexer.fail(at, `${tag} is not a field number: they are from 1 to ${TAG_MAX}`);
    return tag;
  }

  #constantNumber(): number {
    const at = this.#token.offset;
    const number = this.#take('-') ? -this.#integer('a number') : this.#integer('a number');
    if (number > CONSTANT_MAX || number < -CONSTANT_MAX - 1) {
      this.#lexer.fail(at, `the number ${number} does not fit in 32 bits`);
    }
    return number === 0 ? 0 : number;
  }

  #integer(what: string): number {
    const { kind, text } = this.#token;
    if (kind !== 'integer') this.#failExpecting(what);
    const isOctal = /^0\d/.test(text);
    if (isOctal && /[89]/.test(text)) this.#fail(`${text} is not an octal number`);
    this.#advance();
    return isOctal ? Number.parseInt(text, 8) : Number(text);
  }

  /** A name that may start with a dot. */
  #typeName(): string {
    return this.#take('.') ? `.${this.#dotted()}` : this.#dotted();
  }

  #dotted(): string {
    const at = this.#token.offset;
    let name = this.#name('a name');
    while (this.#take('.')) {
      name += `.${this.#name('a name')}`;
      if (name.length > NAME_CHARS_MAX) this.#lexer.fail(at, `a name has more than ${NAME_CHARS_MAX} characters`);
    }
    return name;
  }

  #name(what: string): string {
    const { kind, text } = this.#token;
    if (kind !== 'name') this.#failExpecting(what);
    this.#advance();
    return text;
  }

  /** A string as text. */
  #text(): string {
    return Buffer.from(this.#string(), 'latin1').toString('utf8');
  }

  /** Adjacent strings are one; one character for each byte. */
  #string(): string {
    if (this.#token.kind !== 'string') this.#failExpecting('a string');
    const parts: string[] = [];
    while (this.#token.kind === 'string') {
      parts.push(this.#token.text);
      this.#advance();
    }
    return parts.join('');
  }

  #isName(name: string): boolean {
    return this.#token.kind === 'name' && this.#token.text === name;
  }

  #takeName(name: string): boolean {
    if (!this.#isName(name)) return false;
    this.#advance();
    return true;
  }

  #isSymbol(symbol: string): boolean {
    return this.#token.kind === 'symbol' && this.#token.text === symbol;
  }

  #take(symbol: string): boolean {
    if (!this.#isSymbol(symbol)) return false;
    this.#advance();
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol)) this.#failExpecting(`"${symbol}"`);
  }

  #advance(): void {
    this.#token = this.#ahead ?? this.#lexer.next();
    this.#ahead = undefined;
  }

  #peek(): Token {
    this.#ahead ??= this.#lexer.next();
    return this.#ahead;
  }

  #at<T extends object>(start: Token, declaration: T): T {
    this.#offsets.set(declaration, start.offset);
    return declaration;
  }

  #failExpecting(what: string): never {
    const { kind, text } = this.#token;
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    this.#fail(`expected ${what} but found ${kind === 'end' ? 'the end of the text' : JSON.stringify(shown)}`);
  }

  #fail(message: string): never {
    this.#lexer.fail(this.#token.offset, message);
  }
}
