/**
 * The codes of `MillraceError`, as `docs/reference/errors.md` has them: what each means, and what the one who sees it does.
 * `test/docs.test.ts` holds that no code is thrown that is not here, and none is here that is not thrown. Besides, what a
 * broker answers has Kafka's own names (`UNKNOWN_TOPIC_OR_PARTITION`), a registry's answers are `REGISTRY_` and their
 * number, and what an HTTP service does not let in is `HTTP_` and the status.
 */
export const errorCodes: Readonly<Record<string, string>> = {
  APPLICATION_ACTIVE:
    'An application that is to be reset still has members in its group. Stop its instances, or remove the members by force.',
  APPLICATION_SHUTDOWN:
    'An instance of the application answered `shutdownApplication` to an error. Its log says which.',
  BAD_REQUEST: 'A request over HTTP lacks something, or has it in another form. Its message says what.',
  BAD_RESPONSE: 'A broker answered something else than was asked for. Report it, with the broker’s version.',
  BROKEN_AVRO:
    'Bytes are not what their Avro schema says, or a default is not of its type. Its message says what is wrong.',
  BROKEN_MESSAGE:
    'Bytes are no Protobuf message of the type that they should be. Serdes throw it as `DESERIALIZATION_FAILED`, with its sentence.',
  CALL_CANCELLED: 'A call that was waited for was ended by its task, which has been closed. The record is read again.',
  CALL_IS_OVER: 'A call that nobody waits for any more used its context. Look at its `signal`.',
  CALL_TIMED_OUT: 'A call that was waited for took longer than its `timeoutMs`.',
  CALLS_UNDER_WAY: 'Calls did not end in the time that a rebalance has. Their records are read again, by itself.',
  CANNOT_LISTEN: 'The address can’t be listened on. Choose another one.',
  CHANGELOG_TRUNCATED:
    'A changelog no longer holds what a checkpoint was built on. The state is wiped and built anew from what is there.',
  BACKUP_DAMAGED: 'A directory is no backup, or not all of one, or its files are not as they were written.',
  CHECKS_FAILED: 'A check of `millrace status` or `millrace doctor` found something that has to be put right.',
  CLIENT_CLOSED: 'The client was closed before the call. Make a new one.',
  COMMAND_LOG_BROKEN: 'The SQL service’s command log holds something that is not a command. Restore the topic.',
  COMMAND_LOG_VERSION: 'The command log was written by a newer version. Start that one.',
  CONNECT_BAD_CONFIG:
    'A connector, or a worker of Connect, was told what cannot be. Its message says which setting, and why.',
  CONNECT_BAD_DATA:
    'A value is not what its schema says, or cannot become what is wanted. `errors.tolerance` says what becomes of its record.',
  CONNECT_FAILED: 'A connector, or its task, cannot go on. Its message says why; restart it when that is put right.',
  CONNECT_REFUSED: 'Connect refused a request. Its message says why.',
  CONNECT_TRY_LATER: 'What a connector talks to is away, or busy. The same is tried again by itself.',
  CONFIG_UNREADABLE: 'The configuration file can’t be read.',
  CONNECTION_FAILED:
    'No broker answers at the address. Start one, or name another. Tried again by itself where it can be.',
  CONNECTION_LOST: 'The connection ended while something was under way. Tried again by itself where it can be.',
  DATA_DIRECTORY_DAMAGED:
    'A file that the broker can’t do without is missing or damaged. Its message names it: restore it from a copy.',
  DATA_DIRECTORY_LOCKED: 'Another process uses the data directory. Stop it, or choose another directory.',
  DATA_DIRECTORY_UNUSABLE: 'The data directory can’t be made.',
  DEMO_DATA_BROKEN: 'The demo’s data is not what it should be. Install it anew.',
  DEMO_HAS_MORE: 'The data directory holds more than the demo was asked to load.',
  DESERIALIZATION_FAILED:
    'The bytes are not what the serde reads. Read the topic with its own format, or skip the record.',
  DOES_NOT_EXIST: 'A partition was asked for that the store does not have.',
  DUPLICATE_NAME: 'Two operators, stores or topics of a topology have one name. Name one of them otherwise.',
  FILE_UNREADABLE: 'A file that was named can’t be read.',
  FRAME_TOO_LARGE: 'A message is larger than its limit. Nobody who speaks Kafka’s protocol sends it.',
  FUNCTION_FAILED:
    'A function in TypeScript threw, answered something else than its type, or took too long. Its message says which.',
  FUNCTION_INVALID: 'What a module exports is no function of SQL. Its message says why.',
  FUNCTION_RESULT: 'A function in TypeScript answered what is no value of the type that it returns.',
  FUNCTION_STOPS_QUERY: 'A function in TypeScript failed, and `ksql.fail.on.function.error` has that end its query.',
  FUNCTION_TAKES_TOO_LONG: 'A call of a function in TypeScript took longer than `ksql.functions.time.limit.ms`.',
  GUIDS_UNSUPPORTED: 'The registry has no GUIDs for schema headers. Leave `schemaIdIn` at `prefix`.',
  HTTP_UNREACHABLE: 'No service answers at the address.',
  INCOMPATIBLE_SCHEMA: 'The registry refuses the schema as incompatible with an earlier one. Its message says where.',
  INVALID_INPUT: 'What is to be sent is not of the form or the format that was named. Its message says where.',
  INPUT_TRUNCATED:
    'An input holds fewer records than have been processed already. Reset the application, or its offsets.',
  INSTANCE_UNREACHABLE:
    'The instance that has a part of a store does not answer at its `applicationServer`. It is asked again, or another one is.',
  INTERNAL_TOPIC_MISMATCH: 'An application’s internal topic has another number of partitions. Reset the application.',
  INVALID_ARGUMENT: 'An argument or an option of a call is unknown, of another type, or out of range.',
  INVALID_CONFIG: 'A setting is unknown, or has a value that it can’t have.',
  INVALID_OPTION: 'An option of the command line, or of a connection, has a value that it can’t have.',
  INVALID_RETENTION: 'A store keeps records for a shorter time than they are needed.',
  INVALID_SCHEMA: 'A text is no schema of its language, or none that can be used here. Its message says where and why.',
  INVALID_SETTING: 'A setting of a Streams application has a value that it can’t have.',
  INVALID_STATE: 'The call does not fit what the instance is doing: it was started before, or still runs.',
  INVALID_TOPOLOGY: 'The operators do not fit together. The message names them.',
  INVALID_UUID: 'A text is not a UUID in Kafka’s form.',
  INVALID_WATERMARK: 'A record in a repartition topic announces a watermark in a form that is not known.',
  INVALID_WINDOW: 'A window’s size, advance or grace can’t be what it is.',
  MALFORMED_MESSAGE: 'Bytes are not a message of Kafka’s protocol. The connection is closed.',
  MEMBER_LOST: 'The group went on without this instance. It joins again by itself.',
  MIGRATION_REFUSED: 'A migration, or a project of them, is not as it should be. Its message says what to do.',
  NO_OFFSET_FOR_PARTITION:
    'A partition has no position to begin at, and `autoOffsetReset` is `none`. Seek, or commit an offset.',
  NAME_NEEDED:
    'Two operators with state have no names, and the structure does not tell them apart. Name them: state goes by the name.',
  NOT_COPARTITIONED: 'Topics that are joined have different numbers of partitions. Repartition one of them.',
  NOT_SUPPORTED: 'The other side does not have what was asked for.',
  NO_REGISTRY: 'What answers at the address is not a Schema Registry.',
  NO_SUBJECT: 'A serde was used without a topic and without a subject. Give it one.',
  PARTITION_MOVED:
    'Partitions of a table were moved to another thread while its rows were read. The query is repeated, or refused in ksqlDB’s words.',
  PORT_TAKEN: 'Another process listens on the port.',
  PROCESSING_FAILED: 'A function of the user threw, and `onProcessingError` did not say to skip the record.',
  PRODUCER_FENCED: 'Another producer with the same transactional id has taken over. Close this one.',
  PROMISE_RETURNED:
    'A function returned a promise where nobody waits for one. Use `mapValuesAsync`, `flatMapAsync` or `processAsync`.',
  QUERY_ANSWER_INVALID:
    'What another instance answered a query with is no answer. Is it an instance of the same application?',
  QUERY_UNANSWERED:
    'Nobody answered a query of a store in time: the instance that has the key is not there, or has not come to where it should be. Ask again, or allow answers of standbys (`maxLag`).',
  REGEX_TAKES_TOO_LONG:
    'A regular expression that can only be matched by going back did not end in time. Its message names it.',
  REGISTRY_FAILED: 'The registry answered with an error of its own, or something that is not an answer.',
  REGISTRY_FORBIDDEN: 'The registry does not allow this to the user.',
  REGISTRY_UNAUTHORIZED: 'The registry wants a login, or does not know this one.',
  REGISTRY_UNREACHABLE: 'No registry answers at the address. Tried again by itself where it can be.',
  REGISTRY_UNTRUSTED: 'The registry’s certificate is not trusted. Name that of its authority.',
  RESTORE_REFUSED: 'A backup does not go where it is to be restored. Nothing is changed; the message says what to do.',
  SCHEMA_NOT_FOUND: 'The registry does not have the schema. Register it, or look at the context and the subject.',
  SCHEMA_NOT_LOADED: 'The schema has to be fetched first; whoever reads does that and tries again.',
  SCRIPT_UNREADABLE: 'The script can’t be read.',
  SERVICE_NOT_STARTED: 'The platform was not told to start this service. The message names the setting that does.',
  SERDE_MISSING: 'An operator writes keys or values whose format is not known. Give it a serde.',
  SERIALIZATION_FAILED: 'The value does not fit the schema or the format. The message says where.',
  SOURCE_CONFLICT: 'A topic is read twice in ways that don’t go together.',
  SOURCE_TOPICS_CHANGED:
    'Topics that an application reads have other partitions than when it started. It begins anew by itself.',
  SQL_ASSERTION: 'What ASSERT says is not so, and did not become so in time.',
  SQL_COMMAND_PENDING:
    'The command that the request names had not been carried out in time. Send the request again, or without the number.',
  SQL_FUNCTION: 'A SQL function can’t be computed from its arguments; the result is null where the engine calls it.',
  SQL_NUMERIC_OVERFLOW: 'A DECIMAL does not fit its precision and scale.',
  SQL_QUERY_ENDPOINT:
    'A SELECT or PRINT was sent to where statements without rows go. Send it to /query or /query-stream.',
  SQL_REFUSED: 'The SQL service refused a statement, a query or a row. Its message says why, its position where.',
  SQL_SERVER_UNREACHABLE: 'No SQL service answers at the address.',
  SQL_SERVER_UNTRUSTED: 'The SQL service’s certificate is not trusted. Name that of its authority.',
  SQL_STATEMENT: 'The statement is refused. The message says why, as ksqlDB does.',
  SQL_SYNTAX: 'The text is no statement. The message says where.',
  SQL_TEST_FILE: 'A file of `millrace sql test` does not hold records as it should. Its message says where.',
  SQL_TIMESTAMP: 'The TIMESTAMP column of a record is not a time.',
  SQL_VALUE: 'A value has no literal in SQL and can’t be bound or inserted.',
  STATE_CORRUPT: 'State on disk is damaged. It is removed, and built anew from the changelog.',
  STATE_LOCKED: 'Another instance uses the state of a task, and does not let go of it.',
  STATE_REBUILT:
    'State on disk can’t be used: it is damaged, or an earlier version wrote it. It is removed, and built anew from the changelog.',
  STORE_CHANGED:
    'The rows of a state store were written for another one of the same name. Its message says what to do.',
  STORE_NOT_IN_MEMORY:
    'A processor walks through a store whose rows are on disk. Read it key by key, or declare it `IN_MEMORY`.',
  STORE_READ_ONLY:
    'A processor writes to a global store, which only its own processor does. Write to the store’s topic.',
  STRING_TOO_LONG: 'A string is longer than Kafka’s protocol can say.',
  SUPPRESS_BUFFER_FULL: 'A suppression holds more records than it may. Raise its limit.',
  THREADS_NEED_MODULE:
    'A topology that is an object runs in one thread. Export it from a module, and give that to `KafkaStreams.fromModule`.',
  THREAD_DIED:
    'A thread of an instance ended where it was: out of memory, or ended by its own code. It is replaced, unless `onUncaughtError` says otherwise.',
  THREAD_LOST:
    'The thread of the services ended before they were up, or that of a query while its rows were read: it is started again. The log says why.',
  TIMESTAMP_EXTRACTION_FAILED: 'A timestamp extractor threw.',
  TLS_FAILED:
    'A broker and the client do not come together over TLS: a certificate is not trusted or not for this host, or one of the two does not speak it. Its message says which, and what to set.',
  TOKEN_UNAVAILABLE:
    'There is no token to log in with: the identity provider, the file or the function that has them fails. Tried again by itself where it can be.',
  TOO_MANY_ELEMENTS: 'A request lists more things than `request.max.elements` allows. Split it.',
  TRANSACTION_ABORTED: 'The transaction that the record was part of was aborted. Send it anew.',
  UNDECODABLE_RECORD: 'A record’s bytes are not what its serde reads, and `onDecodeError` did not say to skip it.',
  UNKNOWN_QUERY_TYPE:
    'A store is not asked in this way: a store of windows has no keys without them. Use a query for its kind.',
  UNKNOWN_SINK_TOPIC: 'A topology writes to a topic that does not exist and that brokers do not make. Create it.',
  UNKNOWN_SOURCE_TOPIC: 'A topology reads a topic that does not exist. Create it.',
  UNKNOWN_STORE: 'The instance has no state store of that name, or not now.',
  UNKNOWN_TOPIC: 'The topology does not read the topic.',
  UNNAMED_SCHEMA: 'The subject comes from the record’s name, and the schema has none.',
  UNREADABLE_RECORD: 'A record of the registry’s topic can’t be read.',
  WRONG_SCHEMA_TYPE: 'The schema is of another language than the serde.',
  WRONG_STORE_KIND: 'The state store is of another kind than the one asked for.',
};
