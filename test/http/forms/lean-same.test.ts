import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import multer from 'multer';
import { Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { receiveForm } from '../../../src/http/forms/form.ts';
import { readSmallForm, type SmallForm } from '../../../src/http/forms/lean.ts';
import { fileFields, formLimits } from '../../../src/http/forms/limits.ts';
import { clientForms, damagedForms, oddForms, type RawForm } from './odd-forms.ts';

describe('A form that is read the quick way is read the same by multer,', () => {
  test('whatever client wrote it', async () => {
    expect(await takenOf(clientForms, 1000)).toBe(1000);
  });

  test('whatever its parts are made of', async () => {
    expect(await takenOf(oddForms, 15_000)).toBeGreaterThan(2000);
  });

  test('whatever was damaged in it', async () => {
    expect(await takenOf(damagedForms, 60_000)).toBeGreaterThan(300);
  });
});

/** How many of them were read the quick way. */
async function takenOf(forms: fc.Arbitrary<RawForm>, numRuns: number): Promise<number> {
  let taken = 0;
  const same = fc.asyncProperty(forms, async ({ body, contentType }) => {
    const bytes = Buffer.from(body, 'latin1');
    const small = readSmallForm(bytes, contentType);
    if (small === undefined) return;
    taken += 1;
    await expectSameFromMulter(small, bytes, contentType);
    await expectSameFromGeneralForm(small, bytes, contentType);
  });
  await fc.assert(same, { numRuns });
  return taken;
}

function request(body: Buffer, contentType: string) {
  const headers = { 'content-type': contentType, 'content-length': String(body.length) };
  return Object.assign(Readable.from([body]), { headers });
}

/** multer by itself, with nothing of ours but the character set. */
async function expectSameFromMulter(small: SmallForm, body: Buffer, contentType: string): Promise<void> {
  const read = { files: [] as Express.Multer.File[], body: {} };
  const source = Object.assign(request(body, contentType), read);
  const upload = multer({ storage: multer.memoryStorage(), defParamCharset: 'utf8' }).any();
  await promisify(upload)(source as never, {} as never);

  expect(source.files).toHaveLength(1);
  const [file] = source.files;
  expect(file).toMatchObject({ fieldname: small.file.field, originalname: small.file.filename });
  expect(file!.mimetype).toBe(small.file.type ?? 'text/plain');
  expect(file!.buffer.equals(small.file.bytes)).toBe(true);
  const fields = listed(small.fields).map(([name, list]) => [name, list.length === 1 ? list[0] : list]);
  expect(Object.entries(source.body).sort()).toEqual(fields.sort());
}

async function expectSameFromGeneralForm(small: SmallForm, body: Buffer, contentType: string): Promise<void> {
  const form = await receiveForm(request(body, contentType), formLimits(2 ** 30, 1), async (file) => ({
    named: [file.field, file.filename, file.type],
    text: await textOf(file.stream.setEncoding('latin1')),
    before: [...file.fieldsSoFar],
  }));
  expect([...form.fields]).toEqual(listed(small.fields));
  if (!fileFields.has(small.file.field)) return;
  const { field, filename, type, bytes } = small.file;
  const ok = {
    named: [field, filename, type ?? 'text/plain'],
    text: Buffer.from(bytes).toString('latin1'),
    before: listed(small.fields.filter(({ beforeFile }) => beforeFile)),
  };
  expect(form.results).toEqual([{ ok }]);
}

function listed(fields: SmallForm['fields']): [string, string[]][] {
  const names = [...new Set(fields.map(({ name }) => name))];
  return names.map((name) => [name, fields.filter((one) => one.name === name).map(({ value }) => value)]);
}
