// The settings of the mail sink: the server, and what mails are.
import {
  atLeast,
  between,
  type ConfigOf,
  type ConfigProblem,
  defineConfig,
  nonEmpty,
  oneOfTexts,
} from '../../api/index.ts';

const SERVER = 'Server';
const MAIL = 'Mail';
const RETRIES = 'Retries';

export const smtpConfig = defineConfig({
  'smtp.host': { type: 'STRING', importance: 'HIGH', doc: 'The mail server.', group: SERVER, validator: nonEmpty },
  'smtp.port': {
    type: 'INT',
    default: 587,
    importance: 'HIGH',
    doc: 'Its port: 587 for submission, 465 with smtp.secure, 25 between servers.',
    group: SERVER,
    validator: between(1, 65_535),
  },
  'smtp.secure': {
    type: 'BOOLEAN',
    default: false,
    importance: 'HIGH',
    doc: 'Whether the connection is encrypted from its beginning. Otherwise it is where the server offers that (STARTTLS).',
    group: SERVER,
  },
  'smtp.require.tls': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether nothing is sent to a server that does not offer encryption.',
    group: SERVER,
  },
  'smtp.user': { type: 'STRING', default: null, importance: 'HIGH', doc: 'The user. Empty: no login.', group: SERVER },
  'smtp.password': {
    type: 'PASSWORD',
    default: null,
    importance: 'HIGH',
    doc: "The user's password.",
    group: SERVER,
  },
  'smtp.timeout.ms': {
    type: 'INT',
    default: 30_000,
    importance: 'LOW',
    doc: 'How long is waited for a connection, and for each answer.',
    group: SERVER,
    validator: atLeast(1),
  },
  'mail.from': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The sender: Shop <shop@example.com>. ${topic}, ${key}, ${partition}, ${offset} and fields of values (${customer.id}) are put in, here and below.',
    group: MAIL,
    validator: nonEmpty,
  },
  'mail.to': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The recipients, with commas between them.',
    group: MAIL,
    validator: nonEmpty,
  },
  'mail.subject': { type: 'STRING', default: '${topic}', importance: 'HIGH', doc: 'The subject.', group: MAIL },
  'mail.text': {
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    doc: 'The text. When there is neither text nor HTML, it is the value: a text as it is, all else as JSON.',
    group: MAIL,
  },
  'mail.html': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'The text as HTML; what is put in is text there, and no HTML.',
    group: MAIL,
  },
  'mail.per': {
    type: 'STRING',
    default: 'record',
    importance: 'MEDIUM',
    doc: 'Whether each record is a mail, or those that come together and have the same sender, recipients and subject (batch).',
    group: MAIL,
    validator: oneOfTexts('record', 'batch'),
  },
  'batch.max.records': {
    type: 'INT',
    default: 100,
    importance: 'LOW',
    doc: 'How many records a mail has at most (mail.per=batch).',
    group: MAIL,
    validator: atLeast(1),
  },
  'behavior.on.null.values': {
    type: 'STRING',
    default: 'ignore',
    importance: 'LOW',
    doc: 'What a record without a value is: ignore (no mail) or fail.',
    group: MAIL,
    validator: oneOfTexts('ignore', 'fail'),
  },
  'max.retries': {
    type: 'INT',
    default: 10,
    importance: 'MEDIUM',
    doc: 'How often it is tried again to send a mail that the server may take later, before the task fails.',
    group: RETRIES,
    validator: atLeast(0),
  },
  'retry.backoff.ms': {
    type: 'INT',
    default: 3000,
    importance: 'MEDIUM',
    doc: 'How long is waited before it is.',
    group: RETRIES,
    validator: atLeast(0),
  },
});
export type SmtpConfig = ConfigOf<typeof smtpConfig>;

/** What is wrong between settings. */
export function settingProblems(config: SmtpConfig): ConfigProblem[] {
  const isHalf = (config['smtp.user'] === null) !== (config['smtp.password'] === null);
  if (!isHalf) return [];
  const name = config['smtp.user'] === null ? 'smtp.user' : 'smtp.password';
  return [{ name, message: 'smtp.user and smtp.password go together: give both or neither' }];
}
