// What is in a keystore or a truststore, whatever its format.

export interface StoreEntries {
  /** Private keys as PKCS8, each with its certificate and those that signed it. */
  readonly keys: readonly { readonly key: Buffer; readonly chain: readonly Buffer[] }[];
  /** Certificates (DER) whose holders are trusted: those that stand alone, and those of keys. */
  readonly trusted: readonly Buffer[];
}

export interface StorePasswords {
  /** Undefined: not given. */
  readonly store: string | undefined;
  /** Of the private key, where it has another one than the store. */
  readonly key: string | undefined;
}
