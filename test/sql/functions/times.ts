// Dates and times. Patterns are Java's.
import type { Calls } from './calls.ts';

const day = (text: string): string => `CAST('${text}' AS DATE)`;
const time = (text: string): string => `CAST('${text}' AS TIME)`;
const instant = (text: string): string => `CAST('${text}' AS TIMESTAMP)`;
const NO_TEXT = 'CAST(NULL AS STRING)';

export const timeCalls: Readonly<Record<string, Calls>> = {
  CONVERT_TZ: {
    [`CONVERT_TZ(${instant('2021-07-01T12:00')}, 'UTC', 'Europe/Berlin')`]: '2021-07-01T14:00:00.000 TIMESTAMP',
    [`CONVERT_TZ(${instant('2021-01-01T12:00')}, 'Europe/Berlin', 'America/New_York')`]:
      '2021-01-01T06:00:00.000 TIMESTAMP',
    [`CONVERT_TZ(${instant('2021-01-01T12:00')}, '+0200', '-03:30')`]: '2021-01-01T06:30:00.000 TIMESTAMP',
    [`CONVERT_TZ(${instant('2021-01-01T12:00')}, 'UTC', 'UTC')`]: '2021-01-01T12:00:00.000 TIMESTAMP',
    [`CONVERT_TZ(${instant('2021-01-01T12:00')}, 'UTC', 'Mars/Olympus') IS NULL`]:
      'fails: Invalid time zone specified: Mars/Olympus',
    [`CONVERT_TZ(${instant('2021-01-01T12:00')}, 'UTC', ${NO_TEXT})`]: 'null TIMESTAMP',
    "CONVERT_TZ(1, 'UTC', 'UTC')":
      "refused: Function 'CONVERT_TZ' does not accept parameters (INTEGER, STRING, STRING).",
  },
  DATEADD: {
    [`DATEADD(DAYS, 3, ${day('2020-02-27')})`]: '2020-03-01 DATE',
    [`DATEADD(DAY, -1, ${day('1970-01-01')})`]: '1969-12-31 DATE',
    [`DATEADD(HOURS, 47, ${day('2020-01-01')})`]: '2020-01-02 DATE',
    [`DATEADD(MILLISECONDS, 1, ${day('2020-01-01')})`]: '2020-01-01 DATE',
    "DATEADD(DAYS, 1, '2020-12-31')": '2021-01-01 DATE',
    'DATEADD(DAYS, 1, CAST(NULL AS DATE))': 'null DATE',
    'DATEADD(DAYS, 1, 5)': "refused: Function 'dateadd' does not accept parameters (INTERVALUNIT, INTEGER, INTEGER).",
  },
  DATESUB: {
    [`DATESUB(DAYS, 1, ${day('2020-03-01')})`]: '2020-02-29 DATE',
    [`DATESUB(HOURS, 1, ${day('2020-01-02')})`]: '2020-01-01 DATE',
    [`DATESUB(DAYS, CAST(NULL AS INT), ${day('2020-01-02')})`]: 'null DATE',
    'DATESUB(DAYS, 1, TRUE)':
      "refused: Function 'datesub' does not accept parameters (INTERVALUNIT, INTEGER, BOOLEAN).",
  },
  TIMEADD: {
    [`TIMEADD(HOURS, 2, ${time('23:30')})`]: '01:30 TIME',
    [`TIMEADD(MILLISECONDS, 5, ${time('00:00')})`]: '00:00:00.005 TIME',
    [`TIMEADD(MINUTES, -1, ${time('00:00:30')})`]: '23:59:30 TIME',
    'TIMEADD(HOURS, 1, CAST(NULL AS TIME))': 'null TIME',
    'TIMEADD(HOURS, 1, 5)': "refused: Function 'timeadd' does not accept parameters (INTERVALUNIT, INTEGER, INTEGER).",
  },
  TIMESUB: {
    [`TIMESUB(HOURS, 2, ${time('01:00')})`]: '23:00 TIME',
    [`TIMESUB(SECONDS, 1, ${time('12:00')})`]: '11:59:59 TIME',
    'TIMESUB(HOURS, 1, CAST(NULL AS TIME))': 'null TIME',
    'TIMESUB(HOURS, 1, 5)': "refused: Function 'timesub' does not accept parameters (INTERVALUNIT, INTEGER, INTEGER).",
  },
  TIMESTAMPADD: {
    [`TIMESTAMPADD(HOURS, 2, ${instant('2020-12-31T23:00')})`]: '2021-01-01T01:00:00.000 TIMESTAMP',
    [`TIMESTAMPADD(MILLISECONDS, 5, ${instant('2020-01-01')})`]: '2020-01-01T00:00:00.005 TIMESTAMP',
    'TIMESTAMPADD(DAYS, 1, CAST(NULL AS TIMESTAMP))': 'null TIMESTAMP',
    "TIMESTAMPADD('DAYS', 1, '2020-01-01')":
      "refused: Function 'timestampadd' does not accept parameters (STRING, INTEGER, STRING).",
  },
  TIMESTAMPSUB: {
    [`TIMESTAMPSUB(SECONDS, 90, ${instant('2021-01-01')})`]: '2020-12-31T23:58:30.000 TIMESTAMP',
    [`TIMESTAMPSUB(DAYS, 60, ${instant('1970-01-01')})`]: '1969-11-02T00:00:00.000 TIMESTAMP',
    'TIMESTAMPSUB(DAYS, 1, CAST(NULL AS TIMESTAMP))': 'null TIMESTAMP',
    'TIMESTAMPSUB(DAYS, 1, 5)':
      "refused: Function 'timestampsub' does not accept parameters (INTERVALUNIT, INTEGER, INTEGER).",
  },
  DATETOSTRING: {
    "DATETOSTRING(18690, 'yyyy-MM-dd')": '2021-03-04 STRING',
    "DATETOSTRING(-1, 'dd/MM/yy')": '31/12/69 STRING',
    "DATETOSTRING(CAST(NULL AS INT), 'yyyy')": 'null STRING',
    "DATETOSTRING('a', 'yyyy')": "refused: Function 'DATETOSTRING' does not accept parameters (STRING, STRING).",
  },
  FORMAT_DATE: {
    [`FORMAT_DATE(${day('2021-03-04')}, 'EEEE, d MMMM yyyy')`]: 'Thursday, 4 March 2021 STRING',
    [`FORMAT_DATE(${day('2021-03-04')}, 'EEE d MMM yy')`]: 'Thu 4 Mar 21 STRING',
    [`FORMAT_DATE(${day('2021-03-04')}, 'D DDD')`]: '63 063 STRING',
    [`FORMAT_DATE(${day('2021-03-04')}, 'Q QQ QQQ QQQQ')`]: '1 01 Q1 1st quarter STRING',
    [`FORMAT_DATE(${day('2021-03-04')}, 'MMMMM EEEEE')`]: 'M T STRING',
    [`FORMAT_DATE(${day('2021-03-04')}, 'G GGGG')`]: 'AD Anno Domini STRING',
    [`FORMAT_DATE(${day('2021-03-04')}, '''on'' d ''o''''clock''')`]: "on 4 o'clock STRING",
    [`FORMAT_DATE(${day('2021-03-04')}, 'HH')`]: 'fails: Date format contains time field: HH',
    [`FORMAT_DATE(${day('2021-03-04')}, 'yyyy ''x')`]: "fails: Pattern ends with an incomplete string literal: yyyy 'x",
    [`FORMAT_DATE(${day('2021-03-04')}, 'j')`]: 'fails: Unknown pattern letter: j',
    [`FORMAT_DATE(${day('2021-03-04')}, ${NO_TEXT})`]: 'null STRING',
    "FORMAT_DATE(1, 'yyyy')": "refused: Function 'FORMAT_DATE' does not accept parameters (INTEGER, STRING).",
  },
  FORMAT_TIME: {
    [`FORMAT_TIME(${time('13:04:05.678')}, 'HH:mm:ss.SSS')`]: '13:04:05.678 STRING',
    [`FORMAT_TIME(${time('13:04:05.678')}, 'h:m a')`]: '1:4 PM STRING',
    [`FORMAT_TIME(${time('00:04')}, 'hh kk KK H')`]: '12 24 00 0 STRING',
    [`FORMAT_TIME(${time('00:00:01.5')}, 'A n N')`]: '1500 500000000 1500000000 STRING',
    [`FORMAT_TIME(${time('00:00:01.5')}, 'S SSSSSS')`]: '5 500000 STRING',
    [`FORMAT_TIME(${time('13:04')}, 'yyyy')`]: 'fails: Time format contains date field: yyyy',
    "FORMAT_TIME(CAST(NULL AS TIME), 'HH')": 'null STRING',
    "FORMAT_TIME(1, 'HH')": "refused: Function 'FORMAT_TIME' does not accept parameters (INTEGER, STRING).",
  },
  FORMAT_TIMESTAMP: {
    [`FORMAT_TIMESTAMP(${instant('2021-06-01T10:00')}, 'yyyy-MM-dd''T''HH:mm:ss.SSS')`]:
      '2021-06-01T10:00:00.000 STRING',
    [`FORMAT_TIMESTAMP(${instant('2021-06-01T10:00')}, 'HH:mm z', 'Europe/London')`]: '11:00 BST STRING',
    [`FORMAT_TIMESTAMP(${instant('2021-06-01T10:00')}, 'HH:mm XXX', 'Asia/Kolkata')`]: '15:30 +05:30 STRING',
    [`FORMAT_TIMESTAMP(${instant('2021-06-01T10:00')}, 'X XX Z O VV', 'Asia/Kolkata')`]:
      '+0530 +0530 +0530 GMT+5:30 Asia/Kolkata STRING',
    [`FORMAT_TIMESTAMP(${instant('2021-06-01T10:00')}, 'X x Z ZZZZZ O', 'UTC')`]: 'Z +00 +0000 Z GMT STRING',
    [`FORMAT_TIMESTAMP(${instant('2021-06-01T10:00')}, 'yyyy[-MM]')`]: '2021-06 STRING',
    [`FORMAT_TIMESTAMP(CAST(NULL AS TIMESTAMP), 'yyyy')`]: 'null STRING',
    "FORMAT_TIMESTAMP(TRUE, 'yyyy')":
      "refused: Function 'FORMAT_TIMESTAMP' does not accept parameters (BOOLEAN, STRING).",
  },
  FROM_DAYS: {
    'FROM_DAYS(18690)': '2021-03-04 DATE',
    'FROM_DAYS(-1)': '1969-12-31 DATE',
    'FROM_DAYS(CAST(NULL AS INT))': 'null DATE',
    "FROM_DAYS('a')": "refused: Function 'FROM_DAYS' does not accept parameters (STRING).",
  },
  FROM_UNIXTIME: {
    'FROM_UNIXTIME(1500)': '1970-01-01T00:00:01.500 TIMESTAMP',
    'FROM_UNIXTIME(-1)': '1969-12-31T23:59:59.999 TIMESTAMP',
    'FROM_UNIXTIME(CAST(NULL AS BIGINT))': 'null TIMESTAMP',
    "FROM_UNIXTIME('a')": "refused: Function 'FROM_UNIXTIME' does not accept parameters (STRING).",
  },
  PARSE_DATE: {
    "PARSE_DATE('04.03.2021', 'dd.MM.yyyy')": '2021-03-04 DATE',
    "PARSE_DATE('4 Mar 2021', 'd MMM yyyy')": '2021-03-04 DATE',
    "PARSE_DATE('2021', 'yyyy')": '2021-01-01 DATE',
    "PARSE_DATE('2021 063', 'yyyy DDD')": '2021-03-04 DATE',
    "PARSE_DATE('02/30/2021', 'MM/dd/yyyy')": '2021-03-02 DATE',
    "PARSE_DATE(' 2021-13-1 and so on', 'yyyy-MM-dd')": '2022-01-01 DATE',
    "PARSE_DATE('99-1-1', 'yy-M-d')": '1999-01-01 DATE',
    "PARSE_DATE('2021-W05-3', 'YYYY-''W''ww-u')": '2021-01-27 DATE',
    "PARSE_DATE('2 2 Tue 2021', 'M F E yyyy')": '2021-02-09 DATE',
    "PARSE_DATE('2021-03-04 12', 'yyyy-MM-dd HH')": 'fails: Date format contains time field: yyyy-MM-dd HH',
    "PARSE_DATE('nonsense', 'yyyy-MM-dd')":
      "fails: Text 'nonsense' could not be parsed with the pattern 'yyyy-MM-dd' at index 0",
    [`PARSE_DATE(${NO_TEXT}, 'yyyy')`]: 'null DATE',
    "PARSE_DATE(2021, 'yyyy')": "refused: Function 'PARSE_DATE' does not accept parameters (INTEGER, STRING).",
  },
  PARSE_TIME: {
    "PARSE_TIME('13:04:05', 'HH:mm:ss')": '13:04:05 TIME',
    "PARSE_TIME('1:04 pm', 'h:mm a')": '13:04 TIME',
    "PARSE_TIME('12:30 AM', 'hh:mm a')": '00:30 TIME',
    "PARSE_TIME('24:00', 'kk:mm')": '00:00 TIME',
    "PARSE_TIME('11:30 PM', 'KK:mm a')": '23:30 TIME',
    "PARSE_TIME('13:04 PM', 'hh:mm a')": 'fails: Invalid value for ClockHourOfAmPm (valid values 1 - 12): 13',
    "PARSE_TIME('1304', 'HHmm')": '13:04 TIME',
    "PARSE_TIME('1500', 'A')": '00:00:01.500 TIME',
    "PARSE_TIME('25:00', 'HH:mm')": 'fails: Invalid value for HourOfDay (valid values 0 - 23): 25',
    "PARSE_TIME('2021', 'yyyy')": 'fails: Time format contains date field: yyyy',
    [`PARSE_TIME(${NO_TEXT}, 'HH')`]: 'null TIME',
    "PARSE_TIME(1, 'HH')": "refused: Function 'PARSE_TIME' does not accept parameters (INTEGER, STRING).",
  },
  PARSE_TIMESTAMP: {
    "PARSE_TIMESTAMP('2021-03-04 05:06:07.089', 'yyyy-MM-dd HH:mm:ss.SSS')": '2021-03-04T05:06:07.089 TIMESTAMP',
    "PARSE_TIMESTAMP('2021-03-04T05:06:07.123456', 'yyyy-MM-dd''T''HH:mm:ss.SSSSSS')":
      '2021-03-04T05:06:07.123 TIMESTAMP',
    "PARSE_TIMESTAMP('2021-07-01 12:00', 'yyyy-MM-dd HH:mm', 'Europe/Berlin')": '2021-07-01T10:00:00.000 TIMESTAMP',
    // What the text says about the zone comes before what the call says.
    "PARSE_TIMESTAMP('2021-07-01 12:00 +05:30', 'yyyy-MM-dd HH:mm XXX', 'Europe/Berlin')":
      '2021-07-01T06:30:00.000 TIMESTAMP',
    "PARSE_TIMESTAMP('2021-07-01 12:00 America/New_York', 'yyyy-MM-dd HH:mm VV')": '2021-07-01T16:00:00.000 TIMESTAMP',
    "PARSE_TIMESTAMP('4 march 2021', 'd MMMM yyyy')": '2021-03-04T00:00:00.000 TIMESTAMP',
    "PARSE_TIMESTAMP('20210304', 'yyyyMMdd[HHmm]')": '2021-03-04T00:00:00.000 TIMESTAMP',
    // The year takes all digits but those of the month and the day: an optional element shares none.
    "PARSE_TIMESTAMP('202103041315', 'yyyyMMdd[HHmm]')":
      "fails: Text '202103041315' could not be parsed with the pattern 'yyyyMMdd[HHmm]' at index 0",
    "PARSE_TIMESTAMP('20210304 1315', 'yyyyMMdd[ HHmm]')": '2021-03-04T13:15:00.000 TIMESTAMP',
    "PARSE_TIMESTAMP('2021-02-30', 'yyyy-MM-dd')": '2021-02-28T00:00:00.000 TIMESTAMP',
    "PARSE_TIMESTAMP('2021-03-04 24:00', 'yyyy-MM-dd HH:mm')": '2021-03-05T00:00:00.000 TIMESTAMP',
    "PARSE_TIMESTAMP('2020-W01-3', 'YYYY-''W''ww-e')": '2019-12-31T00:00:00.000 TIMESTAMP',
    "PARSE_TIMESTAMP('2021-03-14 02:30', 'yyyy-MM-dd HH:mm', 'America/New_York')": '2021-03-14T07:30:00.000 TIMESTAMP',
    "PARSE_TIMESTAMP('2021-10-31 02:30', 'yyyy-MM-dd HH:mm', 'Europe/Berlin')": '2021-10-31T00:30:00.000 TIMESTAMP',
    "PARSE_TIMESTAMP('Tue 2021-02-03', 'EEE yyyy-MM-dd')":
      'fails: Conflict found: DayOfWeek 2 differs from what other fields say',
    "PARSE_TIMESTAMP('2021-03-04x', 'yyyy-MM-dd')":
      "fails: Text '2021-03-04x' could not be parsed with the pattern 'yyyy-MM-dd' at index 10",
    [`PARSE_TIMESTAMP(${NO_TEXT}, 'yyyy')`]: 'null TIMESTAMP',
    "PARSE_TIMESTAMP(1, 'yyyy')": "refused: Function 'PARSE_TIMESTAMP' does not accept parameters (INTEGER, STRING).",
  },
  STRINGTODATE: {
    "STRINGTODATE('2021-03-04', 'yyyy-MM-dd')": '18690 INTEGER',
    "STRINGTODATE('4 MAR 2021', 'd MMM yyyy')": '18690 INTEGER',
    "STRINGTODATE('2021-03-04x', 'yyyy-MM-dd')":
      "fails: Text '2021-03-04x' could not be parsed with the pattern 'yyyy-MM-dd' at index 10",
    [`STRINGTODATE(${NO_TEXT}, 'yyyy')`]: 'null INTEGER',
    "STRINGTODATE(1, 'yyyy')": "refused: Function 'STRINGTODATE' does not accept parameters (INTEGER, STRING).",
  },
  STRINGTOTIMESTAMP: {
    "STRINGTOTIMESTAMP('1970-01-02 00:00', 'yyyy-MM-dd HH:mm', 'UTC')": '86400000 BIGINT',
    "STRINGTOTIMESTAMP('1970-01-02 00:00', 'yyyy-MM-dd HH:mm', '+01:00')": '82800000 BIGINT',
    // Without a zone the system's is meant: there and back is the same anywhere.
    "STRINGTOTIMESTAMP(TIMESTAMPTOSTRING(1614834000000, 'yyyyMMddHHmm'), 'yyyyMMddHHmm')": '1614834000000 BIGINT',
    [`STRINGTOTIMESTAMP(${NO_TEXT}, 'yyyy')`]: 'null BIGINT',
    "STRINGTOTIMESTAMP(1, 'yyyy')":
      "refused: Function 'STRINGTOTIMESTAMP' does not accept parameters (INTEGER, STRING).",
  },
  TIMESTAMPTOSTRING: {
    "TIMESTAMPTOSTRING(86400000, 'yyyy-MM-dd HH:mm', 'UTC')": '1970-01-02 00:00 STRING',
    "TIMESTAMPTOSTRING(0, 'yyyy-MM-dd HH:mm', 'America/New_York')": '1969-12-31 19:00 STRING',
    "TIMESTAMPTOSTRING(CAST(NULL AS BIGINT), 'yyyy', 'UTC')": 'null STRING',
    "TIMESTAMPTOSTRING('a', 'yyyy')":
      "refused: Function 'TIMESTAMPTOSTRING' does not accept parameters (STRING, STRING).",
  },
  UNIX_DATE: {
    [`UNIX_DATE(${day('2021-03-04')})`]: '18690 INTEGER',
    // Later than this was written, and in days.
    'UNIX_DATE() BETWEEN 20000 AND 100000': 'true BOOLEAN',
    'UNIX_DATE(CAST(NULL AS DATE))': 'null INTEGER',
    'UNIX_DATE(1)': "refused: Function 'UNIX_DATE' does not accept parameters (INTEGER).",
  },
  UNIX_TIMESTAMP: {
    [`UNIX_TIMESTAMP(${instant('1970-01-01T00:00:01.5')})`]: '1500 BIGINT',
    'UNIX_TIMESTAMP() BETWEEN 1700000000000 AND 9000000000000': 'true BOOLEAN',
    'UNIX_TIMESTAMP(CAST(NULL AS TIMESTAMP))': 'null BIGINT',
    'UNIX_TIMESTAMP(1)': "refused: Function 'UNIX_TIMESTAMP' does not accept parameters (INTEGER).",
  },
  YEAR: {
    [`YEAR(${day('2024-02-29')})`]: '2024 INTEGER',
    [`YEAR(${instant('1969-12-31T23:59:59.999')})`]: '1969 INTEGER',
    [`YEAR(${instant('2023-12-31T23:30')}, 'Europe/Berlin')`]: '2024 INTEGER',
    'YEAR(CAST(NULL AS DATE))': 'null INTEGER',
    [`YEAR(${time('10:00')})`]: "refused: Function 'YEAR' does not accept parameters (TIME).",
  },
  QUARTER: {
    [`QUARTER(${day('2024-03-31')})`]: '1 INTEGER',
    [`QUARTER(${day('2024-10-01')})`]: '4 INTEGER',
    'QUARTER(CAST(NULL AS TIMESTAMP))': 'null INTEGER',
    'QUARTER(TRUE)': "refused: Function 'QUARTER' does not accept parameters (BOOLEAN).",
  },
  MONTH: {
    [`MONTH(${day('2024-12-01')})`]: '12 INTEGER',
    [`MONTH(${instant('2024-03-01T00:30')}, 'America/New_York')`]: '2 INTEGER',
    'MONTH(CAST(NULL AS DATE))': 'null INTEGER',
    'MONTH(TRUE)': "refused: Function 'MONTH' does not accept parameters (BOOLEAN).",
  },
  WEEK: {
    // ISO 8601: the first week has the year's first Thursday.
    [`WEEK(${day('2021-01-03')})`]: '53 INTEGER',
    [`WEEK(${day('2021-01-04')})`]: '1 INTEGER',
    [`WEEK(${day('2024-12-30')})`]: '1 INTEGER',
    [`WEEK(${instant('2020-12-31T12:00')})`]: '53 INTEGER',
    'WEEK(CAST(NULL AS DATE))': 'null INTEGER',
    'WEEK(TRUE)': "refused: Function 'WEEK' does not accept parameters (BOOLEAN).",
  },
  DAY: {
    [`DAY(${day('2024-02-29')})`]: '29 INTEGER',
    'DAY(-1)': '31 INTEGER',
    'DAY(CAST(NULL AS DATE))': 'null INTEGER',
    'DAY(TRUE)': "refused: Function 'DAY' does not accept parameters (BOOLEAN).",
  },
  DAYOFYEAR: {
    [`DAYOFYEAR(${day('2024-12-31')})`]: '366 INTEGER',
    [`DAYOFYEAR(${instant('2023-01-01T23:59')})`]: '1 INTEGER',
    'DAYOFYEAR(CAST(NULL AS DATE))': 'null INTEGER',
    'DAYOFYEAR(TRUE)': "refused: Function 'DAYOFYEAR' does not accept parameters (BOOLEAN).",
  },
  DAYOFWEEK: {
    [`DAYOFWEEK(${day('2024-01-01')})`]: '1 INTEGER',
    [`DAYOFWEEK(${day('2023-12-31')})`]: '7 INTEGER',
    [`DAYOFWEEK(${day('1969-12-31')})`]: '3 INTEGER',
    'DAYOFWEEK(CAST(NULL AS DATE))': 'null INTEGER',
    'DAYOFWEEK(TRUE)': "refused: Function 'DAYOFWEEK' does not accept parameters (BOOLEAN).",
  },
  HOUR: {
    [`HOUR(${time('23:59:59')})`]: '23 INTEGER',
    [`HOUR(${instant('2024-07-01T23:30')})`]: '23 INTEGER',
    [`HOUR(${instant('2024-07-01T23:30')}, 'Asia/Kolkata')`]: '5 INTEGER',
    [`HOUR(${instant('1969-12-31T22:00')})`]: '22 INTEGER',
    'HOUR(3600000)': '1 INTEGER',
    [`HOUR(${instant('2024-07-01T23:30')}, 'Mars/Olympus')`]: 'fails: Invalid time zone specified: Mars/Olympus',
    'HOUR(CAST(NULL AS TIME))': 'null INTEGER',
    [`HOUR(${day('2024-01-01')})`]: "refused: Function 'HOUR' does not accept parameters (DATE).",
  },
  MINUTE: {
    [`MINUTE(${time('23:59:59')})`]: '59 INTEGER',
    [`MINUTE(${instant('2024-07-01T23:10')}, '+05:30')`]: '40 INTEGER',
    'MINUTE(CAST(NULL AS TIME))': 'null INTEGER',
    'MINUTE(TRUE)': "refused: Function 'MINUTE' does not accept parameters (BOOLEAN).",
  },
  SECOND: {
    [`SECOND(${time('23:59:58')})`]: '58 INTEGER',
    [`SECOND(${instant('1969-12-31T23:59:59.999')})`]: '59 INTEGER',
    'SECOND(CAST(NULL AS TIMESTAMP))': 'null INTEGER',
    'SECOND(TRUE)': "refused: Function 'SECOND' does not accept parameters (BOOLEAN).",
  },
};
