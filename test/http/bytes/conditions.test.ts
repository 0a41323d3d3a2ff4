import { describe, expect, test } from '@jest/globals';
import { checkConditions, type Verdict } from '../../../src/http/bytes/conditions.ts';
import { formatHttpDate } from '../../../src/http/bytes/dates.ts';

const modifiedMs = Date.UTC(2024, 0, 31, 12, 0, 0, 500);
const current = { etag: '"abc"', modifiedMs };
const nowMs = Date.UTC(2025, 0, 1);

const then = 'Wed, 31 Jan 2024 12:00:00 GMT';
const before = 'Wed, 31 Jan 2024 11:59:59 GMT';
const after = 'Wed, 31 Jan 2024 12:00:01 GMT';

type Row = [headers: Record<string, string>, expected: Verdict, method?: string];

function check([headers, expected, method = 'GET']: Row) {
  expect(checkConditions({ method, headers }, current, nowMs)).toBe(expected);
}

const titled = (rows: Row[]) =>
  rows.map((row) => [`${row[2] ?? 'GET'} ${JSON.stringify(row[0])}: ${row[1]}`, row] as const);

test('the time used here is the one of the blob', () => {
  expect(formatHttpDate(modifiedMs)).toBe(then);
});

describe('A request without conditions', () => {
  test.each(
    titled([
      [{}, 'send'],
      [{ range: 'bytes=0-0' }, 'send'],
      [{}, 'send-whole', 'HEAD'],
      [{ range: 'bytes=0-0' }, 'send-whole', 'HEAD'],
    ]),
  )('%s', (_, row) => check(row));
});

describe('If-Match compares strongly', () => {
  test.each(
    titled([
      [{ 'if-match': '"abc"' }, 'send'],
      [{ 'if-match': '*' }, 'send'],
      [{ 'if-match': '"x", "abc"' }, 'send'],
      [{ 'if-match': '"x" ,\t"abc",' }, 'send'],
      [{ 'if-match': '"a,b","abc"' }, 'send'],
      [{ 'if-match': 'W/"abc"' }, 'precondition-failed'],
      [{ 'if-match': 'W/"abc"' }, 'precondition-failed', 'HEAD'],
      [{ 'if-match': '"x"' }, 'precondition-failed'],
      [{ 'if-match': 'abc' }, 'precondition-failed'],
      [{ 'if-match': '' }, 'precondition-failed'],
      [{ 'if-match': '"ABC"' }, 'precondition-failed'],
      [{ 'if-match': '"abc" "x"' }, 'precondition-failed'],
    ]),
  )('%s', (_, row) => check(row));
});

describe('If-Unmodified-Since counts only without If-Match, and only when it is a date', () => {
  test.each(
    titled([
      [{ 'if-unmodified-since': then }, 'send'],
      [{ 'if-unmodified-since': after }, 'send'],
      [{ 'if-unmodified-since': before }, 'precondition-failed'],
      [{ 'if-unmodified-since': before }, 'precondition-failed', 'HEAD'],
      [{ 'if-unmodified-since': before, 'if-match': '"abc"' }, 'send'],
      [{ 'if-unmodified-since': after, 'if-match': '"x"' }, 'precondition-failed'],
      [{ 'if-unmodified-since': 'yesterday' }, 'send'],
      [{ 'if-unmodified-since': `${before}, ${before}` }, 'send'],
    ]),
  )('%s', (_, row) => check(row));
});

describe('If-None-Match compares weakly', () => {
  test.each(
    titled([
      [{ 'if-none-match': '"abc"' }, 'not-modified'],
      [{ 'if-none-match': '"abc"' }, 'not-modified', 'HEAD'],
      [{ 'if-none-match': 'W/"abc"' }, 'not-modified'],
      [{ 'if-none-match': '*' }, 'not-modified'],
      [{ 'if-none-match': '"x", W/"abc", "y"' }, 'not-modified'],
      [{ 'if-none-match': '"x","abc"' }, 'not-modified'],
      [{ 'if-none-match': '"x"' }, 'send'],
      [{ 'if-none-match': 'w/"abc"' }, 'send'],
      [{ 'if-none-match': 'abc' }, 'send'],
      [{ 'if-none-match': '' }, 'send'],
      [{ 'if-none-match': '"abc,"' }, 'send'],
      [{ 'if-none-match': '"*"' }, 'send'],
      [{ 'if-none-match': '"abc"' }, 'precondition-failed', 'PUT'],
      [{ 'if-none-match': '*' }, 'precondition-failed', 'PUT'],
    ]),
  )('%s', (_, row) => check(row));
});

describe('If-Modified-Since counts only for reads without If-None-Match, and only when it is a date', () => {
  test.each(
    titled([
      [{ 'if-modified-since': then }, 'not-modified'],
      [{ 'if-modified-since': then }, 'not-modified', 'HEAD'],
      [{ 'if-modified-since': after }, 'not-modified'],
      [{ 'if-modified-since': 'Wednesday, 31-Jan-24 12:00:00 GMT' }, 'not-modified'],
      [{ 'if-modified-since': 'Wed Jan 31 12:00:00 2024' }, 'not-modified'],
      [{ 'if-modified-since': before }, 'send'],
      [{ 'if-modified-since': after, 'if-none-match': '"x"' }, 'send'],
      [{ 'if-modified-since': before, 'if-none-match': '"abc"' }, 'not-modified'],
      [{ 'if-modified-since': '2024-02-01T00:00:00Z' }, 'send'],
      [{ 'if-modified-since': after }, 'send-whole', 'PUT'],
    ]),
  )('%s', (_, row) => check(row));
});

describe('If-Range lets a Range count only for the very same bytes', () => {
  const range = 'bytes=0-0';
  test.each(
    titled([
      [{ range, 'if-range': '"abc"' }, 'send'],
      [{ range, 'if-range': then }, 'send'],
      [{ range, 'if-range': 'Wed Jan 31 12:00:00 2024' }, 'send'],
      [{ range, 'if-range': 'W/"abc"' }, 'send-whole'],
      [{ range, 'if-range': '"x"' }, 'send-whole'],
      [{ range, 'if-range': '"x", "abc"' }, 'send-whole'],
      [{ range, 'if-range': '*' }, 'send-whole'],
      [{ range, 'if-range': '' }, 'send-whole'],
      [{ range, 'if-range': before }, 'send-whole'],
      [{ range, 'if-range': after }, 'send-whole'],
      [{ range, 'if-range': 'nonsense' }, 'send-whole'],
      [{ range, 'if-range': '"abc"' }, 'send-whole', 'HEAD'],
    ]),
  )('%s', (_, row) => check(row));
});

describe('The order of precedence is the one of §13.2.2', () => {
  test.each(
    titled([
      [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 'precondition-failed'],
      [{ 'if-match': '"abc"', 'if-none-match': '"abc"' }, 'not-modified'],
      [{ 'if-match': '"abc"', 'if-modified-since': then }, 'not-modified'],
      [{ 'if-unmodified-since': before, 'if-none-match': '"abc"' }, 'precondition-failed'],
      [{ 'if-unmodified-since': then, 'if-modified-since': then }, 'not-modified'],
      [{ 'if-none-match': '"abc"', range: 'bytes=0-0', 'if-range': '"abc"' }, 'not-modified'],
      [{ 'if-none-match': '"x"', range: 'bytes=0-0', 'if-range': '"abc"' }, 'send'],
      [{ 'if-none-match': '"x"', range: 'bytes=0-0', 'if-range': '"x"' }, 'send-whole'],
      [{ 'if-match': '"x"', range: 'bytes=0-0', 'if-range': '"abc"' }, 'precondition-failed'],
    ]),
  )('%s', (_, row) => check(row));
});
