// The connection to a mail server: one, kept while it holds. What goes wrong is sorted by who can do something about it.
import { codeOf, messageOf } from '../../../util/index.ts';
import type { ConfigProblem } from '../../api/index.ts';
import { ConnectError, RetriableError } from '../../data/errors.ts';
import { driver } from '../driver.ts';
import type { SmtpConfig } from './settings.ts';

/** A mail that the server does not take, whenever it is sent. */
export class RefusedMail extends ConnectError {}

/** A mail. */
export interface Mail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly messageId: string;
  readonly text?: string;
  readonly html?: string;
}

/** Faults of connections, which pass. */
const CONNECTION = new Set(['ECONNECTION', 'EDNS', 'EPROTOCOL', 'ESOCKET', 'ETIMEDOUT', 'ECONNREFUSED', 'ECONNRESET']);
/** Faults of one mail. */
const MAIL = new Set(['EENVELOPE', 'EMESSAGE']);

export class Transport {
  readonly #config: SmtpConfig;
  #transporter: Promise<Awaited<ReturnType<typeof open>>> | undefined;

  constructor(config: SmtpConfig) {
    this.#config = config;
  }

  /**
   * Sends a mail; the answer has the recipients that the server does not take, while it takes others. Rejects with `RefusedMail`
   * when it takes none, with `RetriableError` when it may take it later, with `ConnectError` when it takes nothing of us.
   */
  async send(mail: Mail): Promise<readonly string[]> {
    this.#transporter ??= open(this.#config);
    const transporter = await this.#transporter;
    try {
      const { rejected } = await transporter.sendMail(mail);
      return rejected;
    } catch (error) {
      throw sorted(error);
    }
  }

  async close(): Promise<void> {
    const opening = this.#transporter;
    this.#transporter = undefined;
    (await opening?.catch(() => undefined))?.close();
  }
}

/** Whether the server can be reached, and takes us for whom we are. */
export async function connectionProblems(config: SmtpConfig): Promise<ConfigProblem[]> {
  const transporter = await open(config);
  try {
    await transporter.verify();
    return [];
  } catch (error) {
    const message = `Could not talk to the mail server: ${messageOf(error)}`;
    return ['smtp.host', 'smtp.port', 'smtp.user', 'smtp.password'].map((name) => ({ name, message }));
  } finally {
    transporter.close();
  }
}

async function open(config: SmtpConfig) {
  const { createTransport } = await driver('nodemailer', () => import('nodemailer'));
  const { 'smtp.user': user, 'smtp.password': password, 'smtp.timeout.ms': timeoutMs } = config;
  return createTransport({
    pool: true,
    maxConnections: 1,
    // A mail may have been taken although its connection broke: whether it is sent again is not for the pool to say.
    maxRequeues: 0,
    host: config['smtp.host'],
    port: config['smtp.port'],
    secure: config['smtp.secure'],
    requireTLS: config['smtp.require.tls'],
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // What records say is never a file or an address to be read.
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(user === null ? {} : { auth: { user, pass: password?.reveal() ?? '' } }),
  });
}

function sorted(error: unknown): Error {
  const message = `the mail server: ${messageOf(error)}`;
  const status = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : undefined;
  const code = codeOf(error) ?? '';
  if (status !== undefined ? status < 500 : CONNECTION.has(code)) return new RetriableError(message, error);
  return MAIL.has(code) ? new RefusedMail(message, { cause: error }) : new ConnectError(message, { cause: error });
}
