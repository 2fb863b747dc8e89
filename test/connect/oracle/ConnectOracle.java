// What Kafka Connect's own converters, transformations and predicates do: a line of JSON asks, a line of JSON answers
// (oracle.ts has the forms of schemas and values).
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

public class ConnectOracle {
  static final ObjectMapper JSON = new ObjectMapper();
  static final Map<String, Object> MADE = new HashMap<>();

  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new java.io.PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (String line; (line = in.readLine()) != null; ) {
      ObjectNode answer;
      try {
        answer = answer(JSON.readTree(line));
      } catch (Throwable e) {
        answer = JSON.createObjectNode().put("error", String.valueOf(e.getMessage())).put("class", e.getClass().getName());
        if (e.getCause() != null) answer.put("cause", String.valueOf(e.getCause().getMessage()));
      }
      out.println(JSON.writeValueAsString(answer));
    }
    out.flush();
  }

  static ObjectNode answer(JsonNode ask) throws Exception {
    String task = ask.get("task").asText();
    ObjectNode answer = JSON.createObjectNode();
    Object plugin = plugin(task, ask);
    switch (task) {
      case "transform": {
        @SuppressWarnings("unchecked")
        SinkRecord result = ((Transformation<SinkRecord>) plugin).apply(record(ask.get("record")));
        return result == null ? answer.put("dropped", true) : answer.set("record", recordJson(result));
      }
      case "predicate": {
        @SuppressWarnings("unchecked")
        boolean result = ((Predicate<SinkRecord>) plugin).test(record(ask.get("record")));
        return answer.put("result", result);
      }
      case "write": {
        Schema schema = schema(ask.get("schema"));
        return bytesJson(((Converter) plugin).fromConnectData("topic", schema, value(schema, ask.get("value"))));
      }
      case "read":
        return readJson(((Converter) plugin).toConnectData("topic", bytes(ask.get("bytes"))));
      case "writeHeader": {
        Schema schema = schema(ask.get("schema"));
        return bytesJson(((HeaderConverter) plugin).fromConnectHeader("topic", "header", schema, value(schema, ask.get("value"))));
      }
      case "readHeader":
        return readJson(((HeaderConverter) plugin).toConnectHeader("topic", "header", bytes(ask.get("bytes"))));
      default:
        throw new IllegalArgumentException(task);
    }
  }

  static Object plugin(String task, JsonNode ask) throws Exception {
    String key = task + ask.get("class") + ask.get("config");
    Object known = MADE.get(key);
    if (known != null) return known;
    Object made = Class.forName(ask.get("class").asText()).getDeclaredConstructor().newInstance();
    Map<String, Object> config = new HashMap<>();
    ask.get("config").fields().forEachRemaining(entry -> config.put(entry.getKey(), entry.getValue().asText()));
    if (made instanceof HeaderConverter header && task.endsWith("Header")) {
      config.put("converter.type", "header");
      header.configure(config);
    } else if (made instanceof Converter converter) converter.configure(config, false);
    else if (made instanceof Transformation<?> transformation) transformation.configure(config);
    else ((Predicate<?>) made).configure(config);
    MADE.put(key, made);
    return made;
  }

  static ObjectNode bytesJson(byte[] bytes) {
    return JSON.createObjectNode().put("bytes", bytes == null ? null : Base64.getEncoder().encodeToString(bytes));
  }

  static byte[] bytes(JsonNode node) {
    return node.isNull() ? null : Base64.getDecoder().decode(node.asText());
  }

  static ObjectNode readJson(SchemaAndValue read) {
    ObjectNode answer = JSON.createObjectNode();
    answer.set("schema", schemaJson(read.schema()));
    answer.set("value", valueJson(read.value()));
    return answer;
  }

  static SinkRecord record(JsonNode node) {
    Schema keySchema = schema(node.get("keySchema"));
    Schema valueSchema = schema(node.get("valueSchema"));
    ConnectHeaders headers = new ConnectHeaders();
    for (JsonNode header : node.get("headers")) {
      Schema schema = schema(header.get("schema"));
      headers.add(header.get("key").asText(), value(schema, header.get("value")), schema);
    }
    Long timestamp = node.get("timestamp").isNull() ? null : node.get("timestamp").asLong();
    return new SinkRecord(node.get("topic").asText(), node.get("partition").asInt(), keySchema,
        value(keySchema, node.get("key")), valueSchema, value(valueSchema, node.get("value")),
        node.get("offset").asLong(), timestamp, TimestampType.CREATE_TIME, headers);
  }

  static ObjectNode recordJson(ConnectRecord<?> record) {
    ObjectNode node = JSON.createObjectNode().put("topic", record.topic()).put("partition", record.kafkaPartition());
    node.set("keySchema", schemaJson(record.keySchema()));
    node.set("key", valueJson(record.key()));
    node.set("valueSchema", schemaJson(record.valueSchema()));
    node.set("value", valueJson(record.value()));
    node.put("timestamp", record.timestamp());
    ArrayNode headers = node.putArray("headers");
    for (Header header : record.headers()) {
      ObjectNode one = headers.addObject().put("key", header.key());
      one.set("schema", schemaJson(header.schema()));
      one.set("value", valueJson(header.value()));
    }
    return node;
  }

  static Schema schema(JsonNode node) {
    if (node == null || node.isNull()) return null;
    SchemaBuilder builder = switch (node.get("type").asText()) {
      case "array" -> SchemaBuilder.array(schema(node.get("items")));
      case "map" -> SchemaBuilder.map(schema(node.get("keys")), schema(node.get("items")));
      default -> new SchemaBuilder(Schema.Type.valueOf(node.get("type").asText().toUpperCase()));
    };
    if (node.has("fields"))
      for (JsonNode field : node.get("fields")) builder.field(field.get("name").asText(), schema(field.get("schema")));
    if (node.get("optional").asBoolean()) builder.optional();
    if (node.has("name")) builder.name(node.get("name").asText());
    if (node.has("version")) builder.version(node.get("version").asInt());
    if (node.has("doc")) builder.doc(node.get("doc").asText());
    if (node.has("parameters"))
      node.get("parameters").fields().forEachRemaining(entry -> builder.parameter(entry.getKey(), entry.getValue().asText()));
    if (node.has("default")) builder.defaultValue(value(builder, node.get("default")));
    return builder.build();
  }

  static JsonNode schemaJson(Schema schema) {
    if (schema == null) return JSON.nullNode();
    ObjectNode node = JSON.createObjectNode().put("type", schema.type().name().toLowerCase());
    switch (schema.type()) {
      case ARRAY -> node.set("items", schemaJson(schema.valueSchema()));
      case MAP -> {
        node.set("keys", schemaJson(schema.keySchema()));
        node.set("items", schemaJson(schema.valueSchema()));
      }
      case STRUCT -> {
        ArrayNode fields = node.putArray("fields");
        for (Field field : schema.fields()) {
          ObjectNode one = fields.addObject().put("name", field.name());
          one.set("schema", schemaJson(field.schema()));
        }
      }
      default -> { }
    }
    node.put("optional", schema.isOptional());
    if (schema.name() != null) node.put("name", schema.name());
    if (schema.version() != null) node.put("version", schema.version());
    if (schema.doc() != null) node.put("doc", schema.doc());
    if (schema.parameters() != null && !schema.parameters().isEmpty()) {
      ObjectNode parameters = node.putObject("parameters");
      schema.parameters().forEach(parameters::put);
    }
    if (schema.defaultValue() != null) node.set("default", valueJson(schema.defaultValue()));
    return node;
  }

  static Object value(Schema schema, JsonNode node) {
    if (node == null || node.isNull()) return null;
    if (node.isBoolean()) return node.asBoolean();
    if (node.isTextual()) return node.asText();
    if (node.isArray()) {
      List<Object> list = new ArrayList<>();
      for (JsonNode each : node) list.add(value(schema == null ? null : schema.valueSchema(), each));
      return list;
    }
    String tag = node.fieldNames().next();
    JsonNode inner = node.get(tag);
    switch (tag) {
      case "int8": return Byte.valueOf(inner.asText());
      case "int16": return Short.valueOf(inner.asText());
      case "int32": return Integer.valueOf(inner.asText());
      case "int64": return Long.valueOf(inner.asText());
      case "float32": return Float.valueOf(inner.asText());
      case "float64": return Double.valueOf(inner.asText());
      case "bytes": return Base64.getDecoder().decode(inner.asText());
      case "decimal": return new BigDecimal(inner.asText());
      case "date": return new java.util.Date(inner.asLong());
      case "map": {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (JsonNode pair : inner)
          map.put(value(schema == null ? null : schema.keySchema(), pair.get(0)),
              value(schema == null ? null : schema.valueSchema(), pair.get(1)));
        return map;
      }
      case "struct": {
        Struct struct = new Struct(schema);
        inner.fields().forEachRemaining(e -> struct.put(e.getKey(), value(schema.field(e.getKey()).schema(), e.getValue())));
        return struct;
      }
      default: throw new IllegalArgumentException(tag);
    }
  }

  static JsonNode valueJson(Object value) {
    if (value == null) return JSON.nullNode();
    if (value instanceof Boolean b) return JSON.getNodeFactory().booleanNode(b);
    if (value instanceof String s) return JSON.getNodeFactory().textNode(s);
    if (value instanceof List<?> list) {
      ArrayNode node = JSON.createArrayNode();
      list.forEach(each -> node.add(valueJson(each)));
      return node;
    }
    ObjectNode node = JSON.createObjectNode();
    if (value instanceof Byte) return node.put("int8", value.toString());
    if (value instanceof Short) return node.put("int16", value.toString());
    if (value instanceof Integer) return node.put("int32", value.toString());
    if (value instanceof Long) return node.put("int64", value.toString());
    if (value instanceof Float f) return node.put("float32", String.valueOf((double) f));
    if (value instanceof Double) return node.put("float64", value.toString());
    if (value instanceof byte[] b) return node.put("bytes", Base64.getEncoder().encodeToString(b));
    if (value instanceof ByteBuffer b) return node.put("bytes", Base64.getEncoder().encodeToString(b.array()));
    if (value instanceof BigDecimal d) return node.put("decimal", d.toString());
    if (value instanceof java.math.BigInteger i) return node.put("int64", i.toString());
    if (value instanceof java.util.Date d) return node.put("date", String.valueOf(d.getTime()));
    if (value instanceof Map<?, ?> map) {
      ArrayNode pairs = node.putArray("map");
      map.forEach((k, v) -> pairs.addArray().add(valueJson(k)).add(valueJson(v)));
      return node;
    }
    if (value instanceof Struct struct) {
      ObjectNode fields = node.putObject("struct");
      for (Field field : struct.schema().fields()) fields.set(field.name(), valueJson(struct.getWithoutDefault(field.name())));
      return node;
    }
    throw new IllegalArgumentException(value.getClass().getName());
  }
}
