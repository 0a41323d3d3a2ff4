import { createHash } from 'node:crypto';
import { open, readdir, readFile, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Change } from '../core/change.ts';
import { flushFolder, makeFolder } from '../core/durable.ts';
import { storageError, systemCode } from '../core/error.ts';
import type { WriterId } from '../core/stamp.ts';
import type { Journal, Segment } from '../core/vault.ts';

export interface FolderJournalParts {
  readonly dir: string;
  readonly writer: WriterId;
  readonly onDamage: (what: string) => void;
}

interface OpenFile {
  timeline: number;
  handle: FileHandle;
  sizeBytes: number;
  /** Where the last segment begins. */
  lastBytes: number;
}

/** A file is read whole when it is needed, so it must not grow without end. */
const fileBytes = 32 * 1024 * 1024;

/**
 * `timelines/<n>/journal/<writer>/<k>.jsonl`: a line for each change, and after the changes that were committed together a
 * line `{"seal":<how many>,"sha256":"<of those lines>"}`. What has no seal was never acknowledged.
 */
export function createFolderJournal({ dir, writer, onDamage }: FolderJournalParts): Journal {
  let file: OpenFile | undefined;
  let made = 0;

  async function openNext(timeline: number): Promise<OpenFile> {
    const folder = join(dir, 'timelines', String(timeline), 'journal', writer);
    await makeFolder(folder);
    const handle = await open(join(folder, `${made}.jsonl`), 'wx', 0o640);
    made += 1;
    await flushFolder(folder);
    return { timeline, handle, sizeBytes: 0, lastBytes: 0 };
  }

  async function close() {
    const closing = file;
    file = undefined;
    await closing?.handle.close();
  }

  return {
    async append(segment) {
      try {
        if (file?.timeline !== segment.timeline || file.sizeBytes > fileBytes) await close();
        file ??= await openNext(segment.timeline);
        const bytes = Buffer.from(sealedLines(segment.changes));
        await writeAll(file, bytes);
        await file.handle.datasync();
        file.lastBytes = file.sizeBytes;
        file.sizeBytes += bytes.length;
      } catch (error) {
        await cutShort(file).catch(close); // what was half written must not stand before what comes next
        throw storageError(error, 'write the journal');
      }
    },
    async takeBack() {
      if (file === undefined) return;
      try {
        file.sizeBytes = file.lastBytes;
        await cutShort(file);
        await file.handle.datasync();
      } catch (error) {
        await close();
        throw storageError(error, 'write the journal');
      }
    },
    async *segments(timeline) {
      for (const path of await journalFiles(dir, timeline))
        yield* readSegments(dir, path, timeline, onDamage);
    },
    async rotate() {
      await close();
      return allJournalFiles(dir);
    },
    async forget(mark) {
      for (const path of mark) await rm(join(dir, path), { force: true });
      for (const folder of new Set(mark.map((path) => dirname(dirname(join(dir, path))))))
        await flushFolder(folder);
    },
  };
}

function sealedLines(changes: readonly Change[]): string {
  const lines = changes.map((change) => `${JSON.stringify(change)}\n`).join('');
  return `${lines}${JSON.stringify({ seal: changes.length, sha256: sha256(lines) })}\n`;
}

/** Reads batch by batch; a damaged one is passed over, those after it still count. */
async function* readSegments(
  dir: string,
  path: string,
  timeline: number,
  onDamage: (what: string) => void,
): AsyncGenerator<Segment> {
  const text = await readFile(join(dir, path), 'utf8');
  const writer = path.split('/').at(-2)!;
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('{"seal":')) {
      lines.push(`${line}\n`);
      continue;
    }
    const changes = openBatch(lines, line);
    if (changes === undefined) onDamage(`a batch of changes in ${path}`);
    else yield { timeline, writer, changes };
    lines = [];
  }
}

function openBatch(lines: string[], seal: string): Change[] | undefined {
  try {
    const { seal: count, sha256: hash } = JSON.parse(seal) as { seal: number; sha256: string };
    if (count !== lines.length || hash !== sha256(lines.join(''))) return undefined;
    return lines.map((line) => JSON.parse(line) as Change);
  } catch {
    return undefined; // the seal itself is damaged
  }
}

/** On a disk that is nearly full a write may take only a part, and say so without an error. */
async function writeAll({ handle, sizeBytes }: OpenFile, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, sizeBytes + written);
    written += bytesWritten;
  }
}

async function cutShort(file: OpenFile | undefined): Promise<void> {
  await file?.handle.truncate(file.sizeBytes);
}

async function allJournalFiles(dir: string): Promise<string[]> {
  const timelines = (await names(join(dir, 'timelines'))).filter((name) => /^\d+$/.test(name));
  const files = await Promise.all(timelines.map((timeline) => journalFiles(dir, Number(timeline))));
  return files.flat();
}

/** Paths in the vault, each writer's in the order they were written. */
async function journalFiles(dir: string, timeline: number): Promise<string[]> {
  const folder = `timelines/${timeline}/journal`;
  const files: string[] = [];
  for (const writer of await names(join(dir, folder))) {
    const numbers = (await names(join(dir, folder, writer))).map((name) => Number.parseInt(name, 10));
    for (const number of numbers.sort((a, b) => a - b)) files.push(`${folder}/${writer}/${number}.jsonl`);
  }
  return files;
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw storageError(error, 'read the journal');
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
