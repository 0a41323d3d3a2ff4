/** One client: a kept-alive connection that asks, waits for the answer, and asks again. */
import net from 'node:net';
import { readAnswers, type Answer } from './response.ts';
import { type Pieces } from './requests.ts';

export type Exchange = {
  answer: Answer | undefined;
  error: string | undefined;
  startedMs: number;
  sentBytes: number;
};

export type Client = {
  /** Sends nothing more; resolves when the answer under way is there. */
  finish(): Promise<void>;
  /** Gives up the answer under way. */
  abort(): void;
};

type Parts = {
  port: number;
  /** Nothing to send ends the client. */
  next: () => Pieces | undefined;
  pauseMs: number;
  keepBody: (status: number) => boolean;
  onExchange: (exchange: Exchange) => void;
};

// Large enough for few reads, small enough to stay in the processor's cache; used again and again.
const READ_BYTES = 128 * 1024;
const RECONNECT_MS = 100;

export function startClient({ port, next, pauseMs, keepBody, onExchange }: Parts): Client {
  let socket: net.Socket;
  let pieces: Pieces | undefined;
  let startedMs = 0;
  let bytesBefore = 0;
  let finishing = false;
  let usable = false;
  let timer: NodeJS.Timeout | undefined;
  const finished = Promise.withResolvers<undefined>();

  connect();
  return {
    finish: async () => {
      finishing = true;
      if (!pieces) close();
      await finished.promise;
    },
    abort: () => {
      finishing = true;
      close();
    },
  };

  function connect(): void {
    const reader = readAnswers(onAnswer, keepBody);
    const onread = { buffer: Buffer.allocUnsafe(READ_BYTES), callback };
    const own = net.connect({ host: '127.0.0.1', port, noDelay: true, onread });
    socket = own;
    bytesBefore = 0;
    own.on('connect', () => {
      usable = true;
      ask();
    });
    own.on('drain', pump);
    own.on('error', (error) => {
      fail(error.message);
    });
    own.on('end', () => {
      if (!reader.end()) fail('The connection ended within an answer.');
    });
    own.on('close', () => {
      if (own === socket) onClose();
    });

    function callback(length: number, buffer: Uint8Array): boolean {
      try {
        reader.read((buffer as Buffer).subarray(0, length));
      } catch (error) {
        fail(String(error));
        own.destroy();
      }
      return true;
    }
  }

  function ask(): void {
    pieces = finishing ? undefined : next();
    finishing ||= !pieces;
    if (!pieces) {
      close();
      return;
    }
    startedMs = performance.now();
    pump();
  }

  /** Writes until the socket has enough; goes on at its 'drain', so that a large body is never held in memory. */
  function pump(): void {
    if (!pieces) return;
    socket.cork();
    for (;;) {
      const piece = pieces.next();
      if (piece.done || !socket.write(piece.value)) break;
    }
    socket.uncork();
  }

  function onAnswer(answer: Answer): void {
    if (!pieces) return;
    // An answer that comes before the whole request is sent (413, say) leaves a connection nobody can use.
    const reusable = answer.keepAlive && pieces.next().done === true;
    report({ answer, error: undefined });
    if (!reusable) {
      usable = false;
      socket.destroy();
    } else if (pauseMs > 0) timer = setTimeout(ask, pauseMs);
    else ask();
  }

  function fail(error: string): void {
    if (pieces) report({ answer: undefined, error });
    else if (!finishing && !usable)
      onExchange({ answer: undefined, error, startedMs: performance.now(), sentBytes: 0 });
    usable = false;
  }

  function report(result: { answer: Answer | undefined; error: string | undefined }): void {
    pieces = undefined;
    const sentBytes = socket.bytesWritten - bytesBefore;
    bytesBefore = socket.bytesWritten;
    onExchange({ ...result, startedMs, sentBytes });
  }

  function onClose(): void {
    clearTimeout(timer);
    if (pieces) fail('The connection was closed before the answer.');
    if (finishing) finished.resolve(undefined);
    else timer = setTimeout(connect, RECONNECT_MS);
  }

  function close(): void {
    clearTimeout(timer);
    finished.resolve(undefined);
    socket.destroy();
  }
}
