// Names as they have to be: topics as Kafka allows them, schemas and fields as Avro does, if that is wished.

/** How names are made fit for Avro. */
export type NameAdjustment = 'none' | 'avro' | 'avro_unicode';

/** A topic's name, with what Kafka does not allow replaced. */
export function topicName(...parts: readonly string[]): string {
  return parts.join('').replace(/[^\w.-]/g, '_');
}

/** A schema's full name. */
export function adjustSchemaName(name: string, mode: NameAdjustment): string {
  return adjust(name, mode, /[A-Za-z0-9_.]/);
}

/** A field's name. */
export function adjustFieldName(name: string, mode: NameAdjustment): string {
  return adjust(name, mode, /[A-Za-z0-9_]/);
}

function adjust(name: string, mode: NameAdjustment, allowed: RegExp): string {
  if (mode === 'none') return name;
  const replaced = Array.from({ length: name.length }, (_, i) => {
    const unit = name[i]!;
    const fits = allowed.test(unit) && (i > 0 || /[A-Za-z_]/.test(unit));
    if (mode === 'avro') return fits ? unit : i === 0 && /[0-9]/.test(unit) ? `_${unit}` : '_';
    return fits && unit !== '_' ? unit : `_u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return replaced.join('');
}
