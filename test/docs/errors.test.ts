import { describe, expect, test } from '@jest/globals';
import { exitCodeOf } from '../../src/cli/exit.ts';
import { errorCodes, type ErrorCode } from '../../src/core/error.ts';
import { statusOf } from '../../src/http/problem.ts';
import { readDoc, tableRows, unquoted } from './pages.ts';

const rows = tableRows(readDoc('docs/ERRORS.md'), 'code');

describe('The table of errors', () => {
  test('has every code once and in the order of the code, and no other', () => {
    expect(rows.map(({ code }) => unquoted(code))).toEqual([...errorCodes]);
  });

  test.each(rows)('says the status and the exit code of $code', ({ code, status, exit }) => {
    const known = unquoted(code) as ErrorCode;
    expect({ status, exit }).toEqual({ status: String(statusOf[known]), exit: String(exitCodeOf(known)) });
  });

  test.each(rows)('says what $code means, and what to do unless it is not used', ({ meaning, ...row }) => {
    expect(meaning).not.toBe('');
    expect(row['what to do'] === '').toBe(meaning === 'Not used in this version');
  });
});

describe('The exit codes', () => {
  const listed = tableRows(readDoc('docs/OPERATING.md'), 'code').map(({ code }) => code);

  test('of every error are in the list for operators', () => {
    const used = [...new Set(errorCodes.map((code) => String(exitCodeOf(code))))];
    expect(listed).toEqual(expect.arrayContaining(used));
  });
});
