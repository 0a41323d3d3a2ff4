import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Vault } from '../../src/core/vault.ts';
import { segmentsOf, settingChange, temporaryVault } from './temporary.ts';

let temporary: Awaited<ReturnType<typeof temporaryVault>>;
let vault: Vault;

beforeEach(async () => {
  temporary = await temporaryVault();
  vault = temporary.vault;
});
afterEach(async () => {
  await vault.journal.rotate(); // closes its file
  await temporary.remove();
});

const append = (...ids: string[]) =>
  vault.journal.append({ timeline: 0, writer: 'writer1', changes: ids.map((id) => settingChange(id)) });
const fileOf = (k = 0, writer = 'writer1') => join(temporary.dir, `timelines/0/journal/${writer}/${k}.jsonl`);

describe('A journal', () => {
  test('gives back what was appended, each batch as it was committed', async () => {
    await append('a', 'b');
    await append('c');
    const segments = [];
    for await (const segment of vault.journal.segments(0)) segments.push(segment);
    expect(segments).toEqual([
      { timeline: 0, writer: 'writer1', changes: [settingChange('a'), settingChange('b')] },
      { timeline: 0, writer: 'writer1', changes: [settingChange('c')] },
    ]);
    expect(temporary.damage).toEqual([]);
  });

  test('is empty for a timeline that has none', async () => {
    await append('a');
    expect(await segmentsOf(vault, 7)).toEqual([]);
  });

  test('keeps timelines apart', async () => {
    await append('a');
    await vault.journal.append({ timeline: 1, writer: 'writer1', changes: [settingChange('b')] });
    await append('c');
    expect(await segmentsOf(vault, 0)).toEqual([['a'], ['c']]);
    expect(await segmentsOf(vault, 1)).toEqual([['b']]);
  });

  test('holds what several writers wrote, and a new writer never touches the files of another', async () => {
    await append('a');
    const before = await readFile(fileOf());
    const other = await temporary.open('writer2');
    await other.journal.append({ timeline: 0, writer: 'writer2', changes: [settingChange('b')] });
    await other.journal.rotate();
    expect((await segmentsOf(vault)).sort()).toEqual([['a'], ['b']]);
    expect(await readFile(fileOf())).toEqual(before);
  });

  test('goes on in a new file after it was rotated, in the order it was written, also beyond nine files', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `n${index}`);
    for (const id of ids) {
      await append(id);
      await vault.journal.rotate();
    }
    expect(await segmentsOf(vault)).toEqual(ids.map((id) => [id]));
  });

  test('forgets what was before a mark, and nothing after it', async () => {
    await append('a');
    const mark = await vault.journal.rotate();
    await append('b');
    await vault.journal.forget(mark);
    await vault.journal.forget(mark);
    expect(await segmentsOf(vault)).toEqual([['b']]);
  });
});

describe('A journal that was cut short by a crash', () => {
  test('gives every batch that has its seal, wherever the cut is', async () => {
    await append('a');
    await append('b');
    const whole = await readFile(fileOf());
    const sealed = whole.indexOf('\n', whole.indexOf('"seal"')) + 1;
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(fileOf(), whole.subarray(0, length));
      const expected = length >= whole.length - 1 ? [['a'], ['b']] : length >= sealed - 1 ? [['a']] : [];
      expect({ length, found: await segmentsOf(vault) }).toEqual({ length, found: expected });
    }
  });

  test('is no hindrance to the next run', async () => {
    await append('a');
    await appendFile(fileOf(), '{"table":"settings","id":"torn","st');
    const next = await temporary.open('writer2');
    await next.journal.append({ timeline: 0, writer: 'writer2', changes: [settingChange('b')] });
    await next.journal.rotate();
    expect((await segmentsOf(next)).sort()).toEqual([['a'], ['b']]);
  });
});

describe('A journal with damage in the middle', () => {
  test('passes over just the batch with the flipped byte, and says so', async () => {
    await append('aaaa');
    await append('bbbb');
    await append('cccc');
    const whole = await readFile(fileOf());
    const changed = Buffer.from(whole);
    changed[whole.indexOf('bbbb') + 1] = 0x58;
    await writeFile(fileOf(), changed);
    expect(await segmentsOf(vault)).toEqual([['aaaa'], ['cccc']]);
    expect(temporary.damage).toEqual([expect.stringContaining('0.jsonl')]);
  });

  test('never gives a batch that is not just what was appended, whatever byte is flipped', async () => {
    for (const id of ['aaaa', 'bbbb', 'cccc']) await append(id);
    const whole = await readFile(fileOf());
    for (let at = 0; at < whole.length; at += 5) {
      const changed = Buffer.from(whole);
      changed[at] = changed[at]! ^ 0x04;
      await writeFile(fileOf(), changed);
      const found = (await segmentsOf(vault)).flat();
      expect({ at, odd: found.filter((id) => !['aaaa', 'bbbb', 'cccc'].includes(id)) }).toEqual({
        at,
        odd: [],
      });
      expect({ at, count: found.length >= 1 }).toEqual({ at, count: true });
    }
  });

  test('passes over a damaged seal together with its batch', async () => {
    await append('a');
    await append('b');
    const text = await readFile(fileOf(), 'utf8');
    await writeFile(fileOf(), text.replace('{"seal":1', '{"seal":x'));
    expect(await segmentsOf(vault)).toEqual([['b']]);
    expect(temporary.damage).toHaveLength(1);
  });
});

describe('After an append that failed', () => {
  test('the next one is whole, and nothing of the failed one is there', async () => {
    await append('a');
    const odd = { ...settingChange('bad'), row: { big: 1n as unknown as number } };
    await expect(
      vault.journal.append({ timeline: 0, writer: 'writer1', changes: [odd] }),
    ).rejects.toMatchObject({ code: 'unavailable' });
    await append('b');
    expect(await segmentsOf(vault)).toEqual([['a'], ['b']]);
    expect(temporary.damage).toEqual([]);
  });

  test('as the folder could not be made, one works again when it can', async () => {
    await mkdir(join(temporary.dir, 'timelines/0'), { recursive: true });
    await writeFile(join(temporary.dir, 'timelines/0/journal'), 'in the way');
    await expect(append('a')).rejects.toMatchObject({ code: 'unavailable' });
    await rm(join(temporary.dir, 'timelines/0/journal'));
    await append('b');
    expect(await segmentsOf(vault)).toEqual([['b']]);
  });
});
