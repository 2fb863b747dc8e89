// RC2 in CBC mode (RFC 2268), only the way back: Java up to version 8 encrypts the certificates of PKCS12 stores with it, and
// Node's own cryptography has left it behind.
import { Malformed } from './asn1.ts';

/** The permutation "PITABLE" of the RFC, made of the digits of pi. */
const PI_TABLE = Buffer.from(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32' +
    'bd8f40eb86b77b0bf09521225c6b4e8254d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed708e8eade8052eef784aa72ac354d6a2a' +
    '961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a90d38341bab33ffb0bb480c5fb9b1cd2e' +
    'c5f3db47e5a59c770aa62068fe7fc1ad',
  'hex',
);
const BLOCK = 8;
/** How far the words of a block are turned. */
const TURNS = [1, 2, 3, 5] as const;

/** `effectiveBits` of the key count: 40 for what is called RC2-40. */
export function decryptRc2(key: Buffer, iv: Buffer, effectiveBits: number, encrypted: Buffer): Buffer {
  if (encrypted.length === 0 || encrypted.length % BLOCK !== 0) throw new Malformed('its encrypted part is cut');
  const words = expanded(key, effectiveBits);
  const clear = Buffer.alloc(encrypted.length);
  let before = iv;
  for (let at = 0; at < encrypted.length; at += BLOCK) {
    const block = encrypted.subarray(at, at + BLOCK);
    decryptBlock(words, block).forEach((word, i) => {
      clear.writeUInt16LE(word ^ before.readUInt16LE(2 * i), at + 2 * i);
    });
    before = block;
  }
  const padding = clear.at(-1)!;
  if (padding < 1 || padding > BLOCK || clear.subarray(-padding).some((byte) => byte !== padding)) {
    throw new Malformed('its encrypted part does not open');
  }
  return clear.subarray(0, -padding);
}

/** RFC 2268, section 2: 64 words. */
function expanded(key: Buffer, effectiveBits: number): Uint16Array {
  const bytes = Buffer.alloc(128);
  key.copy(bytes);
  for (let i = key.length; i < 128; i++) bytes[i] = PI_TABLE[(bytes[i - 1]! + bytes[i - key.length]!) & 0xff]!;
  const effective = Math.ceil(effectiveBits / 8);
  const mask = 0xff >> (8 * effective - effectiveBits);
  bytes[128 - effective] = PI_TABLE[bytes[128 - effective]! & mask]!;
  for (let i = 127 - effective; i >= 0; i--) bytes[i] = PI_TABLE[bytes[i + 1]! ^ bytes[i + effective]!]!;
  return Uint16Array.from({ length: 64 }, (_, i) => bytes.readUInt16LE(2 * i));
}

/** Section 4: 16 rounds back, with two more between. */
function decryptBlock(words: Uint16Array, block: Buffer): number[] {
  const r = [0, 2, 4, 6].map((at) => block.readUInt16LE(at));
  let j = 63;
  const mixBack = (): void => {
    for (let i = 3; i >= 0; i--) {
      const turn = TURNS[i]!;
      const word = ((r[i]! >>> turn) | (r[i]! << (16 - turn))) & 0xffff;
      const [a, b, c] = [r[(i + 3) & 3]!, r[(i + 2) & 3]!, r[(i + 1) & 3]!];
      r[i] = (word - words[j--]! - (a & b) - (~a & c)) & 0xffff;
    }
  };
  const mashBack = (): void => {
    for (let i = 3; i >= 0; i--) r[i] = (r[i]! - words[r[(i + 3) & 3]! & 63]!) & 0xffff;
  };
  for (let round = 0; round < 16; round++) {
    if (round === 5 || round === 11) mashBack();
    mixBack();
  }
  return r;
}
