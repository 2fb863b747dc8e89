// Client metrics (KIP-714): a client asks which of its metrics are wanted, and pushes them.
import { defineApi } from '../api.ts';
import { array, bool, bytes, int16, int32, int8, string, uuid } from '../schema.ts';

export const getTelemetrySubscriptions = defineApi({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  versions: [0, 0],
  flexibleFrom: 0,
  request: { clientInstanceId: uuid() },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string()),
  },
});

export const pushTelemetry = defineApi({
  key: 72,
  name: 'PushTelemetry',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: bool(),
    compressionType: int8(),
    metrics: bytes(),
  },
  response: { throttleTimeMs: int32(), errorCode: int16() },
});
