/**
 * Whether a topic is one of a service, not of its users: Kafka's own, and by custom all whose names begin with an underscore
 * (`_schemas`). Lists leave them out until they are asked for.
 */
export function isInternal(name: string): boolean {
  return name.startsWith('_');
}
