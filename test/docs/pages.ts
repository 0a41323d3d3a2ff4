import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const project = fileURLToPath(new URL('../..', import.meta.url));

/** Every page, by its path in the project. */
export function docPages(): string[] {
  const pages = (folder: string) =>
    readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name));
  const top = readdirSync(project).filter((name) => name.endsWith('.md'));
  return [...top, ...pages('docs'), ...pages('bench')].sort();
}

export function readDoc(page: string): string {
  return readFileSync(join(project, page), 'utf8');
}

/** The first table whose first heading is `first`: its rows by the names of the headings. */
export function tableRows(text: string, first: string): Record<string, string>[] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => cellsOf(line)[0] === first);
  if (start < 0) throw new Error(`there is no table that begins with ${first}`);
  const heads = cellsOf(lines[start]!);
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
  return lines
    .slice(start + 2, end)
    .map((line) => Object.fromEntries(cellsOf(line).map((cell, at) => [heads[at] ?? '', cell])));
}

/** The shell lines of a page, or of the section under one of its headings. */
export function shellLines(text: string, heading: string): string {
  const section = text.split(/^(?=## )/m).find((part) => part.startsWith(`## ${heading}\n`)) ?? '';
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block).join('');
}

export function unquoted(cell = ''): string {
  return /`([^`]*)`/.exec(cell)?.[1] ?? '';
}

/** A bar that belongs to a cell is written with a backslash. */
function cellsOf(line: string): string[] {
  if (!line.startsWith('|')) return [];
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}
