import { InvalidSchema } from '../schemas/index.ts';
import { MillraceError } from '../util/index.ts';

/**
 * An answer that is an error, with the code that the original registry gives. The HTTP status is the code's first three
 * digits.
 */
export class RegistryError extends MillraceError {
  override readonly name = 'RegistryError';
  readonly errorCode: number;

  constructor(errorCode: number, message: string, cause?: unknown) {
    super(`REGISTRY_${errorCode}`, message, { cause });
    this.errorCode = errorCode;
  }

  get status(): number {
    return this.errorCode > 999 ? Math.floor(this.errorCode / 100) : this.errorCode;
  }
}

/** What a schema language refuses, as the registry answers it; everything else as it is. */
export function asRefusal(error: unknown): unknown {
  return error instanceof InvalidSchema ? invalidSchema(error.message, error.cause) : error;
}

/** What the original's JSON reader stumbles over, before anybody asks what it means. */
export const malformedRequest = (message: string) => new RegistryError(400, message);
export const pathNotFound = () => new RegistryError(404, 'HTTP 404 Not Found');
export const subjectNotFound = (subject: string) => new RegistryError(40401, `Subject '${subject}' not found.`);
export const versionNotFound = (version: number | string) => new RegistryError(40402, `Version ${version} not found.`);
export const schemaNotFound = (id?: number | string) =>
  new RegistryError(40403, id === undefined ? 'Schema not found' : `Schema ${id} not found`);
export const subjectSoftDeleted = (subject: string) =>
  new RegistryError(40404, `Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`);
export const subjectNotSoftDeleted = (subject: string) =>
  new RegistryError(40405, `Subject '${subject}' was not deleted first before being permanently deleted`);
export const versionSoftDeleted = (subject: string, version: number) =>
  new RegistryError(
    40406,
    `Subject '${subject}' Version ${version} was soft deleted.Set permanent=true to delete permanently`,
  );
export const versionNotSoftDeleted = (subject: string, version: number) =>
  new RegistryError(
    40407,
    `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`,
  );
export const compatibilityNotConfigured = (subject: string) =>
  new RegistryError(40408, `Subject '${subject}' does not have subject-level compatibility configured`);
export const modeNotConfigured = (subject: string) =>
  new RegistryError(40409, `Subject '${subject}' does not have subject-level mode configured`);
export const incompatibleSchema = (subject: string, details: readonly string[]) =>
  new RegistryError(
    409,
    `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${details.join(', ')}]`,
  );
export const invalidSchema = (message: string, cause?: unknown) => new RegistryError(42201, message, cause);
export const invalidVersion = (version: string) =>
  new RegistryError(
    42202,
    `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
  );
export const invalidCompatibilityLevel = () =>
  new RegistryError(
    42203,
    'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive',
  );
export const invalidMode = () =>
  new RegistryError(42204, 'Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.');
export const operationNotPermitted = (message: string) => new RegistryError(42205, message);
export const referenceExists = (subject: string, version: number) =>
  new RegistryError(
    42206,
    `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`,
  );
export const schemaTooLarge = (cause: unknown) =>
  new RegistryError(42209, 'Write failed because schema is too large', cause);
export const invalidRuleSet = (details: string) => new RegistryError(42210, `Invalid rule set: ${details}`);
export const idDoesNotMatch = (registered: number, requested: number) =>
  new RegistryError(42207, `Schema already registered with id ${registered} instead of input id ${requested}`);
export const contextNotEmpty = (context: string) =>
  new RegistryError(42211, `The specified context '${context}' is not empty.`);
export const invalidSubject = (subject: string) =>
  new RegistryError(42208, `The specified subject '${subject}' is not a valid.`);
export const storeError = (details: string, cause?: unknown) =>
  new RegistryError(50001, `Error in the backend data store: ${details}`, cause);
export const storeTimeout = () =>
  new RegistryError(
    50002,
    'Operation timed out: the broker did not answer in time; what was sent may still take effect',
  );
