// PEM: keys and certificates as texts (RFC 7468).
import { Malformed } from './asn1.ts';

/** One key or certificate of a text. */
export interface PemBlock {
  readonly label: string;
  /** From `-----BEGIN` on. */
  readonly text: string;
}

const BLOCK = /-----BEGIN ([^-]+)-----(.*?)-----END \1-----/gs;
/** Of what keys that are encrypted in the way of OpenSSL say about themselves. */
const HEADERS = /^\s*Proc-Type:/;

export function isPem(text: string): boolean {
  return text.includes('-----BEGIN ');
}

/** In properties a text stands on one line, with spaces or `\n` for the ends of its lines: they are put back. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks = [...text.matchAll(BLOCK)].map(([whole, label = '', body = '']) => ({
    label,
    text: HEADERS.test(body)
      ? `${whole}\n`
      : `-----BEGIN ${label}-----\n${body.replaceAll(/\\n|\s/g, '').replaceAll(/.{64}(?!$)/g, '$&\n')}\n-----END ${label}-----\n`,
  }));
  if (blocks.length === 0) throw new Malformed('it has neither a key nor a certificate in PEM');
  return blocks;
}

export function pemOf(label: string, der: Buffer): string {
  return pemBlocks(`-----BEGIN ${label}-----${der.toString('base64')}-----END ${label}-----`)[0]!.text;
}
