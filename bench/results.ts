/** Keeps the newest tables in bench/README.md, each row between markers of its own, so that rows can be run singly. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const README = path.join(import.meta.dirname, 'README.md');

/** @throws Error when the page has no place for this row. */
export function writeResults(row: string, markdown: string): void {
  const page = readFileSync(README, 'utf8');
  const begin = `<!-- results of ${row} -->`;
  const end = `<!-- end of ${row} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`bench/README.md lacks the markers ${begin} and ${end}.`);
  const day = new Date().toISOString().slice(0, 10);
  writeFileSync(
    README,
    `${page.slice(0, from + begin.length)}\n\n${markdown} Measured on ${day}.\n\n${page.slice(to)}`,
  );
}
