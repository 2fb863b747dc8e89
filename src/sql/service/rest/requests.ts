// What a request says: its body, what its statements may see, and what it wants to be answered in.
import type { FastifyRequest } from 'fastify';
import { messageOf } from '../../../util/index.ts';
import type { RequestContext } from '../session.ts';
import { BAD_REQUEST, RequestError } from './errors.ts';

export function jsonBody({ body }: FastifyRequest): Record<string, unknown> {
  return jsonObject(String(body));
}

/** A text that is a request. */
export function jsonObject(text: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new RequestError(BAD_REQUEST, `Malformed JSON in request: ${messageOf(error)}`);
  }
  if (typeof body !== 'object' || body === null) throw new RequestError(BAD_REQUEST, 'Invalid JSON in request');
  return body as Record<string, unknown>;
}

export function textOf(body: Record<string, unknown>, member: string): string {
  const text = body[member];
  if (typeof text !== 'string')
    throw new RequestError(BAD_REQUEST, `Invalid JSON in request: Missing required creator property '${member}'`);
  return text;
}

export function contextOf(body: Record<string, unknown>, member: string): RequestContext {
  const variables = Object.entries(objectOf(body, 'sessionVariables')).map(([name, value]) => [name, String(value)]);
  const number = body['commandSequenceNumber'] ?? -1;
  if (!Number.isSafeInteger(number)) throw new RequestError(BAD_REQUEST, '"commandSequenceNumber" is an integer.');
  return {
    properties: objectOf(body, member),
    variables: Object.fromEntries(variables) as Record<string, string>,
    commandSequenceNumber: Number(number),
  };
}

function objectOf(body: Record<string, unknown>, member: string): Record<string, unknown> {
  const value = body[member] ?? {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new RequestError(BAD_REQUEST, `"${member}" is an object of names and values.`);
}

/** The first of the types that the client takes; the first is also for those who don't say. */
export function acceptOf(request: FastifyRequest, types: readonly string[]): string {
  const accept = request.headers.accept;
  if (accept === undefined || accept === '') return types[0]!;
  const ranges = accept.split(',').map((range) => range.split(';')[0]!.trim().toLowerCase());
  const found = types.find((type) => ranges.includes(type));
  if (found !== undefined) return found;
  if (ranges.includes('*/*') || ranges.includes('application/*')) return types[0]!;
  throw new RequestError(40600, `None of ${accept} can be answered; this path answers ${types.join(', ')}.`);
}
