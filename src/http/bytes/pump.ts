import type { ServerResponse } from 'node:http';
import type { BlobReader, ByteRange } from '../../core/blob.ts';
import { wrongLength } from './body.ts';

/** One read for a small answer; for a large one, two blocks take turns: one is read while the other is sent. */
const smallBytes = 128 * 1024;
const blockBytes = 512 * 1024;
/** Blocks kept for the next answer, of either size. Memory that was touched before costs nothing to write to. */
const mostIdle = 16;

const idle = new Map<number, Buffer[]>([
  [smallBytes, []],
  [blockBytes, []],
]);

/**
 * Sends a range after `setHead`, which is called when its first bytes are at hand. Resolves also when the client leaves. A
 * failure after the first bytes cuts the connection. @throws what reading fails with, damaged when the blob is too short
 */
export async function pump(
  res: ServerResponse,
  reader: BlobReader,
  { start, end }: ByteRange,
  setHead: () => void,
): Promise<void> {
  const size = end - start + 1 <= smallBytes ? smallBytes : blockBytes;
  const sending: Promise<Buffer>[] = [];
  try {
    for (let position = start; position <= end;) {
      if (res.destroyed) return; // the client has left
      const block =
        sending.length === 2
          ? await sending.shift()!
          : (idle.get(size)!.pop() ?? Buffer.allocUnsafeSlow(size));
      const wanted = Math.min(size, end - position + 1);
      await fill(reader, block.subarray(0, wanted), position);
      if (position === start) setHead();
      position += wanted;
      sending.push(send(res, block, wanted, position > end));
    }
  } catch (error) {
    if (res.headersSent) res.destroy();
    throw error;
  } finally {
    for (const block of await Promise.all(sending))
      if (idle.get(size)!.length < mostIdle) idle.get(size)!.push(block);
  }
}

async function fill(reader: BlobReader, into: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < into.length;) {
    const count = await reader.read(into.subarray(filled), position + filled);
    if (count === 0) throw wrongLength();
    filled += count;
  }
}

/** Resolves to the block when nothing needs its bytes any more: they are with the kernel, or the client has left. */
function send(res: ServerResponse, block: Buffer, length: number, last: boolean): Promise<Buffer> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('close', done);
      resolve(block);
    };
    res.once('close', done);
    if (last) res.end(block.subarray(0, length), done);
    else res.write(block.subarray(0, length), done);
  });
}
