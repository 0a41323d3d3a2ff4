import type { Parse } from './values.ts';

interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const seconds: Field = { min: 0, max: 59 };
const fields: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 7, names: weekdays },
];

/** Five fields of cron, or six with seconds in front; null: off. */
export const schedule: Parse<string | null> = (text) => {
  if (text === 'off') return { value: null };
  const parts = text.split(/\s+/);
  const expected = parts.length === 6 ? [seconds, ...fields] : fields;
  if (parts.length === expected.length && expected.every((field, at) => isField(parts[at] ?? '', field))) {
    return { value: parts.join(' ') };
  }
  return {
    wrong: 'is not a schedule',
    write:
      'Write five fields (minute hour day month weekday) such as "0 3 * * *" for every day at 3:00, or off.',
  };
};

/** A list of `*`, `5` and `1-5`, with `/2` behind `*` and `1-5` for every second one. */
function isField(text: string, field: Field): boolean {
  return text.split(',').every((part) => {
    const [range = '', step, ...more] = part.split('/');
    if (more.length > 0) return false;
    if (step !== undefined && (!isStep(step, field) || !/[*-]/.test(range))) return false;
    return range === '*' || isRange(range, field);
  });
}

function isRange(text: string, field: Field): boolean {
  const [from, to, ...more] = text.split('-').map((value) => numberOf(value, field));
  if (from === undefined || more.length > 0) return false;
  const last = to ?? from;
  return from >= field.min && last <= field.max && from <= last;
}

function isStep(text: string, { max }: Field): boolean {
  return /^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= max;
}

function numberOf(text: string, { min, names }: Field): number {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const at = names?.indexOf(text.toLowerCase()) ?? -1;
  return at < 0 ? Number.NaN : at + min;
}
