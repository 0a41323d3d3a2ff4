import type { Picture } from './pictures.ts';

/** A media as the service shows it. */
export interface Shown {
  readonly id: string;
  readonly sha256: string;
  readonly size: number;
  readonly type: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly description: string | null;
  readonly createdAt: string;
  readonly trashedAt: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Each expectation says what it takes it for.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

export interface NamedFile extends Picture {
  readonly name: string;
}

export interface HowToSend {
  /** `form`: one multipart body; `raw`: the bytes as the body; `chunked`: the same, without saying how long; `slow`: in steps. */
  readonly how: 'form' | 'raw' | 'chunked' | 'slow';
  readonly key?: string | undefined;
}

/** The connection ended before the whole answer was there. */
export class NoAnswer extends Error {
  /** What its first line said, when that much had come. */
  readonly status: number | undefined;

  constructor(status: number | undefined, cause: unknown) {
    super('no answer', { cause });
    this.status = status;
  }
}

const answerWithinMs = 60_000;

/** @throws NoAnswer */
export function upload(url: string, files: readonly NamedFile[], { how, key }: HowToSend): Promise<Answer> {
  const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key };
  if (how === 'form') return send(url, 'POST', '/api/uploads', { headers, body: formOf(files) });
  const [file] = files;
  Object.assign(headers, {
    'Content-Type': 'image/jpeg',
    'Content-Disposition': `attachment; filename="${file!.name}"`,
  });
  const body =
    how === 'raw' ? file!.bytes : ReadableStream.from(piecesOf(file!.bytes, how === 'slow' ? 25 : 0));
  return send(url, 'POST', '/api/uploads', { headers, body, ...(how !== 'raw' && { duplex: 'half' }) });
}

/** An answer with a JSON body, or with none. @throws NoAnswer */
export async function send(url: string, method: string, path: string, init: object = {}): Promise<Answer> {
  const { status, headers, bytes } = await ask(`${url}${path}`, { method, ...init });
  const isJson = headers.get('content-type')?.includes('json') === true;
  return { status, headers, body: isJson ? JSON.parse(bytes.toString()) : bytes.toString() };
}

export function sendJson(url: string, method: string, path: string, value: unknown): Promise<Answer> {
  const headers = { 'Content-Type': 'application/json' };
  return send(url, method, path, { headers, body: JSON.stringify(value) });
}

/** Every media by id, those in the trash too. @throws when a page is not answered with 200 */
export async function listAll(url: string): Promise<Map<string, Shown>> {
  const all = new Map<string, Shown>();
  for (const where of ['', '&trashed=true']) {
    for (let cursor = ''; ;) {
      const path = `/api/media?limit=200${where}${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { status, body } = await send(url, 'GET', path);
      if (status !== 200) throw new Error(`${path} was answered with ${status}: ${JSON.stringify(body)}`);
      for (const one of body.items) all.set(one.id, one);
      if (body.nextCursor === null) break;
      cursor = body.nextCursor;
    }
  }
  return all;
}

/** The bytes of a media, or those of the problem. @throws NoAnswer */
export function bytesOf(url: string, id: string): Promise<{ status: number; bytes: Buffer }> {
  return ask(`${url}/media/${id}`, {});
}

async function ask(url: string, init: object): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
  let status: number | undefined;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs), ...init });
    status = answer.status;
    return { status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
  } catch (error) {
    if (error instanceof TypeError) throw new NoAnswer(status, error); // what fetch makes of a lost connection
    throw error;
  }
}

function formOf(files: readonly NamedFile[]): FormData {
  const form = new FormData();
  for (const { bytes, name } of files) form.append('file', new Blob([bytes], { type: 'image/jpeg' }), name);
  return form;
}

async function* piecesOf(bytes: Buffer, pauseMs: number): AsyncGenerator<Uint8Array> {
  const pieceBytes = 128 * 1024;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    yield bytes.subarray(at, at + pieceBytes);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
