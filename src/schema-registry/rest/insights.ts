// What the original registry can't answer: what changed between two versions.
import type { ParsedSchema } from '../../schemas/index.ts';
import type { Finding } from '../compatibility.ts';
import { versionNotFound } from '../errors.ts';
import { schemaChanges } from '../insight/diff.ts';
import { explanations } from '../insight/explain.ts';
import type { SchemaRegistry } from '../registry.ts';
import type { DeclareRoute, Routes } from './access.ts';
import type { StoredSchema } from '../storage/schema-records.ts';

export function insightRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'GET /subjects/:subject/diff': needs(
      'SUBJECT_READ',
      {
        summary: 'What changed between two versions, and whether each reads the other.',
        query: ['from', 'to', 'deleted'],
      },
      ({ params, query }) => {
        const subject = params['subject']!;
        const includeDeleted = String(query['deleted']).toLowerCase() === 'true';
        const to = registry.version(subject, String(query['to'] ?? 'latest'), includeDeleted);
        const from =
          query['from'] === undefined
            ? versionBefore(registry, to, includeDeleted)
            : registry.version(subject, String(query['from']), includeDeleted);
        return diff(registry, from, to);
      },
    ),
  };
}

/** 40402 when it is the first one. */
function versionBefore(registry: SchemaRegistry, { subject, version }: StoredSchema, deleted: boolean): StoredSchema {
  const before = registry.versions(subject, { deleted }).findLast((other) => other < version);
  if (before === undefined) throw versionNotFound(version - 1);
  return registry.version(subject, String(before), deleted);
}

function diff(registry: SchemaRegistry, from: StoredSchema, to: StoredSchema): object {
  const [before, after] = [registry.parsed(from), registry.parsed(to)];
  const verdict = (violates: Finding['violates'], reader: ParsedSchema, writer: ParsedSchema) => {
    const { compatibilityPolicy } = registry.config(to.subject);
    if (reader.schemaType !== writer.schemaType) {
      return { compatible: false, reasons: [`${reader.schemaType} can't read ${writer.schemaType}`] };
    }
    const found = reader.incompatibilitiesReading(writer, compatibilityPolicy).map((one) => ({ ...one, violates }));
    const explained = explanations(found, after.schemaType, from.version, `version ${to.version}`);
    return { compatible: found.length === 0, reasons: explained.map(({ reason }) => reason) };
  };
  return {
    subject: to.subject,
    schemaType: to.schemaType,
    from: from.version,
    to: to.version,
    changes: schemaChanges({ parsed: before, content: from }, { parsed: after, content: to }),
    compatibility: {
      backward: verdict('BACKWARD', after, before),
      forward: verdict('FORWARD', before, after),
    },
  };
}
