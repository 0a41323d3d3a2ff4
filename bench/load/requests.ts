/** What a client sends: each request is a few prebuilt pieces, of which only some bytes are new. */
import { readFileSync } from 'node:fs';
import { idSource, splitPicture, ID_LENGTH } from '../pictures.ts';
import { videoPieces } from '../videos.ts';

export type Work =
  /** Uploads of one picture file with a new id each time, or of generated videos. */
  | { kind: 'upload'; as: 'multipart' | 'raw'; picture: string }
  | { kind: 'upload'; as: 'multipart' | 'raw'; videoBytes: number }
  /** Requests without a body, over `paths` in turn. */
  | { kind: 'request'; method: 'GET' | 'POST'; paths: string[] };

export type Pieces = Iterator<Buffer>;

/** @returns a function that gives the pieces of the next request. `seed` makes its uploads differ from all others. */
export function requests(work: Work, { port, seed }: { port: number; seed: string }): () => Pieces {
  const host = `Host: 127.0.0.1:${port}\r\n`;
  if (work.kind === 'request') return plainRequests(work, host);
  const nextId = idSource(seed);
  return 'picture' in work ? pictureUploads(work, host, nextId) : videoUploads(work, host, nextId);
}

function plainRequests({ method, paths }: { method: string; paths: string[] }, host: string): () => Pieces {
  const length = method === 'POST' ? 'Content-Length: 0\r\n' : '';
  const built = paths.map((path) => [
    Buffer.from(`${method} ${path} HTTP/1.1\r\n${host}${length}\r\n`, 'latin1'),
  ]);
  let count = 0;
  return () => {
    const pieces = built[count++ % built.length] ?? [];
    return pieces[Symbol.iterator]();
  };
}

type Upload = { as: 'multipart' | 'raw' };

function pictureUploads(
  { as, picture: file }: Upload & { picture: string },
  host: string,
  nextId: () => string,
): () => Pieces {
  const picture = splitPicture(readFileSync(file));
  const { before, after } = envelope({
    as,
    host,
    type: 'image/jpeg',
    name: 'picture.jpg',
    sizeBytes: picture.sizeBytes,
  });
  const start = Buffer.concat([before, picture.head]);
  const rest = Buffer.concat([picture.tail, after]);
  return () => {
    // One small copy a request; the picture itself is shared by all.
    const head = Buffer.allocUnsafe(start.length + ID_LENGTH);
    start.copy(head);
    head.write(nextId(), start.length, 'latin1');
    return [head, rest][Symbol.iterator]();
  };
}

function videoUploads(
  { as, videoBytes }: Upload & { videoBytes: number },
  host: string,
  nextId: () => string,
): () => Pieces {
  const { before, after } = envelope({
    as,
    host,
    type: 'video/mp4',
    name: 'video.mp4',
    sizeBytes: videoBytes,
  });
  return function* () {
    yield before;
    yield* videoPieces(videoBytes, nextId());
    yield after;
  };
}

type Envelope = Upload & { host: string; type: string; name: string; sizeBytes: number };

function envelope({ as, host, type, name, sizeBytes }: Envelope): { before: Buffer; after: Buffer } {
  const start = `POST /api/uploads HTTP/1.1\r\n${host}`;
  if (as === 'raw') {
    const disposition = `Content-Disposition: attachment; filename="${name}"\r\n`;
    const head = `${start}Content-Type: ${type}\r\n${disposition}Content-Length: ${sizeBytes}\r\n\r\n`;
    return { before: Buffer.from(head, 'latin1'), after: Buffer.alloc(0) };
  }
  const boundary = '----bench7MA4YWxkTrZu0gW';
  const part = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: ${type}\r\n\r\n`;
  const after = `\r\n--${boundary}--\r\n`;
  const lengthBytes = part.length + sizeBytes + after.length;
  const head = `${start}Content-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${lengthBytes}\r\n\r\n`;
  return { before: Buffer.from(head + part, 'latin1'), after: Buffer.from(after, 'latin1') };
}
