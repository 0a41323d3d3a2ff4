import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { upload, type HowToSend } from '../support/api.ts';
import { makePicture, type Picture } from '../support/pictures.ts';
import { startService, type Service } from '../support/service.ts';
import { callsIn, canTrace, tracedInto, type Call } from '../support/strace.ts';

const traced = canTrace() ? test : test.skip;

let dir: string;
let service: Service | undefined;

beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-order-')));
});
afterEach(() => service?.kill());
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('Before an upload is answered with 201', () => {
  const cases: [string, HowToSend['how'], number, number][] = [
    ['a small form', 'form', 60, 40],
    ['a small raw body', 'raw', 60, 40],
    ['a streamed body of 3 MiB', 'raw', 1900, 1300],
    ['a streamed form of 3 MiB', 'form', 1900, 1300],
    ['a body whose length nobody announced', 'chunked', 1200, 900],
  ];
  traced.each(cases)(
    'bytes, their name, the journal and the row of %s are flushed, one after the other (skipped without strace)',
    async (what, how, width, height) => {
      const picture = await makePicture(what, width, height);
      const { dataDir, calls } = await traceUpload(picture, how);
      const uploads = join(dataDir, 'uploads');
      const named = join(uploads, picture.sha256[0]!, picture.sha256);

      const rename = only(calls, (call) => isRename(call) && call.args.includes(`"${named}"`));
      const temporary = /"([^"]+)", "/.exec(rename.args)![1]!;
      expect(dirname(temporary)).toBe(join(uploads, 'incoming'));
      const written = calls.filter((call) => isWrite(call) && isOf(call, temporary));
      expect(sum(written)).toBe(picture.bytes.length);

      const journal = last(
        calls,
        (call) => isWrite(call) && /"timelines|backups\/timelines\/\d+\/journal\//.test(call.args),
      );
      const wal = last(
        calls,
        (call) => isWrite(call) && isOf(call, join(dataDir, 'catalog.db-wal')),
        journal,
      );
      expectOneAfterTheOther([
        ...[written.at(-1)!, first(calls, flushOf(temporary), written.at(-1)!)],
        ...[rename, first(calls, flushOf(dirname(named)), rename)],
        ...[journal, first(calls, flushOf(pathOf(journal)), journal)],
        ...[wal, first(calls, flushOf(join(dataDir, 'catalog.db-wal')), wal)],
        only(calls, (call) => isWrite(call) && call.args.includes('"HTTP/1.1 201')),
      ]);
    },
    60_000,
  );

  traced(
    'every new folder and file on the way to the bytes and the journal has its name flushed',
    async () => {
      const picture = await makePicture('names', 60, 40);
      const { dataDir, calls } = await traceUpload(picture, 'raw');
      const answer = only(calls, (call) => isWrite(call) && call.args.includes('"HTTP/1.1 201'));
      const made = calls
        .filter((call) => call.result >= 0 && call.endedAt < answer.beganAt)
        .filter(
          (call) =>
            call.name === 'mkdir' || (call.name === 'openat' && /\.jsonl", [^)]*O_CREAT/.test(call.args)),
        )
        .map((call) => ({ call, path: /"([^"]+)"/.exec(call.args)![1]! }))
        .filter(
          ({ path }) =>
            path.startsWith(join(dataDir, 'uploads/')) ||
            path.startsWith(join(dataDir, 'backups/timelines/')),
        );
      expect(made.length).toBeGreaterThan(16);
      for (const { call, path } of made) {
        const flushed = calls.some(
          (flush) =>
            flushOf(dirname(path))(flush) && flush.beganAt > call.endedAt && flush.endedAt < answer.beganAt,
        );
        expect([path, flushed]).toEqual([path, true]);
      }
    },
  );
});

async function traceUpload(
  picture: Picture,
  how: HowToSend['how'],
): Promise<{ dataDir: string; calls: Call[] }> {
  const dataDir = await mkdtemp(join(dir, 'data-'));
  const file = `${dataDir}.strace`;
  await mkdir(dataDir, { recursive: true });
  service = await startService({ dataDir, prefix: tracedInto(file), env: { BACKUP_EVERY: '0' } });
  const { status } = await upload(service.url, [{ ...picture, name: 'traced.jpg' }], { how });
  await service.stop();
  expect(status).toBe(201);
  return { dataDir, calls: await callsIn(file, service.pid) };
}

function expectOneAfterTheOther(calls: readonly Call[]): void {
  const disorder = calls.filter((call, at) => at > 0 && call.beganAt < calls[at - 1]!.endedAt);
  expect(disorder).toEqual([]);
}

const isRename = ({ name, result }: Call) => name.startsWith('rename') && result === 0;
const isWrite = ({ name, result }: Call) => /^(p?writev?|pwrite64|sendto|sendmsg)$/.test(name) && result > 0;
const isOf = ({ args }: Call, path: string) => args.includes(`<${path}>`);
const flushOf = (path: string) => (call: Call) =>
  /^f(data)?sync$/.test(call.name) && call.result === 0 && isOf(call, path);

function pathOf({ args }: Call): string {
  return /^\d+<([^>]+)>/.exec(args)![1]!;
}

function sum(calls: readonly Call[]): number {
  return calls.reduce((bytes, { result }) => bytes + result, 0);
}

function only(calls: readonly Call[], is: (call: Call) => boolean): Call {
  const found = calls.filter(is);
  expect(found).toHaveLength(1);
  return found[0]!;
}

/** The first that began when `after` had ended. */
function first(calls: readonly Call[], is: (call: Call) => boolean, after: Call): Call {
  const found = calls.find((call) => is(call) && call.beganAt > after.endedAt);
  expect([after, found]).toEqual([after, expect.anything()]);
  return found!;
}

/** The last before the answer. */
function last(calls: readonly Call[], is: (call: Call) => boolean, after?: Call): Call {
  const answered = calls.find((call) => isWrite(call) && call.args.includes('"HTTP/1.1 201'))!;
  const found = calls.findLast(
    (call) => is(call) && call.beganAt < answered.beganAt && call.beganAt > (after?.endedAt ?? -1),
  );
  expect(found).toBeDefined();
  return found!;
}
