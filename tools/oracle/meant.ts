// Where we answer otherwise than Apache Kafka, on purpose.
import type { Meant } from './compare.ts';

export const MEANT: readonly Meant[] = [
  {
    api: /^CreateTopics$/,
    path: /topicId$/,
    request: /"validateOnly":true/,
    why: 'a topic that is not made gets no id',
  },
  {
    api: /^Metadata$/,
    path: /^topics/,
    request: /nowhere/,
    why: 'a topic that is made on the way is described at once, not at the next question',
  },
  {
    api: /^(CreateTopics|DescribeConfigs)$/,
    path: /configs\[\d+\]\.(value|configSource|synonyms.*)$/,
    request: /^((?!configurationKeys).)*$|max\.decompressed|min\.insync/,
    why: 'batches may unpack to 128 MiB and not to what Java can hold; min.insync.replicas is not set by a feature',
  },
  {
    api: /^(CreateTopics|DescribeConfigs)$/,
    path: /configs\[\d+\]\.synonyms/,
    request: /"node\.id"/,
    why: 'a broker without a node.id has one by default',
  },
  {
    api: /^DescribeConfigs$/,
    path: /errorMessage$/,
    request: /"nowhere"/,
    why: 'that a topic is not there is told in words',
  },
  {
    api: /^IncrementalAlterConfigs$/,
    path: /errorCode$|errorMessage$/,
    request: /"no\.such"|"resourceType":8/,
    why: 'settings and loggers that there are none of are refused',
  },
  {
    api: /^ApiVersions$/,
    path: /^(supported|finalized)Features/,
    why: 'there is no KRaft log, whose versions Kafka tells',
  },
  {
    api: /^Metadata$/,
    path: /^(brokers|clusterId|controllerId)/,
    request: /"topicId"/,
    why: 'who the brokers are is told whatever was asked',
  },
  {
    api: /^ListTransactions$/,
    path: /^transactionStates/,
    request: /durationFilter/,
    why: 'a transaction that has not begun has not lasted',
  },
  {
    api: /^Produce$/,
    path: /logStartOffset$|^$/,
    why: 'a batch whose sequence is missing is refused before its log is looked at; one that is null is answered',
  },
  {
    api: /^DescribeProducers$/,
    path: /errorMessage$/,
    why: 'a partition that is not there is told in words, whether its topic is there or not',
  },
  {
    api: /^FindCoordinator$/,
    path: /errorCode$/,
    request: /"keyType":2/,
    why: 'who keeps the state of share groups is asked by nobody but the broker itself',
  },
  { api: /^ApiVersions$/, path: /^apiKeys/, why: 'the APIs that are offered stand in docs/reference/kafka-apis.md' },
  {
    api: /^Produce$/,
    path: /errorMessage$/,
    why: 'what is wrong with a batch is told in words',
  },
  {
    api: /^(CreatePartitions|FindCoordinator)$/,
    path: /errorMessage$/,
    why: 'an error is told in words, and no error in none',
  },
  {
    api: /^DescribeTransactions$/,
    path: /(transactionStartTimeMs|producerId|producerEpoch)$/,
    why: 'a transaction that is over, or not there, has no start; an id that is not known has no producer 0',
  },
];
