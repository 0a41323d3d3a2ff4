import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { HoldfastError } from '../../../src/core/error.ts';
import { sendBytes, type Sendable } from '../../../src/http/bytes/send.ts';
import { serve, shelf, until, type Serving } from './serve.ts';

const bytes = Buffer.alloc(1_000_000, 'holdfast ');

let serving: Serving;
let escaped: unknown[];
const escape = (error: unknown) => escaped.push(error);

beforeEach(() => {
  escaped = [];
  process.on('uncaughtException', escape).on('unhandledRejection', escape).on('warning', escape);
});

afterEach(async () => {
  await serving.close();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('uncaughtException', escape).off('unhandledRejection', escape).off('warning', escape);
  expect(escaped).toEqual([]);
});

async function served(overrides: Partial<Sendable>) {
  const blob = shelf(bytes, overrides);
  serving = await serve(blob);
  return blob;
}

const asked = (range = '') => `GET / HTTP/1.1\r\nHost: x\r\n${range === '' ? '' : `Range: ${range}\r\n`}\r\n`;

/** Everything the server sends until it closes. */
async function hears(text: string): Promise<string> {
  const socket = await serving.socket();
  socket.write(text);
  return (await buffer(socket)).toString('latin1');
}

/** Endless bytes; counts what was taken, so that a test sees that nobody reads ahead of a slow client. */
function spring() {
  const counted = { bytes: 0 };
  const source = new Readable({
    read(size) {
      counted.bytes += size;
      this.push(Buffer.alloc(size, 'x'));
    },
  });
  return { source, counted };
}

/** Resolves when the server has seen the connection of its next request close. */
async function closing(): Promise<void> {
  const [req] = await once(serving.server, 'request');
  // not `once` from node:events, which an ECONNRESET before it would reject
  await new Promise((resolve) => req.socket.once('close', resolve));
}

/** Gives some bytes, then nothing more, and does not end. */
function stalled(text: string) {
  const source = new PassThrough();
  source.write(text);
  return source;
}

describe('A blob that cannot be opened', () => {
  test.each(['not-found', 'damaged', 'unavailable'] as const)(
    'is an error before the answer: %s',
    async (code) => {
      await served({ open: async () => Promise.reject(new HoldfastError(code, 'no')) });
      for (const range of [undefined, 'bytes=0-0', 'bytes=0-0,5-5']) {
        const answered = await serving.ask(range === undefined ? {} : { range });
        expect(JSON.parse(answered.body.toString())).toEqual({ code });
        for (const name of [
          'etag',
          'cache-control',
          'last-modified',
          'content-disposition',
          'repr-digest',
          'content-range',
        ]) {
          expect(answered.headers).not.toHaveProperty(name);
        }
      }
    },
  );

  test('after the first of several ranges cuts the connection', async () => {
    let calls = 0;
    const open: Sendable['open'] = async (range) => {
      calls += 1;
      if (calls === 2) throw new HoldfastError('damaged', 'no');
      return Readable.from([bytes.subarray(range!.start, range!.end + 1)]);
    };
    await served({ open });
    const text = await hears(asked('bytes=0-9,100-109,200-209'));
    expect(text).toMatch(/^HTTP\/1\.1 206 /);
    expect(text).not.toContain('--\r\n');
    expect(serving.outcomes).toEqual([expect.objectContaining({ code: 'damaged' })]);
    expect(calls).toBe(2);
  });
});

describe('A source that fails', () => {
  const failing = (chunks: number) =>
    Readable.from(
      (async function* () {
        for (let k = 0; k < chunks; k += 1) yield bytes.subarray(0, 100_000);
        throw new HoldfastError('unavailable', 'lost');
      })(),
    );

  test('before its first byte is an error with no header of the success', async () => {
    await served({ open: async () => failing(0) });
    const { status, headers, body } = await serving.ask();
    expect([status, JSON.parse(body.toString())]).toEqual([503, { code: 'unavailable' }]);
    for (const name of ['etag', 'cache-control', 'last-modified', 'content-disposition', 'accept-ranges']) {
      expect(headers).not.toHaveProperty(name);
    }
  });

  test.each([undefined, 'bytes=0-599999', 'bytes=0-599999,700000-'])(
    'midway cuts the connection: %s',
    async (range) => {
      const blob = await served({ open: async () => failing(3) });
      await expect(serving.ask(range === undefined ? {} : { range })).rejects.toMatchObject({
        code: 'ECONNRESET',
      });
      expect(serving.outcomes).toEqual([expect.objectContaining({ code: 'unavailable' })]);
      expect(blob.opened.every((source) => source.destroyed)).toBe(true);
    },
  );

  test.each([undefined, 'bytes=0-599999', 'bytes=0-599999,700000-'])(
    'by ending early cuts it too: %s',
    async (range) => {
      await served({ open: async () => Readable.from([bytes.subarray(0, 300_000)]) });
      await expect(serving.ask(range === undefined ? {} : { range })).rejects.toMatchObject({
        code: 'ECONNRESET',
      });
      expect(serving.outcomes).toEqual([expect.objectContaining({ code: 'damaged' })]);
    },
  );

  test.each(['', 'bytes=0-599999', 'bytes=0-599999,700000-'])(
    'before anybody reads it is met as well: %j',
    async (range) => {
      const blob = await served({ open: async () => stalled('some bytes') });
      // Behind an answer nobody fetches, so that the source is opened but not read from yet.
      const socket = await serving.socket();
      socket.write(asked() + asked(range));
      await until(() => blob.opened.length === 2);
      blob.opened[1]!.destroy(new HoldfastError('unavailable', 'lost'));
      await until(() => serving.outcomes.length === 1);
      expect(serving.outcomes).toEqual([expect.objectContaining({ code: 'unavailable' })]);
      socket.destroy();
      await until(() => serving.outcomes.length === 2);
    },
  );

  test('by closing without a word cuts it too', async () => {
    const blob = await served({ open: async () => stalled('some bytes') });
    const text = hears(asked());
    await until(() => blob.opened[0]?.listenerCount('readable') === 1);
    blob.opened[0]!.destroy();
    await text;
    await until(() => serving.outcomes.length === 1);
    expect(serving.outcomes[0]).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });

  test.each([undefined, 'bytes=0-599999'])(
    'by giving more than it should never sends the rest: %s',
    async (range) => {
      const blob = await served({ open: async () => Readable.from([bytes.subarray(0, 500_000), bytes]) });
      await expect(serving.ask(range === undefined ? {} : { range })).rejects.toMatchObject({
        code: 'ECONNRESET',
      });
      expect(serving.outcomes).toEqual([expect.objectContaining({ code: 'damaged' })]);
      expect(blob.opened[0]!.destroyed).toBe(true);
    },
  );

  test('with nothing at all is an error, not an empty answer', async () => {
    await served({ open: async () => Readable.from([]) });
    expect((await serving.ask()).status).toBe(500);
    expect(serving.outcomes).toEqual([expect.objectContaining({ code: 'damaged' })]);
  });
});

describe('A client that leaves early', () => {
  test.each(['', 'bytes=5-', 'bytes=0-599999999999,700000000000-'])('frees the source: %j', async (range) => {
    const blob = await served({ sizeBytes: 1e12, open: async () => spring().source });
    const socket = await serving.socket();
    socket.write(asked(range));
    await once(socket, 'data');
    socket.destroy();
    await until(() => serving.outcomes.length === 1);
    expect(serving.outcomes).toEqual([undefined]);
    expect(blob.opened.map((source) => source.destroyed)).toEqual([true]);
  });

  test.each(['', 'bytes=5-', 'bytes=0-599999,700000-'])(
    'frees a source that has stalled: %j',
    async (range) => {
      const blob = await served({ open: async () => stalled('some bytes') });
      const socket = await serving.socket();
      socket.write(asked(range));
      await once(socket, 'data');
      socket.resetAndDestroy();
      await until(() => blob.opened[0]!.destroyed && serving.outcomes.length === 1);
      expect(serving.outcomes).toEqual([undefined]);
    },
  );

  test.each(['', 'bytes=5-', 'bytes=0-599999,700000-'])(
    'while the blob is being opened: %j',
    async (range) => {
      let opening: (source: Readable) => void = () => {};
      const blob = await served({
        open: async () => new Promise<Readable>((resolve) => (opening = resolve)),
      });
      const socket = await serving.socket();
      const closed = closing();
      socket.write(asked(range));
      await once(serving.server, 'request');
      socket.destroy();
      await closed;
      // One that fails even when it is let go of: nobody is there to be told.
      const destroy: Readable['_destroy'] = (_error, done) => done(new Error('cannot be closed'));
      const source = new Readable({ read() {}, destroy });
      opening(source);
      await until(() => serving.outcomes.length === 1 && source.closed);
      expect(serving.outcomes).toEqual([undefined]);
      expect(blob.opened).toEqual([source]);
    },
  );

  test('while the second of several ranges is being opened', async () => {
    let opening: (source: Readable) => void = () => {};
    let calls = 0;
    const open: Sendable['open'] = async (range) => {
      calls += 1;
      if (calls === 1) return Readable.from([bytes.subarray(range!.start, range!.end + 1)]);
      return new Promise<Readable>((resolve) => (opening = resolve));
    };
    await served({ open });
    const socket = await serving.socket();
    const closed = closing();
    socket.write(asked('bytes=0-9,100-109'));
    await until(() => calls === 2);
    socket.destroy();
    await closed;
    const { source } = spring();
    opening(source);
    await until(() => source.destroyed && serving.outcomes.length === 1);
    expect(serving.outcomes).toEqual([undefined]);
  });

  test('before the answer begins costs no open', async () => {
    const blob = await served({});
    const late = new Promise<void>((resolve, reject) => {
      serving.server.removeAllListeners('request').once('request', (req, res) => {
        res.once('close', () => void sendBytes(req, res, blob).then(resolve, reject));
      });
    });
    const socket = await serving.socket();
    socket.write(asked());
    await once(serving.server, 'request');
    socket.destroy();
    await late;
    expect(blob.opened).toEqual([]);
  });

  test('frees the source also when it closes only its own half', async () => {
    const blob = await served({ sizeBytes: 1e12, open: async () => spring().source });
    const socket = await serving.socket();
    socket.write(asked());
    await once(socket, 'data');
    socket.end();
    await until(() => blob.opened[0]!.destroyed && serving.outcomes.length === 1);
    expect(serving.outcomes).toEqual([undefined]);
  });

  test('frees also the answers that were waiting for their turn', async () => {
    const blob = await served({ sizeBytes: 1e12, open: async () => spring().source });
    const socket = await serving.socket();
    socket.write(asked() + asked('bytes=5-') + asked('bytes=0-599999999999,700000000000-'));
    await until(() => blob.opened.length === 3);
    socket.destroy();
    await until(() => serving.outcomes.length === 3);
    expect(serving.outcomes).toEqual([undefined, undefined, undefined]);
    await until(() => blob.opened.every((source) => source.destroyed));
  });

  test('leaves no listener behind on a connection that is used again', async () => {
    await served({});
    const socket = await serving.socket();
    const requested = once(serving.server, 'request');
    socket.write(asked());
    const accepted: Socket = (await requested)[0].socket;
    socket.resume();
    await until(() => serving.outcomes.length === 1);
    const listeners = () => accepted.eventNames().map((name) => [name, accepted.listenerCount(name)]);
    const before = listeners();
    for (let k = 2; k <= 30; k += 1) {
      socket.write(asked('bytes=0-9,20-29,40-49'));
      await until(() => serving.outcomes.length === k);
    }
    expect(listeners()).toEqual(before);
  });
});

test('A client that does not read holds the source back', async () => {
  const { source, counted } = spring();
  await served({ sizeBytes: 1e12, open: async () => source });
  const { port } = serving.server.address() as AddressInfo;
  const outgoing = request({ port, agent: false }).end();
  await once(outgoing, 'response');
  let before = -1;
  while (counted.bytes !== before) {
    before = counted.bytes;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(counted.bytes).toBeLessThan(32 * 1024 * 1024);
  outgoing.destroy();
  await until(() => source.destroyed);
});
