import java.io.*;
import java.nio.charset.StandardCharsets;
import java.time.*;
import java.time.format.*;
import java.time.temporal.*;
import java.util.*;

/**
 * Lines of "what TAB pattern TAB zone TAB text or milliseconds" → what java.time makes of it, or "refused". Texts are hexadecimal
 * UTF-16.
 */
class JavaTimeOracle {
  static final ZonedDateTime EPOCH = ZonedDateTime.of(1970, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC);

  static String text(String hex) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < hex.length(); i += 4) out.append((char) Integer.parseInt(hex.substring(i, i + 4), 16));
    return out.toString();
  }

  static DateTimeFormatter formatter(String pattern) {
    return new DateTimeFormatterBuilder().parseCaseInsensitive().appendPattern(pattern).toFormatter(Locale.US);
  }

  /** Every field that was read, from the largest to the smallest, set on the beginning of 1970 in the zone. */
  static long instant(TemporalAccessor parsed, ZoneId given) {
    ZoneId zone = parsed.query(TemporalQueries.zone());
    ZonedDateTime time = EPOCH.withZoneSameLocal(zone == null ? given : zone);
    ChronoField[] fields = ChronoField.values();
    for (int i = fields.length - 1; i >= 0; i--)
      if (parsed.isSupported(fields[i])) time = time.with(fields[i], parsed.getLong(fields[i]));
    return time.toInstant().toEpochMilli();
  }

  static String answer(String what, String pattern, String zone, String rest) {
    DateTimeFormatter formatter = formatter(pattern);
    switch (what) {
      case "format":
        return formatter.format(Instant.ofEpochMilli(Long.parseLong(rest)).atZone(ZoneId.of(zone)));
      case "formatDate":
        return formatter.format(LocalDate.ofEpochDay(Long.parseLong(rest)));
      case "formatTime":
        return formatter.format(LocalTime.ofNanoOfDay(Long.parseLong(rest) * 1_000_000));
      case "parseTimestamp":
        return "" + instant(formatter.parse(text(rest)), ZoneId.of(zone));
      case "parseDate":
        return "" + LocalDate.parse(text(rest), formatter).toEpochDay();
      default:
        TemporalAccessor parsed = formatter.parse(text(rest));
        for (ChronoField field : ChronoField.values())
          if (field.isDateBased() && parsed.isSupported(field)) return "refused";
        return "" + LocalTime.from(parsed).toNanoOfDay() / 1_000_000;
    }
  }

  public static void main(String[] args) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, "UTF-8");
    for (String line; (line = in.readLine()) != null; ) {
      String[] parts = line.split("\t", -1);
      try {
        out.println(answer(parts[0], text(parts[1]), parts[2], parts[3]));
      } catch (RuntimeException e) {
        out.println("refused");
      }
    }
    out.flush();
  }
}
