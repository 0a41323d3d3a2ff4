/** What a form may be made of. A file beyond `fileBytes` costs that file, anything else the whole form. */
export interface FormLimits {
  readonly fileBytes: number;
  readonly files: number;
  readonly fields: number;
  readonly fieldBytes: number;
  readonly fieldNameBytes: number;
}

/** The fields that may hold files. */
export const fileFields: ReadonlySet<string> = new Set([
  'file',
  'files',
  'files[]',
  'image',
  'images',
  'media',
]);

/** Enough for a description and many tags with each of many files. */
export function formLimits(fileBytes: number, files: number): FormLimits {
  return { fileBytes, files, fields: 20 + 4 * files, fieldBytes: 64 * 1024, fieldNameBytes: 100 };
}
