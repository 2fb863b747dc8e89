// The name in a certificate as Java writes it (RFC 2253): what Kafka's rules and access rules are written for.
import { childrenOf, type Element, elementOf, identifierOf, SEQUENCE, SET } from './asn1.ts';

/** The types of attributes that Java has words for there; others stand as numbers, with their bytes. */
const KEYWORDS: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};
/** `[0]`, around the version. */
const VERSION = 0xa0;
const NEEDS_ESCAPE = /[,=+<>#;"\\]/g;

/** Of the subject of a certificate in DER: `CN=alice,OU=Sales,O=Example,C=DE`. Throws for what is no certificate. */
export function certificateName(certificate: Buffer): string {
  const [body] = childrenOf(elementOf(certificate), SEQUENCE);
  const fields = childrenOf(body!, SEQUENCE);
  const subject = fields[fields[0]?.tag === VERSION ? 5 : 4]!;
  // The most general part comes first there, and last here.
  return childrenOf(subject, SEQUENCE).reverse().map(partOf).join(',');
}

/** A part may have several attributes. */
function partOf(part: Element): string {
  return childrenOf(part, SET).map(attributeOf).join('+');
}

function attributeOf(attribute: Element): string {
  const [type, value] = childrenOf(attribute, SEQUENCE);
  const identifier = identifierOf(type);
  const keyword = KEYWORDS[identifier];
  const text = keyword === undefined ? undefined : textOf(value!);
  return text === undefined
    ? `${keyword ?? identifier}=#${value!.whole.toString('hex')}`
    : `${keyword}=${escaped(text)}`;
}

/** By the kinds of texts that ASN.1 has; undefined for what is none. */
function textOf({ tag, content }: Element): string | undefined {
  switch (tag) {
    case 0x0c: // UTF8String
      return content.toString('utf8');
    case 0x13: // PrintableString
    case 0x16: // IA5String
    case 0x1b: // GeneralString
    case 0x14: // T61String
      return content.toString('latin1');
    case 0x1e: // BMPString
      return Buffer.from(content).swap16().toString('utf16le');
    default:
      return undefined;
  }
}

function escaped(text: string): string {
  return text
    .replace(NEEDS_ESCAPE, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^ +| +$/g, (spaces) => '\\ '.repeat(spaces.length));
}
