import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  formatDifference,
  isCompatible,
  protobufDifferences,
} from '../../src/schema-registry/compatibility/protobuf.ts';
import { checkProto } from '../../src/schema-registry/protobuf/checker.ts';
import { linkProto, type ProtoDependency } from '../../src/schema-registry/protobuf/linker.ts';

const casesFile = resolve(import.meta.dirname, '../../../shared/data/registry/protobuf-diff-schema-examples.json');

interface CaseReference {
  name: string;
  subject: string;
  version: number;
}

interface CaseDependency {
  name: string;
  dependency: string;
}

interface Case {
  description: string;
  original_schema: string;
  update_schema: string;
  original_references?: CaseReference[];
  update_references?: CaseReference[];
  original_dependencies?: CaseDependency[];
  update_dependencies?: CaseDependency[];
  changes: string[];
  compatible: boolean;
}

function linked(text: string, dependencies: readonly ProtoDependency[] = []) {
  const proto = linkProto(text, dependencies);
  checkProto(proto);
  return proto;
}

function differences(
  original: string,
  update: string,
  before: readonly ProtoDependency[] = [],
  after: readonly ProtoDependency[] = before,
) {
  return protobufDifferences(linked(original, before), linked(update, after));
}

describe("the original registry's compatibility cases", () => {
  if (!existsSync(casesFile)) {
    test.skip(`skipped: ${casesFile} is not here`, () => {});
    return;
  }
  const cases = JSON.parse(readFileSync(casesFile, 'utf8')) as Case[];
  const joined = (references: CaseReference[] = [], dependencies: CaseDependency[] = []) =>
    references.map((reference) => ({
      ...reference,
      schema: dependencies.find(({ name }) => name === reference.name)!.dependency,
    }));

  test.each(cases.map((c, i) => [i, c.description, c] as const))('case %i: %s', (_index, _description, c) => {
    const found = differences(
      c.original_schema,
      c.update_schema,
      joined(c.original_references, c.original_dependencies),
      joined(c.update_references, c.update_dependencies),
    );
    expect(found.map(formatDifference).sort()).toEqual([...c.changes].sort());
    expect(found.every(isCompatible)).toBe(c.compatible);
  });
});
