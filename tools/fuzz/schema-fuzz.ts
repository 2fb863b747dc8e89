/**
 * Registers texts that are nearly schemas, in all three languages: each is refused as INVALID_SCHEMA, or has a canonical
 * text that stands for itself, and is compared with the one before it, both ways.
 */
import { type ParsedSchema, parseSchema, SCHEMA_TYPES, type SchemaType } from '../../src/schemas/index.ts';
import { codeOf } from '../../src/util/index.ts';
import { Chance } from './chance.ts';
import { SCHEMAS } from './corpus/schemas.ts';
import { mutated, mutatedJson } from './mutations.ts';
import { attempt, complain, type FuzzOptions, newOutcome, note, type Outcome, PROBLEMS_MAX } from './outcome.ts';

const TRIES_PER_REPORT = 1000;

export async function fuzzSchemas(options: FuzzOptions): Promise<Outcome> {
  const outcome = newOutcome();
  const chance = new Chance(options.random);
  const before = new Map<SchemaType, ParsedSchema>();
  while (outcome.tries < options.tries && outcome.problems.length < PROBLEMS_MAX) {
    const type = chance.pick(SCHEMA_TYPES);
    const text = nearlySchema(type, chance);
    await attempt(outcome, `${type} ${text}`, () => {
      const schema = register(type, text, outcome);
      if (schema === undefined) return;
      const other = before.get(type) ?? parseSchema(type, SCHEMAS[type][0]!, []);
      compare(schema, other, outcome);
      if (chance.oneIn(3)) before.set(type, schema);
    });
    if (outcome.tries % TRIES_PER_REPORT === 0) options.progress?.(outcome);
  }
  return outcome;
}

function nearlySchema(type: SchemaType, chance: Chance): string {
  const texts = SCHEMAS[type];
  const text = chance.pick(texts);
  // Texts are broken, too, but JSON seldom: a parser of JSON refuses nearly all of these.
  if (type === 'PROTOBUF' || chance.oneIn(10)) return mutated(text, texts, chance);
  const others = [...SCHEMAS.AVRO, ...SCHEMAS.JSON].map((other) => JSON.parse(other) as unknown);
  return JSON.stringify(mutatedJson(JSON.parse(text), others, chance)) ?? '';
}

function register(type: SchemaType, text: string, outcome: Outcome): ParsedSchema | undefined {
  const schema = parsed(type, text, outcome);
  if (schema === undefined) return undefined;
  note(outcome, `${type}: taken`);
  for (const print of [schema.canonical, schema.normalized]) {
    const again = parseSchema(type, print, [], { isStrict: false });
    const [first, second] = print === schema.canonical ? [print, again.canonical] : [print, again.normalized];
    if (first !== second) complain(outcome, `the canonical text ${first} becomes ${second}`, `${type} ${text}`);
  }
  schema.elements();
  return schema;
}

function parsed(type: SchemaType, text: string, outcome: Outcome): ParsedSchema | undefined {
  try {
    return parseSchema(type, text, []);
  } catch (error) {
    if (codeOf(error) !== 'INVALID_SCHEMA') throw error;
    note(outcome, `${type}: refused`);
    return undefined;
  }
}

function compare(schema: ParsedSchema, other: ParsedSchema, outcome: Outcome): void {
  for (const [reader, writer] of [
    [schema, other],
    [other, schema],
    [schema, schema],
  ] as const) {
    for (const policy of ['STRICT', 'LENIENT'] as const) {
      const found = reader.incompatibilitiesReading(writer, policy);
      for (const { place, causes } of found) {
        place();
        causes?.();
      }
      note(outcome, found.length === 0 ? 'compatible' : 'incompatible');
      if (reader === writer && found.length > 0) {
        complain(outcome, `can not read itself: ${JSON.stringify(found)}`, `${reader.schemaType} ${reader.canonical}`);
      }
    }
  }
}
