import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { isHoldfastError } from '../../../src/core/error.ts';
import { sendBytes, type Sendable } from '../../../src/http/bytes/send.ts';

export const modifiedMs = Date.UTC(2024, 0, 31, 12, 0, 0, 500);

export interface Shelf extends Sendable {
  readonly bytes: Buffer;
  /** One entry for each call of `open`. */
  readonly opened: Readable[];
}

/** A blob in memory that remembers who opened it. */
export function shelf(bytes: Buffer, overrides: Partial<Sendable> = {}): Shelf {
  const opened: Readable[] = [];
  const open: Sendable['open'] =
    overrides.open ??
    (async (range) =>
      Readable.from(chunksOf(bytes.subarray(range?.start ?? 0, range ? range.end + 1 : undefined))));
  return {
    id: createHash('sha256').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
    type: 'image/jpeg',
    name: 'cat.jpg',
    modifiedMs,
    cacheControl: 'private, max-age=31536000, immutable',
    download: false,
    ...overrides,
    bytes,
    opened,
    async open(range) {
      const source = await open(range);
      opened.push(source);
      return source;
    },
  };
}

function* chunksOf(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 16_384) yield bytes.subarray(at, at + 16_384);
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Serving {
  readonly server: Server;
  /** What `sendBytes` threw, in order; `undefined` for each call that resolved. */
  readonly outcomes: unknown[];
  ask(headers?: Record<string, string>, method?: string): Promise<Answered>;
  socket(): Promise<Socket>;
  close(): Promise<void>;
}

/** A plain node:http server that answers every request with the blob, or with what its error says. */
export async function serve(blob: Sendable, parts?: Parameters<typeof sendBytes>[3]): Promise<Serving> {
  const outcomes: unknown[] = [];
  const server = createServer((req, res) => {
    sendBytes(req, res, blob, parts).then(
      () => outcomes.push(undefined),
      (error: unknown) => {
        outcomes.push(error);
        if (res.headersSent) return;
        res.statusCode = statuses[isHoldfastError(error) ? error.code : ''] ?? 500;
        res.setHeader('Content-Type', 'application/problem+json');
        res.end(JSON.stringify({ code: isHoldfastError(error) ? error.code : 'internal' }));
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    server,
    outcomes,
    ask: (headers, method) => ask(port, headers, method),
    async socket() {
      const socket = connect(port, '127.0.0.1').on('error', () => {}); // a cut connection is often the point
      await once(socket, 'connect');
      return socket;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const statuses: Record<string, number> = {
  'precondition-failed': 412,
  'range-not-satisfiable': 416,
  'not-found': 404,
  damaged: 500,
  unavailable: 503,
};

async function ask(port: number, headers: Record<string, string> = {}, method = 'GET'): Promise<Answered> {
  const outgoing = request({ port, host: '127.0.0.1', method, headers, agent: false });
  outgoing.end();
  const [incoming] = await once(outgoing, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return { status: incoming.statusCode, headers: incoming.headers, body: Buffer.concat(chunks) };
}

export interface ReadPart {
  readonly headers: Record<string, string>;
  readonly start: number;
  readonly end: number;
  readonly sizeBytes: number;
  readonly body: Buffer;
}

/** Reads multipart/byteranges as a client would: by the boundary, and strictly. */
export function readParts({ headers, body }: Answered): ReadPart[] {
  const boundary = /^multipart\/byteranges; boundary=([0-9a-z]+)$/.exec(headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) throw new Error(`not multipart: ${headers['content-type']}`);
  const text = `\r\n${body.toString('latin1')}`;
  const pieces = text.split(`\r\n--${boundary}`);
  if (pieces[0] !== '' || pieces.at(-1) !== '--\r\n') throw new Error('no clean beginning or end');
  return pieces.slice(1, -1).map((piece) => {
    const cut = piece.indexOf('\r\n\r\n');
    const lines = piece.slice(2, cut).split('\r\n');
    const fields = Object.fromEntries(
      lines.map((line) => line.toLowerCase().split(': ') as [string, string]),
    );
    const place = /^bytes (\d+)-(\d+)\/(\d+)$/
      .exec(fields['content-range'] ?? '')!
      .slice(1)
      .map(Number);
    const [start, end, sizeBytes] = place as [number, number, number];
    return { headers: fields, start, end, sizeBytes, body: Buffer.from(piece.slice(cut + 4), 'latin1') };
  });
}

/** Waits until `isSo` is, so that a test need not guess how long something takes. */
export async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 10_000; !isSo(); await setTimeout(2)) {
    if (performance.now() > deadline) throw new Error(`still not so after ten seconds: ${isSo.toString()}`);
  }
}
