/** As `Last-Modified` wants it: `Sun, 06 Nov 1994 08:49:37 GMT`; parts of a second are dropped. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/**
 * Milliseconds since 1970 of an HTTP-date in any of its three forms, or undefined when it is none (RFC 9110 §5.6.7).
 * `nowMs` decides the century of a year with two digits.
 */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  const found = imfFixdate.exec(text) ?? rfc850Date.exec(text) ?? asctimeDate.exec(text);
  if (!found?.groups) return undefined;
  const { day, month, year, hour, minute, second } = found.groups as Record<Field, string>;

  const days = { month: months.indexOf(month), day: Number(day) };
  const midnightMs = year.length === 2 ? recentDay(Number(year), days, nowMs) : dayMs(Number(year), days);
  const secondOfDay = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  const isTime = Number(hour) < 24 && Number(minute) < 60 && Number(second) <= 60; // 60: a leap second
  return midnightMs === undefined || !isTime ? undefined : midnightMs + secondOfDay * 1000;
}

type Field = 'day' | 'month' | 'year' | 'hour' | 'minute' | 'second';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const monthName = `(?<month>${months.join('|')})`;
const dayName = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const longDayName = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)';
const timeOfDay = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)';

const imfFixdate = new RegExp(`^${dayName}, (?<day>\\d\\d) ${monthName} (?<year>\\d{4}) ${timeOfDay} GMT$`);
const rfc850Date = new RegExp(
  `^${longDayName}, (?<day>\\d\\d)-${monthName}-(?<year>\\d\\d) ${timeOfDay} GMT$`,
);
const asctimeDate = new RegExp(`^${dayName} ${monthName} (?<day>\\d\\d| \\d) ${timeOfDay} (?<year>\\d{4})$`);

interface Day {
  /** From 0. */
  readonly month: number;
  readonly day: number;
}

/** What looks more than 50 years ahead is in the last century that had such a year. */
function recentDay(twoDigits: number, day: Day, nowMs: number): number | undefined {
  const now = new Date(nowMs);
  const year = now.getUTCFullYear() - (now.getUTCFullYear() % 100) + twoDigits;
  const limitMs = now.setUTCFullYear(now.getUTCFullYear() + 50);
  const ms = dayMs(year, day);
  return ms !== undefined && ms > limitMs ? dayMs(year - 100, day) : ms;
}

/** Undefined when there is no such day. */
function dayMs(year: number, { month, day }: Day): number | undefined {
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month, day); // Date.UTC would move the year 50 to 1950
  return midnight.getUTCDate() === day ? midnight.getTime() : undefined;
}
