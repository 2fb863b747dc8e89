// A bucket as a store of files. The SDK is loaded when it is first needed: nobody else has to install it.
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { messageOf } from '../../../util/index.ts';
import { ConnectError, RetriableError } from '../../data/errors.ts';
import type { FileStore, StoredFile } from '../file-store/index.ts';
import type { FileBytes } from '../record-files/index.ts';
import type { BucketConfig } from './settings.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

/** Resolves after so long. */
type Pause = (delayMs: number) => Promise<void>;

const RETRY_MAX_MS = 30_000;

/** Opens the bucket. Rejects with `ConnectError` where the SDK is not installed. */
export async function openS3Store(config: BucketConfig, pause: Pause): Promise<FileStore> {
  let sdk: Sdk;
  try {
    sdk = await import('@aws-sdk/client-s3');
  } catch (error) {
    throw new ConnectError("the connectors of S3 need Amazon's SDK: npm install @aws-sdk/client-s3", { cause: error });
  }
  return new S3Store(sdk, config, pause);
}

class S3Store implements FileStore {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #config: BucketConfig;
  readonly #pause: Pause;

  constructor(sdk: Sdk, config: BucketConfig, pause: Pause) {
    const [accessKeyId, secret] = [config['aws.access.key.id'], config['aws.secret.access.key']];
    this.#sdk = sdk;
    this.#config = config;
    this.#pause = pause;
    this.#client = new sdk.S3Client({
      region: config['s3.region'],
      forcePathStyle: config['s3.path.style.access.enabled'],
      // Tried again here, where the environment's timers are.
      maxAttempts: 1,
      // What is no part of S3 itself is not understood by everyone who speaks it.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      ...(config['store.url'] === null ? {} : { endpoint: config['store.url'] }),
      ...(accessKeyId === null || secret === null
        ? {}
        : { credentials: { accessKeyId, secretAccessKey: secret.reveal() } }),
    });
  }

  async *list(prefix: string, after?: string): AsyncGenerator<StoredFile> {
    let token: string | undefined;
    do {
      const command = new this.#sdk.ListObjectsV2Command({
        Bucket: this.#config['s3.bucket.name'],
        Prefix: prefix,
        ...(after === undefined ? {} : { StartAfter: after }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const page = await this.#tried(`listed below ${prefix}`, () => this.#client.send(command));
      // What ends with a slash stands for a folder.
      for (const { Key: name, Size: size = 0, LastModified } of page.Contents ?? [])
        if (name !== undefined && !name.endsWith('/')) yield { name, size, modifiedMs: LastModified?.getTime() ?? 0 };
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  /** A connection that is lost in the middle is made again by whoever reads: at the file's beginning. */
  async *read(name: string): FileBytes {
    const command = (): Promise<GetObjectCommandOutput> =>
      this.#client.send(new this.#sdk.GetObjectCommand({ Bucket: this.#config['s3.bucket.name'], Key: name }));
    const { Body: body } = await this.#tried(`read: ${name}`, command);
    try {
      yield* body as Readable as AsyncIterable<Buffer>;
    } catch (error) {
      throw new RetriableError(`${name} was not read to its end: ${messageOf(error)}`, error);
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const [bucket, size] = [this.#config['s3.bucket.name'], bytes.length];
    await this.#tried(`written: ${name}`, () =>
      this.#client.send(
        new this.#sdk.PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes, ContentLength: size }),
      ),
    );
  }

  close(): void {
    this.#client.destroy();
  }

  async #tried<T>(what: string, request: () => Promise<T>): Promise<T> {
    for (let left = this.#config['s3.part.retries'], delayMs = this.#config['s3.retry.backoff.ms']; ; left--) {
      try {
        return await request();
      } catch (error) {
        const problem = `bucket ${this.#config['s3.bucket.name']} could not be ${what}: ${messageOf(error)}`;
        if (!isPassing(error)) throw new ConnectError(problem, { cause: error });
        if (left === 0) throw new RetriableError(problem, error);
        await this.#pause(delayMs);
        delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
      }
    }
  }
}

/** Whether the service did not answer, is busy, or is broken. */
function isPassing(error: unknown): boolean {
  const { $metadata, $fault } = error as { $metadata?: { httpStatusCode?: number }; $fault?: string };
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return $fault === undefined && !/credential/i.test(messageOf(error));
  return status >= 500 || status === 408 || status === 429;
}
