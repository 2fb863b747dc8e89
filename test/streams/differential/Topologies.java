// Topologies of Kafka Streams, run by its own TopologyTestDriver, for test/streams/differential.test.ts: what it reads from
// standard input are lines `run <topology>`, `topic \t key \t value \t timestamp` (~ is null) and `end`; for every record it
// prints what came out as `> key \t value \t timestamp`, then a line `.`.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.*;
import org.apache.kafka.streams.test.TestRecord;

public class Topologies {
  static final Serde<String> S = Serdes.String();
  static final Serde<Long> L = Serdes.Long();
  static final Map<String, Consumer<StreamsBuilder>> ALL = new LinkedHashMap<>();

  static KStream<String, String> stream(StreamsBuilder b, String topic) {
    return b.stream(topic, Consumed.with(S, S));
  }

  static KTable<String, String> table(StreamsBuilder b, String topic) {
    return b.table(topic, Consumed.with(S, S));
  }

  static void out(KStream<String, String> stream) {
    stream.to("out", Produced.with(S, S));
  }

  static void out(KTable<String, String> table) {
    out(table.toStream());
  }

  static void outLong(KTable<String, Long> table) {
    out(table.toStream().mapValues(v -> v == null ? null : String.valueOf(v)));
  }

  static void outWindows(KTable<Windowed<String>, String> table) {
    out(table.toStream((w, v) -> w.key() + "[" + w.window().start() + "-" + w.window().end() + "]"));
  }

  static void outWindowsLong(KTable<Windowed<String>, Long> table) {
    outWindows(table.mapValues(v -> String.valueOf(v)));
  }

  static void outStarts(KTable<Windowed<String>, String> table) {
    out(table.toStream((w, v) -> w.key() + "[" + w.window().start()));
  }

  static int num(String v) {
    return Integer.parseInt(v);
  }

  static KStream<String, String> present(StreamsBuilder b) {
    return stream(b, "a").filter((k, v) -> v != null);
  }

  static KGroupedStream<String, String> grouped(StreamsBuilder b) {
    return present(b).groupByKey(Grouped.with(S, S));
  }

  static Materialized<String, String, KeyValueStore<Bytes, byte[]>> kv(String name) {
    return Materialized.<String, String, KeyValueStore<Bytes, byte[]>>as(name).withKeySerde(S).withValueSerde(S);
  }

  static Materialized<String, String, WindowStore<Bytes, byte[]>> win(String name) {
    return Materialized.<String, String, WindowStore<Bytes, byte[]>>as(name).withKeySerde(S).withValueSerde(S);
  }

  static Materialized<String, String, SessionStore<Bytes, byte[]>> ses(String name) {
    return Materialized.<String, String, SessionStore<Bytes, byte[]>>as(name).withKeySerde(S).withValueSerde(S);
  }

  static TimeWindows tumbling(int size, int grace) {
    return TimeWindows.ofSizeAndGrace(Duration.ofMillis(size), Duration.ofMillis(grace));
  }

  static JoinWindows joinWindows(int size, int grace) {
    return JoinWindows.ofTimeDifferenceAndGrace(Duration.ofMillis(size), Duration.ofMillis(grace));
  }

  static StreamJoined<String, String, String> joined(String name) {
    return StreamJoined.with(S, S, S).withName(name).withStoreName(name);
  }

  static Materialized<String, String, KeyValueStore<Bytes, byte[]>> versioned(String name) {
    return Materialized.<String, String>as(
            Stores.persistentVersionedKeyValueStore(name, Duration.ofMillis(30), Duration.ofMillis(10)))
        .withKeySerde(S)
        .withValueSerde(S);
  }

  static KTable<String, String> versions(StreamsBuilder b, String topic) {
    return b.table(topic, Consumed.with(S, S), versioned("versions-" + topic));
  }

  static String pair(String a, String b) {
    return a + "/" + b;
  }

  static {
    // Stateless
    ALL.put("filter-map", b -> out(stream(b, "a").filter((k, v) -> v != null && num(v) > 2).mapValues(v -> v + "!")));
    ALL.put("filter-not", b -> out(stream(b, "a").filterNot((k, v) -> v == null)));
    ALL.put("map", b -> out(stream(b, "a").map((k, v) -> KeyValue.pair(v, k))));
    ALL.put("flat-map", b -> out(present(b).flatMap((k, v) -> {
      List<KeyValue<String, String>> all = new ArrayList<>();
      for (int i = 0; i < num(v) % 4; i++) all.add(KeyValue.pair(k + i, v));
      return all;
    })));
    ALL.put("branch", b -> stream(b, "a").split(Named.as("s-"))
        .branch((k, v) -> v == null, Branched.withConsumer(s -> out(s.mapValues(v -> "none"))))
        .branch((k, v) -> num(v) % 2 == 0, Branched.withConsumer(s -> out(s.mapValues(v -> "even" + v))))
        .defaultBranch(Branched.withConsumer(s -> out(s.mapValues(v -> "odd" + v)))));
    ALL.put("merge", b -> out(stream(b, "a").merge(stream(b, "b").mapValues(v -> "b" + v))));
    ALL.put("select-key-repartition", b -> out(present(b).selectKey((k, v) -> "r" + num(v) % 3).repartition(Repartitioned.with(S, S).withName("re"))));
    ALL.put("to-table", b -> out(stream(b, "a").toTable(kv("t"))));
    ALL.put("to-table-other-key", b -> out(present(b).selectKey((k, v) -> "r" + num(v) % 2).toTable(kv("t"))));
    // Aggregates
    ALL.put("count", b -> outLong(stream(b, "a").groupByKey(Grouped.with(S, S)).count(Named.as("c"))));
    ALL.put("reduce", b -> out(stream(b, "a").groupByKey(Grouped.with(S, S)).reduce((x, y) -> x + y, kv("r"))));
    ALL.put("aggregate", b -> out(stream(b, "a").groupByKey(Grouped.with(S, S)).aggregate(() -> "0", (k, v, g) -> g + v, kv("r"))));
    ALL.put("aggregate-null", b -> out(stream(b, "a").groupByKey(Grouped.with(S, S)).aggregate(() -> "0", (k, v, g) -> num(v) > 6 ? null : g + v, kv("r"))));
    ALL.put("group-by", b -> outLong(present(b).groupBy((k, v) -> num(v) % 2 == 0 ? "even" : null, Grouped.with(S, S)).count(Named.as("c"))));
    ALL.put("cogroup", b -> out(stream(b, "a").groupByKey(Grouped.with(S, S)).<String>cogroup((k, v, g) -> g + "a" + v)
        .cogroup(stream(b, "b").groupByKey(Grouped.with(S, S)), (k, v, g) -> g + "b" + v).aggregate(() -> "", kv("r"))));
    ALL.put("cogroup-tumbling", b -> outWindows(cogrouped(b).windowedBy(tumbling(20, 11)).aggregate(() -> "", win("w").withRetention(Duration.ofMillis(10_000)))));
    ALL.put("cogroup-sliding", b -> outWindows(cogrouped(b).windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(Duration.ofMillis(10), Duration.ofMillis(31))).aggregate(() -> "", win("w"))));
    ALL.put("cogroup-session", b -> outSessions(cogrouped(b).windowedBy(SessionWindows.ofInactivityGapAndGrace(Duration.ofMillis(14), Duration.ofMillis(27))).aggregate(() -> "", (k, x, y) -> x + y, ses("w"))));
    // Windows
    ALL.put("tumbling-count", b -> outWindowsLong(grouped(b).windowedBy(tumbling(20, 5)).count(Named.as("c"))));
    ALL.put("tumbling-reduce", b -> outWindows(grouped(b).windowedBy(tumbling(20, 35)).reduce((x, y) -> x + y, win("w"))));
    ALL.put("tumbling-no-grace", b -> outWindows(grouped(b).windowedBy(tumbling(10, 0)).aggregate(() -> "0", (k, v, g) -> g + v, win("w"))));
    ALL.put("hopping", b -> outWindows(grouped(b).windowedBy(tumbling(20, 11).advanceBy(Duration.ofMillis(10))).aggregate(() -> "0", (k, v, g) -> g + v, win("w"))));
    ALL.put("tumbling-final", b -> outWindows(grouped(b).windowedBy(tumbling(20, 5)).emitStrategy(EmitStrategy.onWindowClose()).aggregate(() -> "0", (k, v, g) -> g + v, win("w"))));
    ALL.put("hopping-final", b -> outWindows(grouped(b).windowedBy(tumbling(20, 11).advanceBy(Duration.ofMillis(10))).emitStrategy(EmitStrategy.onWindowClose()).reduce((x, y) -> x + y, win("w"))));
    ALL.put("sliding", b -> outWindows(grouped(b).windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(Duration.ofMillis(10), Duration.ofMillis(31))).aggregate(() -> "0", (k, v, g) -> g + v, win("w"))));
    ALL.put("sliding-final", b -> outWindows(grouped(b).windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(Duration.ofMillis(10), Duration.ofMillis(31))).emitStrategy(EmitStrategy.onWindowClose()).aggregate(() -> "0", (k, v, g) -> g + v, win("w").withRetention(Duration.ofMillis(10_000)))));
    ALL.put("session-count", b -> outSessions(grouped(b).windowedBy(SessionWindows.ofInactivityGapAndGrace(Duration.ofMillis(10), Duration.ofMillis(10))).count(Named.as("c")).mapValues(v -> v == null ? null : String.valueOf(v))));
    ALL.put("session-aggregate", b -> outSessions(grouped(b).windowedBy(SessionWindows.ofInactivityGapAndGrace(Duration.ofMillis(14), Duration.ofMillis(27))).aggregate(() -> "", (k, v, g) -> g + v, (k, x, y) -> x + y, ses("w"))));
    ALL.put("session-final", b -> outSessions(grouped(b).windowedBy(SessionWindows.ofInactivityGapAndGrace(Duration.ofMillis(10), Duration.ofMillis(10))).emitStrategy(EmitStrategy.onWindowClose()).aggregate(() -> "", (k, v, g) -> g + v, (k, x, y) -> x + y, ses("w").withRetention(Duration.ofMillis(10_000)))));
    ALL.put("suppress-window", b -> outWindowsLong(grouped(b).windowedBy(tumbling(20, 5)).count(Named.as("c")).suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))));
    ALL.put("suppress-time", b -> out(table(b, "a").suppress(Suppressed.untilTimeLimit(Duration.ofMillis(10), Suppressed.BufferConfig.unbounded()))));
    ALL.put("suppress-records", b -> out(table(b, "a").suppress(Suppressed.untilTimeLimit(Duration.ofMillis(1000), Suppressed.BufferConfig.maxRecords(2)))));
    // Joins of streams
    ALL.put("join", b -> out(stream(b, "a").join(stream(b, "b"), Topologies::pair, joinWindows(10, 15), joined("j"))));
    ALL.put("join-left", b -> out(stream(b, "a").leftJoin(stream(b, "b"), Topologies::pair, joinWindows(10, 15), joined("j"))));
    ALL.put("join-outer", b -> out(stream(b, "a").outerJoin(stream(b, "b"), Topologies::pair, joinWindows(10, 15), joined("j"))));
    ALL.put("join-before-after", b -> out(stream(b, "a").join(stream(b, "b"), Topologies::pair, joinWindows(20, 12).before(Duration.ofMillis(2)), joined("j"))));
    ALL.put("join-self", b -> { KStream<String, String> s = stream(b, "a"); out(s.join(s, Topologies::pair, joinWindows(10, 15), joined("j"))); });
    ALL.put("join-other-key", b -> out(present(b).selectKey((k, v) -> "r" + num(v) % 2).join(stream(b, "b").filter((k, v) -> v != null).selectKey((k, v) -> "r" + num(v) % 2), Topologies::pair, joinWindows(10, 15), joined("j"))));
    ALL.put("join-count", b -> outLong(stream(b, "a").join(stream(b, "b"), Topologies::pair, joinWindows(10, 15), joined("j")).groupByKey(Grouped.with(S, S)).count(Named.as("c"))));
    ALL.put("join-three", b -> out(stream(b, "a").join(stream(b, "b"), Topologies::pair, joinWindows(10, 15), joined("j")).join(stream(b, "c"), Topologies::pair, joinWindows(10, 15), joined("j3"))));
    // Streams with tables
    ALL.put("stream-table", b -> out(stream(b, "a").join(table(b, "b"), Topologies::pair, Joined.with(S, S, S))));
    ALL.put("stream-table-left", b -> out(stream(b, "a").leftJoin(table(b, "b"), Topologies::pair, Joined.with(S, S, S))));
    ALL.put("stream-aggregate", b -> out(stream(b, "a").join(stream(b, "b").groupByKey(Grouped.with(S, S)).reduce((x, y) -> x + y, kv("r")), Topologies::pair, Joined.with(S, S, S))));
    ALL.put("global", b -> out(stream(b, "a").join(b.globalTable("b", Consumed.with(S, S), kv("g")), (k, v) -> v == null ? k : "k" + num(v) % 3, Topologies::pair)));
    ALL.put("global-left", b -> out(stream(b, "a").leftJoin(b.globalTable("b", Consumed.with(S, S), kv("g")), (k, v) -> v == null ? null : "k" + num(v) % 3, Topologies::pair)));
    // Tables
    ALL.put("table-filter", b -> out(table(b, "a").filter((k, v) -> num(v) % 2 == 0)));
    ALL.put("table-filter-stored", b -> out(table(b, "a").filterNot((k, v) -> num(v) % 2 == 0, kv("f"))));
    ALL.put("table-map", b -> out(table(b, "a").mapValues(v -> v + "!")));
    ALL.put("table-map-stored", b -> out(table(b, "a").mapValues(v -> v + "!", kv("m")).filter((k, v) -> v.length() > 2)));
    ALL.put("table-join", b -> out(table(b, "a").join(table(b, "b"), Topologies::pair)));
    ALL.put("table-left", b -> out(table(b, "a").leftJoin(table(b, "b"), Topologies::pair)));
    ALL.put("table-outer", b -> out(table(b, "a").outerJoin(table(b, "b"), Topologies::pair)));
    ALL.put("table-join-stored", b -> out(table(b, "a").leftJoin(table(b, "b"), Topologies::pair, kv("j")).mapValues(v -> v + "!")));
    ALL.put("table-three", b -> out(table(b, "a").join(table(b, "b"), Topologies::pair).outerJoin(table(b, "c"), Topologies::pair)));
    ALL.put("table-foreign", b -> out(table(b, "a").join(table(b, "b"), v -> "k" + num(v) % 3, Topologies::pair, kv("j"))));
    ALL.put("table-foreign-left", b -> out(table(b, "a").leftJoin(table(b, "b"), v -> num(v) > 7 ? null : "k" + num(v) % 3, Topologies::pair, kv("j"))));
    ALL.put("table-count", b -> outLong(table(b, "a").groupBy((k, v) -> KeyValue.pair("r" + num(v) % 2, v), Grouped.with(S, S)).count(Named.as("c"))));
    ALL.put("table-reduce", b -> out(table(b, "a").groupBy((k, v) -> KeyValue.pair("r" + num(v) % 2, v), Grouped.with(S, S))
        .reduce((x, y) -> String.valueOf(num(x) + num(y)), (x, y) -> String.valueOf(num(x) - num(y)), kv("r"))));
    ALL.put("table-aggregate", b -> out(table(b, "a").groupBy((k, v) -> KeyValue.pair("r" + num(v) % 3, v), Grouped.with(S, S))
        .aggregate(() -> "", (k, v, g) -> g + "+" + v, (k, v, g) -> g + "-" + v, kv("r"))));
    ALL.put("table-stream-count", b -> outLong(table(b, "a").toStream().filter((k, v) -> v != null).groupByKey(Grouped.with(S, S)).count(Named.as("c"))));
    // Processors
    // Versioned tables
    ALL.put("versioned-to-stream", b -> out(versions(b, "a")));
    ALL.put("versioned-stream-table", b -> out(present(b).join(versions(b, "b"), Topologies::pair, Joined.with(S, S, S))));
    ALL.put("versioned-stream-table-left", b -> out(present(b).leftJoin(versions(b, "b"), Topologies::pair, Joined.with(S, S, S))));
    ALL.put("versioned-stream-table-mapped", b -> out(present(b).join(versions(b, "b").filter((k, v) -> num(v) > 2).mapValues(v -> v + "!"), Topologies::pair, Joined.with(S, S, S))));
    ALL.put("versioned-grace", b -> out(present(b).join(versions(b, "b"), Topologies::pair, Joined.with(S, S, S, "j", Duration.ofMillis(12)))));
    ALL.put("versioned-grace-left", b -> out(present(b).filter((k, v) -> k != null).leftJoin(versions(b, "b"), Topologies::pair, Joined.with(S, S, S, "j", Duration.ofMillis(12)))));
    ALL.put("versioned-tables", b -> out(versions(b, "a").join(versions(b, "b"), Topologies::pair)));
    ALL.put("versioned-tables-left", b -> out(versions(b, "a").leftJoin(table(b, "b"), Topologies::pair)));
    ALL.put("versioned-tables-outer", b -> out(table(b, "a").outerJoin(versions(b, "b"), Topologies::pair)));
    ALL.put("versioned-group", b -> outLong(versions(b, "a").groupBy((k, v) -> KeyValue.pair("r" + num(v) % 3, v), Grouped.with(S, S)).count(Named.as("c"))));
    ALL.put("versioned-foreign", b -> out(versions(b, "a").join(versions(b, "b"), v -> "k" + num(v) % 3, Topologies::pair, kv("j"))));
    ALL.put("versioned-results", b -> out(stream(b, "a").toTable(kv("t")).filter((k, v) -> num(v) > 2, versioned("v"))));

    ALL.put("unlimited", b -> outStarts(grouped(b).windowedBy(UnlimitedWindows.of()).count(Materialized.<String, Long, WindowStore<Bytes, byte[]>>as("w").withKeySerde(S)).mapValues(v -> String.valueOf(v))));
    ALL.put("unlimited-from", b -> outStarts(grouped(b).windowedBy(UnlimitedWindows.of().startOn(Instant.ofEpochMilli(60))).reduce((x, y) -> x + y, win("w"))));

    ALL.put("process-store", b -> {
      b.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("seen"), S, S));
      out(stream(b, "a").process(() -> new Processor<String, String, String, String>() {
        private ProcessorContext<String, String> context;
        private KeyValueStore<String, String> store;
        public void init(ProcessorContext<String, String> c) { context = c; store = c.getStateStore("seen"); }
        public void process(Record<String, String> r) {
          if (r.key() == null) return;
          String before = store.get(r.key());
          if (r.value() == null) store.delete(r.key()); else store.put(r.key(), r.value());
          context.forward(r.withValue(before + ">" + r.value()));
        }
      }, "seen"));
    });
    ALL.put("process-punctuate", b -> out(present(b).process(() -> new Processor<String, String, String, String>() {
      private ProcessorContext<String, String> context;
      private int count;
      public void init(ProcessorContext<String, String> c) {
        context = c;
        c.schedule(Duration.ofMillis(20), PunctuationType.STREAM_TIME, time -> context.forward(new Record<>("tick", String.valueOf(count), time)));
      }
      public void process(Record<String, String> r) { count++; }
    })));
    ALL.put("process-range", b -> {
      b.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("rows"), S, S));
      out(present(b).filter((k, v) -> k != null).process(() -> new Processor<String, String, String, String>() {
        private ProcessorContext<String, String> context;
        private KeyValueStore<String, String> store;
        public void init(ProcessorContext<String, String> c) { context = c; store = c.getStateStore("rows"); }
        public void process(Record<String, String> r) {
          store.put(r.key() + r.value(), r.value());
          StringBuilder all = new StringBuilder();
          try (KeyValueIterator<String, String> rows = store.range(r.key(), r.key() + "9")) {
            while (rows.hasNext()) all.append(rows.next().key).append(' ');
          }
          context.forward(r.withValue(all.toString().trim()));
        }
      }, "rows"));
    });
  }

  static CogroupedKStream<String, String> cogrouped(StreamsBuilder b) {
    return grouped(b).<String>cogroup((k, v, g) -> g + "a" + v)
        .cogroup(stream(b, "b").filter((k, v) -> v != null).groupByKey(Grouped.with(S, S)), (k, v, g) -> g + "b" + v);
  }

  static void outSessions(KTable<Windowed<String>, String> table) {
    outWindows(table);
  }

  static Properties settings(String name) {
    Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, name);
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
    // With a cache, or a longer retention, windows that close behind a gap in the data are emitted before they are forgotten.
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, name.endsWith("-final") ? 10_000_000 : 0);
    p.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG, "org.apache.kafka.streams.state.BuiltInDslStoreSuppliers$InMemoryDslStoreSuppliers");
    p.put("__emit.interval.ms.kstreams.outer.join.spurious.results.fix__", 0L);
    p.put("__emit.interval.ms.kstreams.windowed.aggregation__", 0L);
    p.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    p.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    p.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("java.io.tmpdir") + "/millrace-differential-" + ProcessHandle.current().pid());
    return p;
  }

  public static void main(String[] args) throws Exception {
    PrintStream to = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String name = line.substring("run ".length());
      Consumer<StreamsBuilder> build = ALL.get(name);
      if (build == null) throw new IllegalArgumentException("no topology " + name);
      StreamsBuilder builder = new StreamsBuilder();
      build.accept(builder);
      try (TopologyTestDriver driver = new TopologyTestDriver(builder.build(), settings(name), Instant.EPOCH)) {
        Map<String, TestInputTopic<String, String>> topics = new LinkedHashMap<>();
        TestOutputTopic<String, String> out = driver.createOutputTopic("out", new StringDeserializer(), new StringDeserializer());
        for (line = in.readLine(); !line.equals("end"); line = in.readLine()) {
          String[] part = line.split("\t", -1);
          String key = part[1].equals("~") ? null : part[1];
          String value = part[2].equals("~") ? null : part[2];
          try {
            topics.computeIfAbsent(part[0], t -> driver.createInputTopic(t, new StringSerializer(), new StringSerializer()))
                .pipeInput(key, value, Long.parseLong(part[3]));
          } catch (IllegalArgumentException unknown) {
            if (!String.valueOf(unknown.getMessage()).startsWith("Unknown topic")) throw unknown;
          }
          for (TestRecord<String, String> r : out.readRecordsToList()) {
            to.println("> " + (r.key() == null ? "~" : r.key()) + "\t" + (r.value() == null ? "~" : r.value()) + "\t" + r.timestamp());
          }
          to.println(".");
        }
      }
      to.flush();
    }
  }
}
