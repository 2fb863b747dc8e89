import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.regex.*;

/** Lines of "pattern TAB text" in hexadecimal UTF-16 → all matches with their groups, or what is wrong with the pattern. */
class JavaRegexOracle {
  static String text(String hex) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < hex.length(); i += 4) out.append((char) Integer.parseInt(hex.substring(i, i + 4), 16));
    return out.toString();
  }

  public static void main(String[] args) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, "UTF-8");
    for (String line; (line = in.readLine()) != null; ) {
      String[] parts = line.split("\t", -1);
      try {
        Matcher matcher = Pattern.compile(text(parts[0])).matcher(text(parts[1]));
        StringBuilder found = new StringBuilder();
        while (matcher.find())
          for (int group = 0; group <= matcher.groupCount(); group++)
            found.append(group == 0 ? ";" : ",").append(matcher.start(group)).append('-').append(matcher.end(group));
        out.println(found);
      } catch (PatternSyntaxException e) {
        out.println("refused");
      } catch (StackOverflowError e) {
        out.println("overflow");
      }
    }
    out.flush();
  }
}
