// JSON text that is checked against its schema (ajv), which is compiled once.
import { Ajv, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvDraft04 from 'ajv-draft-04';
import ajvFormats from 'ajv-formats';
import { type ByteWriter, faultOf, messageOf } from '../util/index.ts';
import { exactJson, parseExactJson } from './exact-json.ts';
import { type JsonSchema, titleOf } from './json-schema-title.ts';
import type { Codec } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';
import { DeserializationError, SerializationError } from './serde.ts';

// The registry has checked the schemas; what it accepts (unknown keywords and formats, say) is not refused here.
const OPTIONS: Options = { strict: false, validateSchema: false, logger: false };

const NO_LEAD = new Uint8Array();

export class JsonSchemaCodec<T> implements Codec<T> {
  readonly recordName: string | undefined;
  readonly lead = NO_LEAD;
  readonly #validate: ValidateFunction;

  constructor({ schema, references }: ResolvedSchema) {
    try {
      const root = JSON.parse(schema) as JsonSchema;
      this.recordName = titleOf(root);
      const ajv = validatorFor(root);
      addReferences(ajv, root, references);
      this.#validate = ajv.compile(root);
    } catch (error) {
      throw new SerializationError(`invalid JSON Schema: ${messageOf(error)}`, error);
    }
  }

  encode(value: T, out: ByteWriter): void {
    const text = exactJson(value);
    // Where the value itself does not fit, what counts is its text: dates are strings there, and bigints numbers.
    const wrong = this.#misfit(value) && this.#misfit(JSON.parse(text));
    if (wrong !== undefined) throw new SerializationError(`the value does not fit its JSON Schema: ${wrong}`);
    out.utf8(text);
  }

  decode(bytes: Buffer, start: number, end: number): T {
    const { value, plain } = parseExactJson(bytes, start, end);
    const wrong = this.#misfit(plain);
    if (wrong !== undefined) throw new DeserializationError(`the text does not fit its JSON Schema: ${wrong}`);
    return value as T;
  }

  /** The first thing that is wrong, with its place. */
  #misfit(value: unknown): string | undefined {
    const validate = this.#validate;
    try {
      if (validate(value) === true) return undefined;
    } catch (error) {
      // So deep, or with a schema so recursive, that checking it takes more than the stack.
      return faultOf(error);
    }
    const [error] = validate.errors ?? [];
    const place = error === undefined || error.instancePath === '' ? 'the value' : error.instancePath;
    return `${place} ${error?.message ?? 'is not valid'}`;
  }
}

function validatorFor(schema: JsonSchema): Ajv {
  const draft = typeof schema === 'boolean' ? undefined : schema['$schema'];
  const has = (name: string) => typeof draft === 'string' && draft.includes(name);
  const ajv = has('draft-04')
    ? new ajvDraft04.default(OPTIONS)
    : has('2019-09')
      ? new Ajv2019(OPTIONS)
      : has('2020-12')
        ? new Ajv2020(OPTIONS)
        : new Ajv(OPTIONS);
  ajvFormats.default(ajv as Ajv);
  return ajv as Ajv;
}

/** A reference's name is a URI, relative to the schemas that mention it. */
function addReferences(ajv: Ajv, root: JsonSchema, references: ResolvedSchema['references']): void {
  const parsed = references.map(({ name, schema }) => ({ name, schema: JSON.parse(schema) as JsonSchema }));
  const bases = [root, ...parsed.map(({ schema }) => schema)].flatMap((schema) => {
    const id = typeof schema === 'boolean' ? undefined : (schema['$id'] ?? schema['id']);
    return typeof id === 'string' && URL.canParse(id) ? [id] : [];
  });
  for (const { name, schema } of parsed) {
    const names = [name, ...bases.filter((base) => URL.canParse(name, base)).map((base) => new URL(name, base).href)];
    for (const uri of new Set(names)) if (ajv.getSchema(uri) === undefined) ajv.addSchema(schema as object, uri);
  }
}
