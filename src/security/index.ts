// What secures connections, whichever side of them one is on: SASL's exchanges, and the settings that name passwords and keys.
export { type LoginModule, parseJaasConfig } from './jaas.ts';
export {
  isScramMechanism,
  isScramPassword,
  keyLength,
  MIN_SCRAM_ITERATIONS,
  saltedPassword,
  SCRAM_MECHANISMS,
  type ScramChallenge,
  ScramClient,
  type ScramCredential,
  scramCredential,
  type ScramLogin,
  type ScramMechanism,
  scramNonce,
  ScramServer,
} from './scram.ts';
