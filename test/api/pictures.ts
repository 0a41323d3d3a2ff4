import sharp from 'sharp';
import { box, bytes, fileType, movie } from '../uploads/samples.ts';
import type { Running } from './support.ts';

let made = 0;
const bases = new Map<string, Promise<Buffer>>();

/** A real JPEG that no other call gives: the picture of that size, with a comment of its own. */
export async function picture(width = 48, height = 36, orientation = 1): Promise<Buffer<ArrayBuffer>> {
  const name = `${width} ${height} ${orientation}`;
  const base = bases.get(name) ?? noise(width, height).withMetadata({ orientation }).jpeg().toBuffer();
  bases.set(name, base);
  made += 1;
  return withComment(await base, `picture ${made} of ${process.pid} at ${Date.now()}`);
}

/** An image of noise to be encoded in any way. */
export function noise(width: number, height: number) {
  const kind = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  return sharp({ create: { width, height, channels: 3, background: '#888', noise: kind } });
}

/** A COM segment (ITU-T T.81 §B.2.4.5) behind the first marker. */
export function withComment(jpeg: Buffer, text: string): Buffer<ArrayBuffer> {
  const comment = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(comment.length + 2);
  return bytes(jpeg.subarray(0, 2), 0xff, 0xfe, length, comment, jpeg.subarray(2));
}

/** A video that no other call gives: a header with one track and a box of its own. */
export function video(): Buffer<ArrayBuffer> {
  made += 1;
  const own = box('free', `video ${made} of ${process.pid} at ${Date.now()}`);
  return bytes(fileType('isom', 'isom', 'mp42'), movie('vide', 'soun'), own, box('mdat', Buffer.alloc(64)));
}

/** A JPEG with a good header whose data ends in the middle. */
export async function brokenPicture(): Promise<Buffer<ArrayBuffer>> {
  const whole = await picture(400, 300);
  return bytes(whole.subarray(0, Math.floor(whole.length / 2)));
}

type Media = Record<string, unknown> & { id: string; sha256: string; url: string; createdAt: string };

/** Uploads bytes as a form and gives the media; fails the test when they are not taken. */
export async function upload(
  running: Pick<Running, 'api'>,
  content?: Buffer,
  name = 'photo.jpg',
): Promise<Media> {
  const body = content ?? (await picture());
  const res = await running.api.post('/api/uploads').attach('file', body, name);
  if (res.status !== 201) throw new Error(`not taken: ${res.status} ${res.text}`);
  return res.body as Media;
}
