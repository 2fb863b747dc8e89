// The routes that ask whether a schema would be compatible.
import { checkCompatibility } from '../compatibility.ts';
import { asRefusal, invalidSchema, RegistryError } from '../errors.ts';
import { explained } from '../insight/dry-run.ts';
import type { SchemaRegistry } from '../registry.ts';
import type { Call, DeclareRoute, Routes } from './access.ts';
import { flag, SCHEMA_MEMBERS, schemaRequest } from './entities.ts';

export function compatibilityRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'POST /compatibility/subjects/:subject/versions/:version': needs(
      'SUBJECT_WRITE',
      {
        summary: 'Whether a schema is compatible with a version.',
        query: ['verbose', 'explain', 'normalize'],
        body: SCHEMA_MEMBERS,
      },
      (call) => compatibility(registry, call, call.params['version']),
      'reading',
    ),
    'POST /compatibility/subjects/:subject/versions': needs(
      'SUBJECT_WRITE',
      {
        summary: 'Whether a schema is compatible with the versions that the subject’s level compares it with.',
        query: ['verbose', 'explain', 'normalize'],
        body: SCHEMA_MEMBERS,
      },
      (call) => compatibility(registry, call, undefined),
      'reading',
    ),
  };
}

function compatibility(registry: SchemaRegistry, { params, query, body }: Call, against: string | undefined): object {
  const verbose = flag(query['verbose']);
  try {
    const request = schemaRequest(body, query);
    // To register, it would mean the schema before; to compare, it means nothing.
    if (request.schema.trim() === '') throw invalidSchema('Empty schema');
    const proposal = registry.proposal(params['subject']!, request, against);
    const messages = checkCompatibility(proposal.comparison);
    return {
      is_compatible: messages.length === 0,
      ...(verbose ? { messages } : {}),
      ...(flag(query['explain']) ? explained(registry, proposal) : {}),
    };
  } catch (thrown) {
    const error = asRefusal(thrown);
    if (verbose && error instanceof RegistryError && error.errorCode === 42201) {
      const nothing = { explanations: [], remedies: [] };
      return { is_compatible: false, messages: [error.message], ...(flag(query['explain']) ? nothing : {}) };
    }
    throw error;
  }
}
