// Values that stand as text in more than one place: in literals, casts and formats.

/** True for the beginnings of `true` and `yes`, false for those of `false` and `no`, in any case; undefined for all else. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === '') return undefined;
  if ('true'.startsWith(word) || 'yes'.startsWith(word)) return true;
  return 'false'.startsWith(word) || 'no'.startsWith(word) ? false : undefined;
}

/** The bytes of a Base64 text (RFC 4648 §4; the padding may be left out); undefined when it is none. */
export function parseBase64(text: string): Buffer | undefined {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(text)
    ? Buffer.from(text, 'base64')
    : undefined;
}
