// Properties that ksqlDB and Kafka Streams know and that mean nothing here: what they tune is not there, or tunes itself. They are
// accepted, so that configurations and scripts run as they are, and answered with a warning.

/** Behind `ksql.`. */
const OF_KSQLDB = new Set(
  `deployment.type transient.prefix schema.registry.url connect.url connect.worker.config
  connect.basic.auth.credentials.source connect.basic.auth.credentials.file connect.basic.auth.credentials.reload
  connect.request.timeout.ms connect.request.headers.plugin persistent.prefix kafka.client.additional.config.prefixes
  client.ip_port.configuration.enabled proxy.protocol.local.mode.enabled sink.window.change.log.additional.retention
  sink.partitions sink.replicas internal.topic.replicas internal.topic.min.insync.replicas
  create.topic.inherit.source.replicas.enabled hidden.topics readonly.topics json_sr.converter.deserializer.enabled
  udfs.enabled udf.collect.metrics udf.enable.security.manager suppress.buffer.size.bytes
  runtime.feature.shared.enabled shared.runtimes.count source.table.materialization.enabled new.query.planner.enabled
  endpoint.migrate.query
  query.pull.enable.standby.reads query.pull.max.allowed.offset.lag query.pull.metrics.enabled query.pull.max.qps
  query.pull.max.concurrent.requests query.pull.coordinator.queue.capacity query.pull.router.queue.capacity
  query.pull.max.hourly.bandwidth.megabytes query.pull.thread.pool.size query.pull.router.thread.pool.size
  query.pull.interpreter.enabled query.pull.forwarding.timeout.ms query.pull.cancel.on.disconnect.enabled
  query.push.v2.max.hourly.bandwidth.megabytes query.push.v2.registry.installed query.push.v2.alos.enabled
  query.push.v2.interpreter.enabled query.push.v2.new.latest.delay.ms query.push.v2.latest.reset.age.ms
  query.push.v2.continuation.tokens.enabled query.push.v2.max.catchup.consumers
  query.push.v2.catchup.consumer.msg.window query.push.v2.metrics.enabled query.persistent.active.limit
  admin.request.retry.timeout.ms error.classifier.regex metastore.backup.location
  query.retry.backoff.initial.ms query.retry.backoff.max.ms
  query.status.running.threshold.seconds query.persistent.max.bytes.buffering.total
  query.transient.max.bytes.buffering.total query.cleanup.shutdown.timeout.ms transient.query.cleanup.service.enable
  transient.query.cleanup.service.initial.delay.seconds transient.query.cleanup.service.period.seconds
  websocket.connection.max.timeout.ms fetch.remote.hosts.max.timeout.seconds security.extension.class
  resource.extension.class metrics.tags.custom queryanonymizer.cluster_namespace queryanonymizer.logs_enabled
  metrics.extension access.validator.enable authorization.cache.expiry.time.secs authorization.cache.max.entries
  properties.overrides.denylist properties.overrides.validation.mode properties.overrides.allowlist
  properties.overrides.log properties.overrides.range.validation.log.enabled
  properties.overrides.validation.restore.enabled healthcheck.interval.ms local.commands.location advertised.listener
  internal.listener idle.connection.timeout.seconds verticle.instances worker.pool.size`.split(/\s+/),
);
const PREFIXES_OF_KSQLDB = [
  'server.',
  'heartbeat.',
  'lag.reporting.',
  'plugins.',
  'logging.',
  'endpoint.logging.',
  'internal.',
];

/** Of Kafka Streams and its clients, with or without `ksql.streams.` in front. */
const OF_STREAMS = new Set(
  `acceptable.recovery.lag allow.os.group.write.access application.server auto.include.jmx.reporter
  buffered.records.per.partition built.in.metrics.version client.id connections.max.idle.ms default.client.supplier
  default.deserialization.exception.handler default.dsl.store default.key.serde default.production.exception.handler
  default.timestamp.extractor default.value.serde deserialization.exception.handler dsl.store.suppliers.class
  enable.metrics.push ensure.explicit.internal.resource.naming group.protocol input.buffer.max.bytes
  log.summary.interval.ms max.task.idle.ms max.warmup.replicas metadata.max.age.ms metadata.recovery.strategy
  metric.reporters metrics.num.samples metrics.recording.level metrics.sample.window.ms num.standby.replicas poll.ms
  probing.rebalance.interval.ms processing.exception.handler processor.wrapper.class production.exception.handler
  receive.buffer.bytes reconnect.backoff.ms reconnect.backoff.max.ms repartition.purge.interval.ms replication.factor
  request.timeout.ms retries retry.backoff.ms retry.backoff.max.ms rocksdb.config.setter send.buffer.bytes
  shutdown.timeout.ms state.cleanup.delay.ms state.dir task.assignor.class task.timeout.ms topology.optimization
  upgrade.from window.size.ms windowed.inner.class.serde windowstore.changelog.additional.retention.ms max.poll.records
  max.poll.interval.ms session.timeout.ms heartbeat.interval.ms fetch.min.bytes fetch.max.bytes fetch.max.wait.ms
  max.partition.fetch.bytes isolation.level linger.ms batch.size compression.type buffer.memory max.block.ms
  delivery.timeout.ms max.request.size acks`.split(/\s+/),
);
const PREFIXES_OF_STREAMS = [
  'consumer.',
  'main.consumer.',
  'restore.consumer.',
  'global.consumer.',
  'producer.',
  'admin.',
  'admin.client.',
  'topic.',
  'rack.aware.assignment.',
];

/** Whether a property is one of theirs that nothing here looks at. */
export function isForeignProperty(name: string): boolean {
  const streams = name.replace(/^ksql\.streams\./, '');
  if (OF_STREAMS.has(streams) || PREFIXES_OF_STREAMS.some((prefix) => streams.startsWith(prefix))) return true;
  if (!name.startsWith('ksql.')) return false;
  const own = name.slice('ksql.'.length);
  return OF_KSQLDB.has(own) || PREFIXES_OF_KSQLDB.some((prefix) => own.startsWith(prefix));
}
