// The leaf everything may stand on: assertions, coded errors, hashes, the injected clock. Knows nothing of ours.
export { OLDEST_NODE } from './node-version.ts';
export { assert, AssertionError, unreachable } from './assert.ts';
export { atOnce, deferred, type Deferred, inTurns, Pace, type Steps, Turns, yieldToEventLoop } from './async.ts';
export { type Clock, type Environment, ManualEnvironment, randomUuid, systemEnvironment } from './environment.ts';
export { BufferPool } from './buffer-pool.ts';
export { crc32c } from './crc32c.ts';
export { Decimal, signedBytes, signedInteger } from './decimal.ts';
export { codeOf, faultOf, isOutOfStack, messageOf, MillraceError } from './errors.ts';
export { noRouteSchemas } from './fastify.ts';
export {
  anyText,
  anyValue,
  callback,
  checkOptions,
  checkValue,
  flag,
  having,
  listOfTexts,
  oneOf,
  type Option,
  type OptionTable,
  someText,
  textsByName,
  wholeNumber,
} from './options.ts';
export { nodeHttp } from './node-http.ts';
export { parseProperties, propertiesIn } from './properties-file.ts';
export { packageRoot } from './package-root.ts';
export { type Callable, type Fault, fromFault, type Port, PortCalls, toFault } from './port-calls.ts';
export { Restarts } from './restarts.ts';
export { BrokenMessage, WIRE, WireReader } from './wire-reader.ts';
export { startWorker } from './worker.ts';
export { murmur2, partitionForKey } from './murmur2.ts';
export { ByteWriter, compareBytes, readInt64 } from './bytes.ts';
export { doubleText, shortestFloat } from './number-text.ts';
export { didYouMean, nearestName } from './nearest-name.ts';
export {
  booleanSetting,
  doubleSetting,
  type GivenSettings,
  intSetting,
  listSetting,
  longSetting,
  parseSetting,
  readSettings,
  secretSetting,
  type Setting,
  type SettingKind,
  settingNamed,
  type SettingTable,
  type SettingValue,
  stringSetting,
  type ValuesOf,
} from './settings.ts';
export {
  JsonNumber,
  type JsonValue,
  parseExactJson,
  parseJson,
  parseJsonPrefix,
  plainNumber,
  printJson,
} from './json.ts';
export { JavaPattern, type Match as PatternMatch } from './java-regex/index.ts';
