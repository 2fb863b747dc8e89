// Settings that the originals have and that have no meaning here: a file that says them is none with a typing error. By the
// program whose file they stand in; a dot at the end stands for all names that begin so.
import { isWithoutEffect } from '../../platform/index.ts';

const KAFKA = `
  add.partitions.to.txn.retry.backoff.max.ms add.partitions.to.txn.retry.backoff.ms advertised.host.name
  advertised.port alter.config.policy.class.name alter.log.dirs.replication.quota.window.num
  alter.log.dirs.replication.quota.window.size.seconds auto.leader.rebalance.enable background.threads
  broker.heartbeat.interval.ms broker.id broker.id.generation.enable broker.session.timeout.ms
  client.quota.callback.class compression.gzip.level compression.lz4.level compression.zstd.level
  control.plane.listener.name controlled.shutdown.enable controlled.shutdown.max.retries
  controlled.shutdown.retry.backoff.ms controller.performance.always.log.threshold.ms
  controller.performance.sample.period.ms controller.quorum.append.linger.ms controller.quorum.bootstrap.servers
  controller.quorum.election.backoff.max.ms controller.quorum.election.timeout.ms controller.quorum.fetch.timeout.ms
  controller.quorum.request.timeout.ms controller.quorum.retry.backoff.ms controller.quorum.voters
  controller.socket.timeout.ms create.topic.policy.class.name delegation.token.expiry.check.interval.ms
  delegation.token.expiry.time.ms delegation.token.master.key delegation.token.max.lifetime.ms
  delegation.token.secret.key delete.records.purgatory.purge.interval.requests early.start.listeners
  fetch.purgatory.purge.interval.requests group.consumer.assignors group.consumer.heartbeat.interval.ms
  group.consumer.max.heartbeat.interval.ms group.consumer.max.session.timeout.ms group.consumer.max.size
  group.consumer.migration.policy group.consumer.min.heartbeat.interval.ms group.consumer.min.session.timeout.ms
  group.consumer.regex.refresh.interval.ms group.consumer.session.timeout.ms group.coordinator.append.linger.ms
  group.coordinator.rebalance.protocols group.coordinator.threads group.share.assignors
  group.share.delivery.count.limit group.share.enable group.share.heartbeat.interval.ms
  group.share.max.heartbeat.interval.ms group.share.max.record.lock.duration.ms group.share.max.session.timeout.ms
  group.share.max.share.sessions group.share.max.size group.share.min.heartbeat.interval.ms
  group.share.min.record.lock.duration.ms group.share.min.session.timeout.ms group.share.partition.max.record.locks
  group.share.persister.class.name group.share.record.lock.duration.ms group.share.session.timeout.ms
  group.streams.heartbeat.interval.ms group.streams.max.heartbeat.interval.ms group.streams.max.session.timeout.ms
  group.streams.max.size group.streams.max.standby.replicas group.streams.min.heartbeat.interval.ms
  group.streams.min.session.timeout.ms group.streams.num.standby.replicas group.streams.session.timeout.ms host.name
  initial.broker.registration.timeout.ms inter.broker.protocol.version internal.metadata.delete.delay.millis
  internal.metadata.log.segment.bytes internal.metadata.max.batch.size.in.bytes
  internal.metadata.max.fetch.size.in.bytes kafka.metrics.polling.interval.secs kafka.metrics.reporters
  leader.imbalance.check.interval.seconds leader.imbalance.per.broker.percentage log.cleaner.dedupe.buffer.size
  log.cleaner.enable log.cleaner.io.buffer.load.factor log.cleaner.io.buffer.size log.cleaner.io.max.bytes.per.second
  log.cleaner.threads log.dir log.dir.failure.timeout.ms log.flush.interval.messages
  log.flush.offset.checkpoint.interval.ms log.flush.scheduler.interval.ms
  log.flush.start.offset.checkpoint.interval.ms log.initial.task.delay.ms log.local.retention.bytes
  log.local.retention.ms log.message.format.version log.message.timestamp.difference.max.ms log.preallocate
  log.retention.minutes log.roll.hours log.roll.jitter.hours log.roll.jitter.ms max.connection.creation.rate
  max.incremental.fetch.session.cache.slots max.request.partition.size.limit metadata.log.dir
  metadata.log.max.record.bytes.between.snapshots metadata.log.max.snapshot.interval.ms metadata.log.segment.bytes
  metadata.log.segment.ms metadata.max.idle.interval.ms metadata.max.retention.bytes metadata.max.retention.ms
  metric.reporters metrics.num.samples metrics.recording.level metrics.sample.window.ms num.io.threads
  num.network.threads num.recovery.threads.per.data.dir num.replica.alter.log.dirs.threads num.replica.fetchers
  offsets.commit.timeout.ms offsets.load.buffer.size offsets.topic.compression.codec offsets.topic.replication.factor
  port principal.builder.class process.roles producer.id.expiration.check.interval.ms
  producer.purgatory.purge.interval.requests remote.fetch.max.wait.ms remote.list.offsets.request.timeout.ms
  remote.log.index.file.cache.total.size.bytes remote.log.manager.copier.thread.pool.size
  remote.log.manager.copy.max.bytes.per.second remote.log.manager.copy.quota.window.num
  remote.log.manager.copy.quota.window.size.seconds remote.log.manager.expiration.thread.pool.size
  remote.log.manager.fetch.max.bytes.per.second remote.log.manager.fetch.quota.window.num
  remote.log.manager.fetch.quota.window.size.seconds remote.log.manager.task.interval.ms
  remote.log.manager.task.retry.backoff.max.ms remote.log.manager.task.retry.backoff.ms
  remote.log.manager.task.retry.jitter remote.log.manager.thread.pool.size
  remote.log.metadata.custom.metadata.max.bytes remote.log.metadata.manager.class.name
  remote.log.metadata.manager.class.path remote.log.metadata.manager.impl.prefix
  remote.log.metadata.manager.listener.name remote.log.reader.max.pending.tasks remote.log.reader.threads
  remote.log.storage.manager.class.name remote.log.storage.manager.class.path remote.log.storage.manager.impl.prefix
  remote.log.storage.system.enable replica.fetch.backoff.ms replica.fetch.max.bytes replica.fetch.min.bytes
  replica.fetch.response.max.bytes replica.fetch.wait.max.ms replica.high.watermark.checkpoint.interval.ms
  replica.lag.time.max.ms replica.selector.class replica.socket.receive.buffer.bytes replica.socket.timeout.ms
  replication.quota.window.num replication.quota.window.size.seconds request.timeout.ms reserved.broker.max.id
  sasl.client.callback.handler.class sasl.kerberos.kinit.cmd sasl.kerberos.min.time.before.relogin
  sasl.kerberos.principal.to.local.rules sasl.kerberos.service.name sasl.kerberos.ticket.renew.jitter
  sasl.kerberos.ticket.renew.window.factor sasl.login.callback.handler.class sasl.login.class
  sasl.login.connect.timeout.ms sasl.login.read.timeout.ms sasl.login.refresh.buffer.seconds
  sasl.login.refresh.min.period.seconds sasl.login.refresh.window.factor sasl.login.refresh.window.jitter
  sasl.login.retry.backoff.max.ms sasl.login.retry.backoff.ms sasl.mechanism.controller.protocol
  sasl.oauthbearer.assertion.algorithm sasl.oauthbearer.assertion.claim.aud
  sasl.oauthbearer.assertion.claim.exp.seconds sasl.oauthbearer.assertion.claim.iss
  sasl.oauthbearer.assertion.claim.jti.include sasl.oauthbearer.assertion.claim.nbf.seconds
  sasl.oauthbearer.assertion.claim.sub sasl.oauthbearer.assertion.file sasl.oauthbearer.assertion.private.key.file
  sasl.oauthbearer.assertion.private.key.passphrase sasl.oauthbearer.assertion.template.file
  sasl.oauthbearer.client.credentials.client.id sasl.oauthbearer.client.credentials.client.secret
  sasl.oauthbearer.jwt.retriever.class sasl.oauthbearer.jwt.validator.class sasl.oauthbearer.scope
  sasl.oauthbearer.token.endpoint.url security.providers server.max.startup.time.ms share.coordinator.append.linger.ms
  share.coordinator.cold.partition.snapshot.interval.ms share.coordinator.load.buffer.size
  share.coordinator.snapshot.update.records.per.snapshot share.coordinator.state.topic.compression.codec
  share.coordinator.state.topic.min.isr share.coordinator.state.topic.num.partitions
  share.coordinator.state.topic.prune.interval.ms share.coordinator.state.topic.replication.factor
  share.coordinator.state.topic.segment.bytes share.coordinator.threads share.coordinator.write.timeout.ms
  share.fetch.purgatory.purge.interval.requests socket.connection.setup.timeout.max.ms
  socket.connection.setup.timeout.ms socket.listen.backlog.size socket.receive.buffer.bytes socket.send.buffer.bytes
  ssl.allow.dn.changes ssl.allow.san.changes ssl.endpoint.identification.algorithm ssl.engine.factory.class
  ssl.keymanager.algorithm ssl.provider ssl.secure.random.implementation ssl.trustmanager.algorithm
  transaction.remove.expired.transaction.cleanup.interval.ms
  transaction.state.log.load.buffer.size transaction.state.log.min.isr transaction.state.log.replication.factor
  transaction.two.phase.commit.enable unclean.leader.election.interval.ms unstable.api.versions.enable
  unstable.feature.versions.enable zookeeper.clientCnxnSocket zookeeper.connect zookeeper.connection.timeout.ms
  zookeeper.max.in.flight.requests zookeeper.metadata.migration.enable zookeeper.session.timeout.ms zookeeper.set.acl
  zookeeper.sync.time.ms confluent. replication.quota. kafka.metrics. kafka.csv.metrics.
`;

const SCHEMA_REGISTRY = `
  debug host.name inter.instance.protocol inter.instance.headers.whitelist kafkastore.bootstrap.servers kafkastore.connection.url
  kafkastore.group.id kafkastore.init.timeout.ms kafkastore.timeout.ms kafkastore.topic.replication.factor kafkastore.write.max.retries
  kafkastore.update.handlers kafkastore.checkpoint.dir kafkastore.zk.session.timeout.ms
  leader.eligibility master.eligibility metadata.encoder. metric.reporters metrics. mode.mutability request.logger.name
  resource.extension.class resource.static.locations response.mediatype. schema.providers schema.registry.group.id schema.registry.zk.
  schema.registry.resource.extension.class schema.cache. schema.canonicalize.on.consume shutdown.graceful.ms zookeeper. confluent. ssl.
  rest.servlet. thread.pool. access.control. avro.compatibility.level leader.read.connection.timeout.ms leader.connect.timeout.ms
`;

/** What SQL itself knows to be ksqlDB's or Kafka's, and without effect, is not here. */
const KSQL = `
  ui.enabled confluent. ssl. producer. consumer. metric.reporters metrics. authentication. access.control.
`;

const KAFKA_REST = `
  bootstrap.servers id host.name port listeners schema.registry.url zookeeper. consumer. producer. admin. client. api. fetch.min.bytes
  request.logger.name response.mediatype. debug metric.reporters metrics. simpleconsumer. advertised.listeners authentication.
  access.control. confluent. ssl. kafka.rest. resource.extension.class rest.servlet. shutdown.graceful.ms streaming. thread.pool.
  rate.limit. websocket. compression.enable idle.timeout.ms
`;

const FOREIGN = { kafka: KAFKA, 'schema-registry': SCHEMA_REGISTRY, ksql: KSQL, 'kafka-rest': KAFKA_REST } as const;
export type Program = keyof typeof FOREIGN;

/** Whether the original has such a setting. */
export function isForeign(program: Program, name: string): boolean {
  if (program === 'ksql' && [name, `ksql.streams.${name}`].some(isWithoutEffect)) return true;
  return FOREIGN[program]
    .split(/\s+/)
    .some((known) => known !== '' && (known === name || (known.endsWith('.') && name.startsWith(known))));
}
