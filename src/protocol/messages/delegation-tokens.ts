// Delegation tokens (KIP-48): credentials that a user who has logged in gets for others.
import { defineApi } from '../api.ts';
import { array, bytes, int16, int32, int64, string } from '../schema.ts';

const principal = { principalType: string(), principalName: string() };

export const createDelegationToken = defineApi({
  key: 38,
  name: 'CreateDelegationToken',
  versions: [1, 3],
  flexibleFrom: 2,
  request: {
    ownerPrincipalType: string().since(3).nullable(3),
    ownerPrincipalName: string().since(3).nullable(3),
    renewers: array(principal),
    maxLifetimeMs: int64(),
  },
  response: {
    errorCode: int16(),
    ...principal,
    tokenRequesterPrincipalType: string().since(3),
    tokenRequesterPrincipalName: string().since(3),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  },
});

export const renewDelegationToken = defineApi({
  key: 39,
  name: 'RenewDelegationToken',
  versions: [1, 2],
  flexibleFrom: 2,
  request: { hmac: bytes(), renewPeriodMs: int64() },
  response: { errorCode: int16(), expiryTimestampMs: int64(), throttleTimeMs: int32() },
});

export const expireDelegationToken = defineApi({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: [1, 2],
  flexibleFrom: 2,
  request: { hmac: bytes(), expiryTimePeriodMs: int64() },
  response: { errorCode: int16(), expiryTimestampMs: int64(), throttleTimeMs: int32() },
});

export const describeDelegationToken = defineApi({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: [1, 3],
  flexibleFrom: 2,
  request: { owners: array(principal).nullable() },
  response: {
    errorCode: int16(),
    tokens: array({
      ...principal,
      tokenRequesterPrincipalType: string().since(3),
      tokenRequesterPrincipalName: string().since(3),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array(principal),
    }),
    throttleTimeMs: int32(),
  },
});
