/**
 * Reads HTTP/1.1 answers from one connection (RFC 9112): by length, chunked, or until the connection ends.
 * Bodies are counted, and kept only where somebody wants to read them.
 */

export type Answer = { status: number; bodyBytes: number; body: string; keepAlive: boolean };

export type AnswerReader = {
  /** `chunk` may be used again by the caller once this returns. */
  read(chunk: Buffer): void;
  /** The connection has ended; @returns whether that was between two answers. */
  end(): boolean;
};

type State = 'head' | 'length' | 'until-end' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer';

export function readAnswers(
  onAnswer: (answer: Answer) => void,
  keepBody: (status: number) => boolean,
): AnswerReader {
  let state: State = 'head';
  let text = '';
  let leftBytes = 0;
  let keep = false;
  let answer = emptyAnswer();

  return { read, end };

  function read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (state === 'length' || state === 'chunk' || state === 'until-end') at = readBody(chunk, at);
      else at = readLine(chunk, at);
    }
  }

  function end(): boolean {
    if (state === 'until-end') finish();
    return state === 'head' && text === '';
  }

  function readBody(chunk: Buffer, at: number): number {
    const takeBytes = state === 'until-end' ? chunk.length - at : Math.min(leftBytes, chunk.length - at);
    if (keep) answer.body += chunk.toString('latin1', at, at + takeBytes);
    answer.bodyBytes += takeBytes;
    leftBytes -= takeBytes;
    if (leftBytes === 0 && state === 'length') finish();
    if (leftBytes === 0 && state === 'chunk') state = 'chunk-end';
    return at + takeBytes;
  }

  /** Collects up to a line's end, or for a head up to the empty line, and goes on to what that says. */
  function readLine(chunk: Buffer, at: number): number {
    const ending = state === 'head' ? '\r\n\r\n' : '\r\n';
    const before = text.length;
    const wholeEndAt = before === 0 ? chunk.indexOf(ending, at, 'latin1') : -1;
    if (wholeEndAt >= 0) {
      afterLine(chunk.toString('latin1', at, wholeEndAt));
      return wholeEndAt + ending.length;
    }
    // The ending may be split over two chunks, so it is looked for in what has been collected.
    text += chunk.toString('latin1', at);
    const endAt = text.indexOf(ending, Math.max(0, before - 3));
    if (endAt < 0) return chunk.length;
    const line = text.slice(0, endAt);
    text = '';
    afterLine(line);
    return at + endAt + ending.length - before;
  }

  function afterLine(line: string): void {
    if (state === 'head') readHead(line);
    else if (state === 'chunk-end') state = 'chunk-size';
    else if (state === 'chunk-size') {
      leftBytes = parseInt(line, 16);
      if (Number.isNaN(leftBytes)) throw new Error(`"${line}" is no chunk size.`);
      state = leftBytes > 0 ? 'chunk' : 'trailer';
    } else if (line === '') finish();
  }

  function readHead(head: string): void {
    answer = emptyAnswer();
    answer.status = Number(head.slice(9, 12));
    if (!head.startsWith('HTTP/1.1 ') || !(answer.status >= 100))
      throw new Error(`"${head.slice(0, 40)}" is no answer.`);
    if (answer.status < 200) return; // 100 Continue and its like come before the answer.
    answer.keepAlive = header(head, 'connection')?.toLowerCase() !== 'close';
    keep = keepBody(answer.status);
    const length = header(head, 'content-length');
    if (answer.status === 204 || answer.status === 304) finish();
    else if (header(head, 'transfer-encoding')?.toLowerCase().endsWith('chunked')) state = 'chunk-size';
    else if (length === undefined) state = 'until-end';
    else if (Number(length) === 0) finish();
    else {
      leftBytes = Number(length);
      state = 'length';
    }
    if (state === 'until-end') answer.keepAlive = false;
  }

  function finish(): void {
    state = 'head';
    onAnswer(answer);
  }
}

function emptyAnswer(): Answer {
  return { status: 0, bodyBytes: 0, body: '', keepAlive: true };
}

function header(head: string, name: string): string | undefined {
  const start = head.toLowerCase().indexOf(`\r\n${name}:`);
  if (start < 0) return undefined;
  const valueAt = start + name.length + 3;
  const endAt = head.indexOf('\r\n', valueAt);
  return head.slice(valueAt, endAt < 0 ? undefined : endAt).trim();
}
