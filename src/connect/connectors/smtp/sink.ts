// millrace.connect.SmtpSinkConnector: records as mails. A mail cannot be taken back, so what of a batch has been sent is remembered while
// the rest of it is tried again, and offsets are committed as soon as may be. When a worker dies in between, mails come twice, with the
// same Message-ID: most mail systems show them once then.
import { createHash } from 'node:crypto';
import { type SinkTask, type SinkTaskContext, sinkPlugin } from '../../api/index.ts';
import { ConnectError, DataError, RetriableError } from '../../data/errors.ts';
import type { SinkRecord } from '../../data/record.ts';
import { filled, placeOf, plainText } from '../record-text.ts';
import { settingProblems, type SmtpConfig, smtpConfig } from './settings.ts';
import { connectionProblems, type Mail, RefusedMail, Transport } from './transport.ts';

export const smtpSink = sinkPlugin({
  className: 'millrace.connect.SmtpSinkConnector',
  version: '1.0.0',
  config: smtpConfig,
  async validate(config) {
    const problems = settingProblems(config);
    return problems.length > 0 ? problems : connectionProblems(config);
  },
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, () => raw) }),
  task: () => new SmtpSinkTask(),
});

/** What a record says. */
interface Part {
  readonly record: SinkRecord;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  /** Empty: there is none. */
  readonly text: string;
  readonly html: string;
}

class SmtpSinkTask implements SinkTask<SmtpConfig> {
  #config!: SmtpConfig;
  #context!: SinkTaskContext;
  #transport!: Transport;
  #triesLeft = 0;
  /** Of the batch that is tried again, the records that are done with. */
  readonly #done = new Set<string>();

  start(config: SmtpConfig, context: SinkTaskContext): void {
    this.#config = config;
    this.#context = context;
    this.#transport = new Transport(config);
    this.#triesLeft = config['max.retries'];
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) return;
    for (const parts of this.#grouped(await this.#parts(records))) await this.#send(parts);
    this.#done.clear();
    this.#context.requestCommit();
  }

  async stop(): Promise<void> {
    await this.#transport?.close();
  }

  async #parts(records: readonly SinkRecord[]): Promise<Part[]> {
    const parts: Part[] = [];
    for (const record of records) {
      if (this.#done.has(placeOf(record))) continue;
      try {
        const part = this.#partOf(record);
        if (part !== undefined) parts.push(part);
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        await this.#context.reportErrant(record, error);
        this.#done.add(placeOf(record));
      }
    }
    return parts;
  }

  /** Undefined: no mail comes of it. */
  #partOf(record: SinkRecord): Part | undefined {
    const { value, valueSchema } = record;
    if (value === null) {
      if (this.#config['behavior.on.null.values'] === 'ignore') return undefined;
      throw new DataError(`${placeOf(record)} has no value (behavior.on.null.values=fail)`);
    }
    const {
      'mail.from': from,
      'mail.to': to,
      'mail.subject': subject,
      'mail.text': text,
      'mail.html': html,
    } = this.#config;
    return {
      record,
      from: filled(from, record),
      to: filled(to, record),
      subject: filled(subject, record),
      text: text === '' && html === '' ? plainText(valueSchema, value) : filled(text, record),
      html: filled(html, record, escapedHtml),
    };
  }

  #grouped(parts: readonly Part[]): readonly Part[][] {
    if (this.#config['mail.per'] === 'record') return parts.map((part) => [part]);
    const open = new Map<string, Part[]>();
    const all: Part[][] = [];
    for (const part of parts) {
      const key = JSON.stringify([part.from, part.to, part.subject]);
      let group = open.get(key);
      if (group === undefined || group.length >= this.#config['batch.max.records']) {
        group = [];
        open.set(key, group);
        all.push(group);
      }
      group.push(part);
    }
    return all;
  }

  async #send(parts: readonly Part[]): Promise<void> {
    const { record } = parts[0]!;
    try {
      const rejected = await this.#transport.send(this.#mail(parts));
      if (rejected.length > 0)
        this.#context.log.warn(
          `the mail of ${placeOf(record)} went to all but ${rejected.join(', ')}: refused by the server`,
        );
    } catch (error) {
      if (error instanceof RefusedMail) await this.#refused(parts, error);
      else throw error instanceof RetriableError ? this.#later(error) : error;
    }
    this.#triesLeft = this.#config['max.retries'];
    for (const part of parts) this.#done.add(placeOf(part.record));
  }

  #mail(parts: readonly Part[]): Mail {
    const { record, from, to, subject } = parts[0]!;
    const joined = (texts: readonly string[], between: string): string =>
      texts.filter((text) => text !== '').join(between);
    const text = joined(
      parts.map((part) => part.text),
      '\n',
    );
    const html = joined(
      parts.map((part) => part.html),
      '\n',
    );
    const { originalTopic, originalPartition, originalOffset } = record;
    const place = JSON.stringify([this.#context.connector, originalTopic, originalPartition, originalOffset]);
    const messageId = `<${createHash('sha256').update(place).digest('hex').slice(0, 32)}@millrace>`;
    return { from, to, subject, messageId, ...(text === '' ? {} : { text }), ...(html === '' ? {} : { html }) };
  }

  async #refused(parts: readonly Part[], error: RefusedMail): Promise<void> {
    for (const { record } of parts) {
      await this.#context.reportErrant(
        record,
        new ConnectError(`${placeOf(record)}: ${error.message}`, { cause: error }),
      );
      this.#done.add(placeOf(record));
    }
  }

  #later(error: RetriableError): Error {
    if (this.#triesLeft === 0)
      return new ConnectError(`Exceeded max.retries (${this.#config['max.retries']}): ${error.message}`, {
        cause: error,
      });
    this.#triesLeft--;
    this.#context.retryIn(this.#config['retry.backoff.ms']);
    return error;
  }
}

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapedHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML[character]!);
}
