import type { AnyApi, Api } from './api.ts';

/**
 * PORT. A connection to one broker that speaks typed requests: the broker implements it in process, the client over
 * TCP. Requests of one transport are processed in the order in which they were made.
 */
export interface Transport {
  /**
   * Resolves with the response, whose error codes are the caller's business. Rejects when the connection is lost or the
   * request can't be expressed in the negotiated version. A Produce with acks=0 has no response: it resolves with an
   * empty one as soon as it is handed over.
   */
  request<Req, Res>(api: Api<Req, Res>, body: Req): Promise<Res>;
  /** The version of an API that this connection uses, or undefined when the broker doesn't have that API. */
  versionOf(api: AnyApi): number | undefined;
  /** Finalized features of the broker by name (`transaction.version`, …). */
  readonly features: ReadonlyMap<string, number>;
  close(): void;
  /** Resolves when the connection is gone, whoever closed it. */
  readonly closed: Promise<void>;
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** Opens a transport to a broker. Rejects when it can't be reached. */
export type Dial = (address: BrokerAddress) => Promise<Transport>;
