// What secures connections, whichever side of them one is on: keys and trust for TLS, SASL's exchanges, and the settings that
// name passwords and keys.
export { FileBacked } from './file-backed.ts';
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
export { certificateName } from './certificate-name.ts';
export { Jwks, type JwksOptions } from './jwks.ts';
export { invalid, linesOf, readSettingFile } from './setting-files.ts';
export { endpointIdentification, JAVA_SSL_SETTINGS, type SslSetting, sslSettings } from './settings.ts';
export { hasKey, hasTrust, type SslSource, tlsContext } from './tls.ts';
export { type Bearer, checkSignedToken, checkUnsignedToken, type TokenRules } from './tokens.ts';
