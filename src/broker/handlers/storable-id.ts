/** The most bytes of a string in the journals of groups and transactions: a 16-bit number counts them. */
const MAX_ID_BYTES = 32_767;

/** Whether something can be kept under an id: else trying again would never help. */
export function isStorableId(id: string): boolean {
  return id !== '' && Buffer.byteLength(id) <= MAX_ID_BYTES;
}
