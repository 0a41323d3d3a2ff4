import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HoldfastError } from '../../src/core/error.ts';
import { recognise } from '../../src/uploads/recognise.ts';
import { big32, bytes, samples as makeSamples } from './samples.ts';

let samples: Record<string, Buffer>;
beforeAll(async () => {
  samples = await makeSamples();
});

describe('Whatever is sent', () => {
  const codes = ['unsupported-type', 'unreadable-image'];
  const mostMs = 250; // the slowest takes 3 when warm; what this finds is work that grows with the square

  /** Of this thread's work, which other work of the machine does not lengthen. */
  function check(file: Uint8Array, isWhole: boolean) {
    const before = process.threadCpuUsage();
    const code = refusal(file, isWhole);
    const { user, system } = process.threadCpuUsage(before);
    expect(code === undefined || codes.includes(code)).toBe(true);
    expect((user + system) / 1000).toBeLessThan(mostMs);
  }

  test('the answer is a type or one of two refusals, and quick', () => {
    const files = Object.values(samples);
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      byte: fc.nat(255),
      run: fc.integer({ min: 1, max: 4 }),
    });
    // Headers are at the beginning, so most changes go there.
    const near = fc.oneof(
      { weight: 3, arbitrary: fc.constant(200) },
      { weight: 1, arbitrary: fc.constant(Infinity) },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(change, { maxLength: 6 }),
        near,
        fc.option(fc.nat(400)),
        fc.boolean(),
        (file, changes, reach, cut, isWhole) => {
          const changed = Buffer.from(cut === null ? file : file.subarray(0, cut));
          const within = Math.min(reach, changed.length);
          for (const { at, byte, run } of changes) {
            const first = Math.floor(at * within);
            changed.fill(byte, first, Math.min(first + run, changed.length));
          }
          check(changed, isWhole);
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test('a megabyte of what is hardest to read is quick as well', () => {
    const beginnings = Object.values(samples).flatMap((file) =>
      [4, 12, 20, 28, 33, 60].map((end) => file.subarray(0, end)),
    );
    const units = [
      Buffer.of(0),
      Buffer.of(1),
      Buffer.of(0xff),
      Buffer.of(0x41),
      bytes('\xff\xe1\0\x02'),
      bytes('\xff\xe1\0\x1eExif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0\x01\0\0\0\x06\0\0\0'),
      bytes('\xff\xd0'),
      bytes(',\0\0\0\0\0\0\0\0\0\x01\0'),
      bytes('!\xfe\0'),
      bytes(0x83, 0x81, 2),
      bytes('!\xfe\x01\0\0'),
      bytes(big32(0), 'tEXt', big32(0)),
      bytes(big32(8), 'free'),
      bytes(big32(8), 'trak'),
      bytes(big32(8), 'ipma'),
      bytes(0xae, 0x80),
      bytes(0xec, 0x80),
      bytes('EXIG\0\0\0\0'),
    ];
    for (const beginning of beginnings) {
      for (const unit of units) {
        const file = Buffer.alloc(1 << 20, unit);
        file.set(beginning);
        check(file, false);
        check(file, true);
      }
    }
  });
});

/** The code of the refusal; undefined: it is taken. */
function refusal(file: Uint8Array, isWhole: boolean): string | undefined {
  try {
    recognise(file, { maxPixels: 100_000_000 }, isWhole);
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
}
