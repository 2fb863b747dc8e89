/**
 * GetTelemetrySubscriptions, PushTelemetry (KIP-714): what clients tell of themselves. Nobody needs rights for it.
 *
 * * GetTelemetrySubscriptions 0: an id for the client instance that has none yet; all metrics that the subscriptions matching it
 *   name, the least of their intervals, and an id of this choice; codecs with the preferred one first. Sums are to be what came
 *   in since the last push. Before the interval is over THROTTLING_QUOTA_EXCEEDED, unless subscriptions have changed.
 * * PushTelemetry 0: refused with INVALID_REQUEST (no instance id; after the last push of one that closes),
 *   THROTTLING_QUOTA_EXCEEDED (before the interval is over), UNKNOWN_SUBSCRIPTION_ID, UNSUPPORTED_COMPRESSION_TYPE,
 *   TELEMETRY_TOO_LARGE (more than `telemetry.max.bytes`, packed or unpacked), INVALID_RECORD (no metrics of OpenTelemetry). What
 *   is taken is kept, the newest values of each client: `Broker.clientMetrics`.
 *
 * Clients are told of both APIs while there is a subscription. Kafka tells of them while it has a plugin that receives metrics;
 * here there is always somebody who does, but clients of those who never want metrics should not have to ask. Whoever
 * connected before the first subscription asks when it connects the next time.
 *
 * Not done: histograms and summaries, which Kafka's clients do not push; forwarding metrics to others.
 */
import {
  CompressionCodec,
  ErrorCode,
  getTelemetrySubscriptions,
  pushTelemetry,
  respond,
  ZERO_UUID,
} from '../../protocol/index.ts';
import type { RequestContext } from '../core.ts';
import type { TelemetryClient } from '../telemetry/client-telemetry.ts';
import { on } from './handler.ts';

const { zstd, lz4, gzip, snappy } = CompressionCodec;
const ACCEPTED = [zstd, lz4, gzip, snappy];

function clientOf(instanceId: string, context: RequestContext): TelemetryClient {
  const { clientId, clientHost, clientPort, software, onClose } = context;
  return {
    properties: {
      client_instance_id: instanceId,
      client_id: clientId,
      client_software_name: software.name,
      client_software_version: software.version,
      client_source_address: clientHost,
      client_source_port: String(clientPort),
    },
    onClose,
  };
}

export const handleGetTelemetrySubscriptions = on(getTelemetrySubscriptions, (request, context) => {
  const { environment, telemetry, settings } = context.core;
  const isNew = request.clientInstanceId === ZERO_UUID;
  const clientInstanceId = isNew ? environment.randomBytes(16).toString('base64url') : request.clientInstanceId;
  const wanted = telemetry.ask(clientOf(clientInstanceId, context));
  if (typeof wanted === 'number') return respond(getTelemetrySubscriptions, { errorCode: wanted });
  return respond(getTelemetrySubscriptions, {
    clientInstanceId,
    subscriptionId: wanted.subscriptionId,
    acceptedCompressionTypes: ACCEPTED,
    pushIntervalMs: wanted.intervalMs,
    telemetryMaxBytes: settings['telemetry.max.bytes'],
    deltaTemporality: true,
    requestedMetrics: wanted.metrics,
  });
});

export const handlePushTelemetry = on(pushTelemetry, (request, context) => {
  const { clientInstanceId, ...push } = request;
  if (clientInstanceId === ZERO_UUID) return respond(pushTelemetry, { errorCode: ErrorCode.INVALID_REQUEST });
  return respond(pushTelemetry, { errorCode: context.core.telemetry.push(clientOf(clientInstanceId, context), push) });
});
