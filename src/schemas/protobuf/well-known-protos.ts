// The files that a schema may import without a reference: protobuf's own, google.type and those of the registry. Only what
// names them matters here (types, fields, numbers), so they are declared tersely and without their options.

/** The text of a built-in import. */
export function wellKnownProto(path: string): string | undefined {
  const body = BODIES[path];
  if (body === undefined) return undefined;
  const syntax = path === DESCRIPTOR ? 'proto2' : 'proto3';
  const home = path.slice(0, path.lastIndexOf('/')).replaceAll('/', '.');
  return `syntax = "${syntax}"; package ${home}; ${body}`;
}

const DESCRIPTOR = 'google/protobuf/descriptor.proto';

/** A message whose fields are written `type name`, numbered from 1. */
function message(name: string, ...fields: string[]): string {
  return `message ${name} { ${fields.map((field, i) => `${field} = ${i + 1};`).join(' ')} }`;
}

/** An enum whose constants are numbered from `first`. */
function enumeration(name: string, first: number, constants: string): string {
  const numbered = constants.split(' ').map((constant, i) => `${constant} = ${first + i};`);
  return `enum ${name} { ${numbered.join(' ')} }`;
}

/** A message of options: numbers are not in order, and every kind of options can be extended. */
function optionsMessage(name: string, fields: Readonly<Record<string, number>>, inner = ''): string {
  const declared = Object.entries(fields).map(([field, tag]) => `optional ${field} = ${tag};`);
  return `message ${name} { ${declared.join(' ')} repeated UninterpretedOption uninterpreted_option = 999; extensions 1000 to max; ${inner} }`;
}

function imports(...paths: string[]): string {
  return paths.map((path) => `import "${path}"; `).join('');
}

const descriptor = [
  message('FileDescriptorSet', 'repeated FileDescriptorProto file'),
  `message FileDescriptorProto { optional string name = 1; optional string package = 2; repeated string dependency = 3;
    repeated int32 public_dependency = 10; repeated int32 weak_dependency = 11; repeated DescriptorProto message_type = 4;
    repeated EnumDescriptorProto enum_type = 5; repeated ServiceDescriptorProto service = 6;
    repeated FieldDescriptorProto extension = 7; optional FileOptions options = 8; optional SourceCodeInfo source_code_info = 9;
    optional string syntax = 12; }`,
  `message DescriptorProto { optional string name = 1; repeated FieldDescriptorProto field = 2;
    repeated FieldDescriptorProto extension = 6; repeated DescriptorProto nested_type = 3;
    repeated EnumDescriptorProto enum_type = 4; repeated ExtensionRange extension_range = 5;
    repeated OneofDescriptorProto oneof_decl = 8; optional MessageOptions options = 7; repeated ReservedRange reserved_range = 9;
    repeated string reserved_name = 10;
    ${message('ExtensionRange', 'optional int32 start', 'optional int32 end', 'optional ExtensionRangeOptions options')}
    ${message('ReservedRange', 'optional int32 start', 'optional int32 end')} }`,
  optionsMessage('ExtensionRangeOptions', {}),
  `message FieldDescriptorProto { optional string name = 1; optional int32 number = 3; optional Label label = 4;
    optional Type type = 5; optional string type_name = 6; optional string extendee = 2; optional string default_value = 7;
    optional int32 oneof_index = 9; optional string json_name = 10; optional FieldOptions options = 8;
    optional bool proto3_optional = 17;
    ${enumeration('Type', 1, 'TYPE_DOUBLE TYPE_FLOAT TYPE_INT64 TYPE_UINT64 TYPE_INT32 TYPE_FIXED64 TYPE_FIXED32 TYPE_BOOL TYPE_STRING TYPE_GROUP TYPE_MESSAGE TYPE_BYTES TYPE_UINT32 TYPE_ENUM TYPE_SFIXED32 TYPE_SFIXED64 TYPE_SINT32 TYPE_SINT64')}
    ${enumeration('Label', 1, 'LABEL_OPTIONAL LABEL_REQUIRED LABEL_REPEATED')} }`,
  message('OneofDescriptorProto', 'optional string name', 'optional OneofOptions options'),
  `message EnumDescriptorProto { optional string name = 1; repeated EnumValueDescriptorProto value = 2;
    optional EnumOptions options = 3; repeated EnumReservedRange reserved_range = 4; repeated string reserved_name = 5;
    ${message('EnumReservedRange', 'optional int32 start', 'optional int32 end')} }`,
  message(
    'EnumValueDescriptorProto',
    'optional string name',
    'optional int32 number',
    'optional EnumValueOptions options',
  ),
  message(
    'ServiceDescriptorProto',
    'optional string name',
    'repeated MethodDescriptorProto method',
    'optional ServiceOptions options',
  ),
  message(
    'MethodDescriptorProto',
    'optional string name',
    'optional string input_type',
    'optional string output_type',
    'optional MethodOptions options',
    'optional bool client_streaming',
    'optional bool server_streaming',
  ),
  optionsMessage(
    'FileOptions',
    {
      'string java_package': 1,
      'string java_outer_classname': 8,
      'bool java_multiple_files': 10,
      'bool java_generate_equals_and_hash': 20,
      'bool java_string_check_utf8': 27,
      'OptimizeMode optimize_for': 9,
      'string go_package': 11,
      'bool cc_generic_services': 16,
      'bool java_generic_services': 17,
      'bool py_generic_services': 18,
      'bool php_generic_services': 42,
      'bool deprecated': 23,
      'bool cc_enable_arenas': 31,
      'string objc_class_prefix': 36,
      'string csharp_namespace': 37,
      'string swift_prefix': 39,
      'string php_class_prefix': 40,
      'string php_namespace': 41,
      'string php_metadata_namespace': 44,
      'string ruby_package': 45,
    },
    enumeration('OptimizeMode', 1, 'SPEED CODE_SIZE LITE_RUNTIME'),
  ),
  optionsMessage('MessageOptions', {
    'bool message_set_wire_format': 1,
    'bool no_standard_descriptor_accessor': 2,
    'bool deprecated': 3,
    'bool map_entry': 7,
  }),
  optionsMessage(
    'FieldOptions',
    {
      'CType ctype': 1,
      'bool packed': 2,
      'JSType jstype': 6,
      'bool lazy': 5,
      'bool unverified_lazy': 15,
      'bool deprecated': 3,
      'bool weak': 10,
    },
    enumeration('CType', 0, 'STRING CORD STRING_PIECE') + enumeration('JSType', 0, 'JS_NORMAL JS_STRING JS_NUMBER'),
  ),
  optionsMessage('OneofOptions', {}),
  optionsMessage('EnumOptions', { 'bool allow_alias': 2, 'bool deprecated': 3 }),
  optionsMessage('EnumValueOptions', { 'bool deprecated': 1 }),
  optionsMessage('ServiceOptions', { 'bool deprecated': 33 }),
  optionsMessage(
    'MethodOptions',
    { 'bool deprecated': 33, 'IdempotencyLevel idempotency_level': 34 },
    enumeration('IdempotencyLevel', 0, 'IDEMPOTENCY_UNKNOWN NO_SIDE_EFFECTS IDEMPOTENT'),
  ),
  `message UninterpretedOption { repeated NamePart name = 2; optional string identifier_value = 3;
    optional uint64 positive_int_value = 4; optional int64 negative_int_value = 5; optional double double_value = 6;
    optional bytes string_value = 7; optional string aggregate_value = 8;
    ${message('NamePart', 'required string name_part', 'required bool is_extension')} }`,
  `message SourceCodeInfo { repeated Location location = 1; message Location { repeated int32 path = 1 [packed = true];
    repeated int32 span = 2 [packed = true]; optional string leading_comments = 3; optional string trailing_comments = 4;
    repeated string leading_detached_comments = 6; } }`,
  `message GeneratedCodeInfo { repeated Annotation annotation = 1; message Annotation { repeated int32 path = 1 [packed = true];
    optional string source_file = 2; optional int32 begin = 3; optional int32 end = 4; optional Semantic semantic = 5;
    ${enumeration('Semantic', 0, 'NONE SET ALIAS')} } }`,
].join(' ');

const BODIES: Readonly<Record<string, string>> = {
  'google/protobuf/any.proto': message('Any', 'string type_url', 'bytes value'),
  'google/protobuf/api.proto':
    imports('google/protobuf/source_context.proto', 'google/protobuf/type.proto') +
    message(
      'Api',
      'string name',
      'repeated Method methods',
      'repeated Option options',
      'string version',
      'SourceContext source_context',
      'repeated Mixin mixins',
      'Syntax syntax',
    ) +
    message(
      'Method',
      'string name',
      'string request_type_url',
      'bool request_streaming',
      'string response_type_url',
      'bool response_streaming',
      'repeated Option options',
      'Syntax syntax',
    ) +
    message('Mixin', 'string name', 'string root'),
  [DESCRIPTOR]: descriptor,
  'google/protobuf/duration.proto': message('Duration', 'int64 seconds', 'int32 nanos'),
  'google/protobuf/empty.proto': message('Empty'),
  'google/protobuf/field_mask.proto': message('FieldMask', 'repeated string paths'),
  'google/protobuf/source_context.proto': message('SourceContext', 'string file_name'),
  'google/protobuf/struct.proto': `${message('Struct', 'map<string, Value> fields')} ${enumeration('NullValue', 0, 'NULL_VALUE')}
    message Value { oneof kind { NullValue null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4;
      Struct struct_value = 5; ListValue list_value = 6; } } ${message('ListValue', 'repeated Value values')}`,
  'google/protobuf/timestamp.proto': message('Timestamp', 'int64 seconds', 'int32 nanos'),
  'google/protobuf/type.proto':
    imports('google/protobuf/any.proto', 'google/protobuf/source_context.proto') +
    message(
      'Type',
      'string name',
      'repeated Field fields',
      'repeated string oneofs',
      'repeated Option options',
      'SourceContext source_context',
      'Syntax syntax',
    ) +
    `message Field { Kind kind = 1; Cardinality cardinality = 2; int32 number = 3; string name = 4; string type_url = 6;
      int32 oneof_index = 7; bool packed = 8; repeated Option options = 9; string json_name = 10; string default_value = 11;
      ${enumeration('Kind', 0, 'TYPE_UNKNOWN TYPE_DOUBLE TYPE_FLOAT TYPE_INT64 TYPE_UINT64 TYPE_INT32 TYPE_FIXED64 TYPE_FIXED32 TYPE_BOOL TYPE_STRING TYPE_GROUP TYPE_MESSAGE TYPE_BYTES TYPE_UINT32 TYPE_ENUM TYPE_SFIXED32 TYPE_SFIXED64 TYPE_SINT32 TYPE_SINT64')}
      ${enumeration('Cardinality', 0, 'CARDINALITY_UNKNOWN CARDINALITY_OPTIONAL CARDINALITY_REQUIRED CARDINALITY_REPEATED')} }` +
    message(
      'Enum',
      'string name',
      'repeated EnumValue enumvalue',
      'repeated Option options',
      'SourceContext source_context',
      'Syntax syntax',
    ) +
    message('EnumValue', 'string name', 'int32 number', 'repeated Option options') +
    message('Option', 'string name', 'Any value') +
    enumeration('Syntax', 0, 'SYNTAX_PROTO2 SYNTAX_PROTO3'),
  'google/protobuf/wrappers.proto': ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes']
    .map((type) => message(`${type}Value`, `${type.toLowerCase()} value`))
    .join(' '),

  'google/type/calendar_period.proto': enumeration(
    'CalendarPeriod',
    0,
    'CALENDAR_PERIOD_UNSPECIFIED DAY WEEK FORTNIGHT MONTH QUARTER HALF YEAR',
  ),
  'google/type/color.proto':
    imports('google/protobuf/wrappers.proto') +
    message('Color', 'float red', 'float green', 'float blue', 'google.protobuf.FloatValue alpha'),
  'google/type/date.proto': message('Date', 'int32 year', 'int32 month', 'int32 day'),
  'google/type/datetime.proto': `${imports('google/protobuf/duration.proto')}
    message DateTime { int32 year = 1; int32 month = 2; int32 day = 3; int32 hours = 4; int32 minutes = 5; int32 seconds = 6;
      int32 nanos = 7; oneof time_offset { google.protobuf.Duration utc_offset = 8; TimeZone time_zone = 9; } }
    ${message('TimeZone', 'string id', 'string version')}`,
  'google/type/dayofweek.proto': enumeration(
    'DayOfWeek',
    0,
    'DAY_OF_WEEK_UNSPECIFIED MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY',
  ),
  'google/type/decimal.proto': message('Decimal', 'string value'),
  'google/type/expr.proto': message(
    'Expr',
    'string expression',
    'string title',
    'string description',
    'string location',
  ),
  'google/type/fraction.proto': message('Fraction', 'int64 numerator', 'int64 denominator'),
  'google/type/interval.proto':
    imports('google/protobuf/timestamp.proto') +
    message('Interval', 'google.protobuf.Timestamp start_time', 'google.protobuf.Timestamp end_time'),
  'google/type/latlng.proto': message('LatLng', 'double latitude', 'double longitude'),
  'google/type/localized_text.proto': message('LocalizedText', 'string text', 'string language_code'),
  'google/type/money.proto': message('Money', 'string currency_code', 'int64 units', 'int32 nanos'),
  'google/type/month.proto': enumeration(
    'Month',
    0,
    'MONTH_UNSPECIFIED JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER',
  ),
  'google/type/phone_number.proto': `message PhoneNumber { oneof kind { string e164_number = 1; ShortCode short_code = 2; }
      string extension = 3; ${message('ShortCode', 'string region_code', 'string number')} }`,
  'google/type/postal_address.proto': message(
    'PostalAddress',
    'int32 revision',
    'string region_code',
    'string language_code',
    'string postal_code',
    'string sorting_code',
    'string administrative_area',
    'string locality',
    'string sublocality',
    'repeated string address_lines',
    'repeated string recipients',
    'string organization',
  ),
  'google/type/quaternion.proto': message('Quaternion', 'double x', 'double y', 'double z', 'double w'),
  'google/type/timeofday.proto': message('TimeOfDay', 'int32 hours', 'int32 minutes', 'int32 seconds', 'int32 nanos'),

  'confluent/meta.proto':
    imports(DESCRIPTOR) +
    message('Meta', 'string doc', 'map<string, string> params', 'repeated string tags') +
    ['file', 'message', 'field', 'enum', 'enum_value']
      .map((what) => [what, what.replaceAll(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())] as const)
      .map(([name, type]) => `extend google.protobuf.${type}Options { Meta ${name}_meta = 1088; }`)
      .join(' '),
  'confluent/type/decimal.proto': message('Decimal', 'bytes value', 'uint32 precision', 'int32 scale'),
  'confluent/type/variant.proto': message('Variant', 'bytes metadata', 'bytes value'),
};

export const WELL_KNOWN_PATHS: readonly string[] = Object.keys(BODIES);
