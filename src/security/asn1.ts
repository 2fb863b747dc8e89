// Elements of ASN.1 as keystores have them: DER, and of BER what other writers of PKCS12 use (X.690: lengths that are not
// told, octet strings in pieces).

/** Bytes that are not what they are taken for. */
export class Malformed extends Error {}

export interface Element {
  /** The whole first byte: class, whether it is constructed, number. */
  readonly tag: number;
  /** Without tag and length; of an octet string in pieces all of them. */
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

export const INTEGER = 0x02;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
export const SEQUENCE = 0x30;
export const SET = 0x31;
/** `[0]`, around an element or in pieces. */
export const CONTEXT_0 = 0xa0;
/** `[0]` in place of an element's own tag. */
export const CONTEXT_0_PRIMITIVE = 0x80;

const CONSTRUCTED = 0x20;
const UNTOLD = 0x80;
const NESTING_MAX = 32;

/** The element that the bytes are; what follows it is left alone. */
export function elementOf(bytes: Buffer): Element {
  return read(bytes, 0, 0).element;
}

/** The elements in a constructed one. */
export function childrenOf(element: Element, wanted?: number): Element[] {
  if (wanted !== undefined && element.tag !== wanted) throw unexpected(element, wanted);
  const children: Element[] = [];
  for (let at = 0; at < element.content.length; ) {
    const { element: child, end } = read(element.content, at, 0);
    children.push(child);
    at = end;
  }
  return children;
}

/** The bytes of an element of one kind. */
export function contentOf(element: Element | undefined, wanted: number): Buffer {
  if (element === undefined) throw new Malformed('something is missing in it');
  // An octet string in pieces is constructed.
  if (element.tag === (wanted | CONSTRUCTED) && wanted === OCTET_STRING) return piecesOf(element, 0);
  if (element.tag !== wanted) throw unexpected(element, wanted);
  return element.content;
}

/** Of `[0] IMPLICIT OCTET STRING`, in one piece or in several. */
export function implicitOctets(element: Element | undefined): Buffer {
  if (element?.tag === CONTEXT_0) return piecesOf(element, 0);
  return contentOf(element, CONTEXT_0_PRIMITIVE);
}

/** In dots: `1.2.840.113549.1.7.1`. */
export function identifierOf(element: Element | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of contentOf(element, OBJECT_IDENTIFIER)) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first = 0, ...rest] = arcs;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join('.');
}

/** A number from 0 to 2^31 - 1: counts and lengths. */
export function countOf(element: Element | undefined): number {
  const bytes = contentOf(element, INTEGER);
  const value = bytes.length >= 1 && bytes.length <= 4 ? bytes.readIntBE(0, bytes.length) : -1;
  if (value < 0) throw new Malformed('a count in it is out of bounds');
  return value;
}

function read(bytes: Buffer, at: number, depth: number): { readonly element: Element; readonly end: number } {
  if (depth > NESTING_MAX) throw new Malformed('it nests too deeply');
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw new Malformed('it ends in the middle');
  if ((tag & 0x1f) === 0x1f) throw new Malformed(`it has a tag that no keystore has (0x${tag.toString(16)})`);
  let begin = at + 2;
  if (first === UNTOLD) return readUntold(bytes, at, depth);
  let length = first;
  if (first > UNTOLD) {
    const size = first & 0x7f;
    if (size > 4 || begin + size > bytes.length) throw new Malformed('a length in it is out of bounds');
    length = bytes.readUIntBE(begin, size);
    begin += size;
  }
  const end = begin + length;
  if (end > bytes.length) throw new Malformed('it ends in the middle');
  return { element: { tag, content: bytes.subarray(begin, end), whole: bytes.subarray(at, end) }, end };
}

/** Its end is an element of two zero bytes. */
function readUntold(bytes: Buffer, at: number, depth: number): { readonly element: Element; readonly end: number } {
  const tag = bytes[at]!;
  if ((tag & CONSTRUCTED) === 0) throw new Malformed('a length in it is missing');
  const begin = at + 2;
  let end = begin;
  while (bytes[end] !== 0 || bytes[end + 1] !== 0) end = read(bytes, end, depth + 1).end;
  return {
    element: { tag, content: bytes.subarray(begin, end), whole: bytes.subarray(at, end + 2) },
    end: end + 2,
  };
}

function piecesOf(element: Element, depth: number): Buffer {
  if (depth > NESTING_MAX) throw new Malformed('it nests too deeply');
  const pieces = childrenOf(element).map((piece) =>
    piece.tag === (OCTET_STRING | CONSTRUCTED) ? piecesOf(piece, depth + 1) : contentOf(piece, OCTET_STRING),
  );
  return Buffer.concat(pieces);
}

function unexpected(element: Element, wanted: number): Malformed {
  return new Malformed(`it has 0x${element.tag.toString(16)} where 0x${wanted.toString(16)} belongs`);
}
